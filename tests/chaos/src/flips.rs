//! What the journal has of pages that flipped: a quota of changes, and the rest told as a number. Pure but for the reading.

use std::time::Duration;

use serde_json::Value;

use crate::journal;
use crate::players::client;
use crate::schedule::Kind;
use crate::stage::{Flips, Stage, id};

/// The quota of one session's changes with one supervisor: so many at once, and one more in each such time
/// (`status` in `supervisor/session`).
const AT_ONCE: u64 = 60;
const ONE_MORE: Duration = Duration::from_secs(15);

/// Holds the rows of each page that flipped, and was not looked at yet, to the quota; notes how many flips were joined into
/// others. What the service cannot tell just now waits for the next time.
pub(crate) async fn account(stage: &Stage) {
    let http = client();
    let all = std::mem::take(&mut stage.notes().flips);
    for flips in all {
        let Some(rows) = journal::rows(stage, &http, flips.user, "session.status").await else {
            stage.notes().flips.push(flips);
            continue;
        };
        let (count, joined) = sums(&rows, &flips);
        let mut notes = stage.notes();
        // Who was started meanwhile has a quota of its own.
        let starts =
            notes.starts.iter().filter(|at| flips.from <= **at && **at <= flips.until).count() as u64;
        let most = most(&flips, starts);
        if count > most {
            let what =
                format!("user {}: {count} rows of a page that flips, {most} are allowed", id(flips.user));
            notes.overfull.push((flips.from, what));
        }
        *notes.felt.entry(Kind::Flip).or_default() += count + joined;
        notes.rows.push((count, joined));
    }
}

fn most(flips: &Flips, starts: u64) -> u64 {
    let more = flips.until.saturating_sub(flips.from).as_millis() / ONE_MORE.as_millis() + 1;
    AT_ONCE * (starts + 1) + u64::try_from(more).unwrap_or(u64::MAX)
}

/// How many rows are of this time, and how many changes are told with them and the one after them.
fn sums(rows: &[Value], flips: &Flips) -> (u64, u64) {
    let at = |row: &Value| row["timestamp"].as_u64().unwrap_or_default();
    let joined = |row: &Value| row["payload"]["data"]["joined"].as_u64().unwrap_or_default();
    let during = rows.iter().filter(|row| (flips.from_ms..=flips.until_ms).contains(&at(row)));
    let next = rows.iter().find(|row| at(row) > flips.until_ms);
    (during.clone().count() as u64, during.chain(next).map(joined).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_are_counted_in_their_time_and_what_was_joined_is_told_by_the_next_one_too() {
        let row = |at: u64, joined: Option<u64>| {
            let data = joined.map(|joined| json!({ "joined": joined }));
            json!({"timestamp": at, "payload": {"data": data}})
        };
        let rows = [row(5, Some(100)), row(10, None), row(20, Some(3)), row(31, Some(7)), row(40, Some(100))];
        let s = Duration::from_secs;
        let flips = Flips { user: 0, from: s(1), until: s(31), from_ms: 10, until_ms: 30 };
        assert_eq!(sums(&rows, &flips), (2, 10));
        assert_eq!((most(&flips, 0), most(&flips, 1)), (63, 123));
    }
}
