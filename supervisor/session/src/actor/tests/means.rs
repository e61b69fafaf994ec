//! A machine that has no descriptors left when a user's task begins: what is kept of the user is not guessed at.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;
use crate::limits;

/// While it is there, nothing can be opened in this process: the test's own, as nextest runs it.
struct NothingLeft(Rlimit);

impl NothingLeft {
    fn begin() -> Self {
        let before = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..before }).expect("lowered");
        Self(before)
    }
}

impl Drop for NothingLeft {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.0).expect("raised");
    }
}

/// Long enough for a task that guesses to have gone on.
async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(500)).await;
}

#[tokio::test]
async fn nobody_starts_with_limits_or_in_spite_of_a_parking_that_could_not_be_read() {
    let house = house("ready", |config| {
        config.memory.mode = MemoryMode::Polling;
        config.memory.poll_ms = 100;
    });
    let (parked, limited) = (user("1"), user("2"));
    folders::keep_parked(&house.host.state, &parked, Some(&ExitReason::Banned)).expect("kept");
    let own = MemoryOverrides { max_mb: Some(2000), ..MemoryOverrides::default() };
    limits::keep(&house.host.state, house.host.memory_of(&limited), &limited, own).expect("kept");

    let nothing_left = NothingLeft::begin();
    let parked = house.registry.find_or_create_known(&parked).expect("made");
    let limited = house.wake("2");
    parked.settled().await;
    a_moment().await;
    for handle in [&parked, &limited] {
        let view = handle.view();
        assert_eq!((view.phase, view.pid), (Phase::Queued { wait: Wait::Resources }, None));
    }
    assert!(matches!(send(&limited).await, Err(CallFailure::NotReady)), "nobody waits for it");
    limited.operate(OperatorCommand::Stop).await.expect_err("nothing was done, and that is said");
    drop(nothing_left);

    until(&parked, |view| view.phase == Phase::Parked { reason: ExitReason::Banned }).await;
    // The wish of then is remembered, and so are the limits.
    let view = until(&limited, |view| view.memory.is_some()).await;
    assert_eq!(view.memory.map(|memory| memory.cap), Some(2000 << 20));
    house.registry.shut_down().await;
}

#[tokio::test]
async fn the_end_of_the_service_waits_for_no_descriptors() {
    let house = house("ready", |_| ());
    folders::keep_parked(&house.host.state, &user("1"), Some(&ExitReason::Banned)).expect("kept");
    let nothing_left = NothingLeft::begin();
    let handle = house.wake("1");
    handle.settled().await;
    timeout(Duration::from_secs(60), house.registry.shut_down()).await.expect("it ends");
    drop(nothing_left);
    assert_eq!(handle.view().pid, None);
    let kept = folders::parked(&house.host.state, &handle.user).expect("read");
    assert_eq!(kept, Some(ExitReason::Banned), "what was not known was not undone");
}
