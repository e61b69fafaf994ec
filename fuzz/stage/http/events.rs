//! Questions for events.

#[path = "../../../supervisor/http/src/events/query.rs"]
mod query;

/// What a question asks for: the session, the ids, how many; and what it begins after.
pub(crate) type Asked = (Option<String>, Vec<String>, usize, Option<String>);

/// It, if it is understood.
pub(crate) fn asked(query: &str) -> Option<Asked> {
    let question = query::Question::read(query).ok()?;
    let after = question.after.map(|id| id.to_string());
    let ids = question.ids.iter().map(ToString::to_string).collect();
    Some((question.session.as_ref().map(ToString::to_string), ids, question.limit, after))
}
