//! Whose the workers' processes and files are: [`WorkerUids`] is what an operator sets, [`Ownership`] what a worker
//! is told.
//!
//! Owns the keys' texts and the default range. Looks at no process and no file.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Whether each user's worker and browser run as a user id of the system of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum WorkerUids {
    /// With ids of a range as [`UidRange::auto`] gives it, where the supervisor has the privilege and nothing is in the way.
    Auto,
    /// All as the supervisor's own user.
    Off,
    /// With ids of this range. An error where that is not possible.
    Range(UidRange),
}

/// Ids from the first to the last, both among them. The group ids are the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UidRange {
    /// The smallest.
    pub first: u32,
    /// The largest.
    pub last: u32,
}

impl UidRange {
    /// Where the ranges of [`Self::auto`] begin: above what containers (systemd: up to 1,879,048,191) and
    /// `/etc/subuid` (shadow: up to 600,100,000) are given.
    const AUTO_FIRST: u32 = 1_900_000_000;
    /// How many ids one of them has.
    const AUTO_COUNT: u32 = 65_536;
    /// How many of them there are, so that they end below the ids that systemd keeps for foreign images
    /// (2,147,352,576).
    const AUTO_RANGES: u32 = 3_000;

    /// One of many ranges, chosen by a number that is the service's own: what ends a user's leftovers goes by its
    /// user id, so two services of one machine must not give the same.
    #[must_use]
    pub fn auto(choice: u32) -> Self {
        let first = Self::AUTO_FIRST + choice % Self::AUTO_RANGES * Self::AUTO_COUNT;
        Self { first, last: first + Self::AUTO_COUNT - 1 }
    }

    /// Whether the id is one of them.
    #[must_use]
    pub fn contains(self, uid: u32) -> bool {
        (self.first..=self.last).contains(&uid)
    }

    /// How many there are.
    #[must_use]
    pub fn count(self) -> u64 {
        u64::from(self.last) - u64::from(self.first) + 1
    }
}

/// Not a value of `worker_uids`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be \"auto\", \"off\", or a range of user ids from 1000 on without 65534 and 65535, such as \"200000-265535\""
)]
pub struct NoWorkerUids;

impl FromStr for WorkerUids {
    type Err = NoWorkerUids;

    fn from_str(text: &str) -> Result<Self, NoWorkerUids> {
        match text {
            "auto" => return Ok(Self::Auto),
            "off" => return Ok(Self::Off),
            _ => {}
        }
        let (first, last) = text.split_once('-').ok_or(NoWorkerUids)?;
        let number = |text: &str| text.trim().parse::<u32>().map_err(|_| NoWorkerUids);
        let range = UidRange { first: number(first)?, last: number(last)? };
        // People and services lie below; 65534 is nobody's, 65535 and the last one mean "no id" to the kernel.
        let fine = range.first >= 1000
            && range.first <= range.last
            && range.last < u32::MAX
            && !range.contains(65_534)
            && !range.contains(65_535);
        if fine { Ok(Self::Range(range)) } else { Err(NoWorkerUids) }
    }
}

impl TryFrom<String> for WorkerUids {
    type Error = NoWorkerUids;

    fn try_from(text: String) -> Result<Self, NoWorkerUids> {
        text.parse()
    }
}

impl From<WorkerUids> for String {
    fn from(uids: WorkerUids) -> Self {
        uids.to_string()
    }
}

impl fmt::Display for WorkerUids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Off => f.write_str("off"),
            Self::Range(UidRange { first, last }) => write!(f, "{first}-{last}"),
        }
    }
}

/// What a worker does about the owner of its user's directories, before anything else is done in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// Nothing.
    #[default]
    Keep,
    /// It gives them to this user and group id, and becomes that user.
    Own {
        /// The number of both.
        uid: u32,
        /// Who may speak to the worker from then on, besides root.
        supervisor: u32,
    },
    /// It gives back what belongs to `uid` from a time when the user had one of its own.
    GiveBack {
        /// Whose it is.
        uid: u32,
        /// Whose it becomes.
        to_uid: u32,
        /// The group that it gets.
        to_gid: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_words_and_a_range_are_understood_and_nothing_else() {
        for text in ["auto", "off", "200000-265535", "1000-1000"] {
            assert_eq!(text.parse::<WorkerUids>().map(|uids| uids.to_string()), Ok(text.into()));
        }
        for text in
            ["", "on", "0-10", "999-2000", "5-", "3000-2000", "60000-70000", "1000-4294967295", "-1-2"]
        {
            assert_eq!(text.parse::<WorkerUids>(), Err(NoWorkerUids), "{text}");
        }
    }

    #[test]
    fn the_ranges_that_are_chosen_do_not_meet_and_end_in_time() {
        assert_eq!(UidRange::auto(1).first, UidRange::auto(0).last + 1);
        assert_eq!(UidRange::auto(3_000), UidRange::auto(0));
        assert_eq!(UidRange::auto(5).count(), 65_536);
        assert!(UidRange::auto(2_999).last < 2_147_352_576);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(first in 1000u32..60_000, more in 0u32..5_000) {
            let uids = WorkerUids::Range(UidRange { first, last: first + more });
            prop_assert_eq!(uids.to_string().parse(), Ok(uids));
        }
    }
}
