//! What holds whatever happens, in any order.

use colmeia::session::LaunchCause;
use proptest::prelude::*;

use super::*;

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
        1 => Just(ExitReason::LaunchFailed { cause: LaunchCause::Machine, why: "x".into() }),
        1 => Just(ExitReason::Stopped),
    ];
    prop_oneof![
        6 => Just(Step::Happen(Event::Wake)),
        6 => Just(Step::Admit),
        4 => Just(Step::Happen(Event::Connected)),
        1 => Just(Step::Happen(Event::Unreachable { why: "x".into() })),
        2 => Just(Step::Happen(Event::GiveWay)),
        2 => Just(Step::Happen(Event::LinkLost)),
        1 => Just(Step::Happen(Event::Resync)),
        1 => Just(Step::Happen(Event::Violation)),
        1 => Just(Step::Happen(Event::Hung)),
        1 => Just(Step::Happen(Event::OverMemory)),
        2 => Just(Step::Happen(Event::Recycle)),
        4 => standing.prop_map(|standing| Step::Happen(Event::Report(standing))),
        3 => reason.prop_map(Step::Exit),
        2 => prop_oneof![Just(PhoneNotified::Yes), Just(PhoneNotified::No), Just(PhoneNotified::Nobody)]
            .prop_map(|told| Step::Happen(Event::LogoutDone { told })),
        1 => Just(Step::Happen(Event::Delayed)),
        1 => Just(Step::Happen(Event::Renew)),
        1 => Just(Step::Happen(Event::Replaced)),
        1 => Just(Step::Happen(Event::Room)),
        2 => Just(Step::Happen(Event::MetFullDisk)),
        2 => (any::<bool>(), any::<bool>())
            .prop_map(|(quiet, saved)| Step::Happen(Event::Mend(Moment { quiet, saved }))),
        2 => Just(Step::Happen(Event::Disconnect)),
        1 => Just(Step::Happen(Event::Reset)),
        1 => Just(Step::Happen(Event::Delete)),
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
            match (&world.lifecycle.state, world.place, world.killed) {
                (State::Running { .. }, ..) => return Ok(()),
                (_, Place::Wished, _) => drop(world.feed(Event::Admitted)),
                (_, _, true) => world.crash(),
                (State::Starting { .. }, ..) => drop(world.feed(Event::Connected)),
                _ => world.pass(Duration::from_secs(2)),
            }
        }
        prop_assert!(false, "it never ran again: {:?}", world.lifecycle);
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
                Step::Happen(Event::Start | Event::Restart | Event::Reset | Event::Delete)
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
        prop_assert!(world.lifecycle.held && !world.process && world.place == Place::None, "{:?}", world.lifecycle);
        world.feed(Event::Start);
        prop_assert_eq!(world.place, Place::Wished);
    }

    /// Whatever happened: a process that met a full disk is replaced within the time for it when its turn comes again
    /// and again, in the first quiet moment, and not while anything of it is on no disk; others are left alone.
    #[test]
    fn who_met_a_full_disk_is_replaced_and_nobody_else(
        steps in prop::collection::vec(steps(), 0..60),
        keep: bool,
        met: bool,
        turns in prop::collection::vec((0u64..8_000, any::<bool>(), any::<bool>()), 0..40),
    ) {
        let mut world = play(steps, keep);
        if !matches!(world.lifecycle.state, State::Running { .. }) || world.lifecycle.forget.is_some() {
            return Ok(());
        }
        let knew = world.lifecycle.met_full_disk;
        if met {
            world.feed(Event::MetFullDisk);
        }
        let since = knew.or(met.then_some(world.at));
        for (ms, quiet, saved) in turns {
            world.pass(Duration::from_millis(ms));
            if !matches!(world.lifecycle.state, State::Running { .. }) {
                return Ok(()); // idle for too long
            }
            let moment = Moment { quiet, saved };
            let due = since.is_some_and(|since| quiet || world.at >= since + MENDED_WITHIN) && saved;
            let said = world.lifecycle.mending(moment, world.at);
            let actions = world.feed(Event::Mend(moment));
            prop_assert_eq!(due, actions.contains(&Action::Stop), "{:?}", world.lifecycle);
            prop_assert_eq!(said == Renewal::Begun, due);
            prop_assert_eq!(said == Renewal::Needless, since.is_none());
            if due {
                let spawned = world.spawned;
                world.feed(Event::Exited(ExitReason::Stopped));
                prop_assert_eq!((world.lifecycle.last_exit(), world.place), (Some(&ExitReason::DiskRecycle), Place::Wished));
                world.feed(Event::Admitted);
                world.feed(Event::Connected);
                prop_assert_eq!(world.spawned, spawned + 1);
                let moment = Moment { quiet: true, saved: true };
                prop_assert_eq!(world.lifecycle.mending(moment, world.at), Renewal::Needless, "once");
                return Ok(());
            }
        }
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
                prop_assert!(world.finished && world.place == Place::None, "{:?}", world.lifecycle);
                prop_assert!(world.asked.is_none(), "a disconnect without an answer");
                return Ok(());
            }
            if world.killed || !hard {
                world.crash();
            } else {
                world.pass(Duration::from_secs(1));
            }
        }
        prop_assert!(false, "it never ended: {:?}", world.lifecycle);
    }

    /// Events in any order, even impossible ones, do not panic and leave a deadline or a wish.
    #[test]
    fn nonsense_does_no_harm(steps in prop::collection::vec(steps(), 0..80), keep: bool, chance in -1.0f64..2.0) {
        let mut policy = Lifecycle::new(RULES, keep, Duration::ZERO);
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
