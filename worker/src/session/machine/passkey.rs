//! The part of the machine for accounts that ask for a passkey. As pure as the rest.
//!
//! ```text
//! prompt ── Continue ──▶ Asking ──▶ Signing ── answered, once ──▶ Answered ──▶ (PasskeyConfirm) ──▶ Pairing
//!                           ▲                                        │ not accepted
//!                           └───────────── fresh options ◀───────────┘          out of time ── Cancel ──▶ QR
//! ```
//!
//! Owns when the page is told to go on, to try again and to give up. While a person has to act nothing here refreshes or
//! loads the page: that would end what they are in the middle of. A session that is linked already stays linked whatever
//! comes of its passkey. Where the operator has switched passkeys off, that the account asks for one is said for a while, and
//! then there is a new code.

use colmeia::config::Deadlines;
use colmeia::session::PasskeyStep;
use colmeia::{Me, Secret, SessionState};

use super::{Action, State, enter, enter_once, fresh_until};
use crate::engine::{Nudge, PagePhase, PageView, PasskeyAt};

/// How long the page may take from Continue to its request, in milliseconds: what the click needs may have to be fetched.
const PROMPT_MS: u64 = 10_000;
/// How often the page is told to go on with one linking, the first time and those after an answer that was not accepted.
/// Whoever needs more of them begins with a new code.
const TRIES: u32 = 6;
/// A linked session's request that stood for so long, in milliseconds, was not dropped by the page itself: its owner has
/// not come yet, and finds another one whenever they do.
const STOOD_MS: u64 = 60_000;
/// How long the page waits for WhatsApp at each step after an answer, in milliseconds, before it shows an error; and some
/// time for that to be heard.
const ANSWER_MS: u64 = 120_000 + 10_000;

/// How long it is said, in milliseconds, that passkeys are switched off, before there is a new code: time to read it.
const OFF_MS: u64 = 60_000;

/// What is remembered of one phone's request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Ceremony {
    /// How often the page was told to go on.
    tries: u32,
    /// How often an answer was not accepted.
    refused: u32,
    /// The page's step when it was last seen.
    at: Option<PasskeyAt>,
    /// Since when a linked session's request stands.
    stands: Option<u64>,
    /// The challenge that was answered: each is answered once.
    used: Option<Secret>,
}

/// Whether a page in this phase is in the middle of it. A page that loads has forgotten it.
pub(super) fn concerns(phase: PagePhase) -> bool {
    matches!(phase, PagePhase::Passkey | PagePhase::PasskeyConfirm | PagePhase::PasskeyCheckpoint)
}

/// The page asks for a passkey, to be linked.
pub(super) fn on_prompt(state: &mut State, view: PageView, now: u64, limits: &Deadlines) -> Vec<Action> {
    state.linked = None;
    let before = state.public.clone();
    let (news, public) = read(state, view, None);
    let same = matches!((&before, &public), (
        SessionState::Passkey { step: a, request: x, .. },
        SessionState::Passkey { step: b, request: y, .. },
    ) if a == b && x == y);
    let deadline = match &public {
        SessionState::Passkey { step: PasskeyStep::Asking, .. } => PROMPT_MS,
        SessionState::Passkey { step: PasskeyStep::Answered, .. } => ANSWER_MS,
        SessionState::Passkey { step: PasskeyStep::Off, .. } => OFF_MS.min(limits.passkey_ms),
        _ => limits.passkey_ms,
    };
    if same && !news {
        state.public = public; // its deadline stays
        return Vec::new();
    }
    enter(state, public, now + deadline);
    if news { go_on(state, now, limits) } else { Vec::new() }
}

/// A session that is linked has to prove itself. It is vouched for like one that is ready.
pub(super) fn on_checkpoint(state: &mut State, view: PageView, now: u64, limits: &Deadlines) -> Vec<Action> {
    let Some(me) = view.me.clone().or_else(|| state.linked.clone()) else { return Vec::new() };
    (state.patience_used, state.tries) = (0, 0);
    let (news, public) = read(state, view, Some(me));
    enter(state, public, fresh_until(now, limits));
    if state.passkey.at == Some(PasskeyAt::Signing) {
        state.passkey.stands.get_or_insert(now);
    } else if state.passkey.stands.take().is_some_and(|since| now >= since + STOOD_MS) {
        state.passkey.tries = 0;
    }
    if news && state.passkey.tries < TRIES {
        state.passkey.tries += 1;
        return vec![Action::Nudge(Nudge::PasskeyContinue)];
    }
    Vec::new()
}

/// Phone and page show a code.
pub(super) fn on_code(state: &mut State, view: PageView, now: u64, limits: &Deadlines) {
    let Some(code) = view.passkey.and_then(|passkey| passkey.code) else { return };
    state.passkey.at = Some(PasskeyAt::Answered);
    enter_once(state, SessionState::PasskeyConfirm { code }, now + ANSWER_MS.min(limits.passkey_ms));
}

/// What the page shows, in public; and whether it has just come to wait for a click.
fn read(state: &mut State, view: PageView, me: Option<Me>) -> (bool, SessionState) {
    let ceremony = &mut state.passkey;
    let shown = view.passkey.map_or((PasskeyAt::Prompt, None), |passkey| (passkey.step, passkey.request));
    let (at, request) = match shown {
        (PasskeyAt::Signing, Some(request)) if ceremony.used.as_ref() == Some(&request.challenge) => {
            (PasskeyAt::Answered, None)
        }
        (PasskeyAt::Signing, request) => (PasskeyAt::Signing, request),
        (at, _) => (at, None),
    };
    let waits = matches!(at, PasskeyAt::Prompt | PasskeyAt::Error);
    let news = waits && ceremony.at != Some(at);
    if news && at == PasskeyAt::Error && ceremony.at.is_some() {
        ceremony.refused += 1;
    }
    ceremony.at = Some(at);
    let step = match at {
        PasskeyAt::Prompt | PasskeyAt::Error => PasskeyStep::Asking,
        PasskeyAt::Signing => PasskeyStep::Signing,
        PasskeyAt::Answered => PasskeyStep::Answered,
        PasskeyAt::Off => PasskeyStep::Off,
    };
    (news, SessionState::Passkey { me, step, request, refused: ceremony.refused })
}

/// Tells the page to go on, or that it was enough.
fn go_on(state: &mut State, now: u64, limits: &Deadlines) -> Vec<Action> {
    if state.passkey.tries >= TRIES {
        return give_up(state, now, limits);
    }
    state.passkey.tries += 1;
    let public = state.public.clone();
    enter(state, public, now + PROMPT_MS);
    vec![Action::Nudge(Nudge::PasskeyContinue)]
}

/// Back to a code to scan. A page that does not get there is loaded anew like any other.
fn give_up(state: &mut State, now: u64, limits: &Deadlines) -> Vec<Action> {
    state.passkey = Ceremony::default();
    enter(state, SessionState::AwaitingScan { qr: None }, now + limits.qr_ms);
    vec![Action::Nudge(Nudge::PasskeyCancel)]
}

/// What was signed goes to the page: the same request is not answered again.
pub(super) fn answered(state: &mut State, now: u64) {
    let SessionState::Passkey { step, request, .. } = &mut state.public else { return };
    if let Some(request) = request.take() {
        *step = PasskeyStep::Answered;
        state.passkey.used = Some(request.challenge);
        state.passkey.at = Some(PasskeyAt::Answered);
        if matches!(state.public, SessionState::Passkey { me: None, .. }) {
            state.deadline = Some(now + ANSWER_MS);
        }
    }
}

/// A step took too long: the prompt is told again, everything else is given up.
pub(super) fn on_deadline(state: &mut State, now: u64, limits: &Deadlines) -> Vec<Action> {
    if matches!(state.public, SessionState::Passkey { step: PasskeyStep::Asking, .. }) {
        return go_on(state, now, limits);
    }
    give_up(state, now, limits)
}

#[cfg(test)]
#[path = "passkey_tests.rs"]
pub(super) mod tests;
