//! Owns the phone's screen: one HTML page in two languages, and the stream that tells it to redraw.
//! The page itself uses only the API that everyone else uses.

use std::convert::Infallible;

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{
        Html, IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::Stream;

use crate::world::Shared;

const PORTUGUESE: &str = include_str!("../../phone/pt.json");
const ENGLISH: &str = include_str!("../../phone/en.json");
const HTML: &str = include_str!("../../phone/phone.html");
const STYLE: &str = include_str!("../../phone/phone.css");
const SCRIPT: &str = include_str!("../../phone/phone.js");

/// `GET /phone`.
pub(crate) async fn show(headers: HeaderMap) -> impl IntoResponse {
    let wanted =
        headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (language, texts) = if prefers_portuguese(wanted) { ("pt-BR", PORTUGUESE) } else { ("en", ENGLISH) };
    let page = HTML
        .replace("{{language}}", language)
        .replace("{{style}}", STYLE)
        .replace("{{texts}}", texts)
        .replace("{{script}}", SCRIPT);
    ([(header::VARY, "accept-language"), (header::CACHE_CONTROL, "no-store")], Html(page))
}

/// Whether Portuguese comes before English; weights are given in falling order by every browser.
fn prefers_portuguese(accept_language: &str) -> bool {
    let mut tags = accept_language.split(',').map(|tag| tag.trim().to_ascii_lowercase());
    tags.find(|tag| tag.starts_with("pt") || tag.starts_with("en")).is_some_and(|tag| tag.starts_with("pt"))
}

/// `GET /phone/events`: one event per change of the world; several changes may share one.
pub(crate) async fn events(
    State(shared): State<Shared>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = futures::stream::unfold(shared.watch(), |mut watch| async move {
        watch.changed().await.ok()?;
        let count = *watch.borrow_and_update();
        Some((Ok(Event::default().data(count.to_string())), watch))
    });
    Sse::new(changes).keep_alive(KeepAlive::default())
}

#[cfg(test)]
mod tests {
    use super::prefers_portuguese;

    #[test]
    fn the_first_known_language_wins() {
        assert!(prefers_portuguese("pt-BR,pt;q=0.9,en;q=0.8"));
        assert!(prefers_portuguese("fr, pt;q=0.5"));
        assert!(!prefers_portuguese("en-US,en;q=0.9,pt;q=0.8"));
        assert!(!prefers_portuguese(""));
    }
}
