//! Real sockets: large bodies, slow callers, and the end.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Method, Request};
use colmeia::config::ServiceConfig;
use futures::FutureExt as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::super::server::{Rules, accept_all};
use super::stage::*;
use colmeia_control::server_control::control;
use colmeia_events::journal::testing::{message, user};

async fn listen(stage: &Stage) -> (SocketAddr, JoinHandle<()>) {
    listen_by(stage, Rules::of(&ServiceConfig::default())).await
}

async fn listen_by(stage: &Stage, rules: Rules) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    let address = listener.local_addr().expect("address");
    let (router, inside) = (stage.router.clone(), control(stage.shutdown.clone()).1);
    (address, tokio::spawn(accept_all(listener, router, rules, inside)))
}

async fn talk(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(request).await.expect("written");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("a clean end");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Follows a stream of events, and returns when the first one has come.
async fn follow(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(&get("/qr/events?user_id=1")).await.expect("written");
    let (mut seen, mut piece) = (Vec::new(), [0; 256]);
    while !String::from_utf8_lossy(&seen).contains("data: ") {
        let read = stream.read(&mut piece).await.expect("it goes on");
        assert_ne!(read, 0, "it ended: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&piece[..read]);
    }
    stream
}

/// Waits for the other side to end the connection.
async fn ended(mut stream: TcpStream) {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.expect("a clean end");
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn fifty_megabytes_get_a_clean_answer() {
    let stage = Cast::new(nobody).with("1", ready()).on_stage();
    let (address, _server) = listen(&stage).await;
    let size = 50 * 1024 * 1024;
    for path in ["/send?user_id=1", "/disconnect?user_id=1", "/nothing"] {
        let mut request =
            format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n").into_bytes();
        request.resize(request.len() + size, b'x');
        let answer = talk(address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(
            answer.ends_with(r#"{"error":"O corpo da requisição passa do limite de 1 MiB"}"#),
            "{answer}"
        );
    }
    let chunk = format!("100000\r\n{}\r\n", "x".repeat(1024 * 1024));
    let chunked = "POST /send?user_id=1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = talk(address, format!("{chunked}{}0\r\n\r\n", chunk.repeat(3)).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let polite =
        "POST /send HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 52428800\r\n\r\n";
    // The body never comes, so the answer did not wait for it.
    assert!(talk(address, polite.as_bytes()).await.starts_with("HTTP/1.1 413 "));
    assert!(stage.cast.notes().is_empty());
}

#[tokio::test]
async fn slow_callers_and_slow_sessions_delay_no_health() {
    let stage = Cast::new(sent).held().with("1", ready()).on_stage();
    let (address, _server) = listen(&stage).await;
    let mut idle = Vec::new();
    for begun in
        ["", "GET /health HTT", "POST /send HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"]
    {
        for _ in 0..50 {
            let mut stream = TcpStream::connect(address).await.expect("connected");
            stream.write_all(begun.as_bytes()).await.expect("written");
            idle.push(stream);
        }
    }
    let chats: Vec<_> =
        (0..20).map(|_| tokio::spawn(async move { talk(address, &get("/chats?user_id=1")).await })).collect();
    for _ in 0..20 {
        assert!(talk(address, &get("/health")).await.ends_with(r#"{"status":"ok","activeClients":1}"#));
    }
    assert!(chats.iter().all(|chat| !chat.is_finished()), "nobody waited for a slow session");
    chats.iter().for_each(JoinHandle::abort);
    drop(idle);
}

#[tokio::test]
async fn what_is_no_http_ends_the_connection_and_nothing_else() {
    let stage = Cast::new(nobody).with("1", ready()).on_stage();
    let (address, _server) = listen(&stage).await;
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(200_000));
    for garbage in [&b"\x16\x03\x01\x02\x00\x01"[..], b"\r\n\r\nnothing at all\r\n\r\n", long.as_bytes()] {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        let _ = stream.write_all(garbage).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await; // an answer, an end or a reset: all is fine but waiting
    }
    assert!(talk(address, &get("/health")).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn the_end_waits_for_what_has_begun_and_for_no_one_else() {
    let stage = Cast::new(sent).held().with("1", ready()).on_stage();
    let (address, server) = listen(&stage).await;
    let body = r#"{"phone":"5511988887777","message":"oi"}"#;
    let request = format!(
        "POST /send?user_id=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let following = follow(address).await;
    let sending = tokio::spawn(async move { talk(address, request.as_bytes()).await });
    let idle = TcpStream::connect(address).await.expect("connected");
    stage.cast.noted(&["1 wake", "1 send_text"]).await;
    stage.shutdown.cancel();
    // These two end although something else is still under way.
    ended(following).await;
    ended(idle).await;
    assert!(!sending.is_finished() && !server.is_finished());
    stage.cast.release();
    let answer = sending.await.expect("no panic");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("messageId"), "{answer}");
    server.await.expect("no panic");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn the_server_says_whether_it_turns_and_when_it_works_on_nothing() {
    let stage = Cast::new(sent).held().with("1", ready()).on_stage();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    let address = listener.local_addr().expect("address");
    let (outside, inside) = control(stage.shutdown.clone());
    assert!(outside.beat().now_or_never().is_none(), "nobody accepts yet");
    let server = tokio::spawn(accept_all(
        listener,
        stage.router.clone(),
        Rules::of(&ServiceConfig::default()),
        inside,
    ));
    outside.beat().await;
    let following = follow(address).await;
    let asking = tokio::spawn(async move { talk(address, &get("/chats?user_id=1")).await });
    stage.cast.noted(&["1 wake", "1 chats"]).await;
    assert!(outside.quiet().now_or_never().is_none(), "a call is under way");
    stage.cast.release();
    asking.await.expect("no panic");
    outside.quiet().await;
    outside.stop();
    ended(following).await;
    server.await.expect("no panic");
    outside.beat().await;
}

#[tokio::test]
async fn who_was_accepted_before_the_end_and_speaks_just_after_is_answered() {
    let stage = Cast::new(nobody).with("1", ready()).on_stage();
    let (address, server) = listen(&stage).await;
    let mut early = TcpStream::connect(address).await.expect("connected");
    // Connections are accepted in order: once a later one was served, this one was accepted.
    assert!(talk(address, &get("/health")).await.starts_with("HTTP/1.1 200 "));
    stage.shutdown.cancel();
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    early.write_all(&get("/health")).await.expect("written");
    let mut answer = String::new();
    early.read_to_string(&mut answer).await.expect("a clean end");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    server.await.expect("no panic");
}

/// Whether this one has an answer at once, whatever else is open.
async fn is_healthy(address: SocketAddr) {
    for path in ["/health", "/status?user_id=1", "/qr?user_id=1"] {
        let answer = tokio::time::timeout(PATIENCE, talk(address, &get(path))).await.expect("a place");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
    }
    let body = r#"{"phone":"5511988887777","message":"oi"}"#;
    let request = format!(
        "POST /send?user_id=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = tokio::time::timeout(PATIENCE, talk(address, request.as_bytes())).await.expect("a place");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn whatever_somebody_leaves_open_there_is_a_place_for_a_request() {
    let stage = Cast::new(sent).with("1", ready()).on_stage();
    let rules = Rules { connections: 24, ..Rules::of(&ServiceConfig::default()) };
    let (address, _server) = listen_by(&stage, rules).await;
    let half_body = "POST /send?user_id=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n{";
    let kept = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for begun in ["", "GET /health HTT", half_body, kept] {
        let mut open = Vec::new();
        for _ in 0..40 {
            let mut stream = TcpStream::connect(address).await.expect("connected");
            stream.write_all(begun.as_bytes()).await.expect("written");
            open.push(stream);
        }
        is_healthy(address).await;
    }
}

#[tokio::test]
async fn streams_leave_places_for_requests_and_end_when_nobody_reads() {
    let stage = Cast::new(sent).with("1", ready()).on_stage();
    let rules = Rules { unread: Duration::from_secs(3), ..Rules::of(&ServiceConfig::default()) };
    let (address, _server) = listen_by(&stage, rules).await;
    let mut open = Vec::new();
    for n in 0..1_100 {
        let path =
            if n % 2 == 0 { "/api/events/stream".into() } else { format!("/qr/events?user_id={}", n % 16) };
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(&get(&path)).await.expect("written");
        open.push(stream);
    }
    is_healthy(address).await;
    // Much more than the kernel keeps for somebody who does not read.
    let text = "x".repeat(60_000);
    for round in 0..20 {
        let events = (0..10).map(|n| {
            (1, colmeia::protocol::Event::Message(Box::new(message(&format!("{round}.{n}"), &text))))
        });
        stage.journal.append(&user("1"), events.collect()).await.expect("written");
    }
    is_healthy(address).await;
    // Those who were sent more than fits have been let go, and can go on where they were.
    let first = &mut open[0];
    let mut seen = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, async {
        tokio::time::sleep(Duration::from_secs(6)).await; // longer than `unread`: this reader reads nothing
        first.read_to_end(&mut seen).await
    });
    let _ = ended.await.expect("it was ended"); // cleanly or not
    let seen = String::from_utf8_lossy(&seen);
    let last =
        seen.rsplit("\nid: ").find_map(|rest| rest.split_once('\n').map(|(id, _)| id)).expect("an event");
    let again =
        format!("GET /api/events/stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {last}\r\n\r\n");
    drop(open);
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(again.as_bytes()).await.expect("written");
    let (mut rest, mut piece) = (Vec::new(), vec![0; 65_536]);
    while !String::from_utf8_lossy(&rest).contains("19.9") {
        let read =
            tokio::time::timeout(PATIENCE, stream.read(&mut piece)).await.expect("it goes on").expect("more");
        assert_ne!(read, 0, "it ended");
        // The name that is looked for may lie over the edge of two pieces.
        rest.drain(..rest.len().saturating_sub(16));
        rest.extend_from_slice(&piece[..read]);
    }
}

#[tokio::test]
async fn what_unread_streams_hold_is_bounded_and_given_back() {
    let stage = Cast::new(nobody).with("1", ready()).on_stage();
    let text = "x".repeat(60_000);
    for round in 0..20 {
        let events = (0..10).map(|n| {
            (1, colmeia::protocol::Event::Message(Box::new(message(&format!("{round}.{n}"), &text))))
        });
        stage.journal.append(&user("1"), events.collect()).await.expect("written");
    }
    let (address, _server) = listen(&stage).await;
    let first = stage.journal.events(0, None, |_, _| true, 1).await.expect("read").events.remove(0).id;
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").expect("there");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
    };
    let before = resident();
    let mut open = Vec::new();
    for _ in 0..60 {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(&get(&format!("/api/events/stream?after={first}"))).await.expect("written");
        // It has begun to tell.
        stream.read_exact(&mut [0; 4_000]).await.expect("events");
        open.push(stream);
    }
    let grown = resident().saturating_sub(before);
    // Sixty times a hundred events of 60 kB, as they were kept, are 360 MB.
    assert!(grown < 120, "{grown} MB for 60 streams");
    drop(open);
    let given_back = tokio::time::timeout(PATIENCE, async {
        while resident().saturating_sub(before) > grown / 2 + 16 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(given_back.await.is_ok(), "{} MB stayed of {grown}", resident().saturating_sub(before));
}

#[tokio::test]
async fn who_comes_through_a_trusted_proxy_has_a_share_and_flask_has_none() {
    let config = ServiceConfig {
        trusted_proxies: vec!["127.0.0.0/8".parse().expect("network")],
        ..ServiceConfig::default()
    };
    let stage = Cast::new(nobody).with("1", ready()).on_stage_at("127.0.0.1:5001", config);
    let ask = |client: Option<&str>, method: Method, body: Body| {
        let request = Request::builder().method(method).uri("/health");
        let request =
            client.into_iter().fold(request, |request, client| request.header("x-forwarded-for", client));
        stage.ask(request.body(body).expect("request"))
    };
    let never = || Body::from_stream(futures::stream::pending::<std::io::Result<Bytes>>());
    // Half bodies of one stranger, and of somebody on this machine.
    let mut held: Vec<_> =
        (0..64).map(|_| ask(Some("203.0.113.9"), Method::POST, never()).boxed_local()).collect();
    held.extend((0..100).map(|_| ask(None, Method::POST, never()).boxed_local()));
    assert!(futures::future::select_all(&mut held).now_or_never().is_none(), "all of them wait");
    let answered = async |client| ask(client, Method::GET, Body::empty()).await.status.as_u16();
    assert_eq!(answered(Some("203.0.113.9")).await, 429);
    assert_eq!(answered(Some("203.0.113.8")).await, 200);
    assert_eq!(answered(None).await, 200);
    drop(held);
    assert_eq!(answered(Some("203.0.113.9")).await, 200);
}
