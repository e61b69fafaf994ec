//! Flask's receiver.

use super::*;

#[tokio::test]
async fn each_user_is_served_in_order_and_each_message_once() {
    let receiver = Receiver::new(|_, _| Answer::Status(200));
    let (address, _server) = receiver.listen(local()).await;
    let delivering = deliver_to(address, TIMEOUT);
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
    let delivering = deliver_to(address, TIMEOUT);
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
    let delivering = deliver_to(address, TIMEOUT);
    delivering.append("1", &["a", "b", "c"]).await;
    let failed = async || {
        let queue = delivering.journal.waiting().await.expect("read").pop().expect("a queue").id;
        delivering.journal.pending(queue, 1).await.expect("read")[0].attempts > 0
    };
    eventually(failed).await;
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
