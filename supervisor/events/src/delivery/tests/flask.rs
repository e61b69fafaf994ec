//! Flask's receiver.

use super::*;
use axum::http::header::{LOCATION, RETRY_AFTER};

use crate::journal::Queues;

#[tokio::test]
async fn each_user_is_served_in_order_and_each_message_once() {
    let receiver = Receiver::new(|_, _| Answer::Status(200));
    let (address, _server) = receiver.listen(local()).await;
    let delivering = deliver_to(address, PATIENCE);
    delivering.append("1", &["a", "b"]).await;
    delivering.append("2", &["x"]).await;
    delivering.append("1", &["b", "c"]).await;
    delivering.settled("1").await;
    delivering.settled("2").await;
    assert_eq!(receiver.texts("1"), ["a", "b", "c"]);
    assert_eq!(receiver.texts("2"), ["x"]);
    delivering.end().await;
}

#[tokio::test]
async fn a_failing_receiver_gets_the_same_event_again_before_the_next() {
    let receiver = Receiver::new(|times, _| Answer::Status(if times <= 2 { 503 } else { 204 }));
    let (address, _server) = receiver.listen(local()).await;
    let delivering = deliver_to(address, PATIENCE);
    delivering.append("1", &["a", "b"]).await;
    delivering.settled("1").await;
    assert_eq!(receiver.texts("1"), ["a", "a", "a", "b"]);
    let ids: Vec<_> = receiver.seen().into_iter().map(|(id, _)| id).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3], "{ids:?}");
    delivering.end().await;
}

#[tokio::test]
async fn a_receiver_that_was_down_loses_nothing() {
    let receiver = Receiver::new(|_, _| Answer::Status(200));
    let address = TcpListener::bind(local()).await.expect("bound").local_addr().expect("address");
    let delivering = deliver_to(address, PATIENCE);
    delivering.append("1", &["a", "b", "c"]).await;
    eventually(async || delivering.head().await.is_some_and(|head| head.error.is_some())).await;
    assert_eq!(delivering.head().await.expect("one waits").attempts, 0, "nobody has refused anything");
    assert_eq!(waiting(&delivering.journal, &user("1")).await, 3);
    let (_, _server) = receiver.listen(address).await;
    delivering.settled("1").await;
    assert_eq!(receiver.texts("1"), ["a", "b", "c"]);
    delivering.end().await;
}

#[tokio::test]
async fn a_receiver_that_hangs_for_one_user_delays_no_other() {
    let receiver = Receiver::new(|_, body| match body["user_id"].as_str() {
        Some("slow") => Answer::Held,
        _ => Answer::Status(200),
    });
    let (address, _server) = receiver.listen(local()).await;
    let delivering = deliver_to(address, PATIENCE);
    delivering.append("slow", &["s"]).await;
    eventually(async || receiver.texts("slow").len() == 1).await;
    delivering.append("2", &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]).await;
    delivering.settled("2").await;
    assert_eq!(waiting(&delivering.journal, &user("slow")).await, 1, "that one still hangs");
    receiver.release();
    delivering.settled("slow").await;
    delivering.end().await;
}

#[tokio::test]
async fn what_is_being_posted_at_the_end_is_finished_and_written_down() {
    let receiver = Receiver::new(|_, _| Answer::Held);
    let (address, _server) = receiver.listen(local()).await;
    let delivering = deliver_to(address, PATIENCE);
    delivering.append("1", &["a", "b"]).await;
    let journal = delivering.journal.clone();
    eventually(async || receiver.seen().len() == 1).await;
    delivering.shutdown.cancel();
    receiver.release();
    delivering.end().await;
    assert_eq!(receiver.texts("1"), ["a"]);
    assert_eq!(waiting(&journal, &user("1")).await, 1, "b comes at the next start");
}

/// The critical one: a handler that takes longer than the old ten seconds was called again and again without end, and
/// sent its texts each time.
#[tokio::test]
async fn a_handler_that_is_slower_than_the_timeout_is_called_once_and_holds_up_nobody() {
    let receiver = Receiver::new(|_, body| match body["body"].as_str() {
        Some("slow") => Answer::Held,
        _ => Answer::Status(200),
    });
    let (address, _server) = receiver.listen(local()).await;
    let delivering = deliver_to(address, Duration::from_millis(300));
    delivering.append("1", &["slow", "b", "c"]).await;
    delivering.settled("1").await;
    assert_eq!(receiver.texts("1"), ["slow", "b", "c"], "and the first one is still at work");
    assert_eq!(delivering.dead().await, [], "it was handed over");
    assert!(delivering.counted(r#"colmeia_deliveries_total{receiver="flask",outcome="handed_over"} 1"#));
    receiver.release();
    delivering.end().await;
}

/// A photo, a voice note, a sticker, a place: Flask answers 400 to a message without text.
#[tokio::test]
async fn what_flask_refuses_is_a_dead_letter_at_once_and_the_next_message_comes() {
    let receiver = Receiver::new(|_, body| match body["body"].as_str() {
        Some(text) if text.starts_with("refused") => Answer::Status(400),
        Some("gone") => Answer::Status(410),
        _ => Answer::Status(200),
    });
    let (address, _server) = receiver.listen(local()).await;
    let delivering = deliver_to(address, PATIENCE);
    delivering.append("1", &["refused 1", "refused 2", "gone", "b"]).await;
    delivering.settled("1").await;
    assert_eq!(receiver.texts("1"), ["refused 1", "refused 2", "gone", "b"], "each once");
    let why = |key: &str, error: &str| (key.to_owned(), error.to_owned());
    let expected =
        [why("refused 1", "answered 400"), why("refused 2", "answered 400"), why("gone", "answered 410")];
    assert_eq!(delivering.dead().await, expected);
    delivering.end().await;
}

#[tokio::test]
async fn flasks_own_redirect_to_the_slashed_address_is_followed_and_others_are_final() {
    let receiver = Receiver::new(|times, body| match (body["body"].as_str(), times) {
        (Some("moved"), 1) => Answer::With(308, LOCATION, "/webhook/"),
        (Some("found"), _) => Answer::With(302, LOCATION, "/webhook/"),
        (Some("elsewhere"), _) => Answer::With(307, LOCATION, "http://127.0.0.2:9/webhook"),
        (Some("round"), _) => Answer::With(307, LOCATION, "/webhook"),
        _ => Answer::Status(200),
    });
    let (address, _server) = receiver.listen(local()).await;
    let delivering = deliver_to(address, PATIENCE);
    delivering.append("1", &["moved", "found", "elsewhere", "round", "b"]).await;
    delivering.settled("1").await;
    assert_eq!(
        receiver.texts("1"),
        ["moved", "moved", "found", "elsewhere", "round", "round", "round", "round", "b"]
    );
    let seen = receiver.seen();
    assert_eq!(seen[0], seen[1], "the same event with the same body");
    let dead = delivering.dead().await;
    let reasons: Vec<_> = dead.iter().map(|(key, error)| format!("{key}: {error}")).collect();
    assert_eq!(
        reasons,
        [
            "found: answered 302: only the redirects 307 and 308 are followed, for the others would turn a POST into a GET",
            "elsewhere: answered 307: a redirect to another origin is not followed",
            "round: answered 307: more than three redirects",
        ]
    );
    delivering.end().await;
}

#[tokio::test]
async fn when_flask_says_when_to_come_again_it_is_obeyed() {
    let receiver = Receiver::new(|times, _| match times {
        1 => Answer::With(429, RETRY_AFTER, "2"),
        2 => Answer::With(503, RETRY_AFTER, "Wed, 21 Oct 2015 07:28:00 GMT"),
        _ => Answer::Status(200),
    });
    let (address, _server) = receiver.listen(local()).await;
    let delivering = deliver_to(address, PATIENCE);
    let begun = std::time::Instant::now();
    delivering.append("1", &["a", "b"]).await;
    eventually(async || delivering.head().await.is_some_and(|head| head.attempts == 1)).await;
    let next = delivering.head().await.expect("one waits").next_ms - now_ms();
    assert!((1..=2_000).contains(&next), "{next}");
    delivering.settled("1").await;
    assert!(begun.elapsed() >= Duration::from_secs(2), "that date is over, the seconds were not");
    assert_eq!(receiver.texts("1"), ["a", "a", "a", "b"]);
    delivering.end().await;
}

/// Flask restarts while a request is in its hands: it is closed at once, and comes again; a failure like a 500.
#[tokio::test]
async fn a_connection_that_is_closed_at_once_is_a_failure_and_the_message_comes_again() {
    use tokio::io::AsyncReadExt as _;
    let listener = TcpListener::bind(local()).await.expect("bound");
    let address = listener.local_addr().expect("address");
    let delivering = deliver_to(address, PATIENCE);
    delivering.append("1", &["a"]).await;
    let (mut stream, _) = listener.accept().await.expect("a connection");
    let _ = stream.read(&mut [0; 4000]).await;
    drop((stream, listener));
    eventually(async || delivering.head().await.is_some_and(|head| head.attempts == 1)).await;
    let why = delivering.head().await.and_then(|head| head.error).expect("it failed");
    assert!(why.starts_with("closed without an answer"), "{why}");
    let receiver = Receiver::new(|_, _| Answer::Status(200));
    let (_, _server) = receiver.listen(address).await;
    delivering.settled("1").await;
    assert_eq!(receiver.texts("1"), ["a"]);
    delivering.end().await;
}

/// This one takes the minute that docs/events.md promises.
#[tokio::test]
async fn what_flask_always_fails_at_gives_way_after_a_minute() {
    let receiver = Receiver::new(|_, body| match body["body"].as_str() {
        Some("poison") => Answer::Status(500),
        _ => Answer::Status(200),
    });
    let (address, _server) = receiver.listen(local()).await;
    let delivering = deliver_to(address, PATIENCE);
    let begun = std::time::Instant::now();
    delivering.append("1", &["poison", "b"]).await;
    eventually_within(PATIENCE * 3, async || receiver.texts("1").last().is_some_and(|last| last == "b"))
        .await;
    assert!(begun.elapsed() >= Duration::from_secs(50), "it was given time");
    assert_eq!(receiver.texts("1").len(), 8);
    delivering.end().await;
}

#[tokio::test]
async fn who_is_asked_to_try_now_does_and_what_is_discarded_gives_way() {
    let receiver = Receiver::new(|times, _| match times {
        1 | 2 => Answer::With(429, RETRY_AFTER, "300"),
        _ => Answer::Status(200),
    });
    let (address, _server) = receiver.listen(local()).await;
    let delivering = deliver_to(address, PATIENCE);
    let journal = &delivering.journal;
    delivering.append("1", &["a", "b"]).await;
    eventually(async || delivering.head().await.is_some_and(|head| head.attempts == 1)).await;
    let queue = journal.waiting().await.expect("read").pop().expect("a queue").id;
    assert_eq!(journal.urge(Queues::Numbered(queue)).await.expect("written"), 1);
    eventually(async || delivering.head().await.is_some_and(|head| head.attempts == 2)).await;
    assert_eq!(receiver.texts("1"), ["a", "a"], "five minutes early");
    let head = journal.pending(queue, 1).await.expect("read").pop().expect("one waits").event.row;
    assert!(journal.discard(head, queue, "discarded by an operator".into()).await.expect("written"));
    delivering.settled("1").await;
    assert_eq!(receiver.texts("1"), ["a", "a", "b"]);
    assert_eq!(delivering.dead().await, [("a".to_owned(), "discarded by an operator".to_owned())]);
    delivering.end().await;
}

/// The service ends while a handler is at work that takes its time: what it was sent is not sent again at the next start.
#[tokio::test]
async fn what_was_sent_when_the_service_ends_is_not_sent_again() {
    let receiver = Receiver::new(|_, _| Answer::Held);
    let (address, _server) = receiver.listen(local()).await;
    let delivering = deliver_to(address, PATIENCE);
    delivering.append("1", &["a", "b"]).await;
    let journal = delivering.journal.clone();
    eventually(async || receiver.seen().len() == 1).await;
    delivering.end().await;
    assert_eq!(waiting(&journal, &user("1")).await, 1, "only b is left");
    receiver.release();
}

/// Each session would ask for it again and again by itself.
#[tokio::test]
async fn while_flask_is_away_it_is_left_alone_and_heard_of_when_it_is_back() {
    let receiver = Receiver::new(|_, _| Answer::Status(200));
    let address = TcpListener::bind(local()).await.expect("bound").local_addr().expect("address");
    let delivering = deliver_to(address, PATIENCE);
    for n in 0..20 {
        delivering.append(&n.to_string(), &["a"]).await;
    }
    let tried = || {
        let counted = |line: &str| {
            line.strip_prefix(r#"colmeia_deliveries_total{receiver="flask",outcome="unreachable"} "#)
                .and_then(|count| count.parse::<u32>().ok())
        };
        delivering.metrics.encode(&[], &[], None).lines().find_map(counted).unwrap_or_default()
    };
    // Five open the breaker; from then on one tries for all, after 2 and 4 seconds, in which each of them by itself would
    // have tried three times.
    eventually(async || tried() >= 7).await;
    assert!(tried() < 20, "{}", tried());
    let (_, _server) = receiver.listen(address).await;
    for n in 0..20 {
        delivering.settled(&n.to_string()).await;
    }
    delivering.end().await;
}
