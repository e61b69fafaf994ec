//! How long each trouble may last: sums of what is configured, and of nothing else. Pure.

use std::time::Duration;

use colmeia::config::ServiceConfig;

use crate::schedule::{Kind, USERS};

/// How long after its end a service manager starts the supervisor again; as in `systemd/colmeia.service`.
pub(crate) const RESTART_SEC: Duration = Duration::from_secs(1);
/// The longest pause before the supervisor tries again what the machine did not let it do.
const PAUSE: Duration = Duration::from_secs(30);
/// How fast a leaking page takes memory, in MiB per second of its own time.
pub(crate) const LEAK: u64 = 60;
/// How many times slower a page's own time may go than ours: it shares two cores with seven others.
const SLOWNESS: u32 = 10;

/// What a disturbance excuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// How long it may go unnoticed: what is still ready then was not hit.
    pub(crate) notice: Duration,
    /// How long until the user is ready again.
    pub(crate) recover: Duration,
    /// Whether that counts from the moment in which it is noticed.
    pub(crate) from_notice: bool,
    /// How long it goes on being done: who is ready meanwhile may be so for a moment only.
    pub(crate) holds: Duration,
}

impl Allowance {
    /// Nothing.
    pub(crate) const NONE: Self =
        Self { notice: Duration::ZERO, recover: Duration::ZERO, from_notice: false, holds: Duration::ZERO };
}

/// What `kind` excuses when so many users are waiting to be started already.
pub(crate) fn allowance(config: &ServiceConfig, kind: Kind, waiting: usize, lasts: Duration) -> Allowance {
    let ms = Duration::from_millis;
    let deadlines = &config.deadlines;
    let (launch, load, sync) = (ms(deadlines.launch_ms), ms(deadlines.load_ms), ms(deadlines.sync_ms));
    // A start holds its place until it has settled, at most this long.
    let rounds = u32::try_from(waiting.div_ceil(config.max_starting)).unwrap_or(u32::MAX);
    let queue = (launch + load) * rounds;
    let start = ms(config.hello_deadline_ms) + launch + load + sync;
    let restart = ms(config.restart.cap_ms) + queue + start;
    let probe = ms(deadlines.probe_interval_ms) + ms(deadlines.probe_timeout_ms) * 2;
    // "Ready" is never older than this.
    let fresh = probe + ms(config.ping_interval_ms) + ms(config.ping_timeout_ms);
    let (notice, recover) = match kind {
        Kind::KillWorker => (fresh, restart),
        Kind::KillBrowser => (fresh, ms(deadlines.close_ms) + restart),
        Kind::KillRenderer => (fresh, probe + load + sync + restart),
        Kind::Hang => (fresh, probe + ms(deadlines.hang_ms) + load + sync + restart),
        Kind::Leak => {
            let fills = Duration::from_secs(config.memory.max_mb / LEAK);
            (fills * SLOWNESS, ms(config.memory.poll_ms) + restart)
        }
        Kind::LogOut => {
            let linking = ms(deadlines.logout_ms) + load + ms(deadlines.qr_ms) + ms(deadlines.pair_ms) + sync;
            (fresh, linking + restart)
        }
        Kind::KillSupervisor => (fresh, RESTART_SEC + restart),
        // What is under way is finished first.
        Kind::Reload => (ms(config.request_deadline_ms) + fresh, ms(config.request_deadline_ms) + restart),
        // Also for a replacement, which follows when there is room: `lasts` is nothing then.
        Kind::DiskFull => (lasts + fresh, lasts + restart),
        // The connection itself stays: what is shown at the end is true.
        Kind::Flip => (lasts, lasts + fresh + restart),
        // These end nobody's being ready: see `hindrance`.
        Kind::ReceiverDown
        | Kind::NamesAway
        | Kind::DiskSlow
        | Kind::DiskErrors
        | Kind::FewDescriptors
        | Kind::Flood => return Allowance::NONE,
    };
    let holds = if kind == Kind::Flip { lasts } else { Duration::ZERO };
    Allowance { notice, recover, from_notice: kind == Kind::Leak, holds }
}

/// How much longer everything takes that begins or goes on during an outage, for those who are not ready anyway.
pub(crate) fn hindrance(kind: Kind, lasts: Duration) -> Duration {
    match kind {
        // The supervisor is started again until the disk lets it, at most a pause later; and calls to the disk are repeated.
        Kind::DiskSlow | Kind::DiskErrors => lasts + PAUSE,
        // Nobody starts until there are some again: looked at after pauses, and calm for a while (`shortage`).
        Kind::FewDescriptors => lasts + 2 * PAUSE,
        Kind::Flood => lasts,
        _ => Duration::ZERO,
    }
}

/// How long a reload may keep callers waiting: what is under way is finished first.
pub(crate) fn reload(config: &ServiceConfig) -> Duration {
    const FAREWELL: Duration = Duration::from_secs(15);
    Duration::from_millis(config.request_deadline_ms) + FAREWELL
}

/// How long after a disk was full every session that ran meanwhile may take to be replaced: each waits for a quiet moment
/// at most so long (the lifecycle), for those before it, and for what the supervisor itself suffers from meanwhile.
pub(crate) fn replacement(config: &ServiceConfig) -> Duration {
    const QUIET: Duration = Duration::from_secs(60);
    QUIET + allowance(config, Kind::KillSupervisor, USERS, Duration::ZERO).recover
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_behind_others_may_take_longer_and_nobody_for_ever() {
        let config = ServiceConfig::default();
        let bound = |waiting| allowance(&config, Kind::KillWorker, waiting, Duration::ZERO).recover;
        assert!(bound(0) < bound(1));
        assert_eq!(bound(1), bound(2), "two start at once");
        assert!(bound(2) < bound(8));
        for kind in Kind::ALL {
            let longest = Duration::from_secs(30 * 60);
            assert!(allowance(&config, kind, 8, Duration::from_secs(9)).recover < longest, "{kind}");
        }
    }
}
