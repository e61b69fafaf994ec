//! The very moment in which something is due: nothing happens before, and it does not happen later.

use super::*;

const INSTANT: Duration = Duration::from_nanos(1);

fn full() -> ExitReason {
    ExitReason::LaunchFailed { cause: LaunchCause::DiskFull, why: "x".into() }
}

fn parked(reason: ExitReason) -> World {
    let mut world = World::new(true);
    world.lifecycle = world.lifecycle.parked(reason, Duration::ZERO);
    world.parked = true;
    world
}

fn after(mut world: World, events: impl IntoIterator<Item = Event>) -> World {
    events.into_iter().for_each(|event| drop(world.feed(event)));
    world
}

#[test]
fn nothing_comes_before_its_time_and_everything_at_it() {
    let mut queued = after(World::new(false), [Event::Wake]);
    queued.pass(TURN); // nobody looks any more
    let mut logging_out = after(linked(), [Event::Disconnect]);
    logging_out.pass(RULES.disconnect); // it is answered
    let idle = {
        let mut world = after(running(false), [Event::Report(Standing::Unlinked)]);
        world.pass(TURN);
        world
    };
    let cases = [
        (World::new(false), vec![Action::Finish]),
        (queued, vec![Action::ReleasePlace, Action::Finish]),
        (after(World::new(true), [Event::Wake, Event::Admitted]), vec![Action::Kill]),
        (logging_out, vec![Action::Stop]),
        (after(linked(), [Event::Hold]), vec![Action::Kill]),
        (after(linked(), [Event::Hung]), vec![Action::Kill]),
        (after(linked(), [Event::Exited(crash())]), vec![Action::RequestPlace]),
        (parked(full()), vec![Action::RequestPlace, Action::KeepParked { parked: false }]),
        (running(true), vec![Action::Settle]),
        (idle, vec![Action::Remember { linked: false }, Action::Stop]),
    ];
    for (mut world, actions) in cases {
        let due = world.lifecycle.deadline().expect("one of its own");
        let before = world.lifecycle.clone();
        world.at = due - INSTANT;
        assert_eq!(world.feed(Event::Tick), [], "before {actions:?}");
        assert_eq!((world.lifecycle.state(), world.lifecycle.deadline()), (before.state(), Some(due)));
        world.at = due;
        assert_eq!(world.feed(Event::Tick), actions, "{:?}", before.state);
        let next = world.lifecycle.deadline();
        assert!(next.is_none_or(|next| next > due), "{next:?} after {actions:?}");
    }
}

#[test]
fn what_waits_for_somebody_waits_however_long_it_takes() {
    let held = {
        let mut world = World::new(true);
        (world.lifecycle, world.held) = (world.lifecycle.held_back(), true);
        world
    };
    for mut world in [held, after(World::new(true), [Event::Wake]), parked(ExitReason::Banned), linked()] {
        let before = world.lifecycle.clone();
        world.at = RULES.idle * 100;
        assert_eq!(world.feed(Event::Tick), []);
        assert_eq!((world.lifecycle.state(), world.lifecycle.deadline()), (before.state(), None));
    }
}

/// So many failures, one after the other, each so long after the one before.
fn failing(reason: &ExitReason, times: usize, apart: Duration) -> World {
    let mut world = linked();
    for round in 0..times {
        if round > 0 {
            for event in [Event::Tick, Event::Admitted, Event::Connected] {
                world.feed(event);
            }
            world.at += apart;
        }
        world.feed_with(Event::Exited(reason.clone()), 0.0);
    }
    world
}

#[test]
fn failures_count_together_to_the_end_of_their_window_and_no_longer() {
    let apart = RULES.burst_window / u32::try_from(RULES.burst - 1).expect("few");
    let is_parked = |world: World| matches!(world.lifecycle.state, State::Parked { .. });
    assert!(is_parked(failing(&crash(), RULES.burst, apart)), "the first is just within it");
    assert!(!is_parked(failing(&crash(), RULES.burst, apart + INSTANT)));
    // A disk that stays full is believed after as many, however long that took. Others never are.
    let long = RULES.burst_window + INSTANT;
    assert!(!is_parked(failing(&full(), RULES.burst, long)));
    assert!(is_parked(failing(&full(), RULES.burst + 1, long)));
    assert!(!is_parked(failing(&crash(), RULES.burst * 3, long)));
}

#[test]
fn failures_are_forgotten_after_a_stable_time_and_not_before() {
    let mut world = failing(&crash(), 2, INSTANT);
    for event in [Event::Tick, Event::Admitted, Event::Connected] {
        world.feed(event);
    }
    let due = world.at + RULES.stable;
    for (at, attempts) in [(due - INSTANT, 2), (due, 0)] {
        world.at = at;
        world.feed(Event::Tick);
        assert_eq!(world.lifecycle.attempts(), attempts);
    }
}

#[test]
fn a_machine_that_has_nothing_left_parks_nobody_however_fast_starts_fail() {
    let why = ExitReason::LaunchFailed { cause: LaunchCause::Machine, why: "x".into() };
    let world = failing(&why, RULES.burst * 2, INSTANT);
    assert!(matches!(world.lifecycle.state, State::BackingOff { .. }), "{:?}", world.lifecycle.state);
}

#[test]
fn a_start_may_take_as_long_as_the_browser_and_the_page_together() {
    let mut config = colmeia::config::ServiceConfig::default();
    (config.deadlines.launch_ms, config.deadlines.load_ms) = (1_000, 2_000);
    assert_eq!(Rules::of(&config).settle, Duration::from_secs(3));
}

#[test]
fn each_state_has_the_name_that_the_log_says() {
    let names = [
        World::new(true),
        after(World::new(true), [Event::Wake]),
        after(World::new(true), [Event::Wake, Event::Admitted]),
        linked(),
        after(linked(), [Event::Disconnect]),
        after(linked(), [Event::Hold]),
        after(linked(), [Event::Exited(crash())]),
        parked(ExitReason::Banned),
    ]
    .map(|world| world.lifecycle.state().name());
    let expected =
        ["stopped", "queued", "starting", "running", "logging_out", "stopping", "backing_off", "parked"];
    assert_eq!(names, expected);
}
