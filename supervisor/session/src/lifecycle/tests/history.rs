//! What of a user's history outlives a worker, an image of the program, and a supervisor.

use colmeia::session::LaunchCause;

use super::*;

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
        assert_eq!(world.lifecycle.last_exit(), Some(&called));
        assert_eq!(
            (world.place, world.lifecycle.restarts(), world.lifecycle.attempts()),
            (Place::Wished, restarts, 0)
        );
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
    assert!(matches!(world.lifecycle.state, State::BackingOff { .. }));
    let carried = world.lifecycle.carry(world.at);
    let text = serde_json::to_string(&carried).expect("JSON");
    let carried = serde_json::from_str(&text).expect("the same");
    let next = Lifecycle::new(RULES, true, Duration::ZERO).carrying(carried, Duration::ZERO);
    assert_eq!((next.attempts(), next.restarts()), (4, 3));
    assert_eq!(next.last_exit(), Some(&crash()));
    let left = world.lifecycle.deadline().expect("due") - world.at;
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
    let carried = world.lifecycle.carry(world.at);
    let mut next = World::new(true);
    next.lifecycle = Lifecycle::adopted(RULES, Duration::ZERO).carrying(carried, Duration::ZERO);
    (next.process, next.place) = (true, Place::Held);
    next.feed(Event::Exited(crash()));
    assert_eq!(next.lifecycle.state(), &State::Parked { reason: crash(), until: PARKED_FOR });
}

#[test]
fn who_is_parked_since_before_waits_for_a_person_and_for_room_on_the_disk() {
    let full = ExitReason::LaunchFailed { cause: LaunchCause::DiskFull, why: "x".into() };
    for (reason, room) in [(ExitReason::Banned, false), (full, true)] {
        let mut world = World::new(true);
        world.lifecycle = Lifecycle::new(RULES, true, Duration::ZERO).parked(reason.clone(), Duration::ZERO);
        world.parked = true;
        world.feed(Event::Wake);
        assert_eq!((world.place, world.lifecycle.last_exit()), (Place::None, Some(&reason)));
        world.feed(Event::Room);
        assert_eq!(world.place == Place::Wished, room);
        world.pass(PARKED_FOR);
        world.feed(Event::Wake);
        assert_eq!(world.place, Place::Wished);
    }
}

#[test]
fn who_met_a_full_disk_that_nobody_else_saw_is_started_once_more_now_and_then() {
    let full = || ExitReason::LaunchFailed { cause: LaunchCause::DiskFull, why: "x".into() };
    let mut world = linked();
    world.feed_with(Event::Exited(full()), 0.0);
    while !matches!(world.lifecycle.state(), State::Parked { .. }) {
        world.feed(Event::Tick);
        world.feed(Event::Admitted);
        world.feed_with(Event::Exited(full()), 0.0);
    }
    let spawned = world.spawned;
    for again in 1..=3 {
        world.pass(PARKED_FOR);
        world.feed(Event::Admitted);
        assert_eq!(world.spawned, spawned + again);
        world.feed(Event::Exited(full()));
        assert!(matches!(world.lifecycle.state(), State::Parked { .. }), "one start is enough to see it");
    }
    world.pass(PARKED_FOR);
    world.feed(Event::Admitted);
    world.feed(Event::Connected);
    assert!(matches!(world.lifecycle.state(), State::Running { .. }));
}

#[test]
fn whom_nobody_waits_for_is_not_started_to_see_if_there_is_room() {
    let full = ExitReason::LaunchFailed { cause: LaunchCause::DiskFull, why: "x".into() };
    let policy = Lifecycle::new(RULES, false, Duration::ZERO).parked(full, Duration::ZERO);
    assert_eq!(policy.deadline(), None);
}
