//! What happens when: a list that follows from the seed alone. Pure.
//!
//! Disturbances are dealt from a shuffled deck, so that each kind has its turn in every round of the deck. A user that was
//! hit is left alone for a while, so that each recovery can be told apart; the supervisor's troubles meet whoever
//! is just recovering.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};

/// How many users there are; their ids are `1` to this.
pub(crate) const USERS: usize = 8;
/// The shortest and the longest time between two disturbances, in milliseconds; and where they are to be seldom.
const BETWEEN: (u64, u64) = (2_500, 6_000);
const SELDOM: (u64, u64) = (20_000, 40_000);
/// How long a user that was hit is left alone.
const USER_REST: Duration = Duration::from_secs(25);
/// How long the supervisor is left alone.
const SUPERVISOR_REST: Duration = Duration::from_secs(12);
/// How long something of the machine's, or a page, is out of order, in milliseconds.
const OUTAGE: (u64, u64) = (5_000, 12_000);

/// A disturbance, without whom it hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    KillWorker,
    KillBrowser,
    KillRenderer,
    KillSupervisor,
    Reload,
    Hang,
    Leak,
    LogOut,
    Flip,
    ReceiverDown,
    NamesAway,
    DiskFull,
    DiskSlow,
    DiskErrors,
    FewDescriptors,
    Flood,
}

impl Kind {
    /// All of them, in the order of the figures.
    pub(crate) const ALL: [Self; 16] = [
        Self::KillWorker,
        Self::KillBrowser,
        Self::KillRenderer,
        Self::Hang,
        Self::Leak,
        Self::LogOut,
        Self::Flip,
        Self::KillSupervisor,
        Self::Reload,
        Self::ReceiverDown,
        Self::NamesAway,
        Self::DiskFull,
        Self::DiskSlow,
        Self::DiskErrors,
        Self::FewDescriptors,
        Self::Flood,
    ];

    /// Whether it hits one user, and not the service.
    pub(crate) fn is_of_one_user(self) -> bool {
        !self.is_outage() && !matches!(self, Self::KillSupervisor | Self::Reload)
    }

    /// Whether something that all share is out of order for a while; one such thing at a time.
    fn is_outage(self) -> bool {
        matches!(
            self,
            Self::ReceiverDown
                | Self::NamesAway
                | Self::DiskFull
                | Self::DiskSlow
                | Self::DiskErrors
                | Self::FewDescriptors
                | Self::Flood
        )
    }

    /// Whether a supervisor ends by it, or may.
    fn ends_a_supervisor(self) -> bool {
        matches!(self, Self::KillSupervisor | Self::Reload | Self::DiskSlow | Self::DiskErrors)
    }

    /// Whether it takes mounts of our own, and so root.
    pub(crate) fn takes_root(self) -> bool {
        matches!(self, Self::NamesAway | Self::DiskFull)
    }

    /// Whether it may leave no trace in anybody's readiness, so that it has to be seen elsewhere that it was felt at all.
    pub(crate) fn leaves_a_mark(self) -> bool {
        matches!(
            self,
            Self::Flip
                | Self::NamesAway
                | Self::DiskSlow
                | Self::DiskErrors
                | Self::FewDescriptors
                | Self::Flood
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::KillWorker => "worker killed",
            Self::KillBrowser => "browser killed",
            Self::KillRenderer => "renderer killed",
            Self::KillSupervisor => "supervisor killed",
            Self::Reload => "reload",
            Self::Hang => "page hangs",
            Self::Leak => "page leaks",
            Self::LogOut => "phone logs out",
            Self::Flip => "page flips",
            Self::ReceiverDown => "receiver down",
            Self::NamesAway => "name server away",
            Self::DiskFull => "disk full",
            Self::DiskSlow => "disk slow",
            Self::DiskErrors => "disk errors",
            Self::FewDescriptors => "few descriptors",
            Self::Flood => "stream flood",
        })
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.to_string() == text)
            .ok_or_else(|| format!("one of: {}", Self::ALL.map(|kind| kind.to_string()).join(", ")))
    }
}

/// One disturbance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Planned {
    /// Since the beginning.
    pub(crate) at: Duration,
    pub(crate) kind: Kind,
    /// Whom it hits: an index below [`USERS`]; of no meaning where it hits the service.
    pub(crate) user: usize,
    /// How long an outage lasts.
    pub(crate) lasts: Duration,
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:7.2} s  {}", self.at.as_secs_f64(), self.kind)?;
        if self.kind.is_of_one_user() {
            write!(f, ", user {}", self.user + 1)?;
        }
        Ok(())
    }
}

/// How much trouble there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As much as there can be.
    Often,
    /// Seldom, and after this time nothing by which a supervisor ends.
    Seldom { same_supervisor_from: Duration },
}

/// The schedule of this seed; of these kinds, where some are named. A longer one begins as the shorter one does.
pub(crate) fn of(seed: u64, length: Duration, root: bool, only: &[Kind], pace: Pace) -> Vec<Planned> {
    use Kind::{KillBrowser, KillRenderer, KillWorker};
    let mut cards = Kind::ALL.to_vec();
    cards.extend([KillWorker, KillBrowser, KillRenderer]);
    cards.retain(|kind| root || !kind.takes_root());
    cards.retain(|kind| only.is_empty() || only.contains(kind));

    let mut dice = StdRng::seed_from_u64(seed);
    let mut deck: Vec<Kind> = Vec::new();
    let (mut at, mut supervisor_free, mut outage_over) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut free = [Duration::ZERO; USERS];
    let mut planned = Vec::new();
    loop {
        let between = if pace == Pace::Often { BETWEEN } else { SELDOM };
        at += Duration::from_millis(dice.random_range(between.0..=between.1));
        let lasts = Duration::from_millis(dice.random_range(OUTAGE.0..=OUTAGE.1));
        if deck.is_empty() {
            deck.clone_from(&cards);
            deck.shuffle(&mut dice);
        }
        if let Pace::Seldom { same_supervisor_from } = pace
            && at >= same_supervisor_from
            && deck.last().is_some_and(|kind| kind.ends_a_supervisor())
        {
            deck.pop();
            continue;
        }
        let Some(kind) = deck.pop() else { return planned };
        let mut user = 0;
        match kind {
            Kind::KillSupervisor | Kind::Reload => {
                at = at.max(supervisor_free);
                supervisor_free = at + SUPERVISOR_REST;
            }
            _ if kind.is_outage() => {
                at = at.max(outage_over);
                outage_over = at + lasts;
            }
            _ => {
                at = at.max(free.iter().copied().min().unwrap_or_default());
                let rested: Vec<usize> = (0..USERS).filter(|user| free[*user] <= at).collect();
                user = rested.choose(&mut dice).copied().unwrap_or_default();
                free[user] = at + USER_REST;
            }
        }
        if at >= length {
            return planned;
        }
        planned.push(Planned { at, kind, user, lasts });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_seed_means_one_schedule() {
        assert_eq!(of(7, 5 * MINUTE, true, &[], Pace::Often), of(7, 5 * MINUTE, true, &[], Pace::Often));
        assert_ne!(of(7, 5 * MINUTE, true, &[], Pace::Often), of(8, 5 * MINUTE, true, &[], Pace::Often));
        let long = of(7, 60 * MINUTE, true, &[], Pace::Often);
        assert_eq!(
            of(7, MINUTE, true, &[], Pace::Often)[..],
            long[..of(7, MINUTE, true, &[], Pace::Often).len()]
        );
    }

    #[test]
    fn kinds_are_called_by_their_names_and_others_are_left_out() {
        let only = [Kind::DiskErrors, Kind::Flip];
        let planned = of(7, 5 * MINUTE, true, &only, Pace::Often);
        assert!(planned.len() > 20 && planned.iter().all(|planned| only.contains(&planned.kind)));
        assert!(Kind::ALL.into_iter().all(|kind| kind.to_string().parse() == Ok(kind)));
        assert!("nothing".parse::<Kind>().is_err_and(|told| told.contains("disk errors")));
    }

    #[test]
    fn where_trouble_is_seldom_one_supervisor_lives_through_three_quarters_and_meets_all_else() {
        let (hour, from) = (60 * MINUTE, 15 * MINUTE);
        let planned = of(7, hour, true, &[], Pace::Seldom { same_supervisor_from: from });
        let often = of(7, hour, true, &[], Pace::Often);
        assert!(planned.len() > 60 && planned.len() < often.len() / 3, "{}", planned.len());
        for kind in Kind::ALL {
            let mut all = planned.iter().filter(|planned| planned.kind == kind);
            assert!(all.clone().next().is_some(), "{kind}");
            assert_eq!(all.any(|planned| planned.at >= from), !kind.ends_a_supervisor(), "{kind}");
        }
    }

    proptest! {
        #[test]
        fn every_kind_has_its_turn_and_whoever_was_hit_is_left_alone(seed: u64, root: bool) {
            let planned = of(seed, 5 * MINUTE, root, &[], Pace::Often);
            for kind in Kind::ALL {
                let times = planned.iter().filter(|planned| planned.kind == kind).count();
                prop_assert_eq!(times >= 1, root || !kind.takes_root(), "{}: {}", kind, times);
            }
            for (n, one) in planned.iter().enumerate() {
                let mut later = planned[n + 1..].iter();
                if one.kind.is_outage() {
                    let over = one.at + one.lasts;
                    prop_assert!(later.clone().all(|other| !other.kind.is_outage() || other.at >= over));
                }
                prop_assert!(one.at < 5 * MINUTE && one.user < USERS);
                if one.kind.is_of_one_user() {
                    let mut again = later.by_ref().filter(|other| other.kind.is_of_one_user() && other.user == one.user);
                    prop_assert!(again.all(|other| other.at >= one.at + USER_REST));
                }
            }
        }
    }
}
