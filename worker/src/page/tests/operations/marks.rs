//! What happens to messages and chats that are there.

use colmeia::operations::{
    ArchiveChat, ChatOrder, ClearChat, DeleteChat, DeleteMessage, EditMessage, FindMessages, Forward,
    GetMessage, LinkPreview, ListChats, MarkUnread, MessageFilter, MuteChat, PinChat, PinMessage, React,
    ReactionRecord, ReadChat, Star, UnpinMessage,
};
use colmeia::protocol::CallErrorKind;
use serde_json::json;

use super::{OTHER, key, received};
use crate::page::tests::rig::{FRIEND, ME, Session, Simulator, chat};

#[tokio::test]
async fn messages_are_forwarded_marked_edited_and_deleted() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    let theirs = received(&mut session, &simulator, "oi").await;
    let mine = key(&session.send_text(FRIEND, "olá").await.expect("sent"));

    let forward = Forward { chat: chat(OTHER), message: theirs.clone() };
    let copy = session.operate(forward).await.expect("forwarded");
    let row = simulator.last_sent().await;
    assert_eq!(row["id"], copy.message);
    assert_eq!((&row["to"], &row["body"]), (&json!(format!("{OTHER}@c.us")), &json!("oi")));

    let react = |reaction: &str| React { message: theirs.clone(), reaction: reaction.to_owned() };
    session.operate(react("👍")).await.expect("reacted");
    let row = simulator.last_sent().await;
    assert_eq!((&row["about"], &row["body"]), (&json!(theirs.as_str()), &json!("👍")));
    let shown = session.operate(GetMessage { message: theirs.clone() }).await.expect("it is there");
    let given = ReactionRecord { sender: format!("{ME}@c.us"), reaction: "👍".to_owned() };
    assert_eq!(shown.details.expect("details").reactions, [given]);
    session.operate(react("")).await.expect("taken back");

    for starred in [true, false] {
        session.operate(Star { message: theirs.clone(), starred }).await.expect("done");
        assert_eq!(simulator.records("star", true).await.get(theirs.as_str()).is_some(), starred);
    }
    session.operate(PinMessage { message: theirs.clone(), seconds: 1 }).await.expect("pinned");
    let row = simulator.last_sent().await;
    assert_eq!((&row["type"], &row["seconds"]), (&json!("pin"), &json!(86_400)));
    session.operate(UnpinMessage { message: theirs.clone() }).await.expect("unpinned");
    assert_eq!(simulator.last_sent().await["type"], "unpin");

    let edit = |message: &_, text: &str| EditMessage {
        message: Clone::clone(message),
        text: text.to_owned(),
        mentions: Vec::new(),
        link_preview: LinkPreview::None,
    };
    session.operate(edit(&mine, "olá!")).await.expect("edited");
    let shown = session.operate(GetMessage { message: mine.clone() }).await.expect("it is there");
    assert_eq!((shown.body.as_str(), shown.details.is_some_and(|details| details.edited)), ("olá!", true));
    assert_eq!(session.refusal(edit(&theirs, "?")).await, CallErrorKind::Forbidden);

    let delete = |message: &_, for_everyone| DeleteMessage { message: Clone::clone(message), for_everyone };
    assert_eq!(session.refusal(delete(&theirs, true)).await, CallErrorKind::Forbidden);
    session.operate(delete(&mine, true)).await.expect("deleted for everyone");
    let row = simulator.last_sent().await;
    assert_eq!((&row["type"], &row["about"]), (&json!("revoke"), &json!(mine.as_str())));
    session.operate(delete(&theirs, false)).await.expect("deleted here");
    assert_eq!(session.refusal(GetMessage { message: theirs }).await, CallErrorKind::NotFound);
    session.close().await;
}

#[tokio::test]
async fn chats_are_searched_marked_emptied_and_deleted() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    session.send_text(OTHER, "primeiro").await.expect("sent");
    for n in 0..4 {
        received(&mut session, &simulator, &format!("n{n}")).await;
    }
    let find = |limit, offset, oldest_first, filter| FindMessages {
        chat: Some(format!("{FRIEND}@c.us")),
        limit,
        offset,
        oldest_first,
        filter,
    };
    let texts = |messages: Vec<colmeia::protocol::MessageRecord>| {
        messages.into_iter().map(|message| message.body).collect::<Vec<_>>()
    };
    let newest = session.operate(find(2, 1, false, MessageFilter::default())).await.expect("found");
    assert_eq!(texts(newest), ["n2", "n1"]);
    let oldest = session.operate(find(2, 0, true, MessageFilter::default())).await.expect("found");
    assert_eq!(texts(oldest), ["n0", "n1"]);
    let own = MessageFilter { from_me: Some(true), ..MessageFilter::default() };
    assert!(session.operate(find(9, 0, false, own)).await.expect("found").is_empty());
    let unknown = FindMessages {
        chat: Some("5511900001111@c.us".to_owned()),
        ..find(9, 0, true, MessageFilter::default())
    };
    assert_eq!(session.refusal(unknown).await, CallErrorKind::NotFound);

    let friend = chat(FRIEND);
    let read = session.operate(ReadChat { chat: friend.clone() }).await.expect("read");
    assert_eq!(read.messages.len(), 4);
    session.operate(ArchiveChat { chat: friend.clone(), archived: true }).await.expect("archived");
    session.operate(PinChat { chat: friend.clone(), pinned: true }).await.expect("pinned");
    let until_ms = Some(2_000_000_000_000);
    session.operate(MuteChat { chat: friend.clone(), until_ms }).await.expect("muted");
    session.operate(MarkUnread { chat: friend.clone() }).await.expect("marked");
    let flags = simulator.records("chat", true).await[format!("{FRIEND}@c.us")].take();
    let expected =
        json!({ "archived": true, "pinned": true, "muted_until": 2_000_000_000, "unread": -1, "labels": [] });
    assert_eq!(flags, expected);
    let by_id = ListChats { order: ChatOrder::Id, ascending: true, ..ListChats::default() };
    let chats = session.operate(by_id).await.expect("chats");
    let ids: Vec<_> = chats.iter().map(|overview| overview.chat.id.as_str()).collect();
    assert_eq!(ids, [format!("{OTHER}@c.us"), format!("{FRIEND}@c.us")]);
    assert!(chats[1].chat.archived && chats[1].chat.pinned && chats[1].muted);
    let second = ListChats { limit: Some(1), offset: 1, ..ListChats::default() };
    assert_eq!(session.operate(second).await.expect("chats").len(), 1);

    session.operate(ClearChat { chat: friend.clone() }).await.expect("emptied");
    assert!(session.operate(find(9, 0, true, MessageFilter::default())).await.expect("found").is_empty());
    session.operate(DeleteChat { chat: friend.clone() }).await.expect("deleted");
    assert_eq!(simulator.last_action().await["what"], "delete_chat");
    assert_eq!(session.refusal(MarkUnread { chat: friend }).await, CallErrorKind::NotFound);
    session.close().await;
}
