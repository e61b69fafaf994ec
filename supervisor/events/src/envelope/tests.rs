//! What clients of that convention read.

use colmeia::operations::{GroupRole, LabelRecord, MessageDetails, PresenceState, QuotedMessage};
use colmeia::protocol::{
    ArchiveNotice, CallNotice, CallState, ChatLabelNotice, Event, GroupChange, GroupNotice, GroupParticipant,
    GroupRules, LabelNotice, MessageRecord, MissedNotice, MissedReason, OtherNames, PollVoteNotice,
    PresenceNotice, ReactionNotice,
};
use serde_json::json;

use super::*;
use crate::journal::testing::{message, user};
use crate::journal::{Journal, Kind, StatusChange};

fn ana() -> Me {
    Me { wid: "5511999998888@c.us".into(), lid: None, pushname: "Ana".into(), platform: "android".into() }
}

/// What goes out of these events, through a real journal.
async fn sent(events: Vec<Event>) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("folder");
    let journal = Journal::open(&folder.path().join("colmeia.db"), std::sync::Arc::new(())).expect("opens");
    let working = StatusChange {
        status: "WORKING",
        me: Some(ana()),
        exit: None,
        again: false,
        joined: 0,
        restrictions: Default::default(),
    };
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
    let event = Event::Ack {
        message: "true_120363@g.us_3EB0_5511999998888@c.us".into(),
        ack: 3,
        other_names: OtherNames::default(),
    };
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
            "_data": { "pn": friend, "chat": { "pn": friend } },
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
            other_names: OtherNames::default(),
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

    let mut event = crate::journal::testing::recorded("1", 1, "m1");
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

const FRIEND: (&str, &str) = ("77@lid", "5511988887777@c.us");
const OTHER: (&str, &str) = ("66@lid", "5511977776666@c.us");
const GROUP: &str = "120363@g.us";

/// Every kind of event that names somebody, as a migrated account tells it: in a group and, where that is possible, in a
/// conversation of two, from either side.
fn events_that_name_people() -> Vec<Event> {
    let names = || OtherNames::of([FRIEND, OTHER, ("55@lid", "5511999998888@c.us")]);
    let (friend, other) = (FRIEND.0.to_owned(), OTHER.0.to_owned());
    let mut events = vec![
        Event::Group(Box::new(GroupNotice {
            id: "n1".into(),
            group: GROUP.into(),
            change: GroupChange::Join,
            author: Some(friend.clone()),
            participants: vec!["55@lid".into(), other.clone()],
            concerns_me: true,
            subject: None,
            description: None,
            settings: None,
            other_names: names(),
            members: vec![GroupParticipant { id: friend.clone(), role: GroupRole::SuperAdmin }],
            timestamp_ms: 1,
        })),
        Event::Group(Box::new(GroupNotice {
            id: "n2".into(),
            group: GROUP.into(),
            change: GroupChange::Leave,
            author: Some(friend.clone()),
            participants: vec!["55@lid".into()],
            concerns_me: true,
            subject: None,
            description: None,
            settings: None,
            other_names: names(),
            members: Vec::new(),
            timestamp_ms: 1,
        })),
        Event::Group(Box::new(GroupNotice {
            id: "n3".into(),
            group: GROUP.into(),
            change: GroupChange::Update,
            author: Some(friend.clone()),
            participants: Vec::new(),
            concerns_me: false,
            subject: Some("Casa".into()),
            description: None,
            settings: None,
            other_names: names(),
            members: Vec::new(),
            timestamp_ms: 1,
        })),
        Event::GroupAck {
            message: format!("true_{GROUP}_3E_55@lid"),
            participant: other.clone(),
            ack: 3,
            other_names: names(),
        },
        Event::Missed(MissedNotice {
            chat: friend.clone(),
            count: Some(2),
            since_ms: 1,
            until_ms: 2,
            reason: MissedReason::NotStored,
            other_names: names(),
        }),
        Event::Archived(Box::new(ArchiveNotice {
            chat: friend.clone(),
            archived: true,
            at_ms: 1,
            other_names: names(),
        })),
    ];
    let label =
        || LabelRecord { id: "1".into(), label: "Lead".into(), color: 1, color_hex: "#64c4ff".into() };
    for (n, yes) in [(2, true), (3, false)] {
        events.push(Event::Label(Box::new(LabelNotice { label: label(), deleted: yes, at_ms: n })));
        events.push(Event::ChatLabel(Box::new(ChatLabelNotice {
            chat: friend.clone(),
            label: label(),
            added: yes,
            at_ms: n,
            other_names: names(),
        })));
    }
    for (n, state) in [CallState::Received, CallState::Accepted, CallState::Rejected].into_iter().enumerate()
    {
        events.push(Event::Call(Box::new(CallNotice {
            id: format!("c{n}"),
            from: Some(friend.clone()),
            state,
            is_video: false,
            is_group: false,
            timestamp_ms: 1,
            other_names: names(),
        })));
    }
    for (chat, author, from_me) in
        [(&friend, None, false), (&friend, None, true), (&GROUP.to_owned(), Some(&other), false)]
    {
        let own = "55@lid".to_owned();
        let sender = author.cloned().unwrap_or_else(|| if from_me { own.clone() } else { friend.clone() });
        let id = author.map_or_else(
            || format!("{from_me}_{chat}_3A{from_me}"),
            |author| format!("{from_me}_{chat}_3A_{author}"),
        );
        let quoted = QuotedMessage {
            id: "3B".into(),
            participant: Some(friend.clone()),
            kind: None,
            body: String::new(),
            has_media: false,
        };
        let record = Box::new(MessageRecord {
            chat: chat.clone(),
            from: if from_me { own.clone() } else { chat.clone() },
            to: Some(if from_me { chat.clone() } else { own.clone() }),
            author: author.cloned(),
            from_me,
            details: Some(Box::new(MessageDetails { quoted: Some(quoted), ..MessageDetails::default() })),
            other_names: names(),
            ..message(&id, "oi")
        });
        events.extend([
            Event::Message(record.clone()),
            Event::Edited { message: record.clone(), at_ms: 5 },
            Event::Revoked { message: record.clone(), before: Some(record.clone()) },
            Event::Waiting(record),
            Event::Ack { message: id.clone(), ack: 2, other_names: names() },
            Event::Reaction(Box::new(ReactionNotice {
                id: format!("r{id}"),
                message: id.clone(),
                chat: chat.clone(),
                sender: sender.clone(),
                from_me,
                text: "x".into(),
                by_api: false,
                timestamp_ms: 1,
                other_names: names(),
            })),
            Event::PollVote(Box::new(PollVoteNotice {
                id: format!("v{id}"),
                poll: id,
                chat: chat.clone(),
                sender: sender.clone(),
                from_me,
                options: Vec::new(),
                timestamp_ms: 1,
                other_names: names(),
            })),
            Event::Presence(Box::new(PresenceNotice {
                chat: chat.clone(),
                participant: sender,
                state: PresenceState::Typing,
                last_seen_ms: None,
                at_ms: 1,
                other_names: names(),
            })),
        ]);
    }
    events
}

/// Whoever is named as a whole text somewhere in it, and all pairs of `pn` and `lid`.
fn people_and_pairs(value: &Value, people: &mut Vec<String>, pairs: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) if !text.contains('_') && (text.ends_with("@lid") || text.ends_with("@c.us")) => {
            people.push(text.clone());
        }
        Value::Array(all) => all.iter().for_each(|one| people_and_pairs(one, people, pairs)),
        Value::Object(fields) => {
            if let (Some(pn), Some(lid)) = (fields.get("pn"), fields.get("lid")) {
                pairs.push((pn.to_string().replace('"', ""), lid.to_string().replace('"', "")));
            }
            fields.values().for_each(|one| people_and_pairs(one, people, pairs));
        }
        _ => {}
    }
}

#[tokio::test]
async fn every_event_that_names_somebody_has_both_names() {
    let all = sent(events_that_name_people()).await;
    let mut kinds = std::collections::BTreeSet::new();
    for envelope in &all {
        let (mut people, mut pairs) = (Vec::new(), Vec::new());
        people_and_pairs(&envelope["payload"], &mut people, &mut pairs);
        kinds.insert(envelope["event"].as_str().expect("text").to_owned());
        for person in people {
            // The account's own names are in `me`.
            let mine = person == "55@lid" || person == "5511999998888@c.us";
            let both = pairs.iter().any(|(pn, lid)| *pn == person || *lid == person);
            assert!(mine || both, "{person} has one name in {envelope:#}");
        }
    }
    let offered = Kind::PUBLIC.map(|kind| kind.name().to_owned());
    assert_eq!(kinds, offered.into(), "each kind of event is looked at");
}
