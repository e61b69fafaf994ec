//! The journal on a real file: what it promises when processes die and disks fill up.

use colmeia::protocol::MessageRecord;
use colmeia::{ExitReason, Me};
use proptest::prelude::*;
use std::collections::BTreeMap;

use super::*;

/// An incoming text.
pub(crate) fn message(id: &str, body: &str) -> MessageRecord {
    MessageRecord {
        id: id.into(),
        chat: "5511988887777@c.us".into(),
        from: "5511988887777@c.us".into(),
        to: None,
        author: None,
        from_me: false,
        kind: "chat".into(),
        body: body.into(),
        timestamp_ms: 1_700_000_000_000,
        ack: 0,
        has_media: false,
        mimetype: None,
        filename: None,
        sender_name: None,
        details: None,
    }
}

/// It as an event.
pub(crate) fn incoming(id: &str) -> (u64, Event) {
    (1, Event::Message(Box::new(message(id, "oi"))))
}

pub(crate) fn user(id: &str) -> UserId {
    id.parse().expect("valid")
}

/// An event as it is read; its payload is empty.
pub(crate) fn recorded(of: &str, row: i64, key: &str) -> Recorded {
    Recorded {
        id: EventId::new(1_700_000_000_000, 7, row),
        row,
        user: user(of),
        kind: Kind::Message,
        key: key.into(),
        created_ms: 1_700_000_000_000,
        me: None,
        payload: String::new(),
    }
}

/// How many deliveries of this user's events wait.
pub(crate) async fn waiting(journal: &Journal, user: &UserId) -> i64 {
    journal.count_pending().await.expect("read").get(user).copied().unwrap_or_default()
}

/// Two addresses for everything, and one for messages only.
#[derive(Debug)]
struct Everyone;

impl Addressees for Everyone {
    fn of(&self, _: &UserId, kind: Kind) -> Vec<Arc<str>> {
        let all: &[&str] = if kind == Kind::Message { &["http://a/", "http://b/"] } else { &["http://a/"] };
        all.iter().map(|address| Arc::from(*address)).collect()
    }

    fn metadata(&self, _: &UserId) -> Option<Value> {
        None
    }
}

fn open(folder: &tempfile::TempDir, addressees: Arc<dyn Addressees>) -> Journal {
    Journal::open(&folder.path().join("colmeia.db"), addressees).expect("opens")
}

fn journal() -> (tempfile::TempDir, Journal) {
    let folder = tempfile::tempdir().expect("folder");
    let journal = open(&folder, Arc::new(()));
    (folder, journal)
}

/// Flask's queue of a user.
async fn flask(journal: &Journal, of: &UserId) -> i64 {
    let queues = journal.waiting().await.expect("read");
    queues.iter().find(|queue| queue.user == *of && &*queue.address == FLASK).expect("a queue").id
}

/// Takes everything out of a queue, in order.
async fn drain(journal: &Journal, queue: i64) -> Vec<String> {
    let mut seen = Vec::new();
    while let Some(next) = journal.pending(queue, 1).await.expect("read").pop() {
        journal.settle(next.event.row, queue, Settlement::Done).await.expect("written");
        seen.push(next.event.key);
    }
    seen
}

async fn head(journal: &Journal, queue: i64) -> Pending {
    journal.pending(queue, 1).await.expect("read").pop().expect("one waits")
}

async fn kinds(journal: &Journal) -> Vec<(String, &'static str)> {
    let page = journal.events(0, None, |_, _| true, 1000).await.expect("read");
    page.events.into_iter().map(|event| (event.user.to_string(), event.kind.name())).collect()
}

fn said(status: &'static str) -> StatusChange {
    StatusChange { status, me: None, exit: None }
}

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
async fn what_someone_waits_for_is_never_pruned() {
    let (_folder, journal) = journal();
    let ana = user("1");
    journal.append(&ana, vec![incoming("a"), incoming("b"), incoming("c")]).await.expect("written");
    let acks = (0..3).map(|ack| (9, Event::Ack { message: "x".into(), ack })).collect();
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

/// What lies on the disk after each answered append is a whole journal with everything that was answered: the
/// files are copied while the first process still has them open, as a `kill -9` would leave them.
#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let (folder, journal) = journal();
    let ana = user("1");
    for round in 0..20 {
        journal.append(&ana, vec![incoming(&format!("m{round}"))]).await.expect("written");
        let copy = tempfile::tempdir().expect("folder");
        for file in std::fs::read_dir(folder.path()).expect("folder") {
            let file = file.expect("file");
            if !file.file_name().to_string_lossy().ends_with("-shm") {
                std::fs::copy(file.path(), copy.path().join(file.file_name())).expect("copied");
            }
        }
        let after = open(&copy, Arc::new(()));
        assert_eq!(waiting(&after, &ana).await, round + 1);
        after.append(&ana, vec![incoming("m0")]).await.expect("written");
        assert_eq!(waiting(&after, &ana).await, round + 1, "known after a kill, too");
    }
}

#[tokio::test]
async fn a_second_start_finds_what_the_first_one_left() {
    let (folder, journal) = journal();
    let ana = user("1");
    journal.append(&ana, vec![incoming("a")]).await.expect("written");
    let id = journal.events(0, None, |_, _| true, 1).await.expect("read").events[0].id;
    journal.close().await;
    let again = open(&folder, Arc::new(()));
    let queue = flask(&again, &ana).await;
    assert_eq!(head(&again, queue).await.event.id, id);
    assert_eq!(again.place(Cursor::After(id)).await.expect("read"), head(&again, queue).await.event.row);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_write_at_once_and_each_user_keeps_its_order() {
    let (_folder, journal) = journal();
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (journal, user) = (journal.clone(), user(&format!("u{writer}")));
            tokio::spawn(async move {
                for round in 0..25 {
                    journal.append(&user, vec![incoming(&format!("{round:02}"))]).await.expect("written");
                }
                let queue = flask(&journal, &user).await;
                let seen = drain(&journal, queue).await;
                assert_eq!(seen, (0..25).map(|round| format!("{round:02}")).collect::<Vec<_>>());
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("no panic");
    }
    assert!(journal.waiting().await.expect("read").is_empty());
    let page = journal.events(0, None, |_, _| true, 1000).await.expect("read");
    assert!(page.events.is_sorted_by(|a, b| a.id < b.id), "ids grow in the order of the rows");
}

#[tokio::test]
async fn a_full_disk_is_named_and_nothing_is_half_written() {
    let folder = tempfile::tempdir().expect("folder");
    let journal = open(&folder, Arc::new(Everyone));
    let ana = user("1");
    journal.append(&ana, vec![incoming("a")]).await.expect("written");
    journal
        .write(|connection, _| {
            let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
            connection.pragma_update_and_check(None, "max_page_count", pages + 4, |_| Ok(()))?;
            Ok(Changes::default())
        })
        .await
        .expect("limited");
    let before = waiting(&journal, &ana).await;
    let large = message("large", &"x".repeat(100_000));
    let events = vec![incoming("b"), (2, Event::Message(Box::new(large)))];
    // A user who has no queue yet: what was made in vain is not remembered.
    let error = journal.append(&user("2"), events).await.expect_err("no room");
    assert!(matches!(error, JournalError::DiskFull), "{error}");
    assert_eq!(waiting(&journal, &user("2")).await, 0, "b came with it and went with it");
    assert_eq!(waiting(&journal, &ana).await, before);
    journal.append(&user("2"), vec![incoming("c")]).await.expect("there is room for a small one");
    assert_eq!(waiting(&journal, &user("2")).await, 4);
}

#[tokio::test]
async fn growth_is_told() {
    let (_folder, journal) = journal();
    let (due, mut last) = (journal.due(), journal.last());
    journal.append(&user("1"), vec![(1, Event::Ack { message: "m".into(), ack: 1 })]).await.expect("written");
    last.changed().await.expect("open");
    journal.append(&user("1"), vec![incoming("a")]).await.expect("written");
    let queue = flask(&journal, &user("1")).await;
    assert_eq!(due.take().await.into_iter().collect::<Vec<_>>(), [queue], "an ack is nobody's mail");
    assert_eq!(*last.borrow_and_update(), 3);
}

#[tokio::test]
async fn a_status_is_told_when_it_changes_and_not_again_after_a_restart() {
    let (folder, journal) = journal();
    let me = Me { wid: "5511999998888@c.us".into(), pushname: "Ana".into(), platform: String::new() };
    let working = StatusChange { me: Some(me.clone()), ..said("WORKING") };
    let say = async |journal: &Journal, change: &StatusChange| {
        journal.append_statuses(vec![(user("1"), change.clone())]).await.expect("written");
    };
    say(&journal, &said("SCAN_QR_CODE")).await;
    say(&journal, &said("STARTING")).await;
    say(&journal, &working).await;
    say(&journal, &working).await;
    journal.close().await;

    let journal = open(&folder, Arc::new(()));
    say(&journal, &working).await;
    let crashed = ExitReason::Crash { process: "browser".into(), signal: Some(9) };
    say(&journal, &StatusChange { exit: Some(crashed.clone()), ..said("STARTING") }).await;
    journal.append(&user("1"), vec![incoming("a")]).await.expect("written");
    say(&journal, &said("SCAN_QR_CODE")).await;
    journal.append(&user("1"), vec![incoming("b")]).await.expect("written");

    let events = journal.events(0, None, |_, _| true, 100).await.expect("read").events;
    let told: Vec<StatusRecord> = events
        .iter()
        .filter(|event| event.kind == Kind::SessionStatus)
        .map(|event| serde_json::from_str(&event.payload).expect("a status"))
        .collect();
    let names: Vec<_> = told.iter().map(|record| record.status.as_str()).collect();
    assert_eq!(names, ["SCAN_QR_CODE", "STARTING", "WORKING", "STARTING", "SCAN_QR_CODE"]);
    assert_eq!(told[3].exit, Some(crashed));
    let points: Vec<_> = told[3].statuses.iter().map(|point| point.status.as_str()).collect();
    assert_eq!(points, ["STARTING", "WORKING", "STARTING"]);
    let of = |key: &str| events.iter().find(|event| event.key == key).expect("there").me.clone();
    assert_eq!(of("a"), Some(me), "what comes while it reconnects is still this account's");
    assert_eq!(of("b"), None);
}

#[tokio::test]
async fn what_a_user_task_says_is_on_disk_after_a_flush() {
    let (_folder, journal) = journal();
    let statuses = Statuses::start(journal.clone());
    for status in ["STARTING", "WORKING", "STOPPED"] {
        statuses.say(&user("1"), said(status));
    }
    statuses.flush().await;
    assert_eq!(kinds(&journal).await.len(), 3);
    journal.close().await;
    statuses.say(&user("1"), said("STARTING"));
    statuses.flush().await;
}

#[tokio::test]
async fn pages_end_nowhere_early_and_repeat_nothing() {
    let (_folder, journal) = journal();
    for round in 0..50 {
        let of = user(&format!("{}", round % 3));
        journal.append(&of, vec![incoming(&format!("m{round}"))]).await.expect("written");
    }
    let all = kinds(&journal).await;
    assert_eq!(all.len(), 100);
    for (of, limit) in [(None, 7), (Some(user("1")), 4)] {
        let (mut seen, mut after) = (Vec::new(), 0);
        loop {
            let page = journal
                .events(after, of.clone(), |_, kind| kind == Kind::Message, limit)
                .await
                .expect("read");
            seen.extend(page.events.iter().map(|event| event.row));
            after = page.reached;
            if !page.more {
                break;
            }
        }
        let expected = all
            .iter()
            .filter(|(id, kind)| *kind == "message" && of.as_ref().is_none_or(|of| of.as_str() == id))
            .count();
        assert_eq!(seen.len(), expected);
        assert!(seen.is_sorted_by(|a, b| a < b));
    }
    let ids: Vec<_> = journal.events(0, None, |_, _| true, 100).await.expect("read").events;
    assert_eq!(journal.place(Cursor::End).await.expect("read"), 100);
    assert_eq!(journal.place(Cursor::After(ids[41].id)).await.expect("read"), 42);
    // The id of a journal that was lost: what came after that time.
    let foreign = EventId::new(ids[41].created_ms, !journal.number, 1);
    assert!(journal.place(Cursor::After(foreign)).await.expect("read") >= 42);
    assert_eq!(journal.place(Cursor::After(EventId::new(1, !journal.number, 9))).await.expect("read"), 0);
}

/// What a queue costs does not depend on how much the journal holds.
#[tokio::test]
async fn a_queue_is_read_through_its_index() {
    let (_folder, journal) = journal();
    journal.append(&user("1"), vec![incoming("a")]).await.expect("written");
    for (sql, index) in [
        (
            "SELECT d.event_id FROM deliveries d JOIN events e ON e.id = d.event_id
             WHERE d.queue_id = 1 AND d.state = 'pending' ORDER BY d.event_id LIMIT 1",
            "deliveries_pending",
        ),
        (
            "SELECT q.id FROM queues q WHERE EXISTS (
                 SELECT 1 FROM deliveries d WHERE d.queue_id = q.id AND d.state = 'pending')",
            "deliveries_pending",
        ),
        ("SELECT id FROM events WHERE id > 1 AND user = '1' ORDER BY id LIMIT 9", "events_of_user"),
    ] {
        let plan: Vec<String> = journal
            .read(move |connection| {
                let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                statement.query_map([], |row| row.get(3))?.collect()
            })
            .await
            .expect("planned");
        let plan = plan.join("; ");
        assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever is told twice, in whatever order: each event is there once, and first come is first.
    #[test]
    fn what_is_told_again_is_recognised(told in prop::collection::vec((0_u8..2, 0_u8..12), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let (_folder, journal) = journal();
            let mut model: Vec<(String, String)> = Vec::new();
            for (of, message) in told {
                let (of, key) = (of.to_string(), format!("m{message}"));
                journal.append(&user(&of), vec![incoming(&key)]).await.expect("written");
                if !model.contains(&(of.clone(), key.clone())) {
                    model.push((of, key));
                }
            }
            let only = |_: &UserId, kind| kind == Kind::Message;
            let page = journal.events(0, None, only, 1000).await.expect("read");
            let seen: Vec<_> =
                page.events.into_iter().map(|event| (event.user.to_string(), event.key)).collect();
            assert_eq!(seen, model);
        });
    }
}
