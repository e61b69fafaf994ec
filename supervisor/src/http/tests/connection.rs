//! Real sockets: large bodies, slow callers, and the end.

use std::net::SocketAddr;

use futures::FutureExt as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::super::control::control;
use super::super::server::accept_all;
use super::stage::*;

async fn listen(stage: &Stage) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    let address = listener.local_addr().expect("address");
    (
        address,
        tokio::spawn(accept_all(
            listener,
            stage.router.clone(),
            "".into(),
            control(stage.shutdown.clone()).1,
        )),
    )
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
    let server = tokio::spawn(accept_all(listener, stage.router.clone(), "".into(), inside));
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
