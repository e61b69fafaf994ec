//! What holds for every event sequence, and a few lives told step by step.

use colmeia::Secret;
use proptest::prelude::*;

use super::*;
use crate::engine::PasskeyAt;

#[path = "machine_deadlines_tests.rs"]
mod deadlines;

pub(super) const LIMITS: Deadlines = Deadlines {
    launch_ms: 1_000,
    load_ms: 2_000,
    qr_ms: 3_000,
    pair_ms: 1_500,
    passkey_ms: 6_000,
    sync_ms: 4_000,
    reconnect_ms: 2_500,
    conflict_ms: 700,
    logout_ms: 900,
    probe_interval_ms: 300,
    calm_probe_interval_ms: 300,
    probe_timeout_ms: 200,
    hang_ms: 1_100,
    close_ms: 500,
    orphan_ms: 9_000,
    settle_ms: 5_000,
    settle_every_ms: 600_000,
};

pub(super) fn me() -> Me {
    Me { wid: "5511999998888@c.us".into(), lid: None, pushname: "Ana".into(), platform: "android".into() }
}

pub(super) fn view(phase: PagePhase) -> PageView {
    let linked = !matches!(
        phase,
        PagePhase::Loading
            | PagePhase::Passkey
            | PagePhase::PasskeyConfirm
            | PagePhase::Qr
            | PagePhase::LoggedOut
            | PagePhase::Banned
    );
    PageView {
        phase,
        qr: None,
        me: linked.then(me),
        percent: None,
        heard: false,
        unlinked: false,
        until_ms: None,
        left_ms: None,
        degraded: Vec::new(),
        lacks: Vec::new(),
        restrictions: Box::default(),
        version: None,
        passkey: None,
    }
}

pub(super) fn qr(code: &str) -> PageView {
    PageView { qr: Some(Secret::new(code)), ..view(PagePhase::Qr) }
}

/// Runs events, one every 10 ms, and returns the last state with all actions.
pub(super) fn run(events: impl IntoIterator<Item = Event>) -> (State, Vec<Action>) {
    run_from(State::new(0, &LIMITS, false), events)
}

/// As [`run`], with a profile that should hold a registration.
fn run_linked(events: impl IntoIterator<Item = Event>) -> (State, Vec<Action>) {
    run_from(State::new(0, &LIMITS, true), events)
}

fn run_from(mut state: State, events: impl IntoIterator<Item = Event>) -> (State, Vec<Action>) {
    let mut actions = Vec::new();
    for (at, event) in events.into_iter().enumerate() {
        let (next, more) = step(state, event, 10 * at as u64, &LIMITS);
        state = next;
        actions.extend(more);
    }
    (state, actions)
}

#[test]
fn a_phone_is_linked() {
    let (state, actions) = run([
        Event::Opened,
        Event::view(view(PagePhase::Loading)),
        Event::view(qr("2@a")),
        Event::view(qr("2@b")),
        Event::view(view(PagePhase::Pairing)),
        Event::view(view(PagePhase::Syncing)),
        Event::view(view(PagePhase::Main)),
    ]);
    assert_eq!(state.public, SessionState::Ready { me: me() });
    assert!(actions.is_empty());
}

#[test]
fn ready_that_nobody_confirms_ends_by_itself() {
    let (state, _) = run([Event::Opened, Event::view(view(PagePhase::Main))]);
    let late = state.deadline.expect("ready has a deadline");
    assert!(late <= 10 + LIMITS.probe_interval_ms + LIMITS.probe_timeout_ms);
    let (state, _) = step(state, Event::Tick, late, &LIMITS);
    assert_eq!(
        state.public,
        SessionState::Reconnecting { me: Some(me()), cause: Disruption::PageUnresponsive }
    );
}

#[test]
fn a_page_that_hangs_is_replaced_and_then_given_up() {
    let (mut state, _) =
        run([Event::Opened, Event::view(view(PagePhase::Main)), Event::ProbeMissed(HealthLevel::Page)]);
    let mut reloads = 0;
    let mut now = 20;
    loop {
        let (next, actions) = step(state, Event::Tick, now, &LIMITS);
        state = next;
        reloads += actions.iter().filter(|a| **a == Action::Nudge(Nudge::Reload)).count();
        let Some(deadline) = state.deadline else { break };
        now = now.max(deadline);
        let (next, _) = step(state, Event::ProbeMissed(HealthLevel::Page), now - 1, &LIMITS);
        state = next;
    }
    assert_eq!(reloads, MAX_RELOADS as usize);
    assert!(matches!(state.public, SessionState::Failed { reason: ExitReason::Hang { .. } }), "{state:?}");
}

#[test]
fn a_code_that_does_not_change_is_asked_for_again() {
    let (state, _) = run([Event::Opened, Event::view(qr("2@a"))]);
    let deadline = state.deadline.expect("has one");
    let (state, actions) = step(state, Event::Tick, deadline, &LIMITS);
    assert_eq!(actions, [Action::Nudge(Nudge::RefreshQr)]);
    let (state, _) = step(state, Event::view(qr("2@b")), deadline + 5, &LIMITS);
    assert_eq!(state.public, SessionState::AwaitingScan { qr: Some(Secret::new("2@b")) });
    assert_eq!(state.deadline, Some(deadline + 5 + LIMITS.qr_ms));
}

#[test]
fn a_logout_ends_ready_at_once_and_leads_to_a_new_code() {
    let (state, _) = run([Event::Opened, Event::view(view(PagePhase::Main)), Event::LoggedOut]);
    assert_eq!(state.public, SessionState::LoggedOut { cause: LogoutCause::Phone });
    let (state, _) = step(state, Event::view(view(PagePhase::Loading)), 50, &LIMITS);
    let (state, _) = step(state, Event::view(qr("2@c")), 60, &LIMITS);
    assert_eq!(state.public, SessionState::AwaitingScan { qr: Some(Secret::new("2@c")) });
}

#[test]
fn a_logout_that_we_asked_for_ends_in_the_document_that_knows_of_no_registration() {
    let leaving = [
        Event::Opened,
        Event::view(view(PagePhase::Main)),
        Event::LogoutRequested,
        Event::LoggedOut,
        Event::view(view(PagePhase::LoggedOut)),
        Event::view(view(PagePhase::Loading)),
    ];
    let (state, actions) = run(leaving.clone());
    assert_eq!(state.public, SessionState::LoggedOut { cause: LogoutCause::Request });
    assert!(actions.is_empty(), "the page is still clearing itself");
    let deadline = state.deadline.expect("bounded");
    assert_eq!(deadline, 30 + LIMITS.logout_ms);
    let unlinked = PageView { unlinked: true, ..view(PagePhase::Loading) };
    for last in [Event::view(unlinked), Event::view(qr("2@a"))] {
        let (state, actions) = run(leaving.clone().into_iter().chain([last]));
        assert_eq!(actions, [Action::Exit(ExitReason::LoggedOut)]);
        assert!(state.is_final());
    }
    let (_, actions) = step(state, Event::Tick, deadline, &LIMITS);
    assert_eq!(actions, [Action::Exit(ExitReason::LoggedOut)], "or when it has taken too long");
}

#[test]
fn a_link_that_ends_while_it_is_cleared_is_not_believed_to_exist() {
    let clearing = PageView { me: Some(me()), ..view(PagePhase::LoggedOut) };
    let (state, _) =
        run([Event::Opened, Event::view(view(PagePhase::Main)), Event::LoggedOut, Event::view(clearing)]);
    assert_eq!(state.public, SessionState::LoggedOut { cause: LogoutCause::Phone });
    let (state, _) = step(state, Event::view(qr("2@a")), 50, &LIMITS);
    assert_eq!(state.public, SessionState::AwaitingScan { qr: Some(Secret::new("2@a")) });
}

#[test]
fn a_connection_that_comes_back_is_no_new_link() {
    let (state, actions) = run([
        Event::Opened,
        Event::view(view(PagePhase::Main)),
        Event::view(view(PagePhase::Offline)),
        Event::view(view(PagePhase::Main)),
    ]);
    assert!(state.public.is_ready() && actions.is_empty());
}

/// The actions of the deadlines that follow, with what the page says after each.
fn deadlines(mut state: State, said: Option<&PageView>, count: usize) -> (State, Vec<Action>) {
    let mut actions = Vec::new();
    for _ in 0..count {
        let Some(deadline) = state.deadline else { break };
        let (next, more) = step(state, Event::Tick, deadline, &LIMITS);
        state = next;
        actions.extend(more);
        if let Some(view) = said {
            state = step(state, Event::view(view.clone()), deadline + 1, &LIMITS).0;
        }
    }
    (state, actions)
}

#[test]
fn a_page_without_a_connection_is_asked_to_try_before_it_is_loaded_anew() {
    for (phase, cause) in [
        (PagePhase::Offline, Disruption::ConnectionLost),
        (PagePhase::Unavailable, Disruption::ServiceUnavailable),
    ] {
        let (state, _) = run([Event::Opened, Event::view(view(PagePhase::Main)), Event::view(view(phase))]);
        assert_eq!(state.public, SessionState::Reconnecting { me: Some(me()), cause });
        let (_, actions) = deadlines(state, Some(&view(phase)), 4);
        let asked = [Nudge::Reconnect, Nudge::Reconnect, Nudge::Reconnect, Nudge::Reload].map(Action::Nudge);
        assert_eq!(actions, asked, "{phase:?}");
    }
}

#[test]
fn a_session_in_conflict_is_taken_back_by_a_reload_but_not_for_ever() {
    let (mut state, _) = run([Event::Opened, Event::view(view(PagePhase::Main))]);
    let mut now = 100;
    for round in 0..=MAX_RELOADS {
        state = step(state, Event::view(view(PagePhase::Conflict)), now, &LIMITS).0;
        assert_eq!(state.public, SessionState::Reconnecting { me: Some(me()), cause: Disruption::Conflict });
        now = state.deadline.expect("bounded");
        let (next, actions) = step(state, Event::Tick, now, &LIMITS);
        let expected = if round < MAX_RELOADS {
            Action::Nudge(Nudge::Reload)
        } else {
            Action::Exit(ExitReason::Conflict)
        };
        assert_eq!(actions, [expected], "round {round}");
        // It works for a moment, and is taken again.
        state = step(next, Event::view(view(PagePhase::Main)), now + 5, &LIMITS).0;
        now += 10;
    }
}

#[test]
fn a_temporary_ban_is_waited_for_and_costs_no_patience() {
    let banned = PageView { left_ms: Some(60_000), ..view(PagePhase::TemporarilyBanned) };
    let (mut state, _) =
        run([Event::Opened, Event::view(view(PagePhase::Main)), Event::view(banned.clone())]);
    for _ in 0..10 {
        let cause = Disruption::TemporaryBan;
        assert_eq!(state.public, SessionState::Reconnecting { me: Some(me()), cause });
        let (next, actions) = deadlines(state, Some(&banned), 1);
        assert_eq!(actions, [Action::Nudge(Nudge::Reload)]);
        state = next;
    }
    let (state, _) = run([Event::Opened, Event::view(banned)]);
    assert_eq!(state.deadline, Some(10 + 60_000 + BAN_MARGIN_MS));
}

#[test]
fn a_page_that_is_locked_with_a_passcode_waits_for_a_person_and_is_not_reloaded() {
    let locked = view(PagePhase::ScreenLocked);
    let (mut state, _) =
        run([Event::Opened, Event::view(view(PagePhase::Main)), Event::view(locked.clone())]);
    for _ in 0..10 {
        let cause = Disruption::ScreenLocked;
        assert_eq!(state.public, SessionState::Reconnecting { me: Some(me()), cause });
        let (next, actions) = deadlines(state, Some(&locked), 1);
        assert_eq!(actions, []);
        state = next;
    }
    let (state, _) = step(state, Event::view(view(PagePhase::Main)), 20, &LIMITS);
    assert_eq!(state.public, SessionState::Ready { me: me() });
}

#[test]
fn a_page_that_is_let_in_no_more_is_loaded_anew() {
    let (state, _) =
        run([Event::Opened, Event::view(view(PagePhase::Main)), Event::view(view(PagePhase::Outdated))]);
    let cause = Disruption::PageOutdated;
    assert_eq!(state.public, SessionState::Reconnecting { me: Some(me()), cause });
    let (_, actions) = deadlines(state, None, 1);
    assert_eq!(actions, [Action::Nudge(Nudge::Reload)]);
}

#[test]
fn a_page_that_cannot_be_loaded_says_why_in_the_end() {
    for (why, disruption, cause) in [
        ("net::ERR_PROXY_CONNECTION_FAILED", Disruption::ProxyRefused, LaunchCause::Proxy),
        ("net::ERR_TUNNEL_CONNECTION_FAILED", Disruption::ProxyRefused, LaunchCause::Proxy),
        ("net::ERR_NAME_NOT_RESOLVED", Disruption::ConnectionLost, LaunchCause::Unreachable),
    ] {
        let failed = Event::NotLoaded(why.into());
        let (state, _) = run_linked([Event::Opened, failed.clone()]);
        assert_eq!(state.public, SessionState::Reconnecting { me: None, cause: disruption });
        let (mut state, _) = run([Event::Opened, failed.clone()]);
        let mut exit = Vec::new();
        while let Some(deadline) = state.deadline {
            let (next, actions) = step(state, Event::Tick, deadline, &LIMITS);
            exit = actions;
            state = step(next, failed.clone(), deadline, &LIMITS).0;
        }
        assert_eq!(exit, [Action::Exit(ExitReason::LaunchFailed { cause, why: why.into() })]);
    }
}

#[test]
fn repeated_views_do_not_postpone_a_deadline() {
    for phase in [
        PagePhase::Pairing,
        PagePhase::Offline,
        PagePhase::Unavailable,
        PagePhase::Conflict,
        PagePhase::Outdated,
        PagePhase::TemporarilyBanned,
        PagePhase::Syncing,
    ] {
        let (state, _) = run([Event::Opened, Event::view(view(phase))]);
        let deadline = state.deadline;
        let (state, _) = step(state, Event::view(view(phase)), 500, &LIMITS);
        assert_eq!(state.deadline, deadline, "{phase:?}");
    }
}

#[test]
fn a_crashed_renderer_is_not_ready_and_is_loaded_anew() {
    let (state, actions) = run([Event::Opened, Event::view(view(PagePhase::Main)), Event::PageCrashed]);
    assert_eq!(state.public, SessionState::Reconnecting { me: Some(me()), cause: Disruption::PageCrashed });
    assert_eq!(actions, [Action::Nudge(Nudge::Reload)]);
}

#[test]
fn a_registration_that_vanished_is_a_damaged_profile_and_no_code() {
    let (state, _) = run_linked([Event::Opened, Event::view(qr("2@a")), Event::view(qr("2@b"))]);
    assert_eq!(state.public, SessionState::Loading, "the code is not shown");
    assert_eq!(state.deadline, Some(10 + VANISHED_MS), "and new codes postpone nothing");
    let (state, actions) = step(state, Event::Tick, 10 + VANISHED_MS, &LIMITS);
    assert_eq!(state.public, SessionState::Failed { reason: ExitReason::ProfileCorrupt });
    assert_eq!(actions, [Action::Exit(ExitReason::ProfileCorrupt)]);
}

#[test]
fn a_registration_that_vanished_while_the_page_was_loaded_anew_is_damage_too() {
    let ready = [Event::Opened, Event::view(view(PagePhase::Main)), Event::PageCrashed];
    let scan = |between: Option<Event>| {
        let after = between.into_iter().chain([Event::view(qr("2@a"))]);
        run(ready.clone().into_iter().chain(after)).0
    };
    let state = scan(None);
    assert_eq!(state.public, SessionState::Loading, "the code is not shown");
    let (state, _) = step(state, Event::Tick, 30 + VANISHED_MS, &LIMITS);
    assert_eq!(state.public, SessionState::Failed { reason: ExitReason::ProfileCorrupt });
    for word in [Event::LoggedOut, Event::view(view(PagePhase::Main))] {
        assert_eq!(scan(Some(word)).public, SessionState::AwaitingScan { qr: Some(Secret::new("2@a")) });
    }
}

#[test]
fn a_registration_that_was_ended_or_was_there_is_no_damage() {
    let ended = Event::LoggedOut;
    for before in [
        vec![ended.clone()],
        vec![Event::view(qr("2@a")), ended],
        vec![Event::view(view(PagePhase::LoggedOut))],
        vec![Event::view(view(PagePhase::Main))],
        vec![Event::view(view(PagePhase::Offline))],
    ] {
        let events = [Event::Opened].into_iter().chain(before.clone()).chain([Event::view(qr("2@c"))]);
        let (state, _) = run_linked(events);
        assert_eq!(
            state.public,
            SessionState::AwaitingScan { qr: Some(Secret::new("2@c")) },
            "after {before:?}"
        );
    }
}

#[test]
fn a_page_that_hangs_with_its_code_is_loaded_anew_before_its_profile_is_blamed() {
    let (state, _) =
        run_linked([Event::Opened, Event::view(qr("2@a")), Event::ProbeMissed(HealthLevel::Page)]);
    let (state, actions) = step(state, Event::Tick, 10 + VANISHED_MS, &LIMITS);
    assert_eq!(actions, [Action::Nudge(Nudge::Reload)]);
    let (state, _) = step(state, Event::view(view(PagePhase::Main)), 10 + VANISHED_MS + 5, &LIMITS);
    assert!(state.public.is_ready());
}

fn any_event() -> impl Strategy<Value = Event> {
    let phase = prop_oneof![
        Just(PagePhase::Loading),
        Just(PagePhase::Qr),
        Just(PagePhase::Pairing),
        Just(PagePhase::Syncing),
        Just(PagePhase::Main),
        Just(PagePhase::Offline),
        Just(PagePhase::Conflict),
        Just(PagePhase::Unavailable),
        Just(PagePhase::Outdated),
        Just(PagePhase::TemporarilyBanned),
        Just(PagePhase::LoggedOut),
    ];
    let passkey = prop_oneof![
        Just((PagePhase::Passkey, PasskeyAt::Prompt)),
        Just((PagePhase::Passkey, PasskeyAt::Signing)),
        Just((PagePhase::Passkey, PasskeyAt::Answered)),
        Just((PagePhase::Passkey, PasskeyAt::Error)),
        Just((PagePhase::Passkey, PasskeyAt::Off)),
        Just((PagePhase::PasskeyCheckpoint, PasskeyAt::Off)),
        Just((PagePhase::PasskeyConfirm, PasskeyAt::Answered)),
        Just((PagePhase::PasskeyCheckpoint, PasskeyAt::Prompt)),
        Just((PagePhase::PasskeyCheckpoint, PasskeyAt::Signing)),
    ];
    prop_oneof![
        1 => Just(Event::Opened),
        6 => (passkey, 0..3usize).prop_map(|((phase, step), challenge)| {
            Event::view(passkey::tests::asks(phase, step, ["a", "b", "c"][challenge]))
        }),
        2 => Just(Event::PasskeyAnswered),
        8 => (phase, any::<bool>(), prop::option::of(0u8..=100), prop::option::of("2@[ab]")).prop_map(
            |(phase, known, percent, code)| Event::view(PageView {
                me: known.then(me),
                percent,
                qr: code.map(Secret::new),
                ..view(phase)
            })
        ),
        1 => Just(Event::view(view(PagePhase::Banned))),
        1 => Just(Event::LoggedOut),
        1 => Just(Event::LogoutRequested),
        1 => Just(Event::NotLoaded("net::ERR_PROXY_CONNECTION_FAILED".into())),
        1 => Just(Event::PageCrashed),
        1 => Just(Event::BrowserGone { signal: Some(9) }),
        1 => Just(Event::ProbeMissed(HealthLevel::Page)),
        1 => Just(Event::ProbeMissed(HealthLevel::Browser)),
        4 => Just(Event::Tick),
        1 => Just(Event::Stop(ExitReason::Stopped)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_sequence_sticks_or_lies(
        events in prop::collection::vec((any_event(), 0u64..1_500), 0..60),
        expects_link: bool,
    ) {
        let mut state = State::new(0, &LIMITS, expects_link);
        let mut now = 0;
        // The last time the page itself said `Main`, as long as nothing since has spoken against it.
        let mut vouched: Option<u64> = None;
        for (event, pause) in events {
            now += pause;
            // The task around the machine never lets a deadline pass unseen.
            if state.deadline.is_some_and(|deadline| deadline <= now) {
                state = step(state, Event::Tick, now, &LIMITS).0;
            }
            match &event {
                Event::View(view) if view.phase == PagePhase::Main && view.me.is_some() => vouched = Some(now),
                Event::Tick | Event::Opened | Event::LogoutRequested | Event::PasskeyAnswered => {}
                _ => vouched = None,
            }
            let was_final = state.is_final();
            let asked = matches!(state.public, SessionState::Passkey { me: None, .. });
            let seen = matches!(&event, Event::View(view) if view.phase == PagePhase::Passkey);
            let (next, actions) = step(state, event, now, &LIMITS);
            state = next;
            prop_assert_eq!(state.is_final(), state.deadline.is_none(), "{:?}", state);
            prop_assert!(!was_final || actions.is_empty(), "a final state acts no more");
            let touched = [Nudge::Reload, Nudge::RefreshQr].map(Action::Nudge);
            prop_assert!(!(asked && seen) || actions.iter().all(|action| !touched.contains(action)), "{:?}", actions);
            if state.public.is_ready() {
                let since = vouched.expect("ready although nobody vouched");
                prop_assert!(now - since < LIMITS.probe_interval_ms + LIMITS.probe_timeout_ms);
            }
        }
        // Left alone, with a page that is silent for ever, it ends.
        let mut ticks = 0;
        while let Some(deadline) = state.deadline {
            now = now.max(deadline);
            state = step(state, Event::Tick, now, &LIMITS).0;
            ticks += 1;
            prop_assert!(ticks < 30, "sticks in {:?}", state);
        }
    }
}
