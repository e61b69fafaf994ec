//! Everything that WhatsApp, the phone and the page can do to a session, and what `/qr` and `/status` say.

use serde_json::json;

use crate::harness::{Farm, Options, Service, chat_id, until};

const NUMBER: &str = "5511900000001";

#[tokio::test]
async fn a_phone_that_logs_out_ends_ready_at_once_and_a_new_code_comes() {
    let farm = Farm::start().await;
    farm.link("1", NUMBER).await;
    farm.phone.log_out(NUMBER).await;
    let status = until("user 1 is no longer ready", || async {
        let status = farm.status("1").await;
        (status["ready"] == false).then_some(status)
    })
    .await;
    assert_eq!((&status["actuallyConnected"], &status["isAuthenticated"]), (&json!(false), &json!(false)));
    let code = farm.qr("1").await;
    assert!(farm.phone.scan(&code, "5511900000009").await, "another phone may take its place");
    let status = farm.ready("1").await;
    assert_eq!(status["clientInfo"]["wid"], "5511900000009@c.us");
}

#[tokio::test]
async fn a_code_that_expires_is_followed_by_another_even_after_the_page_stopped() {
    let options =
        Options { simulator_args: vec!["--qr-ttl-ms", "1500", "--qr-count", "2"], ..Options::default() };
    let farm = Farm::start_with(options).await;
    let mut codes = vec![farm.qr("1").await];
    // Two codes are all that the page shows by itself; more of them mean that it was asked.
    while codes.len() < 6 {
        let code = farm.qr("1").await;
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    assert!(!farm.phone.scan(&codes[0], NUMBER).await, "the first has expired");
    farm.link("1", NUMBER).await;
}

#[tokio::test]
async fn a_slow_synchronisation_is_connected_but_not_ready() {
    let farm = Farm::start().await;
    let code = farm.qr("1").await;
    // Long enough for three questions on a busy machine.
    farm.phone.fault(NUMBER, "slow_sync", json!(15_000)).await;
    assert!(farm.phone.scan(&code, NUMBER).await);
    let status = until("user 1 synchronises", || async {
        let status = farm.status("1").await;
        assert_ne!(status["ready"], true, "ready before it was synchronised");
        (status["isAuthenticated"] == true).then_some(status)
    })
    .await;
    assert_eq!(
        (&status["actuallyConnected"], &status["isConnecting"]),
        (&json!(true), &json!(true)),
        "{status}"
    );
    let answer = farm.service.get("/qr?user_id=1").await;
    assert_eq!(
        answer.text,
        r#"{"ready":false,"qr":null,"hasQr":false,"isConnecting":true,"isAuthenticated":true,"message":"Autenticado, aguardando inicialização..."}"#
    );
    let send =
        farm.service.post("/send?user_id=1", &json!({"phone": "5511988887777", "message": "cedo"})).await;
    assert_eq!(
        (send.status, send.text.as_str()),
        (400, r#"{"error":"Cliente não conectado. Escaneie o QR Code primeiro."}"#)
    );
    farm.ready("1").await;
    assert!(farm.phone.sent(NUMBER).await.is_empty());
}

#[tokio::test]
async fn a_page_that_hangs_is_not_ready_and_comes_back_by_itself() {
    let options = Options {
        deadlines: "probe_interval_ms = 300\nprobe_timeout_ms = 3000\nhang_ms = 6000".into(),
        ..Options::default()
    };
    let farm = Farm::start_with(options).await;
    farm.link("1", NUMBER).await;
    let (worker, _) = Service::processes_of("1").await;
    farm.phone.fault(NUMBER, "hang", json!(600_000)).await;
    let status = until("user 1 is not ready", || async {
        let status = farm.status("1").await;
        (status["ready"] == false).then_some(status)
    })
    .await;
    assert_eq!(status["actuallyConnected"], false, "{status}");
    farm.ready("1").await;
    let (same, _) = Service::processes_of("1").await;
    assert_eq!(same.pid, worker.pid, "a fresh page was enough");
    farm.phone.message(NUMBER, "5511988887777", "ainda aí?").await;
    farm.webhook.has("1", &["ainda aí?".into()]).await;
}

#[tokio::test]
async fn a_page_that_hangs_before_the_scan_gets_a_new_code() {
    let options = Options {
        deadlines: "probe_interval_ms = 300\nprobe_timeout_ms = 3000\nhang_ms = 6000".into(),
        ..Options::default()
    };
    let farm = Farm::start_with(options).await;
    let code = farm.qr("1").await;
    assert!(farm.phone.fault_at_code(&code, "hang", json!(600_000)).await);
    until("another code is shown", || async { (farm.qr("1").await != code).then_some(()) }).await;
    farm.link("1", NUMBER).await;
}

#[tokio::test]
async fn modules_that_come_late_are_waited_for() {
    let options = Options { page_query: "?late=3000".into(), ..Options::default() };
    let farm = Farm::start_with(options).await;
    farm.link("1", NUMBER).await;
    let sent =
        farm.service.post("/send?user_id=1", &json!({"phone": "5511988887777", "message": "tarde"})).await;
    assert_eq!(sent.status, 200, "{sent:?}");
}

#[tokio::test]
async fn message_keys_of_the_newer_page_are_understood() {
    let options = Options { page_query: "?key=min".into(), ..Options::default() };
    let farm = Farm::start_with(options).await;
    farm.link("1", NUMBER).await;
    let sent =
        farm.service.post("/send?user_id=1", &json!({"phone": "5511988887777", "message": "chave"})).await;
    assert_eq!(sent.status, 200, "{sent:?}");
    let id = sent.json["messageId"].as_str().expect("an id");
    assert!(id.starts_with(&format!("true_{}_", chat_id("5511988887777"))), "{id}");
}

#[tokio::test]
async fn a_renamed_module_degrades_the_session_and_does_not_end_it() {
    let options = Options { page_query: "?rename=WAWebSendMsgChatAction".into(), ..Options::default() };
    let farm = Farm::start_with(options).await;
    farm.link("1", NUMBER).await;
    let sent = farm
        .service
        .post("/send?user_id=1", &json!({"phone": "5511988887777", "message": "mesmo assim"}))
        .await;
    assert_eq!(sent.status, 200, "{sent:?}");
    assert_eq!(farm.phone.sent(NUMBER).await.len(), 1);
    let status = farm.status("1").await;
    assert_eq!(status["state"], "ready", "{status}");
    assert!(status["degraded"].to_string().contains("WAWebSendMsgChatAction"), "{status}");
    assert!(status["impossible"].is_null(), "wa-js stands in: {status}");
}

#[tokio::test]
async fn a_session_opened_elsewhere_is_not_ready_until_it_is_taken_back() {
    let options =
        Options { deadlines: "conflict_ms = 2000\nprobe_interval_ms = 500".into(), ..Options::default() };
    let farm = Farm::start_with(options).await;
    farm.link("1", NUMBER).await;
    farm.phone.fault(NUMBER, "conflict", json!(1)).await;
    until("user 1 is not ready", || async { (farm.status("1").await["ready"] == false).then_some(()) }).await;
    farm.ready("1").await;
}

#[tokio::test]
async fn a_phone_without_network_is_not_ready_until_it_is_back() {
    let farm = Farm::start().await;
    farm.link("1", NUMBER).await;
    farm.phone.fault(NUMBER, "offline", json!(10_000)).await;
    let status = until("user 1 is not ready", || async {
        let status = farm.status("1").await;
        (status["ready"] == false).then_some(status)
    })
    .await;
    assert_eq!(status["reconnectInfo"]["isReconnecting"], true, "{status}");
    // Flask's pages take any of these for a connection.
    assert_eq!(
        (
            &status["isAuthenticated"],
            &status["actuallyConnected"],
            &status["clientInfo"],
            &status["isConnecting"]
        ),
        (&json!(false), &json!(false), &json!(null), &json!(true)),
        "{status}"
    );
    farm.ready("1").await;
}

/// Waits until `/status` says this, and returns it with what `/qr` says meanwhile.
async fn until_state(farm: &Farm, state: &str) -> (serde_json::Value, String) {
    let status = until(&format!("user 1 is {state}"), || async {
        let status = farm.status("1").await;
        (status["state"] == state).then_some(status)
    })
    .await;
    // Flask's pages say "connected" wherever it says so.
    assert_eq!((&status["ready"], &status["isAuthenticated"]), (&json!(false), &json!(false)), "{status}");
    assert_eq!((&status["isConnecting"], &status["clientInfo"]), (&json!(true), &json!(null)), "{status}");
    let qr = farm.service.get("/qr?user_id=1").await.json;
    (status, qr["message"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn what_whatsapp_refuses_for_some_time_has_its_own_name_and_words() {
    let farm = Farm::start().await;
    farm.link("1", NUMBER).await;
    farm.phone.fault(NUMBER, "refuse", json!(503)).await;
    let (_, message) = until_state(&farm, "service_unavailable").await;
    assert!(message.contains("fora do ar"), "{message}");
    farm.phone.fault(NUMBER, "refuse", json!(0)).await;
    farm.ready("1").await;

    farm.phone.fault(NUMBER, "temporary_ban", json!(20)).await;
    let (status, message) = until_state(&farm, "temporary_ban").await;
    assert!(message.contains("bloqueou"), "{message}");
    assert!(status["untilMs"].as_u64().is_some(), "{status}");
    let (worker, _) = Service::processes_of("1").await;
    // When the ban is over, nobody has to do anything.
    farm.ready("1").await;
    let (same, _) = Service::processes_of("1").await;
    assert_eq!(same.pid, worker.pid);
}

#[tokio::test]
async fn a_session_that_reconnects_is_never_taken_for_a_new_link() {
    let farm = Farm::start().await;
    farm.link("1", NUMBER).await;
    for _ in 0..3 {
        farm.phone.fault(NUMBER, "relogin", json!(1)).await;
        for _ in 0..20 {
            let status = farm.status("1").await;
            let state = status["state"].as_str().expect("a state");
            assert!(["ready", "reconnecting", "syncing"].contains(&state), "{status}");
            assert_eq!(status["isAuthenticated"], state != "reconnecting", "{status}");
            assert_eq!(status["hasQr"], false, "{status}");
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        farm.ready("1").await;
    }
}

#[tokio::test]
async fn a_banned_number_is_parked_with_the_reason() {
    let farm = Farm::start().await;
    farm.link("1", NUMBER).await;
    farm.phone.fault(NUMBER, "ban", json!(1)).await;
    let told = until("user 1 is parked", || async {
        let answer = farm.service.get("/qr?user_id=1").await.json;
        assert_ne!(answer["hasQr"], true, "a ban must be told before a new code is offered: {answer}");
        (answer["status"] == "failed").then_some(answer)
    })
    .await;
    assert!(told["message"].as_str().expect("why").contains("WhatsApp"), "{told}");
    assert_eq!(farm.status("1").await["ready"], false);
}

#[tokio::test]
async fn a_refused_send_is_an_error_and_the_next_one_goes() {
    let farm = Farm::start().await;
    farm.link("1", NUMBER).await;
    farm.phone.fault(NUMBER, "send_failure", json!(1)).await;
    let body = json!({"phone": "5511988887777", "message": "oi"});
    let refused = farm.service.post("/send?user_id=1", &body).await;
    assert_eq!(refused.status, 500, "{refused:?}");
    assert!(refused.json["error"].is_string());
    assert_eq!(farm.service.post("/send?user_id=1", &body).await.status, 200);
    assert_eq!(farm.phone.sent(NUMBER).await.len(), 1);
}
