//! [`LogLine`]: a line of a worker's log, as people read it. Pure.
//!
//! Owns the reading of both forms in which workers write (JSON, and the one for terminals), and what a filter shows. A line
//! in no form of ours is shown as it stands: it may be the browser's.

use serde_json::{Map, Value};

use super::super::super::names::LogLevel;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogLine {
    /// As the line has it, in UTC; empty where it has none.
    pub(super) time: String,
    /// Absent where the line has none.
    pub(super) level: Option<LogLevel>,
    pub(super) message: String,
    /// What else it says: names and values.
    pub(super) fields: Vec<(String, String)>,
}

/// What is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// This level and those above it.
    pub(super) level: Option<LogLevel>,
    /// A text that has to be in the line.
    pub(super) text: String,
}

impl Filter {
    /// Whether a line is shown. One without a level is one of whatever came before it, and is shown with all levels only.
    pub(super) fn shows(&self, line: &LogLine) -> bool {
        let level = match (self.level, line.level) {
            (None, _) => true,
            (Some(least), Some(level)) => level >= least,
            (Some(_), None) => false,
        };
        level && (self.text.is_empty() || line.has(&self.text.to_lowercase()))
    }
}

impl LogLine {
    /// Reads a line.
    pub(super) fn of(line: &str) -> Self {
        let json = serde_json::from_str::<Map<String, Value>>(line).ok();
        json.map(Self::of_json).or_else(|| Self::of_terminal(line)).unwrap_or_else(|| Self {
            time: String::new(),
            level: None,
            message: line.to_owned(),
            fields: Vec::new(),
        })
    }

    fn of_json(mut fields: Map<String, Value>) -> Self {
        let mut text = |name: &str| fields.remove(name).as_ref().map(told).unwrap_or_default();
        let (time, level, message) = (text("timestamp"), text("level"), text("message"));
        // Whose line it is stands on the page, and where it is in the code tells people nothing.
        for known in ["target", "user", "spans", "span"] {
            fields.remove(known);
        }
        let fields = fields.iter().map(|(name, value)| (name.clone(), told(value))).collect();
        Self { time, level: LogLevel::of(&level), message, fields }
    }

    /// `2026-11-30T13:00:00.123456Z  INFO the message field="value"`.
    fn of_terminal(line: &str) -> Option<Self> {
        let (time, rest) = line.split_once(' ')?;
        let is_time = time.len() >= 20 && time.ends_with('Z') && time.as_bytes().get(10) == Some(&b'T');
        let (level, message) = rest.trim_start().split_once(' ')?;
        let level = LogLevel::of(level).filter(|_| is_time)?;
        let (message, mut fields) = fields_of(message.trim());
        fields.retain(|(name, _)| name != "user");
        Some(Self { time: time.to_owned(), level: Some(level), message, fields })
    }

    fn has(&self, text: &str) -> bool {
        let values = self.fields.iter().flat_map(|(name, value)| [name, value]);
        std::iter::once(&self.message).chain(values).any(|part| part.to_lowercase().contains(text))
    }
}

/// What stands at the end of a line for terminals as `name=value` or `name="a value"`, apart from the words before it.
fn fields_of(text: &str) -> (String, Vec<(String, String)>) {
    let (mut rest, mut fields) = (text, Vec::new());
    while let Some((before, name, value)) = last_field(rest) {
        fields.push((name.to_owned(), value.to_owned()));
        rest = before;
    }
    fields.reverse();
    (rest.to_owned(), fields)
}

fn last_field(text: &str) -> Option<(&str, &str, &str)> {
    let (head, value) = match text.strip_suffix('"') {
        Some(inner) => {
            let (head, value) = inner.rsplit_once("=\"")?;
            (head, value)
        }
        None => {
            let start = text.rfind(' ')? + 1;
            let equals = start + text[start..].find('=')?;
            (&text[..equals], &text[equals + 1..])
        }
    };
    let (before, name) = head.rsplit_once(' ')?;
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.".contains(&b));
    is_name.then_some((before.trim_end(), name, value))
}

fn told(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_what_is_none_is_shown_as_it_is() {
        let json = r#"{"timestamp":"2026-11-30T13:00:00.1Z","level":"WARN","message":"slow","took_ms":31,"target":"x","user":"3"}"#;
        let line = LogLine::of(json);
        assert_eq!(
            (line.time.as_str(), line.level, line.message.as_str()),
            ("2026-11-30T13:00:00.1Z", Some(LogLevel::Warning), "slow")
        );
        assert_eq!(line.fields, [("took_ms".into(), "31".into())]);
        let line =
            LogLine::of("2026-11-30T13:00:00.123456Z  INFO it = is ready why=\"a reason\" pid=7 user=3");
        assert_eq!((line.level, line.message.as_str()), (Some(LogLevel::Info), "it = is ready"));
        assert_eq!(line.fields, [("why".into(), "a reason".into()), ("pid".into(), "7".into())]);
        for text in ["[1130/130000:ERROR:gpu.cc(1)] no", "", "{}x", "2026 INFO x"] {
            let line = LogLine::of(text);
            assert_eq!((line.level, line.message.as_str()), (None, text));
        }
    }

    #[test]
    fn a_filter_shows_a_level_and_those_above_it() {
        let lines: Vec<_> = ["DEBUG", "INFO", "WARN", "ERROR"]
            .iter()
            .map(|level| LogLine::of(&format!(r#"{{"level":"{level}","message":"Ação","code":"X1"}}"#)))
            .chain([LogLine::of("as it is")])
            .collect();
        let count = |filter: &Filter| lines.iter().filter(|line| filter.shows(line)).count();
        let of = |level, text: &str| Filter { level, text: text.into() };
        assert_eq!(count(&Filter::default()), 5);
        assert_eq!(count(&of(Some(LogLevel::Warning), "")), 2);
        assert_eq!(count(&of(Some(LogLevel::Trace), "")), 4);
        assert_eq!((count(&of(None, "ação")), count(&of(None, "x1")), count(&of(None, "as it"))), (4, 4, 1));
    }
}
