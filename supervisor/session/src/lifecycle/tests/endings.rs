//! Ends of all kinds: what is shown of them, who gives a place up, and what was there in the very moment.

use super::*;

#[test]
fn what_comes_back_is_said_only_where_it_does() {
    let stopping = |ending, change: &dyn Fn(&mut Lifecycle)| {
        let mut policy = linked().lifecycle;
        policy.state = State::Stopping { until: Duration::ZERO, ending };
        change(&mut policy);
        policy.comes_back().cloned()
    };
    let as_it_is = |_: &mut Lifecycle| ();
    for ending in [Ending::Replaced(crash()), Ending::Failed(crash())] {
        assert_eq!(stopping(ending.clone(), &as_it_is), Some(crash()));
        assert_eq!(stopping(ending.clone(), &|policy| policy.shutting_down = true), None);
        let forget = Forget { told: PhoneNotified::No, answer_by: None };
        assert_eq!(stopping(ending, &|policy| policy.forget = Some(forget)), None);
    }
    assert_eq!(stopping(Ending::Asked, &as_it_is), None);
    assert_eq!(linked().lifecycle.comes_back(), None);
}

#[test]
fn who_waits_without_ever_having_had_a_session_gives_way_and_nobody_else() {
    let waiting = |keep| {
        let mut world = World::new(keep);
        world.feed(Event::Wake);
        world
    };
    assert_eq!(waiting(false).feed(Event::GiveWay), [Action::ReleasePlace, Action::Finish]);
    let mut world = waiting(true);
    world.feed(Event::GiveWay);
    assert_eq!(world.place, Place::Wished);
    // Who is held back is kept in mind.
    let mut world = World::new(false);
    (world.lifecycle, world.held) = (world.lifecycle.held_back(), true);
    assert_eq!(world.feed(Event::GiveWay), []);
}

#[test]
fn a_connection_that_was_lost_long_ago_is_not_often() {
    for (later, actions) in
        [(RULES.stable - Duration::from_nanos(1), [Action::Kill]), (RULES.stable, [Action::Connect])]
    {
        let mut world = linked();
        world.feed(Event::LinkLost);
        world.feed(Event::Connected);
        world.at += later;
        assert_eq!(world.feed(Event::LinkLost), actions, "{later:?}");
    }
}

#[test]
fn a_logout_whose_worker_is_lost_or_hangs_goes_on_to_its_end() {
    for (event, action) in [(Event::LinkLost, Action::Stop), (Event::Hung, Action::Kill)] {
        let mut world = linked();
        world.feed(Event::Disconnect);
        assert_eq!(world.feed(event), [action]);
        world.crash();
        assert!(!world.auth && world.finished && world.asked.is_none());
        assert_eq!(world.lifecycle.attempts(), 0, "no failure");
    }
}

#[test]
fn a_worker_that_ends_with_the_link_says_that_the_phone_knows() {
    let mut world = linked();
    world.feed(Event::Disconnect);
    assert_eq!(world.feed(Event::Disconnect), [], "it is under way");
    assert_eq!(world.feed(Event::LinkLost), [Action::Stop], "and what came of it is not heard");
    let actions = world.feed(Event::Exited(ExitReason::LoggedOut));
    assert!(actions.contains(&Action::AnswerDisconnect { told: PhoneNotified::Yes }), "{actions:?}");
    let mut world = linked();
    world.feed(Event::Disconnect);
    let actions = world.feed(Event::Exited(ExitReason::Stopped));
    assert!(actions.contains(&Action::AnswerDisconnect { told: PhoneNotified::No }), "{actions:?}");
}

#[test]
fn a_link_that_ends_while_its_worker_is_replaced_has_ended() {
    let mut world = linked();
    world.feed(Event::Restart);
    let actions = world.feed(Event::Exited(ExitReason::LoggedOut));
    assert!(actions.contains(&Action::Remember { linked: false }), "{actions:?}");
    assert_eq!(world.lifecycle.last_exit(), Some(&ExitReason::LoggedOut));
}

#[test]
fn a_start_is_over_once_and_not_before_the_page_is_there() {
    let mut world = running(false);
    assert_eq!(world.feed(Event::Report(Standing::Starting)), []);
    assert_eq!(world.feed(Event::Report(Standing::Unlinked)), [Action::Settle]);
    assert_eq!(world.feed(Event::Report(Standing::Unlinked)), []);
}
