//! What holds for one machine whatever it is told, in whatever order.

mod play;

use std::collections::BTreeMap;
use std::time::Duration;

use colmeia::UserId;
use proptest::prelude::*;

use super::times::{FENCE, FREEZE, KILL};
use super::words::{By, Effect, Event, Notice, Outcome, Why};
use super::{Machine, Settings};
use crate::moment::Moment;
use crate::names::{HostId, Key};
use crate::records::{HostRecord, HostState, Record, Revision};
use play::Play;

const BEGIN: Moment = Moment::since_boot(Duration::from_secs(1000));

fn host(name: &str) -> HostId {
    name.parse().expect("valid")
}

fn user(number: u8) -> UserId {
    format!("u{number}").parse().expect("valid")
}

fn settings() -> Settings {
    let (instance, address, other) = (7, "10.0.0.1:8443".to_owned(), BTreeMap::new());
    Settings { host: host("me"), instance, address, capacity: 3, can_freeze: true, other }
}

fn peer(epoch: u64, state: HostState) -> HostRecord {
    HostRecord { instance: 9, epoch, beat: 0, state, address: String::new(), room: 2, other: BTreeMap::new() }
}

#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    /// Stands still, so that what was due is told too late.
    Pause(u64),
    Apply(usize, bool),
    Drop(usize),
    ShowHost(bool, bool),
    ShowUser(u8),
    Emptied,
    Peer(u64, u8),
    Owner(u8, u8, u64, bool),
    Conflict(u8),
    Want(u8, bool),
    Move(u8),
    Stopped(u8),
    Snapshot(u8),
    WatchLost,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0u64..4000).prop_map(Step::Pass),
        1 => (0u64..25_000).prop_map(Step::Pause),
        8 => (any::<usize>(), prop::bool::weighted(0.8)).prop_map(|(at, told)| Step::Apply(at, told)),
        1 => any::<usize>().prop_map(Step::Drop),
        6 => any::<(bool, bool)>().prop_map(|(own, read)| Step::ShowHost(own, read)),
        4 => (0u8..4).prop_map(Step::ShowUser),
        2 => Just(Step::Emptied),
        2 => (1u64..4, 0u8..3).prop_map(|(epoch, state)| Step::Peer(epoch, state)),
        2 => (0u8..4, 0u8..3, 0u64..4, any::<bool>()).prop_map(|(u, h, e, w)| Step::Owner(u, h, e, w)),
        1 => (0u8..4).prop_map(Step::Conflict),
        2 => (0u8..4, prop::bool::weighted(0.7)).prop_map(|(u, w)| Step::Want(u, w)),
        1 => (0u8..4).prop_map(Step::Move),
        2 => (0u8..4).prop_map(Step::Stopped),
        1 => (0u8..4).prop_map(Step::Snapshot),
        1 => Just(Step::WatchLost),
    ]
}

fn take(play: &mut Play, step: &Step) {
    match *step {
        Step::Pass(millis) => play.pass(Duration::from_millis(millis)),
        Step::Pause(millis) => play.now = play.now + Duration::from_millis(millis),
        Step::Apply(at, is_told) => play.apply(at, is_told),
        Step::Drop(at) if !play.sent.is_empty() => {
            let at = at % play.sent.len();
            play.sent.remove(at);
        }
        Step::Drop(_) => {}
        Step::ShowHost(own, read) => {
            let by = if read { By::Read } else { By::Watch };
            play.show_host(if own { "me" } else { "peer" }, by);
        }
        Step::ShowUser(number) => play.show_user(number),
        Step::Emptied => play.tell(Event::Emptied(play.round)),
        Step::Peer(epoch, state) => {
            let state = [HostState::Live, HostState::Leaving, HostState::Dead][usize::from(state)];
            play.put(Record::Host(host("peer"), peer(epoch, state)));
        }
        // Nobody but this host ever writes that this host owns somebody; another may hand somebody over.
        Step::Owner(number, owner, epoch, wanted) => {
            play.owned_by(number, [None, Some("peer"), Some("me")][usize::from(owner)], epoch, wanted);
        }
        Step::Conflict(number) => play.tell(Event::Conflict(user(number))),
        Step::Want(number, wanted) => play.tell(Event::Want(user(number), wanted)),
        Step::Move(number) => play.tell(Event::Move(user(number), host("peer"))),
        Step::Stopped(number) => {
            if play.ending.contains(&user(number)) {
                play.stopped(number);
            }
        }
        Step::Snapshot(number) => play.tell(Event::Snapshot(user(number), "s".into())),
        Step::WatchLost => play.tell(Event::WatchLost),
    }
}

proptest! {
    /// What is checked stands in [`Play::check`] and [`Play::tell`].
    #[test]
    fn nothing_is_done_on_a_lease_that_may_be_over(
        has_joined in any::<bool>(),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut play = if has_joined { Play::joined() } else { Play::new() };
        for step in &steps {
            take(&mut play, step);
        }
        // And whatever was before: without an answer everything is killed in time.
        let had = play.machine.epoch().is_some();
        play.pass(KILL);
        prop_assert_eq!(play.machine.epoch(), None);
        prop_assert!(!had || play.running.is_empty());
    }

    #[test]
    fn a_lease_is_passed_on_to_the_next_program(steps in prop::collection::vec(step(), 1..60)) {
        let mut play = Play::joined();
        for step in &steps {
            take(&mut play, step);
        }
        if let Some(kept) = play.machine.kept() {
            let text = serde_json::to_string(&kept).expect("JSON");
            let kept = serde_json::from_str(&text).expect("loads");
            let epoch = play.machine.epoch();
            play.machine = Machine::resume(Settings { instance: 8, ..settings() }, &kept, play.now);
            prop_assert_eq!(play.machine.epoch(), epoch);
            (play.running, play.conflicts, play.seen) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
            play.sent.clear();
            play.pass(KILL);
            prop_assert_eq!(play.machine.epoch(), None, "and runs out as it would have");
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn without_an_answer_users_are_frozen_and_then_killed_each_at_its_moment() {
    let mut play = Play::joined();
    play.pass(FREEZE - SECOND / 1000);
    assert!(!play.frozen && play.machine.epoch() == Some(1));
    play.pass(SECOND / 1000);
    assert!(play.said.contains(&Effect::Freeze));
    play.pass(KILL - FREEZE - SECOND / 1000);
    assert!(play.frozen && play.machine.epoch() == Some(1));
    play.pass(SECOND / 1000);
    assert!(play.said.contains(&Effect::Tell(Notice::Lapsed(KILL))));
    assert!(play.said.contains(&Effect::Kill(play.round)));
    assert_eq!(play.machine.epoch(), None);
}

#[test]
fn where_nothing_can_be_frozen_it_is_killed_instead() {
    let mut machine = Machine::begin(Settings { can_freeze: false, ..settings() }, BEGIN);
    let Effect::Kill(round) = machine.step(BEGIN, Event::Tick)[0] else { panic!("it begins so") };
    let _ = machine.step(BEGIN, Event::Emptied(round));
    let effects = machine.step(BEGIN, Event::SawHost { host: host("me"), found: None, by: By::Read });
    let Effect::Write { write, .. } = effects[0] else { panic!("{effects:?}") };
    let _ = machine.step(BEGIN, Event::Answered { write, outcome: Outcome::Done(Revision(1)) });
    let effects = machine.step(BEGIN + FREEZE, Event::Tick);
    assert!(effects.iter().any(|one| matches!(one, Effect::Kill(_))) && machine.epoch().is_none());
}

#[test]
fn a_renewal_that_is_answered_late_thaws_who_was_fed_first() {
    let mut play = Play::joined();
    play.pass(FREEZE + SECOND);
    assert!(play.frozen);
    let newest = play.sent.len() - 1;
    play.apply(newest, true);
    let at = |wanted: fn(&Effect) -> bool| play.said.iter().position(wanted).expect("said");
    assert!(at(|one| matches!(one, Effect::Feed(_))) < at(|one| matches!(one, Effect::Thaw)));
}

#[test]
fn a_host_is_fenced_after_a_lease_and_its_users_are_claimed_at_once() {
    let mut play = Play::joined();
    play.put(Record::Host(host("peer"), peer(4, HostState::Live)));
    play.owned_by(1, Some("peer"), 4, true);
    play.owned_by(2, Some("peer"), 4, false);
    play.show_host("peer", By::Watch);
    play.show_user(1);
    play.show_user(2);
    play.pass_well(FENCE);
    assert!(play.running.is_empty(), "not a moment earlier: {:?}", play.running);
    play.pass_well(SECOND);
    assert_eq!(play.running.keys().collect::<Vec<_>>(), [&user(1)], "and who is not wanted stays");
    let (token, Record::User(_, record)) = &play.ground[&Key::user(&user(1))] else { panic!("a user") };
    assert_eq!((&record.host, record.epoch, play.running[&user(1)]), (&Some(host("me")), 1, *token));
}

#[test]
fn a_host_of_which_only_the_engine_told_nothing_is_not_fenced() {
    let mut play = Play::joined();
    play.put(Record::Host(host("peer"), peer(4, HostState::Live)));
    play.show_host("peer", By::Watch);
    play.pass_well(FENCE - SECOND);
    play.tell(Event::WatchLost);
    play.pass_well(FENCE);
    let fencings = |play: &Play| matches!(&play.ground[&Key::host(&host("peer"))].1, Record::Host(_, one) if one.state == HostState::Dead);
    assert!(!fencings(&play), "the wait began anew");
    play.pass_well(SECOND * 2);
    assert!(fencings(&play));
}

#[test]
fn a_user_moves_when_its_browser_is_gone_and_not_before() {
    let mut play = Play::joined();
    play.put(Record::Host(host("peer"), peer(4, HostState::Live)));
    play.show_host("peer", By::Watch);
    play.owned_by(1, Some("me"), 1, true);
    play.show_user(1);
    assert!(play.running.contains_key(&user(1)), "it was handed over to us");
    play.tell(Event::Move(user(1), host("peer")));
    assert_eq!(play.said, [Effect::Stop(user(1), Why::Moved)]);
    play.tell(Event::Snapshot(user(1), "last".into()));
    play.sent.clear(); // the answer of the snapshot's write never comes
    play.pass_well(SECOND);
    assert!(
        matches!(&play.ground[&Key::user(&user(1))].1, Record::User(_, one) if one.host == Some(host("me")))
    );
    play.stopped(1);
    play.pass_well(SECOND * 3);
    let (_, Record::User(_, record)) = &play.ground[&Key::user(&user(1))] else { panic!("a user") };
    assert_eq!((record.host.as_ref(), record.epoch), (Some(&host("peer")), 4));
    assert_eq!(record.snapshot.as_deref(), Some("last"));
}

#[test]
fn what_is_said_of_an_earlier_browser_means_nothing_for_the_one_that_runs() {
    let mut play = Play::joined();
    play.put(Record::Host(host("peer"), peer(4, HostState::Live)));
    play.show_host("peer", By::Watch);
    play.owned_by(1, Some("me"), 1, true);
    play.show_user(1);
    let earlier = play.runs[&user(1)];
    play.tell(Event::Want(user(1), false));
    play.stopped(1);
    play.tell(Event::Want(user(1), true));
    assert_ne!(play.runs[&user(1)], earlier);
    play.tell(Event::Move(user(1), host("peer")));
    play.tell(Event::Stopped(user(1), earlier));
    play.pass_well(SECOND * 3);
    let owner = |play: &Play| match &play.ground[&Key::user(&user(1))].1 {
        Record::User(_, record) => record.host.clone(),
        Record::Host(..) => None,
    };
    assert_eq!(owner(&play), Some(host("me")), "the one that runs is not gone");
    play.stopped(1);
    play.pass_well(SECOND * 3);
    assert_eq!(owner(&play), Some(host("peer")));
}

#[test]
fn a_conflict_ends_with_the_browser_that_had_it() {
    let mut play = Play::joined();
    play.owned_by(1, Some("me"), 1, true);
    play.show_user(1);
    play.tell(Event::Conflict(user(1)));
    play.tell(Event::Want(user(1), false));
    play.stopped(1);
    play.pass_well(SECOND * 4); // a renewal that would have been newer
    play.tell(Event::Want(user(1), true));
    play.tell(Event::Conflict(user(1)));
    play.pass(SECOND);
    assert!(!play.said.iter().any(|one| matches!(one, Effect::TakeOver(..))), "not before a renewal");
    play.pass_well(SECOND * 4);
    assert!(play.conflicts.is_empty(), "and then it may");
}

#[test]
fn nobody_is_claimed_beyond_the_room_and_a_host_that_leaves_goes_last() {
    let mut play = Play::joined();
    for number in 0..5 {
        play.owned_by(number, None, 0, true);
        play.show_user(number);
    }
    play.pass_well(SECOND);
    assert_eq!(play.running.len(), 3, "its capacity");
    play.tell(Event::Leave);
    for number in 0..5 {
        play.tell(Event::Want(user(number), false));
        play.stopped(number);
    }
    play.pass_well(SECOND * 8);
    assert_eq!((play.machine.epoch(), play.machine.next()), (None, None));
    assert!(
        matches!(&play.ground[&Key::host(&host("me"))].1, Record::Host(_, one) if one.state == HostState::Dead)
    );
    let is_free = |number| matches!(&play.ground[&Key::user(&user(number))].1, Record::User(_, one) if one.host.is_none());
    assert!((0..5).all(is_free));
}
