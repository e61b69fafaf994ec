//! What needs wa-js: labels, statuses, channels, buttons, calls. It comes into the page when one is first used.

use bytes::Bytes;
use colmeia::operations::{
    Button, ButtonAction, ChannelId, ChannelKey, ChannelMessages, ChannelRole, ChatsOfLabel, CreateChannel,
    CreateLabel, DeleteChannel, DeleteLabel, DeleteStatus, FollowChannel, GetChannel, LabelsOfChat,
    ListChannels, ListLabels, ListRow, ListSection, MediaStyle, MuteChannel, PostMediaStatus, PostTextStatus,
    PressButton, RejectCall, SearchChannels, SendButtons, SendList, SendOptions, SentMessage,
    SetLabelsOfChat, UpdateLabel,
};
use colmeia::protocol::{Call, CallErrorKind, Reply};
use serde_json::json;

use super::{PIXEL, key, received};
use crate::page::tests::rig::{FRIEND, ME, Session, Simulator, chat, within};

/// Counts how often wa-js is put into the page: it finds settings of ours each time.
const COUNT: &str = "window.counted = 0; Object.defineProperty(window, 'WPPConfig', {
    set(value) {
        if (Array.isArray(value.linkPreviewApiServers) && Object.keys(value).length === 2) window.counted += 1;
        window.held = value;
    },
    get() { return window.held; },
}), typeof window.WPP";

#[tokio::test]
async fn labels_need_no_wa_js_and_one_serves_all_who_want_it_first() {
    let simulator = Simulator::start().await;
    simulator.post("/phone/records/person", json!({ "id": ME, "value": { "business": true } })).await;
    let mut session = Session::linked(&simulator, "").await;
    received(&mut session, &simulator, "oi").await;
    assert_eq!(session.engine.evaluate(COUNT).await, Ok(json!("undefined")));
    let create = |label: &str| CreateLabel { label: label.to_owned(), color: 0 };
    let label = session.operate(create("Novo")).await.expect("made");
    assert_eq!((label.label.as_str(), label.color, label.color_hex.len()), ("Novo", 0, 7));

    let update = |id: &str| UpdateLabel { id: id.to_owned(), label: "Pago".to_owned(), color: 3 };
    let updated = session.operate(update(&label.id)).await.expect("changed");
    assert_eq!((updated.label.as_str(), updated.color), ("Pago", 3));
    assert_eq!(session.operate(ListLabels {}).await.expect("listed"), [updated]);
    assert_eq!(session.refusal(update("77")).await, CallErrorKind::NotFound);
    for labels in [vec![label.id.clone()], vec![]] {
        session.operate(SetLabelsOfChat { chat: chat(FRIEND), labels: labels.clone() }).await.expect("set");
        let of_chat = session.operate(LabelsOfChat { chat: chat(FRIEND) }).await.expect("listed");
        assert_eq!(of_chat.into_iter().map(|label| label.id).collect::<Vec<_>>(), labels);
        let chats = session.operate(ChatsOfLabel { id: label.id.clone() }).await.expect("listed");
        assert_eq!(chats.len(), labels.len());
        let flags = simulator.records("chat", true).await[format!("{FRIEND}@c.us")].take();
        assert_eq!(flags["labels"], json!(labels));
    }
    session.operate(DeleteLabel { id: label.id }).await.expect("deleted");
    assert_eq!(simulator.records("label", true).await, json!({}));
    assert_eq!(session.engine.evaluate("window.counted").await, Ok(json!(0)));
    let post = || PostTextStatus { text: "olá".to_owned(), background: None, font: None, message_id: None };
    let (one, other) = tokio::join!(session.operate(post()), session.operate(post()));
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    assert_eq!(session.engine.evaluate("window.counted").await, Ok(json!(1)));
    session.close().await;
}

#[tokio::test]
async fn statuses_buttons_lists_and_calls() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    let text = PostTextStatus {
        text: "olá".to_owned(),
        background: Some("#38b42f".to_owned()),
        font: Some(1),
        message_id: Some("3EB0AAAAAAAAAAAAAAAA".to_owned()),
    };
    let posted = session.operate(text.clone()).await.expect("posted");
    assert_eq!(session.refusal(text).await, CallErrorKind::InvalidArgument, "the id is taken");
    assert!(posted.message.starts_with("true_status@broadcast_3EB0AAAAAAAAAAAAAAAA"), "{}", posted.message);
    let row = simulator.last_sent().await;
    assert_eq!((&row["to"], &row["body"]), (&json!("status@broadcast"), &json!("olá")));
    for (mimetype, style, kind) in [
        ("image/gif", None, "image"),
        ("video/mp4", None, "video"),
        ("audio/ogg; codecs=opus", Some(MediaStyle::Voice), "ptt"),
    ] {
        let media = PostMediaStatus {
            mimetype: mimetype.to_owned(),
            filename: None,
            caption: Some("veja".to_owned()),
            style,
            background: None,
            message_id: None,
        };
        session.operate_with(media, Bytes::from_static(PIXEL)).await.expect("posted");
        let row = simulator.last_sent().await;
        assert_eq!((&row["to"], &row["type"]), (&json!("status@broadcast"), &json!(kind)));
    }
    session.operate(DeleteStatus { message: key(&posted.message) }).await.expect("taken back");
    let row = simulator.last_sent().await;
    assert_eq!((&row["type"], &row["about"]), (&json!("revoke"), &json!(posted.message)));

    let button = |text: &str, id: &str| Button {
        text: text.to_owned(),
        action: ButtonAction::Reply { id: id.to_owned() },
    };
    let buttons = SendButtons {
        chat: chat(FRIEND),
        title: None,
        body: "Vamos?".to_owned(),
        footer: Some("hoje".to_owned()),
        buttons: vec![button("Sim", "1"), button("Não", "2")],
        options: SendOptions::default(),
    };
    session.operate(buttons).await.expect("sent");
    let row = simulator.last_sent().await;
    assert_eq!((&row["body"], &row["footer"]), (&json!("Vamos?"), &json!("hoje")));
    assert_eq!(row["buttons"][1]["quickReplyButton"], json!({ "displayText": "Não", "id": "2" }));
    let rows = vec![ListRow { id: "1".to_owned(), title: "Um".to_owned(), description: None }];
    let list = SendList {
        chat: chat(FRIEND),
        title: "Escolha".to_owned(),
        description: None,
        footer: None,
        button: "Abrir".to_owned(),
        sections: vec![ListSection { title: "Todos".to_owned(), rows }],
        options: SendOptions::default(),
    };
    session.operate(list).await.expect("sent");
    assert_eq!(simulator.last_sent().await["list"]["sections"][0]["rows"][0]["rowId"], "1");

    let asked = [json!({ "index": 0, "quickReplyButton": { "displayText": "Sim", "id": "b1" } })];
    let content = json!({ "type": "chat", "hydratedButtons": asked });
    let question = json!({ "to": ME, "from": FRIEND, "name": "Bruno", "body": "Vem?", "content": content });
    simulator.post("/phone/message", question).await;
    let message = key(&session.message().await.id);
    let press = |id: &str| PressButton { message: message.clone(), button: id.to_owned() };
    session.operate(press("b1")).await.expect("pressed");
    let row = simulator.last_sent().await;
    assert_eq!((&row["body"], &row["chosen"]), (&json!("Sim"), &json!("b1")));
    assert_eq!(session.refusal(press("b2")).await, CallErrorKind::InvalidArgument);

    let call = simulator.post("/phone/call", json!({ "number": ME, "from": FRIEND })).await;
    let id = call["id"].as_str().expect("an id").to_owned();
    within("the call", async {
        while session.operate(RejectCall { call: Some(id.clone()) }).await.is_err() {}
    })
    .await;
    let action = simulator.last_action().await;
    assert_eq!((&action["what"], &action["details"]["id"]), (&json!("reject_call"), &json!(id)));
    assert_eq!(session.refusal(RejectCall { call: Some(id) }).await, CallErrorKind::NotFound);
    session.close().await;
}

#[tokio::test]
async fn channels_own_and_others() {
    let simulator = Simulator::start().await;
    let session = Session::linked(&simulator, "").await;
    let create = CreateChannel {
        title: "Notícias".to_owned(),
        description: Some("Do bairro".to_owned()),
        mimetype: Some("image/gif".to_owned()),
    };
    let own = session.operate_with(create, Bytes::from_static(PIXEL)).await.expect("made");
    assert_eq!((own.title.as_str(), own.role), ("Notícias", ChannelRole::Owner));
    let id = ChannelId::try_from(own.id.clone()).expect("a channel");
    let invite = |code: &str| GetChannel { channel: ChannelKey::Invite(code.to_owned()) };
    let same = session.operate(invite(own.invite.as_deref().expect("an invitation"))).await.expect("found");
    assert_eq!(same.id, own.id);
    for muted in [true, false] {
        session.operate(MuteChannel { channel: id.clone(), muted }).await.expect("set");
        let shown = session.operate(GetChannel { channel: ChannelKey::Id(id.clone()) }).await.expect("told");
        assert_eq!(shown.muted, muted);
    }

    // Texts by the channels' own way, and files by the page's.
    let write = |to: &str, text: &str| Call::text(chat(to), text);
    let sent = session.call(write(&own.id, "novidade")).await.expect("sent");
    let Reply::Sent(SentMessage { message, .. }) = &sent else { panic!("{sent:?}") };
    assert!(message.starts_with(&format!("true_{}_", own.id)), "{message}");
    let row = simulator.last_sent().await;
    assert_eq!((&row["to"], &row["body"]), (&json!(own.id), &json!("novidade")));
    let picture = |to: &str| Call::SendMedia {
        chat: chat(to),
        mimetype: "image/gif".to_owned(),
        filename: "a.gif".to_owned(),
        caption: Some("veja".to_owned()),
        as_document: false,
        style: None,
        options: SendOptions::default(),
    };
    session.with_body(picture(&own.id), Bytes::from_static(PIXEL)).await.expect("sent");
    let row = simulator.last_sent().await;
    assert_eq!(
        (&row["to"], &row["type"], &row["caption"]),
        (&json!(own.id), &json!("image"), &json!("veja"))
    );
    // Where the page has no such way, its ordinary one.
    let gone = "delete window.require('__debug').modulesMap.WAWebNewsletterSendMessageJob";
    session.engine.evaluate(gone).await.expect("gone");
    session.call(write(&own.id, "de novo")).await.expect("sent");
    let kept = simulator.records("channel", false).await[&own.id]["messages"].take();
    let kept: Vec<_> = kept.as_array().expect("a list").iter().map(|kept| kept["body"].clone()).collect();
    assert_eq!(kept, ["novidade", "veja", "de novo"]);

    let other = "120363000000000055@newsletter";
    let messages =
        json!([{ "id": "M1", "body": "oi", "t": 1_700_000_000, "views": 3, "reactions": { "👍": 2 } }]);
    let value = json!({
        "id": other, "name": "Outro", "invite": "CH55", "owner": format!("{FRIEND}@c.us"), "subscribers": 7,
        "verified": true, "category": "NEWS", "country": "BR", "messages": messages,
    });
    simulator.post("/phone/records/channel", json!({ "id": other, "value": value })).await;
    let shown = session.operate(invite("CH55")).await.expect("a preview");
    assert_eq!((shown.role, shown.subscribers, shown.verified), (ChannelRole::Guest, 7, true));
    let newest = ChannelMessages { channel: ChannelKey::Invite("CH55".to_owned()), limit: 5 };
    let newest = session.operate(newest).await.expect("read");
    assert_eq!((newest[0].message.body.as_str(), newest[0].views, newest[0].reactions["👍"]), ("oi", 3, 2));
    let channel = ChannelId::try_from(other.to_owned()).expect("a channel");
    let sent = simulator.sent().await.len();
    for follow in [true, false] {
        session.operate(FollowChannel { channel: channel.clone(), follow }).await.expect("done");
        let followers = simulator.records("channel", false).await[other]["followers"].take();
        assert_eq!(followers == json!([ME]), follow);
        let all = session.operate(ListChannels { role: None }).await.expect("listed");
        assert_eq!(all.iter().any(|channel| channel.id == other), follow);
        let refused = session.call(write(other, "spam")).await.expect_err("somebody else's");
        assert_eq!(refused.kind, CallErrorKind::Forbidden, "{refused:?}");
    }
    let search = |text: Option<&str>| SearchChannels {
        text: text.map(str::to_owned),
        view: None,
        countries: vec!["BR".to_owned()],
        categories: Vec::new(),
        limit: 1,
        cursor: None,
    };
    let unknown = session.call(write("120363000000000056@newsletter", "oi")).await.expect_err("unknown");
    assert_eq!(unknown.kind, CallErrorKind::NotFound);
    assert_eq!(simulator.sent().await.len(), sent);
    let page = session.operate(search(Some("outro"))).await.expect("found");
    assert_eq!((page.channels.len(), page.channels[0].id.as_str(), page.next), (1, other, None));
    let page = session.operate(search(None)).await.expect("found");
    assert!(page.channels.len() == 1 && page.next.is_some(), "there is a second page");

    session.operate(DeleteChannel { channel: id.clone() }).await.expect("deleted");
    assert_eq!(simulator.records("channel", false).await.get(&own.id), None);
    assert_eq!(session.refusal(invite("NOPE")).await, CallErrorKind::NotFound);
    assert_eq!(session.refusal(DeleteChannel { channel: id }).await, CallErrorKind::NotFound);
    session.close().await;
}
