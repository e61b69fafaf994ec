//! [`Attempts`]: wrong keys, by where they come from: how many are answered, and how many lines they are worth.
//!
//! Owns a bounded table of addresses. Pure but for its lock: the time comes in.
//!
//! A made key has 256 bits, so that guessing is hopeless at any speed. One that a person chose in `api_keys` may be a
//! word: after too many wrong ones from an address it is not even compared for a while. **On this machine it always
//! is**: one forgotten program with an old key must not shut out the others beside it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use colmeia_host::shares::neighbourhood;
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

/// How many wrong keys are answered at once.
const BURST: u32 = 10;
/// How long it takes until one more is.
const PAUSE: Duration = Duration::from_secs(6);
/// How many addresses are remembered; who was quiet longest makes room.
const MOST: usize = 1024;
/// How often the same address is worth a line.
const LINE: Duration = Duration::from_secs(60);
/// How many lines there are within that time, whatever the number of addresses.
const LINES: u32 = 20;

/// All of them.
#[derive(Default)]
pub(super) struct Attempts(Mutex<Table>);

#[derive(Default)]
struct Table {
    by: HashMap<IpAddr, Attempt>,
    /// Since when lines are counted, and how many there were.
    lines: Option<(Instant, u32)>,
}

struct Attempt {
    /// How much of the burst is used, as of `last`.
    used: u32,
    last: Instant,
    /// When it was worth a line, and how many were not since then.
    told: Option<Instant>,
    untold: u64,
}

/// What follows from a wrong key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heard {
    /// How long to wait, if it was one too many.
    pub(super) wait: Option<Duration>,
    /// Whether a line is due, and how many this address was not worth one since its last.
    pub(super) line: Option<u64>,
}

impl Attempt {
    /// What is used now: it fills again with time.
    fn used(&self, now: Instant) -> u32 {
        let back = now.saturating_duration_since(self.last).as_secs() / PAUSE.as_secs();
        self.used.saturating_sub(u32::try_from(back).unwrap_or(u32::MAX))
    }
}

impl Attempts {
    /// Notes a wrong key.
    pub(super) fn wrong(&self, from: IpAddr, now: Instant) -> Heard {
        let mut table = self.table();
        let lines = match table.lines {
            Some((since, lines)) if now.saturating_duration_since(since) < LINE => (since, lines),
            _ => (now, 0),
        };
        let key = neighbourhood(from);
        if table.by.len() >= MOST && !table.by.contains_key(&key) {
            let oldest = table.by.iter().min_by_key(|(_, attempt)| attempt.last).map(|(address, _)| *address);
            oldest.map(|address| table.by.remove(&address));
        }
        let attempt = table.by.entry(key).or_insert(Attempt { used: 0, last: now, told: None, untold: 0 });
        let used = attempt.used(now);
        let wait = (used >= BURST).then_some(PAUSE);
        (attempt.used, attempt.last) = ((used + 1).min(BURST), now);
        let due = attempt.told.is_none_or(|told| now.saturating_duration_since(told) >= LINE);
        let line = if due && lines.1 < LINES {
            attempt.told = Some(now);
            Some(std::mem::take(&mut attempt.untold))
        } else {
            attempt.untold += 1;
            None
        };
        table.lines = Some((lines.0, lines.1 + u32::from(line.is_some())));
        Heard { wait, line }
    }

    /// Whether too many came from there lately.
    pub(super) fn exhausted(&self, from: IpAddr, now: Instant) -> bool {
        let table = self.table();
        !from.is_loopback()
            && table.by.get(&neighbourhood(from)).is_some_and(|attempt| attempt.used(now) >= BURST)
    }

    /// A panic while the lock was held leaves counts, and no count is dangerous.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("address")
    }

    #[test]
    fn ten_wrong_keys_and_then_one_every_six_seconds() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        let stranger = ip("203.0.113.9");
        for n in 0..BURST {
            assert!(!attempts.exhausted(stranger, start), "{n}");
            assert_eq!(attempts.wrong(stranger, start).wait, None, "{n}");
        }
        assert!(attempts.exhausted(stranger, start));
        assert_eq!(attempts.wrong(stranger, start).wait, Some(PAUSE));
        assert!(!attempts.exhausted(ip("203.0.113.10"), start), "it is nobody else's fault");
        assert!(attempts.exhausted(stranger, start + PAUSE - Duration::from_secs(1)));
        assert_eq!(attempts.wrong(stranger, start + PAUSE).wait, None);
        assert_eq!(attempts.wrong(stranger, start + PAUSE).wait, Some(PAUSE));
        assert!(!attempts.exhausted(stranger, start + PAUSE * 3));
    }

    #[test]
    fn a_program_of_this_machine_shuts_nobody_out() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        for _ in 0..100 {
            attempts.wrong(ip("127.0.0.1"), start);
        }
        assert_eq!(attempts.wrong(ip("127.0.0.1"), start).wait, Some(PAUSE));
        assert!(!attempts.exhausted(ip("127.0.0.1"), start));
    }

    #[test]
    fn of_ipv6_a_network_is_one_caller() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        for n in 0..BURST {
            attempts.wrong(ip(&format!("2001:db8::{n:x}")), start);
        }
        assert!(attempts.exhausted(ip("2001:db8::ffff"), start));
        assert!(!attempts.exhausted(ip("2001:db8:0:1::1"), start));
        assert_eq!(neighbourhood(ip("::ffff:203.0.113.9")), ip("203.0.113.9"));
    }

    #[test]
    fn there_are_few_lines_and_little_memory_however_many_there_are() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        assert_eq!(attempts.wrong(ip("203.0.113.9"), start).line, Some(0));
        for _ in 0..1000 {
            assert_eq!(attempts.wrong(ip("203.0.113.9"), start).line, None);
        }
        let many = (0..5000_u32).map(|n| IpAddr::from((0x0A00_0000 + n).to_be_bytes()));
        let lines = many.filter(|from| attempts.wrong(*from, start).line.is_some()).count();
        assert_eq!(lines, LINES as usize - 1, "one was told already");
        assert_eq!(attempts.table().by.len(), MOST);
        let (attempts, later) = (Attempts::default(), start + LINE);
        attempts.wrong(ip("203.0.113.9"), start);
        attempts.wrong(ip("203.0.113.9"), start);
        assert_eq!(attempts.wrong(ip("203.0.113.9"), later).line, Some(1), "what was not told is counted");
    }
}
