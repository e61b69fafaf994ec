//! The tables of docs/events.md, added up.

use super::*;
use proptest::prelude::*;

fn answered(status: u16) -> Outcome {
    Outcome::Answered { status, took: Duration::ZERO, after: None }
}

fn later(status: u16, seconds: u64) -> Outcome {
    Outcome::Answered { status, took: Duration::ZERO, after: Some(Duration::from_secs(seconds)) }
}

fn away() -> Outcome {
    Outcome::Unreachable("refused".into())
}

fn closed(seconds: u64) -> Outcome {
    Outcome::Closed { reason: "reset".into(), after: Duration::from_secs(seconds) }
}

fn first() -> Attempt {
    let patience = Duration::from_secs(72 * 3600);
    let (refused_for, waited) = (Duration::ZERO, Duration::ZERO);
    Attempt { before: 0, refused_for, away: 0, waited, patience, dice: 1.0 }
}

/// What becomes of an event that always ends so: how often it was tried, and how many seconds lay between the first
/// and the last try. `None` when it is still tried after that many.
fn course(decide: impl Fn(&Attempt) -> NextStep, most: u32) -> (NextStep, u32, Option<u64>) {
    let (mut attempt, mut refused_since, mut now) = (first(), None, Duration::ZERO);
    for tries in 1..=most {
        attempt.refused_for = refused_since.map(|since| now - since).unwrap_or_default();
        attempt.waited = now;
        match decide(&attempt) {
            NextStep::Retry { delay, counts } => {
                if counts {
                    refused_since.get_or_insert(now);
                    attempt.before += 1;
                } else {
                    attempt.away += 1;
                }
                now += delay;
            }
            verdict => return (verdict, tries, Some(now.as_secs())),
        }
    }
    (NextStep::Retry { delay: Duration::ZERO, counts: false }, most, None)
}

fn at_flask(outcome: &Outcome) -> (NextStep, u32, Option<u64>) {
    course(|attempt| for_flask(outcome, attempt), 1_000)
}

#[test]
fn what_flask_was_sent_completely_it_has() {
    for outcome in [answered(200), answered(201), answered(204), answered(299), Outcome::NoAnswer] {
        assert_eq!(at_flask(&outcome), (NextStep::Done, 1, Some(0)), "{outcome:?}");
    }
    // gunicorn kills a worker after 30 s, and with it a handler that has sent its texts long ago.
    for seconds in [5, 30] {
        assert_eq!(at_flask(&closed(seconds)), (NextStep::Done, 1, Some(0)));
        // The same behind a proxy.
        for status in [502, 504] {
            let late = Outcome::Answered { status, took: Duration::from_secs(seconds), after: None };
            assert_eq!(at_flask(&late), (NextStep::Done, 1, Some(0)));
        }
    }
}

#[test]
fn what_flask_refuses_is_final_at_once() {
    for status in (400..500).filter(|status| ![408, 425, 429].contains(status)) {
        assert_eq!(at_flask(&answered(status)), (NextStep::Dead, 1, Some(0)), "{status}");
    }
    // Also with a wish to be asked again: only 429 and 503 say that the request was not at fault.
    assert_eq!(at_flask(&later(400, 9)), (NextStep::Dead, 1, Some(0)));
    assert_eq!(at_flask(&Outcome::Redirected("elsewhere".into())), (NextStep::Dead, 1, Some(0)));
    assert_eq!(at_flask(&answered(101)), (NextStep::Dead, 1, Some(0)));
}

#[test]
fn what_flask_fails_at_is_tried_seven_times_within_a_minute() {
    for status in [408, 425, 500, 501, 505, 599] {
        assert_eq!(at_flask(&answered(status)), (NextStep::Dead, 7, Some(60)), "{status}");
    }
    assert_eq!(at_flask(&closed(4)), (NextStep::Dead, 7, Some(60)));
    // Each answer takes 40 s: time is up before the tries are.
    let slow = Attempt { before: 2, refused_for: Duration::from_secs(83), ..first() };
    assert_eq!(for_flask(&answered(500), &slow), NextStep::Dead);
}

#[test]
fn what_flask_puts_off_is_tried_when_it_says_for_ten_minutes_at_most() {
    assert_eq!(at_flask(&later(429, 5)), (NextStep::Dead, 10, Some(45)));
    assert_eq!(at_flask(&later(503, 5)), (NextStep::Dead, 10, Some(45)));
    assert_eq!(at_flask(&later(429, 86_400)), (NextStep::Dead, 3, Some(600)), "five minutes at a time");
    for status in [429, 502, 503, 504] {
        assert_eq!(
            at_flask(&answered(status)),
            (NextStep::Dead, 10, Some(243)),
            "{status} that does not say when"
        );
    }
    let NextStep::Retry { delay, counts: true } = for_flask(&later(429, 7), &first()) else {
        panic!("again")
    };
    assert_eq!(delay.as_secs(), 7);
}

#[test]
fn flask_is_waited_for_without_end_while_it_is_away() {
    for outcome in [away(), Outcome::Unsent("reset".into())] {
        let (_, tries, end) = at_flask(&outcome);
        assert_eq!((tries, end), (1_000, None));
        let tired = Attempt { before: 6, refused_for: Duration::from_secs(3600), away: 99, ..first() };
        assert_eq!(for_flask(&outcome, &tired), NextStep::Retry { delay: CAP, counts: false });
    }
}

#[test]
fn while_it_is_away_the_delays_double_up_to_a_minute() {
    let ceilings: Vec<_> = (0..8).map(|before| backoff(before, 1.0).as_secs()).collect();
    assert_eq!(ceilings, [1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(backoff(u32::MAX, 1.0), CAP);
    assert_eq!(backoff(5, 0.0), Duration::ZERO);
}

/// `attempts` and `delay_seconds` mean what they say: 40 times every 2 s took 796 s when failing opened the address's
/// breaker.
#[test]
fn forty_attempts_every_two_seconds_take_eighty_seconds() {
    let retries = Retries { attempts: 40, ..Retries::default() };
    for outcome in [answered(400), answered(422), answered(500), answered(503), Outcome::NoAnswer, closed(1)]
    {
        let told = course(|attempt| for_webhook(&outcome, attempt, &retries), 1_000);
        assert_eq!(told, (NextStep::Dead, 40, Some(78)), "{outcome:?}");
        assert!(!outcome.is_away(), "so it opens no breaker, and nothing is added: {outcome:?}");
    }
}

#[test]
fn delays_are_those_that_waha_documents() {
    let delays = |policy| {
        let retries = Retries { policy, ..Retries::default() };
        let delay =
            |before| match for_webhook(&answered(500), &Attempt { before, dice: 0.5, ..first() }, &retries) {
                NextStep::Retry { delay, counts: true } => delay.as_secs(),
                verdict => panic!("{verdict:?}"),
            };
        (0..4).map(delay).collect::<Vec<_>>()
    };
    assert_eq!(delays(RetryPolicy::Constant), [2, 2, 2, 2]);
    assert_eq!(delays(RetryPolicy::Linear), [2, 4, 6, 8]);
    assert_eq!(delays(RetryPolicy::Exponential), [2, 4, 8, 16]);
}

#[test]
fn a_webhook_that_is_away_uses_up_no_attempts_and_is_given_up_after_three_days() {
    let retries = Retries { attempts: 1, ..Retries::default() };
    let (verdict, tries, end) = course(|attempt| for_webhook(&away(), attempt, &retries), 200_000);
    assert_eq!((verdict, end), (NextStep::Dead, Some(72 * 3600)));
    assert_eq!(tries, 72 * 3600 / 2 + 1, "the breaker makes them fewer");
    let refused = for_webhook(&answered(500), &first(), &retries);
    assert_eq!(refused, NextStep::Dead, "the only attempt was made");
}

#[test]
fn a_webhooks_redirect_is_final_and_its_retry_after_is_obeyed() {
    let retries = Retries { attempts: 3, ..Retries::default() };
    let course = |outcome: Outcome| course(|attempt| for_webhook(&outcome, attempt, &retries), 1_000);
    assert_eq!(course(Outcome::Redirected("elsewhere".into())), (NextStep::Dead, 1, Some(0)));
    assert_eq!(course(later(429, 7)), (NextStep::Dead, 3, Some(14)));
    assert_eq!(course(later(503, 7)), (NextStep::Dead, 3, Some(14)));
    assert_eq!(course(later(429, 1)), (NextStep::Dead, 3, Some(4)), "never sooner than the configured delay");
    assert_eq!(course(later(429, 86_400)), (NextStep::Dead, 3, Some(600)));
}

#[test]
fn what_we_had_nothing_left_for_is_nobodys_attempt() {
    let retries = Retries { attempts: 1, policy: RetryPolicy::Exponential, ..Retries::default() };
    for lack in Lack::ALL {
        let outcome = Outcome::Untried(lack);
        assert!(!outcome.is_away() && !outcome.is_success() && outcome.heard().is_none());
        assert!(outcome.reason().contains(lack.name()), "{}", outcome.reason());
        // However often others have failed, and however long the event has waited.
        let tired = Attempt {
            before: 99,
            refused_for: Duration::from_secs(3600),
            away: 99,
            waited: Duration::from_secs(100 * 3600),
            ..first()
        };
        for attempt in [first(), tired] {
            for (dice, ms) in [(0.0, 1000), (1.0, 2000)] {
                let attempt = Attempt { dice, ..attempt };
                let soon = NextStep::Retry { delay: Duration::from_millis(ms), counts: false };
                assert_eq!(for_flask(&outcome, &attempt), soon);
                assert_eq!(for_webhook(&outcome, &attempt, &retries), soon);
            }
        }
    }
}

#[test]
fn who_was_refused_together_comes_back_over_a_fifth_of_the_delay() {
    for (dice, ms) in [(0.0, 800), (0.5, 900), (1.0, 1000)] {
        let verdict = for_flask(&answered(500), &Attempt { dice, ..first() });
        assert_eq!(verdict, NextStep::Retry { delay: Duration::from_millis(ms), counts: true });
    }
}

#[test]
fn a_webhook_that_took_it_is_not_told_again() {
    for status in [200, 204, 299] {
        assert_eq!(for_webhook(&answered(status), &first(), &Retries::default()), NextStep::Done, "{status}");
    }
}

#[test]
fn only_a_2xx_says_that_the_receiver_has_it() {
    for (status, well) in [(199, false), (200, true), (204, true), (299, true), (300, false), (503, false)] {
        let outcome = answered(status);
        assert_eq!((outcome.is_success(), outcome.label() == "delivered"), (well, well), "{status}");
    }
    assert!(!Outcome::NoAnswer.is_success(), "it is believed to, and does not say so");
}

#[test]
fn a_breaker_hears_of_connections_only() {
    assert_eq!(away().heard(), Some(false));
    let others =
        [answered(200), answered(500), Outcome::NoAnswer, closed(1), Outcome::Unsent("reset".into())];
    for outcome in others {
        assert_eq!(outcome.heard(), Some(true), "{outcome:?}");
    }
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        8 => (100_u16..600, 0_u64..60, prop::option::of(0_u64..100_000)).prop_map(|(status, took, after)| {
            let (took, after) = (Duration::from_secs(took), after.map(Duration::from_secs));
            Outcome::Answered { status, took, after }
        }),
        1 => Just(Outcome::Redirected("elsewhere".into())),
        1 => Just(Outcome::NoAnswer),
        2 => (0_u64..60).prop_map(closed),
    ]
}

proptest! {
    /// Whatever a Flask that can be reached says, in whatever order: the next message has its turn within ten minutes
    /// and what the requests themselves take.
    #[test]
    fn nothing_stands_longer_behind_another_at_flask(
        outcomes in prop::collection::vec(outcomes(), 20), dice in 0.0..1.0_f64,
    ) {
        let next = std::cell::Cell::new(0);
        let (verdict, tries, end) = course(|attempt| {
            next.set(next.get() + 1);
            for_flask(&outcomes[next.get() - 1], &Attempt { dice, ..*attempt })
        }, 20);
        prop_assert!(verdict == NextStep::Done || verdict == NextStep::Dead);
        prop_assert!(tries <= PUT_OFF.tries && end.is_some_and(|end| end <= PUT_OFF.time.as_secs()));
    }

    #[test]
    fn at_a_webhook_every_event_comes_to_an_end(
        outcome in outcomes(), before: u32, waited in 0_u64..120, dice: f64, attempts in 1_u32..1000, delay_ms: u32,
    ) {
        prop_assume!(!dice.is_nan());
        let (waited, patience) = (Duration::from_secs(waited), Duration::from_secs(60));
        let attempt = Attempt { before, waited, patience, dice, ..first() };
        for policy in [RetryPolicy::Constant, RetryPolicy::Linear, RetryPolicy::Exponential] {
            let delay_seconds = Duration::from_millis(delay_ms.into());
            let retries = Retries { policy, attempts, delay_seconds };
            match for_webhook(&outcome, &attempt, &retries) {
                NextStep::Done => prop_assert_eq!(outcome.label(), "delivered"),
                NextStep::Retry { delay, counts } => {
                    prop_assert!(counts && delay <= LONGEST.max(delay_seconds));
                    prop_assert!(before.saturating_add(1) < attempts && waited < patience);
                }
                NextStep::Dead => prop_assert!(
                    outcome.label() == "refused" || before.saturating_add(1) >= attempts || waited >= patience
                ),
            }
        }
    }
}
