//! The session's life as a pure function: `step(state, event, now) → (state, actions)`.
//!
//! ```text
//!            Opened          view: qr                 view: pairing      view: syncing
//! Launching ───────▶ Loading ────────▶ AwaitingScan ─────────▶ Pairing ─────────▶ Syncing
//!                      │  ▲                ▲   new code each time                    │ view: main
//!                      │  └── Reload ──┐   └──────── LoggedOut ◀──── logout ───────┐ ▼
//!                      │ view: main    └───────────── Reconnecting ◀───────────── Ready
//!                      └──────────────────────────────────────────────────────────▶┘
//! AwaitingScan ── the account asks for a passkey ──▶ Passkey ──▶ PasskeyConfirm ──▶ Pairing; see `passkey`
//! any ── stop ──▶ Stopping        any ── browser gone, banned, out of patience ──▶ Failed
//! ```
//!
//! Owns every decision about the session. Never waits, never calls the page, never reads a clock: `now` is
//! given, in milliseconds of any monotonic clock.
//!
//! Two rules hold for every event sequence, and the property tests hold us to them: a state that is not final
//! has a deadline, and `Ready` is only said when the last thing heard of the page was `Main`, not longer ago
//! than the probe interval and the probe's own time.

use colmeia::config::Deadlines;
use colmeia::session::{Disruption, HealthLevel, LaunchCause, LogoutCause};
use colmeia::{ExitReason, Me, SessionState};

use crate::engine::{Nudge, PagePhase, PageView};

mod passkey;

/// How often the page is loaded anew without a stable state between, before the worker gives up and lets its
/// supervisor start a fresh browser.
const MAX_RELOADS: u32 = 3;

/// How long a page that asks for a scan, although its profile holds a registration, may take to say that the link was
/// ended, in milliseconds. If it does not say so, the registration was lost on disk.
const VANISHED_MS: u64 = 5_000;

/// How often a page without a connection is only asked to try again before it is loaded anew. It keeps its state
/// meanwhile, and what is wrong is seldom the page.
const TRIES: u32 = 3;

/// When the last conflict is so long ago, in milliseconds, another one is a new story: the session is taken back as often
/// as for the first time. A program that takes it again and again has it.
const CONFLICT_FORGOTTEN_MS: u64 = 600_000;

/// How long after the end of a temporary ban the page is loaded anew, in milliseconds, and how long where no end was told.
const BAN_MARGIN_MS: u64 = 5_000;
const BAN_MS: u64 = 3_600_000;
/// How often a page that is locked with a passcode is thought of: only a person can change it.
const LOCKED_MS: u64 = 600_000;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// The browser runs and the page is being loaded.
    Opened,
    /// The browser could not be started.
    OpenFailed(ExitReason),
    /// The page showed itself, by a probe or unasked.
    View(Box<PageView>),
    /// The page told that the link was ended.
    LoggedOut,
    /// The browser cannot load the page, for this reason of its own.
    NotLoaded(String),
    /// A call asked the page to end the link.
    LogoutRequested,
    /// What was signed is being handed to the page.
    PasskeyAnswered,
    /// The renderer is gone.
    PageCrashed,
    /// The browser is gone.
    BrowserGone { signal: Option<i32> },
    /// A probe of this level had no answer in time.
    ProbeMissed(HealthLevel),
    /// Time has passed.
    Tick,
    /// Someone wants the session to end.
    Stop(ExitReason),
}

impl Event {
    /// The page showed itself so.
    pub(crate) fn view(view: PageView) -> Self {
        Self::View(Box::new(view))
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Ask the page.
    Nudge(Nudge),
    /// Close the browser and end the process.
    Exit(ExitReason),
}

/// The session's whole state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// What the supervisor is told.
    pub(crate) public: SessionState,
    /// When `public` must have changed, or been confirmed; none in final states.
    pub(crate) deadline: Option<u64>,
    /// The account, as long as the link is believed to exist.
    linked: Option<Me>,
    /// Since when probes go unanswered, and at which level.
    silent: Option<(u64, HealthLevel)>,
    /// Reloads, code refreshes and take-overs since the last stable state.
    patience_used: u32,
    /// Whether we asked for the logout ourselves.
    logout_requested: bool,
    /// The profile should hold a registration, and the page has not shown it since it was loaded.
    expects_link: bool,
    /// The page asks for a scan all the same.
    vanished: bool,
    /// How often a page without a connection was asked to try again since it had one.
    tries: u32,
    /// When the session was last in conflict, and how often it was taken back since that began.
    conflict: Option<(u64, u32)>,
    /// Why the browser could not load the page the last time it tried.
    unreachable: Option<String>,
    /// While the account asks for a passkey.
    passkey: passkey::Ceremony,
}

impl State {
    /// A session whose browser is just being started; `expects_link` when its profile should hold a registration.
    pub(crate) fn new(now: u64, limits: &Deadlines, expects_link: bool) -> Self {
        Self {
            public: SessionState::Launching,
            deadline: Some(now + limits.launch_ms),
            linked: None,
            silent: None,
            patience_used: 0,
            logout_requested: false,
            expects_link,
            vanished: false,
            tries: 0,
            conflict: None,
            unreachable: None,
            passkey: passkey::Ceremony::default(),
        }
    }

    /// Whether nothing can happen any more.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self.public, SessionState::Stopping | SessionState::Failed { .. })
    }
}

/// The next state, and what to do.
#[must_use]
pub(crate) fn step(mut state: State, event: Event, now: u64, limits: &Deadlines) -> (State, Vec<Action>) {
    if state.is_final() {
        return (state, Vec::new());
    }
    let actions = match event {
        Event::Opened => {
            if state.public == SessionState::Launching {
                enter(&mut state, SessionState::Loading, now + limits.load_ms);
            }
            Vec::new()
        }
        Event::OpenFailed(reason) => fail(&mut state, reason),
        Event::View(view) => {
            state.silent = None;
            on_view(&mut state, *view, now, limits)
        }
        Event::LoggedOut => {
            on_logout(&mut state, now, limits);
            Vec::new()
        }
        Event::NotLoaded(why) => {
            on_not_loaded(&mut state, why, now, limits);
            Vec::new()
        }
        Event::LogoutRequested => {
            state.logout_requested = true;
            Vec::new()
        }
        Event::PasskeyAnswered => {
            passkey::answered(&mut state, now);
            Vec::new()
        }
        Event::PageCrashed => on_crash(&mut state, now, limits),
        Event::BrowserGone { signal } => {
            fail(&mut state, ExitReason::Crash { process: "browser".into(), signal })
        }
        Event::ProbeMissed(level) => {
            on_silence(&mut state, level, now, limits);
            Vec::new()
        }
        Event::Tick => match state.deadline {
            Some(deadline) if now >= deadline => on_deadline(&mut state, now, limits),
            _ => Vec::new(),
        },
        Event::Stop(reason) => {
            state.public = SessionState::Stopping;
            state.deadline = None;
            vec![Action::Exit(reason)]
        }
    };
    (state, actions)
}

fn enter(state: &mut State, public: SessionState, deadline: u64) {
    state.public = public;
    state.deadline = Some(deadline);
}

/// Enters `public` with a deadline counted from now, unless it is the same kind of state already: then its
/// deadline stays, so that repeated views do not postpone it for ever.
fn enter_once(state: &mut State, public: SessionState, deadline: u64) {
    let same = std::mem::discriminant(&state.public) == std::mem::discriminant(&public);
    let kept = state.deadline.filter(|_| same).unwrap_or(deadline);
    enter(state, public, kept);
}

fn fail(state: &mut State, reason: ExitReason) -> Vec<Action> {
    state.public = SessionState::Failed { reason: reason.clone() };
    state.deadline = None;
    vec![Action::Exit(reason)]
}

fn on_view(state: &mut State, view: PageView, now: u64, limits: &Deadlines) -> Vec<Action> {
    // A logout that we asked for is over in the document that knows of no registration any more.
    let asked = state.public == (SessionState::LoggedOut { cause: LogoutCause::Request });
    if asked && (view.unlinked || view.phase == PagePhase::Qr) {
        return fail(state, ExitReason::LoggedOut);
    }
    if view.phase != PagePhase::Loading {
        state.unreachable = None;
    }
    let leaving = matches!(state.public, SessionState::LoggedOut { .. }) && view.phase != PagePhase::Main;
    if let Some(me) = view.me.as_ref().filter(|_| !leaving) {
        state.linked = Some(me.clone());
        // It is there. What ends it from now on is the page's word.
        state.expects_link = false;
    }
    if !passkey::concerns(view.phase) {
        state.passkey = passkey::Ceremony::default();
    }
    state.vanished &= matches!(view.phase, PagePhase::Qr | PagePhase::Loading);
    match view.phase {
        // What follows shows in the next document.
        _ if matches!(state.public, SessionState::LoggedOut { .. })
            && !matches!(view.phase, PagePhase::Qr | PagePhase::Main | PagePhase::Banned) => {}
        PagePhase::Loading => match &state.public {
            // The page was reloaded under a session that is linked, as far as we know.
            SessionState::Ready { .. } | SessionState::Syncing { .. } => {
                disrupt(state, Disruption::ConnectionLost, now + limits.reconnect_ms);
            }
            SessionState::Passkey { me: Some(_), .. } => {
                disrupt(state, Disruption::ConnectionLost, now + limits.reconnect_ms);
            }
            SessionState::AwaitingScan { .. }
            | SessionState::Pairing
            | SessionState::Passkey { .. }
            | SessionState::PasskeyConfirm { .. } => {
                enter(state, SessionState::Loading, now + limits.load_ms);
            }
            // A view may overtake the news that the browser is open.
            SessionState::Launching => enter(state, SessionState::Loading, now + limits.load_ms),
            _ => {}
        },
        // Such a code is not shown: it will not be there for long.
        PagePhase::Qr if state.expects_link => {
            if !std::mem::replace(&mut state.vanished, true) {
                enter(state, SessionState::Loading, now + VANISHED_MS);
            }
        }
        PagePhase::Qr => {
            state.linked = None;
            state.logout_requested = false;
            let shown = match &state.public {
                SessionState::AwaitingScan { qr } => qr.clone(),
                _ => None,
            };
            let deadline = if view.qr.is_some() && view.qr != shown {
                // A fresh code is what this state waits for.
                state.patience_used = 0;
                Some(now + limits.qr_ms)
            } else {
                None
            };
            let public = SessionState::AwaitingScan { qr: view.qr };
            match deadline {
                Some(deadline) => enter(state, public, deadline),
                None => enter_once(state, public, now + limits.qr_ms),
            }
        }
        PagePhase::Passkey => return passkey::on_prompt(state, view, now, limits),
        PagePhase::PasskeyCheckpoint => return passkey::on_checkpoint(state, view, now, limits),
        PagePhase::PasskeyConfirm => passkey::on_code(state, view, now, limits),
        PagePhase::Pairing => enter_once(state, SessionState::Pairing, now + limits.pair_ms),
        PagePhase::Syncing => on_syncing(state, view.percent, now, limits),
        PagePhase::Main => match view.me {
            Some(me) => {
                (state.patience_used, state.tries) = (0, 0);
                enter(state, SessionState::Ready { me }, fresh_until(now, limits));
            }
            // Connected without an account is not ready: nobody could be told who sends.
            None => on_syncing(state, None, now, limits),
        },
        PagePhase::Offline => disrupt_once(state, Disruption::ConnectionLost, now + limits.reconnect_ms),
        PagePhase::Unavailable => {
            disrupt_once(state, Disruption::ServiceUnavailable, now + limits.reconnect_ms);
        }
        PagePhase::Conflict => disrupt_once(state, Disruption::Conflict, now + limits.conflict_ms),
        // Only a newer page gets in.
        PagePhase::Outdated => disrupt_once(state, Disruption::PageOutdated, now + limits.conflict_ms),
        // No reload unlocks it: it waits for a person, who is told.
        PagePhase::ScreenLocked => disrupt_once(state, Disruption::ScreenLocked, now + LOCKED_MS),
        PagePhase::TemporarilyBanned => {
            let left = view.left_ms.map_or(BAN_MS, |left| left + BAN_MARGIN_MS);
            disrupt_once(state, Disruption::TemporaryBan, now + left);
        }
        PagePhase::Banned => return fail(state, ExitReason::Banned),
        PagePhase::LoggedOut => on_logout(state, now, limits),
    }
    Vec::new()
}

/// How long a view vouches for `Ready`.
fn fresh_until(now: u64, limits: &Deadlines) -> u64 {
    now + limits.longest_probe_interval_ms() + limits.probe_timeout_ms
}

fn on_syncing(state: &mut State, percent: Option<u8>, now: u64, limits: &Deadlines) {
    let progressed = match &state.public {
        SessionState::Syncing { percent: before, .. } => percent > *before,
        _ => true,
    };
    let public = SessionState::Syncing { me: state.linked.clone(), percent };
    let kept = state.deadline.filter(|_| !progressed);
    enter(state, public, kept.unwrap_or(now + limits.sync_ms));
}

fn disrupt(state: &mut State, cause: Disruption, deadline: u64) {
    enter(state, SessionState::Reconnecting { me: state.linked.clone(), cause }, deadline);
}

/// As [`disrupt`], but the same disruption keeps its deadline.
fn disrupt_once(state: &mut State, cause: Disruption, deadline: u64) {
    let same = matches!(&state.public, SessionState::Reconnecting { cause: before, .. } if *before == cause);
    let kept = state.deadline.filter(|_| same).unwrap_or(deadline);
    disrupt(state, cause, kept);
}

fn on_logout(state: &mut State, now: u64, limits: &Deadlines) {
    state.linked = None;
    (state.expects_link, state.vanished) = (false, false);
    let cause = if state.logout_requested { LogoutCause::Request } else { LogoutCause::Phone };
    enter_once(state, SessionState::LoggedOut { cause }, now + limits.logout_ms);
}

/// The page is tried again when its deadline comes; what is shown meanwhile is why.
fn on_not_loaded(state: &mut State, why: String, now: u64, limits: &Deadlines) {
    let cause = if is_proxy(&why) { Disruption::ProxyRefused } else { Disruption::ConnectionLost };
    state.unreachable = Some(why);
    if state.linked.is_some() || state.expects_link {
        disrupt_once(state, cause, now + limits.reconnect_ms);
    }
}

/// Whether a reason of the browser's (`net::ERR_…`) means the proxy.
fn is_proxy(why: &str) -> bool {
    ["PROXY", "TUNNEL", "SOCKS"].iter().any(|word| why.contains(word))
}

fn on_crash(state: &mut State, now: u64, limits: &Deadlines) -> Vec<Action> {
    let reason = ExitReason::Crash { process: "renderer".into(), signal: None };
    reload(state, Disruption::PageCrashed, reason, now, limits)
}

/// Loads the page anew, or gives up with `reason` when that was tried often enough.
fn reload(
    state: &mut State,
    cause: Disruption,
    reason: ExitReason,
    now: u64,
    limits: &Deadlines,
) -> Vec<Action> {
    state.patience_used += 1;
    state.silent = None;
    state.vanished = false;
    if state.patience_used > MAX_RELOADS {
        return fail(state, unreachable(state).unwrap_or(reason));
    }
    if state.linked.is_some() {
        // The page reads its storage anew, and finds the registration there or tells that the link was ended.
        state.expects_link = true;
        disrupt(state, cause, now + limits.load_ms);
    } else {
        enter(state, SessionState::Loading, now + limits.load_ms);
    }
    vec![Action::Nudge(Nudge::Reload)]
}

/// Why a session ends whose page the browser cannot load.
fn unreachable(state: &State) -> Option<ExitReason> {
    let why = state.unreachable.clone()?;
    let cause = if is_proxy(&why) { LaunchCause::Proxy } else { LaunchCause::Unreachable };
    Some(ExitReason::LaunchFailed { cause, why })
}

fn on_silence(state: &mut State, level: HealthLevel, now: u64, limits: &Deadlines) {
    let (since, _) = *state.silent.get_or_insert((now, level));
    // The browser's silence explains the page's.
    if level == HealthLevel::Browser {
        state.silent = Some((since, level));
    }
    if matches!(state.public, SessionState::Ready { .. } | SessionState::Passkey { me: Some(_), .. }) {
        disrupt(state, Disruption::PageUnresponsive, since + limits.hang_ms);
    } else if matches!(state.public, SessionState::AwaitingScan { .. }) {
        // A code of a page that does not answer is worth nothing after a while.
        let latest = since + limits.hang_ms;
        state.deadline = Some(state.deadline.map_or(latest, |deadline| deadline.min(latest)));
    }
}

fn on_deadline(state: &mut State, now: u64, limits: &Deadlines) -> Vec<Action> {
    let stuck = ExitReason::Stuck { state: state.public.name().into() };
    let hang = |level| ExitReason::Hang { level };
    match (&state.public, state.silent) {
        (SessionState::Launching, _) => {
            let why = "the browser did not start in time".into();
            fail(state, ExitReason::LaunchFailed { cause: LaunchCause::Other, why })
        }
        (SessionState::Loading, None) if state.vanished => fail(state, ExitReason::ProfileCorrupt),
        (SessionState::Reconnecting { .. } | SessionState::AwaitingScan { .. }, Some((_, level)))
            if level == HealthLevel::Browser =>
        {
            fail(state, hang(level))
        }
        (SessionState::Reconnecting { cause: Disruption::PageUnresponsive, .. }, Some((_, level))) => {
            reload(state, Disruption::PageUnresponsive, hang(level), now, limits)
        }
        (SessionState::AwaitingScan { .. }, Some((_, level))) => {
            reload(state, Disruption::PageUnresponsive, hang(level), now, limits)
        }
        (SessionState::AwaitingScan { .. }, None) if state.patience_used == 0 => {
            state.patience_used += 1;
            enter(state, SessionState::AwaitingScan { qr: None }, now + limits.qr_ms);
            vec![Action::Nudge(Nudge::RefreshQr)]
        }
        (SessionState::Reconnecting { cause: Disruption::Conflict, .. }, _) => {
            let recent = state.conflict.filter(|(last, _)| now < last + CONFLICT_FORGOTTEN_MS);
            let count = recent.map_or(0, |(_, count)| count) + 1;
            state.conflict = Some((now, count));
            if count > MAX_RELOADS {
                return fail(state, ExitReason::Conflict);
            }
            reload(state, Disruption::Conflict, ExitReason::Conflict, now, limits)
        }
        (SessionState::Reconnecting { cause: Disruption::TemporaryBan, .. }, None) => {
            // Nobody's patience is tried: it lasts as long as it lasts.
            state.patience_used = 0;
            reload(state, Disruption::ConnectionLost, stuck, now, limits)
        }
        (SessionState::Reconnecting { cause: Disruption::ScreenLocked, .. }, None) => {
            state.patience_used = 0;
            disrupt(state, Disruption::ScreenLocked, now + LOCKED_MS);
            Vec::new()
        }
        (SessionState::Reconnecting { cause, .. }, None)
            if matches!(cause, Disruption::ConnectionLost | Disruption::ServiceUnavailable)
                && state.unreachable.is_none()
                && state.tries < TRIES =>
        {
            let cause = *cause;
            state.tries += 1;
            disrupt(state, cause, now + limits.reconnect_ms);
            vec![Action::Nudge(Nudge::Reconnect)]
        }
        (SessionState::Passkey { me: None, .. } | SessionState::PasskeyConfirm { .. }, _) => {
            passkey::on_deadline(state, now, limits)
        }
        (SessionState::LoggedOut { cause: LogoutCause::Request }, _) => fail(state, ExitReason::LoggedOut),
        (SessionState::Ready { .. } | SessionState::Passkey { me: Some(_), .. }, _) => {
            // Nobody has confirmed it: neither a view nor a missed probe. Not ready until someone does.
            state.silent = Some((now, HealthLevel::Page));
            disrupt(state, Disruption::PageUnresponsive, now + limits.hang_ms);
            Vec::new()
        }
        (SessionState::Reconnecting { cause, .. }, _) => {
            let cause = *cause;
            reload(state, cause, stuck, now, limits)
        }
        _ => reload(state, Disruption::PageUnresponsive, stuck, now, limits),
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
