//! [`Places`]: how many streams of events and WebSockets may be open, how many requests one caller may have under way,
//! and everybody's share of that.
//!
//! Owns the counts. Each kind has places of its own, and all of them together leave room among the connections for
//! requests: nobody who opens streams keeps Flask or the operators out, and no key or address keeps out another one. How long a
//! reader may read nothing, the connection says ([`super::server`]).

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use colmeia::UserId;
use hyper::body::{Frame, SizeHint};

use super::access::Surface;
use crate::errors::{self, ApiError, FlaskError};
use colmeia_host::shares::{Holder, NoShare, Share, Shares};

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
const MOST: [u64; 3] = [192, 256, 64];
/// The most WebSockets at once.
const SOCKETS: u64 = 256;
/// How many of them and of the streams may be for sessions that do not exist, or not yet.
const STRANGE: u64 = 32;
/// How many pages may follow one session's code.
const PAGES: u64 = 32;
/// How many requests one key or address may have under way, streams too.
const REQUESTS: u64 = 64;

/// All of them.
pub(super) struct Places {
    streams: [Shares; 3],
    sockets: Shares,
    strange: Shares,
    pages: Shares,
    requests: Shares,
}

/// A WebSocket's place, for as long as it is open.
pub(super) struct Socket {
    _of_all: Share,
    _strange: Option<Share>,
}

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

    /// How many of `most` one holder may have. Pages for people all come from this machine (Flask or a proxy beside us), so
    /// they may have all; programs on this machine leave a quarter to the others.
    fn share(self, most: u64, holder: &Holder) -> u64 {
        match (self, holder) {
            (Self::Api, Holder::Here) => most - most / 4,
            (Self::Qr | Self::Operator, Holder::Here) => most,
            (_, Holder::Key(_) | Holder::Address(_) | Holder::Session(_)) => most / 4,
        }
    }
}

impl Places {
    pub(super) fn new() -> Self {
        Self {
            streams: MOST.map(Shares::new),
            sockets: Shares::new(SOCKETS),
            strange: Shares::new(STRANGE),
            pages: Shares::new(u64::MAX),
            requests: Shares::new(u64::MAX),
        }
    }

    /// Lets a request of this holder begin. It counts until its answer is given ([`during`]).
    ///
    /// # Errors
    /// The answer, when there are too many.
    pub(super) fn request(&self, holder: &Holder, surface: Surface) -> Result<Share, Box<Response>> {
        self.requests.take(holder, 1, REQUESTS).map_err(|_| {
            let english = "Too many of your requests are under way: wait for their answers";
            let portuguese = "Há requisições demais em andamento deste endereço. Espere as respostas.";
            let mut answer = errors::on(surface, StatusCode::TOO_MANY_REQUESTS, english, portuguese);
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(1));
            Box::new(answer)
        })
    }

    /// A place for a WebSocket; `known` when there is such a session, or all are meant.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn socket(&self, holder: &Holder, known: bool) -> Result<Socket, ApiError> {
        let share = Reader::Api.share(SOCKETS, holder);
        let of_all = self.sockets.take(holder, 1, share).map_err(|none| full("WebSockets", none))?;
        Ok(Socket { _of_all: of_all, _strange: self.strange(known)? })
    }

    /// A place for what is read of a session that does not exist; none is needed where it does.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn strange(&self, known: bool) -> Result<Option<Share>, ApiError> {
        if known {
            return Ok(None);
        }
        let taken = self.strange.take(&Holder::Here, 1, STRANGE);
        taken.map(Some).map_err(|_| {
            let error = "There is no session of this name, and too many wait for such; make it first";
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error)
        })
    }

    /// A place for a page that follows this session's code.
    ///
    /// # Errors
    /// When there are too many of this session.
    pub(super) fn page(&self, user: &UserId) -> Result<Share, FlaskError> {
        let taken = self.pages.take(&Holder::Session(user.clone()), 1, PAGES);
        taken.map_err(|_| FlaskError::new(StatusCode::SERVICE_UNAVAILABLE, TOO_MANY_PAGES))
    }

    /// The stream with its place, or why there is none. Any other answer as it is.
    pub(super) fn seat(&self, reader: Reader, holder: &Holder, response: Response) -> Response {
        if response.headers().get(CONTENT_TYPE).is_none_or(|kind| kind != "text/event-stream") {
            return response;
        }
        let index = reader as usize;
        match (self.streams[index].take(holder, 1, reader.share(MOST[index], holder)), reader) {
            (Ok(place), _) => during(place, response),
            (Err(none), Reader::Api) => full("streams", none).into_response(),
            (Err(_), Reader::Qr | Reader::Operator) => {
                FlaskError::new(StatusCode::SERVICE_UNAVAILABLE, TOO_MANY_PAGES).into_response()
            }
        }
    }
}

const TOO_MANY_PAGES: &str = "Há páginas demais abertas. Feche algumas e tente de novo.";

fn full(what: &str, none: NoShare) -> ApiError {
    let whose = match none {
        NoShare::All => "",
        NoShare::Own => " of yours",
    };
    let error = format!("Too many {what}{whose} are open; close some or try again later");
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error)
}

/// The answer, which has this until it is given as a whole.
pub(super) fn during(held: impl Send + Unpin + 'static, response: Response) -> Response {
    response.map(|stream| Body::new(Seated { stream, _held: held }))
}

struct Seated<T> {
    stream: Body,
    _held: T,
}

impl<T: Unpin> HttpBody for Seated<T> {
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

    fn address(n: u8) -> Holder {
        Holder::at([192, 0, 2, n].into())
    }

    #[test]
    fn each_kind_of_reader_has_its_places_and_gets_them_back() {
        let places = Places::new();
        let seat = |reader, holder: &Holder| places.seat(reader, holder, stream());
        let mut open: Vec<_> = (0..MOST[0]).map(|n| seat(Reader::Api, &Holder::Key([n as u8; 32]))).collect();
        assert!(open.iter().all(|response| response.status() == 200));
        assert_eq!(seat(Reader::Api, &Holder::Here).status(), 503);
        for other in [Reader::Qr, Reader::Operator] {
            assert_eq!(seat(other, &Holder::Here).status(), 200, "{other:?}");
        }
        open.pop();
        assert_eq!(seat(Reader::Api, &Holder::Here).status(), 200);
        let plain = places.seat(Reader::Api, &Holder::Here, StatusCode::NO_CONTENT.into_response());
        assert_eq!(plain.status(), 204, "what is no stream needs no place");
    }

    #[test]
    fn no_holder_takes_all_places_of_a_kind() {
        let places = Places::new();
        let take = |reader, holder: &Holder| {
            let most = usize::try_from(MOST[reader as usize]).expect("small");
            let open: Vec<_> = (0..=most).map(|_| places.seat(reader, holder, stream())).collect();
            open.into_iter().filter(|response| response.status() == 200).collect::<Vec<_>>()
        };
        let one = take(Reader::Qr, &address(1));
        assert_eq!(one.len(), 64, "a quarter");
        assert_eq!(take(Reader::Qr, &address(2)).len(), 64);
        drop(one);
        assert_eq!(take(Reader::Qr, &Holder::Here).len(), 256, "everybody's pages may come through Flask");
        let local = take(Reader::Api, &Holder::Here);
        assert_eq!(local.len(), 144, "of programs the others keep a quarter");
        assert_eq!(take(Reader::Api, &Holder::Key([1; 32])).len(), 48);
    }

    #[test]
    fn the_pages_of_one_session_leave_places_for_others() {
        let places = Places::new();
        let (one, two) = ("1".parse().expect("valid"), "2".parse().expect("valid"));
        let open: Vec<_> = (0..99).filter_map(|_| places.page(&one).ok()).collect();
        assert_eq!(open.len(), 32);
        assert!(places.page(&two).is_ok());
        drop(open);
        assert!(places.page(&one).is_ok());
    }

    #[test]
    fn sockets_of_sessions_that_do_not_exist_keep_nobody_out() {
        let places = Places::new();
        let strange: Vec<_> = (0..300).filter_map(|_| places.socket(&Holder::Here, false).ok()).collect();
        assert_eq!(strange.len(), 32);
        let known: Vec<_> = (0..300).filter_map(|_| places.socket(&Holder::Here, true).ok()).collect();
        assert_eq!(known.len(), 160, "three quarters in all");
        let key: Vec<_> = (0..300).filter_map(|_| places.socket(&Holder::Key([1; 32]), true).ok()).collect();
        assert_eq!(key.len(), 64);
        drop(strange);
        assert!(places.socket(&Holder::Here, false).is_ok(), "what is closed is free");
    }

    #[test]
    fn one_address_has_so_many_requests_under_way_and_no_more() {
        let places = Places::new();
        let begin =
            |holder: &Holder| places.request(holder, Surface::Api).map_err(|refused| refused.status());
        let begun: Vec<_> = (0..100).filter_map(|_| begin(&address(1)).ok()).collect();
        assert_eq!(begun.len(), 64);
        assert_eq!(begin(&address(1)).map(drop), Err(StatusCode::TOO_MANY_REQUESTS));
        assert!(begin(&address(2)).is_ok());
        drop(begun);
        assert!(begin(&address(1)).is_ok());
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
