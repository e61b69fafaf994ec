//! What happens beside the messages: told in the protocol's words, once, by a page that is not degraded for it.

use colmeia::operations::{
    EditMessage, GetPresence, GroupRole, LinkPreview, MessageRef, PresenceState, React,
};
use colmeia::protocol::{Call, CallErrorKind, CallState, Event, GroupChange, MessageRecord};
use serde_json::{Value, json};

use bytes::Bytes;

use super::rig::{FRIEND, ME, Session, Simulator, chat};
use crate::engine::{Engine, PageEvent, PagePhase};
use crate::files::Body;

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

    for (state, expected) in [("typing", PresenceState::Typing), ("unavailable", PresenceState::Offline)] {
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

fn by_api(message: &MessageRecord) -> bool {
    message.details.as_ref().is_some_and(|details| details.by_api)
}

#[tokio::test]
async fn real_chromium_tells_what_was_sent_here_from_what_the_phone_sent() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    let id = session.send_text(FRIEND, "daqui").await.expect("sent");
    let here = session.own_message().await;
    assert_eq!((here.id.as_str(), by_api(&here)), (id.as_str(), true));

    let written = json!({ "to": ME, "from": FRIEND, "body": "do celular", "from_me": true });
    simulator.post("/phone/message", written).await;
    let there = session.own_message().await;
    assert_eq!((there.body.as_str(), by_api(&there)), ("do celular", false));

    // What is told of it later says the same.
    about(&simulator, "/phone/edit", &id, json!({ "body": "mudou" })).await;
    let Event::Edited { message: edited, .. } = happened(&mut session).await else { panic!("a change") };
    assert!(by_api(&edited) && edited.body == "mudou");

    let incoming = message(&simulator, &mut session, "oi").await;
    let theirs: MessageRef = incoming.clone().try_into().expect("an id");
    session.operate(React { message: theirs, reaction: "👍".into() }).await.expect("done");
    let Event::Reaction(reaction) = happened(&mut session).await else { panic!("a reaction") };
    assert!(reaction.from_me && reaction.by_api && reaction.message == incoming);
    about(&simulator, "/phone/react", &incoming, json!({ "from": FRIEND, "reaction": "👍" })).await;
    let Event::Reaction(reaction) = happened(&mut session).await else { panic!("a reaction") };
    assert!(!reaction.from_me && !reaction.by_api);
    session.close().await;
}

#[tokio::test]
async fn real_chromium_tells_votes_receipts_of_members_and_messages_that_wait() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    let (me, friend) = (format!("{ME}@c.us"), format!("{FRIEND}@c.us"));

    let options = json!([{ "name": "Sim", "localId": 0 }, { "name": "Não", "localId": 1 }]);
    let content = json!({ "type": "poll_creation", "pollName": "Vamos?", "pollOptions": options });
    let poll = json!({ "to": ME, "from": FRIEND, "body": "", "content": content });
    simulator.post("/phone/message", poll).await;
    let poll = session.message().await.id;
    for choices in [vec!["Não"], vec!["Sim"], vec![]] {
        about(&simulator, "/phone/vote", &poll, json!({ "from": FRIEND, "choices": choices })).await;
        let Event::PollVote(vote) = happened(&mut session).await else { panic!("a vote") };
        assert_eq!(
            (vote.poll.as_str(), vote.options),
            (poll.as_str(), choices.iter().map(|c| (*c).into()).collect())
        );
        assert_eq!((vote.sender.as_str(), vote.chat.as_str()), (friend.as_str(), friend.as_str()));
        assert!(!vote.from_me && vote.timestamp_ms > 1_700_000_000_000);
    }

    let unreadable = json!({ "to": ME, "from": FRIEND, "body": "", "content": { "type": "ciphertext" } });
    simulator.post("/phone/message", unreadable).await;
    let Event::Waiting(waiting) = happened(&mut session).await else { panic!("one that waits") };
    assert_eq!((waiting.kind.as_str(), waiting.body.as_str()), ("ciphertext", ""));
    about(&simulator, "/phone/readable", &waiting.id, json!({ "body": "agora sim" })).await;
    let readable = session.message().await;
    assert_eq!((readable.id, readable.body.as_str()), (waiting.id, "agora sim"));

    let members = json!([{ "id": friend, "role": "super_admin" }, { "id": me, "role": "member" }]);
    let set = json!({ "subject": "Turma", "participants": members });
    simulator
        .post("/phone/group", json!({ "id": GROUP, "by": FRIEND, "change": { "subtype": "add", "recipients": [me] }, "set": set }))
        .await;
    let Event::Group(_) = happened(&mut session).await else { panic!("a group") };
    let sent = session.send_text(GROUP, "oi").await.expect("sent");
    simulator.post("/phone/read", json!({ "number": ME, "chat": GROUP, "by": FRIEND })).await;
    let Event::GroupAck { message, participant, ack, .. } = happened(&mut session).await else {
        panic!("a receipt")
    };
    assert_eq!((message, participant, ack), (sent, friend, 3));

    let view = session.engine.probe_page(3_000).await.expect("it answers");
    assert_eq!(view.degraded, Vec::<String>::new());
    session.close().await;
}

#[tokio::test]
async fn real_chromium_tells_what_is_done_to_chats_and_what_marks_a_message_and_no_history() {
    let simulator = Simulator::start().await;
    // Only those have labels.
    simulator.post("/phone/records/person", json!({ "id": ME, "value": { "business": true } })).await;
    let mut session = Session::linked(&simulator, "?history=coming").await;
    let friend = format!("{FRIEND}@c.us");
    let old = json!([{ "id": "3AOLD", "body": "de antes", "timestamp": 1_600_000_000 }]);
    let history = json!({ "number": ME, "chat": FRIEND, "messages": old, "archived": true, "more": true });
    simulator.post("/phone/history", history).await;
    let rest = json!({ "number": ME, "chat": "5511966665555", "messages": old });
    simulator.post("/phone/history", rest).await;
    let first = message(&simulator, &mut session, "agora").await;
    assert!(first.starts_with("false_"), "what was before is not told: {first}");

    let do_to_chat = |what: Value| {
        let mut body = json!({ "number": ME, "chat": FRIEND });
        body.as_object_mut().expect("an object").extend(what.as_object().expect("an object").clone());
        simulator.post("/phone/chat", body)
    };
    do_to_chat(json!({ "archived": false })).await;
    let Event::Archived(notice) = happened(&mut session).await else { panic!("an archive") };
    assert_eq!((notice.chat.as_str(), notice.archived), (friend.as_str(), false));
    do_to_chat(json!({ "archived": true })).await;
    let Event::Archived(notice) = happened(&mut session).await else { panic!("an archive") };
    assert!(notice.archived);

    for name in ["Lead", "Cliente"] {
        let label = json!({ "number": ME, "id": "7", "name": name, "color": 3 });
        simulator.post("/phone/label", label).await;
        let Event::Label(notice) = happened(&mut session).await else { panic!("a label") };
        assert_eq!((notice.label.label.as_str(), notice.label.color, notice.deleted), (name, 3, false));
    }
    for added in [true, false] {
        do_to_chat(json!({ "labels": if added { vec!["7"] } else { vec![] } })).await;
        let Event::ChatLabel(notice) = happened(&mut session).await else { panic!("a chat's label") };
        assert_eq!(
            (notice.chat.as_str(), notice.label.label.as_str(), notice.added),
            (friend.as_str(), "Cliente", added)
        );
    }
    simulator.post("/phone/label", json!({ "number": ME, "id": "7", "deleted": true })).await;
    let Event::Label(notice) = happened(&mut session).await else { panic!("a label") };
    assert_eq!((notice.label.id.as_str(), notice.deleted), ("7", true));

    // Both forms in which a linked device may be told of what only the phone shows.
    for content in [
        json!({ "type": "image", "isViewOnce": true }),
        json!({ "type": "ciphertext", "subtype": "view_once_unavailable_fanout" }),
    ] {
        let once = json!({ "to": ME, "from": FRIEND, "body": "", "content": content });
        simulator.post("/phone/message", once).await;
        let told = session.message().await;
        assert!(!told.has_media && told.details.expect("marked").view_once, "{content}");
        let download = Call::DownloadMedia { message: told.id, most: None };
        let error = session.call(download).await.expect_err("it is on the phone only");
        assert_eq!(error.kind, CallErrorKind::MediaUnavailable);
    }

    let context = json!({ "sourceUrl": "https://fb.me/1", "mediaType": 1, "ctwaClid": "c1", "thumbnail": "AAAA",
        "conversionData": { "a": 1 } });
    let ad = json!({ "to": ME, "from": FRIEND, "body": "vi o anúncio", "content": { "type": "chat", "ctwaContext": context } });
    simulator.post("/phone/message", ad).await;
    let details = session.message().await.details.expect("details");
    let expected = json!({ "sourceUrl": "https://fb.me/1", "mediaType": 1, "ctwaClid": "c1" });
    assert_eq!(details.referral.map(Value::Object), Some(expected));

    // Only announced, two seconds before its announcement ends.
    let call = json!({ "number": ME, "from": FRIEND, "state": "announced", "age": 43 });
    simulator.post("/phone/call", call).await;
    for state in [CallState::Received, CallState::Rejected] {
        let Event::Call(call) = call_of(&mut session).await else { panic!("a call") };
        assert_eq!((call.from.as_deref(), call.state), (Some(friend.as_str()), state));
    }
    session.close().await;
}

#[tokio::test]
async fn real_chromium_waits_for_a_file_that_the_phone_uploads_again_or_says_what_is_missing() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        let media = json!({ "mimetype": "text/plain", "filename": name, "data": "b2xh" });
        let message = json!({ "to": ME, "from": FRIEND, "name": "B", "media": media });
        simulator.post("/phone/message", message).await;
        ids.push(session.message().await.id);
    }
    let download = |message: &String| Call::DownloadMedia { message: message.clone(), most: None };

    simulator.fault("reupload", 1500).await;
    let (_, body) = session.with_body(download(&ids[0]), Bytes::new()).await.expect("it comes again");
    assert_eq!(&body[..], b"ola");

    // The phone is away: the answer names that before the call's own time is over.
    simulator.post("/phone/fault", json!({ "number": ME, "fault": "reupload" })).await;
    let error = session.engine.call(download(&ids[1]), Body::NONE, 5_000).await.expect_err("it is away");
    assert_eq!(error.kind, CallErrorKind::MediaUnavailable);
    assert!(error.message.contains("upload it again"), "{error:?}");
    // Once it is there the same file can be had.
    simulator.fault("reupload", 0).await;
    let (_, body) = session.with_body(download(&ids[1]), Bytes::new()).await.expect("it is there");
    assert_eq!(&body[..], b"ola");

    simulator.fault("reupload_fails", 300).await;
    // The page hears of both over one line: when the message is there, the fault is in force.
    simulator.post("/phone/message", json!({ "to": ME, "from": FRIEND, "body": "agora" })).await;
    session.message().await;
    let error = session.call(download(&ids[2])).await.expect_err("the phone has it no more");
    assert_eq!(error.kind, CallErrorKind::MediaUnavailable);

    // What is too large to be passed on is not fetched first: there is nothing at this address.
    let large = json!({ "type": "document", "size": 100_000_000, "directPath": "/nowhere" });
    let message = json!({ "to": ME, "from": FRIEND, "body": "", "content": large });
    simulator.post("/phone/message", message).await;
    let large = session.message().await.id;
    let error = session.call(download(&large)).await.expect_err("it is too large");
    assert_eq!(error.kind, CallErrorKind::TooLarge);
    session.close().await;
}

#[tokio::test]
async fn real_chromium_names_people_twice_in_receipts_and_presences() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "?lid=1").await;
    let (me, friend) = (format!("{ME}@c.us"), format!("{FRIEND}@c.us"));
    let members = json!([{ "id": friend, "role": "super_admin" }, { "id": me, "role": "member" }]);
    let set = json!({ "subject": "Turma", "participants": members });
    let change = json!({ "subtype": "add", "recipients": [me] });
    simulator.post("/phone/group", json!({ "id": GROUP, "by": FRIEND, "change": change, "set": set })).await;
    let Event::Group(_) = happened(&mut session).await else { panic!("a group") };
    let sent = session.send_text(GROUP, "oi").await.expect("sent");
    simulator.post("/phone/read", json!({ "number": ME, "chat": GROUP, "by": FRIEND })).await;
    let Event::GroupAck { message, participant, other_names, .. } = happened(&mut session).await else {
        panic!("a receipt")
    };
    assert_eq!((message, participant.ends_with("@lid")), (sent, true));
    assert_eq!(other_names.number(&participant), Some(friend.as_str()));

    self::message(&simulator, &mut session, "oi").await;
    let own = session.send_text(FRIEND, "olá").await.expect("sent");
    let names = session
        .event("its receipt", |event| match event {
            PageEvent::Ack { message, other_names, .. } if message == own => Some(other_names),
            _ => None,
        })
        .await;
    let chat_id = own.split('_').nth(1).expect("a chat").to_owned();
    assert_eq!((chat_id.ends_with("@lid"), names.number(&chat_id)), (true, Some(friend.as_str())));

    let typing = json!({ "number": ME, "chat": FRIEND, "state": "typing" });
    simulator.post("/phone/presence", typing).await;
    let presence = loop {
        if let Event::Presence(presence) = happened(&mut session).await {
            break presence;
        }
    };
    assert_eq!(presence.other_names.number(&presence.participant), Some(friend.as_str()));
    let known = session.operate(GetPresence { chat: chat(FRIEND) }).await.expect("known");
    assert_eq!(known.other_names.number(&known.presences[0].participant), Some(friend.as_str()));
    session.close().await;
}

#[tokio::test]
async fn real_chromium_shows_a_locked_screen_and_goes_through_with_a_forced_logout() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    simulator.fault("screen_lock", 1).await;
    session.phase(PagePhase::ScreenLocked).await;
    simulator.fault("screen_lock", 0).await;
    session.phase(PagePhase::Main).await;

    // The dialog waits for a click that nobody makes here.
    simulator.post("/phone/fault", json!({ "number": ME, "fault": "forced_logout" })).await;
    session.event("the end of the link", |event| matches!(event, PageEvent::LoggedOut).then_some(())).await;
    session.phase(PagePhase::Qr).await;
    assert!(!simulator.is_listed(ME).await, "the phone has heard of it");
    session.close().await;
}
