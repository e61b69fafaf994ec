//! What happens beside the messages: told in the protocol's words, once, by a page that is not degraded for it.

use colmeia::operations::{EditMessage, GroupRole, LinkPreview, MessageRef, PresenceState};
use colmeia::protocol::{CallState, Event, GroupChange};
use serde_json::{Value, json};

use super::rig::{FRIEND, ME, Session, Simulator};
use crate::engine::{Engine, PageEvent};

const GROUP: &str = "120363041234567890@g.us";

/// The next event of another kind than messages and acknowledgements.
async fn happened(session: &mut Session) -> Event {
    session
        .event("something beside the messages", |event| match event {
            PageEvent::Happened(event) => Some(*event),
            _ => None,
        })
        .await
}

async fn message(simulator: &Simulator, session: &mut Session, body: &str) -> String {
    let message = json!({ "to": ME, "from": FRIEND, "name": "B", "body": body });
    simulator.post("/phone/message", message).await;
    session.message().await.id
}

async fn about(simulator: &Simulator, path: &str, id: &str, more: Value) {
    let mut body = json!({ "number": ME, "id": id });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    simulator.post(path, body).await;
}

#[tokio::test]
async fn real_chromium_tells_reactions_changes_and_revocations() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    let id = message(&simulator, &mut session, "oi").await;
    let friend = format!("{FRIEND}@c.us");

    for text in ["🙏", ""] {
        about(&simulator, "/phone/react", &id, json!({ "from": FRIEND, "reaction": text })).await;
        let Event::Reaction(reaction) = happened(&mut session).await else { panic!("a reaction") };
        assert_eq!((reaction.message.as_str(), reaction.text.as_str()), (id.as_str(), text));
        assert_eq!((reaction.sender.as_str(), reaction.chat.as_str()), (friend.as_str(), friend.as_str()));
        assert!(!reaction.from_me && reaction.timestamp_ms > 1_700_000_000_000 && reaction.id != id);
    }

    about(&simulator, "/phone/edit", &id, json!({ "body": "olá" })).await;
    let Event::Edited { message: edited, at_ms } = happened(&mut session).await else { panic!("a change") };
    assert_eq!((edited.id.as_str(), edited.body.as_str()), (id.as_str(), "olá"));
    assert!(at_ms > 1_700_000_000_000);

    about(&simulator, "/phone/revoke", &id, json!({})).await;
    let Event::Revoked { message: after, before } = happened(&mut session).await else {
        panic!("a revocation")
    };
    assert_eq!((after.id.as_str(), after.kind.as_str(), after.body.as_str()), (id.as_str(), "revoked", ""));
    assert_eq!(before.expect("it was seen").body, "oi");

    let view = session.engine.probe_page(3_000).await.expect("it answers");
    assert_eq!(view.degraded, Vec::<String>::new());
    session.close().await;
}

#[tokio::test]
async fn real_chromium_tells_presences_groups_and_calls() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    let (me, friend) = (format!("{ME}@c.us"), format!("{FRIEND}@c.us"));

    for (state, expected) in [("composing", PresenceState::Typing), ("unavailable", PresenceState::Offline)] {
        let body = json!({ "number": ME, "chat": FRIEND, "state": state, "last_seen": 1_700_000_000 });
        simulator.post("/phone/presence", body).await;
        let Event::Presence(presence) = happened(&mut session).await else { panic!("a presence") };
        assert_eq!(
            (presence.chat.as_str(), presence.participant.as_str()),
            (friend.as_str(), friend.as_str())
        );
        assert_eq!((presence.state, presence.last_seen_ms), (expected, Some(1_700_000_000_000)));
    }

    let admin = json!({ "id": friend, "role": "super_admin" });
    let member = json!({ "id": me, "role": "member" });
    let change = |change: Value, set: Value| {
        simulator.post("/phone/group", json!({ "id": GROUP, "by": FRIEND, "change": change, "set": set }))
    };
    change(
        json!({ "subtype": "add", "recipients": [me] }),
        json!({ "subject": "Família", "participants": [admin, member] }),
    )
    .await;
    let Event::Group(joined) = happened(&mut session).await else { panic!("a group") };
    assert_eq!((joined.group.as_str(), joined.change, joined.concerns_me), (GROUP, GroupChange::Join, true));
    assert_eq!(
        (joined.author.as_deref(), joined.subject.as_deref()),
        (Some(friend.as_str()), Some("Família"))
    );
    let roles: Vec<_> = joined.members.iter().map(|member| (member.id.as_str(), member.role)).collect();
    assert!(roles.contains(&(friend.as_str(), GroupRole::SuperAdmin)), "{roles:?}");
    assert!(joined.settings.is_some());

    change(json!({ "subtype": "subject", "body": "Casa" }), json!({ "subject": "Casa" })).await;
    let Event::Group(renamed) = happened(&mut session).await else { panic!("a group") };
    assert_eq!((renamed.change, renamed.subject.as_deref()), (GroupChange::Update, Some("Casa")));

    change(json!({ "subtype": "remove", "recipients": [me] }), json!({ "participants": [admin] })).await;
    let Event::Group(left) = happened(&mut session).await else { panic!("a group") };
    assert_eq!((left.change, left.concerns_me, left.participants), (GroupChange::Leave, true, vec![me]));
    assert!(left.members.is_empty());

    let call = simulator.post("/phone/call", json!({ "number": ME, "from": FRIEND, "video": true })).await;
    let id = call["id"].as_str().expect("an id");
    let Event::Call(rings) = happened(&mut session).await else { panic!("a call") };
    assert_eq!((rings.id.as_str(), rings.state, rings.is_video), (id, CallState::Received, true));
    assert_eq!(rings.from.as_deref(), Some(friend.as_str()));
    simulator.post("/phone/call", json!({ "number": ME, "from": FRIEND, "id": id, "state": "ended" })).await;
    let Event::Call(over) = happened(&mut session).await else { panic!("a call") };
    assert_eq!((over.id.as_str(), over.state), (id, CallState::Rejected));
    session.close().await;
}

#[tokio::test]
async fn real_chromium_tells_every_change_and_nothing_that_nobody_wrote() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    let id = message(&simulator, &mut session, "um").await;
    for text in ["dois", "três"] {
        about(&simulator, "/phone/edit", &id, json!({ "body": text })).await;
        let Event::Edited { message: edited, .. } = happened(&mut session).await else { panic!("a change") };
        assert_eq!((edited.id.as_str(), edited.body.as_str()), (id.as_str(), text));
    }

    let notes = ["album", "poll_update", "event_response", "history_bundle", "pinned_message", "oversized"];
    for kind in notes.into_iter().chain(["comment"]) {
        let content = json!({ "type": kind });
        let note = json!({ "to": ME, "from": FRIEND, "name": "B", "body": "sim", "content": content });
        simulator.post("/phone/message", note).await;
    }
    let told = session.message().await;
    assert_eq!((told.kind.as_str(), told.body.as_str()), ("comment", "sim"), "the first that somebody wrote");
    let media =
        json!({ "mimetype": "application/pdf", "filename": "a.pdf", "data": "AA==", "caption": "a.pdf" });
    simulator.post("/phone/message", json!({ "to": ME, "from": FRIEND, "name": "B", "media": media })).await;
    let document = session.message().await;
    assert_eq!((document.filename.as_deref(), document.body.as_str()), (Some("a.pdf"), ""));

    // An own change lets the acknowledgement fall and rise again; nobody is told.
    let own = session.send_text(FRIEND, "olá").await.expect("sent");
    let mut acks = Vec::new();
    while acks.last() != Some(&2) {
        acks.push(ack(&mut session, &own).await);
    }
    let edit = EditMessage {
        message: MessageRef::try_from(own.clone()).expect("an id"),
        text: "olá!".to_owned(),
        mentions: Vec::new(),
        link_preview: LinkPreview::None,
    };
    session.operate(edit).await.expect("edited");
    simulator.post("/phone/read", json!({ "number": ME, "chat": FRIEND })).await;
    acks.push(ack(&mut session, &own).await);
    assert_eq!(acks, [1, 2, 3]);

    for (state, expected) in [("elsewhere", CallState::Accepted), ("active", CallState::Accepted)] {
        let call = simulator.post("/phone/call", json!({ "number": ME, "from": FRIEND })).await;
        let call = |state: &str| json!({ "number": ME, "from": FRIEND, "id": call["id"], "state": state });
        let Event::Call(rings) = call_of(&mut session).await else { panic!("a call") };
        assert_eq!(rings.state, CallState::Received);
        simulator.post("/phone/call", call(state)).await;
        let Event::Call(taken) = call_of(&mut session).await else { panic!("a call") };
        assert_eq!((taken.id, taken.state), (rings.id, expected));
        simulator.post("/phone/call", call("ended")).await;
    }
    session.close().await;
}

async fn ack(session: &mut Session, of: &str) -> i32 {
    session
        .event("an acknowledgement", |event| match event {
            PageEvent::Ack { message, ack, .. } if message == of => Some(ack),
            _ => None,
        })
        .await
}

/// The next call, past what else happens.
async fn call_of(session: &mut Session) -> Event {
    loop {
        let event = happened(session).await;
        if matches!(event, Event::Call(_)) {
            return event;
        }
    }
}
