//! Admission: examples, and limits that hold whatever happens.

use proptest::prelude::*;
use tokio::sync::mpsc;

use super::*;
use colmeia::errors::Lack;
use colmeia_host::shortage::Shortage;

const WAIT: Verdict = Verdict::Waiting { wait: Wait::Starts };
const FULL: Verdict = Verdict::Waiting { wait: Wait::Place };
const SHORT: Verdict = Verdict::Waiting { wait: Wait::Memory };
const GIB: u64 = 1 << 30;

#[test]
fn starts_are_limited_and_first_come_first_served() {
    let mut admission = Admission::new(10, 1);
    assert_eq!(admission.enter(1), [(1, Verdict::Admitted)]);
    assert_eq!(admission.enter(2), [(2, WAIT)]);
    assert_eq!(admission.enter(3), [(3, WAIT)]);
    assert_eq!(admission.settle(1), [(2, Verdict::Admitted)]);
    assert_eq!(admission.leave(2), [(3, Verdict::Admitted)]);
}

#[test]
fn newcomers_stand_behind_those_who_had_a_session() {
    let mut admission = Admission::new(2, 1);
    [2, 3].into_iter().for_each(|ticket| admission.is_new(ticket));
    assert_eq!(admission.enter(1), [(1, Verdict::Admitted)]);
    assert_eq!((admission.enter(2), admission.enter(3)), (vec![(2, WAIT)], vec![(3, WAIT)]));
    assert_eq!(admission.enter(4), [(4, WAIT)]);
    assert_eq!(admission.settle(1), [(4, Verdict::Admitted), (2, FULL), (3, FULL)]);
    assert_eq!(admission.leave(4), [(2, Verdict::Admitted)], "each in its turn");
    admission.settle(2);
    assert_eq!(admission.enter(5), [(5, FULL)]);
    // It has its place already, and takes nobody's.
    admission.rest(2);
    assert_eq!(admission.enter(2), [(2, Verdict::Admitted)]);
    admission.settle(2);
    assert_eq!(admission.leave(1), [(5, Verdict::Admitted)]);
}

#[test]
fn whom_nobody_would_miss_gives_way_to_as_many_as_wait_and_to_nobody_of_its_kind() {
    let mut admission = Admission::new(3, 3);
    for ticket in 1..=3 {
        admission.is_new(ticket);
        assert_eq!(admission.enter(ticket), [(ticket, Verdict::Admitted)]);
        admission.settle(ticket);
    }
    assert_eq!(admission.watched(1, false), [], "nobody waits");
    assert_eq!(admission.watched(2, false), []);
    // One of the same kind: it would only take its turn with it.
    admission.is_new(4);
    assert_eq!(admission.enter(4), [(4, FULL), (1, Verdict::GiveWay)], "somebody looks at it");
    assert_eq!(admission.watched(4, false), [], "what was asked for stays so");
    admission.watched(1, true);
    assert_eq!(admission.watched(1, false), [], "for whom nobody looks, nobody goes");
    // Who had a session, though it came later, is before it.
    assert_eq!(admission.enter(5), [(5, FULL), (1, Verdict::GiveWay)]);
    // Who came back a moment ago keeps the place, and another is asked.
    assert_eq!(admission.watched(1, true), [(2, Verdict::GiveWay)]);
    assert_eq!(admission.leave(2), [(5, Verdict::Admitted)]);
    // Nobody is left to ask.
    admission.is_new(6);
    assert_eq!(admission.enter(6), [(6, FULL)]);
    // Whom nobody would miss stands behind who is looked at, whoever came first.
    assert_eq!(admission.leave(3), [(6, Verdict::Admitted)]);
    admission.settle(6);
    assert_eq!(admission.watched(6, false), [], "the other one is not looked at either");
    assert_eq!(admission.watched(4, true), [(6, Verdict::GiveWay)]);
    assert_eq!(admission.leave(6), [(4, Verdict::Admitted)]);
}

#[test]
fn a_place_is_asked_for_when_memory_is_short_too_and_not_while_nobody_may_start() {
    let mut admission = Admission::new(9, 9);
    admission.measured(Some(100));
    (1..=3).for_each(|ticket| admission.set_aside(ticket, 60));
    assert_eq!(admission.enter(1), [(1, Verdict::Admitted)]);
    admission.watched(1, false);
    admission.close(true);
    assert_eq!(admission.enter(2), [(2, FULL)]);
    assert_eq!(admission.close(false), [(2, SHORT), (1, Verdict::GiveWay)]);
    assert_eq!(admission.enter(3), [(3, SHORT)], "there is nobody else");
    assert_eq!(admission.leave(1), [(2, Verdict::Admitted)]);
}

#[test]
fn a_free_place_wakes_the_next_and_waiting_users_learn_why_they_wait() {
    let mut admission = Admission::new(1, 2);
    assert_eq!(admission.enter(1), [(1, Verdict::Admitted)]);
    assert_eq!(admission.enter(2), [(2, FULL)]);
    assert_eq!(admission.settle(1), []);
    assert_eq!(admission.leave(1), [(2, Verdict::Admitted)]);
}

#[test]
fn who_rests_keeps_the_place_and_is_not_held_up_by_those_who_have_none() {
    let mut admission = Admission::new(1, 1);
    admission.enter(1);
    admission.settle(1);
    assert_eq!(admission.enter(2), [(2, FULL)]);
    assert_eq!(admission.rest(1), []);
    assert_eq!(admission.enter(1), [(1, Verdict::Admitted)]);
}

#[test]
fn a_closed_desk_starts_nobody_and_an_open_one_those_who_waited() {
    let mut admission = Admission::new(2, 2);
    admission.enter(1);
    admission.settle(1);
    assert_eq!(admission.close(true), []);
    assert_eq!(admission.rest(1), []);
    assert_eq!((admission.enter(1), admission.enter(2)), (vec![(1, FULL)], vec![(2, FULL)]));
    assert_eq!(admission.close(false), [(1, Verdict::Admitted), (2, Verdict::Admitted)]);
}

#[test]
fn while_the_machine_has_nothing_left_nobody_starts_and_then_all_in_turn() {
    let mut admission = Admission::new(1, 2);
    let means = Verdict::Waiting { wait: Wait::Resources };
    assert_eq!(admission.hold_for_means(true), []);
    assert_eq!((admission.enter(1), admission.enter(2)), (vec![(1, means)], vec![(2, means)]));
    assert_eq!(admission.hold_for_means(true), [], "said once");
    assert_eq!(admission.hold_for_means(false), [(1, Verdict::Admitted), (2, FULL)]);
}

#[test]
fn a_machine_under_load_starts_fewer_at_once_and_all_again_when_it_is_over() {
    let mut admission = Admission::new(10, 3);
    assert_eq!(admission.paced(1), []);
    assert_eq!(admission.enter(1), [(1, Verdict::Admitted)]);
    assert_eq!((admission.enter(2), admission.enter(3)), (vec![(2, WAIT)], vec![(3, WAIT)]));
    assert_eq!(admission.paced(2), [(2, Verdict::Admitted)]);
    assert_eq!(admission.paced(1), [], "who starts already goes on");
    assert_eq!(admission.settle(1), []);
    assert_eq!(admission.paced(9), [(3, Verdict::Admitted)]);
    assert_eq!(admission.enter(4), [(4, Verdict::Admitted)]);
    assert_eq!(admission.enter(5), [(5, WAIT)], "never more than are configured");
}

#[test]
fn what_is_set_aside_can_change_while_somebody_waits_for_it() {
    let mut admission = Admission::new(10, 10);
    admission.measured(Some(1000));
    for ticket in [1, 2] {
        admission.set_aside(ticket, 600);
    }
    assert_eq!(admission.enter(1), [(1, Verdict::Admitted)]);
    assert_eq!(admission.enter(2), [(2, SHORT)]);
    assert_eq!(admission.resize(1, 500), []);
    assert_eq!(admission.resize(2, 500), [(2, Verdict::Admitted)]);
    assert_eq!(admission.resize(9, 500), [], "nobody");
}

#[test]
fn adopted_workers_count() {
    let mut admission = Admission::new(1, 1);
    admission.occupy(1);
    assert_eq!(admission.enter(2), [(2, FULL)]);
}

#[test]
fn starts_beyond_the_memory_wait_for_it_in_turn() {
    let mut admission = Admission::new(10, 10);
    for (ticket, bytes) in [(1, 400), (2, 500), (3, 300), (4, 50)] {
        admission.set_aside(ticket, bytes);
    }
    admission.measured(Some(1000));
    assert_eq!(admission.enter(1), [(1, Verdict::Admitted)]);
    assert_eq!(admission.enter(2), [(2, Verdict::Admitted)]);
    assert_eq!(admission.enter(3), [(3, SHORT)]);
    assert_eq!(admission.enter(4), [(4, SHORT)], "it would fit, but does not overtake");
    assert_eq!(admission.measured(Some(1100)), []);
    assert_eq!(admission.measured(Some(1200)), [(3, Verdict::Admitted)]);
    admission.rest(2);
    assert_eq!(admission.enter(2), [(2, Verdict::Admitted)], "who rests keeps what was set aside");
    assert_eq!(admission.leave(1), [(4, Verdict::Admitted)]);
}

#[test]
fn a_machine_smaller_than_one_cap_serves_one_and_an_ordinary_one_twelve() {
    let mut small = Admission::new(10, 10);
    small.measured(Some(GIB / 2));
    (1..=2).for_each(|ticket| small.set_aside(ticket, GIB));
    assert_eq!(small.enter(1), [(1, Verdict::Admitted)]);
    assert_eq!(small.enter(2), [(2, SHORT)]);
    let config = colmeia::config::ServiceConfig::default();
    let mut ordinary = Admission::new(config.max_users, 12);
    ordinary.measured(Some(20 * GIB)); // of 24, the rest in use by others
    for ticket in 1..=12 {
        ordinary.set_aside(ticket, config.memory.admitted_mb() << 20);
        assert_eq!(ordinary.enter(ticket), [(ticket, Verdict::Admitted)]);
    }
}

#[tokio::test]
async fn a_place_that_is_dropped_goes_to_the_next() {
    let queue = AdmissionQueue::open(Admission::new(1, 1));
    let (sender, mut verdicts) = mpsc::unbounded_channel();
    let first = queue.enter(0, Standing::Known, sender.clone());
    assert_eq!(verdicts.recv().await, Some((first.ticket(), Verdict::Admitted)));
    let second = queue.enter(0, Standing::Known, sender);
    assert_eq!(verdicts.recv().await, Some((second.ticket(), FULL)));
    drop(first);
    assert_eq!(verdicts.recv().await, Some((second.ticket(), Verdict::Admitted)));
}

proptest! {
    #[test]
    fn limits_hold_and_nobody_waits_beside_a_free_place(
        running in 1usize..4,
        starting in 1usize..3,
        room in prop::option::of(0u64..150),
        steps in prop::collection::vec((0u64..6, 0u8..7), 0..60),
    ) {
        let size = |ticket: &Ticket| (ticket + 1) * 10;
        let mut admission = Admission::new(running, starting);
        admission.measured(room);
        let mut pace = starting;
        for (ticket, step) in steps {
            let before = admission.stages.values().filter(|s| **s == Stage::Starting).count();
            admission.set_aside(ticket, size(&ticket));
            let verdicts = match step {
                0 => admission.enter(ticket),
                1 => admission.settle(ticket),
                2 => admission.rest(ticket),
                3 => {
                    pace = 1 + usize::try_from(ticket).expect("small") % 3;
                    admission.paced(pace)
                }
                4 => admission.watched(ticket, false),
                5 => admission.watched(ticket, true),
                _ => admission.leave(ticket),
            };
            let asked = verdicts.iter().filter(|(_, verdict)| *verdict == Verdict::GiveWay).count();
            let contenders = admission.queue.iter().filter(|ticket| !admission.unwatched.contains_key(ticket));
            prop_assert!(asked <= contenders.count(), "more are asked than wait");
            prop_assert!(admission.unwatched.keys().all(|ticket| admission.stages.contains_key(ticket)));
            for (admitted, verdict) in verdicts {
                if verdict == Verdict::GiveWay {
                    prop_assert!(admission.unwatched.contains_key(&admitted), "somebody looks at it");
                    let waits = matches!(admission.stages[&admitted], Stage::Waiting { .. });
                    prop_assert!(!waits, "who has no place can give none");
                }
                if verdict == Verdict::Admitted {
                    prop_assert_eq!(admission.stages[&admitted], Stage::Starting);
                }
            }
            let stages: Vec<_> = admission.stages.values().copied().collect();
            let taken = stages.iter().filter(|s| !matches!(s, Stage::Waiting { placed: false, .. })).count();
            let begun = stages.iter().filter(|s| **s == Stage::Starting).count();
            let waiting = stages.iter().filter(|s| matches!(s, Stage::Waiting { .. })).count();
            prop_assert!(taken <= running && begun <= starting);
            prop_assert!(begun <= pace.max(before), "faster than the machine can");
            prop_assert_eq!(waiting, admission.queue.len());
            let holders = admission.stages.iter();
            let holders = holders.filter(|(_, s)| !matches!(s, Stage::Waiting { placed: false, .. }));
            let bytes: u64 = holders.map(|(ticket, _)| size(ticket)).sum();
            prop_assert!(taken <= 1 || room.is_none_or(|room| bytes <= room), "more than there is");
            let short = admission.queue.front().is_some_and(|first| {
                taken > 0 && room.is_some_and(|room| bytes + size(first) > room)
            });
            prop_assert!(waiting == 0 || taken == running || begun >= starting.min(pace) || short);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_starts_until_it_is_over_and_everybody_keeps_their_turn() {
    let queue = AdmissionQueue::open(Admission::new(10, 10));
    let shortage = Shortage::follow(
        {
            let queue = queue.clone();
            move |on| queue.hold_for_means(on)
        },
        |_| {},
    );
    shortage.noticed(Lack::Descriptors);
    tokio::task::yield_now().await;
    let (verdicts, mut told) = mpsc::unbounded_channel();
    let place = queue.enter(0, Standing::Known, verdicts);
    assert_eq!(told.recv().await, Some((place.ticket(), Verdict::Waiting { wait: Wait::Resources })));
    assert_eq!(told.recv().await, Some((place.ticket(), Verdict::Admitted)));
    shortage.over().await;
}
