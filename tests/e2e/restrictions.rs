//! An account that WhatsApp restricts, from the page to whoever is concerned: `me`, the events, the refused send with its end,
//! the dashboard and the figures; and everything as before when it is over.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Answer, Farm, until};
use crate::visitor::Visitor;

const NUMBER: &str = "5511900000001";
const FRIEND: &str = "5511988887777";
const STRANGER: &str = "5511955554444";

async fn lock(farm: &Farm, wish: Value) {
    let mut body = json!({ "number": NUMBER });
    body.as_object_mut().expect("an object").extend(wish.as_object().expect("an object").clone());
    assert_eq!(farm.phone.post("/phone/timelock", body).await.0, 200);
}

async fn send(farm: &Farm, to: &str) -> Answer {
    farm.service.post("/send", &json!({ "user_id": "1", "phone": to, "message": "oi" })).await
}

/// What `me` has, once it fits.
async fn me(farm: &Farm, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    until(what, || async {
        let me = farm.service.get("/api/sessions/1/me").await.json;
        fits(&me).then_some(me)
    })
    .await
}

/// The data of the statuses that were told of restrictions, in order.
async fn told(farm: &Farm) -> Vec<Value> {
    let events = farm.service.get("/api/events?session=1&limit=500").await.json;
    let events = events["events"].as_array().or_else(|| events.as_array()).expect("events").clone();
    let statuses = events.into_iter().filter(|event| event["event"] == "session.status");
    let data = statuses.map(|event| event["payload"]["data"]["reachoutTimelock"].clone());
    data.filter(|lock| !lock.is_null()).collect()
}

#[tokio::test]
async fn a_restricted_account_says_so_refuses_with_its_end_and_sends_again_when_it_is_lifted() {
    let farm = Farm::start().await;
    farm.link("1", NUMBER).await;
    farm.phone.message(NUMBER, FRIEND, "oi").await;
    farm.webhook.has("1", &["oi".to_owned()]).await;
    let free = me(&farm, "the quota is known", |me| me["messageCapping"].is_object()).await;
    assert_eq!(
        (&free["reachoutTimelock"], &free["messageCapping"]["totalQuota"]),
        (&Value::Null, &json!(-1))
    );
    assert_eq!(farm.service.get("/api/sessions/1/timelock").await.json["isActive"], false);

    lock(&farm, json!({ "active": true, "seconds": 7200, "enforcement": "RESTRICT_ALL_COMPANIONS" })).await;
    let locked = me(&farm, "me has the lock", |me| me["reachoutTimelock"].is_object()).await;
    let end = locked["reachoutTimelock"]["timeEnforcementEnds"].as_u64().expect("seconds");
    let session = farm.service.get("/api/sessions/1").await.json;
    assert_eq!((&session["status"], &session["me"]), (&json!("WORKING"), &locked));
    assert_eq!(farm.service.get("/status?user_id=1").await.json["ready"], true);
    assert_eq!(farm.service.get("/api/sessions/1/timelock").await.json, locked["reachoutTimelock"]);
    until("the event", || async { (!told(&farm).await.is_empty()).then_some(()) }).await;
    assert_eq!(told(&farm).await, [locked["reachoutTimelock"].clone()]);

    let refused = send(&farm, STRANGER).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS.as_u16(), "{}", refused.text);
    assert_eq!(
        (&refused.json["restriction"], &refused.json["until"]),
        (&json!("reachout_timelock"), &json!(end))
    );
    let text = refused.json["error"].as_str().expect("a text");
    assert!(text.contains("nunca escreveu para ela até") && text.ends_with("nada foi enviado"), "{text}");
    let body = json!({ "session": "1", "chatId": format!("{STRANGER}@c.us"), "text": "oi" });
    let answer = farm.service.post("/api/sendText", &body).await;
    assert_eq!((answer.status, &answer.json["until"]), (429, &json!(end)), "{}", answer.text);
    assert_eq!(send(&farm, FRIEND).await.status, 200, "who wrote is written to as ever");
    let sent = farm.phone.sent(NUMBER).await;
    assert!(sent.iter().all(|one| one["to"] == format!("{FRIEND}@c.us")), "{sent:?}");

    let figures = farm.service.get("/metrics").await.text;
    assert!(
        figures.contains("colmeia_sessions_restricted{restriction=\"reachout_timelock\"} 1"),
        "{figures}"
    );
    let refusals = "colmeia_calls_total{operation=\"send_text\",outcome=\"restricted\"} 2";
    assert!(figures.contains(refusals), "{figures}");
    for (language, width, says, name) in [
        ("pt-BR", 1280, "Sem novos contatos", "session-restricted.png"),
        ("en-US", 390, "No new contacts", "session-restricted-phone.png"),
    ] {
        let visitor = Visitor::arrive_with(language, width, 900).await;
        let page = visitor.open(&format!("http://{}/sessions/1", farm.service.address())).await;
        page.says(says).await;
        page.is("document.documentElement.scrollWidth <= innerWidth").await;
        page.keep_picture(name).await;
    }

    lock(&farm, json!({ "active": false })).await;
    me(&farm, "the lock is gone", |me| me["reachoutTimelock"].is_null()).await;
    until("its end is told", || async { (told(&farm).await.len() == 2).then_some(()) }).await;
    assert_eq!(told(&farm).await[1]["isActive"], false);
    let passed = send(&farm, STRANGER).await;
    assert_eq!((passed.status, &passed.json["success"]), (200, &json!(true)), "{}", passed.text);
}
