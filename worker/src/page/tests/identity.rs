//! Who is who: a person's number and lid mean the same conversation, on classic and on migrated accounts.

use colmeia::ChatId;
use colmeia::operations::{
    ArchiveChat, ChangeParticipants, ClearChat, GetContact, GetGroup, GetMessage, GetProfile, LidOfPhone,
    ListChats, MarkUnread, MessageRef, ParticipantChange, ReadChat,
};
use colmeia::protocol::{Call, CallErrorKind, Event, MessageRecord, Reply, TypingState};
use serde_json::{Value, json};

use super::rig::{FRIEND, ME, Session, Simulator, chat};
use crate::engine::{Engine, PageEvent};

const GROUP: &str = "120363041234567890@g.us";
/// Of somebody whose number WhatsApp does not tell.
const HIDDEN: &str = "98765432101234@lid";

async fn from_friend(simulator: &Simulator, session: &mut Session, body: &str) -> MessageRecord {
    let incoming = json!({ "to": ME, "from": FRIEND, "name": "Bruno", "body": body });
    simulator.post("/phone/message", incoming).await;
    session.message().await
}

async fn acknowledged(session: &mut Session, least: i32) -> String {
    session
        .event("an acknowledgement", |event| match event {
            PageEvent::Ack { message, ack, .. } if ack >= least => Some(message),
            _ => None,
        })
        .await
}

async fn texts(session: &Session, of: &str) -> Vec<String> {
    let call = Call::Messages { chat: of.to_owned(), limit: 50, before: None };
    match session.call(call).await.expect("listed") {
        Reply::Messages { messages, .. } => messages.into_iter().map(|message| message.body).collect(),
        other => panic!("{other:?}"),
    }
}

/// Whatever is done by one name of a person is done to the conversation that the other name means.
async fn either_name(query: &str) {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, query).await;
    let migrated = !query.is_empty();
    let number = format!("{FRIEND}@c.us");
    let came = from_friend(&simulator, &mut session, "oi").await;
    assert_eq!(came.from.ends_with("@lid"), migrated, "{}", came.from);
    assert_eq!(came.other_names.number(&came.from), Some(number.as_str()));
    assert_eq!(came.sender_name.as_deref(), Some("Bruno"));
    let lid = session.operate(LidOfPhone { phone: chat(FRIEND) }).await.expect("told").lid.expect("a lid");
    let id = |name: &str| ChatId::normalise(name).expect("an id");

    for (n, name) in [&number, &lid].into_iter().enumerate() {
        let text = format!("resposta {n}");
        let Ok(Reply::Sent(answer)) = session.call(Call::text(id(name), &text)).await else { panic!("sent") };
        let to = answer.message.split('_').nth(1).expect("a chat");
        let both = (answer.other_names.number(to), answer.other_names.lid(to));
        assert_eq!(both, (Some(number.as_str()), Some(lid.as_str())), "{}", answer.message);
        let sent = answer.message;
        let row = simulator.last_sent().await;
        assert_eq!((&row["to"], &row["id"]), (&json!(number), &json!(sent)));
        assert_eq!(session.own_message().await.id, sent, "the same id in the event");
        assert_eq!(acknowledged(&mut session, 2).await, sent, "and in the acknowledgement");
        assert_eq!(texts(&session, name).await.last(), Some(&text));

        session.operate(ArchiveChat { chat: id(name), archived: n == 0 }).await.expect("archived");
        session.operate(MarkUnread { chat: id(name) }).await.expect("marked");
        assert_eq!(session.call(Call::MarkSeen { chat: id(name) }).await, Ok(Reply::Done));
        session.operate(ReadChat { chat: id(name) }).await.expect("read");
        let typing = Call::Typing { chat: id(name), state: TypingState::Typing };
        assert_eq!(session.call(typing).await, Ok(Reply::Done));
        let one = ListChats { ids: vec![name.clone()], ..ListChats::default() };
        let listed = session.operate(one).await.expect("listed");
        assert_eq!((listed.len(), listed[0].chat.id.as_str()), (1, came.chat.as_str()));
        assert_eq!(listed[0].chat.other_names.number(&listed[0].chat.id), Some(number.as_str()));
        assert_eq!(listed[0].chat.archived, n == 0);
        let contact = session.operate(GetContact { contact: id(name) }).await.expect("told");
        assert_eq!(contact.other_names.number(&contact.id), Some(number.as_str()));
    }
    assert_eq!(session.operate(ListChats::default()).await.expect("listed").len(), 1, "one conversation");

    // A message is found by its whole id, with either name, and by less.
    let within = came.id.rsplit('_').next().expect("a part").to_owned();
    for key in [
        came.id.clone(),
        within.clone(),
        format!("false_{number}_{within}"),
        format!("false_{lid}_{within}"),
        format!("{lid}_{within}"),
    ] {
        let message = MessageRef::try_from(key.clone()).expect("an id");
        assert_eq!(session.operate(GetMessage { message }).await.expect("found").body, "oi", "{key}");
    }
    let wrong = MessageRef::try_from(format!("true_{number}_{within}")).expect("an id");
    assert_eq!(session.refusal(GetMessage { message: wrong }).await, CallErrorKind::NotFound);

    let me = session.operate(GetProfile {}).await.expect("told");
    assert!(me.lid.is_some_and(|lid| lid.ends_with("@lid")));
    let view = session.engine.probe_page(3_000).await.expect("it answers");
    assert!(view.me.and_then(|me| me.lid).is_some_and(|lid| lid.ends_with("@lid")));

    // The pairs outlive the browser.
    let (url, dirs) = (session.page_url.clone(), session.close().await);
    let mut session = Session::open_in(dirs, url, None).await;
    session.phase(crate::engine::PagePhase::Main).await;
    assert_eq!(texts(&session, &lid).await, texts(&session, &number).await);
    assert_eq!(texts(&session, &number).await.len(), 3);
    session.close().await;
}

#[tokio::test]
async fn either_name_means_the_same_conversation_on_a_classic_account() {
    either_name("").await;
}

#[tokio::test]
async fn either_name_means_the_same_conversation_on_a_migrated_account() {
    either_name("?lid=1").await;
}

#[tokio::test]
async fn who_was_never_written_to_is_reached_and_a_lids_digits_are_nobodys_number() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "?lid=1").await;
    let sent = session.send_text("5511944443333", "prazer").await.expect("a first message");
    assert!(sent.split('_').nth(1).is_some_and(|chat| chat.ends_with("@lid")), "{sent}");
    assert_eq!(simulator.last_sent().await["to"], "5511944443333@c.us");
    let error = session.send_text("5511944449404", "?").await.expect_err("it has no lid");
    assert_eq!((error.kind, error.message.contains("no lid")), (CallErrorKind::Refused, true));

    // Brazil's ninth digit: what WhatsApp says is the number is the number, for reading too.
    let alias = json!({ "id": "5531988887777", "value": "553188887777" });
    simulator.post("/phone/records/alias", alias).await;
    session.send_text("553188887777", "sem nove").await.expect("sent");
    assert_eq!(texts(&session, "5531988887777@c.us").await, ["sem nove"]);
    session.send_text("5531988887777", "com nove").await.expect("sent");
    assert_eq!(simulator.last_sent().await["to"], "553188887777@c.us");
    session.operate(ClearChat { chat: chat("5531988887777") }).await.expect("cleared");

    // A program that knows of no lids answers with the digits of one.
    let incoming = json!({ "to": ME, "from": HIDDEN, "name": "Cid", "body": "quem sou?" });
    simulator.post("/phone/message", incoming).await;
    let came = session.message().await;
    assert_eq!((came.from.as_str(), came.other_names.number(HIDDEN)), (HIDDEN, None));
    let digits = HIDDEN.trim_end_matches("@lid");
    session.send_text(digits, "você").await.expect("sent");
    assert_eq!(simulator.last_sent().await["to"], HIDDEN, "to who wrote, not to a stranger's number");
    assert_eq!(texts(&session, HIDDEN).await, ["quem sou?", "você"]);
    session.close().await;
}

async fn in_a_group(query: &str) {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, query).await;
    let migrated = !query.is_empty();
    let (friend, me) = (format!("{FRIEND}@c.us"), format!("{ME}@c.us"));
    let participants = json!([{ "id": friend, "role": "super_admin" }, { "id": me, "role": "admin" }]);
    let set = json!({ "subject": "Família", "participants": participants });
    let change = json!({ "subtype": "add", "recipients": [me] });
    let group = json!({ "id": GROUP, "by": FRIEND, "change": change, "set": set });
    simulator.post("/phone/group", group).await;
    let joined = session
        .event("the group", |event| match event {
            PageEvent::Happened(event) => match *event {
                Event::Group(group) => Some(group),
                _ => None,
            },
            _ => None,
        })
        .await;
    assert!(joined.concerns_me);
    let author = joined.author.expect("an author");
    assert_eq!((author.ends_with("@lid"), joined.other_names.number(&author)), (migrated, Some(&*friend)));
    assert!(joined.members.iter().all(|member| joined.other_names.number(&member.id).is_some()));

    let body: Value =
        json!({ "to": ME, "from": GROUP, "author": FRIEND, "name": "Bruno", "body": "a todos" });
    simulator.post("/phone/message", body).await;
    let came = session.message().await;
    let author = came.author.clone().expect("an author");
    assert_eq!((author.ends_with("@lid"), came.other_names.number(&author)), (migrated, Some(&*friend)));

    let sent = session.send_text(GROUP, "olá").await.expect("sent");
    assert_eq!(sent.split('_').count(), 4, "who wrote it is in the id: {sent}");
    assert_eq!(session.own_message().await.id, sent);
    assert_eq!(acknowledged(&mut session, 2).await, sent);
    let short = sent.rsplitn(2, '_').last().expect("without the author").to_owned();
    let message = MessageRef::try_from(short).expect("an id");
    assert_eq!(session.operate(GetMessage { message }).await.expect("found").body, "olá");

    // A member is found by its number, whatever the group calls it.
    let group = ChatId::normalise(GROUP).expect("a group");
    let promote = ChangeParticipants {
        group: group.clone(),
        change: ParticipantChange::Remove,
        participants: vec![chat(FRIEND)],
    };
    assert!(session.operate(promote).await.expect("tried")[0].done);
    let shown = session.operate(GetGroup { group }).await.expect("told");
    let numbers: Vec<_> = shown.participants.iter().map(|member| member.phone.as_deref()).collect();
    assert_eq!(numbers, [Some(me.as_str())]);
    session.close().await;
}

#[tokio::test]
async fn a_groups_people_have_both_names_on_a_classic_account() {
    in_a_group("").await;
}

#[tokio::test]
async fn a_groups_people_have_both_names_on_a_migrated_account() {
    in_a_group("?lid=1").await;
}
