//! Real sockets: large bodies, slow callers, and the end.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::super::control::control;
use super::super::server::accept_all;
use super::stage::*;

async fn listen(stage: &Stage) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    let address = listener.local_addr().expect("address");
    (address, tokio::spawn(accept_all(listener, stage.router.clone(), control(stage.shutdown.clone()).1)))
}

async fn talk(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(request).await.expect("written");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("a clean end");
    String::from_utf8_lossy(&answer).into_owned()
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
    let begun = Instant::now();
    assert!(talk(address, polite.as_bytes()).await.starts_with("HTTP/1.1 413 "));
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert!(stage.cast.notes().is_empty());
}

#[tokio::test]
async fn slow_callers_and_slow_sessions_delay_no_health() {
    let stage = Cast::new(sent).slow(Duration::from_secs(60)).with("1", ready()).on_stage();
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
    let stage = Cast::new(sent).slow(Duration::from_millis(300)).with("1", ready()).on_stage();
    let (address, server) = listen(&stage).await;
    let body = r#"{"phone":"5511988887777","message":"oi"}"#;
    let request = format!(
        "POST /send?user_id=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let sending = tokio::spawn(async move { talk(address, request.as_bytes()).await });
    let following = tokio::spawn(async move { talk(address, &get("/qr/events?user_id=1")).await });
    let _idle = TcpStream::connect(address).await.expect("connected");
    tokio::time::sleep(Duration::from_millis(100)).await;
    stage.shutdown.cancel();
    let answer = sending.await.expect("no panic");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("messageId"), "{answer}");
    assert!(following.await.expect("no panic").contains("data: "));
    tokio::time::timeout(Duration::from_secs(2), server).await.expect("in time").expect("no panic");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn the_server_says_whether_it_turns_and_when_it_works_on_nothing() {
    let stage = Cast::new(sent).slow(Duration::from_millis(400)).with("1", ready()).on_stage();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    let address = listener.local_addr().expect("address");
    let (outside, inside) = control(stage.shutdown.clone());
    let patience = Duration::from_millis(100);
    assert!(tokio::time::timeout(patience, outside.beat()).await.is_err(), "nobody accepts yet");
    let server = tokio::spawn(accept_all(listener, stage.router.clone(), inside));
    outside.beat().await;
    let asking = tokio::spawn(async move { talk(address, &get("/chats?user_id=1")).await });
    let following = tokio::spawn(async move { talk(address, &get("/qr/events?user_id=1")).await });
    tokio::time::sleep(patience).await;
    assert!(tokio::time::timeout(patience, outside.quiet()).await.is_err(), "a call is under way");
    asking.await.expect("no panic");
    outside.quiet().await;
    outside.stop();
    following.await.expect("no panic");
    server.await.expect("no panic");
    outside.beat().await;
}

#[tokio::test]
async fn who_was_accepted_before_the_end_and_speaks_just_after_is_answered() {
    let stage = Cast::new(nobody).with("1", ready()).on_stage();
    let (address, server) = listen(&stage).await;
    let mut early = TcpStream::connect(address).await.expect("connected");
    tokio::time::sleep(Duration::from_millis(50)).await;
    stage.shutdown.cancel();
    tokio::time::sleep(Duration::from_millis(100)).await;
    early.write_all(&get("/health")).await.expect("written");
    let mut answer = String::new();
    early.read_to_string(&mut answer).await.expect("a clean end");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    server.await.expect("no panic");
}
