//! Lives with a passkey, step by step. What holds for every sequence is in the machine's own tests.

use colmeia::passkey::Request;

use super::super::tests::{LIMITS, me, qr, run, view};
use super::super::{Event, step};
use super::*;
use crate::engine::PasskeyView;
use colmeia::session::{Disruption, HealthLevel};

/// Views of this phase and step; a step of signing has this challenge.
pub(in super::super) fn asks(phase: PagePhase, step: PasskeyAt, challenge: &str) -> PageView {
    let request = Request {
        challenge: Secret::new(challenge),
        timeout: 600_000,
        rp_id: "whatsapp.com".into(),
        origin: "https://web.whatsapp.com".into(),
        allow_credentials: Vec::new(),
        user_verification: "required".into(),
        extensions: None,
        since_ms: 1,
        until_ms: 600_001,
    };
    let request = (step == PasskeyAt::Signing).then(|| Box::new(request));
    let code = (phase == PagePhase::PasskeyConfirm).then(|| Secret::new("ABCD-EFGH"));
    let linked = (phase == PagePhase::PasskeyCheckpoint).then(me);
    PageView { me: linked, passkey: Some(Box::new(PasskeyView { step, request, code })), ..view(phase) }
}

fn shows(step: PasskeyAt, challenge: &str) -> Event {
    Event::view(asks(PagePhase::Passkey, step, challenge))
}

fn step_of(state: &State) -> Option<(PasskeyStep, Option<&str>, u32)> {
    match &state.public {
        SessionState::Passkey { step, request, refused, .. } => {
            Some((*step, request.as_ref().map(|request| request.challenge.expose()), *refused))
        }
        _ => None,
    }
}

const CONTINUE: Action = Action::Nudge(Nudge::PasskeyContinue);
const CANCEL: Action = Action::Nudge(Nudge::PasskeyCancel);

#[test]
fn a_phone_is_linked_by_its_passkey() {
    let scanned = [Event::Opened, Event::view(qr("2@a")), shows(PasskeyAt::Prompt, "")];
    let (state, actions) = run(scanned.clone());
    assert_eq!(
        (step_of(&state), actions.as_slice()),
        (Some((PasskeyStep::Asking, None, 0)), [CONTINUE].as_slice())
    );
    let signing = scanned.into_iter().chain([shows(PasskeyAt::Signing, "one")]);
    let (state, _) = run(signing.clone());
    assert_eq!(step_of(&state), Some((PasskeyStep::Signing, Some("one"), 0)));
    assert_eq!(state.deadline, Some(30 + LIMITS.passkey_ms));
    let answered = signing.chain([Event::PasskeyAnswered, shows(PasskeyAt::Signing, "one")]);
    let (state, _) = run(answered.clone());
    assert_eq!(
        step_of(&state),
        Some((PasskeyStep::Answered, None, 0)),
        "an older view opens it again for nobody"
    );
    let rest = [
        Event::view(asks(PagePhase::PasskeyConfirm, PasskeyAt::Answered, "")),
        shows(PasskeyAt::Answered, ""),
        Event::view(view(PagePhase::Pairing)),
        Event::view(view(PagePhase::Syncing)),
        Event::view(view(PagePhase::Main)),
    ];
    let (state, actions) = run(answered.chain(rest));
    assert!(state.public.is_ready());
    assert_eq!(actions, [CONTINUE], "nothing was refreshed, and nothing loaded anew");
}

#[test]
fn nothing_touches_the_page_while_a_person_has_to_act() {
    let (mut state, _) = run([Event::Opened, Event::view(qr("2@a")), shows(PasskeyAt::Signing, "one")]);
    let deadline = state.deadline.expect("one of its own");
    assert_eq!(deadline, 20 + LIMITS.passkey_ms);
    for now in (30..deadline).step_by(100) {
        for event in [Event::Tick, shows(PasskeyAt::Signing, "one"), Event::ProbeMissed(HealthLevel::Page)] {
            let (next, actions) = step(state, event, now, &LIMITS);
            assert_eq!(actions, [], "at {now}");
            state = next;
        }
    }
    assert_eq!(state.deadline, Some(deadline), "and views do not postpone it");
    let (state, actions) = step(state, Event::Tick, deadline, &LIMITS);
    assert_eq!(actions, [CANCEL]);
    assert_eq!(state.public, SessionState::AwaitingScan { qr: None });
    let (state, _) = step(state, Event::view(qr("2@b")), deadline + 10, &LIMITS);
    assert_eq!(state.public, SessionState::AwaitingScan { qr: Some(Secret::new("2@b")) });
}

#[test]
fn an_answer_that_was_not_accepted_leads_to_fresh_options_and_not_for_ever() {
    let mut state = run([Event::Opened, Event::view(qr("2@a")), shows(PasskeyAt::Prompt, "")]).0;
    let mut now = 100;
    for round in 1..TRIES {
        for event in [shows(PasskeyAt::Signing, &format!("c{round}")), Event::PasskeyAnswered] {
            state = step(state, event, now, &LIMITS).0;
            now += 10;
        }
        let (next, actions) = step(state, shows(PasskeyAt::Error, ""), now, &LIMITS);
        assert_eq!(actions, [CONTINUE], "round {round}");
        assert_eq!(step_of(&next), Some((PasskeyStep::Asking, None, round)));
        let (next, actions) = step(next, shows(PasskeyAt::Error, ""), now + 1, &LIMITS);
        assert_eq!(actions, [], "the same card is clicked once");
        state = next;
        now += 10;
    }
    for event in [shows(PasskeyAt::Signing, "last"), Event::PasskeyAnswered] {
        state = step(state, event, now, &LIMITS).0;
    }
    let (state, actions) = step(state, shows(PasskeyAt::Error, ""), now, &LIMITS);
    assert_eq!(actions, [CANCEL]);
    assert_eq!(state.public, SessionState::AwaitingScan { qr: None });
}

#[test]
fn a_prompt_that_does_not_react_is_told_again_and_then_given_up() {
    let mut state = run([Event::Opened, Event::view(qr("2@a")), shows(PasskeyAt::Prompt, "")]).0;
    let mut told = Vec::new();
    while matches!(state.public, SessionState::Passkey { .. }) {
        let deadline = state.deadline.expect("bounded");
        let (next, actions) = step(state, Event::Tick, deadline, &LIMITS);
        told.extend(actions);
        state = next;
    }
    let expected: Vec<_> = (1..TRIES).map(|_| CONTINUE).chain([CANCEL]).collect();
    assert_eq!(told, expected);
}

#[test]
fn switched_off_it_is_said_for_a_while_and_then_there_is_a_new_code() {
    let off = || shows(PasskeyAt::Off, "");
    let (mut state, actions) = run([Event::Opened, Event::view(qr("2@a")), off()]);
    assert_eq!((step_of(&state), state.public.name()), (Some((PasskeyStep::Off, None, 0)), "passkey_off"));
    assert_eq!(actions, [], "the page is not told to go on");
    let deadline = state.deadline.expect("one of its own");
    assert_eq!(deadline, 20 + OFF_MS.min(LIMITS.passkey_ms));
    for event in [off(), Event::Tick, Event::PasskeyAnswered, off()] {
        let (next, actions) = step(state, event, deadline - 1, &LIMITS);
        assert_eq!((next.deadline, actions), (Some(deadline), vec![]), "nothing postpones it");
        state = next;
    }
    let (state, actions) = step(state, Event::Tick, deadline, &LIMITS);
    assert_eq!((state.public, actions), (SessionState::AwaitingScan { qr: None }, vec![CANCEL]));

    let challenged = Event::view(asks(PagePhase::PasskeyCheckpoint, PasskeyAt::Off, ""));
    let (state, actions) = run([Event::Opened, Event::view(view(PagePhase::Main)), challenged]);
    assert_eq!((state.public.me(), state.public.name()), (Some(&me()), "passkey_checkpoint"));
    assert_eq!(actions, [], "it stays linked, and its page is left alone");
}

#[test]
fn a_page_that_is_lost_in_between_shows_a_new_code() {
    let asking = [Event::Opened, Event::view(qr("2@a")), shows(PasskeyAt::Signing, "one")];
    let lost = asking.clone().into_iter().chain([Event::view(view(PagePhase::Loading))]);
    assert_eq!(run(lost).0.public, SessionState::Loading);
    let (state, actions) = run(asking.into_iter().chain([Event::PageCrashed]));
    assert_eq!((state.public, actions), (SessionState::Loading, vec![Action::Nudge(Nudge::Reload)]));
}

#[test]
fn a_linked_session_that_has_to_prove_itself_stays_linked() {
    let ready = [Event::Opened, Event::view(view(PagePhase::Main))];
    let challenged = |step, challenge| Event::view(asks(PagePhase::PasskeyCheckpoint, step, challenge));
    let (state, actions) = run(ready.clone().into_iter().chain([challenged(PasskeyAt::Signing, "one")]));
    assert_eq!(actions, []);
    assert_eq!((state.public.me(), state.public.name()), (Some(&me()), "passkey_checkpoint"));
    // It lasts as long as the page vouches for it; nobody reloads it.
    let mut state = state;
    for now in (100..20_000).step_by(100) {
        let (next, actions) = step(state, challenged(PasskeyAt::Signing, "one"), now, &LIMITS);
        assert_eq!(actions, []);
        state = next;
    }
    // Abandoned by the page: it is asked again, and what was not answered costs no link.
    let mut clicks = 0;
    for round in 0..20_u64 {
        let at = 20_000 + round * 100;
        for event in [challenged(PasskeyAt::Prompt, ""), challenged(PasskeyAt::Signing, "two")] {
            let (next, actions) = step(state, event, at, &LIMITS);
            assert!(actions.iter().all(|action| *action == CONTINUE), "{actions:?}");
            clicks += actions.len();
            state = next;
        }
    }
    assert_eq!(clicks, TRIES as usize);
    assert_eq!(state.public.me(), Some(&me()));
    // Whose owner comes late finds one, however long it takes: a request that stood was not dropped by the page.
    for round in 0..20_u64 {
        let at = 22_000 + round * STOOD_MS;
        let (next, _) = step(state, challenged(PasskeyAt::Signing, "late"), at, &LIMITS);
        let (next, actions) = step(next, challenged(PasskeyAt::Prompt, ""), at + STOOD_MS, &LIMITS);
        assert_eq!(actions, [CONTINUE], "round {round}");
        state = next;
    }
    let late = 23_000 + 21 * STOOD_MS;
    let (state, _) = step(state, Event::ProbeMissed(HealthLevel::Page), late, &LIMITS);
    let cause = Disruption::PageUnresponsive;
    assert_eq!(state.public, SessionState::Reconnecting { me: Some(me()), cause });
    let (state, actions) = step(state, Event::view(view(PagePhase::Main)), late + 100, &LIMITS);
    assert!(state.public.is_ready() && actions.is_empty());
}
