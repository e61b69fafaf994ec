//! Users' tasks with real processes: the example `fake-worker` plays the worker.

use std::path::PathBuf;
use std::sync::Mutex;

use bytes::Bytes;
use colmeia::config::LogFormat;
use colmeia::protocol::{self, Call, Reply};
use colmeia::{ChatId, SessionState};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tempfile::TempDir;
use tokio::time::timeout;

use super::*;
use crate::admission::Admission;
use crate::journal::StatusChange;
use crate::user::handle::{CallFailure, Operation};
use crate::user::link::SinkError;
use crate::user::process::Children;
use crate::user::view::Phase;

/// Events are kept here; the first few times the disk refuses.
#[derive(Debug, Default)]
struct Memory {
    refusals: Mutex<u32>,
    kept: Mutex<Vec<u64>>,
    statuses: Mutex<Vec<(UserId, StatusChange)>>,
}

impl EventSink for Memory {
    fn append<'a>(
        &'a self,
        _: &'a UserId,
        events: Vec<(u64, protocol::Event)>,
    ) -> BoxFuture<'a, Result<(), SinkError>> {
        async move {
            let mut refusals = self.refusals.lock().expect("no panic");
            if *refusals > 0 {
                *refusals -= 1;
                return Err(SinkError("disk full".into()));
            }
            self.kept.lock().expect("no panic").extend(events.iter().map(|(seq, _)| *seq));
            Ok(())
        }
        .boxed()
    }

    fn keep_status(&self, user: &UserId, change: StatusChange) {
        self.statuses.lock().expect("no panic").push((user.clone(), change));
    }
}

struct House {
    registry: Registry,
    host: Arc<Host>,
    memory: Arc<Memory>,
    folder: TempDir,
}

/// The example lies beside the tests' own program.
fn fake_worker() -> PathBuf {
    let own = std::env::current_exe().expect("known");
    own.ancestors().nth(2).expect("target/debug").join("examples/fake-worker")
}

fn house(behaviour: &str, change: impl FnOnce(&mut ServiceConfig)) -> House {
    house_in(tempfile::tempdir().expect("folder"), behaviour, change)
}

fn house_in(folder: TempDir, behaviour: &str, change: impl FnOnce(&mut ServiceConfig)) -> House {
    let mut config = ServiceConfig {
        page_url: format!("http://fake/{behaviour}"),
        ping_interval_ms: 50,
        ping_timeout_ms: 300,
        ..ServiceConfig::default()
    };
    config.restart.base_ms = 20;
    config.deadlines.hang_ms = 700;
    change(&mut config);
    let memory = Arc::new(Memory::default());
    let host = Arc::new(Host {
        state: StateLayout::new(folder.path(), "ylada_bot"),
        run: RunLayout::new(folder.path().join("r")).expect("short enough"),
        launch: Launch { program: fake_worker(), log_format: LogFormat::Json, children: Children::default() },
        desk: Desk::open(Admission::new(config.max_users, config.max_starting)),
        sink: Arc::clone(&memory) as Arc<dyn EventSink>,
        memory: crate::memory::Memory::off(),
        hurry: CancellationToken::new(),
        config: Arc::new(config),
    });
    House { registry: Registry::new(Arc::clone(&host)), host, memory, folder }
}

fn user(id: &str) -> UserId {
    id.parse().expect("valid")
}

impl House {
    fn wake(&self, id: &str) -> UserHandle {
        let handle = self.registry.find_or_create(&user(id)).expect("made");
        handle.wake();
        handle
    }

    async fn ready(&self, id: &str) -> UserHandle {
        let handle = self.wake(id);
        until(&handle, |view| view.state().is_some_and(SessionState::is_ready)).await;
        handle
    }
}

/// Waits for a condition and returns the view that met it.
async fn until(handle: &UserHandle, condition: impl FnMut(&UserView) -> bool) -> UserView {
    let mut view = handle.watch();
    let met = timeout(Duration::from_secs(20), view.wait_for(condition)).await;
    met.unwrap_or_else(|_| panic!("never; at last: {:?}", handle.view())).expect("the task lives").clone()
}

fn send_text() -> Call {
    Call::SendText { chat: ChatId::normalise("5511988887777").expect("valid"), text: "oi".into() }
}

async fn send(handle: &UserHandle) -> super::super::CallResult {
    handle.call(send_text(), Bytes::new(), Duration::from_secs(10)).await
}

fn alive(pid: u32) -> bool {
    // Dead but not reaped counts as dead: not every process here has a parent that looks.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn two_users_have_two_processes_and_an_end_leaves_none() {
    let house = house("", |_| ());
    let (one, two) = (house.ready("1").await, house.ready("2").await);
    let pids = [one.view().pid.expect("runs"), two.view().pid.expect("runs")];
    assert_ne!(pids[0], pids[1]);
    assert!(matches!(send(&one).await, Ok((Reply::Sent { .. }, _))));
    house.registry.shut_down().await;
    assert!(!alive(pids[0]) && !alive(pids[1]));
    assert!(house.registry.list().is_empty());
    assert!(!house.host.run.user_dir(&one.user).exists(), "socket and folder are gone");
    assert!(house.registry.find_or_create(&user("3")).is_err());
}

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
    timeout(Duration::from_secs(2), view.wait_for(|view| view.state().is_none()))
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

/// Everything runs on this test's one thread, so a neighbour that is held up would be seen.
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
                let begun = Instant::now();
                assert!(matches!(send(&good).await, Ok((Reply::Sent { .. }, _))), "{behaviour}");
                let took = begun.elapsed();
                assert!(took < Duration::from_secs(1), "{behaviour}: a call took {took:?}");
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
            desk: house.host.desk.clone(),
            sink: Arc::clone(&house.host.sink),
            memory: crate::memory::Memory::off(),
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
    timeout(Duration::from_secs(20), all).await.expect("kept");
    assert_eq!(*house.memory.kept.lock().expect("no panic"), (1..=300).collect::<Vec<_>>());
    house.registry.shut_down().await;
}

#[tokio::test]
async fn a_disconnect_deletes_the_session_and_the_user() {
    let house = house("ignore-stop", |_| ());
    let handle = house.ready("1").await;
    let pid = handle.view().pid.expect("runs");
    assert!(house.host.state.auth_dir(&handle.user).exists());
    let outcome = timeout(Duration::from_secs(5), handle.disconnect()).await.expect("in time");
    assert_eq!(outcome, DisconnectOutcome::LoggedOut);
    assert!(!house.host.state.auth_dir(&handle.user).exists() && !alive(pid));
    while house.registry.find(&handle.user).is_some() {
        tokio::task::yield_now().await;
    }
    assert_eq!(handle.disconnect().await, DisconnectOutcome::OnlyHere);
}

#[tokio::test]
async fn an_operators_stop_outlives_polling_and_the_supervisor() {
    let first = house("", |_| ());
    let handle = first.ready("1").await;
    assert!(handle.operate(Operation::Stop));
    until(&handle, |view| view.phase == Phase::Held && view.pid.is_none()).await;
    for _ in 0..3 {
        first.wake("1");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((handle.view().phase, handle.view().pid), (Phase::Held, None));
    first.registry.shut_down().await;

    let second = house_in(first.folder, "", |_| ());
    crate::adopt::bring_back(&second.host, &second.registry).await.expect("read");
    let handle = second.wake("1");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!((handle.view().phase, handle.view().pid), (Phase::Held, None));
    handle.operate(Operation::Start);
    let pid = until(&handle, |view| view.state().is_some()).await.pid;
    handle.operate(Operation::Restart);
    let view = until(&handle, |view| view.state().is_some() && view.pid != pid).await;
    assert_eq!((view.restarts, view.attempts), (0, 0), "asked for, so no failure");
    handle.operate(Operation::Stop);
    until(&handle, |view| view.phase == Phase::Held).await;
    timeout(Duration::from_secs(5), handle.reset()).await.expect("in time");
    assert!(!second.host.state.auth_dir(&handle.user).exists());
    assert!(!folders::is_held(&second.host.state, &handle.user));
    second.registry.shut_down().await;
}

#[tokio::test]
async fn nobody_starts_beyond_capacity_and_a_free_place_is_taken() {
    let house = house("", |config| config.max_users = 1);
    let one = house.ready("1").await;
    let two = house.wake("2");
    until(&two, |view| view.phase == Phase::Queued { wait: crate::admission::Wait::Place }).await;
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
        crate::adopt::adopt_workers(&house.host, &house.registry).await;
        let adopted = house.registry.find(&user("1")).expect("adopted");
        let view = until(&adopted, |view| view.state().is_some()).await;
        assert_eq!((view.pid, view.restarts), (pid, 0));
        assert!(matches!(send(&adopted).await, Ok((Reply::Sent { .. }, _))));
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
    crate::adopt::adopt_workers(&house.host, &house.registry).await;
    crate::adopt::bring_back(&house.host, &house.registry).await.expect("read");
    assert!(!house.host.run.user_dir(&dead).exists());
    let users: Vec<_> = house.registry.list().into_iter().map(|handle| handle.user).collect();
    assert_eq!(users, std::slice::from_ref(&linked));
    until(&house.registry.find(&linked).expect("woken"), |view| view.state().is_some()).await;
    assert!(house.registry.find_or_restore(&unlinked).is_some(), "a disconnect finds it");
    house.registry.shut_down().await;
}
