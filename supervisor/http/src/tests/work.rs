//! Sending, reading and disconnecting: one call for one request, and clear words when it fails.

use axum::body::{Body, Bytes};
use axum::http::Request;
use colmeia::SessionState;
use colmeia::protocol::{Call, CallError, CallErrorKind, ChatSummary, OtherNames, Reply};

use super::stage::*;
use colmeia_events::journal::testing::message;
use colmeia_host::uploads::Fetched;
use colmeia_session::{CallFailure, CallResult, Phase, UserView};

const OI: &str = r#"{"phone":"55 11 98888-7777","message":"oi"}"#;
const NOT_CONNECTED: &str = "Cliente não conectado. Escaneie o QR Code primeiro.";

fn session_error(kind: CallErrorKind) -> CallResult {
    Err(CallFailure::Session(CallError::new(kind, "in English")))
}

#[tokio::test]
async fn a_text_is_sent_once_to_the_right_chat_by_the_right_user() {
    fn acting(call: Call) -> CallResult {
        let Call::SendText { chat, text, .. } = &call else { panic!("{call:?}") };
        assert_eq!((chat.as_str(), text.as_str()), ("5511988887777@c.us", "oi"));
        sent(call)
    }
    let stage = Cast::new(acting)
        .with("1", ready())
        .with("2_1", ready())
        .with("3", ready())
        .with("port_5001", ready())
        .on_stage();
    for (path, body, user) in [
        ("/send?user_id=1", OI.to_owned(), "1"),
        ("/send", OI.replace('{', r#"{"user_id":"2_1","#), "2_1"),
        ("/send", OI.replace('{', r#"{"user_id":3,"#), "3"),
        ("/send?user_id=1", OI.replace('{', r#"{"user_id":"3","#), "1"),
        ("/send", OI.to_owned(), "port_5001"),
        ("/send", OI.replace('{', r#"{"user_id":null,"#), "port_5001"),
    ] {
        let before = stage.cast.notes().len();
        let answer = stage.post(path, body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.body, r#"{"success":true,"messageId":"true_5511988887777@c.us_3EB0"}"#);
        assert_eq!(stage.cast.notes()[before..], [format!("{user} send_text")]);
    }
}

#[tokio::test]
async fn what_is_not_ready_is_not_asked() {
    let almost = running(SessionState::Syncing { me: Some(me()), percent: None });
    let stage = Cast::new(nobody).with("1", almost).with("2", view(Phase::Starting)).on_stage();
    for user in ["1", "2", "9"] {
        let answer = stage.post(&format!("/send?user_id={user}"), OI).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, NOT_CONNECTED));
        for path in ["/chats", "/chats/5511988887777@c.us/messages"] {
            let answer = stage.get(&format!("{path}?user_id={user}")).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, NOT_CONNECTED), "{path}");
        }
        let answer = stage.get(&format!("/media/m1?user_id={user}")).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "Cliente não conectado"));
    }
    assert!(stage.cast.notes().is_empty());
    assert_eq!(stage.cast.names(), ["1", "2"]);
}

#[tokio::test]
async fn an_unknown_outcome_is_no_success_and_no_repetition() {
    let stage = Cast::new(gone).with("1", ready()).on_stage();
    let answer = stage.post("/send?user_id=1", OI).await;
    assert_eq!(answer.status, 500);
    assert!(answer.error().contains("Não se sabe") && answer.error().contains("não foi repetida"));
    assert_eq!(stage.cast.notes(), ["1 send_text"]);
    let stage = Cast::new(|_| session_error(CallErrorKind::NotOnWhatsapp)).with("1", ready()).on_stage();
    assert_eq!(stage.post("/send?user_id=1", OI).await.status, 400);
    let confused: Acting = |_| Ok((Reply::Done, Fetched::NONE));
    let stage = Cast::new(confused).with("1", ready()).on_stage();
    assert_eq!(stage.post("/send?user_id=1", OI).await.status, 500);
}

#[tokio::test]
async fn a_caller_that_hangs_up_cancels_nothing() {
    let stage = Cast::new(sent).held().with("1", ready()).on_stage();
    tokio::select! {
        answer = stage.post("/send?user_id=1", OI) => panic!("answered {}", answer.status),
        () = stage.cast.noted(&["1 send_text"]) => {}
    }
    stage.cast.release();
    stage.cast.heard(1).await;
    assert_eq!(stage.cast.notes(), ["1 send_text"]);
}

#[tokio::test]
async fn a_session_that_does_not_answer_costs_the_deadline_and_no_more() {
    let config = colmeia::config::ServiceConfig { request_deadline_ms: 100, ..Default::default() };
    // It is never released, so each answer is the deadline's.
    let cast = Cast::new(sent).held().with("1", ready());
    let stage = cast.on_stage_at("127.0.0.1:5001", config);
    assert!(stage.post("/send?user_id=1", OI).await.error().contains("Não se sabe"));
    assert_eq!(
        stage.get("/chats?user_id=1").await.error(),
        "A sessão não respondeu a tempo. Tente novamente."
    );
}

#[tokio::test]
async fn chats_come_newest_first() {
    let acting: Acting = |_| {
        let chat = |id: &str, timestamp_ms| ChatSummary {
            id: id.into(),
            name: None,
            is_group: id.ends_with("@g.us"),
            unread: 0,
            last_message: Some(message("m", "oi")),
            timestamp_ms,
            pinned: false,
            archived: false,
            other_names: OtherNames::default(),
        };
        Ok((Reply::Chats { chats: vec![chat("1@c.us", 5), chat("2@g.us", 9)] }, Fetched::NONE))
    };
    let stage = Cast::new(acting).with("1", ready()).on_stage();
    let body: serde_json::Value =
        serde_json::from_str(&stage.get("/chats?user_id=1").await.body).expect("JSON");
    assert_eq!((&body["success"], &body["total"]), (&true.into(), &2.into()));
    assert_eq!((&body["chats"][0]["id"], &body["chats"][1]["id"]), (&"2@g.us".into(), &"1@c.us".into()));
    assert_eq!(body["chats"][0]["isGroup"], true);
}

#[tokio::test]
async fn messages_are_asked_for_as_the_caller_wants_them() {
    let acting: Acting = |call| {
        let Call::Messages { chat, limit, before } = call else { panic!("{call:?}") };
        assert_eq!((chat.as_str(), limit, before.as_deref()), ("5511988887777@c.us", 2, Some("m9")));
        let messages = vec![message("m1", "a"), message("m2", "b")];
        Ok((Reply::Messages { messages, has_more: true }, Fetched::NONE))
    };
    let stage = Cast::new(acting).with("1", ready()).on_stage();
    let body = stage.get("/chats/5511988887777%40c.us/messages?user_id=1&limit=2&before=m9").await.body;
    assert!(
        body.starts_with(r#"{"success":true,"messages":[{"id":"m1","messageId":"m1","body":"a","#),
        "{body}"
    );
    assert!(body.ends_with(r#"],"total":2,"hasMore":true,"nextCursor":"m1"}"#), "{body}");
    for limit in ["0", "1001", "-1", "x", "", "1e2"] {
        let answer = stage.get(&format!("/chats/1@c.us/messages?user_id=1&limit={limit}")).await;
        assert!(answer.status == 400 && answer.error().contains("limit"), "{limit}: {}", answer.body);
    }
    let missing: Acting = |_| session_error(CallErrorKind::NotFound);
    let stage = Cast::new(missing).with("1", ready()).on_stage();
    let answer = stage.get("/chats/1@c.us/messages?user_id=1").await;
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (404, "Conversa não encontrada"));
}

#[tokio::test]
async fn media_comes_as_it_is() {
    let acting: Acting = |call| {
        let Call::DownloadMedia { message, .. } = call else { panic!("{call:?}") };
        assert_eq!(message, "false_5511988887777@c.us_3A");
        Ok((Reply::Media { mimetype: "image/png".into(), filename: None }, Bytes::from_static(b"png").into()))
    };
    let stage = Cast::new(acting).with("1", ready()).on_stage();
    let answer = stage.get("/media/false_5511988887777%40c.us_3A?user_id=1").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "png"));
    assert_eq!(answer.headers["content-type"], "image/png");
    assert_eq!(answer.headers["cache-control"], "public, max-age=31536000");
    for (acting, text) in [
        ((|_| session_error(CallErrorKind::NotFound)) as Acting, "Mídia não encontrada"),
        (|_| session_error(CallErrorKind::InvalidArgument), "Mídia não encontrada"),
        (|_| session_error(CallErrorKind::MediaUnavailable), "Não foi possível baixar a mídia"),
    ] {
        let stage = Cast::new(acting).with("1", ready()).on_stage();
        let answer = stage.get("/media/m1?user_id=1").await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (404, text));
    }
}

#[tokio::test]
async fn a_disconnect_always_succeeds_and_says_how_well() {
    let whole = r#"{"success":true,"message":"WhatsApp desconectado com sucesso"}"#;
    let half = r#"{"success":true,"message":"WhatsApp desconectado (pode ter havido um erro, mas foi desconectado)"}"#;
    let linked = || UserView { was_linked: true, ..view(Phase::Starting) };
    let cast =
        |cast: Cast| cast.with("ready", ready()).with("linked", linked()).with("new", code()).on_stage();
    let good = cast(Cast::new(nobody));
    let poor = cast(Cast::new(nobody).only_here());
    let alone = cast(Cast::new(nobody).nobody_linked());
    for (stage, user, body) in [
        (&good, "ready", whole),
        (&good, "linked", whole),
        (&good, "new", whole),
        (&good, "unknown", whole),
        (&poor, "ready", half),
        (&poor, "linked", half),
        // A phone may have scanned the code in this moment; only the page knows that there was none.
        (&poor, "new", half),
        (&alone, "new", whole),
        (&poor, "unknown", whole),
    ] {
        let answer = stage.post(&format!("/disconnect?user_id={user}"), "").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, body), "{user}");
    }
    assert_eq!(good.cast.notes(), ["ready disconnect", "linked disconnect", "new disconnect"]);
    let answer = good.post("/disconnect", r#"{"user_id":"ready"}"#).await;
    assert_eq!((answer.status.as_u16(), good.cast.notes().len()), (200, 4));
}

#[tokio::test]
async fn a_panic_in_a_session_is_an_answer() {
    let stage = Cast::new(nobody).with("1", ready()).on_stage();
    let request = Request::post("/send?user_id=1").body(Body::from(OI)).expect("request");
    let answer = stage.ask(request).await;
    assert_eq!(answer.status, 500);
    assert!(answer.error().contains("Não se sabe"));
    assert_eq!(stage.get("/health").await.status, 200);
}
