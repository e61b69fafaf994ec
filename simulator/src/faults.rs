//! Owns the faults that the server itself plays, and which faults may wait for a page.
//! Faults of the page are only passed on; `page/faults.js` plays them.

use crate::clock::now_ms;

/// Faults that wait for a number's next page or last while the number is used.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Milliseconds of synchronising at the next login or resume.
    pub(crate) slow_sync: Option<u64>,
    /// How many of the next sends fail.
    pub(crate) send_failure: u64,
    /// Milliseconds by which the server's answer to a send and the other side's receipts are late.
    pub(crate) ack_delay: u64,
    /// Milliseconds before a send is done at all.
    pub(crate) send_delay: u64,
    /// Milliseconds before the server hears that a page logs out.
    pub(crate) logout_delay: u64,
    /// Until when the number may not log in, in milliseconds since 1970.
    pub(crate) banned_until: u64,
}

impl Waiting {
    /// Takes what was addressed to a page before it was linked.
    pub(crate) fn take_over(&mut self, page: &mut Self) {
        let page = std::mem::take(page);
        self.slow_sync = page.slow_sync.or(self.slow_sync);
        self.send_failure = page.send_failure.max(self.send_failure);
        self.ack_delay = page.ack_delay.max(self.ack_delay);
        self.send_delay = page.send_delay.max(self.send_delay);
        self.logout_delay = page.logout_delay.max(self.logout_delay);
        self.banned_until = page.banned_until.max(self.banned_until);
    }

    /// Sets one of them; a fault that is not the server's changes nothing.
    pub(crate) fn set(&mut self, fault: &str, value: u64) {
        match fault {
            "slow_sync" => self.slow_sync = (value > 0).then_some(value),
            "send_failure" => self.send_failure = value,
            "ack_delay" => self.ack_delay = value,
            "send_delay" => self.send_delay = value,
            "logout_delay" => self.logout_delay = value,
            "temporary_ban" => self.banned_until = if value > 0 { now_ms() + value * 1000 } else { 0 },
            _ => {}
        }
    }
}
