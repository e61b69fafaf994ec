//! Files that come in with requests: what is told of a bad one, and that nothing of any is left.

use std::io;
use std::path::PathBuf;

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use colmeia::Secret;
use colmeia::config::{ConversionConfig, ServiceConfig};
use futures::FutureExt as _;
use futures::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use super::stage::{Answer, Cast, Stage, nobody, ready, sent};
use colmeia_host::shares::Holder;
use colmeia_host::uploads::LARGEST;
use colmeia_host::uploads::testing::open_files;
use colmeia_store::{Actions, NewKey};

fn body(session: &str, data: &str) -> String {
    let file = json!({"mimetype": "image/png", "data": data});
    json!({"session": session, "chatId": "5511988887777", "file": file}).to_string()
}

fn told(answer: &Answer) -> (u16, Value) {
    let body: Value = serde_json::from_str(&answer.body).expect(&answer.body);
    (answer.status.as_u16(), body["field"].clone())
}

fn folder(stage: &Stage) -> PathBuf {
    stage.folder.path().join("uploads")
}

/// Nothing of any file is left.
fn nothing_is_left(stage: &Stage) {
    let folder = folder(stage);
    assert_eq!((open_files(&folder), stage.uploads.taken()), (0, 0));
    assert!(std::fs::read_dir(folder).expect("there").next().is_none());
}

/// A body that comes bit by bit: text around so many bytes of zeros in base64.
fn streamed(zeros: u64) -> Body {
    let piece = Bytes::from("AAAA".repeat(64 * 1024));
    let (whole, rest) = (zeros / 3 / 65_536, zeros / 3 % 65_536);
    let before = r#"{"session":"1","chatId":"5511988887777","file":{"data":""#;
    let pieces = (0..whole).map(move |_| piece.clone());
    let after = Bytes::from("AAAA".repeat(usize::try_from(rest).expect("small")) + r#""}}"#);
    let all = std::iter::once(Bytes::from(before)).chain(pieces).chain([after]);
    Body::from_stream(stream::iter(all.map(io::Result::Ok)))
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_told_with_its_field() {
    let stage = Cast::new(nobody).with("1", ready()).on_stage();
    let answer = stage.post("/api/sendImage", body("1", "no base64!")).await;
    assert_eq!(told(&answer), (400, json!("file.data")), "{}", answer.body);
    let answer = stage.post("/api/sendImage", body("1", "")).await;
    assert_eq!(told(&answer), (400, json!("file")), "{}", answer.body);
    let answer = stage.post("/api/sendImage", r#"{"session":"1","file":{"data":["QQ=="]}}"#).await;
    assert_eq!(told(&answer).0, 400, "{}", answer.body);
    let preview = json!({"url": "https://x", "title": "t", "image": {"data": "?"}});
    let request = json!({"session": "1", "chatId": "5511988887777", "text": "https://x", "preview": preview});
    let answer = stage.post("/api/send/link-custom-preview", request.to_string()).await;
    assert_eq!(told(&answer), (400, json!("preview.image.data")), "{}", answer.body);
    let answer = stage.post("/api/sendImage", r#"{"session":"1","chatId":"#).await;
    assert!(answer.status == 400 && answer.body.contains("no JSON (line 1, column"), "{}", answer.body);
    nothing_is_left(&stage);
}

#[tokio::test]
async fn a_larger_file_than_is_taken_is_refused_with_the_limit() {
    let stage = Cast::new(sent).with("1", ready()).on_stage();
    assert_eq!(stage.post("/api/sendFile", streamed(3 << 20)).await.status, 201);
    let answer = stage.post("/api/sendFile", streamed(LARGEST + 3)).await;
    assert_eq!(told(&answer), (413, json!("file.data")), "{}", answer.body);
    assert!(answer.body.contains("64 MiB"), "{}", answer.body);
    nothing_is_left(&stage);
}

#[tokio::test]
async fn a_caller_who_hangs_up_leaves_nothing() {
    let stage = Cast::new(nobody).with("1", ready()).on_stage();
    let begun = Bytes::from(format!(r#"{{"session":"1","file":{{"data":"{}"#, "AAAA".repeat(100_000)));
    let broken = stream::iter([Ok(begun), Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
    let answer = stage.post("/api/sendFile", Body::from_stream(broken)).await;
    assert!(answer.status == 400 && answer.body.contains("incomplete"), "{}", answer.body);
    nothing_is_left(&stage);

    // One whose request is dropped while the body is on its way.
    let (pieces, body) = futures::channel::mpsc::unbounded::<io::Result<Bytes>>();
    pieces.unbounded_send(Ok(Bytes::from(r#"{"file":{"data":"QUJD"#))).expect("taken");
    let asking = stage.post("/api/sendFile", Body::from_stream(body));
    tokio::select! {
        answer = asking => panic!("{}", answer.body),
        () = until(|| open_files(&folder(&stage)) > 0) => {}
    }
    assert!(stage.uploads.taken() > 0);
    drop(pieces);
    until(|| stage.uploads.taken() == 0).await;
    nothing_is_left(&stage);
}

async fn until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(super::stage::PATIENCE, wait).await.expect("in time");
}

#[tokio::test]
async fn where_there_is_no_room_one_is_told_when_again() {
    let stage = Cast::new(sent).with("1", ready()).with("2", ready()).on_stage();
    let one = "1".parse().expect("valid");
    let expect = |caller: u8| stage.uploads.expect(LARGEST, &Holder::Key([caller; 32]));
    let mut held: Vec<_> =
        (0..4).map(|_| expect(1).and_then(|place| place.of(&one)).expect("room")).collect();
    let answer = stage.post("/api/sendImage", body("1", "QUJD")).await;
    assert_eq!(told(&answer), (429, json!("file.data")), "{}", answer.body);
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(
        stage.post("/api/sendImage", body("2", "QUJD")).await.status,
        201,
        "another session has its own"
    );

    held.extend((0..=255).filter_map(|caller| expect(caller).ok()));
    let answer = stage.post("/api/sendImage", body("2", "QUJD")).await;
    assert_eq!(told(&answer), (503, json!("file.data")), "{}", answer.body);
    assert!(answer.headers.contains_key("retry-after"));
    drop(held);
    assert_eq!(stage.post("/api/sendImage", body("1", "QUJD")).await.status, 201);
    nothing_is_left(&stage);
}

#[tokio::test]
async fn a_repeated_request_is_known_by_its_files_content() {
    let stage = Cast::new(sent).with("1", ready()).on_stage();
    let send = async |data: &str| {
        let request = Request::post("/api/sendImage").header("Idempotency-Key", "k");
        stage.ask(request.body(body("1", data).into()).expect("request")).await
    };
    let (one, other) = (STANDARD.encode("one"), STANDARD.encode("other"));
    assert_eq!(send(&one).await.status, 201);
    let again = send(&format!("data:image/png;base64,{one}")).await;
    assert_eq!((again.status.as_u16(), again.headers.contains_key("idempotency-replayed")), (201, true));
    assert_eq!(send(&other).await.status, 422);
    assert_eq!(stage.cast.notes().len(), 1);
}

#[tokio::test]
async fn a_file_at_an_address_goes_to_the_disk_within_its_limit() {
    let length = |length: u64| {
        move || async move {
            let piece = Bytes::from(vec![7; 1 << 20]);
            Body::from_stream(stream::iter((0..length).map(move |_| io::Result::Ok(piece.clone()))).boxed())
        }
    };
    let pages = axum::Router::new()
        .route("/small", axum::routing::get(length(2)))
        .route("/large", axum::routing::get(length(65)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("address");
    let serving = tokio::spawn(async move { axum::serve(listener, pages).await });
    let config =
        ServiceConfig { media_networks: vec!["127.0.0.0/8".parse().expect("network")], ..Default::default() };
    let stage = Cast::new(sent).with("1", ready()).on_stage_at("127.0.0.1:5001", config);
    let fetched = async |path: &str| {
        let file = json!({ "url": format!("http://{address}{path}") });
        let body = json!({"session": "1", "chatId": "5511988887777", "file": file}).to_string();
        stage.post("/api/sendFile", body).await
    };
    assert_eq!(fetched("/small").await.status, 201);
    assert_eq!(told(&fetched("/large").await), (413, json!("file.url")));
    nothing_is_left(&stage);
    serving.abort();
}

#[tokio::test]
async fn voice_and_video_that_phones_do_not_play_are_refused_by_the_field_that_is_wrong() {
    let conversion = ConversionConfig { ffmpeg: "/nowhere/ffmpeg".into(), ..ConversionConfig::default() };
    let config = ServiceConfig { conversion, ..ServiceConfig::default() };
    let stage = Cast::new(sent).with("1", ready()).on_stage_at("127.0.0.1:5001", config);
    let ask = async |path: &str, mimetype: &str, convert: Option<bool>| {
        let file = json!({"mimetype": mimetype, "data": "QUJD"});
        let body = json!({"session": "1", "chatId": "5511988887777", "file": file, "convert": convert});
        told(&stage.post(path, body.to_string()).await)
    };
    for (path, mimetype, convert, status, field) in [
        ("/api/sendVoice", "audio/ogg; codecs=opus", Some(false), 201, json!(null)),
        ("/api/sendVoice", "audio/ogg; codecs=opus", None, 201, json!(null)),
        ("/api/sendVoice", "audio/mpeg", Some(false), 400, json!("convert")),
        ("/api/sendVoice", "image/png", None, 400, json!("file.mimetype")),
        // There is no converter here.
        ("/api/sendVoice", "audio/mpeg", None, 501, json!(null)),
        ("/api/sendVoice", "image/png", Some(true), 501, json!(null)),
        ("/api/sendVideo", "video/mp4", None, 201, json!(null)),
        ("/api/sendVideo", "video/webm", Some(false), 400, json!("convert")),
        ("/api/sendImage", "image/png", Some(true), 400, json!("convert")),
    ] {
        assert_eq!(ask(path, mimetype, convert).await, (status, field), "{path} {mimetype} {convert:?}");
    }
    let answer = stage.post("/api/1/media/convert/voice", r#"{"data":"QUJD"}"#).await;
    assert!(answer.status == 501 && answer.body.contains("apt install ffmpeg"), "{}", answer.body);
    let answer = stage.post("/api/1/media/convert/voice", "{}").await;
    assert_eq!(told(&answer).0, 400, "{}", answer.body);
    nothing_is_left(&stage);
}

/// A key for these actions.
async fn key(stage: &Stage, actions: Actions) -> Secret {
    let grants =
        NewKey { name: String::new(), active: true, admin: false, sessions: Default::default(), actions };
    stage.store.add_key(None, grants).await.expect("made").1
}

async fn send_file(stage: &Stage, key: &Secret, body: Body) -> Answer {
    stage
        .ask(Request::post("/api/sendFile").header("x-api-key", key.expose()).body(body).expect("request"))
        .await
}

/// The beginning of a body whose rest does not come as long as the other half is kept.
fn slow() -> (Sender, Body) {
    let (pieces, body) = futures::channel::mpsc::unbounded();
    let begun = Bytes::from(r#"{"session":"1","chatId":"5511988887777","file":{"data":"QUJD"#);
    pieces.unbounded_send(Ok(begun)).expect("taken");
    (pieces, Body::from_stream(body))
}

type Sender = futures::channel::mpsc::UnboundedSender<io::Result<Bytes>>;

#[tokio::test]
async fn what_a_key_may_not_send_takes_no_room_and_what_it_may_no_more_than_its_share() {
    let stage = Cast::new(sent).with("1", ready()).on_stage();
    let read = key(&stage, Actions { read: true, ..Actions::default() }).await;
    let (send, other) =
        (key(&stage, Actions { send: true, ..Actions::default() }).await, key(&stage, Actions::ALL).await);

    let reading: Vec<_> = (0..33).map(|_| slow()).collect();
    let (callers, bodies): (Vec<_>, Vec<_>) = reading.into_iter().unzip();
    let reading: Vec<_> =
        bodies.into_iter().map(|body| send_file(&stage, &read, body).boxed_local()).collect();
    let mut reading = stream::iter(reading).buffer_unordered(33);
    tokio::select! {
        answer = reading.next() => {
            let answer = answer.expect("some");
            assert_eq!(answer.status, 403, "{}", answer.body);
        }
        // It is heard out for a moment, and nothing of it is kept.
        () = std::future::ready(()) => assert_eq!(stage.uploads.taken(), 0),
    }
    assert_eq!(send_file(&stage, &other, streamed(3 << 20)).await.status, 201);
    assert_eq!(open_files(&folder(&stage)), 0);

    let sending: Vec<_> = (0..4).map(|_| slow()).collect();
    let (senders, bodies): (Vec<_>, Vec<_>) = sending.into_iter().unzip();
    let sending: Vec<_> =
        bodies.into_iter().map(|body| send_file(&stage, &send, body).boxed_local()).collect();
    let mut sending = stream::iter(sending).buffer_unordered(4);
    tokio::select! {
        answer = sending.next() => panic!("{}", answer.expect("some").body),
        () = until(|| open_files(&folder(&stage)) == 4) => {}
    }
    // Room for the largest file each, for nobody knows how much comes.
    let fifth = send_file(&stage, &send, streamed(3 << 20)).await;
    assert_eq!(told(&fifth).0, 429, "{}", fifth.body);
    assert!(fifth.body.contains("files of yours"), "{}", fifth.body);
    assert_eq!(send_file(&stage, &other, streamed(3 << 20)).await.status, 201, "another key has its own");
    drop((reading, sending, callers, senders));
    until(|| stage.uploads.taken() == 0).await;
    nothing_is_left(&stage);
}

#[tokio::test]
async fn a_field_that_stands_there_twice_is_refused_by_its_name() {
    let stage = Cast::new(nobody).with("1", ready()).on_stage();
    for (path, body, field) in [
        ("/api/sendText", r#"{"session":"1","chatId":"55119","text":"a","text":"b"}"#, "text"),
        ("/api/sendImage", r#"{"session":"1","chatId":"55119","chatId":"55118"}"#, "chatId"),
        ("/api/sendImage", r#"{"session":"1","file":{"data":"QQ==","data":"QQ=="}}"#, "file.data"),
        ("/api/sendImage", r#"{"session":"1","file":{"mimetype":"a/b","mimetype":"a/b"}}"#, "file.mimetype"),
        ("/api/sendImage", r#"{"session":"1","mentions":[{"a":1,"a":2}]}"#, "mentions[0].a"),
    ] {
        let answer = stage.post(path, body).await;
        assert_eq!(told(&answer), (400, json!(field)), "{body}: {}", answer.body);
    }
    nothing_is_left(&stage);
}
