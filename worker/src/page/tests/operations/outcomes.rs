//! What is said of an operation: done only with the page's or the server's word, refused with nothing changed, and
//! unknown only where it is. Also without the page's main screen, which is only one way among others.

use colmeia::ChatId;
use colmeia::operations::{
    ArchiveChat, Block, ChangeParticipants, ClearChat, CreateGroup, DeleteChat, DeleteMessage, EditMessage,
    Forward, GetGroup, GetMessage, GroupSetting, JoinGroup, LeaveGroup, LinkPreview, ListChats, MarkUnread,
    MessageRef, MuteChat, ParticipantChange, PinChat, PinMessage, React, ReadChat, RevokeInviteCode,
    SendOptions, SendPoll, SetGroupSetting, Star, Vote,
};
use colmeia::protocol::{Call, CallErrorKind, Reply};
use serde_json::{Value, json};

use super::{OTHER, key, received};
use crate::page::tests::rig::{FRIEND, ME, Session, Simulator, chat};

/// From now on the server answers this account's doings of a kind so; null: as ever.
async fn answers(simulator: &Simulator, what: &str, value: Value) {
    simulator.post("/phone/records/refusal", json!({ "id": format!("{ME}/{what}"), "value": value })).await;
}

/// Refused with this kind while the server answers so.
macro_rules! refused {
    ($simulator:ident, $session:ident, $what:literal, $status:expr, $kind:ident, $operation:expr) => {{
        answers(&$simulator, $what, json!($status)).await;
        let error = $session.operate($operation).await.err().map(|error| (error.kind, error.message));
        answers(&$simulator, $what, json!(null)).await;
        let kind = error.as_ref().map(|(kind, _)| *kind);
        assert_eq!(kind, Some(CallErrorKind::$kind), "{} {}: {error:?}", $what, $status);
    }};
}

fn edit(message: &MessageRef, text: &str) -> EditMessage {
    let (message, text) = (message.clone(), text.to_owned());
    EditMessage { message, text, mentions: Vec::new(), link_preview: LinkPreview::None }
}

#[tokio::test]
async fn refusals_about_messages_are_said() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "?ui=0").await;
    let theirs = received(&mut session, &simulator, "oi").await;
    let mine = key(&session.send_text(FRIEND, "olá").await.expect("sent"));

    answers(&simulator, "send", json!(475)).await;
    let error = session.send_text(OTHER, "?").await.expect_err("refused");
    assert_eq!((error.kind, error.message.contains("this month")), (CallErrorKind::Refused, true), "{error}");
    answers(&simulator, "send", json!("network")).await;
    let error = session.send_text(FRIEND, "?").await.expect_err("refused");
    assert_eq!(
        (error.kind, error.message.contains("no connection")),
        (CallErrorKind::Refused, true),
        "{error}"
    );
    answers(&simulator, "send", json!(null)).await;

    for status in [json!(463), json!("network")] {
        refused!(
            simulator,
            session,
            "send",
            status,
            Refused,
            Forward { chat: chat(OTHER), message: theirs.clone() }
        );
    }
    let copy =
        session.operate(Forward { chat: chat(OTHER), message: theirs.clone() }).await.expect("forwarded");
    let row = simulator.last_sent().await;
    assert_eq!(
        (&row["id"], &row["forwarded"], &row["body"]),
        (&json!(copy.message), &json!(true), &json!("oi"))
    );

    let react = || React { message: theirs.clone(), reaction: "👍".to_owned() };
    refused!(simulator, session, "reaction", 403, Refused, react());
    let pin = || PinMessage { message: theirs.clone(), seconds: 1 };
    refused!(simulator, session, "pin", 403, Refused, pin());
    refused!(simulator, session, "edit", 406, Refused, edit(&mine, "tarde"));
    session.operate(edit(&mine, "olá!")).await.expect("edited");
    refused!(simulator, session, "star", 403, Forbidden, Star { message: theirs.clone(), starred: true });
    refused!(
        simulator,
        session,
        "star",
        "lost",
        OutcomeUnknown,
        Star { message: theirs.clone(), starred: true }
    );
    session.operate(Star { message: theirs.clone(), starred: true }).await.expect("starred");

    let poll = SendPoll {
        chat: chat(FRIEND),
        question: "Quando?".to_owned(),
        choices: vec!["hoje".to_owned(), "amanhã".to_owned()],
        multiple: false,
        options: SendOptions::default(),
    };
    let poll = key(&session.operate(poll).await.expect("sent").message);
    refused!(
        simulator,
        session,
        "poll_vote",
        403,
        Refused,
        Vote { message: poll.clone(), choices: vec!["hoje".to_owned()] }
    );

    let delete = |for_everyone| DeleteMessage { message: mine.clone(), for_everyone };
    for status in [json!(403), json!("network")] {
        refused!(simulator, session, "revoke", status, Refused, delete(true));
    }
    let shown = session.operate(GetMessage { message: mine.clone() }).await.expect("it is there");
    assert_eq!(shown.kind, "chat", "nothing was taken back");
    session.operate(delete(true)).await.expect("deleted for everyone");
    let shown = session.operate(GetMessage { message: mine.clone() }).await.expect("by the id that it had");
    assert_eq!(shown.kind, "revoked");
    let delete = || DeleteMessage { message: theirs.clone(), for_everyone: false };
    refused!(simulator, session, "delete", 1, Refused, delete());
    session.operate(delete()).await.expect("deleted here");

    let incoming = received(&mut session, &simulator, "responda").await;
    let options = SendOptions { reply_to: Some(incoming), ..SendOptions::default() };
    let call =
        Call::SendText { chat: chat(FRIEND), text: "sim".into(), options, link_preview: LinkPreview::None };
    assert!(matches!(session.call(call).await, Ok(Reply::Sent(_))));
    assert_eq!(simulator.last_sent().await["quoted_elsewhere"], Value::Null, "an answer in the same chat");
    session.close().await;
}

#[tokio::test]
async fn refusals_about_chats_and_people_are_said() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "?ui=0&lid=1").await;
    received(&mut session, &simulator, "oi").await;
    let friend = || chat(FRIEND);
    let overview = || async { session.operate(ListChats::default()).await.expect("listed").remove(0) };

    let archive = |archived| ArchiveChat { chat: friend(), archived };
    refused!(simulator, session, "archive", 403, Forbidden, archive(true));
    refused!(simulator, session, "archive", "lost", OutcomeUnknown, archive(true));
    assert!(!overview().await.chat.archived);
    for archived in [true, true, false] {
        session.operate(archive(archived)).await.expect("also where it is so already");
        assert_eq!(overview().await.chat.archived, archived);
    }
    let pin = |pinned| PinChat { chat: friend(), pinned };
    refused!(simulator, session, "pin_chat", 405, Refused, pin(true));
    session.operate(pin(true)).await.expect("pinned");
    let mute = |until_ms| MuteChat { chat: friend(), until_ms };
    refused!(simulator, session, "mute", 500, Refused, mute(Some(2_000_000_000_000)));
    session.operate(mute(Some(2_000_000_000_000))).await.expect("muted");
    assert!(overview().await.muted);

    session.operate(ReadChat { chat: friend() }).await.expect("read");
    refused!(simulator, session, "unread", 403, Refused, MarkUnread { chat: friend() });
    session.operate(MarkUnread { chat: friend() }).await.expect("marked");
    assert!(overview().await.chat.unread < 0);
    assert_eq!(session.call(Call::MarkSeen { chat: friend() }).await, Ok(Reply::Done));
    assert_eq!(overview().await.chat.unread, 0);

    let block = |blocked| Block { contact: friend(), blocked };
    refused!(simulator, session, "block", 403, Forbidden, block(true));
    refused!(simulator, session, "block", "lost", OutcomeUnknown, block(true));
    session.operate(block(true)).await.expect("blocked");
    let error = session.send_text(FRIEND, "?").await.expect_err("blocked");
    assert_eq!(error.kind, CallErrorKind::Forbidden, "{error}");
    session.operate(block(false)).await.expect("unblocked");

    refused!(simulator, session, "clear", 403, Forbidden, ClearChat { chat: friend() });
    refused!(simulator, session, "delete_chat", 500, Refused, DeleteChat { chat: friend() });
    session.operate(ClearChat { chat: friend() }).await.expect("emptied");
    assert!(overview().await.chat.last_message.is_none());
    session.operate(DeleteChat { chat: friend() }).await.expect("deleted");
    assert!(session.operate(ListChats::default()).await.expect("listed").is_empty());
    session.close().await;
}

#[tokio::test]
async fn refusals_about_groups_are_said() {
    let simulator = Simulator::start().await;
    let session = Session::linked(&simulator, "?lid=1").await;
    let (nobody_adds, friend) = ("5511922229403", chat(FRIEND));
    let create =
        CreateGroup { subject: "Time".to_owned(), participants: vec![friend.clone(), chat(nobody_adds)] };
    let made = session.operate(create).await.expect("made");
    assert_eq!(made.participants.len(), 2, "who has to be invited is not in it");
    let group = ChatId::normalise(&made.id).expect("a group");

    let set = |setting, on| SetGroupSetting { group: group.clone(), setting, on };
    refused!(simulator, session, "announcement", 403, Forbidden, set(GroupSetting::MessagesAdminsOnly, true));
    refused!(
        simulator,
        session,
        "announcement",
        "lost",
        OutcomeUnknown,
        set(GroupSetting::MessagesAdminsOnly, true)
    );
    refused!(simulator, session, "member_add_mode", 403, Forbidden, set(GroupSetting::MembersAdd, true));
    session.operate(set(GroupSetting::MembersAdd, true)).await.expect("set");
    assert!(session.operate(GetGroup { group: group.clone() }).await.expect("told").members_add);

    answers(&simulator, "promote", json!(406)).await;
    let promote = || ChangeParticipants {
        group: group.clone(),
        change: ParticipantChange::Promote,
        participants: vec![friend.clone()],
    };
    let outcomes = session.operate(promote()).await.expect("tried");
    assert_eq!((outcomes[0].done, outcomes[0].code), (false, Some(406)));
    answers(&simulator, "promote", json!(null)).await;
    assert!(session.operate(promote()).await.expect("done")[0].done);
    session.operate(RevokeInviteCode { group: group.clone() }).await.expect("a new code");
    refused!(simulator, session, "leave", 403, Refused, LeaveGroup { group: group.clone() });
    session.operate(LeaveGroup { group }).await.expect("left");

    let foreign = "120363000000000077@g.us";
    let admin = json!([{ "id": format!("{FRIEND}@c.us"), "role": "super_admin" }]);
    let fields = json!({ "subject": "Outro", "invite": "CODE77", "participants": admin, "membership_approval_mode": true });
    simulator.post("/phone/group", json!({ "id": foreign, "set": fields })).await;
    let joined = session.operate(JoinGroup { code: "CODE77".to_owned() }).await.expect("asked to be let in");
    assert_eq!((joined.id.as_str(), joined.waiting), (foreign, true), "a request is no membership");
    let requests = simulator.records("group", false).await[foreign]["requests"].take();
    assert_eq!(requests[0]["id"], format!("{ME}@c.us"));

    // The admins change their mind between the page's two questions: the request was made all the same.
    let stale = "(() => { const job = window.require('WAWebGroupQueryJob'); const ask = job.queryGroupInvite;         job.queryGroupInvite = async (code) => ({ ...(await ask(code)), membershipApprovalMode: false }); })()";
    session.engine.evaluate(stale).await.expect("it is a page of ours");
    let joined = session.operate(JoinGroup { code: "CODE77".to_owned() }).await.expect("asked again");
    assert_eq!((joined.id.as_str(), joined.waiting), (foreign, true));
    session.close().await;
}
