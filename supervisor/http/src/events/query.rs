//! [`EventQuery`]: which events someone asks for. Pure.

use std::collections::HashSet;

use colmeia::UserId;
use colmeia::config::UNKNOWN_EVENT;

use crate::errors::ApiError;
use colmeia_events::journal::{Cursor, EventId, Kind};

/// How many events are given when nobody says how many.
const USUAL: usize = 100;
/// The most that are given at once.
const MOST: usize = 1000;

/// Which events, and from where on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventQuery {
    /// Only this session's; else everyone's.
    pub(crate) session: Option<UserId>,
    /// Only these; else all.
    kinds: Option<HashSet<Kind>>,
    /// After which, where that was said.
    pub(crate) after: Option<EventId>,
    /// Exactly these, where some were named.
    pub(crate) ids: Vec<EventId>,
    /// How many at most.
    pub(crate) limit: usize,
}

impl EventQuery {
    /// From what stands behind the `?`: `session`, `events` (several times, or separated by commas), `after`, `id`
    /// (several times) and `limit`. `*` is the same as nothing, and so is what is empty or a `limit` of 0. What else
    /// stands there is for others.
    pub(crate) fn read(query: &str) -> Result<Self, ApiError> {
        let mut question = Self { session: None, kinds: None, after: None, ids: Vec::new(), limit: USUAL };
        let id = |field, text: &str| text.parse().map_err(|error| ApiError::field(field, error));
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match (&*key, &*value) {
                (_, "") | ("session", "*") | ("limit", "0") => {}
                ("session", id) => {
                    let session = id.parse();
                    question.session = Some(session.map_err(|error| ApiError::field("session", error))?);
                }
                ("events", names) => question.add(names)?,
                ("after", text) => question.after = Some(id("after", text)?),
                ("id", text) => question.ids.push(id("id", text)?),
                ("limit", number) => {
                    let limit = number.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                    let rule = format_args!("must be a whole number from 1 to {MOST}").to_string();
                    question.limit = limit.ok_or_else(|| ApiError::field("limit", rule))?;
                }
                _ => {}
            }
        }
        Ok(question)
    }

    fn add(&mut self, names: &str) -> Result<(), ApiError> {
        let kinds = self.kinds.get_or_insert_default();
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            if name == "*" {
                kinds.extend(Kind::PUBLIC);
            } else {
                let known = Kind::PUBLIC.into_iter().find(|kind| kind.name() == name);
                kinds.insert(known.ok_or_else(|| ApiError::field("events", UNKNOWN_EVENT))?);
            }
        }
        Ok(())
    }

    /// Whether events of this kind are meant.
    pub(crate) fn wants(&self, kind: Kind) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }

    /// Where to begin, when nothing else was said.
    pub(crate) fn cursor(&self, otherwise: Cursor) -> Cursor {
        self.after.map_or(otherwise, Cursor::After)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wahas_ways_to_name_events_are_understood() {
        let wants = |query: &str| {
            let question = EventQuery::read(query).expect(query);
            [Kind::Message, Kind::SessionStatus, Kind::CallReceived].map(|kind| question.wants(kind))
        };
        assert_eq!(wants(""), [true; 3]);
        assert_eq!(wants("session=*&events=*"), [true; 3]);
        assert_eq!(wants("events=message&events=session.status"), [true, true, false]);
        assert_eq!(wants("events=message,session.status"), [true, true, false]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, field) in [
            ("session=../x", "session"),
            ("events=message.everything", "events"),
            ("events=engine.event", "events"),
            ("events=message,label.nonsense", "events"),
            ("events=notice", "events"),
            ("after=1", "after"),
            ("id=evt_", "id"),
            ("limit=1001", "limit"),
            ("limit=many", "limit"),
        ] {
            let error = format!("{:?}", EventQuery::read(query).expect_err(query));
            assert!(error.contains(&format!("field: Some(\"{field}\")")), "{error}");
        }
        assert_eq!(
            EventQuery::read("session=&events=&limit=0").expect("valid"),
            EventQuery::read("").expect("valid")
        );
        let question = EventQuery::read("session=2_1&limit=7&x-api-key=k").expect("valid");
        assert_eq!((question.session.expect("one").as_str(), question.limit), ("2_1", 7));
    }
}
