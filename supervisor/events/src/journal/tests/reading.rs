//! What others read: states of sessions, and events page by page.

use super::*;

#[tokio::test]
async fn a_status_is_told_when_it_changes_and_not_again_after_a_restart() {
    let (folder, journal) = journal();
    let me =
        Me { wid: "5511999998888@c.us".into(), lid: None, pushname: "Ana".into(), platform: String::new() };
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
