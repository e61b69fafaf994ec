//! What clients of that convention read.

use colmeia::operations::{GroupRole, MessageDetails};
use colmeia::protocol::{
    Event, GroupChange, GroupNotice, GroupParticipant, GroupRules, MessageRecord, OtherNames, PollVoteNotice,
};
use serde_json::json;

use super::*;
use crate::journal::tests::{message, user};
use crate::journal::{Journal, Kind, StatusChange};

fn ana() -> Me {
    Me { wid: "5511999998888@c.us".into(), lid: None, pushname: "Ana".into(), platform: "android".into() }
}

/// What goes out of these events, through a real journal.
async fn sent(events: Vec<Event>) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("folder");
    let journal = Journal::open(&folder.path().join("colmeia.db"), std::sync::Arc::new(())).expect("opens");
    let working = StatusChange { status: "WORKING", me: Some(ana()), exit: None, again: false, joined: 0 };
    journal.append_statuses(vec![(user("1"), working)]).await.expect("written");
    let events = events.into_iter().enumerate().map(|(seq, event)| (seq as u64, event)).collect();
    journal.append(&user("1"), events).await.expect("written");
    let page = journal.events(0, None, |_, _| true, 100).await.expect("read");
    let envelope = |event| {
        Envelope::of(event, Some(json!({ "team": "blue" })), &Origin::test("http://h:1"))
            .expect("readable")
            .to_json()
    };
    page.events
        .iter()
        .map(|event| serde_json::from_str(&envelope(event).expect("JSON")).expect("JSON"))
        .collect()
}

#[tokio::test]
async fn an_envelope_is_wahas() {
    let all = sent(vec![Event::Message(Box::new(message("false_5511988887777@c.us_3A01", "oi")))]).await;
    let events: Vec<_> = all.iter().map(|envelope| envelope["event"].as_str().expect("text")).collect();
    assert_eq!(events, ["session.status", "message", "message.any"]);
    let mut envelope = all[1].clone();
    let id = envelope["id"].as_str().expect("text").to_owned();
    assert!(id.starts_with("evt_") && id.len() == 30, "{id}");
    assert!(envelope["timestamp"].as_i64().expect("a number") > 1_700_000_000_000);
    for key in ["id", "timestamp", "environment"] {
        envelope.as_object_mut().expect("an object").remove(key);
    }
    assert_eq!(
        envelope,
        json!({
            "event": "message",
            "session": "1",
            "metadata": { "team": "blue" },
            "me": { "id": "5511999998888@c.us", "pushName": "Ana" },
            "engine": "WEBJS",
            "payload": {
                "id": "false_5511988887777@c.us_3A01",
                "timestamp": 1_700_000_000,
                "from": "5511988887777@c.us",
                "fromMe": false,
                "source": "app",
                "to": "5511999998888@c.us",
                "participant": "5511988887777@c.us",
                "author": null,
                "body": "oi",
                "hasMedia": false,
                "media": null,
                "mediaUrl": "",
                "ack": 0,
                "ackName": "PENDING",
                "location": null,
                "vCards": [],
                "replyTo": null,
                "_data": {
                    "type": "chat",
                    "notifyName": null,
                    "pn": "5511988887777@c.us",
                    "chat": { "pn": "5511988887777@c.us" },
                },
            },
        })
    );
    let status = &all[0]["payload"];
    assert_eq!(
        (&status["name"], &status["status"], &status["data"]),
        (&json!("1"), &json!("WORKING"), &json!(null))
    );
    assert_eq!(status["statuses"][0]["status"], "WORKING");
}

#[tokio::test]
async fn an_acknowledgement_names_chat_and_meaning() {
    let event = Event::Ack { message: "true_120363@g.us_3EB0_5511999998888@c.us".into(), ack: 3 };
    let payload = &sent(vec![event]).await[1]["payload"];
    assert_eq!((&payload["from"], &payload["fromMe"]), (&json!("120363@g.us"), &json!(true)));
    assert_eq!(
        (&payload["ackName"], &payload["participant"]),
        (&json!("READ"), &json!("5511999998888@c.us"))
    );
}

#[tokio::test]
async fn a_change_and_a_revocation_name_the_message_without_its_chat() {
    let record = || Box::new(message("false_5511988887777@c.us_3A01", "novo"));
    let all = sent(vec![
        Event::Edited { message: record(), at_ms: 1_700_000_000_500 },
        Event::Revoked { message: record(), before: Some(record()) },
    ])
    .await;
    assert_eq!(
        (&all[1]["event"], &all[1]["payload"]["editedMessageId"]),
        (&json!("message.edited"), &json!("3A01"))
    );
    assert_eq!(
        (&all[1]["payload"]["body"], &all[1]["payload"]["timestamp"]),
        (&json!("novo"), &json!(1_700_000_000.5))
    );
    assert_eq!(all[2]["payload"]["revokedMessageId"], "3A01");
    assert_eq!(all[2]["payload"]["before"]["body"], "novo");
}

#[tokio::test]
async fn a_group_that_one_comes_to_is_told_with_its_members() {
    let record = GroupNotice {
        id: "n1".into(),
        group: "120363@g.us".into(),
        change: GroupChange::Join,
        author: Some("5511988887777@c.us".into()),
        participants: vec!["5511999998888@c.us".into()],
        concerns_me: true,
        subject: Some("Família".into()),
        description: None,
        settings: Some(GroupRules {
            members_can_add: true,
            members_can_send: true,
            approval_required: false,
        }),
        other_names: OtherNames::of([("77@lid", "5511988887777@c.us")]),
        members: vec![GroupParticipant { id: "77@lid".into(), role: GroupRole::SuperAdmin }],
        timestamp_ms: 1_700_000_000_000,
    };
    let all = sent(vec![Event::Group(Box::new(record))]).await;
    let (participants, join) = (&all[1], &all[2]);
    assert_eq!(participants["event"], Kind::GroupParticipants.name());
    assert_eq!(participants["payload"]["type"], "join");
    assert_eq!(
        participants["payload"]["participants"],
        json!([{ "id": "5511999998888@c.us", "pn": "5511999998888@c.us", "role": "participant" }])
    );
    assert_eq!(join["event"], Kind::GroupJoin.name());
    assert_eq!(join["payload"]["group"]["subject"], "Família");
    assert_eq!(
        join["payload"]["group"]["participants"],
        json!([{ "id": "77@lid", "lid": "77@lid", "pn": "5511988887777@c.us", "role": "superadmin" }])
    );
}

#[tokio::test]
async fn a_vote_names_the_poll_and_what_was_chosen() {
    let vote = |chat: &str, poll: &str, from_me, sender: &str| {
        Event::PollVote(Box::new(PollVoteNotice {
            id: format!("{from_me}_{chat}_3V"),
            poll: poll.into(),
            chat: chat.into(),
            sender: sender.into(),
            from_me,
            options: vec!["Awesome!".into()],
            timestamp_ms: 1_692_861_369_000,
            other_names: OtherNames::default(),
        }))
    };
    let friend = "5511988887777@c.us";
    let group = "120363@g.us";
    let all = sent(vec![
        vote(friend, "true_5511988887777@c.us_3EB0", false, friend),
        vote(group, "false_120363@g.us_3A01_5511988887777@c.us", true, "5511999998888@c.us"),
    ])
    .await;
    assert_eq!(all[1]["event"], "poll.vote");
    assert_eq!(
        all[1]["payload"],
        json!({
            "vote": {
                "id": "false_5511988887777@c.us_3V", "from": friend, "to": "5511999998888@c.us", "fromMe": false,
                "participant": null, "selectedOptions": ["Awesome!"], "timestamp": 1_692_861_369_000_i64,
            },
            "poll": {
                "id": "true_5511988887777@c.us_3EB0", "from": "5511999998888@c.us", "to": friend, "fromMe": true,
                "participant": null,
            },
            "_data": { "pn": friend },
        })
    );
    let payload = &all[2]["payload"];
    assert_eq!(
        (&payload["vote"]["from"], &payload["vote"]["to"], &payload["vote"]["participant"]),
        (&json!("5511999998888@c.us"), &json!(group), &json!("5511999998888@c.us"))
    );
    assert_eq!((&payload["poll"]["from"], &payload["poll"]["participant"]), (&json!(group), &json!(friend)));
}

#[tokio::test]
async fn a_message_that_waits_and_a_members_receipt_have_their_own_names() {
    let waiting = MessageRecord { kind: "ciphertext".into(), ..message("false_5511988887777@c.us_3A01", "") };
    let all = sent(vec![
        Event::Waiting(Box::new(waiting)),
        Event::Message(Box::new(message("false_5511988887777@c.us_3A01", "oi"))),
        Event::GroupAck {
            message: "true_120363@g.us_3EB0_5511999998888@c.us".into(),
            participant: "5511988887777@c.us".into(),
            ack: 3,
        },
    ])
    .await;
    let names: Vec<_> = all.iter().map(|event| event["event"].as_str().expect("text")).collect();
    assert_eq!(names, ["session.status", "message.waiting", "message", "message.any", "message.ack.group"]);
    assert_eq!(all[1]["payload"]["id"], all[2]["payload"]["id"], "one is followed by the other");
    assert_eq!(
        (&all[1]["payload"]["body"], &all[1]["payload"]["_data"]["type"]),
        (&json!(""), &json!("ciphertext"))
    );
    let payload = &all[4]["payload"];
    assert_eq!(
        (&payload["from"], &payload["participant"], &payload["ackName"], &payload["fromMe"]),
        (&json!("120363@g.us"), &json!("5511988887777@c.us"), &json!("READ"), &json!(true))
    );
}

#[tokio::test]
async fn what_was_sent_here_says_so_wherever_it_is_told() {
    let own = |by_api| {
        let details = MessageDetails { by_api, ..MessageDetails::default() };
        let id = format!("true_5511988887777@c.us_{by_api}");
        Box::new(MessageRecord { from_me: true, details: Some(Box::new(details)), ..message(&id, "oi") })
    };
    let reaction = |by_api| {
        let json = json!({
            "id": format!("true_x_{by_api}"), "message": "m", "chat": "5511988887777@c.us",
            "sender": "5511999998888@c.us", "from_me": true, "by_api": by_api, "text": "x", "timestamp_ms": 1,
        });
        Event::Reaction(Box::new(serde_json::from_value(json).expect("a reaction")))
    };
    for (by_api, source) in [(true, "api"), (false, "app")] {
        let all = sent(vec![
            Event::Message(own(by_api)),
            Event::Edited { message: own(by_api), at_ms: 1 },
            Event::Revoked { message: own(by_api), before: Some(own(by_api)) },
            reaction(by_api),
        ])
        .await;
        let found = [
            &all[1]["payload"]["source"],
            &all[2]["payload"]["source"],
            &all[3]["payload"]["after"]["source"],
            &all[3]["payload"]["before"]["source"],
            &all[4]["payload"]["source"],
        ];
        assert_eq!(found, [source; 5]);
    }
}

#[tokio::test]
async fn a_messages_file_is_told_with_its_address_and_comes_along_where_it_was_asked_for() {
    let mut picture = message("false_5511988887777@c.us_3A01", "olha");
    (picture.has_media, picture.mimetype) = (true, Some("image/png".into()));
    let all = sent(vec![Event::Message(Box::new(picture.clone()))]).await;
    for envelope in &all[1..] {
        let payload = &envelope["payload"];
        let url = "http://h:1/api/files/1/false_5511988887777@c.us_3A01";
        assert_eq!(payload["media"], json!({ "url": url, "mimetype": "image/png", "filename": null }));
        assert_eq!(payload["mediaUrl"], url);
    }

    let mut event = crate::journal::tests::recorded("1", 1, "m1");
    event.payload = serde_json::to_string(&Event::Message(Box::new(picture))).expect("plain data");
    let envelope = || Envelope::of(&event, None, &Origin::test("http://h:1")).expect("readable");
    assert_eq!(envelope().message_with_file(), Some("false_5511988887777@c.us_3A01"));
    let with = |file| {
        let mut envelope = envelope();
        envelope.put_in(file);
        envelope.payload["media"].clone()
    };
    assert_eq!(with(Ok("QUJD".into()))["data"], "QUJD");
    let failed = with(Err("gone"));
    assert_eq!((&failed["error"], failed.get("data")), (&json!({ "message": "gone" }), None));
}
