//! Webhooks of the configuration and of sessions.

use super::*;

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
    let delivering = deliver(flask_at, &global, Arc::new(own), TIMEOUT);
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
    let delivering = deliver(flask_at, &[], Arc::new(Own("1", Receiver::webhook(own_at, 5))), TIMEOUT);
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
    let delivering = deliver(flask_at, &global, Arc::new(()), Duration::from_secs(8));
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
    let delivering = deliver(flask_at, &[Receiver::webhook(picky_at, 3)], Arc::new(()), TIMEOUT);
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
    // More attempts than the breaker lets pass; far fewer than the pauses would take.
    let delivering = deliver(flask_at, &[Receiver::webhook(address, 7)], Arc::new(()), TIMEOUT);
    let texts: Vec<String> = (0..30).map(|n| format!("{n:02}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    delivering.append("1", &texts).await;
    let attempts = async || {
        let queues = delivering.journal.waiting().await.expect("read");
        let queue = queues.into_iter().find(|queue| queue.address.starts_with("http")).expect("a queue");
        delivering.journal.pending(queue.id, 1).await.expect("read")[0].attempts
    };
    eventually(async || attempts().await == 5).await;
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
    let client = Client::new(TIMEOUT, nowhere()).expect("client");
    let nobody = Recipients::new(&[], Arc::new(()));
    let events = EventsConfig::default();
    let url = format!("http://{flask_at}/webhook");
    let delivery = Delivery::new(journal.clone(), nobody, client, &url, events, media(), Metrics::default());
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(Dispatcher::new(delivery, events, shutdown.clone()).run());
    eventually(async || waiting(&journal, &user("1")).await == 0).await;
    let dead = journal.dead(Which::default(), 9).await.expect("read");
    assert_eq!((dead.len(), dead[0].error.as_str()), (1, "this webhook is not configured any more"));
    shutdown.cancel();
    task.await.expect("no panic");
}
