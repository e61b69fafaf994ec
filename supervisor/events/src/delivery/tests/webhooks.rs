//! Webhooks of the configuration and of sessions.

use super::*;
use axum::http::header::{LOCATION, RETRY_AFTER};

/// One session's own webhooks.
#[derive(Debug)]
struct Own(&'static str, WebhookConfig);

impl Sessions for Own {
    fn webhooks(&self, user: &UserId) -> Vec<WebhookConfig> {
        if user.as_str() == self.0 { vec![self.1.clone()] } else { Vec::new() }
    }

    fn metadata(&self, user: &UserId) -> Option<Value> {
        (user.as_str() == self.0).then(|| json!({ "team": "blue" }))
    }
}

#[tokio::test]
async fn global_and_own_webhooks_are_told_in_order_and_once_where_both_name_one() {
    let (flask, both, only_own) = (
        Receiver::new(|_, _| Answer::Status(200)),
        Receiver::new(|times, _| Answer::Status(if times == 2 { 500 } else { 200 })),
        Receiver::new(|_, _| Answer::Status(200)),
    );
    let (flask_at, _a) = flask.listen(local()).await;
    let (both_at, _b) = both.listen(local()).await;
    let (own_at, _c) = only_own.listen(local()).await;
    let global = [Receiver::webhook(both_at, 5)];
    let own = Own("1", Receiver::webhook(both_at, 5));
    let delivering = deliver(flask_at, &global, Arc::new(own), PATIENCE);
    delivering.append("1", &["a", "b", "c"]).await;
    delivering.append("2", &["x"]).await;
    delivering.settled("1").await;
    delivering.settled("2").await;
    assert_eq!(flask.texts("1"), ["a", "b", "c"]);
    let told = |of| {
        let mut told = both.enveloped(of);
        told.dedup();
        told
    };
    assert_eq!((told("1"), told("2")), (vec!["a".into(), "b".into(), "c".into()], vec!["x".to_owned()]));
    assert_eq!(both.seen().len(), 5, "one of four was offered twice");
    assert!(both.seen().iter().all(|(id, _)| id.starts_with("evt_01")));
    let metadata: Vec<_> = both.seen().into_iter().map(|(_, body)| body["metadata"].clone()).collect();
    assert!(metadata.contains(&json!({ "team": "blue" })) && metadata.contains(&Value::Null));
    delivering.end().await;
    let delivering = deliver(flask_at, &[], Arc::new(Own("1", Receiver::webhook(own_at, 5))), PATIENCE);
    delivering.append("1", &["d"]).await;
    delivering.append("2", &["y"]).await;
    delivering.settled("1").await;
    delivering.settled("2").await;
    assert_eq!((only_own.enveloped("1"), only_own.enveloped("2").len()), (vec!["d".to_owned()], 0));
    delivering.end().await;
}

#[tokio::test]
async fn a_webhook_that_hangs_delays_neither_flask_nor_another_one() {
    let (flask, slow, quick) = (
        Receiver::new(|_, _| Answer::Status(200)),
        Receiver::new(|_, _| Answer::Held),
        Receiver::new(|_, _| Answer::Status(200)),
    );
    let (flask_at, _a) = flask.listen(local()).await;
    let (slow_at, _b) = slow.listen(local()).await;
    let (quick_at, _c) = quick.listen(local()).await;
    let global = [Receiver::webhook(slow_at, 5), Receiver::webhook(quick_at, 5)];
    let delivering = deliver(flask_at, &global, Arc::new(()), PATIENCE);
    delivering.append("1", &["a", "b", "c"]).await;
    eventually(async || quick.seen().len() == 3 && flask.seen().len() == 3).await;
    assert_eq!(slow.seen().len(), 1, "it still hangs at the first one");
    delivering.end().await;
}

#[tokio::test]
async fn after_the_last_attempt_an_event_gives_way_and_can_be_replayed() {
    let flask = Receiver::new(|_, _| Answer::Status(200));
    let picky = Receiver::new(|times, body| {
        let poison = body["payload"]["body"] == "poison" && times <= 3;
        Answer::Status(if poison { 422 } else { 200 })
    });
    let (flask_at, _a) = flask.listen(local()).await;
    let (picky_at, _b) = picky.listen(local()).await;
    let delivering = deliver(flask_at, &[Receiver::webhook(picky_at, 3)], Arc::new(()), PATIENCE);
    delivering.append("1", &["poison", "b"]).await;
    delivering.settled("1").await;
    assert_eq!(picky.enveloped("1"), ["poison", "poison", "poison", "b"]);
    let dead = delivering.journal.dead(Which::default(), 9).await.expect("read");
    assert_eq!((dead.len(), dead[0].attempts, dead[0].error.as_str()), (1, 3, "answered 422"));
    assert_eq!(delivering.journal.replay(Which::default()).await.expect("written"), 1);
    delivering.settled("1").await;
    assert_eq!(picky.enveloped("1"), ["poison", "poison", "poison", "b", "poison"]);
    assert!(delivering.journal.dead(Which::default(), 9).await.expect("read").is_empty());
    delivering.end().await;
}

#[tokio::test]
async fn a_webhook_that_is_down_uses_up_no_attempts_and_gets_all_in_order_when_it_is_back() {
    let flask = Receiver::new(|_, _| Answer::Status(200));
    let (flask_at, _a) = flask.listen(local()).await;
    let receiver = Receiver::new(|_, _| Answer::Status(200));
    let address = TcpListener::bind(local()).await.expect("bound").local_addr().expect("address");
    // Fewer than there will be connections that are refused.
    let delivering = deliver(flask_at, &[Receiver::webhook(address, 2)], Arc::new(()), PATIENCE);
    let texts: Vec<String> = (0..30).map(|n| format!("{n:02}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    delivering.append("1", &texts).await;
    let unreachable = || {
        let counted = |line: &str| {
            line.strip_prefix(r#"colmeia_deliveries_total{receiver="webhook",outcome="unreachable"} "#)
                .and_then(|count| count.parse::<u32>().ok())
        };
        delivering.metrics.encode(&[], &[], None).lines().find_map(counted).unwrap_or_default()
    };
    eventually(async || unreachable() >= 5).await;
    let (_, _server) = receiver.listen(address).await;
    delivering.settled("1").await;
    assert_eq!(receiver.enveloped("1"), texts);
    assert!(delivering.journal.dead(Which::default(), 9).await.expect("read").is_empty());
    delivering.end().await;
}

#[tokio::test]
async fn a_webhook_that_is_not_configured_any_more_is_not_told() {
    let flask = Receiver::new(|_, _| Answer::Status(200));
    let (flask_at, _a) = flask.listen(local()).await;
    let recipients = Recipients::new(&[Receiver::webhook(flask_at, 3)], Arc::new(()));
    let folder = tempfile::tempdir().expect("folder");
    let journal = Journal::open(&folder.path().join("colmeia.db"), Arc::new(recipients)).expect("opens");
    journal.append(&user("1"), vec![incoming("a")]).await.expect("written");
    let client = Client::new(nowhere(), names()).expect("client");
    let nobody = Recipients::new(&[], Arc::new(()));
    let events = EventsConfig::default();
    let flask = at(flask_at, PATIENCE);
    let delivery = Delivery::new(journal.clone(), nobody, client, flask, events, means());
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(Dispatcher::new(delivery, events, shutdown.clone()).run());
    eventually(async || waiting(&journal, &user("1")).await == 0).await;
    let dead = journal.dead(Which::default(), 9).await.expect("read");
    assert_eq!((dead.len(), dead[0].error.as_str()), (1, "this webhook is not configured any more"));
    let ids = async || {
        let queues = journal.queues().await.expect("read");
        queues.into_iter().filter(|queue| &*queue.address != FLASK).map(|queue| queue.id).collect::<Vec<_>>()
    };
    let queue = ids().await;
    journal.forget_queues(queue.clone()).await.expect("works");
    assert_eq!(
        (ids().await, queue.len()),
        (queue, 1),
        "as long as something was given up in it, it can be replayed"
    );
    journal.prune(i64::MAX, 9).await.expect("works");
    // What a round does.
    let dispatcher = |delivery| Dispatcher::new(delivery, events, shutdown.clone());
    let client = Client::new(nowhere(), names()).expect("client");
    let nobody = Recipients::new(&[], Arc::new(()));
    let flask = at(flask_at, PATIENCE);
    let delivery = Delivery::new(journal.clone(), nobody, client, flask, events, means());
    dispatcher(delivery).forget_queues().await.expect("works");
    assert_eq!(ids().await, [0_i64; 0]);
    shutdown.cancel();
    task.await.expect("no panic");
}

/// One session with as many webhooks as it may have, all of which hang or have much to take, delays no other.
#[tokio::test]
async fn a_session_with_many_webhooks_delays_no_other() {
    #[derive(Debug)]
    struct Many(Vec<WebhookConfig>);
    impl Sessions for Many {
        fn webhooks(&self, user: &UserId) -> Vec<WebhookConfig> {
            let most = if user.as_str() == "many" { self.0.len() } else { 1 };
            self.0[..most].to_vec()
        }
        fn metadata(&self, _: &UserId) -> Option<Value> {
            None
        }
    }
    let flask = Receiver::new(|_, _| Answer::Status(200));
    let busy = Receiver::new(|times, body| match body["session"].as_str() {
        Some("many") if times % 2 == 0 => Answer::Held,
        _ => Answer::Status(200),
    });
    let (flask_at, _a) = flask.listen(local()).await;
    let (busy_at, _b) = busy.listen(local()).await;
    let webhooks = (0..20).map(|n| {
        let mut webhook = Receiver::webhook(busy_at, 3);
        webhook.url = format!("{}?n={n}", webhook.url);
        webhook
    });
    let delivering = deliver(flask_at, &[], Arc::new(Many(webhooks.collect())), PATIENCE);
    let texts: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    delivering.append("many", &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    eventually(async || busy.enveloped("many").len() >= 20).await;
    delivering.append("2", &["x", "y"]).await;
    delivering.settled("2").await;
    assert_eq!(busy.enveloped("2"), ["x", "y"]);
    assert!(waiting(&delivering.journal, &user("many")).await > 2_000, "the other one has still much to do");
    busy.release();
    delivering.end().await;
}

/// It opened the breaker of the address: other sessions' events came 43 s late, and 40 attempts took 796 s.
#[tokio::test]
async fn an_event_that_is_refused_delays_no_other_session_and_is_tried_as_often_and_as_soon_as_configured() {
    let flask = Receiver::new(|_, _| Answer::Status(200));
    let picky = Receiver::new(|_, body| match body["payload"]["body"].as_str() {
        Some("poison") => Answer::Status(500),
        _ => Answer::Status(200),
    });
    let (flask_at, _a) = flask.listen(local()).await;
    let (picky_at, _b) = picky.listen(local()).await;
    let delivering = deliver(flask_at, &[Receiver::webhook(picky_at, 40)], Arc::new(()), PATIENCE);
    let begun = std::time::Instant::now();
    delivering.append("1", &["poison", "b"]).await;
    eventually(async || picky.enveloped("1").len() >= 10).await;
    delivering.append("2", &["x", "y"]).await;
    delivering.settled("2").await;
    delivering.settled("1").await;
    // With pauses of the breaker between them the attempts would take a quarter of an hour.
    assert!(begun.elapsed() < PATIENCE);
    assert_eq!(picky.enveloped("2"), ["x", "y"]);
    let told = picky.enveloped("1");
    assert_eq!((told.len(), &*told[39], &*told[40]), (41, "poison", "b"));
    assert_eq!(delivering.dead().await, [("poison".to_owned(), "answered 500".to_owned())]);
    delivering.end().await;
}

#[tokio::test]
async fn a_webhooks_redirects_within_its_origin_are_followed_and_others_are_final_with_the_reason() {
    let flask = Receiver::new(|_, _| Answer::Status(200));
    let moved = Receiver::new(|_, body| match body["payload"]["body"].as_str() {
        Some("found") => Answer::With(302, LOCATION, "/webhook/"),
        Some("elsewhere") => Answer::With(308, LOCATION, "http://127.0.0.2:9/webhook"),
        _ => Answer::Status(200),
    });
    let (flask_at, _a) = flask.listen(local()).await;
    let (moved_at, _b) = moved.listen(local()).await;
    let mut webhook = Receiver::webhook(moved_at, 5);
    webhook.url = webhook.url.replace("/webhook", "/slashed");
    let delivering = deliver(flask_at, &[webhook], Arc::new(()), PATIENCE);
    delivering.append("1", &["a", "found", "elsewhere", "b"]).await;
    delivering.settled("1").await;
    assert_eq!(moved.enveloped("1"), ["a", "found", "elsewhere", "b"]);
    let dead = delivering.dead().await;
    assert_eq!(dead.len(), 2, "each was tried once: {dead:?}");
    assert!(dead[0].1.starts_with("answered 302: only the redirects 307 and 308"), "{dead:?}");
    assert_eq!(dead[1].1, "answered 308: a redirect to another origin is not followed");
    delivering.end().await;
}

#[tokio::test]
async fn a_webhook_that_puts_an_event_off_is_asked_again_when_it_says() {
    let flask = Receiver::new(|_, _| Answer::Status(200));
    let busy = Receiver::new(|times, _| match times {
        1 => Answer::With(429, RETRY_AFTER, "1"),
        _ => Answer::Status(200),
    });
    let (flask_at, _a) = flask.listen(local()).await;
    let (busy_at, _b) = busy.listen(local()).await;
    let delivering = deliver(flask_at, &[Receiver::webhook(busy_at, 2)], Arc::new(()), PATIENCE);
    let begun = std::time::Instant::now();
    delivering.append("1", &["a", "b"]).await;
    delivering.settled("1").await;
    assert!(begun.elapsed() >= Duration::from_secs(1), "longer than its own delay of 10 ms");
    assert_eq!(busy.enveloped("1"), ["a", "a", "b"]);
    assert_eq!(delivering.dead().await, []);
    delivering.end().await;
}
