//! Workers that die, hang, lie or cannot start, and a disk that refuses.

use super::*;

#[tokio::test]
async fn a_killed_worker_is_not_ready_at_once_and_ready_again_by_itself() {
    let house = house("", |_| ());
    let handle = house.ready("1").await;
    let pid = handle.view().pid.expect("runs");
    let mut view = handle.watch();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid.cast_signed()).expect("positive"),
        rustix::process::Signal::KILL,
    )
    .expect("killed");
    timeout(Duration::from_secs(120), view.wait_for(|view| view.state().is_none()))
        .await
        .expect("soon")
        .expect("lives");
    let view = until(&handle, |view| view.state().is_some_and(SessionState::is_ready)).await;
    assert_ne!(view.pid, Some(pid));
    assert_eq!(view.last_exit, Some(ExitReason::Crash { process: "worker".into(), signal: Some(9) }));
    assert_eq!((view.restarts, view.was_linked), (1, true));
    house.registry.shut_down().await;
}

#[tokio::test]
async fn every_change_of_the_status_is_kept_with_the_reason_of_an_end() {
    let house = house("", |_| ());
    let handle = house.ready("1").await;
    let pid = handle.view().pid.expect("runs");
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid.cast_signed()).expect("positive"),
        rustix::process::Signal::KILL,
    )
    .expect("killed");
    let again = |view: &UserView| view.restarts == 1 && view.state().is_some_and(SessionState::is_ready);
    until(&handle, again).await;
    house.registry.shut_down().await;
    let told = house.memory.statuses.lock().expect("no panic").clone();
    let names: Vec<&str> = told.iter().map(|(_, change)| change.status).collect();
    // On a busy machine a pong may be late, and that is a change too.
    assert_eq!(names.first().zip(names.last()), Some((&"STARTING", &"STOPPED")), "{names:?}");
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "only changes are kept: {names:?}");
    let working = told.iter().find(|(_, change)| change.status == "WORKING").expect("it was ready");
    assert_eq!(working.1.me.as_ref().map(|me| me.wid.as_str()), Some("5511999998888@c.us"));
    let crash = ExitReason::Crash { process: "worker".into(), signal: Some(9) };
    assert!(told.iter().any(|(_, change)| change.exit.as_ref() == Some(&crash)), "{told:?}");
}

#[tokio::test]
async fn a_send_whose_worker_dies_is_an_error_and_is_not_repeated() {
    let house = house("crash-on-call", |_| ());
    let handle = house.ready("1").await;
    assert!(matches!(send(&handle).await, Err(CallFailure::WorkerGone)));
    // A repeat would crash the next one too.
    let view = until(&handle, |view| view.restarts == 1 && view.state().is_some()).await;
    assert_eq!(view.attempts, 1);
    house.registry.shut_down().await;
}

#[tokio::test]
async fn the_word_of_a_worker_that_hangs_is_withdrawn_and_the_worker_replaced() {
    let house = house("hang-on-call", |_| ());
    let handle = house.ready("1").await;
    let pid = handle.view().pid.expect("runs");
    let (answer, view) =
        tokio::join!(send(&handle), async { until(&handle, |view| view.state().is_none()).await });
    assert_eq!((view.phase, view.pid), (Phase::Running, Some(pid)), "withdrawn before anything is done");
    assert!(matches!(answer, Err(CallFailure::WorkerGone)));
    let view = until(&handle, |view| view.state().is_some() && view.pid != Some(pid)).await;
    assert_eq!(view.last_exit.map(|reason| reason.label()), Some("hang(ipc)".into()));
    house.registry.shut_down().await;
}

#[tokio::test]
async fn a_worker_that_breaks_the_protocol_is_replaced() {
    let house = house("lie-on-call", |_| ());
    let handle = house.ready("1").await;
    assert!(matches!(send(&handle).await, Err(CallFailure::WorkerGone)));
    until(&handle, |view| view.restarts == 1 && view.state().is_some()).await;
    house.registry.shut_down().await;
}

#[tokio::test]
async fn a_hostile_worker_is_cut_off_and_replaced_and_its_neighbour_notices_nothing() {
    for behaviour in
        ["flood", "garbage", "long-frame", "half-frame", "long-report", "say-hello", "hang", "lie"]
    {
        let house = house(&format!("only-bad/{behaviour}-on-call"), |_| ());
        let (good, bad) = (house.ready("1").await, house.ready("bad").await);
        let pid = bad.view().pid.expect("runs");
        let replaced = async {
            // A flood or a lie may leave the answer its time; then it is of no interest.
            let _ = send(&bad).await;
            until(&bad, |view| view.state().is_some() && view.pid != Some(pid)).await
        };
        let goes_on = async {
            loop {
                assert!(matches!(send(&good).await, Ok((Reply::Sent(_), _))), "{behaviour}");
                assert!(good.view().state().is_some_and(SessionState::is_ready), "{behaviour}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let view = tokio::select! {
            view = replaced => view,
            () = goes_on => unreachable!("it goes on"),
        };
        assert_eq!((view.restarts, good.view().restarts), (1, 0), "{behaviour}");
        // Who says nothing more is given time; who says something wrong is not.
        let hung = view.last_exit.is_some_and(|reason| reason.label() == "hang(ipc)");
        assert_eq!(hung, ["half-frame", "hang"].contains(&behaviour), "{behaviour}");
        assert!(!alive(pid), "{behaviour}");
        house.registry.shut_down().await;
    }
}

#[tokio::test]
async fn a_worker_that_cannot_start_is_parked_with_the_reason() {
    for (behaviour, program) in
        [("exit-at-once", fake_worker()), ("wrong-user", fake_worker()), ("", "/nowhere".into())]
    {
        let mut house = house(behaviour, |config| config.restart.burst = 3);
        let host = Arc::get_mut(&mut house.host);
        assert!(host.is_none(), "shared with the registry");
        let launch = Launch { program, ..house.host.launch.clone() };
        let host = Arc::new(Host {
            launch,
            config: Arc::clone(&house.host.config),
            state: house.host.state.clone(),
            run: house.host.run.clone(),
            admission: house.host.admission.clone(),
            sink: Arc::clone(&house.host.sink),
            downloads: house.host.downloads.clone(),
            memory: colmeia_host::memory::Memory::off(),
            store: house.host.store.clone(),
            uids: house.host.uids.clone(),
            disk: Disk::always(false),
            shortage: Shortage::never(),
            carried: Default::default(),
            metrics: Metrics::default(),
            lacks: LacksTold::default(),
            hurry: house.host.hurry.clone(),
        });
        house.registry = Registry::new(host);
        let handle = house.wake("1");
        let view = until(&handle, |view| matches!(view.phase, Phase::Parked { .. })).await;
        let Phase::Parked { reason } = view.phase else { unreachable!("just met") };
        assert!(matches!(reason, ExitReason::LaunchFailed { .. }), "{behaviour}: {reason:?}");
        assert_eq!((view.pid, view.attempts), (None, 3));
        house.registry.shut_down().await;
    }
}

#[tokio::test]
async fn what_a_dead_worker_leaves_is_gone_before_the_next_start() {
    let house = house("leave-a-child", |_| ());
    let handle = house.ready("1").await;
    let pid = handle.view().pid.expect("runs");
    let child = std::fs::read_dir("/proc")
        .expect("read")
        .flatten()
        .find_map(|entry| {
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let (name, rest) = stat.rsplit_once(") ")?;
            let parent = rest.split(' ').nth(1)?;
            (parent == pid.to_string() && name.ends_with("sleep"))
                .then(|| entry.file_name().to_string_lossy().parse::<u32>().ok())?
        })
        .expect("it has a child");
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid.cast_signed()).expect("positive"),
        rustix::process::Signal::KILL,
    )
    .expect("killed");
    until(&handle, |view| view.pid.is_some_and(|next| next != pid)).await;
    assert!(!alive(child), "the child still runs");
    house.registry.shut_down().await;
}

#[tokio::test]
async fn events_are_kept_before_they_are_acknowledged_and_status_goes_on_meanwhile() {
    let house = house("events-300", |_| ());
    *house.memory.refusals.lock().expect("no panic") = 3;
    let handle = house.ready("1").await;
    let all = async {
        while house.memory.kept.lock().expect("no panic").len() < 300 {
            assert!(handle.view().state().is_some(), "ready while the disk refuses");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(120), all).await.expect("kept");
    assert_eq!(*house.memory.kept.lock().expect("no panic"), (1..=300).collect::<Vec<_>>());
    house.registry.shut_down().await;
}

#[tokio::test]
async fn a_full_disk_refuses_what_goes_out_and_nothing_else() {
    let house = house("full-disk", |_| ());
    let handle = house.ready("1").await;
    assert!(matches!(send(&handle).await, Err(CallFailure::DiskFull)));
    let read = handle.call(Call::Chats, None, Duration::from_secs(10)).await;
    assert!(read.is_ok(), "{read:?}");
    assert!(handle.view().state().is_some_and(SessionState::is_ready));
    house.registry.shut_down().await;
}

#[tokio::test]
async fn a_parked_user_has_the_last_lines_of_its_worker_until_it_is_started_again() {
    let house = house("log-and-exit", |config| config.restart.burst = 2);
    let handle = house.wake("1");
    let view = until(&handle, |view| !view.last_lines.is_empty()).await;
    assert!(matches!(view.phase, Phase::Parked { .. }));
    assert_eq!(view.last_lines.last().map(String::as_str), Some("it cannot go on"));
    assert_eq!(view.last_lines.len(), 2, "of the last worker alone: {:?}", view.last_lines);
    eventually(|| folders::parked(&house.host.state, &handle.user).expect("read").is_some()).await;
    handle.operate(OperatorCommand::Start).await.expect("kept");
    until(&handle, |view| view.last_lines.is_empty()).await;
    house.registry.shut_down().await;
    assert!(folders::parked(&house.host.state, &handle.user).expect("read").is_none());
}
