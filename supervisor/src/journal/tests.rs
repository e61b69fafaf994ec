//! The journal on a real file: what it promises when processes die and disks fill up.

use colmeia::protocol::MessageRecord;

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

/// How many events of this user wait to be delivered.
pub(crate) async fn waiting(journal: &Journal, user: &UserId) -> i64 {
    journal.count_pending().await.expect("read").get(user).copied().unwrap_or_default()
}

fn journal() -> (tempfile::TempDir, Journal) {
    let folder = tempfile::tempdir().expect("folder");
    let journal = Journal::open(&folder.path().join("colmeia.db")).expect("opens");
    (folder, journal)
}

#[tokio::test]
async fn events_come_out_in_order_and_once() {
    let (_folder, journal) = journal();
    let (ana, bia) = (user("1"), user("2"));
    journal.append(&ana, vec![incoming("a"), incoming("b")]).await.expect("written");
    journal.append(&bia, vec![incoming("a")]).await.expect("written");
    journal.append(&ana, vec![incoming("b"), incoming("a"), incoming("c")]).await.expect("written");
    assert_eq!(waiting(&journal, &ana).await, 3);
    let mut seen = Vec::new();
    while let Some(next) = journal.next_due(&ana).await.expect("read") {
        journal.settle(next.event, Settlement::Done).await.expect("written");
        seen.push(next.key);
    }
    assert_eq!(seen, ["a", "b", "c"]);
    assert_eq!(journal.users_with_pending().await.expect("read"), [bia]);
    journal.append(&ana, vec![incoming("a")]).await.expect("written");
    assert_eq!(journal.next_due(&ana).await.expect("read"), None, "what was delivered is still known");
}

#[tokio::test]
async fn a_retry_keeps_its_place_and_a_dead_letter_gives_way() {
    let (_folder, journal) = journal();
    let ana = user("1");
    journal.append(&ana, vec![incoming("a"), incoming("b")]).await.expect("written");
    let first = journal.next_due(&ana).await.expect("read").expect("a");
    let retry = Settlement::Retry { next_ms: 77, error: "503".into() };
    journal.settle(first.event, retry).await.expect("written");
    let again = journal.next_due(&ana).await.expect("read").expect("a");
    assert_eq!((again.key.as_str(), again.attempts, again.next_ms), ("a", 1, 77));
    journal.settle(first.event, Settlement::Dead { error: "422".into() }).await.expect("written");
    journal.settle(first.event, Settlement::Done).await.expect("written");
    assert_eq!(journal.next_due(&ana).await.expect("read").expect("b").key, "b");
    assert_eq!(journal.prune(i64::MAX, 10).await.expect("pruned"), 0, "one is dead, one is pending");
}

#[tokio::test]
async fn only_settled_events_are_pruned_in_small_steps() {
    let (_folder, journal) = journal();
    let ana = user("1");
    journal.append(&ana, vec![incoming("a"), incoming("b"), incoming("c")]).await.expect("written");
    let acks = (0..3).map(|ack| (9, Event::Ack { message: "x".into(), ack })).collect();
    journal.append(&ana, acks).await.expect("written");
    let first = journal.next_due(&ana).await.expect("read").expect("a");
    journal.settle(first.event, Settlement::Done).await.expect("written");
    assert_eq!(journal.prune(now_ms() - 60_000, 10).await.expect("pruned"), 0, "all are young");
    assert_eq!(journal.prune(i64::MAX, 3).await.expect("pruned"), 3);
    assert_eq!(journal.prune(i64::MAX, 3).await.expect("pruned"), 1);
    assert_eq!(waiting(&journal, &ana).await, 2);
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
        let after = Journal::open(&copy.path().join("colmeia.db")).expect("opens after a kill");
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
    drop(journal);
    let again = Journal::open(&folder.path().join("colmeia.db")).expect("opens");
    assert_eq!(again.next_due(&ana).await.expect("read").expect("a").key, "a");
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
                let mut seen = Vec::new();
                while let Some(next) = journal.next_due(&user).await.expect("read") {
                    journal.settle(next.event, Settlement::Done).await.expect("written");
                    seen.push(next.key);
                }
                assert_eq!(seen, (0..25).map(|round| format!("{round:02}")).collect::<Vec<_>>());
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("no panic");
    }
    assert!(journal.users_with_pending().await.expect("read").is_empty());
}

#[tokio::test]
async fn a_full_disk_is_named_and_nothing_is_half_written() {
    let (_folder, journal) = journal();
    let ana = user("1");
    journal.append(&ana, vec![incoming("a")]).await.expect("written");
    journal
        .read(|connection| {
            let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
            connection.pragma_update_and_check(None, "max_page_count", pages + 4, |_| Ok(()))
        })
        .await
        .expect("limited");
    let mut large = message("large", &"x".repeat(100_000));
    large.kind = "chat".into();
    let events = vec![incoming("b"), (2, Event::Message(Box::new(large)))];
    let error = journal.append(&ana, events).await.expect_err("no room");
    assert!(matches!(error, JournalError::DiskFull), "{error}");
    assert_eq!(waiting(&journal, &ana).await, 1, "b came with it and went with it");
    journal.append(&ana, vec![incoming("c")]).await.expect("there is room for a small one");
}

#[tokio::test]
async fn growth_is_told() {
    let (_folder, journal) = journal();
    let mut growth = journal.growth();
    journal.append(&user("1"), vec![(1, Event::Ack { message: "m".into(), ack: 1 })]).await.expect("written");
    assert!(!growth.has_changed().expect("open"), "an ack is nobody's mail");
    journal.append(&user("1"), vec![incoming("a")]).await.expect("written");
    growth.changed().await.expect("open");
}
