//! What the pages of the Flask app show, by its own rules: how it reads `/status` and `/qr`, in our words. Whatever a
//! session does, they say "connected" where a message can be sent and nowhere else.

use serde_json::Value;

use super::stage::*;
use super::texts::every_state;

/// What a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    Connected,
    Connecting,
    Code,
    Nothing,
}

fn says(status: &Value, key: &str) -> bool {
    status[key].as_bool().unwrap_or(false)
}

/// A number that is not the placeholder of the old server.
fn names_an_account(status: &Value) -> bool {
    status["clientInfo"]["wid"].as_str().is_some_and(|wid| !wid.is_empty() && !wid.contains("@temp"))
}

/// The owner's dashboard: whatever hints at a connection counts, as long as there is no code to scan.
fn dashboard(status: &Value) -> Page {
    let has_code = says(status, "hasQr");
    let hint = says(status, "ready")
        || says(status, "isAuthenticated")
        || (says(status, "clientInitialized") && says(status, "isAuthenticated"))
        || names_an_account(status);
    match (says(status, "actuallyConnected") || (hint && !has_code), has_code) {
        (true, _) => Page::Connected,
        (false, true) => Page::Code,
        (false, false) if says(status, "isConnecting") => Page::Connecting,
        (false, false) => Page::Nothing,
    }
}

/// Whether the page of chats opens, and that of the single connection.
fn opens(status: &Value) -> bool {
    says(status, "actuallyConnected") || (says(status, "ready") && !says(status, "hasQr"))
}

/// The page that shows the code, which asks `/qr`.
fn code_page(qr: &Value) -> Page {
    if says(qr, "ready") {
        Page::Connected
    } else if qr["qr"].as_str().is_some_and(|code| !code.is_empty()) {
        Page::Code
    } else {
        // It shows the message, whatever it is; without one the person is left alone.
        let message = qr["message"].as_str().unwrap_or_default();
        assert!(
            !message.is_empty() && !message.contains(['<', '>', '&']),
            "it goes into the page's HTML: {qr}"
        );
        Page::Connecting
    }
}

#[tokio::test]
async fn the_pages_say_connected_exactly_where_a_message_can_be_sent() {
    for (name, view, ..) in every_state() {
        let stage = Cast::new(sent).with("3", view).on_stage();
        let read = async |path: &str| -> Value {
            let answer = stage.get(path).await;
            assert_eq!(answer.status, 200, "{name}: anything else is an error page");
            serde_json::from_str(&answer.body).expect("JSON")
        };
        let status = read("/status?user_id=3").await;
        let send = stage.post("/send?user_id=3", r#"{"phone":"5511988887777","message":"oi"}"#).await;
        let works = send.status == 200;
        // While the history is fetched the contract wants the dashboard to say "connected"; Flask's bot and its chats
        // are told the truth by what they ask next.
        let by_contract = status["state"] == "syncing";
        assert_eq!(dashboard(&status) == Page::Connected, works || by_contract, "{name}: {status}");
        assert_eq!(opens(&status), works || by_contract, "{name}: {status}");
        assert_eq!(says(&status, "ready"), works, "{name}: {status}");
        let qr = read("/qr?user_id=3").await;
        assert_eq!(code_page(&qr) == Page::Connected, works, "{name}: {qr}");
        assert_eq!(code_page(&qr) == Page::Code, dashboard(&status) == Page::Code, "{name}: {status} {qr}");
        // Both say the same of whether the phone's part is done.
        if let Some(authenticated) = qr["isAuthenticated"].as_bool() {
            assert_eq!(authenticated, says(&status, "isAuthenticated"), "{name}: {status} {qr}");
            assert_eq!(says(&qr, "isConnecting"), says(&status, "isConnecting"), "{name}: {status} {qr}");
        }
        // The other surfaces agree.
        let api = read("/api/sessions/3").await;
        assert_eq!(api["status"] == "WORKING", works, "{name}: {api}");
        assert_eq!(api["me"].is_object(), status["clientInfo"].is_object(), "{name}: {api}");
        assert_eq!(read("/api/sessions/3/me").await, api["me"], "{name}");
        assert_eq!(read("/?user_id=3").await["ready"], works, "{name}");
    }
}

/// What the pages ask again and again, one after the other, while a person has to act: none of the keys that they read is
/// missing or of another kind, whatever comes next.
#[tokio::test]
async fn a_page_that_polls_through_a_passkey_reads_what_it_knows_and_shows_what_is_true() {
    let linking = [
        ("code", Page::Code, Page::Code),
        ("passkey", Page::Connecting, Page::Nothing),
        ("passkey, signing", Page::Connecting, Page::Nothing),
        ("passkey, answered", Page::Connecting, Page::Connecting),
        ("passkey_off", Page::Connecting, Page::Nothing),
        ("passkey_confirm", Page::Connecting, Page::Nothing),
        ("a new code after a passkey", Page::Code, Page::Code),
        ("pairing", Page::Connecting, Page::Connecting),
        ("syncing", Page::Connecting, Page::Connected),
        ("ready", Page::Connected, Page::Connected),
        ("passkey_checkpoint", Page::Connecting, Page::Nothing),
        ("ready", Page::Connected, Page::Connected),
    ];
    let states = every_state();
    let view = |name: &str| states.iter().find(|(own, ..)| *own == name).expect(name).1.clone();
    let stage = Cast::new(nobody).with("3", view("code")).on_stage();
    for (name, code, owner) in linking {
        stage.cast.set("3", view(name));
        let read = async |path: &str| -> Value {
            let answer = stage.get(path).await;
            assert_eq!(answer.status, 200, "{name}");
            serde_json::from_str(&answer.body).expect("JSON")
        };
        let (qr, status) = (read("/qr?user_id=3").await, read("/status?user_id=3").await);
        assert_eq!((code_page(&qr), dashboard(&status)), (code, owner), "{name}: {qr} {status}");
        assert!(qr["ready"].is_boolean() && (qr["qr"].is_null() || qr["qr"].is_string()), "{name}: {qr}");
        for key in
            ["ready", "actuallyConnected", "isAuthenticated", "isConnecting", "hasQr", "clientInitialized"]
        {
            assert!(status[key].is_boolean(), "{name}: {key} {status}");
        }
        for key in ["phone_number", "clientInfo"] {
            assert!(status.as_object().is_some_and(|told| told.contains_key(key)), "{name}: {key} {status}");
        }
        // The phone's number may be shown, an account only where the page says "connected".
        assert_eq!(names_an_account(&status), owner == Page::Connected, "{name}: {status}");
        assert!(status["reconnectInfo"]["isReconnecting"] == false, "{name}: {status}");
        if name.starts_with("passkey") && !["passkey, answered", "passkey_off"].contains(&name) {
            let message = qr["message"].as_str().expect("words");
            assert!(message.contains("/qr?user_id=3"), "it says where to go on: {message}");
        }
        // What the app asks for while it is not connected is refused as ever, and breaks nothing.
        if owner == Page::Nothing {
            for answer in [
                stage.get("/chats?user_id=3").await,
                stage.post("/send?user_id=3", r#"{"phone":"5511988887777","message":"oi"}"#).await,
            ] {
                assert_eq!(answer.status, 400, "{name}");
                assert!(answer.body.contains("Cliente não conectado"), "{name}: {}", answer.body);
            }
        }
    }
}

#[tokio::test]
async fn every_way_of_being_cut_off_from_whatsapp_is_connecting_and_names_no_account() {
    let cut_off = [
        "conflict",
        "service_unavailable",
        "temporary_ban",
        "page_outdated",
        "proxy_refused",
        "reconnecting", // the internet is lost, another device took over, the page was reloaded
        "silent, linked", // the worker or its page hangs
        "restarting",   // the worker is being replaced
        "backing off, linked", // worker or renderer crashed
        "starting, linked",
        "loading, linked",
        "failing",
    ];
    let mut seen = 0;
    for (name, view, ..) in every_state() {
        if !cut_off.contains(&name) {
            continue;
        }
        seen += 1;
        let stage = Cast::new(nobody).with("3", view).on_stage();
        let status: Value = serde_json::from_str(&stage.get("/status?user_id=3").await.body).expect("JSON");
        for (key, value) in [
            ("isAuthenticated", Value::Bool(false)),
            ("actuallyConnected", Value::Bool(false)),
            ("clientInfo", Value::Null),
            ("isConnecting", Value::Bool(true)),
        ] {
            assert_eq!(status[key], value, "{name}: {key}");
        }
        assert_eq!(dashboard(&status), Page::Connecting, "{name}");
    }
    assert_eq!(seen, cut_off.len());
}
