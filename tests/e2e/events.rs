//! Events through every part: webhooks with their signatures, receivers that are down, dead letters, and readers that
//! go on where they were when the supervisor died.

use futures::StreamExt as _;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::harness::{Farm, Options, Receiver, chat_id, ctl, until};

const NUMBER: &str = "5511900000001";
const FRIEND: &str = "5511988887777";

/// `[[webhooks]]` as they stand in the configuration.
fn webhook(receiver: &Receiver, events: &str, more: &str) -> String {
    format!("[[webhooks]]\nurl = '{}'\nevents = {events}\n{more}\n", receiver.url())
}

async fn farm(config: String) -> Farm {
    let farm = Farm::start_with(Options { config, ..Options::default() }).await;
    farm.link("1", NUMBER).await;
    farm
}

/// Reads server-sent events until there are `count` messages; returns each one's id and text.
async fn read(response: reqwest::Response, count: usize) -> Vec<(String, String)> {
    let mut body = response.bytes_stream();
    let (mut rest, mut seen) = (String::new(), Vec::new());
    while seen.len() < count {
        let chunk = tokio::time::timeout(crate::harness::LONG, body.next()).await.expect("in time");
        rest.push_str(std::str::from_utf8(&chunk.expect("more").expect("bytes")).expect("text"));
        while let Some((block, after)) = rest.split_once("\n\n") {
            if let Some(data) = block.lines().find_map(|line| line.strip_prefix("data: ")) {
                let event: Value = serde_json::from_str(data).expect("JSON");
                let text = |value: &Value| value.as_str().expect("text").to_owned();
                seen.push((text(&event["id"]), text(&event["payload"]["body"])));
            }
            rest = after.to_owned();
        }
    }
    seen
}

#[tokio::test]
async fn a_webhook_is_told_in_order_with_signatures_and_own_headers_and_flask_as_ever() {
    let receiver = Receiver::start().await;
    let more = "hmac = { key = 'hunter2' }\ncustom_headers = [{ name = 'X-Mine', value = 'hunter3' }]";
    // The same address twice, in two spellings: one recipient.
    let twice = webhook(&receiver, "['message']", more).replace("/hook", "/./hook");
    let config =
        webhook(&receiver, "['message', 'message.any', 'session.status', 'message.ack']", more) + &twice;
    let farm = farm(config).await;
    for text in ["um", "dois", "três"] {
        farm.phone.message(NUMBER, FRIEND, text).await;
    }
    receiver.has("1", &["um", "dois", "três"]).await;
    farm.webhook.has("1", &["um".into(), "dois".into(), "três".into()]).await;
    until("each message came as both kinds", || async {
        let any = receiver.taken().iter().filter(|taken| taken.event["event"] == "message.any").count();
        (any == 3).then_some(())
    })
    .await;
    let taken = receiver.taken();
    assert!(taken.iter().all(|taken| taken.is_signed_with("hunter2") && taken.header("x-mine") == "hunter3"));
    let mut ids: Vec<_> = taken.iter().map(|taken| taken.event["id"].to_string()).collect();
    assert!(ids.is_sorted(), "in the order in which they were written: {ids:?}");
    let requests: std::collections::BTreeSet<_> =
        taken.iter().map(|taken| taken.header("x-webhook-request-id").to_owned()).collect();
    let count = ids.len();
    ids.dedup();
    assert_eq!((ids.len(), requests.len()), (count, count), "each event once, each request its own");
    let first = &taken.iter().find(|taken| taken.event["event"] == "message").expect("one").event;
    assert_eq!(first["me"]["id"], format!("{NUMBER}@c.us"));
    assert_eq!(first["payload"]["from"], chat_id(FRIEND));
    let mut statuses: Vec<_> = taken
        .iter()
        .filter(|taken| taken.event["event"] == "session.status")
        .map(|taken| taken.event["payload"]["status"].as_str().expect("text").to_owned())
        .collect();
    statuses.dedup(); // who takes long to scan is shown another code, which is told too
    let way = ["STARTING", "SCAN_QR_CODE", "STARTING", "WORKING"];
    assert!(statuses.starts_with(&way.map(String::from)), "{statuses:?}");
}

#[tokio::test]
async fn a_webhook_that_was_away_gets_everything_in_order_and_delays_nobody() {
    let (mut away, other) = (Receiver::away().await, Receiver::start().await);
    let config = webhook(&away, "['message']", "retries = { delay_seconds = 0.2, attempts = 40 }")
        + &webhook(&other, "['message']", "");
    let mut farm = farm(config).await;
    let texts: Vec<String> = (0..8).map(|n| format!("espera {n}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for text in &texts[..4] {
        farm.phone.message(NUMBER, FRIEND, text).await;
    }
    other.has("1", &texts[..4]).await;
    farm.service.signal(Signal::SIGKILL);
    farm.service.ended().await;
    for text in &texts[4..] {
        farm.phone.message(NUMBER, FRIEND, text).await;
    }
    farm.service.start_again().await;
    other.has_by_id("1", &texts).await;
    let all: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    farm.webhook.has_by_id("1", &all).await;
    let (_, queues) = ctl(&farm, &["--json", "events", "queues"]).await;
    let queues: Value = serde_json::from_str(&queues).expect("JSON");
    assert_eq!(queues["queues"][0]["pending"], 8, "{queues}");
    away.come_back().await;
    away.has("1", &texts).await;
    let (_, dead) = ctl(&farm, &["events", "dead"]).await;
    assert_eq!(dead.lines().count(), 1, "{dead}");
}

#[tokio::test]
async fn a_dead_letter_is_listed_and_replayed_by_operators_and_programs() {
    let receiver = Receiver::start().await;
    let farm =
        farm(webhook(&receiver, "['message']", "retries = { delay_seconds = 0.1, attempts = 2 }")).await;
    receiver.answer(422);
    farm.phone.message(NUMBER, FRIEND, "recusada").await;
    until("it was given up", || async {
        let (_, dead) = ctl(&farm, &["--json", "events", "dead"]).await;
        (dead.contains("answered 422") && receiver.refused() == 2).then_some(())
    })
    .await;
    let (_, dead) = ctl(&farm, &["events", "dead", "1"]).await;
    println!("{dead}");
    assert!(dead.contains("answered 422") && !dead.contains("recusada") && !dead.contains("/hook"), "{dead}");
    let listed = farm.service.get("/api/events/dead?session=1").await;
    assert_eq!((listed.status, listed.json["dead"].as_array().map(Vec::len)), (200, Some(1)), "{listed:?}");
    let letter = &listed.json["dead"][0];
    assert_eq!((&letter["attempts"], &letter["event"]["payload"]["body"]), (&2.into(), &"recusada".into()));

    receiver.answer(200);
    farm.phone.message(NUMBER, FRIEND, "aceita").await;
    receiver.has("1", &["aceita"]).await;
    let (code, said) = ctl(&farm, &["events", "replay"]).await;
    assert_eq!(code, 2, "which? {said}");
    let id = letter["event"]["id"].as_str().expect("an id");
    assert_eq!(ctl(&farm, &["events", "replay", id]).await, (0, "1 dead letters are tried again\n".into()));
    receiver.has("1", &["aceita", "recusada"]).await;

    receiver.answer(500);
    farm.phone.message(NUMBER, FRIEND, "quebrada").await;
    until("it was given up", || async { (receiver.refused() == 4).then_some(()) }).await;
    receiver.answer(200);
    until("a program has it tried again", || async {
        let replayed = farm.service.post("/api/events/replay?session=1", &Value::Null).await;
        (replayed.json["replayed"] == 1).then_some(())
    })
    .await;
    receiver.has("1", &["aceita", "recusada", "quebrada"]).await;
}

#[tokio::test]
async fn flask_is_called_once_when_it_is_slow_or_refuses_and_where_it_moved_to() {
    let farm = farm("[flask]\ntimeout_seconds = 2\n".into()).await;
    let texts = ["demora", "responde 400", "responde 308", "responde 302", "depois"];
    for text in texts {
        farm.phone.message(NUMBER, FRIEND, text).await;
    }
    farm.webhook.has("1", &["responde 308".into(), "depois".into()]).await;
    assert_eq!(farm.webhook.called(), texts, "each once, and the slow one is still at work");
    let (_, dead) = ctl(&farm, &["events", "dead"]).await;
    assert_eq!(dead.lines().count(), 3, "{dead}");
    for reason in ["answered 400", "answered 302: only the redirects 307 and 308 are followed"] {
        assert!(dead.contains(reason), "{dead}");
    }
    let metrics = farm.service.get("/metrics").await.text;
    let handed_over = r#"colmeia_deliveries_total{receiver="flask",outcome="handed_over"} 1"#;
    assert!(metrics.lines().any(|line| line == handed_over), "{metrics}");
}

#[tokio::test]
async fn what_stands_still_is_seen_said_once_and_tried_now_or_discarded() {
    let receiver = Receiver::start().await;
    let config = webhook(&receiver, "['message']", "retries = { delay_seconds = 600, attempts = 9 }");
    let farm = Farm::start_with(Options { config, log_to_file: true, ..Options::default() }).await;
    farm.link("1", NUMBER).await;
    let log = || std::fs::read_to_string(farm.dir.path().join("log")).expect("a log");
    let said = |what: &str| log().lines().filter(|line| line.contains(what)).count();
    let (begins, ends) = ("a receiver does not take what it is sent", "does not hold anything up any more");
    receiver.answer(500);
    for text in ["primeira", "segunda"] {
        farm.phone.message(NUMBER, FRIEND, text).await;
    }
    let stuck = async |pending: u64, attempts: u64| {
        until(&format!("{attempts} attempts have failed"), || async {
            let (_, queues) = ctl(&farm, &["--json", "events", "queues"]).await;
            let queues: Value = serde_json::from_str(&queues).expect("JSON");
            let queue =
                queues["queues"].as_array()?.iter().find(|queue| queue["receiver"] != "Flask")?.clone();
            (queue["pending"] == pending && queue["head"]["attempts"] == attempts).then_some(queue)
        })
        .await
    };
    let queue = stuck(2, 1).await;
    assert_eq!(queue["head"]["error"], "answered 500");
    let number = queue["id"].to_string();
    let (_, shown) = ctl(&farm, &["events", "queues"]).await;
    println!("{shown}");
    let host = receiver.url().replace("/hook", "");
    assert!(shown.contains(&host) && shown.contains("answered 500") && !shown.contains("/hook"), "{shown}");
    for attempts in [2, 3] {
        let retried = ctl(&farm, &["events", "retry", &number]).await;
        assert_eq!(retried, (0, "tried now in 1 queues\n".into()));
        stuck(2, attempts).await;
    }
    assert_eq!((said(begins), said(ends)), (1, 0), "once, and not at every try");
    assert!(
        log().lines().any(|line| line.contains(begins) && line.contains(&host) && !line.contains("/hook"))
    );

    let first = queue["head"]["id"].as_str().expect("an id");
    let other = ["events", "discard", &number, "--event", "evt_00000000000000000000000000"];
    assert_eq!(ctl(&farm, &other).await.0, 1, "another event");
    let (code, discarded) = ctl(&farm, &["events", "discard", &number, "--event", first]).await;
    assert!(code == 0 && discarded.starts_with(first), "{discarded}");
    assert_ne!(stuck(1, 1).await["head"]["id"], first);
    receiver.answer(200);
    assert_eq!(ctl(&farm, &["events", "retry", "--user", "1"]).await.0, 0);
    receiver.has("1", &["segunda"]).await;
    until("it is over", || async { (said(ends) == 1).then_some(()) }).await;
    assert_eq!(said(begins), 1);
    let (_, dead) = ctl(&farm, &["events", "dead"]).await;
    assert!(dead.contains("discarded by an operator; before: answered 500"), "{dead}");
    assert_eq!(ctl(&farm, &["events", "replay", first]).await.0, 0);
    receiver.has("1", &["segunda", "primeira"]).await;
}

#[tokio::test]
async fn a_reader_goes_on_after_the_supervisors_death_without_a_gap() {
    let mut farm = farm(String::new()).await;
    let path = "/api/events/stream?session=1&events=message";
    let live = farm.service.request("GET", path).send().await.expect("a stream");
    for text in ["a", "b"] {
        farm.phone.message(NUMBER, FRIEND, text).await;
    }
    let seen = read(live, 2).await;
    assert_eq!(seen.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    farm.service.signal(Signal::SIGKILL);
    farm.service.ended().await;
    for text in ["c", "d"] {
        farm.phone.message(NUMBER, FRIEND, text).await;
    }
    farm.service.start_again().await;
    let again = farm.service.request("GET", path).header("last-event-id", &seen[0].0);
    let again = again.send().await.expect("a stream");
    farm.phone.message(NUMBER, FRIEND, "e").await;
    let texts: Vec<String> = read(again, 4).await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["b", "c", "d", "e"]);
    let page = farm.service.get(&format!("/api/events?session=1&events=message&after={}", seen[1].0)).await;
    let texts: Vec<_> = page.json["events"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|e| e["payload"]["body"].clone())
        .collect();
    assert_eq!(texts, ["c", "d", "e"]);
}

#[tokio::test]
async fn a_sessions_own_webhook_hears_of_that_session_alone_and_once_where_all_sessions_name_it_too() {
    let (both, own) = (Receiver::start().await, Receiver::start().await);
    let config = webhook(&both, "['message']", "");
    let farm = Farm::start_with(Options { config, ..Options::default() }).await;
    let webhooks = json!([
        { "url": both.url(), "events": ["message"], "hmac": { "key": "chave" }, "retries": null },
        { "url": own.url(), "events": ["message", "session.status"] },
    ]);
    let settings = json!({ "webhooks": webhooks, "metadata": { "team": "azul" } });
    let made = farm.service.post("/api/sessions", &json!({ "name": "1", "config": settings })).await;
    assert_eq!(made.status, 201, "{made:?}");
    tokio::join!(farm.link("1", NUMBER), farm.link("2", "5511900000002"));
    farm.phone.message(NUMBER, FRIEND, "um").await;
    farm.phone.message("5511900000002", FRIEND, "dois").await;
    own.has("1", &["um"]).await;
    both.has("1", &["um"]).await;
    both.has("2", &["dois"]).await;
    for taken in both.taken() {
        let own = taken.event["session"] == "1";
        assert_eq!((taken.is_signed_with("chave"), taken.event["metadata"].is_object()), (own, own));
    }
    let heard = own.taken();
    assert!(heard.iter().all(|taken| taken.event["session"] == "1"));
    assert!(heard.iter().all(|taken| taken.event["metadata"]["team"] == "azul"));
    assert!(heard.iter().any(|taken| taken.event["payload"]["status"] == "WORKING"));

    let without = json!({ "config": { "webhooks": [] } });
    let changed = farm.service.send(farm.service.request("PUT", "/api/sessions/1").json(&without)).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    farm.phone.message(NUMBER, FRIEND, "três").await;
    both.has("1", &["um", "três"]).await;
    assert_eq!(own.bodies("1"), ["um"], "it was taken out");
}
