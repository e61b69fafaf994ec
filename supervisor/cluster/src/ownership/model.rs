//! The machine against everything that can happen to hosts, engine and network; it is looked for the one thing that must
//! never be: two browsers for one user.
//!
//! Owns the search: [`world`] plays one schedule, which follows from its seed. `COLMEIA_SCHEDULES` asks for more of them
//! and `COLMEIA_SEED` for others; a schedule that fails is named with its seed, and `COLMEIA_SCHEDULES=1` repeats it; with
//! `COLMEIA_TRACE` every step of it is printed.

mod dice;
mod engine;
mod faults;
mod host;
mod world;

use super::rules::Rules;
use world::{Harm, Tally, World};

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// One schedule from its beginning to its end.
fn play(seed: u64, rules: Rules, compares: bool, tally: &mut Tally) -> Result<(), Harm> {
    World::new(seed, rules, compares).run(tally)
}

#[test]
fn no_schedule_gives_a_user_two_browsers_and_every_user_has_one_in_the_end() {
    let (first, count) = (number("COLMEIA_SEED", 1), number("COLMEIA_SCHEDULES", 2000));
    let mut tally = Tally::default();
    for seed in first..first + count {
        if let Err(harm) = play(seed, Rules::default(), true, &mut tally) {
            panic!("schedule {seed}: {harm:?}");
        }
    }
    println!("{count} schedules: {tally:?}");
    if count >= 2000 {
        tally.has_all();
    }
}

/// The harm is found within so many schedules once this rule is gone.
fn is_caught(weaken: impl Fn(&mut Rules), compares: bool, expected: impl Fn(&Harm) -> bool) {
    let mut rules = Rules::default();
    weaken(&mut rules);
    let limit = 4000;
    for seed in 1..=limit {
        match play(seed, rules, compares, &mut Tally::default()) {
            Err(harm) if expected(&harm) => return println!("caught by schedule {seed}: {harm:?}"),
            Err(harm) => println!("schedule {seed} also: {harm:?}"),
            Ok(()) => {}
        }
    }
    panic!("{limit} schedules did not notice");
}

fn is_overlap(harm: &Harm) -> bool {
    matches!(harm, Harm::Overlap { .. })
}

#[test]
fn without_the_workers_own_timer_it_is_found() {
    is_caught(|rules| rules.dead_man = false, true, is_overlap);
}

#[test]
fn without_the_wait_before_fencing_it_is_found() {
    is_caught(|rules| rules.fence_wait = false, true, is_overlap);
}

#[test]
fn without_compare_and_set_at_claims_it_is_found() {
    is_caught(|_| (), false, is_overlap);
}

#[test]
fn without_a_newer_renewal_a_page_takes_the_connection_from_the_owner() {
    is_caught(|rules| rules.take_over_waits = false, true, |harm| matches!(harm, Harm::TakenOver { .. }));
}

#[test]
fn with_leases_counted_from_after_the_answer_it_is_found() {
    is_caught(|rules| rules.counted_from_sending = false, true, is_overlap);
}

#[test]
fn without_a_new_epoch_at_a_rejoin_it_is_found() {
    is_caught(|rules| rules.new_epoch = false, true, is_overlap);
}

#[test]
fn without_the_wait_after_a_gap_of_the_engine_hosts_are_fenced_that_did_nothing() {
    is_caught(|rules| rules.gap_wait = false, true, |harm| matches!(harm, Harm::Innocent { .. }));
}

#[test]
fn without_the_wait_for_a_name_that_another_has_it_is_found() {
    is_caught(|rules| rules.name_wait = false, true, is_overlap);
}
