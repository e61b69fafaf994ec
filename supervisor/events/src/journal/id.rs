//! [`EventId`]: the name of an event outside, `evt_<ulid>`. Pure.
//!
//! It is made of the time and the place of the event's row, so that no second column and no second index is needed
//! to find the row again, and ids grow with the rows. The journal's own random number is in it too: a journal that
//! is begun anew gives no id twice.
//!
//! ```text
//! 48 bits milliseconds │ 32 bits the journal │ 48 bits the row
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use ulid::Ulid;

const PREFIX: &str = "evt_";
const ROW_BITS: u32 = 48;
const ROW_MASK: u128 = (1 << ROW_BITS) - 1;

/// The name of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(Ulid);

/// A text that is no event's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the id of an event, such as evt_01jd5w3k9q0000000000000001")]
pub struct InvalidEventId;

impl EventId {
    /// The name of a row of this journal.
    pub(super) fn new(created_ms: i64, journal: u32, row: i64) -> Self {
        let row = u128::from(row.unsigned_abs()) & ROW_MASK;
        Self(Ulid::from_parts(created_ms.unsigned_abs(), (u128::from(journal) << ROW_BITS) | row))
    }

    /// When it was made, in milliseconds since the epoch.
    pub fn created_ms(self) -> i64 {
        i64::try_from(self.0.timestamp_ms()).unwrap_or(i64::MAX)
    }

    /// Its row, if it is one of this journal.
    pub(super) fn row_in(self, journal: u32) -> Option<i64> {
        let random = self.0.random();
        (random >> ROW_BITS == u128::from(journal)).then(|| i64::try_from(random & ROW_MASK).unwrap_or(0))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0.to_string().to_ascii_lowercase())
    }
}

impl FromStr for EventId {
    type Err = InvalidEventId;

    fn from_str(text: &str) -> Result<Self, InvalidEventId> {
        let ulid = text.strip_prefix(PREFIX).ok_or(InvalidEventId)?;
        Ulid::from_string(ulid).map(Self).map_err(|_| InvalidEventId)
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_looks_as_clients_expect() {
        let id = EventId::new(1_741_249_702_485, 7, 1).to_string();
        assert!(id.len() == 30 && id.starts_with("evt_01"), "{id}");
        assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{id}");
        for wrong in ["", "evt_", "01jd5w3k9q0000000000000001", "evt_01jd5w3k9q000000000000000u!"] {
            assert_eq!(wrong.parse::<EventId>(), Err(InvalidEventId), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn ids_come_back_and_grow_with_time_and_row(
            ms in 0_i64..1 << 47, later in 0_i64..1000, journal: u32, row in 1_i64..1 << 47, step in 1_i64..1000,
        ) {
            let (id, next) = (EventId::new(ms, journal, row), EventId::new(ms + later, journal, row + step));
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!((id.row_in(journal), id.created_ms()), (Some(row), ms));
            prop_assert_eq!(id.row_in(!journal), None);
            prop_assert!(id < next && id.to_string() < next.to_string());
        }
    }
}
