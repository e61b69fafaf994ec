//! What the cases are about: an account with a chat, messages, groups, a label, channels and a call that rings. Made by
//! the phone and the server, so that it is there whatever the page lacks.

use colmeia::operations::Operation;
use colmeia::protocol::{Call, CallError};
use serde_json::{Value, json};

use super::PIXEL;
use crate::engine::Engine;
use crate::files::Body;
use crate::page::tests::rig::{FRIEND, ME, Session, Simulator, within};
use bytes::Bytes;

/// A session and the ids of what is there.
pub(super) struct Stage {
    pub(super) simulator: Simulator,
    pub(super) session: Session,
    pub(super) friend: String,
    pub(super) other: String,
    pub(super) theirs: String,
    pub(super) mine: String,
    pub(super) poll: String,
    pub(super) question: String,
    pub(super) status: String,
    pub(super) group: String,
    pub(super) invitation: &'static str,
    pub(super) label: &'static str,
    pub(super) channel: &'static str,
    pub(super) foreign_channel: &'static str,
    pub(super) call: String,
}

impl Stage {
    /// With these switches of the page; `wa_js` says whether the worker has one.
    pub(super) async fn set(switches: &str, wa_js: bool) -> Self {
        let simulator = Simulator::start().await;
        let (friend, other) = (format!("{FRIEND}@c.us"), format!("{}@c.us", super::OTHER));
        let (group, own) = ("120363000000000011@g.us", format!("{ME}@c.us"));
        let (channel, foreign_channel) = ("120363000000000044@newsletter", "120363000000000055@newsletter");
        let record = async |kind: &str, id: &str, value: Value| {
            simulator.post(&format!("/phone/records/{kind}"), json!({ "id": id, "value": value })).await;
        };
        record("person", ME, json!({ "business": true })).await;
        record("label", &format!("{ME}/5"), json!({ "id": "5", "name": "Velho", "color": 1 })).await;
        record("channel", channel, json!({ "id": channel, "name": "Meu", "invite": "CH44", "owner": own }))
            .await;
        let theirs = json!({ "id": foreign_channel, "name": "Outro", "invite": "CH55", "owner": friend, "messages": [] });
        record("channel", foreign_channel, theirs).await;

        let url = simulator.url(switches);
        let dirs = tempfile::tempdir().expect("temporary directory");
        let mut session = Session::open_in(dirs, url, wa_js.then(super::super::rig::wa_js)).await;
        session.link(&simulator).await;
        let member = |id: &str, role: &str| json!({ "id": id, "role": role });
        let members = json!([member(&own, "super_admin"), member(&friend, "member")]);
        let requests = json!([{ "id": other, "method": "InviteLink" }]);
        let set =
            json!({ "subject": "Nosso", "invite": "OWN11", "participants": members, "requests": requests });
        simulator.post("/phone/group", json!({ "id": group, "set": set })).await;
        let set = json!({ "subject": "Deles", "invite": "CODE77", "participants": [member(&friend, "super_admin")] });
        simulator.post("/phone/group", json!({ "id": "120363000000000077@g.us", "set": set })).await;

        let mut hear = async |body: &str, content: Value| {
            let message =
                json!({ "to": ME, "from": FRIEND, "name": "Bruno", "body": body, "content": content });
            simulator.post("/phone/message", message).await;
            session.message().await.id
        };
        let theirs = hear("oi", json!({ "type": "chat" })).await;
        let options = json!([{ "name": "hoje", "localId": 0 }, { "name": "amanhã", "localId": 1 }]);
        let poll = json!({ "type": "poll_creation", "pollName": "Quando?", "pollOptions": options });
        let poll = hear("", poll).await;
        let buttons = json!([{ "index": 0, "quickReplyButton": { "displayText": "Sim", "id": "b1" } }]);
        let question = hear("Vem?", json!({ "type": "chat", "hydratedButtons": buttons })).await;
        let mine = session.send_text(FRIEND, "olá").await.expect("sent");
        let ringing = simulator.post("/phone/call", json!({ "number": ME, "from": FRIEND })).await;
        let call = ringing["id"].as_str().expect("an id").to_owned();
        let known = format!(
            "Boolean(window.require('WAWebCallCollection').get('{call}')) && \
             window.require('WAWebChatCollection').ChatCollection.get('{group}')?.groupMetadata.participants.length === 2"
        );
        within("the call and the group", async {
            while session.engine.evaluate(&known).await != Ok(json!(true)) {}
        })
        .await;
        let status = "true_status@broadcast_3EB0AD".to_owned();
        let (invitation, label, group) = ("CODE77", "5", group.to_owned());
        Self {
            simulator,
            session,
            friend,
            other,
            theirs,
            mine,
            poll,
            question,
            status,
            group,
            invitation,
            label,
            channel,
            foreign_channel,
            call,
        }
    }

    /// Posts a status to have one.
    pub(super) async fn post_status(&mut self) {
        let posted = self.try_it("post_text_status", json!({ "text": "olá" }), 30_000).await.expect("posted");
        self.status = posted["message"].as_str().expect("an id").to_owned();
    }

    /// From now on the server answers this account's doings of a kind so; null: as ever.
    pub(super) async fn answers(&self, what: &str, said: Option<&str>) {
        let value = said.map(|said| said.parse::<u16>().map_or_else(|_| json!(said), |code| json!(code)));
        let record = json!({ "id": format!("{ME}/{what}"), "value": value });
        self.simulator.post("/phone/records/refusal", record).await;
    }

    /// Does what has this name, with a picture where it takes a file.
    pub(super) async fn try_it(
        &self,
        name: &str,
        arguments: Value,
        within_ms: u64,
    ) -> Result<Value, CallError> {
        let mut request = arguments;
        let body = if request["mimetype"].is_string() { PIXEL } else { b"" };
        request["op"] = json!(name);
        let call = match serde_json::from_value::<Call>(request.clone()) {
            Ok(call) => call,
            Err(_) => {
                request["name"] = json!(name);
                let operation: Operation =
                    serde_json::from_value(request).unwrap_or_else(|error| panic!("{name}: {error}"));
                Call::Operate { operation }
            }
        };
        let (reply, _) =
            self.session.engine.call(call, Body::Memory(Bytes::from_static(body)), within_ms).await?;
        let reply = serde_json::to_value(reply).expect("JSON");
        Ok(reply.get("value").cloned().unwrap_or(reply))
    }

    /// What the server knows and the phone was told.
    pub(super) async fn outside(&self) -> Value {
        let mut all = json!({ "sent": self.simulator.sent().await });
        let mut read = async |name: &str, path: String| {
            all[name] = serde_json::from_slice(&self.simulator.get(&path).await).expect("JSON");
        };
        for kind in ["group", "channel", "person", "chat", "star", "blocked", "contact", "label"] {
            read(kind, format!("/phone/records/{kind}")).await;
        }
        read("actions", format!("/phone/actions?number={ME}")).await;
        all
    }

    /// Likewise, and what the other side sees of the account in their chats: typing, and what was seen.
    pub(super) async fn seen(&self) -> Value {
        let mut all = self.outside().await;
        let chats = self.simulator.get(&format!("/phone/chats?number={ME}")).await;
        all["chats"] = serde_json::from_slice(&chats).expect("JSON");
        all
    }
}
