//! Conversations on the dashboard: what is read, what is sent, and that nothing is called done that is not.

use colmeia::config::ServiceConfig;
use colmeia::operations::{Operation, OperationResult};
use colmeia::protocol::{Call, CallError, CallErrorKind, Reply};
use serde_json::json;

use super::dashboard::{form, token, visit};
use super::pages::{Events, page};
use super::stage::*;
use colmeia_events::journal::testing::{incoming, message, user};
use colmeia_host::uploads::Fetched;
use colmeia_session::{CallFailure, CallResult, Phase};

const CHAT: &str = "/sessions/3/chats/5511988887777%40c.us";

#[allow(clippy::needless_pass_by_value)] // an `Acting`
fn answers(call: Call) -> CallResult {
    let value = |value| Ok((Reply::Value { value: OperationResult(value) }, Fetched::NONE));
    match call {
        Call::Operate { operation: Operation::ListChats(_) } => value(json!([{
            "id": "5511988887777@c.us", "name": "<b>Ana</b>", "is_group": false, "unread": 2, "timestamp_ms": 1_700_000_000_000_i64,
            "pinned": false, "archived": false, "last_message": message("false_5511988887777@c.us_A", "oi"),
        }])),
        Call::Operate { operation: Operation::FindMessages(asked) } => {
            assert_eq!(asked.chat.as_deref(), Some("5511988887777@c.us"));
            let mut own = message("true_5511988887777@c.us_B", "<script>alert(1)</script>");
            (own.from_me, own.ack) = (true, 3);
            let hebrew = message("false_5511988887777@c.us_C", "שלום, OK?");
            value(json!([own, hebrew, message("false_5511988887777@c.us_A", "oi")]))
        }
        Call::SendText { text, .. } if text == "lost" => Err(CallFailure::Deadline),
        Call::SendText { text, .. } if text == "nobody" => {
            Err(CallFailure::Session(CallError::new(CallErrorKind::NotOnWhatsapp, "no")))
        }
        Call::MarkSeen { .. } => Ok((Reply::Done, Fetched::NONE)),
        call => sent(call),
    }
}

#[tokio::test]
async fn chats_and_messages_are_read_and_nothing_is_marked_or_run() {
    let stage = Cast::new(answers).with("3", ready()).on_stage();
    let chats = page(&stage, "/sessions/3/chats", "pt-BR").await;
    assert_eq!(chats.status, 200, "{}", chats.body);
    for part in ["<strong dir=\"auto\">&#60;b&#62;Ana", "2 novas", "chats/5511988887777%40c.us", "oi"] {
        assert!(chats.body.contains(part), "{part}: {}", chats.body);
    }
    let chat = page(&stage, CHAT, "pt-BR").await;
    // A message begins at its own side.
    for part in [
        "&#60;script&#62;alert",
        "lida",
        "oi",
        "Enviar o arquivo",
        "<p dir=\"auto\">שלום, OK?</p>",
        "data-largest=\"67108864\"",
    ] {
        assert!(chat.body.contains(part), "{part}: {}", chat.body);
    }
    let first = chat.body.find("c.us_A\"").expect("the older one");
    assert!(first < chat.body.find("c.us_B\"").expect("the newer one"), "the oldest first");
    assert!(stage.cast.notes().iter().all(|note| !note.contains("mark_seen")), "{:?}", stage.cast.notes());

    let mut events = Events::open(&stage, &format!("{CHAT}/events")).await;
    events.next().await.expect("event");
    let found = page(&stage, "/sessions/3/open?phone=%2B55+11+98888-7777", "en").await;
    assert_eq!((found.status.as_u16(), &found.headers["location"]), (303, &CHAT.parse().expect("value")));
    let wrong = page(&stage, "/sessions/3/open?phone=x", "en").await;
    assert!(wrong.status == 400 && wrong.body.contains("href=\"/sessions/3/chats\""), "{}", wrong.body);
    assert_eq!(page(&stage, "/sessions/9/chats", "en").await.status, 404);
    assert_eq!(page(&stage, "/sessions/3/chats/..%2Fx", "en").await.status, 400);
}

#[tokio::test]
async fn a_chat_follows_what_comes_in() {
    let stage = Cast::new(answers).with("3", ready()).on_stage();
    let mut events = Events::open(&stage, &format!("{CHAT}/events")).await;
    events.next().await.expect("event");
    let asked = || stage.cast.notes().len();
    let before = asked();
    stage.journal.append(&user("3"), vec![incoming("false_5511988887777@c.us_C")]).await.expect("written");
    let again = async {
        // The same text is told once, so it is looked at who was asked.
        let read = events.next();
        tokio::pin!(read);
        loop {
            tokio::select! {
                _ = &mut read => panic!("the same text was told twice"),
                () = tokio::time::sleep(std::time::Duration::from_millis(20)) => {}
            }
            if asked() > before {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("it was read again");
}

#[tokio::test]
async fn a_text_is_sent_once_and_success_is_said_only_when_the_page_said_so() {
    let stage = Cast::new(answers).with("3", ready()).with("4", view(Phase::Held)).on_stage();
    let shown = page(&stage, CHAT, "en").await;
    let (cookie, token) = (visit(&shown.headers), token(&shown.body));
    let send = |path: &str, fields: &str| form(path, &cookie, &format!("token={token}&{fields}"));
    let notes = || {
        stage
            .cast
            .notes()
            .into_iter()
            .filter(|note| !note.contains("list") && !note.contains("find"))
            .collect::<Vec<_>>()
    };
    assert_eq!(stage.ask(form(&format!("{CHAT}/send"), &cookie, "text=oi")).await.status, 403);
    for (path, fields, status, words) in [
        (format!("{CHAT}/send"), "text=+", 400, "Nothing was sent"),
        ("/sessions/3/chats/x/send".into(), "text=oi", 400, "no such chat"),
        ("/sessions/4/chats/5511988887777/send".into(), "text=oi", 409, "has to be connected"),
        ("/sessions/9/chats/5511988887777/seen".into(), "", 409, "has to be connected"),
    ] {
        let answer = stage.ask(send(&path, fields)).await;
        assert!(
            answer.status == status && answer.body.contains(words),
            "{path}: {} {}",
            answer.status,
            answer.body
        );
    }
    assert!(notes().is_empty(), "{:?}", notes());
    let answer = stage.ask(send(&format!("{CHAT}/send"), "text=ol%C3%A1%0D%0Amundo")).await;
    assert!(answer.status == 200 && answer.body.contains("The message was sent"), "{}", answer.body);
    let answer = stage.ask(send(&format!("{CHAT}/send"), "text=lost")).await;
    assert!(answer.status == 500 && answer.body.contains("It is not known"), "{}", answer.body);
    let answer = stage.ask(send(&format!("{CHAT}/send"), "text=nobody")).await;
    assert!(answer.status == 400 && answer.body.contains("nothing was sent"), "{}", answer.body);
    let answer = stage.ask(send(&format!("{CHAT}/seen"), "")).await;
    assert!(answer.status == 200 && answer.body.contains("marked as read"), "{}", answer.body);
    assert_eq!(notes(), ["3 send_text", "3 send_text", "3 send_text", "3 mark_seen"]);
}

#[tokio::test]
async fn a_text_counts_only_where_it_may_have_been_sent() {
    let config = ServiceConfig { send_burst: 2, sends_per_minute: 1, ..Default::default() };
    let stage = Cast::new(answers).with("3", ready()).on_stage_at("127.0.0.1:5001", config);
    let shown = page(&stage, CHAT, "en").await;
    let (cookie, token) = (visit(&shown.headers), token(&shown.body));
    let send = async |text: &str| {
        let request = form(&format!("{CHAT}/send"), &cookie, &format!("token={token}&text={text}"));
        stage.ask(request).await
    };
    for _ in 0..3 {
        assert_eq!(send("nobody").await.status, 400);
    }
    for (text, status) in [("oi", 200), ("lost", 500), ("oi", 429)] {
        let answer = send(text).await;
        assert_eq!(answer.status, status, "{text}: {}", answer.body);
    }
    let again = send("oi").await;
    assert!(
        again.body.contains("Try again in 60 s") || again.body.contains("Try again in 61 s"),
        "{}",
        again.body
    );
}

#[tokio::test]
async fn who_is_not_connected_is_asked_nothing() {
    let stage = Cast::new(nobody).with("3", code()).on_stage();
    for path in ["/sessions/3/chats", CHAT] {
        let shown = page(&stage, path, "en").await;
        assert!(
            shown.status == 200 && shown.body.contains("when the session is connected"),
            "{}",
            shown.body
        );
    }
    assert!(stage.cast.notes().is_empty());
}
