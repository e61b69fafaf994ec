//! [`Readiness`]: whether one user was ready when it had to be. Pure: told of disturbances and of what was seen,
//! each with its time, it says what was wrong.

use std::time::Duration;

use crate::bounds::Allowance;
use crate::schedule::Kind;

/// What the service said of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    Ready,
    NotReady,
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Nothing had happened that could explain it.
    WithoutReason,
    /// It took longer than its deadlines allow.
    TooLate { after: Kind, bound: Duration },
}

/// One user's account.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    excuse: Option<Excuse>,
    /// Sooner or later the session is going to be replaced, because the disk was full under it. What that excuses.
    replacement: Option<Allowance>,
    complained: bool,
    /// From each disturbance until ready again, for those that made the user not ready.
    pub(crate) recoveries: Vec<(Kind, Duration)>,
    /// The disturbances that the user was ready through.
    pub(crate) unmoved: Vec<Kind>,
    /// When, and what.
    pub(crate) wrong: Vec<(Duration, Wrong)>,
}

#[derive(Debug)]
struct Excuse {
    kind: Kind,
    since: Duration,
    allowance: Allowance,
    /// Until when it may go unnoticed.
    unnoticed: Duration,
    /// Until when the user must be ready; none while it is not known when that began.
    due: Option<Duration>,
    down: bool,
    /// Until when it may still take effect after a recovery: the service was hit before anything was seen of it.
    again: Option<Duration>,
    /// When the user was ready in between.
    back: Option<Duration>,
}

impl Readiness {
    /// Something is about to happen to this user. What it was recovering from begins anew; if it is the service
    /// that is hit meanwhile, it goes on being that which the user recovers from.
    pub(crate) fn hit(&mut self, kind: Kind, at: Duration, allowance: Allowance) {
        self.complained = false;
        let (due, unnoticed) = (at + allowance.recover, at + allowance.notice);
        let fresh = Excuse {
            kind,
            since: at,
            allowance,
            unnoticed,
            due: (!allowance.from_notice).then_some(due),
            // Before it is seen, "ready" may be an old word.
            down: false,
            again: None,
            back: None,
        };
        self.excuse = Some(match self.excuse.take() {
            Some(earlier) if earlier.kind.is_of_one_user() && !kind.is_of_one_user() => Excuse {
                unnoticed: earlier.unnoticed.max(unnoticed),
                due: earlier.due.map(|before| before.max(due)),
                again: (!earlier.down).then_some(earlier.unnoticed).or(earlier.again),
                down: false,
                ..earlier
            },
            // What is seen first may still be the service's.
            Some(earlier) => Excuse {
                due: fresh.due.max(earlier.due),
                again: (!earlier.kind.is_of_one_user()).then_some(unnoticed),
                ..fresh
            },
            None => fresh,
        });
    }

    /// Whatever the user waits for takes so much longer, because of the machine.
    pub(crate) fn postpone(&mut self, by: Duration) {
        if let Some(excuse) = &mut self.excuse {
            excuse.unnoticed += by;
            excuse.allowance.recover += by;
            excuse.due = excuse.due.map(|due| due + by);
            excuse.again = excuse.again.map(|until| until + by);
        }
        if let Some(replacement) = &mut self.replacement {
            replacement.recover += by;
        }
    }

    /// The session is going to be replaced, which excuses this whenever it happens.
    pub(crate) fn await_replacement(&mut self, allowance: Allowance) {
        self.replacement = Some(allowance);
    }

    /// The session that was going to be replaced has ended.
    pub(crate) fn replaced(&mut self, at: Duration) {
        let Some(allowance) = self.replacement.take() else { return };
        if self.excuse.is_none() {
            self.hit(Kind::DiskFull, at, allowance);
        }
    }

    /// The session need not have been replaced, and was not.
    pub(crate) fn was_not_replaced(&mut self) {
        self.replacement = None;
    }

    /// Whether the user is or may be not ready because of something.
    pub(crate) fn is_excused(&self) -> bool {
        self.excuse.is_some() || self.replacement.is_some()
    }

    /// Whether the user is still not ready after its time was over.
    pub(crate) fn is_late(&self) -> bool {
        self.complained && self.excuse.is_some()
    }

    /// The service was asked.
    pub(crate) fn saw(&mut self, seen: Seen, at: Duration) {
        if let (None, Seen::NotReady, Some(allowance)) = (&self.excuse, seen, self.replacement) {
            self.hit(Kind::DiskFull, at, allowance);
        }
        match (&mut self.excuse, seen) {
            (None, Seen::Ready) => self.complained = false,
            (None, Seen::NotReady) => self.complain(at, Wrong::WithoutReason),
            // It is still being done to the user, who may come and go meanwhile.
            (Some(excuse), Seen::Ready) if at < excuse.since + excuse.allowance.holds => {}
            (Some(excuse), Seen::Ready) => {
                // Before anything was seen of it, "ready" may be an old word.
                if let Some(until) = excuse.again.take_if(|until| excuse.down && at < *until) {
                    // The service is back; what the user itself suffers from may be yet to come.
                    excuse.down = false;
                    excuse.back = Some(at);
                    excuse.unnoticed = until;
                    excuse.due = excuse.due.map(|_| until + excuse.allowance.recover);
                } else if excuse.down {
                    self.recoveries.push((excuse.kind, at.saturating_sub(excuse.since)));
                    self.excuse = None;
                } else if at >= excuse.unnoticed {
                    match excuse.back {
                        Some(back) => self.recoveries.push((excuse.kind, back.saturating_sub(excuse.since))),
                        None => self.unmoved.push(excuse.kind),
                    }
                    self.excuse = None;
                }
            }
            (Some(excuse), Seen::NotReady) => {
                excuse.down = true;
                let due = *excuse.due.get_or_insert(at + excuse.allowance.recover);
                if at > due {
                    let wrong = Wrong::TooLate { after: excuse.kind, bound: excuse.allowance.recover };
                    self.complain(at, wrong);
                }
            }
        }
    }

    /// The same thing is said once.
    fn complain(&mut self, at: Duration, wrong: Wrong) {
        if !std::mem::replace(&mut self.complained, true) {
            self.wrong.push((at, wrong));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;
    const KILL: Allowance =
        Allowance { notice: Duration::from_secs(5), recover: Duration::from_secs(60), ..Allowance::NONE };

    #[test]
    fn an_end_without_a_reason_is_told_once() {
        let mut user = Readiness::default();
        for (second, seen) in [
            (1, Seen::Ready),
            (2, Seen::NotReady),
            (3, Seen::NotReady),
            (4, Seen::Ready),
            (5, Seen::NotReady),
        ] {
            user.saw(seen, S(second));
        }
        assert_eq!(user.wrong, [(S(2), Wrong::WithoutReason), (S(5), Wrong::WithoutReason)]);
    }

    #[test]
    fn an_old_ready_is_no_recovery_and_after_one_the_excuse_is_used_up() {
        let mut user = Readiness::default();
        user.hit(Kind::KillWorker, S(10), KILL);
        user.saw(Seen::Ready, S(10));
        user.saw(Seen::NotReady, S(11));
        user.saw(Seen::Ready, S(14));
        assert_eq!((&user.recoveries[..], user.is_excused()), (&[(Kind::KillWorker, S(4))][..], false));
        user.saw(Seen::NotReady, S(15));
        assert_eq!(user.wrong, [(S(15), Wrong::WithoutReason)]);
    }

    #[test]
    fn what_nobody_notices_excuses_nothing_later() {
        let mut user = Readiness::default();
        user.hit(Kind::Reload, S(10), KILL);
        user.saw(Seen::Ready, S(15));
        assert_eq!(user.unmoved, [Kind::Reload]);
        user.saw(Seen::NotReady, S(16));
        assert_eq!(user.wrong.len(), 1);
    }

    #[test]
    fn a_late_recovery_is_wrong_and_a_second_hit_begins_anew() {
        let mut user = Readiness::default();
        user.hit(Kind::KillWorker, S(0), KILL);
        user.saw(Seen::NotReady, S(59));
        user.hit(Kind::KillSupervisor, S(59), KILL);
        user.saw(Seen::NotReady, S(119));
        assert!(user.wrong.is_empty());
        user.saw(Seen::NotReady, S(120));
        let late = Wrong::TooLate { after: Kind::KillWorker, bound: S(60) };
        assert_eq!(user.wrong, [(S(120), late)]);
    }

    #[test]
    fn a_hang_that_was_not_noticed_before_the_supervisor_died_may_be_noticed_after_it() {
        let mut user = Readiness::default();
        user.hit(Kind::Hang, S(0), KILL);
        user.hit(Kind::KillSupervisor, S(2), KILL);
        for (second, seen) in [(3, Seen::NotReady), (4, Seen::Ready), (4, Seen::NotReady), (9, Seen::Ready)] {
            user.saw(seen, S(second));
        }
        assert!(user.wrong.is_empty() && !user.is_excused());
        assert_eq!(user.recoveries, [(Kind::Hang, S(9))]);
        user.hit(Kind::Hang, S(20), KILL);
        user.hit(Kind::Reload, S(21), KILL);
        for (second, seen) in [(22, Seen::NotReady), (23, Seen::Ready), (25, Seen::Ready)] {
            user.saw(seen, S(second));
        }
        assert_eq!((user.recoveries[1], user.is_excused()), ((Kind::Hang, S(3)), false));
    }

    #[test]
    fn a_hang_that_came_while_the_service_was_coming_back_may_be_noticed_when_it_is_there() {
        let mut user = Readiness::default();
        user.hit(Kind::KillSupervisor, S(0), KILL);
        user.saw(Seen::NotReady, S(1));
        user.hit(Kind::Hang, S(2), KILL);
        for (second, seen) in [(3, Seen::NotReady), (4, Seen::Ready), (6, Seen::NotReady), (20, Seen::Ready)]
        {
            user.saw(seen, S(second));
        }
        assert!(user.wrong.is_empty() && !user.is_excused());
        assert_eq!(user.recoveries, [(Kind::Hang, S(18))]);
        user.saw(Seen::NotReady, S(21));
        assert_eq!(user.wrong, [(S(21), Wrong::WithoutReason)]);
    }

    #[test]
    fn a_replacement_is_excused_whenever_it_comes_and_nothing_after_it() {
        let mut user = Readiness::default();
        user.await_replacement(KILL);
        user.hit(Kind::KillWorker, S(10), KILL);
        for (second, seen) in [(11, Seen::NotReady), (14, Seen::Ready), (90, Seen::NotReady)] {
            user.saw(seen, S(second));
        }
        user.replaced(S(91));
        assert!(user.is_excused());
        user.saw(Seen::Ready, S(95));
        assert_eq!(user.recoveries, [(Kind::KillWorker, S(4)), (Kind::DiskFull, S(5))]);
        assert!(user.wrong.is_empty() && !user.is_excused());
        user.saw(Seen::NotReady, S(96));
        assert_eq!(user.wrong, [(S(96), Wrong::WithoutReason)]);
    }

    #[test]
    fn a_leak_counts_from_the_moment_it_is_noticed() {
        let mut user = Readiness::default();
        user.hit(
            Kind::Leak,
            S(0),
            Allowance { notice: S(80), recover: S(10), from_notice: true, ..Allowance::NONE },
        );
        user.saw(Seen::Ready, S(70));
        user.saw(Seen::NotReady, S(75));
        user.saw(Seen::NotReady, S(85));
        assert!(user.wrong.is_empty());
        user.saw(Seen::NotReady, S(86));
        assert_eq!(user.wrong.len(), 1);
    }

    #[test]
    fn whoever_flips_may_come_and_go_until_it_is_over_and_no_longer() {
        let mut user = Readiness::default();
        user.hit(Kind::Flip, S(10), Allowance { holds: S(8), ..KILL });
        for second in 11..18 {
            user.saw(if second % 2 == 0 { Seen::Ready } else { Seen::NotReady }, S(second));
        }
        assert!(user.is_excused() && user.wrong.is_empty());
        user.saw(Seen::Ready, S(18));
        assert_eq!((&user.recoveries[..], user.is_excused()), (&[(Kind::Flip, S(8))][..], false));
        user.saw(Seen::NotReady, S(19));
        assert_eq!(user.wrong, [(S(19), Wrong::WithoutReason)]);
    }

    #[test]
    fn a_slow_machine_gives_who_recovers_more_time_and_excuses_nobody_else() {
        let mut user = Readiness::default();
        user.postpone(S(10));
        assert!(!user.is_excused());
        user.hit(Kind::KillWorker, S(0), KILL);
        user.postpone(S(10));
        user.saw(Seen::NotReady, S(70));
        assert!(user.wrong.is_empty());
        user.saw(Seen::NotReady, S(71));
        assert_eq!(user.wrong.len(), 1);
    }
}
