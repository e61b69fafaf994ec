//! Numbers and times as people read them. Pure.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `-` for nothing.
pub(crate) fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".into(), |value| value.to_string())
}

/// `312M`, `1.4G`.
pub(crate) fn bytes(bytes: u64) -> String {
    #[allow(clippy::cast_precision_loss)] // rounded anyway
    let mib = bytes as f64 / (1024.0 * 1024.0);
    if mib < 1000.0 { format!("{mib:.0}M") } else { format!("{:.1}G", mib / 1024.0) }
}

/// The same where less than a MiB matters.
pub(crate) fn size(size: u64) -> String {
    if size < 1024 * 1024 { format!("{}K", size.div_ceil(1024)) } else { bytes(size) }
}

/// `42s`, `7m`, `3h12m`, `2d4h`.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m"),
        (0, ..) => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{}h", hours % 24),
    }
}

/// How long ago this was.
pub(crate) fn ago(since_ms: u64) -> String {
    let then = UNIX_EPOCH + Duration::from_millis(since_ms);
    span(SystemTime::now().duration_since(then).unwrap_or_default())
}

/// How long it takes until then.
pub(crate) fn until(then_ms: u64) -> String {
    let then = UNIX_EPOCH + Duration::from_millis(then_ms);
    span(then.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!((bytes(312 << 20), bytes(1434 << 20)), ("312M".into(), "1.4G".into()));
        let spans = [5, 65, 3 * 3600 + 125, 2 * 86_400 + 4 * 3600].map(|s| span(Duration::from_secs(s)));
        assert_eq!(spans, ["5s", "1m", "3h02m", "2d4h"]);
        assert_eq!((or_dash(None::<u32>), or_dash(Some(7))), ("-".into(), "7".into()));
    }
}
