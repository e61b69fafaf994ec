//! One story each: what follows from what.

use super::*;

#[test]
fn a_crash_is_followed_by_a_delay_below_a_growing_ceiling_and_a_start() {
    let mut world = linked();
    for ceiling in [500, 1000, 2000] {
        world.feed_with(Event::Exited(crash()), 0.999_999);
        let State::BackingOff { until } = world.lifecycle.state else {
            panic!("{:?}", world.lifecycle.state)
        };
        let delay = until - world.at;
        assert!(delay <= Duration::from_millis(ceiling) && delay > Duration::from_millis(ceiling * 9 / 10));
        assert_eq!(world.place, Place::Resting, "a linked user keeps its place");
        world.pass(delay);
        world.feed(Event::Admitted);
        world.feed(Event::Connected);
    }
    assert_eq!((world.lifecycle.restarts, world.lifecycle.attempts), (3, 3));
    world.pass(RULES.stable);
    assert_eq!(world.lifecycle.attempts, 0, "forgotten after a stable uptime");
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
    assert!(matches!(world.lifecycle.state, State::Parked { .. }), "{:?}", world.lifecycle.state);
    assert_eq!(world.place, Place::None);
    for _ in 0..9 {
        world.pass(Duration::from_secs(3));
        assert_eq!(world.feed(Event::Wake), []);
    }
    world.pass(Duration::from_secs(3));
    assert_eq!(world.feed(Event::Wake), [Action::RequestPlace, Action::KeepParked { parked: false }]);
}

#[test]
fn a_ban_parks_at_once_and_a_logout_waits_until_someone_asks() {
    let mut world = linked();
    world.feed(Event::Exited(ExitReason::Banned));
    assert!(matches!(world.lifecycle.state, State::Parked { reason: ExitReason::Banned, .. }));

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
    assert!(matches!(world.lifecycle.state, State::Running { .. }));
    world.pass(RULES.idle);
    assert!(matches!(world.lifecycle.state, State::Stopping { ending: Ending::Asked, .. }));
    world.feed(Event::Exited(ExitReason::Stopped));
    assert!(world.finished && world.place == Place::None);
}

#[test]
fn who_is_held_back_since_before_is_so_until_an_operator_says_otherwise() {
    let mut world = World::new(true);
    assert!(!world.lifecycle.held());
    (world.lifecycle, world.held) = (world.lifecycle.held_back(), true);
    world.feed(Event::Wake);
    assert!(world.lifecycle.held() && world.place == Place::None);
    world.feed(Event::Start);
    assert!(!world.lifecycle.held() && world.place == Place::Wished);
}

#[test]
fn an_adopted_worker_is_believed_to_be_linked_and_lets_others_start_in_time() {
    let begun = Duration::from_secs(5);
    let adopted = Lifecycle::adopted(RULES, begun);
    assert!(adopted.linked() && !Lifecycle::new(RULES, false, begun).linked());
    assert_eq!(adopted.deadline(), Some(begun + RULES.settle));
    let (adopted, actions) = adopted.step(Event::Tick, Now { at: begun + RULES.settle, chance: 0.5 });
    assert_eq!(actions, [Action::Settle]);
    assert_eq!(adopted.deadline(), None, "once");
}

#[test]
fn a_code_that_nobody_looks_at_gives_its_place_to_others_and_one_that_is_looked_at_does_not() {
    let mut world = running(false);
    world.feed(Event::Report(Standing::Unlinked));
    for _ in 0..5 {
        world.pass(TURN - Duration::from_secs(1));
        assert!(world.feed(Event::Wake).is_empty(), "it is known to be watched");
        assert_eq!(world.feed(Event::GiveWay), [], "somebody looks");
    }
    assert_eq!(world.lifecycle.deadline(), Some(world.at + TURN));
    world.at += TURN;
    assert_eq!(world.feed(Event::Tick), [Action::Watch { watched: false }]);
    assert_eq!(world.feed(Event::Wake), [Action::Watch { watched: true }]);
    assert_eq!(world.feed(Event::GiveWay), [], "who came back a moment ago keeps it");
    world.at += TURN;
    world.feed(Event::Tick);
    assert_eq!(world.feed(Event::Tick), [], "said once");
    assert_eq!(world.feed(Event::GiveWay), [Action::Stop]);
    world.feed(Event::Exited(ExitReason::Stopped));
    assert!(world.finished && world.place == Place::None);
}

#[test]
fn a_code_that_nobody_looks_at_gives_its_place_away_while_its_worker_is_replaced_too() {
    let mut world = running(false);
    world.feed(Event::Report(Standing::Unlinked));
    world.pass(TURN);
    assert_eq!(world.feed(Event::Recycle), [Action::Stop]);
    world.feed(Event::GiveWay);
    world.feed(Event::Exited(ExitReason::Stopped));
    assert!(world.finished && world.place == Place::None);
}

#[test]
fn without_anybody_who_waits_a_code_stays_until_it_is_idle() {
    let mut world = running(false);
    world.feed(Event::Report(Standing::Unlinked));
    world.pass(RULES.idle - Duration::from_secs(1));
    assert!(matches!(world.lifecycle.state, State::Running { .. }));
}

#[test]
fn whoever_has_a_phone_or_is_just_getting_one_keeps_the_place() {
    for standing in [Standing::Linked, Standing::Pairing] {
        let mut world = running(false);
        world.feed(Event::Report(standing));
        world.pass(TURN * 3);
        assert_eq!(world.feed(Event::GiveWay), []);
        assert!(world.lifecycle.is_watched(world.at) && world.lifecycle.deadline().is_none());
    }
    // Until that comes to nothing.
    let mut world = running(false);
    world.feed(Event::Report(Standing::Pairing));
    world.pass(TURN);
    assert!(world.feed(Event::Report(Standing::Unlinked)).contains(&Action::Watch { watched: false }));
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
    assert_eq!(
        world.feed(Event::LogoutDone { told: PhoneNotified::Yes }),
        [],
        "the page clears itself and goes"
    );
    let actions = world.feed(Event::Exited(ExitReason::LoggedOut));
    let end = [
        Action::DeleteAuth { told: PhoneNotified::Yes },
        Action::AnswerDisconnect { told: PhoneNotified::Yes },
        Action::Finish,
    ];
    assert!(actions.ends_with(&end), "{actions:?}");
}

#[test]
fn a_disconnect_is_answered_in_time_and_goes_on_until_the_page_had_its_own() {
    for (told, said) in [(None, PhoneNotified::No), (Some(PhoneNotified::Yes), PhoneNotified::Yes)] {
        let mut world = linked();
        world.feed(Event::Disconnect);
        if let Some(told) = told {
            world.feed(Event::LogoutDone { told });
        }
        world.pass(RULES.disconnect);
        assert!(world.asked.is_none(), "answered");
        assert_eq!(world.lifecycle.forget.map(|forget| forget.told), Some(said));
        assert!(world.auth && !world.killed, "the page may still be telling the phone");
        world.pass(LOGOUT);
        assert!(world.killed, "but not for ever");
        world.feed(Event::Exited(crash()));
        assert!(!world.auth && world.finished);
    }
}

#[test]
fn a_phone_that_may_just_have_scanned_is_told_and_one_that_is_not_there_is_not_missed() {
    for (standing, told) in
        [(Standing::Unlinked, PhoneNotified::Nobody), (Standing::Pairing, PhoneNotified::No)]
    {
        let mut world = running(false);
        world.feed(Event::Report(standing));
        assert_eq!(world.feed(Event::Disconnect), [Action::Logout]);
        assert_eq!(world.feed(Event::LogoutDone { told }), [Action::Stop]);
        let actions = world.feed(Event::Exited(ExitReason::Stopped));
        assert!(actions.contains(&Action::AnswerDisconnect { told }), "{actions:?}");
    }
    let mut world = running(false);
    assert_eq!(world.feed(Event::Disconnect), [Action::Stop], "no page, no phone");
}

#[test]
fn who_asks_during_a_disconnect_gets_a_new_session_afterwards() {
    let mut world = linked();
    world.feed(Event::Disconnect);
    world.feed(Event::Wake);
    world.feed(Event::LogoutDone { told: PhoneNotified::Yes });
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
    assert_eq!(world.lifecycle.last_exit, Some(ExitReason::Hang { level: HealthLevel::Ipc }));
}

#[test]
fn a_restart_keeps_the_place_and_is_no_failure() {
    let mut world = linked();
    assert_eq!(world.feed(Event::Restart), [Action::Stop]);
    let actions = world.feed(Event::Exited(ExitReason::Stopped));
    assert_eq!(actions, [Action::RestPlace, Action::RequestPlace]);
    world.feed(Event::Admitted);
    world.feed(Event::Connected);
    assert_eq!((world.lifecycle.attempts, world.lifecycle.restarts, world.spawned), (0, 0, 2));
}

#[test]
fn an_operator_resumes_a_parked_user_at_once() {
    let mut world = linked();
    world.feed(Event::Exited(ExitReason::Banned));
    assert_eq!(world.feed(Event::Wake), []);
    assert_eq!(world.feed(Event::Start), [Action::RequestPlace, Action::KeepParked { parked: false }]);
    assert_eq!(world.lifecycle.attempts, 0);
}

#[test]
fn a_reset_stops_deletes_and_answers_without_the_phone() {
    let mut world = linked();
    world.feed(Event::Hold);
    assert!(world.held);
    world.feed(Event::Exited(ExitReason::Stopped));
    let actions = world.feed(Event::Reset);
    let end = [
        Action::DeleteAuth { told: PhoneNotified::No },
        Action::AnswerDisconnect { told: PhoneNotified::No },
        Action::Finish,
    ];
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
    assert_eq!(world.lifecycle.last_exit(), Some(&ExitReason::Oom));
    assert!(matches!(world.lifecycle.state, State::BackingOff { .. }));
    assert_eq!(world.lifecycle.attempts(), 1);
}

#[test]
fn a_recycled_worker_comes_back_at_once_and_is_never_parked_for_it() {
    let mut world = linked();
    for restarts in 1..20 {
        assert_eq!(world.feed(Event::Recycle), [Action::Stop]);
        assert!(!world.killed);
        world.feed(Event::Exited(ExitReason::Stopped));
        assert_eq!(world.lifecycle.last_exit(), Some(&ExitReason::CapRecycle));
        assert_eq!(world.place, Place::Wished, "no delay");
        world.feed(Event::Admitted);
        world.feed(Event::Connected);
        assert_eq!((world.lifecycle.attempts(), world.lifecycle.restarts()), (0, restarts));
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
    assert_eq!(world.lifecycle.state, State::Queued { wait: crate::admission::Wait::Starts });
    assert_eq!((world.lifecycle.attempts(), world.lifecycle.restarts()), (0, 0));
    world.feed(Event::Admitted);
    assert_eq!(world.spawned, 2);

    let mut world = linked();
    world.feed(Event::Renew);
    world.feed(Event::Disconnect);
    world.feed(Event::Exited(ExitReason::Stopped));
    assert!(!world.auth, "who disconnects meanwhile does not come back");
}

fn no_means() -> ExitReason {
    ExitReason::LaunchFailed { cause: LaunchCause::Machine, why: "Too many open files".into() }
}

#[test]
fn a_start_for_which_the_machine_has_nothing_left_waits_uncounted_as_often_as_it_takes() {
    let mut world = World::new(true);
    world.feed(Event::Wake);
    for _ in 0..50 {
        world.feed(Event::Admitted);
        assert_eq!(world.feed(Event::NoMeans(no_means())), [Action::RestPlace, Action::RequestPlace]);
        assert_eq!((world.lifecycle.attempts(), world.lifecycle.restarts()), (0, 0));
    }
    world.feed(Event::Admitted);
    world.feed(Event::Connected);
    assert!(matches!(world.lifecycle.state, State::Running { .. }));
    // A deletion that came meanwhile is not held up.
    let mut world = World::new(true);
    world.feed(Event::Wake);
    world.feed(Event::Admitted);
    world.feed(Event::Delete);
    world.feed(Event::NoMeans(no_means()));
    assert!(!world.auth && world.finished);
}

#[test]
fn a_worker_that_blames_the_machine_is_never_parked_and_holds_up_nobody() {
    let mut world = World::new(true);
    world.feed(Event::Wake);
    for _ in 0..20 {
        world.feed(Event::Admitted);
        world.feed(Event::Connected);
        let actions = world.feed(Event::Exited(no_means()));
        assert!(matches!(world.lifecycle.state, State::BackingOff { .. }), "{:?}", world.lifecycle.state);
        assert_eq!(actions, [Action::RestPlace], "it waits by itself");
        world.pass(RULES.cap);
    }
    assert!(world.lifecycle.attempts() >= 20, "and longer each time");
}

#[test]
fn what_takes_us_long_is_not_held_against_a_worker() {
    let mut world = World::new(true);
    world.feed(Event::Wake);
    world.feed(Event::Admitted);
    for _ in 0..20 {
        world.at += RULES.hello;
        world.feed(Event::Delayed);
        world.feed(Event::Tick);
        assert!(matches!(world.lifecycle.state, State::Starting { .. }) && !world.killed);
    }
    world.pass(RULES.hello);
    assert!(world.killed, "but the Hello has its time");
}
