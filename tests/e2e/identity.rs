//! Who is who, through every part: on a migrated account Flask still sees numbers, and everybody else both names.

use serde_json::json;

use crate::harness::{Farm, Options, Receiver, until};

const NUMBER: &str = "5511900000001";
const FRIEND: &str = "5511988887777";
const GROUP: &str = "120363041234567890@g.us";
/// Of somebody whose number WhatsApp does not tell; nobody's number has these digits.
const HIDDEN: &str = "98765432101234@lid";

#[tokio::test]
async fn a_migrated_account_is_answered_by_number_and_nothing_lands_at_a_stranger() {
    let receiver = Receiver::start().await;
    let config =
        format!("[[webhooks]]\nurl = '{}'\nevents = ['message.any', 'message.ack']\n", receiver.url());
    let farm =
        Farm::start_with(Options { config, simulator_args: vec!["--migrated"], ..Options::default() }).await;
    farm.link("1", NUMBER).await;
    farm.phone.message(NUMBER, FRIEND, "oi").await;
    farm.phone.message(NUMBER, HIDDEN, "quem sou?").await;
    let group = json!({ "to": NUMBER, "from": GROUP, "author": FRIEND, "name": "Ana", "body": "a todos",
        "group_name": "Família" });
    farm.phone.message_with(group).await;
    farm.webhook.has("1", &["oi".into(), "quem sou?".into(), "a todos".into()]).await;
    let phones: Vec<_> = farm.webhook.taken().iter().map(|taken| taken["phone"].clone()).collect();
    assert_eq!(phones, [FRIEND, HIDDEN, GROUP]);

    // Each is answered by what stood there, and the hidden one also by the digits of its lid.
    let digits = HIDDEN.trim_end_matches("@lid");
    let friend = format!("{FRIEND}@c.us");
    let mut ids = Vec::new();
    for (phone, to) in [(FRIEND, friend.as_str()), (HIDDEN, HIDDEN), (GROUP, GROUP), (digits, HIDDEN)] {
        let body = json!({ "phone": phone, "message": format!("para {phone}") });
        let answer = farm.service.post("/send?user_id=1", &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let sent = farm.phone.sent(NUMBER).await.pop().expect("a message");
        assert_eq!((&sent["to"], &sent["id"]), (&json!(to), &answer.json["messageId"]));
        ids.push(answer.json["messageId"].as_str().expect("an id").to_owned());
    }
    // The same ids in what was written and in what came of it.
    for kind in ["message.any", "message.ack"] {
        until(&format!("each id is in {kind}"), || async {
            let taken = receiver.taken();
            let of = |id: &str| {
                taken.iter().any(|one| one.event["event"] == kind && one.event["payload"]["id"] == id)
            };
            ids.iter().all(|id| of(id)).then_some(())
        })
        .await;
    }
    let events = receiver.taken();
    let event = |body: &str| {
        let found = events.iter().find(|one| one.event["payload"]["body"] == body);
        found.expect("an event").event.clone()
    };
    let came = event("oi");
    assert!(came["me"]["lid"].as_str().is_some_and(|lid| lid.ends_with("@lid")), "{came}");
    assert_eq!(came["payload"]["_data"]["pn"], friend);
    assert_eq!(came["payload"]["_data"]["lid"], came["payload"]["from"]);
    let told = event("a todos");
    assert_eq!(told["payload"]["participant"], told["payload"]["_data"]["lid"]);
    assert_eq!(told["payload"]["_data"]["pn"], friend);
    let hidden = event("quem sou?");
    assert_eq!(
        (&hidden["payload"]["_data"]["pn"], &hidden["payload"]["from"]),
        (&json!(null), &json!(HIDDEN))
    );

    // One conversation under both names, everywhere.
    let chats = farm.service.get("/chats?user_id=1").await;
    let mut listed: Vec<_> =
        chats.json["chats"].as_array().expect("a list").iter().map(|chat| chat["phone"].clone()).collect();
    listed.sort_by_key(ToString::to_string);
    assert_eq!(listed, [GROUP, FRIEND, HIDDEN]);
    let lid = came["payload"]["from"].as_str().expect("a lid");
    for name in [&friend, lid] {
        let page = farm.service.get(&format!("/chats/{name}/messages?user_id=1")).await;
        let bodies: Vec<_> =
            page.json["messages"].as_array().expect("a list").iter().map(|one| one["body"].clone()).collect();
        assert_eq!(bodies, ["oi", &format!("para {FRIEND}")], "{name}");
        let seen = json!({ "session": "1", "chatId": name });
        assert!(farm.service.post("/api/sendSeen", &seen).await.status < 300);
        assert!(farm.service.post("/api/startTyping", &seen).await.status < 300);
        let overview = farm.service.get(&format!("/api/1/chats/overview?ids={name}")).await;
        assert_eq!(overview.json.as_array().map(Vec::len), Some(1), "{overview:?}");
        assert_eq!(overview.json[0]["_chat"]["pn"], friend);
        let exists = farm.service.get(&format!("/api/contacts/check-exists?session=1&phone={name}")).await;
        assert_eq!((&exists.json["numberExists"], &exists.json["pn"]), (&json!(true), &json!(friend)));
    }
}
