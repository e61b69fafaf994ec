//! Contacts, lids, the own profile, presence; and what is not possible without wa-js.

use bytes::Bytes;
use colmeia::ChatId;
use colmeia::operations::{
    Block, CountLids, DeleteContact, GetAbout, GetContact, GetPicture, GetPresence, GetProfile, LidOfPhone,
    ListLids, ListPresences, PhoneOfLid, PresenceState, RejectCall, SaveContact, SetAbout, SetPresence,
    SetProfileName, SetProfilePicture, SubscribePresence,
};
use colmeia::protocol::CallErrorKind;
use serde_json::json;

use super::{PIXEL, received};
use crate::page::tests::rig::{FRIEND, ME, Session, Simulator, chat, within};

#[tokio::test]
async fn contacts_and_the_ids_behind_them() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    received(&mut session, &simulator, "oi").await;
    let contact = chat(FRIEND);
    let value = json!({ "about": "Ocupado", "picture": "/sim/friend.png" });
    simulator.post("/phone/records/person", json!({ "id": FRIEND, "value": value })).await;
    let about = session.operate(GetAbout { contact: contact.clone() }).await.expect("told");
    assert_eq!(about.about.as_deref(), Some("Ocupado"));
    for refresh in [false, true] {
        let picture =
            session.operate(GetPicture { of: format!("{FRIEND}@c.us"), refresh }).await.expect("told");
        assert_eq!(picture.url, Some(simulator.url("sim/friend.png")));
    }
    let none = GetPicture { of: "5511933332222@c.us".to_owned(), refresh: true };
    assert_eq!(session.operate(none).await.expect("told").url, None);

    for blocked in [true, false] {
        session.operate(Block { contact: contact.clone(), blocked }).await.expect("done");
        let listed = simulator.records("blocked", true).await.get(format!("{FRIEND}@c.us")).is_some();
        let shown = session.operate(GetContact { contact: contact.clone() }).await.expect("there").is_blocked;
        assert_eq!((listed, shown), (blocked, blocked));
    }
    let save = SaveContact {
        contact: contact.clone(),
        first_name: "Bruno".to_owned(),
        last_name: "Lima".to_owned(),
    };
    session.operate(save).await.expect("saved");
    assert_eq!(simulator.records("contact", true).await[FRIEND]["name"], "Bruno Lima");
    let saved = session.operate(GetContact { contact: contact.clone() }).await.expect("there");
    assert_eq!((saved.name.as_deref(), saved.is_my_contact), (Some("Bruno Lima"), true));
    let delete = || DeleteContact { contact: contact.clone() };
    session.operate(delete()).await.expect("deleted");
    assert_eq!(simulator.records("contact", true).await.get(FRIEND), None);
    let shown = session.operate(GetContact { contact: contact.clone() }).await.expect("there");
    assert_eq!((shown.name, shown.is_my_contact), (None, false));
    assert_eq!(session.refusal(delete()).await, CallErrorKind::NotFound);
    let nobody = GetContact { contact: chat("5511900000000") };
    assert_eq!(session.refusal(nobody).await, CallErrorKind::NotOnWhatsapp);

    let (lid, phone) = ("99887766554433@lid", "5511933330003@c.us");
    let hidden = json!({ "to": ME, "from": lid, "name": "Cid", "body": "oi", "pn": "5511933330003" });
    simulator.post("/phone/message", hidden).await;
    session.message().await;
    let pairs = session.operate(ListLids { limit: 10, offset: 0 }).await.expect("listed");
    let cid = pairs.iter().find(|pair| pair.lid.as_deref() == Some(lid)).expect("a pair");
    assert_eq!(cid.phone.as_deref(), Some(phone));
    assert_eq!(session.operate(CountLids {}).await.expect("counted").count, pairs.len() as u64);
    let id = |text: &str| ChatId::normalise(text).expect("an id");
    assert_eq!(session.operate(PhoneOfLid { lid: id(lid) }).await.as_ref(), Ok(cid));
    assert_eq!(session.operate(LidOfPhone { phone: id(phone) }).await.as_ref(), Ok(cid));
    session.close().await;
}

#[tokio::test]
async fn the_own_profile_and_who_is_there() {
    let simulator = Simulator::start().await;
    let dirs = tempfile::tempdir().expect("temporary directory");
    let mut session = Session::open_in(dirs, simulator.url(""), None).await;
    session.link(&simulator).await;
    session.operate(SetProfileName { profile_name: "Acme".to_owned() }).await.expect("set");
    session.operate(SetAbout { about: "Aberto".to_owned() }).await.expect("set");
    let set = SetProfilePicture { mimetype: Some("image/gif".to_owned()) };
    session.operate_with(set, Bytes::from_static(PIXEL)).await.expect("set");
    let profile = session.operate(GetProfile {}).await.expect("told");
    assert_eq!((profile.id.as_str(), profile.name.as_str()), (format!("{ME}@c.us").as_str(), "Acme"));
    assert_eq!((profile.about.as_deref(), profile.picture.is_some()), (Some("Aberto"), true));
    let person = simulator.records("person", false).await[ME].take();
    assert_eq!((&person["name"], &person["about"]), (&json!("Acme"), &json!("Aberto")));
    session.operate(SetProfilePicture { mimetype: None }).await.expect("taken away");
    assert_eq!(session.operate(GetProfile {}).await.expect("told").picture, None);
    let set = SetProfilePicture { mimetype: Some("image/png".to_owned()) };
    let error = session.operate_with(set, Bytes::from_static(b"no image")).await;
    assert_eq!(error.err().map(|error| error.kind), Some(CallErrorKind::InvalidArgument));

    session.operate(SetPresence { online: true }).await.expect("set");
    let action = simulator.last_action().await;
    assert_eq!((&action["what"], &action["details"]["state"]), (&json!("presence"), &json!("available")));
    session.operate(SubscribePresence { chat: chat(FRIEND) }).await.expect("subscribed");
    let post =
        |state: &str| json!({ "number": ME, "chat": FRIEND, "state": state, "last_seen": 1_700_000_000 });
    for (state, expected) in [
        ("typing", PresenceState::Typing),
        ("recording_audio", PresenceState::Recording),
        ("available", PresenceState::Online),
        ("unavailable", PresenceState::Offline),
    ] {
        simulator.post("/phone/presence", post(state)).await;
        within(state, async {
            loop {
                let shown = session.operate(GetPresence { chat: chat(FRIEND) }).await.expect("told");
                if shown.presences[0].state == expected {
                    assert_eq!(shown.presences[0].last_seen_ms, Some(1_700_000_000_000));
                    return;
                }
            }
        })
        .await;
    }
    assert_eq!(session.operate(ListPresences {}).await.expect("listed").len(), 1);

    // The rest needs wa-js, and this session has none.
    let error = session.operate(RejectCall { call: None }).await.expect_err("impossible");
    assert_eq!(error.kind, CallErrorKind::Unsupported);
    assert!(error.message.contains("reject_call") && error.message.contains("wa_js"), "{error}");
    session.close().await;
}
