//! Files of messages through every part: where events say that they are, inside of events, and converted on the way out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{Farm, Options, Receiver, ctl, until};

const NUMBER: &str = "5511900000001";
const FRIEND: &str = "5511988887777";

/// A sound of a tenth of a second in a kind that phones do not play as a voice message.
fn wav() -> Vec<u8> {
    let samples = 4800_u32;
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + samples * 2).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend(48_000_u32.to_le_bytes());
    wav.extend(96_000_u32.to_le_bytes());
    wav.extend(b"\x02\0\x10\0data");
    wav.extend((samples * 2).to_le_bytes());
    wav.extend((0..samples).flat_map(|n| (if n / 50 % 2 == 0 { 8000_i16 } else { -8000 }).to_le_bytes()));
    wav
}

#[tokio::test]
async fn a_voice_message_is_converted_and_one_that_phones_do_not_play_is_refused() {
    let farm = Farm::start().await;
    farm.link("1", NUMBER).await;
    let send = |convert: Value| {
        let file = json!({"mimetype": "audio/wav", "filename": "aviso.wav", "data": STANDARD.encode(wav())});
        let mut body = json!({"session": "1", "chatId": FRIEND, "file": file});
        if !convert.is_null() {
            body["convert"] = convert;
        }
        body
    };
    for convert in [json!(true), Value::Null] {
        let answer = farm.service.post("/api/sendVoice", &send(convert)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let arrived = farm.phone.media(answer.json["id"].as_str().expect("an id")).await;
        assert!(arrived.starts_with(b"OggS") && arrived.windows(8).any(|part| part == b"OpusHead"));
    }
    let sent = farm.phone.sent(NUMBER).await;
    assert!(
        sent.iter().all(|sent| sent["type"] == "ptt" && sent["mimetype"] == "audio/ogg; codecs=opus"),
        "{sent:?}"
    );
    let answer = farm.service.post("/api/sendVoice", &send(json!(false))).await;
    assert_eq!((answer.status, &answer.json["field"]), (400, &json!("convert")), "{answer:?}");
    assert!(answer.json["error"].as_str().is_some_and(|error| error.contains("audio/wav")), "{answer:?}");
    assert_eq!(farm.phone.sent(NUMBER).await.len(), 2);

    // And for those who send it themselves.
    let answer =
        farm.service.post("/api/1/media/convert/voice", &json!({"data": STANDARD.encode(wav())})).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let no_film =
        farm.service.post("/api/1/media/convert/video", &json!({"data": STANDARD.encode(wav())})).await;
    assert_eq!((no_film.status, &no_film.json["field"]), (400, &json!("data")), "{no_film:?}");
    let request =
        farm.service.request("POST", "/api/1/media/convert/voice").header("accept", "application/json");
    let answer = farm.service.send(request.json(&json!({"data": STANDARD.encode(wav())}))).await;
    let voice = STANDARD.decode(answer.json["data"].as_str().expect("text")).expect("base64");
    assert!(voice.starts_with(b"OggS") && answer.json["mimetype"] == "audio/ogg; codecs=opus");
}

#[tokio::test]
async fn without_a_converter_one_is_told_what_to_install() {
    let config = "[conversion]\nffmpeg = '/nowhere/ffmpeg'\n".to_owned();
    let farm = Farm::start_with(Options { config, ..Options::default() }).await;
    farm.link("1", NUMBER).await;
    let file = json!({"mimetype": "audio/wav", "data": STANDARD.encode(wav())});
    let body = json!({"session": "1", "chatId": FRIEND, "file": file, "convert": true});
    let answer = farm.service.post("/api/sendVoice", &body).await;
    let error = answer.json["error"].as_str().unwrap_or_default();
    assert!(answer.status == 501 && error.contains("apt install ffmpeg"), "{answer:?}");
    assert_eq!(farm.phone.sent(NUMBER).await.len(), 0);
    let (_, said) = ctl(&farm, &["doctor"]).await;
    assert!(said.contains("voice and video cannot be converted"), "{said}");
}

#[tokio::test]
async fn a_file_is_found_where_its_event_says_and_inside_of_it_where_that_was_asked_for() {
    let (near, inside) = (Receiver::start().await, Receiver::start().await);
    let webhook = |receiver: &Receiver, more: &str| {
        format!("[[webhooks]]\nurl = '{}'\nevents = ['message']\n{more}\n", receiver.url())
    };
    // The keys are made, and events read, by who has none.
    let config = "local_access = 'open'\n".to_owned()
        + &webhook(&near, "")
        + &webhook(&inside, "inline_max_bytes = 1000");
    let farm = Farm::start_with(Options { config, ..Options::default() }).await;
    farm.link("1", NUMBER).await;
    let keys = |session: &str| {
        let farm = &farm;
        let body = json!({"session": session, "isActive": true, "isAdmin": false});
        async move { farm.service.post("/api/keys", &body).await.json["key"].as_str().expect("a key").to_owned() }
    };
    let (own, other) = (keys("1").await, keys("2").await);

    let mut told = Vec::new();
    for (text, bytes) in [("pequena", vec![7_u8; 500]), ("grande", vec![8_u8; 5000])] {
        let media = json!({
            "mimetype": "image/png", "filename": "a.png", "data": STANDARD.encode(&bytes), "caption": text,
        });
        farm.phone.message_with(json!({"to": NUMBER, "from": FRIEND, "media": media})).await;
        told.push(text);
        near.has("1", &told).await;
        let event = near.taken().pop().expect("taken").event;
        let url = event["payload"]["media"]["url"].as_str().expect("an address").to_owned();
        assert!(
            event["payload"]["media"].get("data").is_none() && event["payload"]["mediaUrl"] == url.as_str()
        );
        // As a client fetches it, which knows its key and nothing else.
        let fetch = async |key: &str| {
            let client = reqwest::Client::builder().no_proxy().build().expect("client");
            client.get(&url).header("x-api-key", key).send().await.expect("answered")
        };
        let answer = fetch(&own).await;
        assert_eq!(answer.headers()["content-type"], "image/png");
        assert!(answer.headers()["cache-control"].to_str().expect("text").starts_with("private"));
        assert_eq!(answer.bytes().await.expect("a body"), bytes);
        assert_eq!(fetch(&other).await.status(), 403);

        let events = until("it is inside", || async {
            let events: Vec<_> = inside.taken().into_iter().map(|taken| taken.event).collect();
            events.iter().any(|event| event["payload"]["body"] == text).then_some(events)
        })
        .await;
        let media = &events.last().expect("one")["payload"]["media"];
        let expected = (bytes.len() <= 1000).then(|| json!(STANDARD.encode(&bytes)));
        assert_eq!((media.get("data"), media.get("error")), (expected.as_ref(), None), "{media}");
        assert_eq!(media["url"], url.as_str());
        let replayed = farm.service.get("/api/events?session=1&events=message&limit=100").await;
        let last = replayed.json["events"].as_array().expect("a list").last().expect("one").clone();
        assert_eq!(last["payload"]["media"]["url"], url.as_str());
    }
}
