//! Percentiles and how they are printed. Pure.

use std::time::Duration;

/// What waiting came to: the median and the 99th percentile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waits {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

impl Waits {
    /// Of at least one sample.
    pub(crate) fn of(mut samples: Vec<Duration>) -> Self {
        samples.sort_unstable();
        // The nearest rank: the smallest sample that so many hundredths do not exceed.
        let rank = |hundredths: usize| samples[(samples.len() * hundredths).div_ceil(100).max(1) - 1];
        Self { p50: rank(50), p99: rank(99) }
    }

    /// Both beside their multiples of what they were with the fewest users.
    pub(crate) fn beside(self, first: Self) -> String {
        let one = |now: Duration, then: Duration| {
            format!("{:8.2} ms ({:5.2} ×)", now.as_secs_f64() * 1e3, now.as_secs_f64() / then.as_secs_f64())
        };
        format!("p50 {}  p99 {}", one(self.p50, first.p50), one(self.p99, first.p99))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_by_the_nearest_rank() {
        let waits = Waits::of((1..=200).rev().map(Duration::from_millis).collect());
        let (p50, p99) = (Duration::from_millis(100), Duration::from_millis(198));
        assert_eq!(waits, Waits { p50, p99 });
        let alone = Waits::of(vec![p50]);
        assert_eq!((alone.p50, alone.p99), (p50, p50));
        assert!(waits.beside(alone).contains("( 1.98 ×)"), "{}", waits.beside(alone));
    }
}
