//! [`Client`]: one POST to a receiver, where its redirects lead within it, and how it ended.
//!
//! Owns the HTTP client. Never decides whether to try again, and never writes a body, an address or a header to a
//! log.

use std::error::Error as _;
use std::io;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::client::legacy::{self, connect::capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use reqwest::Url;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::policy::Outcome;
use super::wire::{CONNECT, Connector, Parcel};
use colmeia::errors::chain;
use colmeia_host::connecting;
use colmeia_host::dns::Resolver;
use colmeia_host::ssrf::{self, Home, LeadsHome};

/// How long a request may take to leave, once there is a connection.
const LEAVE: Duration = Duration::from_secs(10);
/// How long answers are still waited for when the service ends.
const FAREWELL: Duration = Duration::from_secs(8);
/// How many redirects are followed.
const REDIRECTS: usize = 3;
/// How much of an answer's body is read, and for how long, so that the connection can be used again. Nobody looks at it.
const ANSWER: (usize, Duration) = (64 * 1024, Duration::from_secs(2));
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);

/// Posts, but never to ourselves; cheap to clone. It uses no proxy and keeps no cookie.
#[derive(Debug, Clone)]
pub(super) struct Client {
    /// Goes on with connections that it has.
    shared: legacy::Client<Connector, Parcel>,
    /// Makes one for each request.
    single: legacy::Client<Connector, Parcel>,
    /// How long a request may take to leave, once there is a connection.
    leave: Duration,
    home: Home,
    names: Resolver,
}

/// What is to be sent.
pub(super) struct Post {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// How long an answer is waited for, once the request was sent completely.
    pub(super) patience: Duration,
    /// Over a connection of its own: none that the receiver is just about to close.
    pub(super) alone: bool,
}

impl Client {
    /// # Errors
    /// When the system's certificates cannot be used.
    pub(super) fn new(home: Home, names: Resolver) -> Result<Self, rustls::Error> {
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        let connector = Connector::new(home, names.clone())?;
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).pool_max_idle_per_host(4);
        let shared = builder.build(connector.clone());
        let single = builder.pool_max_idle_per_host(0).build(connector);
        Ok(Self { shared, single, leave: LEAVE, home, names })
    }

    /// Sends it once. When the service ends meanwhile, the answer is waited for no longer than [`FAREWELL`].
    pub(super) async fn send(&self, post: &Post, shutdown: &CancellationToken) -> Outcome {
        let mut url = post.url.clone();
        for followed in 0..=REDIRECTS {
            match self.post(&url, post, shutdown).await {
                Err(outcome) => return outcome,
                Ok((response, took)) => {
                    let next = next(&url, &response, followed);
                    let after = retry_after(response.headers(), SystemTime::now());
                    let status = response.status().as_u16();
                    finish(response).await;
                    match next {
                        Some(Ok(next)) => url = next,
                        Some(Err(why)) => return Outcome::Redirected(format!("answered {status}: {why}")),
                        None => return Outcome::Answered { status, took, after },
                    }
                }
            }
        }
        Outcome::Redirected(TOO_MANY.into()) // not reached: the last one is refused above
    }

    /// The answer, and how long after it had the request the receiver gave it.
    async fn post(
        &self,
        url: &Url,
        post: &Post,
        shutdown: &CancellationToken,
    ) -> Result<(Response<Incoming>, Duration), Outcome> {
        if self.home.is(url) {
            return Err(Outcome::Unreachable(LeadsHome.to_string()));
        }
        let unsendable = |_| Outcome::Unreachable("its address cannot be used".into());
        let mut request = Request::post(url.as_str()).body(()).map_err(unsendable)?;
        request.headers_mut().clone_from(&post.headers);
        let own = HeaderValue::from_static(concat!("colmeia/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().entry(USER_AGENT).or_insert(own);
        // Last, so that no header that a session's owner configured stands in its place.
        ssrf::mark(request.headers_mut());
        if post.alone {
            request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let (parcel, mut sent) = Parcel::new(post.body.clone(), capture_connection(&mut request));
        let http = if post.alone { &self.single } else { &self.shared };
        let mut answer = http.request(request.map(|()| parcel));
        let left = tokio::select! {
            biased;
            answer = &mut answer => return self.judged(url, answer, sent.try_recv().ok()).await,
            left = &mut sent => left.ok(),
            () = sleep(CONNECT + self.leave) => return Err(Outcome::Unsent("it was not taken in in time".into())),
        };
        let late = async {
            tokio::select! {
                () = sleep_until(left.unwrap_or_else(Instant::now) + post.patience) => {}
                () = async { shutdown.cancelled().await; sleep(FAREWELL).await } => {}
            }
        };
        tokio::select! {
            biased;
            answer = answer => self.judged(url, answer, left).await,
            () = late => Err(match left {
                Some(_) => Outcome::NoAnswer,
                None => Outcome::Unsent("the connection was given up".into()),
            }),
        }
    }

    /// `left` is when the request was sent completely.
    async fn judged(
        &self,
        url: &Url,
        answer: Result<Response<Incoming>, legacy::Error>,
        left: Option<Instant>,
    ) -> Result<(Response<Incoming>, Duration), Outcome> {
        let took = left.map(|left| left.elapsed()).unwrap_or_default();
        match answer {
            Ok(response) => Ok((response, took)),
            Err(error) if error.is_connect() => Err(match connecting::lack(&error, url, &self.names).await {
                Some(lack) => Outcome::Untried(lack),
                None => failed(&error, left),
            }),
            Err(error) => Err(failed(&error, left)),
        }
    }
}

/// Without an answer.
fn failed(error: &legacy::Error, left: Option<Instant>) -> Outcome {
    let reason = error.source().map_or_else(|| error.to_string(), chain);
    if error.is_connect() {
        return Outcome::Unreachable(reason);
    }
    match left {
        Some(left) if !is_unacknowledged(error) => Outcome::Closed { reason, after: left.elapsed() },
        _ => Outcome::Unsent(reason),
    }
}

/// Whether the other side's kernel did not say that it has what was sent.
fn is_unacknowledged(error: &legacy::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            use io::ErrorKind::{HostUnreachable, NetworkDown, NetworkUnreachable, TimedOut};
            return matches!(error.kind(), TimedOut | HostUnreachable | NetworkDown | NetworkUnreachable);
        }
        cause = error.source();
    }
    false
}

/// Reads a short answer to its end. The status is known, so nothing that happens here matters any more.
async fn finish(response: Response<Incoming>) {
    let (most, time) = ANSWER;
    let mut body = http_body_util::Limited::new(response.into_body(), most);
    let _ = timeout(time, async { while let Some(Ok(_)) = body.frame().await {} }).await;
}

const TOO_MANY: &str = "more than three redirects";

/// Where a redirect leads: 307 and 308 within the same origin are followed. `None` when it is none.
fn next<B>(from: &Url, response: &Response<B>, followed: usize) -> Option<Result<Url, &'static str>> {
    if !response.status().is_redirection() {
        return None;
    }
    Some(match response.status().as_u16() {
        307 | 308 if followed >= REDIRECTS => Err(TOO_MANY),
        307 | 308 => {
            let place = response.headers().get(LOCATION).and_then(|place| place.to_str().ok());
            match place.and_then(|place| from.join(place).ok()) {
                Some(to)
                    if to.origin() == from.origin()
                        && to.username().is_empty()
                        && to.password().is_none() =>
                {
                    Ok(to)
                }
                Some(_) => Err("a redirect to another origin is not followed"),
                None => Err("a redirect without an address"),
            }
        }
        _ => Err("only the redirects 307 and 308 are followed, for the others would turn a POST into a GET"),
    })
}

/// What `Retry-After` says, in seconds or as a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = httpdate::parse_http_date(text).ok()?;
    Some(then.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{names, nowhere};
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    fn redirect(status: u16, place: &str, followed: usize) -> Option<Result<String, &'static str>> {
        let response =
            Response::builder().status(status).header(LOCATION, place).body(()).expect("an answer");
        let from = Url::parse("http://flask:5002/webhook").expect("an address");
        next(&from, &response, followed).map(|next| next.map(String::from))
    }

    #[test]
    fn a_redirect_is_followed_within_the_origin_and_up_to_three_times() {
        for (status, place, to) in [
            (308, "/webhook/", "http://flask:5002/webhook/"),
            (307, "http://flask:5002/x?y=1", "http://flask:5002/x?y=1"),
            (308, "other", "http://flask:5002/other"),
        ] {
            assert_eq!(redirect(status, place, 2), Some(Ok(to.into())));
            assert_eq!(redirect(status, place, 3), Some(Err(TOO_MANY)));
        }
        for place in
            ["http://flask/", "https://flask:5002/webhook", "//evil/", "http://a:b@flask:5002/", "http://["]
        {
            assert!(matches!(redirect(308, place, 0), Some(Err(_))), "{place}");
        }
        for status in [300, 301, 302, 303, 304] {
            let why = redirect(status, "/webhook/", 0).expect("a redirect").expect_err("not followed");
            assert!(why.contains("only the redirects 307 and 308"), "{status}: {why}");
        }
        assert_eq!(redirect(200, "/webhook/", 0), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Wed, 21 Oct 2026 07:28:00 GMT").expect("a date");
        let read = |text: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().expect("a value"))]);
            retry_after(&headers, now).map(|after| after.as_secs())
        };
        assert_eq!(read("7"), Some(7));
        assert_eq!(read("Wed, 21 Oct 2026 07:28:30 GMT"), Some(30));
        assert_eq!(read("Wed, 21 Oct 2026 07:27:30 GMT"), Some(0), "that is over");
        for wrong in ["", "soon", "-1", "1.5"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    fn post(address: impl std::fmt::Display, bytes: usize, patience: Duration) -> Post {
        let url = Url::parse(&format!("http://{address}/webhook")).expect("an address");
        Post { url, headers: HeaderMap::new(), body: vec![b'x'; bytes].into(), patience, alone: true }
    }

    /// What becomes of a body of so many bytes at a receiver that does this with the connection.
    async fn outcome<F: Future<Output = ()> + Send>(
        receiver: impl FnOnce(TcpStream) -> F + Send + 'static,
        bytes: usize,
    ) -> Outcome {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move { receiver(listener.accept().await.expect("a connection").0).await });
        let client = Client { leave: Duration::ZERO, ..Client::new(nowhere(), names()).expect("a client") };
        client.send(&post(address, bytes, Duration::from_millis(50)), &CancellationToken::new()).await
    }

    /// More than the kernel takes for somebody who does not read.
    const TOO_MUCH: usize = 64 << 20;

    async fn hold(stream: TcpStream) {
        std::future::pending::<()>().await;
        drop(stream);
    }

    #[tokio::test]
    async fn what_was_sent_completely_is_told_from_what_was_not() {
        assert_eq!(outcome(hold, 100).await, Outcome::NoAnswer, "the kernel there has it");
        let unsent = outcome(hold, TOO_MUCH).await;
        assert!(matches!(unsent, Outcome::Unsent(_)), "{unsent:?}");
        // It reads some of it and goes.
        let half = async |mut stream: TcpStream| {
            let _ = stream.read(&mut [0; 1000]).await;
        };
        let unsent = outcome(half, TOO_MUCH).await;
        assert!(matches!(unsent, Outcome::Unsent(_)), "{unsent:?}");
        let closed = outcome(half, 100).await;
        let Outcome::Closed { after, .. } = closed else { panic!("{closed:?}") };
        assert!(after < Duration::from_secs(5), "{after:?}");
    }

    #[tokio::test]
    async fn who_cannot_be_reached_is_away() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let refused = listener.local_addr().expect("bound").to_string();
        drop(listener);
        for address in [&*refused, "nobody.invalid", "127.0.0.1:0"] {
            let client = Client::new(nowhere(), names()).expect("a client");
            let outcome = client.send(&post(address, 9, LEAVE), &CancellationToken::new()).await;
            assert!(outcome.is_away(), "{address}: {outcome:?}");
        }
    }

    /// Name servers that are away take neither a thread nor more time than a connection may.
    #[tokio::test]
    async fn a_name_that_nobody_answers_for_is_away() {
        let (names, server) = Resolver::silent().await;
        let client = Client::new(nowhere(), names).expect("a client");
        let begun = Instant::now();
        let outcome = client.send(&post("flask.example", 9, LEAVE), &CancellationToken::new()).await;
        assert!(outcome.is_away(), "{outcome:?}");
        assert!(begun.elapsed() < CONNECT + LEAVE, "{:?}", begun.elapsed());
        assert!(server.try_recv(&mut [0; 512]).is_ok(), "it was asked");
    }

    #[tokio::test]
    async fn an_answer_is_an_answer_even_if_its_body_never_ends() {
        let answer = |text: &'static str| {
            move |mut stream: TcpStream| async move {
                let _ = stream.read(&mut [0; 4000]).await;
                stream.write_all(text.as_bytes()).await.expect("written");
                hold(stream).await;
            }
        };
        let endless = "HTTP/1.1 429 Slow down\r\nRetry-After: 7\r\nContent-Length: 99\r\n\r\nnot all";
        let after = Some(Duration::from_secs(7));
        let answered = async |text| match outcome(answer(text), 9).await {
            Outcome::Answered { status, took, after } if took < Duration::from_secs(5) => (status, after),
            outcome => panic!("{outcome:?}"),
        };
        assert_eq!(answered(endless).await, (429, after));
        let early = "HTTP/1.1 413 Too large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        assert_eq!(answered(early).await, (413, None));
    }

    #[tokio::test]
    async fn nothing_is_sent_to_ourselves_by_whatever_name() {
        let listener = TcpListener::bind("0.0.0.0:0").await.expect("bound");
        let address = listener.local_addr().expect("address");
        let client = |home| Client::new(home, names()).expect("a client");
        let (careful, other) = (client(Home::of(address)), client(nowhere()));
        let going = CancellationToken::new();
        let to = |host: &str| Post {
            url: Url::parse(&format!("http://{host}:{}/disconnect?user_id=1", address.port()))
                .expect("an address"),
            ..post("localhost", 9, Duration::from_secs(60))
        };
        for host in [
            "127.0.0.1",
            "127.1.2.3",
            "0.0.0.0",
            "0",
            "2130706433",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "localhost",
            "LOCALHOST",
        ] {
            for alone in [false, true] {
                let outcome = careful.send(&Post { alone, ..to(host) }, &going).await;
                let Outcome::Unreachable(why) = &outcome else { panic!("{host}: {outcome:?}") };
                assert!(why.contains("this service's own"), "{host}: {why}");
            }
        }
        // Who is not this service is told, with our mark, which no header of the receiver's takes the place of.
        let told = async {
            loop {
                let (mut stream, _) = listener.accept().await.expect("accepted");
                let (mut head, mut piece) = (Vec::new(), [0; 512]);
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut piece).await.expect("a head") {
                        0 => break,
                        read => head.extend_from_slice(&piece[..read]),
                    }
                }
                // The connections of before, over which nothing came.
                if !head.is_empty() {
                    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("answered");
                    return String::from_utf8(head).expect("text");
                }
            }
        };
        let mut post = to("localhost");
        post.headers.insert("x-colmeia-sender", HeaderValue::from_static("somebody else"));
        let (head, outcome) = tokio::join!(told, other.send(&post, &going));
        assert!(matches!(outcome, Outcome::Answered { status: 204, .. }), "{outcome:?}");
        assert!(head.starts_with("POST /disconnect?user_id=1"), "{head}");
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let name = |name: &str| name.parse::<hyper::header::HeaderName>().expect("a name");
        let headers: HeaderMap =
            lines.map(|(key, value)| (name(key), value.parse().expect("a value"))).collect();
        assert_eq!(ssrf::marked(&headers), ssrf::Marked::Ours, "{head}");
    }
}
