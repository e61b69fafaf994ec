//! How long each state may last, and what it becomes: to the millisecond, at a time that is not the beginning.

use super::super::passkey::tests::asks;
use super::*;
use crate::engine::PasskeyAt;

/// A moment long after everything before it.
const NOW: u64 = 100_000;

fn after(history: &[Event]) -> State {
    run(history.iter().cloned()).0
}

fn at(now: u64, state: State, event: Event) -> (State, Vec<Action>) {
    step(state, event, now, &LIMITS)
}

fn shows(phase: PagePhase) -> Event {
    Event::view(view(phase))
}

fn passkey(phase: PagePhase, step: PasskeyAt) -> Event {
    Event::view(asks(phase, step, "one"))
}

fn ready() -> Vec<Event> {
    vec![Event::Opened, shows(PagePhase::Main)]
}

fn reconnecting(cause: Disruption) -> SessionState {
    SessionState::Reconnecting { me: Some(me()), cause }
}

#[test]
fn each_state_has_its_own_time_from_the_moment_in_which_it_begins() {
    assert_eq!(State::new(NOW, &LIMITS, false).deadline, Some(NOW + LIMITS.launch_ms));
    let code = Secret::new("ABCD-EFGH");
    let lost = reconnecting(Disruption::ConnectionLost);
    let scanning = vec![Event::Opened, Event::view(qr("2@a"))];
    let with = |history: &[Event], event: Event| [history, &[event]].concat();
    let syncing = with(&scanning, shows(PagePhase::Syncing));
    let checked = with(&ready(), passkey(PagePhase::PasskeyCheckpoint, PasskeyAt::Signing));
    let signing = with(&scanning, passkey(PagePhase::Passkey, PasskeyAt::Signing));
    let compared = with(&signing, passkey(PagePhase::PasskeyConfirm, PasskeyAt::Answered));
    let pairing = with(&scanning, shows(PagePhase::Pairing));
    let loading = SessionState::Loading;
    let expected = [
        (vec![], Event::Opened, loading.clone(), LIMITS.load_ms),
        (vec![], shows(PagePhase::Loading), loading.clone(), LIMITS.load_ms),
        // A page that is loaded anew is linked if it was, and asks for a new code if it was not.
        (ready(), shows(PagePhase::Loading), lost.clone(), LIMITS.reconnect_ms),
        (syncing, shows(PagePhase::Loading), lost.clone(), LIMITS.reconnect_ms),
        (checked, shows(PagePhase::Loading), lost.clone(), LIMITS.reconnect_ms),
        (scanning.clone(), shows(PagePhase::Loading), loading.clone(), LIMITS.load_ms),
        (pairing, shows(PagePhase::Loading), loading.clone(), LIMITS.load_ms),
        (signing.clone(), shows(PagePhase::Loading), loading.clone(), LIMITS.load_ms),
        (compared, shows(PagePhase::Loading), loading.clone(), LIMITS.load_ms),
        (vec![Event::Opened], shows(PagePhase::Qr), SessionState::AwaitingScan { qr: None }, LIMITS.qr_ms),
        (scanning.clone(), shows(PagePhase::Pairing), SessionState::Pairing, LIMITS.pair_ms),
        (ready(), shows(PagePhase::Offline), lost.clone(), LIMITS.reconnect_ms),
        (
            ready(),
            shows(PagePhase::Unavailable),
            reconnecting(Disruption::ServiceUnavailable),
            LIMITS.reconnect_ms,
        ),
        (ready(), shows(PagePhase::Conflict), reconnecting(Disruption::Conflict), LIMITS.conflict_ms),
        (ready(), shows(PagePhase::Outdated), reconnecting(Disruption::PageOutdated), LIMITS.conflict_ms),
        (ready(), shows(PagePhase::ScreenLocked), reconnecting(Disruption::ScreenLocked), 600_000),
        (ready(), shows(PagePhase::TemporarilyBanned), reconnecting(Disruption::TemporaryBan), 3_600_000),
        (
            ready(),
            shows(PagePhase::Main),
            SessionState::Ready { me: me() },
            LIMITS.probe_interval_ms + LIMITS.probe_timeout_ms,
        ),
        (ready(), Event::LoggedOut, SessionState::LoggedOut { cause: LogoutCause::Phone }, LIMITS.logout_ms),
        (ready(), Event::NotLoaded("net::ERR_FAILED".into()), lost, LIMITS.reconnect_ms),
        (ready(), Event::PageCrashed, reconnecting(Disruption::PageCrashed), LIMITS.load_ms),
        (scanning.clone(), Event::PageCrashed, loading, LIMITS.load_ms),
        (
            signing,
            passkey(PagePhase::PasskeyConfirm, PasskeyAt::Answered),
            SessionState::PasskeyConfirm { code },
            LIMITS.passkey_ms,
        ),
    ];
    for (history, event, public, lasts) in expected {
        let (state, _) = at(NOW, after(&history), event.clone());
        assert_eq!(
            (state.public, state.deadline),
            (public, Some(NOW + lasts)),
            "{event:?} after {history:?}"
        );
    }
}

#[test]
fn a_page_that_is_silent_has_its_time_from_the_first_probe_that_was_missed() {
    let missed = || Event::ProbeMissed(HealthLevel::Page);
    let (state, _) = at(NOW, after(&ready()), missed());
    assert_eq!(state.public, reconnecting(Disruption::PageUnresponsive));
    assert_eq!(state.deadline, Some(NOW + LIMITS.hang_ms));
    // A code that is shown lasts no longer for it, and no longer than it would have.
    let (shown, _) = at(NOW, after(&[Event::Opened]), Event::view(qr("2@a")));
    let (state, _) = at(NOW + 50, shown.clone(), missed());
    assert_eq!(state.deadline, Some(NOW + 50 + LIMITS.hang_ms));
    let (state, _) = at(NOW + LIMITS.qr_ms - 50, shown, missed());
    assert_eq!(state.deadline, Some(NOW + LIMITS.qr_ms));
}

#[test]
fn a_silent_browser_explains_a_silent_page_and_is_not_asked_to_reload_it() {
    let missed = [HealthLevel::Page, HealthLevel::Browser].map(Event::ProbeMissed);
    for (first, second) in [(0, 1), (1, 0)] {
        for before in [ready(), vec![Event::Opened, Event::view(qr("2@a"))]] {
            let history = [before, vec![missed[first].clone(), missed[second].clone()]].concat();
            let (state, actions) = at(NOW, after(&history), Event::Tick);
            let reason = ExitReason::Hang { level: HealthLevel::Browser };
            assert_eq!(actions, [Action::Exit(reason.clone())], "{history:?}");
            assert_eq!(state.public, SessionState::Failed { reason });
        }
    }
}

#[test]
fn what_a_deadline_leads_to_has_a_deadline_of_its_own() {
    let (_, actions) = at(NOW, State::new(0, &LIMITS, false), Event::Tick);
    let why = "the browser did not start in time".to_owned();
    let late = ExitReason::LaunchFailed { cause: LaunchCause::Other, why };
    assert_eq!(actions, [Action::Exit(late)]);

    let scanning = [Event::Opened, Event::view(qr("2@a"))];
    let (state, actions) = at(NOW, after(&scanning), Event::Tick);
    assert_eq!(actions, [Action::Nudge(Nudge::RefreshQr)]);
    assert_eq!(state.deadline, Some(NOW + LIMITS.qr_ms));

    // Nobody has confirmed it: it is not loaded anew for that alone.
    let (state, actions) = at(NOW, after(&ready()), Event::Tick);
    assert_eq!((state.public, actions), (reconnecting(Disruption::PageUnresponsive), vec![]));
    assert_eq!(state.deadline, Some(NOW + LIMITS.hang_ms));

    let offline = [ready(), vec![shows(PagePhase::Offline)]].concat();
    let (state, actions) = at(NOW, after(&offline), Event::Tick);
    assert_eq!(actions, [Action::Nudge(Nudge::Reconnect)]);
    assert_eq!(state.deadline, Some(NOW + LIMITS.reconnect_ms));

    // What is loaded anew shows why, as before.
    let outdated = [ready(), vec![shows(PagePhase::Outdated)]].concat();
    let (state, actions) = at(NOW, after(&outdated), Event::Tick);
    let still = reconnecting(Disruption::PageOutdated);
    assert_eq!((state.public, actions), (still, vec![Action::Nudge(Nudge::Reload)]));
    assert_eq!(state.deadline, Some(NOW + LIMITS.load_ms));
}

#[test]
fn a_code_whose_page_hangs_after_all_reloads_ends_for_that() {
    let crashes = (0..MAX_RELOADS).map(|_| Event::PageCrashed);
    let silent = [shows(PagePhase::Qr), Event::ProbeMissed(HealthLevel::Page)];
    let history: Vec<_> = [Event::Opened].into_iter().chain(crashes).chain(silent).collect();
    let (_, actions) = at(NOW, after(&history), Event::Tick);
    assert_eq!(actions, [Action::Exit(ExitReason::Hang { level: HealthLevel::Page })]);
}

#[test]
fn the_same_code_and_none_postpone_nothing() {
    let scanning = after(&[Event::Opened, Event::view(qr("2@a"))]);
    for again in [Event::view(qr("2@a")), shows(PagePhase::Qr)] {
        let (state, _) = at(1_000, scanning.clone(), again);
        assert_eq!(state.deadline, scanning.deadline);
    }
}

#[test]
fn only_progress_of_a_synchronisation_postpones_its_end() {
    let percent = |percent| Event::view(PageView { percent, ..view(PagePhase::Syncing) });
    let begun = after(&[Event::Opened, percent(Some(10))]);
    for (next, deadline) in [
        (Some(20), Some(1_000 + LIMITS.sync_ms)),
        (Some(10), begun.deadline),
        (Some(5), begun.deadline),
        (None, begun.deadline),
    ] {
        assert_eq!(at(1_000, begun.clone(), percent(next)).0.deadline, deadline, "{next:?}");
    }
}

#[test]
fn nothing_that_the_old_document_shows_takes_a_logout_back() {
    let leaving = after(&[ready(), vec![Event::LoggedOut]].concat());
    for phase in [PagePhase::Loading, PagePhase::Pairing, PagePhase::Syncing, PagePhase::Offline] {
        let (state, _) = at(50, leaving.clone(), shows(phase));
        assert_eq!((&state.public, state.deadline), (&leaving.public, leaving.deadline), "{phase:?}");
    }
    // One that is connected does, and its account is known again, also where the next view does not name it.
    let (state, _) = at(50, leaving, shows(PagePhase::Main));
    let (state, _) = at(60, state, Event::view(PageView { me: None, ..view(PagePhase::Offline) }));
    assert_eq!(state.public, reconnecting(Disruption::ConnectionLost));
}

#[test]
fn a_page_that_could_not_be_loaded_is_not_asked_to_connect_until_it_was() {
    let lost = [ready(), vec![Event::NotLoaded("net::ERR_FAILED".into())]].concat();
    for (then, nudge) in [(PagePhase::Loading, Nudge::Reload), (PagePhase::Offline, Nudge::Reconnect)] {
        let history = [lost.clone(), vec![shows(then)]].concat();
        let (_, actions) = at(NOW, after(&history), Event::Tick);
        assert_eq!(actions, [Action::Nudge(nudge)], "{then:?}");
    }
}

#[test]
fn a_conflict_long_after_the_last_one_is_the_first_again() {
    let mut state = after(&ready());
    let mut now = NOW;
    for _ in 0..MAX_RELOADS {
        state = at(now - LIMITS.conflict_ms, state, shows(PagePhase::Conflict)).0;
        let (next, actions) = at(now, state, Event::Tick);
        assert_eq!(actions, [Action::Nudge(Nudge::Reload)]);
        state = at(now + 1, next, shows(PagePhase::Main)).0;
        now += LIMITS.conflict_ms + 10;
    }
    let last = now - LIMITS.conflict_ms - 10;
    for (long, action) in [
        (CONFLICT_FORGOTTEN_MS - 1, Action::Exit(ExitReason::Conflict)),
        (CONFLICT_FORGOTTEN_MS, Action::Nudge(Nudge::Reload)),
    ] {
        let (taken, _) = at(last + 100, state.clone(), shows(PagePhase::Conflict));
        assert_eq!(at(last + long, taken, Event::Tick).1, [action], "{long}");
    }
}

#[test]
fn each_step_of_a_passkey_has_its_own_time() {
    let asking = vec![Event::Opened, Event::view(qr("2@a")), passkey(PagePhase::Passkey, PasskeyAt::Prompt)];
    let patient = Deadlines { passkey_ms: 1_000_000, ..LIMITS };
    let lasts = |history: &[Event], event: Event, lasts: u64| {
        let (state, _) = step(after(history), event.clone(), NOW, &patient);
        assert_eq!(state.deadline, Some(NOW + lasts), "{event:?}");
        state
    };
    let shows = |step| passkey(PagePhase::Passkey, step);
    lasts(&asking, shows(PasskeyAt::Signing), 1_000_000);
    lasts(&asking, shows(PasskeyAt::Answered), 130_000);
    lasts(&asking, shows(PasskeyAt::Off), 60_000);
    lasts(&asking, passkey(PagePhase::PasskeyConfirm, PasskeyAt::Answered), 130_000);
    // The page is a new one, and its prompt is the one that was clicked already.
    let crashed = [asking.clone(), vec![Event::PageCrashed]].concat();
    lasts(&crashed, shows(PasskeyAt::Prompt), 10_000);
    let signing = [asking.clone(), vec![shows(PasskeyAt::Signing)]].concat();
    lasts(&signing, Event::PasskeyAnswered, 130_000);
    let off = [asking, vec![shows(PasskeyAt::Off)]].concat();
    let state = lasts(&off, Event::Tick, LIMITS.qr_ms);
    assert_eq!(state.public, SessionState::AwaitingScan { qr: None });
}

#[test]
fn a_page_that_shows_something_else_has_forgotten_the_passkey_before() {
    let shows = |step| passkey(PagePhase::Passkey, step);
    let refused = [
        Event::Opened,
        shows(PasskeyAt::Signing),
        Event::PasskeyAnswered,
        shows(PasskeyAt::Error),
        Event::view(qr("2@b")),
        shows(PasskeyAt::Prompt),
    ];
    let (state, actions) = run(refused);
    assert!(matches!(state.public, SessionState::Passkey { refused: 0, .. }), "{:?}", state.public);
    assert_eq!(actions.len(), 2, "the new prompt is gone on from: {actions:?}");
}
