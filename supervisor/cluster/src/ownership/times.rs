//! How long everything takes. The numbers come from an engine of three nodes on one machine, measured; what
//! holds between the numbers is checked when this file is compiled.

use std::time::Duration;

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// How often a host renews its lease. A compare-and-set takes 1.6 ms at the median and 11 ms at the 99th percentile, so
/// what this costs is a write each three seconds, whatever the number of users.
pub const RENEW_EVERY: Duration = seconds(3);

/// How long one try of a write may take before the next one begins. Its answer may still come, and counts.
pub const TRY: Duration = seconds(2);

/// Since the last good renewal was sent: the users' control groups are frozen. The engine's longest election took 9 s
/// (4 to 9 s; a write gap of 5.9 s after its leader was killed), so no election freezes anybody.
pub const FREEZE: Duration = seconds(12);

/// Since the last good renewal was sent: each worker exits, and its browser with it. It is the worker's own timer, so it
/// runs out also where the supervisor stands still.
pub const DEAD_MAN: Duration = seconds(14);

/// Since the last good renewal was sent: everything that is left is killed, and the epoch is over.
pub const KILL: Duration = seconds(18);

/// Since an observer last saw the record change: it may fence the host. Clocks whose rates differ by less than
/// a ninth keep it behind [`KILL`]; by less than three tenths, behind [`DEAD_MAN`].
pub const FENCE: Duration = seconds(20);

/// An observer that sees its own renewals come back less often than this stands before a gap of the engine: two tries
/// and a renewal fit in.
pub const PULSE_GAP: Duration = seconds(7);

/// How much later than the first each next one in the order may claim a user: a claim is written within one try.
pub const RANK_STEP: Duration = seconds(3);

/// How often an owner reads each of its records again.
pub const REREAD: Duration = seconds(30);

/// How often a host that must be empty kills again what is left.
pub const KILL_AGAIN: Duration = seconds(1);

/// How often a browser that does not end is told again to.
pub const STOP_AGAIN: Duration = seconds(10);

/// How often a host that waits for its name to be free reads its record.
pub const LOOK_AGAIN: Duration = seconds(1);

/// How many claims a host has under way at once: at the measured 5,370 claims a second they are answered long before
/// [`TRY`] is over.
pub const CLAIMS_AT_ONCE: usize = 256;

const _: () = {
    assert!(RENEW_EVERY.as_secs() + 2 * TRY.as_secs() <= PULSE_GAP.as_secs(), "two tries fit into a pulse");
    assert!(FREEZE.as_secs() > 9 + TRY.as_secs(), "an election freezes nobody");
    assert!(FREEZE.as_secs() < DEAD_MAN.as_secs() && DEAD_MAN.as_secs() < KILL.as_secs(), "in this order");
    assert!(KILL.as_secs() < FENCE.as_secs(), "everything is gone before anybody else may begin");
};
