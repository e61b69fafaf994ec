//! What became of every message, in both directions. Pure: it compares what each side says.

use std::collections::HashMap;
use std::time::Duration;

/// How long before a kill an answer may have come that was not noted yet. A commit takes milliseconds, on a disk that
/// eight browsers write to.
const COMMIT: Duration = Duration::from_secs(5);

/// How a `POST /send` ended for its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 200.
    Accepted,
    /// An error that says, or means, that nothing was sent.
    Refused,
    /// An error that says that it is not known, or no answer.
    Unknown,
}

/// One `POST /send`.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) at: Duration,
    pub(crate) text: String,
    pub(crate) outcome: Outcome,
    /// What the caller was told.
    pub(crate) told: String,
}

/// One message that the receiver answered 200 to.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) at: Duration,
    pub(crate) event: String,
    pub(crate) text: String,
}

/// What the outgoing messages of one user came to.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    pub(crate) accepted: usize,
    pub(crate) refused: usize,
    pub(crate) unknown: usize,
    /// How many of the unknown ones were delivered.
    pub(crate) unknown_delivered: usize,
    /// 200, and not delivered exactly once.
    pub(crate) broken_promises: Vec<(Duration, String)>,
    /// Refused, and delivered all the same.
    pub(crate) wrong_refusals: Vec<(Duration, String)>,
    /// Delivered more than once, whatever was said.
    pub(crate) repeated: Vec<(Duration, String)>,
}

/// Compares what was asked with what the phone's side got.
pub(crate) fn outgoing(sent: &[Sent], delivered: &[String]) -> Outgoing {
    let mut times: HashMap<&str, usize> = HashMap::new();
    for text in delivered {
        *times.entry(text).or_default() += 1;
    }
    let mut sums = Outgoing::default();
    for one in sent {
        let delivered = times.get(one.text.as_str()).copied().unwrap_or(0);
        let told = || (one.at, format!("{:?} was delivered {delivered} times ({})", one.text, one.told));
        match one.outcome {
            Outcome::Accepted => {
                sums.accepted += 1;
                if delivered != 1 {
                    sums.broken_promises.push(told());
                }
            }
            Outcome::Refused => {
                sums.refused += 1;
                if delivered != 0 {
                    sums.wrong_refusals.push(told());
                }
            }
            Outcome::Unknown => {
                sums.unknown += 1;
                sums.unknown_delivered += delivered.min(1);
            }
        }
        if delivered > 1 {
            sums.repeated.push(told());
        }
    }
    sums
}

/// What the incoming messages of one user came to.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    pub(crate) arrived: usize,
    /// Given twice, the supervisor having been killed between the receiver's answer and its own note of it.
    pub(crate) in_the_window: usize,
    /// Given twice otherwise.
    pub(crate) repeated: Vec<(Duration, String)>,
    /// Never given.
    pub(crate) missing: Vec<String>,
    /// Given before one that was written earlier.
    pub(crate) out_of_order: Vec<(Duration, String)>,
    /// Given, and never written.
    pub(crate) invented: Vec<(Duration, String)>,
}

/// Compares what was written, in order, with what the receiver took, in order. `kills`: from when to when there
/// was no supervisor.
pub(crate) fn incoming(written: &[String], taken: &[Taken], kills: &[(Duration, Duration)]) -> Incoming {
    let place: HashMap<&str, usize> =
        written.iter().enumerate().map(|(n, text)| (text.as_str(), n)).collect();
    let mut seen: HashMap<usize, &Taken> = HashMap::new();
    let mut sums = Incoming::default();
    let mut highest = None;
    let mut before: Option<&Taken> = None;
    for one in taken {
        let Some(n) = place.get(one.text.as_str()).copied() else {
            sums.invented.push((one.at, format!("{:?}", one.text)));
            continue;
        };
        if let Some(first) = seen.get(&n) {
            // Only what was given last may come again, as the first thing that the next supervisor gives.
            let again = before.is_some_and(|before| before.text == one.text && before.event == one.event);
            let killed = kills
                .iter()
                .any(|(from, to)| first.at + COMMIT >= *from && first.at <= *to && one.at >= *from);
            if again && killed {
                sums.in_the_window += 1;
            } else {
                sums.repeated
                    .push((one.at, format!("{:?}, first at {:.2} s", one.text, first.at.as_secs_f64())));
            }
        } else {
            sums.arrived += 1;
            if highest.is_some_and(|highest| n < highest) {
                sums.out_of_order.push((one.at, format!("{:?}", one.text)));
            }
            highest = highest.max(Some(n));
            seen.insert(n, one);
        }
        before = Some(one);
    }
    sums.missing = written
        .iter()
        .enumerate()
        .filter(|(n, _)| !seen.contains_key(n))
        .map(|(_, text)| text.clone())
        .collect();
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn sent(text: &str, outcome: Outcome) -> Sent {
        Sent { at: S(1), text: text.into(), outcome, told: String::new() }
    }

    fn taken(at: u64, text: &str) -> Taken {
        Taken { at: S(at), event: format!("evt_{text}"), text: text.into() }
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_promise_is_one_message_and_a_refusal_none() {
        let asked = [
            sent("a", Outcome::Accepted),
            sent("b", Outcome::Accepted),
            sent("c", Outcome::Refused),
            sent("d", Outcome::Unknown),
            sent("e", Outcome::Unknown),
            sent("f", Outcome::Accepted),
        ];
        let fine = outgoing(&asked, &texts(&["a", "b", "d", "f"]));
        assert_eq!((fine.accepted, fine.refused, fine.unknown, fine.unknown_delivered), (3, 1, 2, 1));
        assert!(
            fine.broken_promises.is_empty() && fine.wrong_refusals.is_empty() && fine.repeated.is_empty()
        );
        let poor = outgoing(&asked, &texts(&["a", "a", "c", "d", "d", "f"]));
        assert_eq!((poor.broken_promises.len(), poor.wrong_refusals.len(), poor.repeated.len()), (2, 1, 2));
    }

    #[test]
    fn a_repetition_is_excused_by_a_kill_between_the_two_and_by_nothing_else() {
        let written = texts(&["a", "b", "c"]);
        let kills = [(S(10), S(11))];
        let window = [taken(1, "a"), taken(10, "b"), taken(12, "b"), taken(13, "c")];
        let sums = incoming(&written, &window, &kills);
        assert_eq!((sums.arrived, sums.in_the_window, sums.repeated.len()), (3, 1, 0));
        assert_eq!(incoming(&written, &window, &[]).repeated.len(), 1);
        let other_id = [taken(10, "a"), Taken { event: "evt_x".into(), ..taken(12, "a") }];
        assert_eq!(incoming(&written, &other_id, &kills).repeated.len(), 1);
        let long_ago = [taken(4, "a"), taken(12, "a")];
        assert_eq!(incoming(&written, &long_ago, &kills).repeated.len(), 1);
        let not_the_last = [taken(8, "a"), taken(9, "b"), taken(12, "a")];
        assert_eq!(incoming(&written, &not_the_last, &kills).repeated.len(), 1);
    }

    #[test]
    fn what_is_missing_invented_or_in_disorder_is_named() {
        let sums = incoming(&texts(&["a", "b", "c"]), &[taken(1, "c"), taken(2, "a"), taken(3, "z")], &[]);
        assert_eq!(sums.missing, ["b"]);
        assert_eq!((sums.out_of_order.len(), sums.invented.len(), sums.arrived), (1, 1, 2));
    }
}
