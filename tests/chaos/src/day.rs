//! A day in an hour: what the programs take over a long time, and whether it stays the same. Pure but for the looking
//! (`samples`).
//!
//! Trouble comes seldom. What ends a supervisor comes in the first quarter, so that one and the same lives through the other
//! three. Then the second quarter is held against the last one: the means of both without their highest and lowest tenth,
//! for a flood or a full disk lasts for seconds. Each measure may have grown by a share of it and a little more.

use std::time::Duration;

/// Shorter runs show their figures and are not judged: what has a cap has not reached it by then.
const JUDGED: Duration = Duration::from_secs(30 * 60);
/// The share of samples that is left out at either end.
const TRIMMED: usize = 10;
/// How many samples a quarter has at least; fewer say nothing.
const ENOUGH: usize = 5;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Measure {
    SupervisorFiles,
    SupervisorThreads,
    SupervisorTasks,
    SupervisorKib,
    WorkerFiles,
    WorkerThreads,
    WorkerKib,
    JournalRows,
    JournalKib,
    SpoolKib,
    StateKib,
}

impl Measure {
    pub(crate) const ALL: [Self; 11] = [
        Self::SupervisorFiles,
        Self::SupervisorThreads,
        Self::SupervisorTasks,
        Self::SupervisorKib,
        Self::WorkerFiles,
        Self::WorkerThreads,
        Self::WorkerKib,
        Self::JournalRows,
        Self::JournalKib,
        Self::SpoolKib,
        Self::StateKib,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SupervisorFiles => "supervisor: open files",
            Self::SupervisorThreads => "supervisor: threads",
            Self::SupervisorTasks => "supervisor: tasks",
            Self::SupervisorKib => "supervisor: resident KiB",
            Self::WorkerFiles => "a worker: open files",
            Self::WorkerThreads => "a worker: threads",
            Self::WorkerKib => "a worker: resident KiB",
            Self::JournalRows => "journal: rows",
            Self::JournalKib => "journal: KiB",
            Self::SpoolKib => "spools: KiB",
            Self::StateKib => "state directory: KiB",
        }
    }

    /// By what share, and by how much beside, the last quarter may be above the second.
    fn tolerance(self) -> (f64, f64) {
        match self {
            Self::SupervisorFiles => (0.10, 8.0),
            Self::SupervisorThreads => (0.10, 3.0),
            Self::SupervisorTasks => (0.10, 16.0),
            Self::SupervisorKib => (0.10, 4096.0),
            Self::WorkerFiles => (0.05, 2.0),
            Self::WorkerThreads => (0.05, 1.0),
            Self::WorkerKib => (0.10, 2048.0),
            Self::JournalRows => (0.15, 200.0),
            Self::JournalKib => (0.15, 1024.0),
            Self::SpoolKib => (0.25, 256.0),
            // Nearly all of it is Chromium's.
            Self::StateKib => (0.15, 16384.0),
        }
    }
}

/// What was seen at one time.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) at: Duration,
    pub(crate) values: Vec<(Measure, f64)>,
}

/// One measure at the end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) measure: Measure,
    pub(crate) second: f64,
    pub(crate) last: f64,
    pub(crate) allowed: f64,
}

impl Line {
    fn has_grown(&self) -> bool {
        self.last > self.allowed
    }
}

/// The lines of all measures, and what is wrong with them.
pub(crate) fn account(samples: &[Sample], length: Duration) -> (Vec<Line>, Vec<String>) {
    let (mut lines, mut wrong) = (Vec::new(), Vec::new());
    let quarter = length / 4;
    for measure in Measure::ALL {
        let of = |from: Duration, until: Duration| {
            let seen = samples.iter().filter(|sample| (from..until).contains(&sample.at));
            let values = seen.flat_map(|sample| &sample.values).filter(|(of, _)| *of == measure);
            mean(values.map(|(_, value)| *value).collect())
        };
        let (Some(second), Some(last)) = (of(quarter, quarter * 2), of(quarter * 3, length)) else {
            wrong.push(format!("{} was not seen often enough", measure.name()));
            continue;
        };
        let (share, more) = measure.tolerance();
        let line = Line { measure, second, last, allowed: second * (1.0 + share) + more };
        if line.has_grown() && length >= JUDGED {
            let name = measure.name();
            wrong.push(format!("{name} went from {second:.1} to {last:.1}; {:.1} is allowed", line.allowed));
        }
        lines.push(line);
    }
    (lines, wrong)
}

/// Without the highest and the lowest.
fn mean(mut values: Vec<f64>) -> Option<f64> {
    if values.len() < ENOUGH {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let left_out = values.len() / TRIMMED;
    let kept = &values[left_out..values.len() - left_out];
    Some(kept.iter().sum::<f64>() / f64::from(u32::try_from(kept.len()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every second one, each measure as this says.
    fn samples(length: Duration, value: impl Fn(Measure, u64) -> f64) -> Vec<Sample> {
        let at = |second: u64| Sample {
            at: Duration::from_secs(second),
            values: Measure::ALL.into_iter().map(|measure| (measure, value(measure, second))).collect(),
        };
        (0..length.as_secs()).step_by(10).map(at).collect()
    }

    #[test]
    fn what_grows_is_named_and_what_is_flat_is_not() {
        let hour = Duration::from_secs(3600);
        let slow = |measure, second: u64| {
            let grows = measure == Measure::SupervisorKib;
            40_000.0 + if grows { f64::from(u32::try_from(second).expect("small")) * 5.0 } else { 0.0 }
        };
        let (lines, wrong) = account(&samples(hour, slow), hour);
        assert_eq!(lines.len(), Measure::ALL.len());
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(wrong[0].starts_with("supervisor: resident KiB went from 46"), "{wrong:?}");
        // It fell: nothing is wrong with that.
        let falls = |_, second: u64| 40_000.0 - f64::from(u32::try_from(second).expect("small"));
        assert_eq!(account(&samples(hour, falls), hour).1, Vec::<String>::new());
    }

    #[test]
    fn a_short_outage_is_no_growth_and_a_short_run_is_not_judged() {
        let hour = Duration::from_secs(3600);
        let flood = |_, second: u64| if (3_000..3_060).contains(&second) { 2_000.0 } else { 100.0 };
        assert_eq!(account(&samples(hour, flood), hour).1, Vec::<String>::new());
        let short = Duration::from_secs(600);
        let steep = |_, second: u64| f64::from(u32::try_from(second * second).expect("small"));
        let (lines, wrong) = account(&samples(short, steep), short);
        assert!(wrong.is_empty() && lines.iter().all(Line::has_grown), "{wrong:?}");
        assert_eq!(account(&samples(hour, steep), hour).1.len(), Measure::ALL.len());
    }

    #[test]
    fn what_was_hardly_seen_is_not_called_flat() {
        let hour = Duration::from_secs(3600);
        let mut seen = samples(hour, |_, _| 1.0);
        seen.retain(|sample| sample.at < Duration::from_secs(2_730));
        let (lines, wrong) = account(&seen, hour);
        assert!(lines.is_empty());
        assert_eq!(wrong.len(), Measure::ALL.len());
    }
}
