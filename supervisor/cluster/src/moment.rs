//! [`Moment`]: an instant of `CLOCK_BOOTTIME`, which goes on while the machine is suspended (that of `std` stands still).
//!
//! Owns the arithmetic. Never reads the clock: who decides is told what time it is.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// So long after this machine was switched on. Two moments of different machines, or of different boots, say nothing
/// about each other, so none is ever in a record that others read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment(Duration);

impl Moment {
    /// The moment that came so long after the machine was switched on.
    #[must_use]
    pub const fn since_boot(passed: Duration) -> Self {
        Self(passed)
    }

    /// How much later this is; nothing if it is earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, passed: Duration) -> Self {
        Self(self.0.saturating_add(passed))
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
