//! Many events: those of a long time offline, and those of a worker that was taken over.

use super::*;

/// A worker that is busy telling events answers no ping; here that is no sign of anything.
fn patient(config: &mut ServiceConfig) {
    config.ping_timeout_ms = 120_000;
}

/// What a phone gathers in a long time offline is no flood, even if it has to be told twice.
#[tokio::test]
async fn ten_thousand_events_at_once_are_kept_and_nobody_is_cut_off() {
    let house = house("events-10000", patient);
    let handle = house.ready("1").await;
    let all = async {
        while house.memory.kept.lock().expect("no panic").last() != Some(&10_000) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(120), all).await.expect("kept");
    let kept: std::collections::BTreeSet<u64> =
        house.memory.kept.lock().expect("no panic").iter().copied().collect();
    assert!(kept.into_iter().eq(1..=10_000));
    assert_eq!((handle.view().restarts, handle.view().last_exit), (0, None));
    house.registry.shut_down().await;
}

#[tokio::test]
async fn a_flood_of_events_ends_at_the_quota_and_a_new_worker_gets_no_new_one() {
    let house = house("only-bad/event-flood-on-call", patient);
    let (good, bad) = (house.ready("1").await, house.ready("bad").await);
    for restarts in 1..=2 {
        let pid = bad.view().pid;
        let replaced = async {
            let _ = send(&bad).await;
            until(&bad, |view| view.state().is_some() && view.pid != pid).await
        };
        let (view, neighbour) = tokio::join!(replaced, send(&good));
        assert!(matches!(neighbour, Ok((Reply::Sent(_), _))));
        assert_eq!((view.restarts, good.view().restarts), (restarts, 0));
        assert_eq!(view.last_exit, Some(ExitReason::Crash { process: "worker".into(), signal: None }));
        // 64 MiB of events of 256 KiB; the second worker had nothing left.
        let kept = house.memory.kept.lock().expect("no panic").len();
        assert!(kept <= 256, "{kept} events after {restarts} workers");
    }
    house.registry.shut_down().await;
}

#[tokio::test]
async fn a_page_that_flips_its_state_writes_few_rows_and_its_last_state_is_told() {
    let house = house("flip-on-call", patient);
    let handle = house.ready("1").await;
    for _ in 0..2 {
        assert!(matches!(send(&handle).await, Ok((Reply::Sent(_), _))));
    }
    until(&handle, |view| view.state().is_some_and(SessionState::is_ready)).await;
    house.registry.shut_down().await;
    let told = house.memory.statuses.lock().expect("no panic").clone();
    assert!(told.len() < 100, "{} rows for 800 flips", told.len());
    let joined: u32 = told.iter().map(|(_, change)| change.joined).sum();
    assert!(joined > 200, "{joined} of them were joined");
    assert_eq!(told.last().map(|(_, change)| change.status), Some("STOPPED"));
}
