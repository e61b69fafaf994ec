//! [`Plot`]: a session's memory over the last day, with its limit and its restarts, as SVG. Pure.

use std::fmt::Write as _;

use super::super::super::negotiate::Language::{self, English, Portuguese};
use super::super::super::trends::{MOST, Sample};

const WIDTH: usize = MOST;
const HEIGHT: u64 = 120;

/// A drawing, and what it says.
pub(super) struct Plot {
    /// SVG; it has words for those who do not see it.
    pub(super) drawing: String,
    /// The same in words, below it.
    pub(super) words: String,
    /// What the top of the drawing stands for, in MiB.
    pub(super) top: u64,
}

impl Plot {
    /// Nothing before there are two samples of memory.
    pub(super) fn of(samples: &[Sample], cap: Option<u64>, language: Language) -> Option<Self> {
        let known: Vec<u64> = samples.iter().filter_map(|sample| sample.memory.map(u64::from)).collect();
        let (least, most) = (*known.iter().min()?, *known.iter().max()?);
        if known.len() < 2 {
            return None;
        }
        let restarts: u32 = changes(samples).map(|(_, count)| u32::from(count)).sum();
        let top = cap.unwrap_or_default().max(most).max(1);
        let words = match language {
            Portuguese => format!("Memória de {least} a {most} MiB; reinícios: {restarts}"),
            English => format!("Memory from {least} to {most} MiB; restarts: {restarts}"),
        };
        Some(Self { drawing: draw(samples, cap, top, &words), words, top })
    }
}

/// Where the worker had been started again since the sample before, and how often.
fn changes(samples: &[Sample]) -> impl Iterator<Item = (usize, u16)> {
    samples.windows(2).enumerate().filter_map(|(at, pair)| {
        let more = pair[1].restarts.saturating_sub(pair[0].restarts);
        (more > 0).then_some((at + 1, more))
    })
}

/// The newest sample is at the right edge. The words are ours, so nothing has to be escaped.
fn draw(samples: &[Sample], cap: Option<u64>, top: u64, words: &str) -> String {
    let x = |at: usize| WIDTH - samples.len() + at;
    let y = |mib: u64| HEIGHT - mib.min(top) * HEIGHT / top;
    let mut line = String::new();
    let mut drawn = false;
    for (at, sample) in samples.iter().enumerate() {
        if let Some(memory) = sample.memory {
            // Writing into a String does not fail.
            let _ = write!(line, "{}{} {}", if drawn { 'L' } else { 'M' }, x(at), y(memory.into()));
        }
        drawn = sample.memory.is_some();
    }
    let mut marks = String::new();
    for (at, _) in changes(samples) {
        let _ = write!(marks, "M{} 0v{HEIGHT}", x(at));
    }
    let limit =
        cap.map(|cap| format!(r#"<path class="limit" d="M0 {0}H{WIDTH}"/>"#, y(cap))).unwrap_or_default();
    format!(
        r#"<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{words}">{limit}<path class="restarts" d="{marks}"/><path class="memory" d="{line}"/></svg>"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(memory: Option<u16>, restarts: u16) -> Sample {
        Sample { memory, restarts }
    }

    #[test]
    fn memory_is_a_line_with_gaps_and_restarts_are_marks() {
        let samples = [sample(Some(100), 0), sample(Some(200), 0), sample(None, 1), sample(Some(50), 3)];
        let plot = Plot::of(&samples, Some(400), English).expect("enough");
        assert_eq!(plot.words, "Memory from 50 to 200 MiB; restarts: 3");
        assert!(plot.drawing.contains(r#"d="M716 90L717 60M719 105""#), "{}", plot.drawing);
        assert!(plot.drawing.contains(r#"d="M718 0v120M719 0v120""#), "{}", plot.drawing);
        assert!(plot.drawing.contains(r#"d="M0 0H720""#) && plot.top == 400);
        assert!(Plot::of(&samples, None, Portuguese).is_some_and(|plot| plot.top == 200));
        assert!(Plot::of(&[sample(Some(1), 0)], None, English).is_none());
        assert!(Plot::of(&[sample(None, 0), sample(None, 0)], None, English).is_none());
    }
}
