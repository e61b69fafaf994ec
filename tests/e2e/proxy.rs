//! A session's own proxy: its browser goes through it and signs in there, and nobody else's does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{Farm, Service, Simulator, until};

/// `user:hunter2` in base64; headers are compared in small letters.
const AUTHORIZED: &str = "proxy-authorization: basic dxnlcjpodw50zxiy";

/// A proxy that lets only one through, and counts.
struct Proxy {
    address: String,
    passed: Arc<AtomicUsize>,
}

impl Proxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let passed = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&passed);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, Arc::clone(&counted)));
            }
        });
        Self { address, passed }
    }

    fn passed(&self) -> usize {
        self.passed.load(Ordering::Relaxed)
    }
}

/// One connection: asks who it is, then carries it to where it wants to go.
async fn pass(mut inward: TcpStream, passed: Arc<AtomicUsize>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match inward.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    if !text.to_ascii_lowercase().contains(AUTHORIZED) {
        let refusal = "HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm=\"p\"\r\n\
                       Content-Length: 0\r\nConnection: close\r\n\r\n";
        let _ = inward.write_all(refusal.as_bytes()).await;
        return;
    }
    let mut words = text.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let target = target.strip_prefix("http://").unwrap_or(target);
    let target = target.split('/').next().unwrap_or_default().to_owned();
    let Ok(mut outward) = TcpStream::connect(target).await else { return };
    passed.fetch_add(1, Ordering::Relaxed);
    let begun = if method == "CONNECT" {
        inward.write_all(b"HTTP/1.1 200 Go on\r\n\r\n").await
    } else {
        outward.write_all(&head).await
    };
    if begun.is_ok() {
        let _ = copy_bidirectional(&mut inward, &mut outward).await;
    }
}

async fn link(service: &Service, phone: &Simulator, session: &str, number: &str) {
    let path = format!("/api/{session}/auth/qr?format=raw");
    // A code may be told before the phone's side has it, and followed by another before it is scanned.
    until("a code is scanned", || async {
        let qr = service.get(&path).await.json["value"].as_str().map(str::to_owned)?;
        phone.scan(&qr, number).await.then_some(())
    })
    .await;
    until("the session works", || async {
        let session = service.get(&format!("/api/sessions/{session}")).await;
        (session.json["status"] == "WORKING").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_sessions_proxy_is_for_its_browser_alone() {
    let farm = Farm::start().await;
    let (service, phone) = (&farm.service, &farm.phone);
    let proxy = Proxy::start().await;

    let direct = service.post("/api/sessions", &json!({"name": "direta"})).await;
    assert_eq!(direct.status, 201, "{}", direct.text);
    link(service, phone, "direta", "5511900000011").await;
    assert_eq!(proxy.passed(), 0);

    let own =
        json!({"server": format!("http://{}", proxy.address), "username": "user", "password": "hunter2"});
    let made = service.post("/api/sessions", &json!({"name": "desviada", "config": {"proxy": own}})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    link(service, phone, "desviada", "5511900000012").await;
    let passed = proxy.passed();
    assert!(passed > 0, "the page came another way");

    // The password is in no argument, which every user of the machine could read.
    let (_, browser) = Service::processes_of("desviada").await;
    assert!(!browser.command.contains("hunter2"), "{}", browser.command);
    let text = json!({"session": "direta", "chatId": "5511988887777", "text": "oi"});
    assert_eq!(service.post("/api/sendText", &text).await.status, 201);
    assert_eq!(proxy.passed(), passed, "the other session goes straight ahead");
}
