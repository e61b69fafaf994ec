//! What is on the disk when a process dies, when many write at once and when there is no room.

use super::*;

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
