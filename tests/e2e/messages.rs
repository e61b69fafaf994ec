//! Messages both ways, through every part.

use nix::sys::signal::Signal;
use serde_json::json;

use crate::harness::{Farm, Service, chat_id, until};

const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

#[tokio::test]
async fn a_text_is_sent_once_and_answered_with_its_id() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    let body = json!({"phone": "55 11 98888-7777", "message": "olá, mundo 🐝"});
    let answer = farm.service.post("/send?user_id=1", &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json["success"], true);
    let id = answer.json["messageId"].as_str().expect("an id");
    assert!(id.starts_with(&format!("true_{}_", chat_id("5511988887777"))), "{id}");

    let sent = farm.phone.sent("5511900000001").await;
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0]["body"], "olá, mundo 🐝");
    assert_eq!(sent[0]["to"], "5511988887777@c.us");

    let unknown = json!({"phone": "5511900000000", "message": "x"});
    let answer = farm.service.post("/send?user_id=1", &unknown).await;
    assert_eq!(answer.status, 400, "a number that is not on WhatsApp: {answer:?}");
    assert!(answer.json["error"].is_string());
    assert_eq!(farm.phone.sent("5511900000001").await.len(), 1);
}

#[tokio::test]
async fn twenty_sends_at_once_are_twenty_messages() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    let sends = (0..20).map(|n| {
        let farm = &farm;
        async move {
            let body = json!({"phone": "5511988887777", "message": format!("n {n}"), "user_id": "1"});
            farm.service.post("/send", &body).await.status
        }
    });
    assert_eq!(futures::future::join_all(sends).await, [200; 20]);
    let sent = farm.phone.sent("5511900000001").await;
    let bodies: std::collections::BTreeSet<_> = sent.iter().map(|m| m["body"].to_string()).collect();
    assert_eq!((sent.len(), bodies.len()), (20, 20));
}

#[tokio::test]
async fn what_comes_in_reaches_the_webhook_once_and_the_lists() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    farm.phone.message("5511900000001", "5511988887777", "oi").await;
    farm.webhook.has("1", &["oi".into()]).await;
    let taken = farm.webhook.taken().remove(0);
    let keys: Vec<_> = taken.as_object().expect("an object").keys().cloned().collect();
    let mut expected = ["from", "phone", "body", "message", "timestamp", "user_id"];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(taken["from"], chat_id("5511988887777"));
    assert_eq!(taken["phone"], "5511988887777");
    assert_eq!(taken["message"], "oi");
    assert!(taken["timestamp"].as_i64().expect("ms") > 1_600_000_000_000);

    let media = json!({
        "to": "5511900000001", "from": "5511988887777", "name": "Ana", "body": "",
        "media": {"mimetype": "image/png", "filename": "a.png", "data": PNG, "caption": "foto"},
    });
    farm.phone.message_with(media).await;
    farm.webhook.has("1", &["oi".into(), "foto".into()]).await;

    let chats = farm.service.get("/chats?user_id=1").await;
    assert_eq!(chats.status, 200, "{chats:?}");
    assert_eq!(chats.json["success"], true);
    let first = &chats.json["chats"][0];
    assert_eq!(first["id"], chat_id("5511988887777"), "newest first: {chats:?}");
    assert_eq!(first["lastMessage"], "[Mídia]");
    assert_eq!(first["unreadCount"], 2);

    let list = farm.service.get("/chats/5511988887777@c.us/messages?user_id=1&limit=10").await;
    assert_eq!(list.status, 200, "{list:?}");
    let messages = list.json["messages"].as_array().expect("a list");
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0]["body"], "oi", "oldest first");
    assert_eq!(messages[1]["hasMedia"], true);

    let id = messages[1]["id"].as_str().expect("an id");
    let media = farm.service.get(&format!("/media/{id}?user_id=1")).await;
    assert_eq!((media.status, media.content_type.as_str()), (200, "image/png"), "{}", media.text);
    assert_eq!(&media.bytes[..4], b"\x89PNG");

    let missing = farm.service.get("/chats/5511977776666@c.us/messages?user_id=1").await;
    assert_eq!(missing.status, 404, "{missing:?}");
    let text_id = messages[0]["id"].as_str().expect("an id");
    let none = farm.service.get(&format!("/media/{text_id}?user_id=1")).await;
    assert_eq!(none.status, 404, "{none:?}");
}

#[tokio::test]
async fn a_receiver_that_is_down_gets_everything_in_order_once_it_is_up() {
    let mut farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    farm.webhook.set_down(true);
    let bodies: Vec<String> = (0..10).map(|n| format!("espera {n}")).collect();
    for body in &bodies[..5] {
        farm.phone.message("5511900000001", "5511988887777", body).await;
    }
    until("the receiver was tried", || async { (farm.webhook.refused() > 0).then_some(()) }).await;
    farm.service.signal(Signal::SIGKILL);
    farm.service.ended().await;
    for body in &bodies[5..] {
        farm.phone.message("5511900000001", "5511988887777", body).await;
    }
    farm.service.start_again().await;
    farm.webhook.set_down(false);
    farm.webhook.has("1", &bodies).await;
}

#[tokio::test]
async fn a_message_that_a_worker_dies_over_after_the_page_has_stored_it_is_not_lost() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    farm.phone.message("5511900000001", "5511988887777", "antes").await;
    farm.webhook.has("1", &["antes".into()]).await;
    let (worker, _) = Service::processes_of("1").await;
    // It hears nothing more; the page goes on, and confirms to the server what it has stored.
    worker.signal(Signal::SIGSTOP);
    let mut bodies = vec!["antes".to_owned()];
    for n in 0..3 {
        bodies.push(format!("ninguém ouviu {n}"));
        farm.phone.message("5511900000001", "5511988887777", &bodies[n + 1]).await;
    }
    until("the page has stored them", || async {
        (farm.phone.queued("5511900000001").await == 0).then_some(())
    })
    .await;
    worker.signal(Signal::SIGKILL);
    farm.phone.message("5511900000001", "5511988887777", "depois").await;
    bodies.push("depois".into());
    farm.webhook.has("1", &bodies).await;
}

#[tokio::test]
async fn a_worker_that_dies_during_a_send_is_an_error_and_never_a_second_message() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    farm.phone.fault("5511900000001", "send_delay", json!(60_000)).await;
    let body = json!({"phone": "5511988887777", "message": "uma vez"});
    let send = farm.service.post("/send?user_id=1", &body);
    let die = async {
        // The page has handed it over: the simulator holds it back.
        let (worker, _) = Service::processes_of("1").await;
        until("the message is in the page's hands", || async {
            let pages = farm.phone.pages().await;
            pages.iter().any(|page| page["sending"].as_u64().unwrap_or(0) > 0).then_some(())
        })
        .await;
        worker.signal(Signal::SIGKILL);
    };
    let (answer, ()) = tokio::join!(send, die);
    assert_eq!(answer.status, 500, "{answer:?}");
    assert!(answer.json["error"].as_str().expect("why").len() > 20, "{answer:?}");
    farm.phone.fault("5511900000001", "send_delay", json!(0)).await;
    farm.ready("1").await;
    let again = json!({"phone": "5511988887777", "message": "depois"});
    assert_eq!(farm.service.post("/send?user_id=1", &again).await.status, 200);
    let sent = farm.phone.sent("5511900000001").await;
    let first = sent.iter().filter(|message| message["body"] == "uma vez").count();
    assert!(first <= 1, "{sent:?}");
    assert_eq!(sent.last().expect("one")["body"], "depois");
}
