//! Who is still to be told, in which order, and what is kept until then.

use colmeia::protocol::OtherNames;

use super::*;

#[tokio::test]
async fn events_come_out_in_order_and_once() {
    let (_folder, journal) = journal();
    let (ana, bia) = (user("1"), user("2"));
    journal.append(&ana, vec![incoming("a"), incoming("b")]).await.expect("written");
    journal.append(&bia, vec![incoming("a")]).await.expect("written");
    journal.append(&ana, vec![incoming("b"), incoming("a"), incoming("c")]).await.expect("written");
    assert_eq!(waiting(&journal, &ana).await, 3);
    let queue = flask(&journal, &ana).await;
    assert_eq!(drain(&journal, queue).await, ["a", "b", "c"]);
    let left: Vec<_> = journal.waiting().await.expect("read").into_iter().map(|queue| queue.user).collect();
    assert_eq!(left, [bia]);
    journal.append(&ana, vec![incoming("a")]).await.expect("written");
    assert_eq!(waiting(&journal, &ana).await, 0, "what was delivered is still known");
}

#[tokio::test]
async fn every_address_has_a_queue_of_its_own() {
    let folder = tempfile::tempdir().expect("folder");
    let journal = open(&folder, Arc::new(Everyone));
    journal.append(&user("1"), vec![incoming("a"), incoming("b")]).await.expect("written");
    let queues = journal.waiting().await.expect("read");
    let mut seen = BTreeMap::new();
    for queue in queues {
        seen.insert(queue.address.to_string(), drain(&journal, queue.id).await);
    }
    let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    assert_eq!(seen["http://a/"], keys(&["a", "any:a", "b", "any:b"]));
    assert_eq!(seen["http://b/"], keys(&["a", "b"]));
    assert_eq!(seen[FLASK], keys(&["a", "b"]));
}

#[tokio::test]
async fn a_retry_keeps_its_place_and_a_dead_letter_gives_way_until_it_is_replayed() {
    let (_folder, journal) = journal();
    let ana = user("1");
    journal.append(&ana, vec![incoming("a"), incoming("b")]).await.expect("written");
    let queue = flask(&journal, &ana).await;
    let first = head(&journal, queue).await;
    for (counts, attempts) in [(true, 1), (false, 1)] {
        let retry = Settlement::Retry { next_ms: 77, error: "503".into(), counts };
        journal.settle(first.event.row, queue, retry).await.expect("written");
        let again = head(&journal, queue).await;
        assert_eq!((again.event.key.as_str(), again.attempts, again.next_ms), ("a", attempts, 77));
    }
    journal.settle(first.event.row, queue, Settlement::Dead { error: "422".into() }).await.expect("written");
    journal.settle(first.event.row, queue, Settlement::Done).await.expect("written");
    assert_eq!(head(&journal, queue).await.event.key, "b");
    let dead = journal.dead(Which::default(), 10).await.expect("read");
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].event.key.as_str(), dead[0].error.as_str(), dead[0].attempts), ("a", "422", 2));
    assert!(dead[0].died_ms > 0);
    let loads = journal.loads().await.expect("read");
    assert_eq!((loads.len(), loads[0].pending, loads[0].dead), (1, 1, 1));

    let of = |id: &str| Which { user: Some(user(id)), rows: None };
    assert_eq!(journal.replay(of("2")).await.expect("written"), 0);
    let one = Which { rows: Some(vec![first.event.row]), ..of("1") };
    assert_eq!(journal.replay(one).await.expect("written"), 1);
    let again = head(&journal, queue).await;
    assert_eq!((again.event.key.as_str(), again.attempts), ("a", 0));
    assert_eq!(drain(&journal, queue).await, ["a", "b"]);
}

#[tokio::test]
async fn of_a_queue_it_is_seen_whose_turn_it_is_and_that_one_is_urged_or_discarded() {
    let (_folder, journal) = journal();
    let (ana, bia) = (user("1"), user("2"));
    journal.append(&ana, vec![incoming("a"), incoming("b")]).await.expect("written");
    journal.append(&bia, vec![incoming("x")]).await.expect("written");
    let (queue, other) = (flask(&journal, &ana).await, flask(&journal, &bia).await);
    let first = head(&journal, queue).await;
    let retry = Settlement::Retry { next_ms: 77, error: "answered 503".into(), counts: true };
    journal.settle(first.event.row, queue, retry).await.expect("written");
    let load = async |queue| {
        let loads = journal.loads().await.expect("read");
        loads.into_iter().find(|load| load.queue.id == queue).expect("a queue")
    };
    let seen = load(queue).await.head.expect("one waits");
    assert_eq!((seen.id, seen.attempts, seen.next_ms), (first.event.id, 1, 77));
    assert_eq!((seen.since_ms, seen.error.as_deref()), (first.since_ms, Some("answered 503")));
    assert_eq!(load(other).await.head.expect("one waits").error, None, "it was never tried");

    let due = journal.due();
    due.take().await;
    assert_eq!(journal.urge(Queues::Numbered(queue)).await.expect("written"), 1);
    assert_eq!(due.take().await.into_iter().collect::<Vec<_>>(), [queue], "the delivery is told");
    let again = head(&journal, queue).await;
    assert_eq!((again.event.key.as_str(), again.attempts, again.next_ms), ("a", 1, URGED));
    assert_eq!(head(&journal, other).await.next_ms, 0);
    assert_eq!(journal.urge(Queues::Of(bia)).await.expect("written"), 1);
    assert_eq!(journal.urge(Queues::All).await.expect("written"), 2);

    let second = journal.pending(queue, 9).await.expect("read")[1].event.row;
    let discard = async |row| journal.discard(row, queue, "discarded".into()).await.expect("written");
    assert!(!discard(second).await, "it is not its turn");
    assert!(discard(first.event.row).await);
    assert!(!discard(first.event.row).await, "it is gone");
    assert_eq!(head(&journal, queue).await.event.row, second);
    let dead = journal.dead(Which::default(), 9).await.expect("read");
    assert_eq!((dead.len(), dead[0].error.as_str(), dead[0].attempts), (1, "discarded", 1));
    assert!(discard(second).await);
    assert_eq!(load(queue).await.head, None);
    assert_eq!(journal.urge(Queues::Numbered(queue)).await.expect("written"), 0);
}

#[tokio::test]
async fn what_someone_waits_for_is_never_pruned() {
    let (_folder, journal) = journal();
    let ana = user("1");
    journal.append(&ana, vec![incoming("a"), incoming("b"), incoming("c")]).await.expect("written");
    let acks = (0..3)
        .map(|ack| (9, Event::Ack { message: "x".into(), ack, other_names: OtherNames::default() }))
        .collect();
    journal.append(&ana, acks).await.expect("written");
    let queue = flask(&journal, &ana).await;
    let first = head(&journal, queue).await.event.row;
    journal.settle(first, queue, Settlement::Done).await.expect("written");
    let second = head(&journal, queue).await.event.row;
    journal.settle(second, queue, Settlement::Dead { error: "422".into() }).await.expect("written");
    assert_eq!(journal.prune(now_ms() - 60_000, 10).await.expect("pruned"), 0, "all are young");
    // To make room, the acknowledgements, the delivered one and the views that nobody wanted; in small steps.
    assert_eq!(journal.make_room(u64::MAX, 10).await.expect("pruned"), 0, "there is room");
    assert_eq!(journal.make_room(0, 5).await.expect("pruned"), 5);
    assert_eq!(journal.make_room(0, 5).await.expect("pruned"), 2);
    assert_eq!(journal.make_room(0, 5).await.expect("pruned"), 0, "one is dead, one is pending");
    assert_eq!(journal.prune(i64::MAX, 5).await.expect("pruned"), 1, "the dead one is too old");
    assert_eq!(waiting(&journal, &ana).await, 1);
}

#[tokio::test]
async fn growth_is_told() {
    let (_folder, journal) = journal();
    let (due, mut last) = (journal.due(), journal.last());
    journal
        .append(
            &user("1"),
            vec![(1, Event::Ack { message: "m".into(), ack: 1, other_names: OtherNames::default() })],
        )
        .await
        .expect("written");
    last.changed().await.expect("open");
    journal.append(&user("1"), vec![incoming("a")]).await.expect("written");
    let queue = flask(&journal, &user("1")).await;
    assert_eq!(due.take().await.into_iter().collect::<Vec<_>>(), [queue], "an ack is nobody's mail");
    assert_eq!(*last.borrow_and_update(), 3);
}

/// What a queue costs does not depend on how much the journal holds.
#[tokio::test]
async fn a_queue_is_read_through_its_index() {
    let (_folder, journal) = journal();
    journal.append(&user("1"), vec![incoming("a")]).await.expect("written");
    for (sql, index) in [
        (queries::pending_sql(), "deliveries_pending"),
        (queries::WAITING.to_owned(), "deliveries_pending"),
        (queries::events_sql(true), "events_of_user"),
        (queries::events_sql(false), "INTEGER PRIMARY KEY"),
    ] {
        let explained = format!("EXPLAIN QUERY PLAN {sql}");
        let plan: Vec<String> = journal
            .read(move |connection| {
                let mut statement = connection.prepare(&explained)?;
                let parameters = std::iter::repeat_n(1, statement.parameter_count());
                statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get(3))?.collect()
            })
            .await
            .expect("planned");
        let plan = plan.join("; ");
        assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
    }
}
