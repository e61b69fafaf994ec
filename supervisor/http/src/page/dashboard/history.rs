//! [`Bar`]: how much of a time a session was connected, as a drawing and a figure. Pure.
//!
//! Owns what counts: the time in which a session was stopped, or nobody saw it, is neither good nor bad, so it counts for
//! nothing. What waits for a person is not connected.

use std::fmt::Write as _;

use colmeia_events::journal::{HistoryPoint, UNSEEN};

use super::super::super::negotiate::Language::{self, English, Portuguese};
use super::words;

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A time that is looked back at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Past {
    /// The last 24 hours, a cell for each half hour.
    Day,
    /// The last 30 days, a cell for each.
    Month,
}

impl Past {
    /// How long it is.
    pub(super) fn ms(self) -> i64 {
        match self {
            Self::Day => DAY_MS,
            Self::Month => 30 * DAY_MS,
        }
    }

    fn cells(self) -> i64 {
        match self {
            Self::Day => 48,
            Self::Month => 30,
        }
    }

    fn words(self, language: Language) -> &'static str {
        match self {
            Self::Day => language.pick("Últimas 24 horas", "Last 24 hours"),
            Self::Month => language.pick("Últimos 30 dias", "Last 30 days"),
        }
    }
}

/// A drawing, a figure, and how long ago the drawing begins.
pub(super) struct Bar {
    pub(super) title: &'static str,
    /// `99.3 %`; `–` where nothing counts.
    pub(super) figure: String,
    /// SVG; it has words for those who do not see it.
    pub(super) drawing: String,
}

/// Milliseconds of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    up: i64,
    down: i64,
    off: i64,
}

impl Sums {
    fn add(&mut self, status: &str, ms: i64) {
        match status {
            "WORKING" => self.up += ms,
            "STOPPED" => self.off += ms,
            UNSEEN => {}
            _ => self.down += ms,
        }
    }

    /// The colour of a cell.
    fn class(self) -> &'static str {
        match self {
            Self { up: 0, down: 0, off: 0 } => "unseen",
            Self { up: 0, down: 0, .. } => "off",
            Self { down: 0, .. } => "up",
            Self { up: 0, .. } => "down",
            _ => "part",
        }
    }

    /// Cut and not rounded: what failed for a moment was not there all the time.
    fn figure(self, language: Language) -> String {
        let Self { up, down, .. } = self;
        let Some(thousandths) = (up * 1000).checked_div(up + down) else { return "–".into() };
        let point = words::point(language);
        match thousandths % 10 {
            0 => format!("{} %", thousandths / 10),
            tenth => format!("{}{point}{tenth} %", thousandths / 10),
        }
    }
}

impl Bar {
    /// Of a session with this history, the oldest first, until now.
    pub(super) fn of(points: &[HistoryPoint], past: Past, now_ms: i64, language: Language) -> Self {
        let cells = cells(points, past, now_ms);
        let mut all = Sums::default();
        for cell in &cells {
            all.up += cell.up;
            all.down += cell.down;
            all.off += cell.off;
        }
        let (title, figure) = (past.words(language), all.figure(language));
        let connected = match (figure.as_str(), language) {
            ("–", Portuguese) => "nada a mostrar".to_owned(),
            ("–", English) => "nothing to show".to_owned(),
            (figure, Portuguese) => format!("conectada {figure} do tempo"),
            (figure, English) => format!("connected {figure} of the time"),
        };
        let drawing = draw(&cells, &format!("{title}: {connected}"));
        Self { title, figure, drawing }
    }
}

/// What there was in each cell.
fn cells(points: &[HistoryPoint], past: Past, now_ms: i64) -> Vec<Sums> {
    let (count, begin) = (past.cells(), now_ms - past.ms());
    let length = past.ms() / count;
    let mut cells = vec![Sums::default(); usize::try_from(count).unwrap_or_default()];
    for (at, point) in points.iter().enumerate() {
        let end = points.get(at + 1).map_or(now_ms, |next| next.at_ms).min(now_ms);
        let mut from = point.at_ms.max(begin);
        while from < end {
            let cell = ((from - begin) / length).min(count - 1);
            let until = if cell == count - 1 { end } else { end.min(begin + (cell + 1) * length) };
            if let Some(sums) = usize::try_from(cell).ok().and_then(|cell| cells.get_mut(cell)) {
                sums.add(&point.status, until - from);
            }
            from = until;
        }
    }
    cells
}

/// One path for all cells of a colour. The words are ours, so nothing has to be escaped.
fn draw(cells: &[Sums], words: &str) -> String {
    let mut svg = format!(
        r#"<svg class="history" viewBox="0 0 {} 16" preserveAspectRatio="none" role="img" aria-label="{words}">"#,
        cells.len() * 4 - 1
    );
    for class in ["unseen", "off", "up", "part", "down"] {
        let mut path = String::new();
        for (at, _) in cells.iter().enumerate().filter(|(_, cell)| cell.class() == class) {
            let _ = write!(path, "M{} 0h3v16h-3z", at * 4); // writing into a String does not fail
        }
        if !path.is_empty() {
            let _ = write!(svg, r#"<path class="{class}" d="{path}"/>"#);
        }
    }
    svg + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 100 * DAY_MS;

    fn points(of: &[(i64, &str)]) -> Vec<HistoryPoint> {
        of.iter().map(|(ago, status)| HistoryPoint { at_ms: NOW - ago, status: (*status).into() }).collect()
    }

    fn figure(of: &[(i64, &str)], past: Past) -> String {
        Bar::of(&points(of), past, NOW, English).figure
    }

    #[test]
    fn what_counts_is_the_time_in_which_it_was_meant_to_run_and_seen() {
        let hours = |hours: i64| hours * HOUR_MS;
        assert_eq!(figure(&[(hours(50), "WORKING")], Past::Day), "100 %");
        assert_eq!(figure(&[(hours(50), "WORKING"), (hours(6), "STARTING")], Past::Day), "75 %");
        assert_eq!(
            figure(&[(hours(2), "WORKING"), (hours(1), "STOPPED")], Past::Day),
            "100 %",
            "stopped counts for nothing"
        );
        assert_eq!(figure(&[(hours(2), "WORKING"), (hours(1), UNSEEN)], Past::Day), "100 %");
        assert_eq!(figure(&[(hours(2), "SCAN_QR_CODE"), (hours(1), "WORKING")], Past::Day), "50 %");
        assert_eq!(figure(&[(hours(2), "STOPPED")], Past::Day), "–");
        assert_eq!(figure(&[], Past::Month), "–");
        let second = &[(hours(24), "WORKING"), (1_000, "FAILED")];
        assert_eq!(figure(second, Past::Day), "99.9 %", "cut and not rounded");
        assert_eq!(figure(&[(hours(10), "FAILED"), (hours(9), "WORKING")], Past::Month), "90 %");
        assert_eq!(Bar::of(&points(second), Past::Day, NOW, Portuguese).figure, "99,9 %");
    }

    #[test]
    fn a_cell_has_the_colour_of_what_was_in_it() {
        let minutes = |minutes: i64| minutes * 60_000;
        let of = points(&[
            (minutes(180), "WORKING"),
            (minutes(100), "FAILED"),
            (minutes(45), "STOPPED"),
            (minutes(10), "WORKING"),
        ]);
        let cells = cells(&of, Past::Day, NOW);
        let classes: Vec<_> = cells[41..].iter().map(|cell| cell.class()).collect();
        assert_eq!(classes, ["unseen", "up", "up", "part", "down", "down", "up"]);
        assert_eq!(cells.len(), 48);
        let all: i64 = cells.iter().map(|cell| cell.up + cell.down + cell.off).sum();
        assert_eq!(all, minutes(180), "no time is lost between cells");
        let drawing = draw(&cells, "x");
        assert_eq!(drawing.matches("h3v16").count(), 48);
        assert!(
            drawing.contains(r#"viewBox="0 0 191 16""#) && drawing.contains(r#"aria-label="x""#),
            "{drawing}"
        );
    }

    #[test]
    fn those_who_do_not_see_it_are_told() {
        let bar = Bar::of(&points(&[(DAY_MS, "WORKING")]), Past::Day, NOW, Portuguese);
        assert!(bar.drawing.contains("Últimas 24 horas: conectada 100 % do tempo"), "{}", bar.drawing);
        let nothing = Bar::of(&[], Past::Month, NOW, English);
        assert!(nothing.drawing.contains("Last 30 days: nothing to show"), "{}", nothing.drawing);
    }
}
