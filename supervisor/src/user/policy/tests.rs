//! The policy against a world that obeys it: processes start and die only when they can.

use super::*;
use colmeia::session::LaunchCause;
use proptest::prelude::*;

const RULES: Rules = Rules {
    base: Duration::from_millis(500),
    cap: Duration::from_secs(60),
    stable: Duration::from_secs(60),
    burst: 5,
    burst_window: Duration::from_secs(30),
    idle: Duration::from_secs(600),
    hello: Duration::from_secs(10),
    settle: Duration::from_secs(135),
    stop: Duration::from_secs(15),
    disconnect: Duration::from_millis(4500),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    None,
    Wished,
    Held,
    Resting,
}

/// What surrounds a policy. It panics where the policy asks for what must not be.
#[derive(Debug, Clone)]
struct World {
    policy: Policy,
    at: Duration,
    process: bool,
    killed: bool,
    place: Place,
    spawned: usize,
    /// Since when a disconnect waits for its answer.
    asked: Option<Duration>,
    auth: bool,
    held: bool,
    /// What is on disk.
    parked: bool,
    finished: bool,
}

impl World {
    fn new(keep: bool) -> Self {
        Self {
            policy: Policy::new(RULES, keep, Duration::ZERO),
            at: Duration::ZERO,
            process: false,
            killed: false,
            place: Place::None,
            spawned: 0,
            asked: None,
            auth: true,
            held: false,
            parked: false,
            finished: false,
        }
    }

    fn feed(&mut self, event: Event) -> Vec<Action> {
        self.feed_with(event, 0.5)
    }

    fn feed_with(&mut self, event: Event, chance: f64) -> Vec<Action> {
        match &event {
            Event::Admitted => self.place = Place::Held,
            Event::Exited(_) => (self.process, self.killed) = (false, false),
            Event::Disconnect | Event::Reset => self.asked = self.asked.or(Some(self.at)),
            _ => {}
        }
        self.finished = false;
        let connected = event == Event::Connected;
        let was_running = matches!(self.policy.state, State::Running { .. });
        let (policy, actions) = self.policy.clone().step(event, Now { at: self.at, chance });
        self.policy = policy;
        if matches!(self.policy.state, State::Running { .. }) {
            assert!(was_running || connected, "running without a Hello");
        }
        for action in &actions {
            self.obey(*action);
        }
        let parked = matches!(self.policy.state, State::Parked { .. });
        assert_eq!(parked, self.parked, "what is on disk about {:?}", self.policy.state);
        let living = matches!(
            self.policy.state,
            State::Starting { .. }
                | State::Running { .. }
                | State::LoggingOut { .. }
                | State::Stopping { .. }
        );
        assert_eq!(living, self.process, "{:?}", self.policy.state);
        if living {
            assert_eq!(self.place, Place::Held, "a process without a place");
        }
        actions
    }

    fn obey(&mut self, action: Action) {
        match action {
            Action::RequestPlace => {
                assert!(matches!(self.place, Place::None | Place::Resting), "{:?}", self.place);
                self.place = Place::Wished;
            }
            Action::Spawn => {
                assert!(!self.process, "two processes for one user");
                self.process = true;
                self.auth = true;
                self.spawned += 1;
            }
            Action::Kill => {
                assert!(self.process, "nothing to kill");
                self.killed = true;
            }
            Action::Stop | Action::Connect | Action::Logout => assert!(self.process, "{action:?}"),
            Action::RestPlace => self.place = Place::Resting,
            Action::ReleasePlace => self.place = Place::None,
            Action::DeleteAuth => {
                assert!(!self.process, "deleted under a living browser");
                self.auth = false;
            }
            Action::AnswerDisconnect { .. } => {
                let asked = self.asked.take().expect("an answer that nobody waits for");
                assert!(self.at <= asked + RULES.disconnect, "an answer after its deadline");
            }
            Action::Finish => self.finished = true,
            Action::KeepHold { held } => {
                assert_ne!(held, self.held, "said twice");
                self.held = held;
            }
            Action::KeepParked { parked } => {
                assert_ne!(parked, self.parked, "said twice");
                self.parked = parked;
            }
            Action::Settle | Action::Remember { .. } => {}
        }
    }

    /// Lets time pass, with every deadline on the way.
    fn pass(&mut self, time: Duration) {
        let until = self.at + time;
        for _ in 0..10_000 {
            match self.policy.deadline().filter(|due| *due <= until) {
                Some(due) => {
                    self.at = self.at.max(due);
                    self.feed(Event::Tick);
                }
                None => break,
            }
        }
        self.at = until;
    }

    fn take(&mut self, step: Step) {
        match step {
            // The world does not say what cannot be.
            Step::Happen(Event::Connected) if !self.process => {}
            Step::Happen(event) => drop(self.feed(event)),
            Step::Admit if self.place == Place::Wished => drop(self.feed(Event::Admitted)),
            Step::Exit(reason) if self.process => drop(self.feed(Event::Exited(reason))),
            Step::Admit | Step::Exit(_) => {}
            Step::Pass(ms) => self.pass(Duration::from_millis(ms)),
        }
    }

    fn start(&mut self) {
        self.feed(Event::Wake);
        self.feed(Event::Admitted);
        self.feed(Event::Connected);
    }

    fn crash(&mut self) {
        self.feed(Event::Exited(crash()));
    }
}

fn crash() -> ExitReason {
    ExitReason::Crash { process: "worker".into(), signal: Some(9) }
}

fn running(keep: bool) -> World {
    let mut world = World::new(keep);
    world.start();
    assert!(matches!(world.policy.state, State::Running { .. }));
    world
}

fn linked() -> World {
    let mut world = running(true);
    world.feed(Event::Report(Standing::Linked));
    world
}

#[test]
fn a_crash_is_followed_by_a_delay_below_a_growing_ceiling_and_a_start() {
    let mut world = linked();
    for ceiling in [500, 1000, 2000] {
        world.feed_with(Event::Exited(crash()), 0.999_999);
        let State::BackingOff { until } = world.policy.state else { panic!("{:?}", world.policy.state) };
        let delay = until - world.at;
        assert!(delay <= Duration::from_millis(ceiling) && delay > Duration::from_millis(ceiling * 9 / 10));
        assert_eq!(world.place, Place::Resting, "a linked user keeps its place");
        world.pass(delay);
        world.feed(Event::Admitted);
        world.feed(Event::Connected);
    }
    assert_eq!((world.policy.restarts, world.policy.attempts), (3, 3));
    world.pass(RULES.stable);
    assert_eq!(world.policy.attempts, 0, "forgotten after a stable uptime");
}

#[test]
fn a_burst_parks_and_polling_does_not_undo_it_at_once() {
    let mut world = linked();
    for _ in 0..RULES.burst - 1 {
        world.feed_with(Event::Exited(crash()), 0.1);
        world.pass(Duration::from_secs(1));
        world.feed(Event::Admitted);
        world.feed(Event::Connected);
    }
    world.crash();
    assert!(matches!(world.policy.state, State::Parked { .. }), "{:?}", world.policy.state);
    assert_eq!(world.place, Place::None);
    for _ in 0..9 {
        world.pass(Duration::from_secs(3));
        assert_eq!(world.feed(Event::Wake), []);
    }
    world.pass(Duration::from_secs(3));
    assert_eq!(world.feed(Event::Wake), [Action::RequestPlace]);
}

#[test]
fn a_ban_parks_at_once_and_a_logout_waits_until_someone_asks() {
    let mut world = linked();
    world.feed(Event::Exited(ExitReason::Banned));
    assert!(matches!(world.policy.state, State::Parked { reason: ExitReason::Banned, .. }));

    let mut world = linked();
    let actions = world.feed(Event::Exited(ExitReason::LoggedOut));
    assert!(actions.contains(&Action::Remember { linked: false }) && world.finished, "{actions:?}");
    assert_eq!(world.feed(Event::Wake), [Action::RequestPlace]);
}

#[test]
fn a_code_that_nobody_asks_for_is_given_up_and_one_that_is_asked_for_is_not() {
    let mut world = running(false);
    world.feed(Event::Report(Standing::Unlinked));
    for _ in 0..10 {
        world.pass(RULES.idle / 2);
        world.feed(Event::Wake);
    }
    assert!(matches!(world.policy.state, State::Running { .. }));
    world.pass(RULES.idle);
    assert!(matches!(world.policy.state, State::Stopping { ending: Ending::Asked, .. }));
    world.feed(Event::Exited(ExitReason::Stopped));
    assert!(world.finished && world.place == Place::None);
}

#[test]
fn a_wish_that_nobody_repeats_leaves_the_queue_and_a_session_on_disk_stays() {
    for (keep, stays) in [(false, false), (true, true)] {
        let mut world = World::new(keep);
        world.feed(Event::Wake);
        world.feed(Event::Waiting { wait: crate::admission::Wait::Place });
        world.pass(RULES.idle * 2);
        assert_eq!(world.place == Place::Wished, stays);
    }
}

#[test]
fn a_disconnect_tells_the_phone_then_stops_then_deletes_then_answers() {
    let mut world = linked();
    assert_eq!(world.feed(Event::Disconnect), [Action::Logout]);
    assert_eq!(world.feed(Event::LogoutDone { told: true }), [Action::Stop]);
    let actions = world.feed(Event::Exited(ExitReason::LoggedOut));
    let end = [Action::DeleteAuth, Action::AnswerDisconnect { told: true }, Action::Finish];
    assert!(actions.ends_with(&end), "{actions:?}");
}

#[test]
fn a_disconnect_of_a_worker_that_does_nothing_is_answered_in_time() {
    let mut world = linked();
    world.feed(Event::Disconnect);
    world.pass(RULES.disconnect * 3 / 4);
    assert!(world.killed, "killed early enough to delete before the answer");
    let actions = world.feed(Event::Exited(crash()));
    assert!(actions.contains(&Action::AnswerDisconnect { told: false }) && !world.auth);
}

#[test]
fn who_asks_during_a_disconnect_gets_a_new_session_afterwards() {
    let mut world = linked();
    world.feed(Event::Disconnect);
    world.feed(Event::Wake);
    world.feed(Event::LogoutDone { told: true });
    let actions = world.feed(Event::Exited(ExitReason::Stopped));
    assert!(!world.auth && actions.last() == Some(&Action::RequestPlace), "{actions:?}");
}

#[test]
fn a_lost_connection_is_made_again_once_and_then_the_worker_is_ended() {
    let mut world = linked();
    assert_eq!(world.feed(Event::LinkLost), [Action::Connect]);
    world.feed(Event::Connected);
    assert_eq!(world.feed(Event::LinkLost), [Action::Kill]);
    world.feed(Event::Exited(crash()));
    assert_eq!(world.policy.last_exit, Some(ExitReason::Hang { level: HealthLevel::Ipc }));
}

#[test]
fn a_restart_keeps_the_place_and_is_no_failure() {
    let mut world = linked();
    assert_eq!(world.feed(Event::Restart), [Action::Stop]);
    let actions = world.feed(Event::Exited(ExitReason::Stopped));
    assert_eq!(actions, [Action::RestPlace, Action::RequestPlace]);
    world.feed(Event::Admitted);
    world.feed(Event::Connected);
    assert_eq!((world.policy.attempts, world.policy.restarts, world.spawned), (0, 0, 2));
}

#[test]
fn an_operator_resumes_a_parked_user_at_once() {
    let mut world = linked();
    world.feed(Event::Exited(ExitReason::Banned));
    assert_eq!(world.feed(Event::Wake), []);
    assert_eq!(world.feed(Event::Start), [Action::RequestPlace]);
    assert_eq!(world.policy.attempts, 0);
}

#[test]
fn a_reset_stops_deletes_and_answers_without_the_phone() {
    let mut world = linked();
    world.feed(Event::Hold);
    assert!(world.held);
    world.feed(Event::Exited(ExitReason::Stopped));
    let actions = world.feed(Event::Reset);
    let end = [Action::DeleteAuth, Action::AnswerDisconnect { told: false }, Action::Finish];
    assert!(actions.ends_with(&end) && !world.held && !world.auth, "{actions:?}");

    let mut world = linked();
    assert_eq!(world.feed(Event::Reset), [Action::Stop]);
    world.pass(RULES.disconnect * 3 / 4);
    assert!(world.killed, "a session that does not stop is no obstacle");
    world.crash();
    assert!(!world.auth && world.asked.is_none());
}

#[test]
fn a_worker_above_its_hard_limit_is_killed_and_counts_as_a_failure() {
    let mut world = linked();
    assert_eq!(world.feed(Event::OverMemory), [Action::Kill]);
    world.crash();
    assert_eq!(world.policy.last_exit(), Some(&ExitReason::Oom));
    assert!(matches!(world.policy.state, State::BackingOff { .. }));
    assert_eq!(world.policy.attempts(), 1);
}

#[test]
fn a_recycled_worker_comes_back_at_once_and_is_never_parked_for_it() {
    let mut world = linked();
    for restarts in 1..20 {
        assert_eq!(world.feed(Event::Recycle), [Action::Stop]);
        assert!(!world.killed);
        world.feed(Event::Exited(ExitReason::Stopped));
        assert_eq!(world.policy.last_exit(), Some(&ExitReason::CapRecycle));
        assert_eq!(world.place, Place::Wished, "no delay");
        world.feed(Event::Admitted);
        world.feed(Event::Connected);
        assert_eq!((world.policy.attempts(), world.policy.restarts()), (0, restarts));
    }
    world.feed(Event::Recycle);
    world.pass(RULES.stop);
    assert!(world.killed, "one that does not stop is not waited for");
    world.crash();
    assert_eq!(world.place, Place::Wished);
}

#[test]
fn a_worker_that_is_replaced_comes_back_at_once_and_that_is_no_failure() {
    let mut world = linked();
    assert_eq!(world.feed(Event::Renew), [Action::Stop]);
    world.pass(RULES.stop);
    assert!(world.killed, "one that does not stop is killed");
    world.feed(Event::Exited(crash()));
    assert_eq!(world.policy.state, State::Queued { wait: crate::admission::Wait::Starts });
    assert_eq!((world.policy.attempts(), world.policy.restarts()), (0, 0));
    world.feed(Event::Admitted);
    assert_eq!(world.spawned, 2);

    let mut world = linked();
    world.feed(Event::Renew);
    world.feed(Event::Disconnect);
    world.feed(Event::Exited(ExitReason::Stopped));
    assert!(!world.auth, "who disconnects meanwhile does not come back");
}

#[test]
fn an_operators_restart_and_a_recycling_are_both_a_replacement() {
    for (event, called, restarts) in [
        (Event::Restart, ExitReason::Stopped, 0),
        (Event::Renew, ExitReason::Stopped, 0),
        (Event::Recycle, ExitReason::CapRecycle, 1),
    ] {
        let mut world = linked();
        world.feed(event);
        world.feed(Event::Hung);
        assert!(world.killed);
        world.feed(Event::Exited(crash()));
        assert_eq!(world.policy.last_exit(), Some(&called));
        assert_eq!((world.place, world.policy.restarts(), world.policy.attempts()), (Place::Wished, restarts, 0));
    }
}

#[test]
fn what_is_carried_over_goes_on_as_it_was() {
    let mut world = linked();
    for _ in 0..3 {
        world.feed(Event::Exited(crash()));
        world.pass(RULES.cap);
        world.feed(Event::Admitted);
        world.feed(Event::Connected);
    }
    world.feed(Event::Exited(crash()));
    assert!(matches!(world.policy.state, State::BackingOff { .. }));
    let carried = world.policy.carry(world.at);
    let text = serde_json::to_string(&carried).expect("JSON");
    let carried = serde_json::from_str(&text).expect("the same");
    let next = Policy::new(RULES, true, Duration::ZERO).carrying(carried, Duration::ZERO);
    assert_eq!((next.attempts(), next.restarts()), (4, 3));
    assert_eq!(next.last_exit(), Some(&crash()));
    let left = world.policy.deadline().expect("due") - world.at;
    assert_eq!(next.deadline().map(|due| due.as_millis()), Some(left.as_millis()));
}

#[test]
fn who_was_about_to_be_parked_is_parked_by_the_next_failure_after_an_upgrade() {
    let mut world = linked();
    for _ in 1..RULES.burst {
        world.feed_with(Event::Exited(crash()), 0.0);
        world.feed(Event::Tick);
        world.feed(Event::Admitted);
        world.feed(Event::Connected);
    }
    let carried = world.policy.carry(world.at);
    let mut next = World::new(true);
    next.policy = Policy::adopted(RULES, Duration::ZERO).carrying(carried, Duration::ZERO);
    (next.process, next.place) = (true, Place::Held);
    next.feed(Event::Exited(crash()));
    assert_eq!(next.policy.state(), &State::Parked { reason: crash(), until: PARKED_FOR });
}

#[test]
fn who_is_parked_since_before_waits_for_a_person_and_for_room_on_the_disk() {
    let full = ExitReason::LaunchFailed { cause: LaunchCause::DiskFull, why: "x".into() };
    for (reason, room) in [(ExitReason::Banned, false), (full, true)] {
        let mut world = World::new(true);
        world.policy = Policy::new(RULES, true, Duration::ZERO).parked(reason.clone(), Duration::ZERO);
        world.parked = true;
        world.feed(Event::Wake);
        assert_eq!((world.place, world.policy.last_exit()), (Place::None, Some(&reason)));
        world.feed(Event::Room);
        assert_eq!(world.place == Place::Wished, room);
        world.pass(PARKED_FOR);
        world.feed(Event::Wake);
        assert_eq!(world.place, Place::Wished);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Happen(Event),
    Admit,
    Exit(ExitReason),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Step> {
    let standing = prop_oneof![
        Just(Standing::Starting),
        Just(Standing::Unlinked),
        Just(Standing::Pairing),
        Just(Standing::Linked),
        Just(Standing::Ending)
    ];
    let reason = prop_oneof![
        4 => Just(crash()),
        1 => Just(ExitReason::LoggedOut),
        1 => Just(ExitReason::Banned),
        1 => Just(ExitReason::CapRecycle),
        1 => Just(ExitReason::LaunchFailed { cause: LaunchCause::DiskFull, why: "x".into() }),
        1 => Just(ExitReason::Stopped),
    ];
    prop_oneof![
        6 => Just(Step::Happen(Event::Wake)),
        6 => Just(Step::Admit),
        4 => Just(Step::Happen(Event::Connected)),
        1 => Just(Step::Happen(Event::Unreachable { why: "x".into() })),
        2 => Just(Step::Happen(Event::LinkLost)),
        1 => Just(Step::Happen(Event::Resync)),
        1 => Just(Step::Happen(Event::Violation)),
        1 => Just(Step::Happen(Event::Hung)),
        1 => Just(Step::Happen(Event::OverMemory)),
        2 => Just(Step::Happen(Event::Recycle)),
        4 => standing.prop_map(|standing| Step::Happen(Event::Report(standing))),
        3 => reason.prop_map(Step::Exit),
        2 => any::<bool>().prop_map(|told| Step::Happen(Event::LogoutDone { told })),
        1 => Just(Step::Happen(Event::Renew)),
        1 => Just(Step::Happen(Event::Room)),
        2 => Just(Step::Happen(Event::Disconnect)),
        1 => Just(Step::Happen(Event::Reset)),
        2 => Just(Step::Happen(Event::Hold)),
        1 => Just(Step::Happen(Event::Start)),
        2 => Just(Step::Happen(Event::Restart)),
        1 => Just(Step::Happen(Event::Waiting { wait: crate::admission::Wait::Place })),
        4 => (0u64..100_000).prop_map(Step::Pass),
    ]
}

fn play(steps: Vec<Step>, keep: bool) -> World {
    let mut world = World::new(keep);
    for step in steps {
        world.take(step);
    }
    world
}

proptest! {
    /// The assertions are `World`'s.
    #[test]
    fn there_are_never_two_processes_nor_one_without_a_place(
        steps in prop::collection::vec(steps(), 0..80),
        keep: bool,
    ) {
        play(steps, keep);
    }

    /// Whatever happened: when places come and killed processes die, a user whom an operator wants runs again.
    #[test]
    fn no_state_lasts_for_ever(steps in prop::collection::vec(steps(), 0..60), keep: bool) {
        let mut world = play(steps, keep);
        world.feed(Event::Start);
        for _ in 0..200 {
            world.feed(Event::Wake);
            match (&world.policy.state, world.place, world.killed) {
                (State::Running { .. }, ..) => return Ok(()),
                (_, Place::Wished, _) => drop(world.feed(Event::Admitted)),
                (_, _, true) => world.crash(),
                (State::Starting { .. }, ..) => drop(world.feed(Event::Connected)),
                _ => world.pass(Duration::from_secs(2)),
            }
        }
        prop_assert!(false, "it never ran again: {:?}", world.policy);
    }

    /// Whatever happened, and whoever asks however often: who is held back is stopped, and stays so.
    #[test]
    fn a_hold_is_lifted_by_an_operator_alone(
        before in prop::collection::vec(steps(), 0..40),
        after in prop::collection::vec(steps(), 0..40),
        keep: bool,
    ) {
        let mut world = play(before, keep);
        world.feed(Event::Hold);
        let spawned = world.spawned;
        for step in after {
            let operator = matches!(
                step,
                Step::Happen(Event::Start | Event::Restart | Event::Reset)
            );
            if !operator {
                world.take(step);
            }
        }
        for _ in 0..10 {
            world.feed(Event::Wake);
            world.pass(Duration::from_secs(20));
            if world.process && world.killed {
                world.crash();
            }
        }
        prop_assert_eq!(world.spawned, spawned, "it was started");
        prop_assert!(world.policy.held && !world.process && world.place == Place::None, "{:?}", world.policy);
        world.feed(Event::Start);
        prop_assert_eq!(world.place, Place::Wished);
    }

    /// Whatever happened: an end that is asked for comes, with or without the worker's help.
    #[test]
    fn an_end_always_comes(steps in prop::collection::vec(steps(), 0..60), keep: bool, hurry: bool, hard: bool) {
        let mut world = play(steps, keep);
        world.feed(Event::Shutdown);
        if hurry {
            world.feed(Event::Hurry);
        }
        for _ in 0..100 {
            if !world.process {
                prop_assert!(world.finished && world.place == Place::None, "{:?}", world.policy);
                prop_assert!(world.asked.is_none(), "a disconnect without an answer");
                return Ok(());
            }
            if world.killed || !hard {
                world.crash();
            } else {
                world.pass(Duration::from_secs(1));
            }
        }
        prop_assert!(false, "it never ended: {:?}", world.policy);
    }

    /// Events in any order, even impossible ones, do not panic and leave a deadline or a wish.
    #[test]
    fn nonsense_does_no_harm(steps in prop::collection::vec(steps(), 0..80), keep: bool, chance in -1.0f64..2.0) {
        let mut policy = Policy::new(RULES, keep, Duration::ZERO);
        let mut at = Duration::ZERO;
        for step in steps {
            let event = match step {
                Step::Happen(event) => event,
                Step::Admit => Event::Admitted,
                Step::Exit(reason) => Event::Exited(reason),
                Step::Pass(ms) => {
                    at += Duration::from_millis(ms);
                    Event::Tick
                }
            };
            policy = policy.step(event, Now { at, chance }).0;
            let waits = matches!(policy.state, State::Queued { .. } | State::Parked { .. });
            let lives = matches!(policy.state, State::Running { .. });
            let held = policy.held && matches!(policy.state, State::Stopped { .. });
            prop_assert!(policy.deadline().is_some() || waits || lives || held, "{:?}", policy);
        }
    }
}
