//! What a session can be asked, and what it tells.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use colmeia::operations::{SendOptions, SentMessage};
use colmeia::protocol::{Call, CallErrorKind, OtherNames, Reply, TypingState};
use serde_json::json;

use super::rig::{FRIEND, ME, Session, Simulator, chat};
use crate::engine::{Engine as _, PageEvent};

/// Bytes of every value, more than are kept in memory.
fn picture() -> Vec<u8> {
    (0..7_000_001_u32).map(|n| u8::try_from(n * 31 % 251).expect("small")).collect()
}

#[tokio::test]
async fn texts_in_both_directions() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    let id = session.send_text(FRIEND, "olá, \u{2028}\"mundo\" ✓").await.expect("sent");
    assert!(id.starts_with(&format!("true_{FRIEND}@c.us_")), "{id}");
    let sent = simulator.sent().await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["body"], "olá, \u{2028}\"mundo\" ✓");
    let acked = session.event("ack", |event| match event {
        PageEvent::Ack { message, ack, .. } if ack >= 1 => Some(message),
        _ => None,
    });
    assert_eq!(acked.await, id);

    let incoming = json!({ "to": ME, "from": FRIEND, "name": "Bruno", "body": "oi" });
    simulator.post("/phone/message", incoming).await;
    let message = session.message().await;
    assert_eq!(message.body, "oi");
    assert_eq!(message.from, format!("{FRIEND}@c.us"));
    assert_eq!(message.chat, message.from);
    assert_eq!(message.kind, "chat");
    assert_eq!(message.sender_name.as_deref(), Some("Bruno"));
    assert!(message.timestamp_ms > 1_600_000_000_000);

    let error = session.send_text("5511900000000", "?").await.expect_err("not there");
    assert_eq!(error.kind, CallErrorKind::NotOnWhatsapp);
    assert_eq!(simulator.sent().await.len(), 1);
    session.close().await;
}

#[tokio::test]
async fn media_in_both_directions() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    let bytes = picture();
    let call = Call::SendMedia {
        chat: chat(FRIEND),
        mimetype: "application/pdf".to_owned(),
        filename: "fatura.pdf".to_owned(),
        caption: Some("aqui está".to_owned()),
        as_document: false,
        style: None,
        options: SendOptions::default(),
    };
    let (reply, _) = session.with_body(call, Bytes::from(bytes.clone())).await.expect("sent");
    let Reply::Sent(SentMessage { message, .. }) = reply else { panic!("{reply:?}") };
    assert_eq!(simulator.sent().await.len(), 1);
    assert!(simulator.get(&format!("/phone/media/{message}")).await == bytes, "the phone has other bytes");

    let media = json!({ "mimetype": "image/png", "data": BASE64.encode(&bytes), "caption": "foto" });
    simulator
        .post("/phone/message", json!({ "to": ME, "from": FRIEND, "name": "Bruno", "media": media }))
        .await;
    let message = session.message().await;
    assert!(message.has_media);
    assert_eq!((message.kind.as_str(), message.body.as_str()), ("image", "foto"));
    let download = Call::DownloadMedia { message: message.id, most: None };
    let (reply, body) = session.with_body(download, Bytes::new()).await.expect("downloaded");
    assert_eq!(reply, Reply::Media { mimetype: "image/png".to_owned(), filename: None });
    assert!(body == bytes, "other bytes came back");

    let none = Call::DownloadMedia { message: "false_1@c.us_NONE".to_owned(), most: None };
    assert_eq!(session.call(none).await.expect_err("none").kind, CallErrorKind::NotFound);
    session.close().await;
}

fn document(filename: &str) -> Call {
    Call::SendMedia {
        chat: chat(FRIEND),
        mimetype: "application/pdf".to_owned(),
        filename: filename.to_owned(),
        caption: None,
        as_document: false,
        style: None,
        options: SendOptions::default(),
    }
}

#[tokio::test]
async fn a_large_file_reaches_the_page_as_it_is_and_nothing_of_the_way_is_left_or_seen() {
    let simulator = Simulator::start().await;
    let session = Session::linked(&simulator, "").await;
    // What a page could see of it, if it looked everywhere.
    let watch = "window.seen = []; \
        for (const type of ['input', 'change']) addEventListener(type, (event) => seen.push(event.type), true); \
        document.addEventListener('securitypolicyviolation', ({ violatedDirective }) => seen.push(violatedDirective)); \
        new MutationObserver((records) => records.flatMap(({ addedNodes }) => [...addedNodes]) \
            .filter(({ tagName }) => tagName === 'INPUT').forEach(() => seen.push('input'))) \
            .observe(document, { childList: true, subtree: true }); \
        window.fetch = ((fetch) => (...args) => (seen.push(String(args[0]).slice(0, 5)), fetch(...args)))(fetch); \
        document.createElement = ((create) => (tag) => (tag === 'input' && seen.push(tag), create.call(document, tag)))(document.createElement); 0";
    session.engine.evaluate(watch).await.expect("it watches");
    let blobs =
        "performance.getEntriesByType('resource').filter(({ name }) => name.startsWith('blob:')).length";
    // Also text, of which a piece may end within a letter.
    let text = "ação ✓ \0\u{feff}".repeat(100_000).into_bytes();
    for (bytes, name) in [(picture(), "fatura é.pdf"), (text, "b")] {
        let (reply, _) = session.with_body(document(name), Bytes::from(bytes.clone())).await.expect("sent");
        let Reply::Sent(SentMessage { message, .. }) = reply else { panic!("{reply:?}") };
        assert!(
            simulator.get(&format!("/phone/media/{message}")).await == bytes,
            "the phone has other bytes"
        );
        let sent = simulator.last_sent().await;
        assert_eq!(
            (&sent["filename"], &sent["mimetype"]),
            (&json!(name), &json!("application/pdf")),
            "{sent}"
        );
        assert_eq!(session.files_left(), 0);
        // The page still has what it sent, although the file is gone.
        let download = Call::DownloadMedia { message, most: None };
        let (_, body) = session.with_body(download, Bytes::new()).await.expect("it has it");
        assert!(body == bytes, "other bytes came back");
        assert_eq!(session.files_left(), 0);
    }
    assert_eq!(session.engine.evaluate("seen.filter((what) => what !== '/sim/')").await, Ok(json!([])));
    assert_eq!(session.engine.evaluate(blobs).await, Ok(json!(0)));
    session.close().await;
}

#[tokio::test]
async fn a_large_file_reaches_a_page_whose_rules_allow_no_address_of_a_blob() {
    let simulator = Simulator::start().await;
    let session = Session::linked(&simulator, "").await;
    let rules = "document.head.append(Object.assign(document.createElement('meta'), \
        { httpEquiv: 'Content-Security-Policy', content: \"connect-src 'self' ws:\" })); \
        fetch(URL.createObjectURL(new Blob(['x']))).then(() => 'allowed', () => 'refused')";
    assert_eq!(session.engine.evaluate(rules).await, Ok(json!("refused")), "the test proves nothing");
    for _ in 0..2 {
        let (reply, _) = session.with_body(document("a"), Bytes::from(picture())).await.expect("sent");
        let Reply::Sent(SentMessage { message, .. }) = reply else { panic!("{reply:?}") };
        assert!(simulator.get(&format!("/phone/media/{message}")).await == picture(), "other bytes");
    }
    session.close().await;
}

#[tokio::test]
async fn no_file_outlives_a_send_that_fails_a_page_that_hangs_or_a_disk_that_is_away() {
    let simulator = Simulator::start().await;
    let session = Session::linked(&simulator, "").await;
    let bytes = Bytes::from(picture());
    simulator.fault("send_failure", 1).await;
    let error = session.with_body(document("a"), bytes.clone()).await.expect_err("refused");
    assert_eq!((error.kind, session.files_left()), (CallErrorKind::Refused, 0));

    // A page that does not answer while it has to take the file.
    let busy = session.engine.evaluate("const end = Date.now() + 4000; while (Date.now() < end);");
    let file = session.file(bytes.clone()).await;
    assert_eq!(session.files_left(), 1);
    let (_, sent) = tokio::join!(busy, session.engine.call(document("a"), file, 1_500));
    assert_eq!((sent.expect_err("too late").kind, session.files_left()), (CallErrorKind::NotReady, 0));

    // What the page has cannot be put anywhere.
    let (reply, _) = session.with_body(document("a"), bytes).await.expect("sent");
    let Reply::Sent(SentMessage { message, .. }) = reply else { panic!("{reply:?}") };
    std::fs::remove_dir(session.files_dir()).expect("empty");
    let download = Call::DownloadMedia { message: message.clone(), most: None };
    let error = session.with_body(download, Bytes::new()).await.expect_err("nowhere to put it");
    assert_eq!(error.kind, CallErrorKind::NotReady);
    assert!(error.message.contains("cannot be kept for the answer: No such file"), "{error}");
    assert_eq!(simulator.sent().await.len(), 1);
    session.close().await;
}

#[tokio::test]
async fn chats_messages_contacts_and_groups() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    for n in 0..5 {
        let body = json!({ "to": ME, "from": FRIEND, "name": "Bruno", "body": format!("n{n}") });
        simulator.post("/phone/message", body).await;
        session.message().await;
    }
    let group = "120363021234567890@g.us";
    let body = json!({
        "to": ME, "from": group, "author": FRIEND, "name": "Bruno", "body": "a todos", "group_name": "Família",
    });
    simulator.post("/phone/message", body).await;
    let message = session.message().await;
    assert_eq!(message.author.as_deref(), Some(format!("{FRIEND}@c.us").as_str()));
    assert_eq!(message.chat, group);

    let Ok(Reply::Chats { chats }) = session.call(Call::Chats).await else { panic!("chats") };
    let friend = chats.iter().find(|c| c.id == format!("{FRIEND}@c.us")).expect("a chat");
    assert_eq!(friend.last_message.as_ref().map(|m| m.body.as_str()), Some("n4"));
    assert_eq!((friend.unread, friend.is_group), (5, false));
    assert!(chats.iter().any(|c| c.id == group && c.is_group));
    assert!(chats.is_sorted_by(|a, b| a.timestamp_ms >= b.timestamp_ms), "newest first");

    let id = format!("{FRIEND}@c.us");
    let messages = |limit, before| Call::Messages { chat: id.clone(), limit, before };
    let Ok(Reply::Messages { messages: last, .. }) = session.call(messages(2, None)).await else {
        panic!("messages")
    };
    let texts: Vec<&str> = last.iter().map(|m| m.body.as_str()).collect();
    assert_eq!(texts, ["n3", "n4"]);
    let Ok(Reply::Messages { messages: all, has_more }) =
        session.call(messages(100, Some(last[0].id.clone()))).await
    else {
        panic!("messages")
    };
    assert!(all.iter().any(|m| m.body == "n2") && all.iter().all(|m| m.body != "n3"));
    assert!(!has_more);
    let unknown = Call::Messages { chat: "5511900001111@c.us".to_owned(), limit: 5, before: None };
    assert_eq!(session.call(unknown).await.expect_err("none").kind, CallErrorKind::NotFound);

    let Ok(Reply::Contacts { contacts }) = session.call(Call::Contacts).await else { panic!("contacts") };
    assert!(contacts.iter().any(|c| c.id == id && c.pushname.as_deref() == Some("Bruno")));
    let Ok(Reply::Groups { groups }) = session.call(Call::Groups).await else { panic!("groups") };
    assert_eq!(groups.len(), 1);
    assert!(groups[0].participants.contains(&id), "{:?}", groups[0].participants);

    let exists = |number: &str| Call::CheckExists { chat: chat(number) };
    let Ok(Reply::Exists { id: there, other_names }) = session.call(exists(FRIEND)).await else {
        panic!("told")
    };
    assert_eq!((there.as_ref(), other_names.lid(&id).is_some()), (Some(&id), true));
    let nobody = Reply::Exists { id: None, other_names: OtherNames::default() };
    assert_eq!(session.call(exists("5511900000000")).await, Ok(nobody));

    assert_eq!(session.call(Call::MarkSeen { chat: chat(FRIEND) }).await, Ok(Reply::Done));
    let Ok(Reply::Chats { chats }) = session.call(Call::Chats).await else { panic!("chats") };
    assert_eq!(chats.iter().find(|c| c.id == id).map(|c| c.unread), Some(0));
    for state in [TypingState::Typing, TypingState::Recording, TypingState::Paused] {
        assert_eq!(session.call(Call::Typing { chat: chat(FRIEND), state }).await, Ok(Reply::Done));
    }
    session.close().await;
}

#[tokio::test]
async fn message_keys_of_minified_builds() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "?key=min").await;
    let id = session.send_text(FRIEND, "olá").await.expect("sent");
    assert!(id.starts_with(&format!("true_{FRIEND}@c.us_")), "{id}");
    simulator
        .post("/phone/message", json!({ "to": ME, "from": FRIEND, "name": "Bruno", "body": "oi" }))
        .await;
    assert!(session.message().await.id.starts_with(&format!("false_{FRIEND}@c.us_")));
    session.close().await;
}

#[tokio::test]
async fn a_refused_message_is_an_error_with_its_reason() {
    let simulator = Simulator::start().await;
    let session = Session::linked(&simulator, "").await;
    simulator.fault("send_failure", 1).await;
    let error = session.send_text(FRIEND, "olá").await.expect_err("refused");
    assert_eq!(error.kind, CallErrorKind::Refused);
    session.send_text(FRIEND, "de novo").await.expect("sent");
    session.close().await;
}

#[tokio::test]
async fn a_burst_is_told_completely_and_once() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    simulator.fault("burst", 200).await;
    let mut seen = std::collections::HashSet::new();
    while seen.len() < 200 {
        assert!(seen.insert(session.message().await.id), "told twice");
    }
    session.close().await;
}
