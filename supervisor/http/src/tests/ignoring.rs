//! `config.ignore` and `[ignore]`: what is ignored is on no way out, and what is refused at subscription.

use axum::body::Body;
use axum::http::Request;
use colmeia::config::{IgnoreConfig, ServiceConfig};
use colmeia::protocol::{Event, MessageRecord};
use serde_json::{Value, json};

use super::stage::*;
use colmeia_events::journal::testing::{message, user, waiting};

const CHATS: [&str; 5] =
    ["5511988887777@c.us", "120363@g.us", "120363@newsletter", "status@broadcast", "5511-1@broadcast"];

/// One message of each kind of chat.
fn messages() -> Vec<(u64, Event)> {
    let of = |chat: &str| {
        let record = MessageRecord {
            chat: chat.into(),
            from: chat.into(),
            ..message(&format!("false_{chat}_m"), "oi")
        };
        Event::Message(Box::new(record))
    };
    (1..).zip(CHATS.map(of)).collect()
}

async fn configure(stage: &Stage, of: &str, ignore: Value) -> Answer {
    let webhook = json!({"url": format!("http://127.0.0.1:9/{of}"), "events": ["message"]});
    let config = json!({"config": {"ignore": ignore, "webhooks": [webhook]}});
    let request = Request::put(format!("/api/sessions/{of}")).body(Body::from(config.to_string()));
    stage.ask(request.expect("request")).await
}

/// The chats of the messages that a replay shows; streams and sockets read the same.
async fn told(stage: &Stage, of: &str) -> Vec<String> {
    let answer = stage.get(&format!("/api/events?session={of}&events=message")).await;
    let page: Value = serde_json::from_str(&answer.body).expect("JSON");
    let events = page["events"].as_array().expect("a list");
    events.iter().map(|event| event["payload"]["from"].as_str().expect("text").to_owned()).collect()
}

#[tokio::test]
async fn what_is_ignored_is_told_to_nobody_in_no_way() {
    let service = ServiceConfig {
        ignore: IgnoreConfig { channels: Some(true), ..IgnoreConfig::default() },
        ..ServiceConfig::default()
    };
    let stage = Cast::new(nobody)
        .with("1", ready())
        .with("2", ready())
        .with("3", ready())
        .on_stage_at("127.0.0.1:5001", service);
    let answer = configure(&stage, "1", json!({"groups": true, "status": true})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let shown: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(shown["config"]["ignore"], json!({"groups": true, "status": true}), "it is kept and shown");
    assert_eq!(configure(&stage, "2", json!({"channels": false, "broadcast": true})).await.status, 200);
    assert_eq!(configure(&stage, "3", Value::Null).await.status, 200);
    for of in ["1", "2", "3"] {
        stage.journal.append(&user(of), messages()).await.expect("written");
    }
    let [friend, group, channel, status, list] = CHATS;
    assert_eq!(told(&stage, "1").await, [friend, list]);
    assert_eq!(told(&stage, "2").await, [friend, group, channel], "its own word counts over the service's");
    assert_eq!(told(&stage, "3").await, [friend, group, status, list]);
    // To the webhook and to Flask, which never hears of a status.
    for (of, deliveries) in [("1", 2 + 2), ("2", 3 + 3), ("3", 4 + 3)] {
        assert_eq!(waiting(&stage.journal, &user(of)).await, deliveries, "{of}");
    }
}

#[tokio::test]
async fn a_wish_that_is_none_is_refused_by_name() {
    let stage = Cast::new(nobody).with("1", ready()).on_stage();
    for wrong in [json!({"groups": "yes"}), json!({"dogs": true}), json!(true)] {
        let answer = configure(&stage, "1", wrong.clone()).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.body);
        assert!(answer.body.contains("config.ignore"), "{}", answer.body);
    }
}

#[tokio::test]
async fn an_event_that_is_never_published_is_refused_wherever_one_subscribes() {
    let stage = Cast::new(nobody).with("1", ready()).on_stage();
    for name in ["label.nonsense", "engine.event", "state.change", "nonsense"] {
        let webhooks = json!([{"url": "http://127.0.0.1:9/x", "events": ["message", name]}]);
        let wish = json!({"name": "8", "config": {"webhooks": webhooks}}).to_string();
        let answer = stage.post("/api/sessions", wish).await;
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(
            (answer.status.as_u16(), &body["field"]),
            (400, &json!("config.webhooks[0].events")),
            "{name}: {body}"
        );
        for path in ["/api/events", "/api/events/stream", "/api/events/dead"] {
            let answer = stage.get(&format!("{path}?events=message,{name}")).await;
            let body: Value = serde_json::from_str(&answer.body).expect("JSON");
            assert_eq!((answer.status.as_u16(), &body["field"]), (400, &json!("events")), "{path} {name}");
            let error = body["error"].as_str().expect("text");
            assert!(error.contains("poll.vote") && error.contains("message.waiting"), "{error}");
        }
    }
    for name in ["poll.vote", "message.waiting", "message.ack.group", "session.status", "*"] {
        let webhooks = json!([{"url": "http://127.0.0.1:9/x", "events": [name]}]);
        let config = json!({"config": {"webhooks": webhooks}}).to_string();
        let request = Request::put("/api/sessions/1").body(Body::from(config)).expect("request");
        assert_eq!(stage.ask(request).await.status, 200, "{name}");
        assert_eq!(stage.get(&format!("/api/events?events={name}")).await.status, 200, "{name}");
    }
}
