//! [`Liveness`]: whether a connected worker can be believed now.
//!
//! Pure: told of pings, pongs and reports with their times, it says what is due. Owns the rule that "ready" is a
//! measured fact: the word of a worker that does not answer, or that has not looked for too long, does not count.
//!
//! A worker whose session is ready reports after each probe, and that shows that it lives: between such reports a ping
//! goes out once a minute, with one of them, when both are awake anyhow. Hundreds of sessions at rest would otherwise
//! wake the machine hundreds of times in two seconds. A report that is overdue, or a call to a worker that was not
//! pinged for a while, brings the ping at once.

use std::time::Duration;

use colmeia::config::ServiceConfig;

/// How long the reports of a worker are enough. A ping also shows that it still listens.
const ENOUGH: Duration = Duration::from_secs(60);
/// For how long after a ping an answer that is coming in explains that its pong is not there yet: a worker that says the
/// longest one is not silent, and one that says it for ever is none that can be used.
const ANSWERING: Duration = Duration::from_secs(60);

/// The deadlines that matter here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub interval: Duration,
    pub timeout: Duration,
    /// How old a "ready" may be.
    pub fresh: Duration,
    /// The longest time between two reports of a session that is ready.
    pub rhythm: Duration,
    /// How much longer than its deadline something may last before the worker is given up.
    pub hang: Duration,
}

/// What is known of one connection.
#[derive(Debug, Clone)]
pub(crate) struct Liveness {
    patience: Patience,
    next_ping: Duration,
    /// When the last ping went out.
    pinged: Duration,
    last_id: u64,
    /// The time between two reports as it was last, while they say "ready".
    rhythm: Duration,
    /// Since when a ping waits for its pong, and the worker is silent.
    asked: Option<Duration>,
    /// When "ready" was last said, if that was the last word.
    ready_said: Option<Duration>,
}

/// What a connection is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Its last report counts.
    Fresh,
    /// Its last report does not count.
    Silent,
    /// It will not come back.
    Hung,
}

impl Patience {
    pub(crate) fn of(config: &ServiceConfig) -> Self {
        let ms = Duration::from_millis;
        let deadlines = &config.deadlines;
        let timeout = ms(config.ping_timeout_ms);
        let rhythm = ms(deadlines.longest_probe_interval_ms());
        Self {
            interval: ms(config.ping_interval_ms),
            timeout,
            fresh: rhythm + ms(deadlines.probe_timeout_ms) + timeout,
            rhythm,
            hang: ms(deadlines.hang_ms),
        }
    }
}

impl Liveness {
    /// A connection that has just said Hello.
    pub(crate) fn new(patience: Patience, at: Duration) -> Self {
        Self {
            patience,
            next_ping: at + patience.interval,
            pinged: at,
            last_id: 0,
            rhythm: Duration::ZERO,
            asked: None,
            ready_said: None,
        }
    }

    /// The worker has said where its session is.
    pub(crate) fn report(&mut self, ready: bool, at: Duration) {
        let before = std::mem::replace(&mut self.ready_said, ready.then_some(at));
        self.rhythm = match before.map(|before| at.saturating_sub(before)) {
            Some(gap) if ready && gap >= self.patience.interval => gap.min(self.patience.rhythm),
            // Something else was told as well.
            Some(_) if ready => self.rhythm,
            _ => Duration::ZERO,
        };
        if self.rhythm.is_zero() || at >= self.pinged + ENOUGH {
            self.doubt(at);
        } else {
            self.put_off(at);
        }
    }

    /// The next ping is due when the next report does not come.
    fn put_off(&mut self, at: Duration) {
        self.next_ping = at + self.rhythm + self.patience.interval;
    }

    /// Somebody relies on the worker now: the ping is due, unless one went out just before.
    pub(crate) fn doubt(&mut self, at: Duration) {
        if at >= self.pinged + self.patience.interval {
            self.next_ping = self.next_ping.min(at);
        }
    }

    /// A pong came; how long it took. An old or invented one changes nothing.
    pub(crate) fn pong(&mut self, id: u64, at: Duration) -> Option<Duration> {
        self.asked.take_if(|_| id == self.last_id)?;
        Some(at.saturating_sub(self.pinged))
    }

    /// Some of a large answer has come, or waits for our disk. Whatever else the worker says comes behind it.
    pub(crate) fn answering(&mut self, at: Duration) {
        if let Some(silent) = self.asked.as_mut().filter(|_| at < self.pinged + ANSWERING) {
            *silent = at;
        }
    }

    /// The ping to send now, if one is due: one at a time.
    pub(crate) fn ping(&mut self, at: Duration) -> Option<u64> {
        if self.asked.is_some() || at < self.next_ping {
            return None;
        }
        self.put_off(at);
        self.pinged = at;
        self.asked = Some(at);
        self.last_id += 1;
        Some(self.last_id)
    }

    /// What the connection is worth now.
    pub(crate) fn trust(&self, at: Duration) -> Trust {
        let late = self.dues().filter(|due| at >= *due);
        late.map(|due| if at >= due + self.patience.hang { Trust::Hung } else { Trust::Silent })
            .max_by_key(|trust| matches!(trust, Trust::Hung))
            .unwrap_or(Trust::Fresh)
    }

    /// When something is due next.
    pub(crate) fn deadline(&self, at: Duration) -> Duration {
        let ping = self.asked.is_none().then_some(self.next_ping);
        let dues = self.dues().map(|due| if at >= due { due + self.patience.hang } else { due });
        ping.into_iter().chain(dues).min().unwrap_or(self.next_ping)
    }

    /// When answers and reports that are awaited turn too old.
    fn dues(&self) -> impl Iterator<Item = Duration> {
        let pong = self.asked.map(|asked| asked + self.patience.timeout);
        let report = self.ready_said.map(|said| said + self.patience.fresh);
        [pong, report].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn liveness() -> Liveness {
        Liveness::new(
            Patience { interval: S(2), timeout: S(3), fresh: S(9), rhythm: S(6), hang: S(20) },
            S(0),
        )
    }

    #[test]
    fn silence_withdraws_the_word_and_long_silence_the_worker() {
        let mut liveness = liveness();
        assert_eq!((liveness.ping(S(1)), liveness.deadline(S(1))), (None, S(2)));
        assert_eq!(liveness.ping(S(2)), Some(1));
        assert_eq!((liveness.ping(S(9)), liveness.deadline(S(2))), (None, S(5)));
        assert_eq!(liveness.trust(S(4)), Trust::Fresh);
        assert_eq!((liveness.trust(S(5)), liveness.deadline(S(5))), (Trust::Silent, S(25)));
        assert_eq!(liveness.pong(7, S(25)), None);
        assert_eq!(liveness.trust(S(25)), Trust::Hung);
        assert_eq!(liveness.pong(1, S(25)), Some(S(23)));
        assert_eq!(liveness.trust(S(25)), Trust::Fresh);
        assert_eq!(liveness.pong(1, S(26)), None, "the same one again");
    }

    #[test]
    fn who_is_in_the_middle_of_an_answer_is_not_silent_and_has_a_minute_for_it() {
        let mut liveness = liveness();
        liveness.answering(S(1));
        assert_eq!(liveness.ping(S(2)), Some(1));
        for at in 3..62 {
            liveness.answering(S(at));
            assert_eq!((liveness.trust(S(at)), liveness.deadline(S(at))), (Trust::Fresh, S(at + 3)), "{at}");
        }
        assert_eq!(liveness.trust(S(64)), Trust::Silent, "nothing more came");
        liveness.answering(S(62));
        assert_eq!(
            (liveness.trust(S(64)), liveness.trust(S(84))),
            (Trust::Silent, Trust::Hung),
            "it takes too long"
        );
        assert_eq!(liveness.pong(1, S(84)), Some(S(82)), "since it was asked");
        assert_eq!(liveness.trust(S(84)), Trust::Fresh);
    }

    #[test]
    fn an_old_ready_does_not_count_but_waiting_for_a_scan_may_last() {
        let mut liveness = liveness();
        liveness.report(true, S(1));
        assert_eq!(liveness.trust(S(9)), Trust::Fresh);
        assert_eq!(liveness.trust(S(10)), Trust::Silent);
        assert_eq!(liveness.trust(S(30)), Trust::Hung);
        liveness.report(false, S(2));
        assert_eq!(liveness.trust(S(500)), Trust::Fresh);
    }

    #[test]
    fn a_report_stands_for_a_ping_and_one_goes_out_at_once_where_somebody_asks_or_the_report_is_late() {
        let mut liveness = liveness();
        liveness.report(true, S(3));
        assert_eq!(liveness.ping(S(3)), Some(1));
        assert!(liveness.pong(1, S(3)).is_some());
        assert_eq!(liveness.deadline(S(3)), S(5), "no rhythm yet");
        liveness.report(true, S(4));
        assert_eq!((liveness.ping(S(4)), liveness.deadline(S(4))), (None, S(5)), "one went out just before");
        liveness.report(true, S(10));
        assert_eq!(
            (liveness.ping(S(10)), liveness.deadline(S(10))),
            (None, S(18)),
            "six seconds between reports, and two"
        );
        liveness.doubt(S(11));
        assert_eq!(liveness.ping(S(11)), Some(2));
        assert!(liveness.pong(2, S(11)).is_some());
        liveness.doubt(S(12));
        assert_eq!(liveness.ping(S(12)), None, "one went out just before");
        liveness.report(true, S(16));
        assert_eq!((liveness.ping(S(23)), liveness.ping(S(24))), (None, Some(3)), "no report came");
        assert!(liveness.pong(3, S(24)).is_some());
        for at in (25..84).step_by(6) {
            liveness.report(true, S(at));
            assert_eq!(liveness.ping(S(at)), None, "{at}");
        }
        liveness.report(true, S(85));
        assert_eq!(liveness.ping(S(85)), Some(4), "a minute");
        liveness.report(false, S(86));
        assert!(liveness.pong(4, S(87)).is_some());
        liveness.doubt(S(87));
        assert_eq!((liveness.ping(S(87)), liveness.deadline(S(87))), (Some(5), S(89 + 1)));
    }

    proptest! {
        #[test]
        fn a_worker_that_answers_nothing_is_given_up_by_following_the_deadlines(ready: bool) {
            let mut liveness = liveness();
            liveness.report(ready, S(0));
            let mut at = S(0);
            for _ in 0..20 {
                let next = liveness.deadline(at);
                prop_assert!(next >= at);
                at = next;
                liveness.ping(at);
                if liveness.trust(at) == Trust::Hung {
                    return Ok(());
                }
            }
            prop_assert!(false, "it was never given up");
        }
    }
}
