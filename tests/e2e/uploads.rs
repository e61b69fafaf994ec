//! Files on their way from a caller through every part to the phone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::harness::{Farm, Service, descendants, until};

/// Bytes that are different everywhere.
fn content(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[tokio::test]
async fn a_large_file_arrives_whole_and_is_never_in_the_supervisors_memory() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    let video = content(24 << 20);
    let file = json!({"mimetype": "video/mp4", "filename": "v.mp4", "data": STANDARD.encode(&video)});
    let body = json!({"file": file, "caption": "o dia", "chatId": "5511988887777", "session": "1"});
    let before = farm.service.peak_kib();
    let answer = farm.service.post("/api/sendVideo", &body).await;
    let grown = farm.service.peak_kib() - before;
    assert_eq!(answer.status, 201, "{answer:?}");
    let arrived = farm.phone.media(answer.json["id"].as_str().expect("an id")).await;
    assert_eq!((arrived.len(), Sha256::digest(&arrived)), (video.len(), Sha256::digest(&video)));
    assert!(grown < 12 << 10, "{grown} KiB more for a file of {} KiB", video.len() / 1024);
    assert!(no_upload_is_left(&farm));
}

/// The most that the supervisor, user 1's worker, its browser and its renderer ever had in memory, in MiB.
async fn peaks(farm: &Farm) -> [u64; 4] {
    let (worker, browser) = Service::processes_of("1").await;
    let renderer = descendants(browser.pid).into_iter().find(|process| process.is_renderer()).expect("one");
    [farm.service.pid(), worker.pid, browser.pid, renderer.pid].map(|pid| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
    })
}

#[tokio::test]
async fn a_large_file_is_whole_in_no_worker_and_no_script_on_its_way_out_and_in() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    let film = content(48 << 20);
    let before = peaks(&farm).await;
    let file = json!({"mimetype": "video/mp4", "filename": "v.mp4", "data": STANDARD.encode(&film)});
    let body = json!({"file": file, "chatId": "5511988887777", "session": "1"});
    let answer = farm.service.post("/api/sendVideo", &body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let arrived = farm.phone.media(answer.json["id"].as_str().expect("an id")).await;
    assert!(arrived == film, "the phone has other bytes");
    let sent = peaks(&farm).await;

    let media = json!({"mimetype": "application/zip", "filename": "a.zip", "data": STANDARD.encode(&film)});
    let id = farm
        .phone
        .message_with(json!({"to": "5511900000001", "from": "5511988887777", "media": media}))
        .await;
    let path = format!("/api/files/1/{id}");
    let answer = until("the file is there", || async {
        let answer = farm.service.get(&path).await;
        (answer.status == 200).then_some(answer)
    })
    .await;
    assert!(answer.bytes == film, "other bytes came back");
    let fetched = peaks(&farm).await;
    eprintln!("supervisor, worker, browser, renderer: {before:?}, sent {sent:?}, fetched {fetched:?}");
    // The page itself reads all of it to send it, to have its web worker hash it, and to give it out.
    for (part, most) in [(0, 12), (1, 12), (3, 260)] {
        let grown = sent[part] - before[part];
        assert!(grown < most, "{grown} MiB more of process {part} for sending 48");
    }
    for (part, most) in [(0, 12), (1, 24), (3, 320)] {
        let grown = fetched[part] - before[part];
        assert!(grown < most, "{grown} MiB more of process {part} for sending and fetching 48");
    }
    assert!(std::fs::read_dir(farm.auth_dir("1").join("colmeia/files")).expect("there").next().is_none());
    let folder = farm.state_dir().join("colmeia_downloads");
    until("the supervisor has no file open", || async {
        (farm.service.open_files(&folder) == 0).then_some(())
    })
    .await;
    assert!(std::fs::read_dir(folder).expect("there").next().is_none());
}

#[tokio::test]
async fn a_caller_who_hangs_up_half_way_leaves_no_file_and_no_message() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    let (more, rest) = futures::channel::mpsc::unbounded::<Result<String, std::io::Error>>();
    let begun =
        format!(r#"{{"session":"1","chatId":"5511988887777","file":{{"data":"{}"#, "QUJD".repeat(1 << 18));
    more.unbounded_send(Ok(begun)).expect("taken");
    let request = farm.service.request("POST", "/api/sendFile").body(reqwest::Body::wrap_stream(rest));
    let asking = tokio::spawn(request.send());
    until("the file is on its way", || async { (!no_upload_is_left(&farm)).then_some(()) }).await;
    asking.abort();
    until("the file is gone", || async { no_upload_is_left(&farm).then_some(()) }).await;
    drop(more);
    let whole = json!({"session": "1", "chatId": "5511988887777", "file": {"data": "b2k="}});
    assert_eq!(farm.service.post("/api/sendFile", &whole).await.status, 201);
    assert_eq!(farm.phone.sent("5511900000001").await.len(), 1);
}

/// Whether the supervisor has no file of an upload open, and its folder is empty.
fn no_upload_is_left(farm: &Farm) -> bool {
    let folder = farm.state_dir().join("colmeia_uploads");
    farm.service.open_files(&folder) == 0 && std::fs::read_dir(folder).expect("there").next().is_none()
}
