//! [`Places`]: how many streams of events may be open, for each kind of reader.
//!
//! Owns the counts. Each kind has places of its own, and all of them together leave room among the connections for
//! requests: nobody who opens streams keeps Flask or the operators out. How long a reader may read nothing, the
//! connection says ([`super::server`]).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::api::ApiError;
use super::errors::Failure;

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// Programs; their WebSockets have places of their own.
    Api,
    /// Who links a phone.
    Qr,
    /// Whoever runs the service.
    Operator,
}

/// How many of each, in this order.
const MOST: [usize; 3] = [192, 256, 64];

/// All of them.
pub(super) struct Places([Arc<Semaphore>; 3]);

impl Reader {
    /// Who reads what this path streams; `None` where nothing is.
    pub(super) fn of(path: &str) -> Option<Self> {
        match path.trim_end_matches('/') {
            "/api/events/stream" => Some(Self::Api),
            "/qr/events" => Some(Self::Qr),
            path if path.starts_with("/sessions") && path.ends_with("/events") => Some(Self::Operator),
            _ => None,
        }
    }
}

impl Places {
    pub(super) fn new() -> Self {
        Self(MOST.map(|most| Arc::new(Semaphore::new(most))))
    }

    /// The stream with its place, or why there is none. Any other answer as it is.
    pub(super) fn seat(&self, reader: Reader, response: Response) -> Response {
        if response.headers().get(CONTENT_TYPE).is_none_or(|kind| kind != "text/event-stream") {
            return response;
        }
        let places = match reader {
            Reader::Api => &self.0[0],
            Reader::Qr => &self.0[1],
            Reader::Operator => &self.0[2],
        };
        match (Arc::clone(places).try_acquire_owned(), reader) {
            (Ok(place), _) => response.map(|stream| Body::new(Seated { stream, _place: place })),
            (Err(_), Reader::Api) => {
                let error = "Too many streams are open; try again later";
                ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error).into_response()
            }
            (Err(_), Reader::Qr | Reader::Operator) => {
                let error = "Há páginas demais abertas. Feche algumas e tente de novo.";
                Failure::new(StatusCode::SERVICE_UNAVAILABLE, error).into_response()
            }
        }
    }
}

struct Seated {
    stream: Body,
    _place: OwnedSemaphorePermit,
}

impl HttpBody for Seated {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.stream).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.stream.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Response {
        let body = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let response = axum::http::Response::builder().header(CONTENT_TYPE, "text/event-stream");
        response.body(body).expect("a response")
    }

    #[test]
    fn each_kind_of_reader_has_its_places_and_gets_them_back() {
        let places = Places::new();
        let mut open: Vec<_> = (0..MOST[0]).map(|_| places.seat(Reader::Api, stream())).collect();
        assert!(open.iter().all(|response| response.status() == 200));
        assert_eq!(places.seat(Reader::Api, stream()).status(), 503);
        for other in [Reader::Qr, Reader::Operator] {
            assert_eq!(places.seat(other, stream()).status(), 200, "{other:?}");
        }
        open.pop();
        assert_eq!(places.seat(Reader::Api, stream()).status(), 200);
        let plain = places.seat(Reader::Api, StatusCode::NO_CONTENT.into_response());
        assert_eq!(plain.status(), 204, "what is no stream needs no place");
    }

    #[test]
    fn streams_are_known_by_their_paths() {
        for (path, reader) in [
            ("/api/events/stream", Some(Reader::Api)),
            ("/qr/events", Some(Reader::Qr)),
            ("/sessions/events", Some(Reader::Operator)),
            ("/sessions/3/events/", Some(Reader::Operator)),
            ("/api/events", None),
            ("/status", None),
        ] {
            assert_eq!(Reader::of(path), reader, "{path}");
        }
    }
}
