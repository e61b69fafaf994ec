//! What is sent: texts with all that can go with them, files of every style, places, cards, polls, events.

use bytes::Bytes;
use colmeia::operations::{
    Degrees, GetMessage, LinkPreview, MediaStyle, NewMessageId, PollRecord, SendEvent, SendLocation,
    SendOptions, SendPoll, SendVcards, SentMessage, Vote,
};
use colmeia::protocol::{Call, CallErrorKind, Reply};
use serde_json::{Value, json};

use super::{PIXEL, key, received};
use crate::page::tests::rig::{FRIEND, Session, Simulator, chat};

fn card(name: &str) -> String {
    format!("BEGIN:VCARD\nVERSION:3.0\nFN:{name}\nEND:VCARD")
}

#[tokio::test]
async fn what_goes_with_a_text_and_what_is_no_text() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    let question = received(&mut session, &simulator, "como vai?").await;

    let wished = session.operate(NewMessageId {}).await.expect("an id").id;
    let call = Call::SendText {
        chat: chat(FRIEND),
        text: "bem, veja https://example.org/x".to_owned(),
        options: SendOptions {
            reply_to: Some(question.clone()),
            mentions: vec![chat(FRIEND)],
            message_id: Some(wished.clone()),
        },
        link_preview: LinkPreview::Fetch,
    };
    let Ok(Reply::Sent(SentMessage { message, .. })) = session.call(call).await else { panic!("sent") };
    assert_eq!(message, format!("true_{FRIEND}@c.us_{wished}"));
    let row = simulator.last_sent().await;
    assert_eq!(row["quoted"], question.as_str().split('_').nth(2).expect("a part"));
    assert_eq!(row["mentions"], json!([format!("{FRIEND}@c.us")]));
    assert_eq!(row["preview"]["title"], "example.org");
    let shown = session.operate(GetMessage { message: key(&message) }).await.expect("it is there");
    let details = shown.details.expect("details");
    let quoted = details.quoted.expect("a quoted message");
    assert_eq!((quoted.id.as_str(), quoted.body.as_str()), (question.as_str(), "como vai?"));
    assert_eq!(details.mentions, [format!("{FRIEND}@c.us")]);

    // The id is that message's from now on.
    let again = |chat: colmeia::ChatId, id: &str| Call::SendText {
        chat,
        text: "outra coisa".to_owned(),
        options: SendOptions { message_id: Some(id.to_owned()), ..SendOptions::default() },
        link_preview: LinkPreview::None,
    };
    let error = session.call(again(chat(FRIEND), &wished)).await.expect_err("taken");
    assert_eq!(
        (error.kind, error.message.get(..3)),
        (CallErrorKind::InvalidArgument, Some("id ")),
        "{error}"
    );
    assert_eq!(simulator.last_sent().await["body"], row["body"], "nothing was sent");
    let shown = session.operate(GetMessage { message: key(&message) }).await.expect("it is there");
    assert_eq!(shown.body, "bem, veja https://example.org/x");

    let custom = |text: &str| Call::SendText {
        chat: chat(FRIEND),
        text: text.to_owned(),
        options: SendOptions::default(),
        link_preview: LinkPreview::Custom {
            url: "https://example.org".to_owned(),
            title: "Título".to_owned(),
            description: "Descrição".to_owned(),
        },
    };
    session.with_body(custom("https://example.org"), Bytes::from_static(PIXEL)).await.expect("sent");
    let preview = simulator.last_sent().await["preview"].take();
    assert_eq!((&preview["title"], &preview["description"]), (&json!("Título"), &json!("Descrição")));
    assert!(preview["thumbnail"].as_str().is_some_and(|picture| !picture.is_empty()));
    let error = session.call(custom("sem endereço")).await.expect_err("it is not in the text");
    assert_eq!(error.kind, CallErrorKind::InvalidArgument);

    for (style, mimetype, kind) in [
        (None, "image/png", "image"),
        (None, "application/pdf", "document"),
        (Some(MediaStyle::Voice), "audio/ogg; codecs=opus", "ptt"),
        (Some(MediaStyle::VideoNote), "video/mp4", "ptv"),
        (Some(MediaStyle::Gif), "video/mp4", "video"),
        (Some(MediaStyle::Sticker), "image/webp", "sticker"),
    ] {
        let call = Call::SendMedia {
            chat: chat(FRIEND),
            mimetype: mimetype.to_owned(),
            filename: "arquivo".to_owned(),
            caption: None,
            as_document: false,
            style,
            options: SendOptions { reply_to: Some(question.clone()), ..SendOptions::default() },
        };
        session.with_body(call, Bytes::from_static(PIXEL)).await.expect("sent");
        let row = simulator.last_sent().await;
        assert_eq!((&row["type"], row["quoted"].is_string()), (&json!(kind), true));
        assert_eq!(row["is_gif"] == json!(true), style == Some(MediaStyle::Gif));
    }
    session.close().await;
}

#[tokio::test]
async fn places_cards_polls_and_events() {
    let simulator = Simulator::start().await;
    let session = Session::linked(&simulator, "").await;
    let options = SendOptions::default();
    let (latitude, longitude) =
        (Degrees::try_from(-23.5505).expect("degrees"), Degrees::try_from(-46.6333).expect("degrees"));
    let place = SendLocation {
        chat: chat(FRIEND),
        latitude,
        longitude,
        title: Some("Sé".to_owned()),
        address: Some("Praça da Sé".to_owned()),
        options: options.clone(),
    };
    let sent = session.operate(place).await.expect("sent");
    let row = simulator.last_sent().await;
    assert_eq!(
        row["location"],
        json!({ "latitude": -23.5505, "longitude": -46.6333, "text": "Sé\nPraça da Sé" })
    );
    let shown = session.operate(GetMessage { message: key(&sent.message) }).await.expect("it is there");
    let location = shown.details.and_then(|details| details.location).expect("a place");
    assert_eq!((location.latitude.as_str(), location.name.as_deref()), ("-23.5505", Some("Sé")));

    let cards = |vcards: Vec<String>| SendVcards { chat: chat(FRIEND), vcards, options: options.clone() };
    session.operate(cards(vec![card("Zé")])).await.expect("sent");
    let row = simulator.last_sent().await;
    assert_eq!((&row["type"], &row["vcard_name"]), (&json!("vcard"), &json!("Zé")));
    session.operate(cards(vec![card("Zé"), card("Bia")])).await.expect("sent");
    assert_eq!(simulator.last_sent().await["vcards"].as_array().map(Vec::len), Some(2));
    assert_eq!(session.refusal(cards(Vec::new())).await, CallErrorKind::InvalidArgument);

    let poll = |choices: &[&str]| SendPoll {
        chat: chat(FRIEND),
        question: "Quando?".to_owned(),
        choices: choices.iter().map(ToString::to_string).collect(),
        multiple: false,
        options: options.clone(),
    };
    let sent = session.operate(poll(&["hoje", "amanhã"])).await.expect("sent");
    let expected = json!({ "question": "Quando?", "choices": ["hoje", "amanhã"], "multiple": false });
    assert_eq!(simulator.last_sent().await["poll"], expected);
    assert_eq!(session.refusal(poll(&["hoje", "hoje"])).await, CallErrorKind::InvalidArgument);
    let choices = vec!["hoje".to_owned(), "amanhã".to_owned()];
    let record = PollRecord { question: "Quando?".to_owned(), choices, multiple: false };
    let shown = session.operate(GetMessage { message: key(&sent.message) }).await.expect("it is there");
    assert_eq!(shown.details.and_then(|details| details.poll), Some(record));
    let vote = |choice: &str| Vote { message: key(&sent.message), choices: vec![choice.to_owned()] };
    session.operate(vote("amanhã")).await.expect("voted");
    let row = simulator.last_sent().await;
    assert_eq!((&row["type"], &row["choices"]), (&json!("poll_vote"), &json!(["amanhã"])));
    assert_eq!(session.refusal(vote("nunca")).await, CallErrorKind::InvalidArgument);

    let event = SendEvent {
        chat: chat(FRIEND),
        title: "Festa".to_owned(),
        description: None,
        start_ms: 1_800_000_000_000,
        end_ms: None,
        location: Some("Sé".to_owned()),
        extra_guests: false,
        options,
    };
    session.operate(event).await.expect("sent");
    let row: Value = simulator.last_sent().await;
    assert_eq!(row["event"], json!({ "title": "Festa", "start": 1_800_000_000, "location": "Sé" }));
    session.close().await;
}
