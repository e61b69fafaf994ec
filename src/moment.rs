//! Moments: the present one in milliseconds, and any one in words, the date and the minute in UTC, as people are told when
//! something ends.

use std::time::{SystemTime, UNIX_EPOCH};

/// The last millisecond that is written out: of the year 9999.
const LAST_MS: u64 = 253_402_300_799_999;

/// Now, in milliseconds since the epoch; 0 on a machine whose clock stands before it.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A moment's date and minute, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minute {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
}

impl Minute {
    /// Of so many milliseconds since the epoch; what is too far away is the end of the year 9999.
    #[must_use]
    pub fn of(ms: u64) -> Self {
        let minutes = ms.min(LAST_MS) / 60_000;
        let (mut days, of_day) = (minutes / 1440, minutes % 1440);
        let is_leap =
            |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let mut year = 1970;
        loop {
            let length = if is_leap(year) { 366 } else { 365 };
            if days < length {
                break;
            }
            days -= length;
            year += 1;
        }
        let february = if is_leap(year) { 29 } else { 28 };
        let mut month = 1;
        for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
            if days < length {
                break;
            }
            days -= length;
            month += 1;
        }
        Self { year, month, day: days + 1, hour: of_day / 60, minute: of_day % 60 }
    }

    /// `2026-11-30 14:05 UTC`.
    #[must_use]
    pub fn english(self) -> String {
        let Self { year, month, day, hour, minute } = self;
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
    }

    /// `30/11/2026 14:05 (UTC)`.
    #[must_use]
    pub fn portuguese(self) -> String {
        let Self { year, month, day, hour, minute } = self;
        format!("{day:02}/{month:02}/{year:04} {hour:02}:{minute:02} (UTC)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, english) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_709_251_199, "2024-02-29 23:59 UTC"),
            (1_767_225_600, "2026-01-01 00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
            (253_402_300_799, "9999-12-31 23:59 UTC"),
        ] {
            assert_eq!(Minute::of(seconds * 1000).english(), english);
        }
        assert_eq!(Minute::of(u64::MAX).portuguese(), "31/12/9999 23:59 (UTC)");
    }
}
