//! Beginning, end, adoption, and what operators say.

use colmeia::admin::When;
use colmeia::config::{SessionLimits, SessionSettings};
use colmeia::operations::{self, OPERATIONS_VERSION};
use colmeia::protocol::CallErrorKind;
use colmeia::session::ProfileRecord;
use colmeia_host::staging::Staged;

use super::*;

#[tokio::test]
async fn two_users_have_two_processes_and_an_end_leaves_none() {
    let house = house("", |_| ());
    let (one, two) = (house.ready("1").await, house.ready("2").await);
    let pids = [one.view().pid.expect("runs"), two.view().pid.expect("runs")];
    assert_ne!(pids[0], pids[1]);
    assert!(matches!(send(&one).await, Ok((Reply::Sent(_), _))));
    house.registry.shut_down().await;
    assert!(!alive(pids[0]) && !alive(pids[1]));
    assert!(house.registry.list().is_empty());
    assert!(!house.host.run.user_dir(&one.user).exists(), "socket and folder are gone");
    assert!(house.registry.find_or_create(&user("3")).await.is_err());
}

#[tokio::test]
async fn a_worker_of_an_older_build_is_asked_for_nothing_that_it_would_misread() {
    let house = house("older", |_| ());
    let handle = house.ready("1").await;
    assert!(matches!(send(&handle).await, Ok((Reply::Sent(_), _))), "what it knows it does");
    let operation = operations::CountGroups {}.into();
    let patience = Duration::from_secs(10);
    for newer in [
        Call::Operate { operation },
        Call::SendText {
            chat: ChatId::normalise("5511988887777").expect("valid"),
            text: "oi https://example.org".to_owned(),
            options: operations::SendOptions::default(),
            link_preview: operations::LinkPreview::Fetch,
        },
    ] {
        match handle.call(newer, None, patience).await {
            Err(CallFailure::Session(error)) => assert_eq!(error.kind, CallErrorKind::Unsupported),
            other => panic!("{other:?}"),
        }
    }
    house.registry.shut_down().await;
}

#[tokio::test]
async fn a_worker_is_never_asked_for_an_operation_that_is_newer_than_its_build() {
    let examples = include_str!("../../../../../src/operations/examples.jsonl").lines().map(|line| {
        let example: serde_json::Value = serde_json::from_str(line).expect(line);
        serde_json::from_value::<operations::Operation>(example["operation"].clone()).expect(line)
    });
    for knows in 0..OPERATIONS_VERSION {
        // One that is asked for more than it knows dies.
        let house = house(&format!("knows-{knows}"), |_| ());
        let handle = house.ready("1").await;
        let pid = handle.view().pid;
        let mut newer = 0;
        let operations = examples.clone().map(|operation| Call::Operate { operation });
        for call in operations.chain([Call::Snapshot]) {
            let since = call.needs();
            match handle.call(call, None, Duration::from_secs(60)).await {
                Ok(_) => assert!(since <= knows, "{since} {knows}"),
                Err(CallFailure::Session(error)) => {
                    assert_eq!(error.kind, CallErrorKind::Unsupported);
                    assert!(since > knows, "{since} {knows}: {error}");
                    newer += 1;
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(newer > 0 && handle.view().pid == pid, "{newer} of them are newer than {knows}");
        house.registry.shut_down().await;
    }
}

#[tokio::test]
async fn a_restored_profile_never_takes_the_place_of_one_that_a_browser_has() {
    let house = house("", |_| ());
    let handle = house.ready("1").await;
    let stage = || {
        let staged = Staged::begin(&house.host.state, &handle.user, None, ProfileRecord::default(), 1);
        let staged = staged.expect("made");
        std::fs::write(staged.profile().join("mark"), "restored").expect("written");
        staged
    };
    let mark = house.host.state.profile_dir(&handle.user).join("mark");
    assert!(matches!(handle.replace(stage()).await, Err(NotReplaced::Runs)));
    // Nor of one that is just coming back.
    handle.operate(OperatorCommand::Restart).await.expect("kept");
    assert!(matches!(handle.replace(stage()).await, Err(NotReplaced::Runs)));
    handle.operate(OperatorCommand::Stop).await.expect("kept");
    until(&handle, |view| view.pid.is_none() && view.phase == Phase::Held).await;
    assert!(!mark.exists());
    // A start that comes right after it finds the restored one.
    let (replaced, started) = tokio::join!(handle.replace(stage()), handle.operate(OperatorCommand::Start));
    replaced.expect("in place");
    started.expect("kept");
    assert!(mark.exists());
    until(&handle, |view| view.state().is_some_and(SessionState::is_ready)).await;
    assert!(handle.view().was_linked);
    house.registry.shut_down().await;
}

/// Everything runs on this test's one thread, so a neighbour that is held up would be seen.
#[tokio::test]
async fn a_disconnect_deletes_the_session_and_the_user() {
    let house = house("ignore-stop", |_| ());
    let handle = house.ready("1").await;
    let pid = handle.view().pid.expect("runs");
    assert!(house.host.state.auth_dir(&handle.user).exists());
    let outcome = timeout(Duration::from_secs(120), handle.disconnect()).await.expect("in time");
    assert_eq!(outcome, DisconnectOutcome::LoggedOut);
    assert!(!house.host.state.auth_dir(&handle.user).exists() && !alive(pid));
    while house.registry.find(&handle.user).is_some() {
        tokio::task::yield_now().await;
    }
    assert_eq!(handle.disconnect().await, DisconnectOutcome::NotDeleted, "nobody is there who could");
}

#[tokio::test]
async fn a_deletion_takes_everything_of_the_session_along_and_says_when_it_cannot() {
    let house = house("", |_| ());
    let handle = house.ready("1").await;
    let pid = handle.view().pid.expect("runs");
    let state = &house.host.state;
    let own = MemoryOverrides { max_mb: Some(2000), ..MemoryOverrides::default() };
    handle.limit(own).await.expect("kept");
    assert!(state.limits(&handle.user).exists());
    handle.operate(OperatorCommand::Stop).await.expect("kept");
    until(&handle, |view| view.phase == Phase::Held && view.pid.is_none()).await;

    // Nothing can be renamed out of a folder that is none: the state directory is put aside for a moment.
    let (root, aside) = (state.root().to_owned(), state.root().with_extension("aside"));
    std::fs::rename(&root, &aside).expect("moved");
    std::fs::write(&root, b"no folder").expect("written");
    let failed = timeout(Duration::from_secs(60), handle.delete()).await.expect("in time");
    std::fs::remove_file(&root).expect("removed");
    std::fs::rename(&aside, &root).expect("moved back");
    assert!(matches!(failed, Err(crate::NotDeleted::Disk(_))), "{failed:?}");
    assert!(state.auth_dir(&handle.user).exists());

    let handle = house.registry.find_or_create(&handle.user).await.expect("made");
    timeout(Duration::from_secs(60), handle.delete()).await.expect("in time").expect("deleted");
    assert!(!state.auth_dir(&handle.user).exists() && !alive(pid));
    assert!(!state.limits(&handle.user).exists() && !folders::is_held(state, &handle.user).expect("seen"));
    let last = house.memory.statuses.lock().expect("no panic").last().map(|(_, change)| change.status);
    assert_eq!(last, Some("STOPPED"), "said before the deletion is");
    house.registry.shut_down().await;
}

/// Waits until the user's task has heeded what it was told so far: it takes one thing after the other.
async fn heeded(handle: &UserHandle) {
    timeout(Duration::from_secs(120), handle.carry()).await.expect("in time").expect("the task lives");
}

#[tokio::test]
async fn an_operators_stop_outlives_polling_and_the_supervisor() {
    let first = house("", |_| ());
    let handle = first.ready("1").await;
    handle.operate(OperatorCommand::Stop).await.expect("kept");
    until(&handle, |view| view.phase == Phase::Held && view.pid.is_none()).await;
    for _ in 0..3 {
        heeded(&first.wake("1")).await;
    }
    assert_eq!((handle.view().phase, handle.view().pid), (Phase::Held, None));
    first.registry.shut_down().await;

    let second = house_in(first.folder, "", |_| ());
    crate::adoption::bring_back(&second.host, &second.registry).await.expect("read");
    let handle = second.wake("1");
    heeded(&handle).await;
    assert_eq!((handle.view().phase, handle.view().pid), (Phase::Held, None));
    handle.operate(OperatorCommand::Start).await.expect("kept");
    let pid = until(&handle, |view| view.state().is_some()).await.pid;
    handle.operate(OperatorCommand::Restart).await.expect("kept");
    let view = until(&handle, |view| view.state().is_some() && view.pid != pid).await;
    assert_eq!((view.restarts, view.attempts), (0, 0), "asked for, so no failure");
    handle.operate(OperatorCommand::Stop).await.expect("kept");
    until(&handle, |view| view.phase == Phase::Held).await;
    timeout(Duration::from_secs(120), handle.reset()).await.expect("in time");
    assert!(!second.host.state.auth_dir(&handle.user).exists());
    assert!(!folders::is_held(&second.host.state, &handle.user).expect("seen"));
    second.registry.shut_down().await;
}

#[tokio::test]
async fn a_word_that_the_disk_does_not_take_holds_and_is_said_to_be_unkept_until_it_is() {
    let house = house("", |_| ());
    let handle = house.ready("1").await;
    let holds = house.host.state.holds();
    std::fs::write(&holds, b"no folder").expect("written");
    let said = handle.operate(OperatorCommand::Stop).await.expect_err("nothing can be written in there");
    assert!(matches!(said, crate::NotKept::Disk(_)), "{said:?}");
    until(&handle, |view| view.phase == Phase::Held && view.pid.is_none()).await;
    assert!(handle.operate(OperatorCommand::Stop).await.is_err(), "asked again, it is tried again");
    std::fs::remove_file(&holds).expect("removed");
    handle.operate(OperatorCommand::Stop).await.expect("kept now");
    assert!(folders::is_held(&house.host.state, &handle.user).expect("seen"));
    // Nor is a start said to be kept whose hold is still on disk.
    std::fs::remove_file(house.host.state.hold_mark(&handle.user)).expect("removed");
    std::fs::create_dir(house.host.state.hold_mark(&handle.user)).expect("made");
    assert!(handle.operate(OperatorCommand::Start).await.is_err());
    until(&handle, |view| view.state().is_some()).await;
    house.registry.shut_down().await;
}

#[tokio::test]
async fn a_session_whose_folder_is_a_link_is_refused_by_name() {
    let house = house("", |config| config.restart.burst = 2);
    let (victim, planted) = (user("2"), user("1"));
    std::fs::create_dir_all(house.host.state.own_dir(&victim)).expect("made");
    let (to, link) = (house.host.state.auth_dir(&victim), house.host.state.auth_dir(&planted));
    std::os::unix::fs::symlink(to, &link).expect("planted");
    let users = folders::users_on_disk(&house.host.state).expect("read");
    assert_eq!(users, [victim], "it is no session");
    let handle = house.wake("1");
    let view = until(&handle, |view| matches!(view.phase, Phase::Parked { .. })).await;
    let Phase::Parked { reason } = view.phase else { unreachable!("just met") };
    assert!(reason.label().contains("_user_1 is a link"), "{reason:?}");
    house.registry.shut_down().await;
}

#[tokio::test]
async fn nobody_starts_beyond_capacity_and_a_free_place_is_taken() {
    let house = house("", |config| config.max_users = 1);
    let one = house.ready("1").await;
    let two = house.wake("2");
    until(&two, |view| view.phase == Phase::Queued { wait: Wait::Place }).await;
    assert!(!house.host.state.auth_dir(&two.user).exists(), "nothing on disk before a start");
    one.disconnect().await;
    until(&two, |view| view.state().is_some()).await;
    house.registry.shut_down().await;
}

#[test]
fn a_living_worker_is_adopted_without_a_restart() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    // The first supervisor ends as if it were killed: all its tasks are gone at once.
    let first = runtime();
    let (folder, pid) = first.block_on(async {
        let house = house("events-5", |_| ());
        let handle = house.ready("1").await;
        (house.folder, handle.view().pid)
    });
    drop(first);
    runtime().block_on(async {
        let house = house_in(folder, "", |_| ());
        crate::adoption::adopt_workers(&house.host, &house.registry).await;
        let adopted = house.registry.find(&user("1")).expect("adopted");
        let view = until(&adopted, |view| view.state().is_some()).await;
        assert_eq!((view.pid, view.restarts), (pid, 0));
        assert!(matches!(send(&adopted).await, Ok((Reply::Sent(_), _))));
        house.registry.shut_down().await;
        assert!(!alive(pid.expect("runs")) && house.host.state.auth_dir(&user("1")).exists());
    });
}

#[tokio::test]
async fn at_boot_sockets_of_the_dead_are_cleared_and_sessions_brought_back() {
    let house = house("", |_| ());
    let (dead, linked, unlinked) = (user("dead"), user("linked"), user("unlinked"));
    std::fs::create_dir_all(house.host.run.user_dir(&dead)).expect("made");
    drop(std::os::unix::net::UnixListener::bind(house.host.run.worker_socket(&dead)).expect("bound"));
    for user in [&linked, &unlinked] {
        std::fs::create_dir_all(house.host.state.own_dir(user)).expect("made");
    }
    folders::remember(&house.host.state, &unlinked, false).expect("marked");
    crate::adoption::adopt_workers(&house.host, &house.registry).await;
    crate::adoption::bring_back(&house.host, &house.registry).await.expect("read");
    assert!(!house.host.run.user_dir(&dead).exists());
    let users: Vec<_> = house.registry.list().into_iter().map(|handle| handle.user).collect();
    assert_eq!(users, std::slice::from_ref(&linked));
    until(&house.registry.find(&linked).expect("woken"), |view| view.state().is_some()).await;
    assert!(house.registry.find_or_restore(&unlinked).await.is_some(), "a disconnect finds it");
    house.registry.shut_down().await;
}

#[tokio::test]
async fn a_users_own_limits_hold_at_once_and_after_a_restart_and_wrong_ones_change_nothing() {
    let polled = |config: &mut ServiceConfig| {
        (config.memory.mode, config.memory.poll_ms) = (MemoryMode::Polling, 100);
    };
    let cap = |mib: u64| move |view: &UserView| view.memory.is_some_and(|memory| memory.cap == mib << 20);
    let max = |mib| MemoryOverrides { max_mb: Some(mib), ..MemoryOverrides::default() };
    let first = house("", polled);
    let (handle, other) = (first.ready("1").await, first.ready("2").await);
    until(&handle, cap(1024)).await;
    let applied = handle.limit(max(2000)).await.expect("fine");
    assert_eq!((applied["max_mb"], applied["pids_max"]), (When::Now, When::Never));
    until(&handle, cap(2000)).await;
    let error = handle.limit(max(10)).await.expect_err("below the soft limit").to_string();
    assert!(error.contains("max_mb"), "{error}");
    until(&other, cap(1024)).await;
    first.registry.shut_down().await;

    let second = house_in(first.folder, "", polled);
    let handle = second.wake("1");
    until(&handle, cap(2000)).await;
    handle.limit(MemoryOverrides::default()).await.expect("taken back");
    until(&handle, cap(1024)).await;
    second.registry.shut_down().await;
    assert!(!second.host.state.limits(&handle.user).exists());
}

#[tokio::test]
async fn limits_of_the_configuration_hold_at_once_below_those_of_an_operator() {
    let house = house("", |config| {
        (config.memory.mode, config.memory.poll_ms) = (MemoryMode::Polling, 100);
    });
    let cap = |mib: u64| move |view: &UserView| view.memory.is_some_and(|memory| memory.cap == mib << 20);
    let handle = house.ready("1").await;
    until(&handle, cap(1024)).await;
    let configure = async |max: Option<u64>| {
        let limits = SessionLimits { memory_max_mb: max, ..SessionLimits::default() };
        let settings = SessionSettings { limits, ..SessionSettings::default() };
        house.host.store.keep_session(&handle.user, settings).await.expect("kept");
        handle.limit_again().await.expect("read")
    };
    assert_eq!(configure(Some(1500)).await["max_mb"], When::Now);
    until(&handle, cap(1500)).await;
    let own = MemoryOverrides { max_mb: Some(2000), ..MemoryOverrides::default() };
    handle.limit(own).await.expect("kept");
    until(&handle, cap(2000)).await;
    configure(Some(1800)).await;
    handle.limit(MemoryOverrides::default()).await.expect("taken back");
    until(&handle, cap(1800)).await;
    configure(None).await;
    until(&handle, cap(1024)).await;
    house.registry.shut_down().await;
}

#[tokio::test]
async fn made_up_names_are_bounded_and_keep_nobody_out_who_had_a_session() {
    let house = house("", |config| (config.max_users, config.max_starting) = (1, 1));
    let first = house.ready("first").await;
    let known = user("known");
    std::fs::create_dir_all(house.host.state.auth_dir(&known)).expect("made");
    let mut made = Vec::new();
    for n in 0..20_000 {
        made.extend(house.registry.find_or_create(&user(&format!("made-up-{n}"))).await.ok());
    }
    made.iter().for_each(UserHandle::wake);
    assert_eq!(made.len(), 64);
    assert_eq!(house.registry.list().len(), 65);
    let known = house.wake("known");
    until(&known, |view| matches!(view.phase, Phase::Queued { .. })).await;
    for made in &made {
        until(made, |view| matches!(view.phase, Phase::Queued { .. })).await;
    }
    // The only place is free: it goes to whoever had a session, although they came last.
    first.shut_down().await;
    until(&known, |view| view.state().is_some_and(SessionState::is_ready)).await;
    assert!(made.iter().all(|made| made.view().pid.is_none()));
    // A wish that is given up leaves nothing behind.
    made.iter().for_each(UserHandle::give_way);
    known.give_way();
    for made in &made {
        until_gone(&house, &made.user).await;
    }
    assert!(known.view().pid.is_some(), "who runs does not give way");
    house.registry.shut_down().await;
}

/// That somebody looked a minute ago is made of paused time; the processes and their words are real.
#[tokio::test]
async fn a_code_that_nobody_looks_at_any_more_gives_its_place_to_who_waits() {
    let house = house("unlinked/only-made-up", |config| (config.max_users, config.max_starting) = (1, 1));
    let made_up = house.wake("made-up");
    let shows = |view: &UserView| matches!(view.state(), Some(SessionState::AwaitingScan { .. }));
    until(&made_up, shows).await;
    let known = user("known");
    std::fs::create_dir_all(house.host.state.auth_dir(&known)).expect("made");
    let known = house.wake("known");
    until(&known, |view| matches!(view.phase, Phase::Queued { .. })).await;
    assert!(made_up.view().pid.is_some(), "somebody looked a moment ago");
    until(&known, |view| view.state().is_some_and(SessionState::is_ready)).await;
    until_gone(&house, &made_up.user).await;
    house.registry.shut_down().await;
}

async fn until_gone(house: &House, user: &UserId) {
    let gone = async {
        while house.registry.find(user).is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(120), gone).await.expect("gone");
}
