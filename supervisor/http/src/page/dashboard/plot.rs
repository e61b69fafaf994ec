//! [`Plot`]: a session's memory over the last day, with its limit and its restarts, as SVG. Pure.

use std::fmt::Write as _;

use super::super::super::negotiate::Language::{self, English, Portuguese};
use super::super::super::trends::STEP;
use colmeia_events::journal::{SAMPLES_KEPT_SECS, Sample};

/// A day, one for each look.
#[allow(clippy::cast_lossless, reason = "there is no other in a constant")]
const WIDTH: i64 = SAMPLES_KEPT_SECS as i64 / SECS;
const SECS: i64 = STEP.as_secs().cast_signed();
/// After so many seconds without a sample nothing was measured: a look that came late is no gap.
const GAP: i64 = 2 * SECS + SECS / 2;
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
    pub(super) fn of(samples: &[Sample], now_ms: i64, cap: Option<u64>, language: Language) -> Option<Self> {
        let known: Vec<u64> = samples.iter().map(|sample| sample.memory_mib.into()).collect();
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
        Some(Self { drawing: draw(samples, now_ms / 1000, cap, top, &words), words, top })
    }
}

/// Where the worker had been started again since the sample before, and how often. A supervisor that begins counts anew.
fn changes(samples: &[Sample]) -> impl Iterator<Item = (&Sample, u16)> {
    samples.windows(2).filter_map(|pair| {
        let more = pair[1].restarts.saturating_sub(pair[0].restarts);
        (more > 0).then_some((&pair[1], more))
    })
}

/// The right edge is now. The words are ours, so nothing has to be escaped.
fn draw(samples: &[Sample], now_secs: i64, cap: Option<u64>, top: u64, words: &str) -> String {
    let x = |sample: &Sample| (WIDTH - (now_secs - i64::from(sample.at_secs)) / SECS).clamp(0, WIDTH);
    let y = |mib: u64| HEIGHT - mib.min(top) * HEIGHT / top;
    let mut line = String::new();
    let mut before: Option<&Sample> = None;
    for sample in samples {
        let goes_on =
            before.is_some_and(|before| i64::from(sample.at_secs) - i64::from(before.at_secs) <= GAP);
        // Writing into a String does not fail.
        let _ =
            write!(line, "{}{} {}", if goes_on { 'L' } else { 'M' }, x(sample), y(sample.memory_mib.into()));
        before = Some(sample);
    }
    let mut marks = String::new();
    for (sample, _) in changes(samples) {
        let _ = write!(marks, "M{} 0v{HEIGHT}", x(sample));
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

    const NOW: i64 = 1_000_000;

    /// So many looks ago.
    fn sample(looks: i64, memory_mib: u16, restarts: u16) -> Sample {
        Sample { at_secs: u32::try_from(NOW - looks * SECS).expect("small"), memory_mib, restarts }
    }

    #[test]
    fn memory_is_a_line_with_gaps_and_restarts_are_marks() {
        let samples =
            [sample(9, 100, 0), sample(8, 200, 0), sample(4, 50, 3), sample(3, 60, 0), sample(1, 70, 1)];
        let drawn = |cap, language| Plot::of(&samples, NOW * 1000, cap, language);
        let plot = drawn(Some(400), English).expect("enough");
        assert_eq!(plot.words, "Memory from 50 to 200 MiB; restarts: 4");
        assert!(
            plot.drawing.contains(r#"d="M711 90L712 60M716 105L717 102L719 99""#),
            "a late look is no gap: {}",
            plot.drawing
        );
        assert!(plot.drawing.contains(r#"d="M716 0v120M719 0v120""#), "{}", plot.drawing);
        assert!(plot.drawing.contains(r#"d="M0 0H720""#) && plot.top == 400);
        assert!(drawn(None, Portuguese).is_some_and(|plot| plot.top == 200));
        assert!(Plot::of(&samples[..1], NOW * 1000, None, English).is_none());
        assert!(Plot::of(&[], NOW * 1000, None, English).is_none());
        let old = Plot::of(&[sample(720, 1, 0), sample(719, 1, 0)], NOW * 1000, None, English);
        assert!(old.is_some_and(|plot| plot.drawing.contains("M0 0L1 0")), "the left edge is a day ago");
    }
}
