//! Answers that several operations share, in the convention's shapes. Owns the mapping from what a session says;
//! pure. Fields that the SDK's types cannot do without are there even where we have nothing to say.

use colmeia::operations::{MessageDetails, Picture, QuotedMessage, SentMessage};
use colmeia::protocol::{ContactRecord, MessageRecord};
use colmeia::{ChatId, Me, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What clients are told runs the sessions: WAHA's engine that drives WhatsApp Web in a browser, as we do.
pub(super) const ENGINE: &str = "WEBJS";

/// No arguments.
#[derive(Deserialize, ToSchema)]
pub(super) struct NoArgs {}

/// One chat.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChatArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    pub(super) chat_id: ChatId,
}

/// That it is done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Success {
    success: bool,
}

/// How many.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CountAnswer {
    pub(super) count: u64,
}

/// The linked account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MeInfo {
    /// `5511999998888@c.us`.
    pub(super) id: String,
    /// The name that the phone's owner chose.
    pub(super) push_name: String,
}

/// A message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    id: String,
    /// In seconds since the epoch.
    timestamp: i64,
    from: String,
    from_me: bool,
    /// `api` for what was just sent here, else `app`.
    source: &'static str,
    to: String,
    /// Who wrote it.
    participant: String,
    body: String,
    has_media: bool,
    media: Option<MessageMedia>,
    /// Where the file is; empty where there is none. Deprecated: `media.url`.
    media_url: String,
    /// -1 failed, 0 on its way, 1 server, 2 device, 3 read, 4 played.
    ack: i32,
    ack_name: &'static str,
    author: Option<String>,
    location: Option<Location>,
    v_cards: Vec<String>,
    reply_to: Option<ReplyTo>,
    /// What the convention has no field for.
    #[serde(rename = "_data")]
    #[schema(value_type = Object)]
    data: Map<String, Value>,
}

/// A message's file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MessageMedia {
    /// Here, behind the key.
    url: Option<String>,
    mimetype: Option<String>,
    filename: Option<String>,
}

/// A place on the map.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Location {
    latitude: String,
    longitude: String,
    live: bool,
    name: Option<String>,
    address: Option<String>,
    url: Option<String>,
}

/// The message that another one answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReplyTo {
    id: String,
    participant: Option<String>,
    body: String,
    has_media: bool,
}

/// A picture.
#[derive(Serialize, ToSchema)]
pub(super) struct PictureUrl {
    /// Its address at WhatsApp; empty where there is none, or this account may not see it.
    url: String,
}

impl PictureUrl {
    pub(super) fn of(picture: Picture) -> Self {
        Self { url: picture.url.unwrap_or_default() }
    }
}

/// A contact.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Contact {
    id: String,
    number: Option<String>,
    name: Option<String>,
    pushname: Option<String>,
    short_name: Option<String>,
    is_me: bool,
    is_group: bool,
    #[serde(rename = "isWAContact")]
    is_wa_contact: bool,
    is_my_contact: bool,
    is_blocked: bool,
}

/// Where files of messages are found, and whether they are named at all.
#[derive(Debug, Clone)]
pub(super) struct Files {
    /// `http://host:port`.
    pub(super) origin: String,
    pub(super) user: UserId,
    /// Without, a message only says that it has a file.
    pub(super) shown: bool,
}

impl Success {
    pub(super) const YES: Self = Self { success: true };
}

impl MeInfo {
    pub(super) fn of(me: &Me) -> Self {
        Self { id: me.wid.clone(), push_name: me.pushname.clone() }
    }
}

impl Files {
    /// The file of a message.
    fn url(&self, message: &str) -> String {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~@".contains(&b);
        let id = message.bytes().fold(String::new(), |id, b| {
            if plain(b) { id + &char::from(b).to_string() } else { format!("{id}%{b:02X}") }
        });
        format!("{}/api/files/{}/{id}", self.origin, self.user)
    }
}

impl Message {
    /// A message that a session told of.
    pub(super) fn of(record: MessageRecord, me: &Me, files: &Files) -> Self {
        let details = record.details.map(|details| *details).unwrap_or_default();
        let media = (record.has_media && files.shown).then(|| MessageMedia {
            url: Some(files.url(&record.id)),
            mimetype: record.mimetype.clone(),
            filename: record.filename.clone(),
        });
        let mut data = Map::new();
        data.insert("type".into(), record.kind.clone().into());
        if let Some(name) = record.sender_name {
            data.insert("notifyName".into(), name.into());
        }
        let MessageDetails { quoted, location, vcards, starred, forwarded, edited, .. } = details;
        for (name, is) in [("star", starred), ("isForwarded", forwarded), ("isEdited", edited)] {
            if is {
                data.insert(name.into(), true.into());
            }
        }
        let other = if record.from_me { record.chat } else { me.wid.clone() };
        Self {
            timestamp: record.timestamp_ms / 1000,
            participant: record.author.clone().unwrap_or_else(|| record.from.clone()),
            from: record.from,
            from_me: record.from_me,
            source: "app",
            to: record.to.unwrap_or(other),
            body: record.body,
            has_media: record.has_media,
            media_url: media.as_ref().and_then(|media| media.url.clone()).unwrap_or_default(),
            media,
            ack: record.ack,
            ack_name: ack_name(record.ack),
            author: record.author,
            location: location.map(|place| Location {
                latitude: place.latitude,
                longitude: place.longitude,
                live: place.live,
                name: place.name,
                address: place.address,
                url: place.url,
            }),
            v_cards: vcards,
            reply_to: quoted.map(ReplyTo::of),
            data,
            id: record.id,
        }
    }

    /// A message that was just sent here.
    pub(super) fn sent(sent: SentMessage, me: &Me, to: &str, body: String, has_media: bool) -> Self {
        Self {
            id: sent.message,
            timestamp: sent.timestamp_ms / 1000,
            from: me.wid.clone(),
            from_me: true,
            source: "api",
            to: to.to_owned(),
            participant: me.wid.clone(),
            body,
            has_media,
            media: None,
            media_url: String::new(),
            ack: 1,
            ack_name: ack_name(1),
            author: None,
            location: None,
            v_cards: Vec::new(),
            reply_to: None,
            data: Map::new(),
        }
    }
}

impl ReplyTo {
    fn of(quoted: QuotedMessage) -> Self {
        let QuotedMessage { id, participant, body, has_media, .. } = quoted;
        Self { id, participant, body, has_media }
    }
}

/// The convention's word for how far a message went.
fn ack_name(ack: i32) -> &'static str {
    match ack {
        i32::MIN..=-1 => "ERROR",
        0 => "PENDING",
        1 => "SERVER",
        2 => "DEVICE",
        3 => "READ",
        4.. => "PLAYED",
    }
}

impl Contact {
    pub(super) fn of(record: ContactRecord, me: &Me) -> Self {
        let number = record.id.strip_suffix("@c.us").map(str::to_owned);
        let short_name =
            record.name.as_deref().and_then(|name| name.split_whitespace().next()).map(str::to_owned);
        Self {
            number,
            short_name,
            is_me: record.id == me.wid,
            is_group: record.id.ends_with("@g.us"),
            is_wa_contact: true,
            is_my_contact: record.is_my_contact,
            is_blocked: record.is_blocked,
            name: record.name,
            pushname: record.pushname,
            id: record.id,
        }
    }
}

/// A page of a list that was fetched as a whole.
pub(super) fn page<T>(items: Vec<T>, limit: Option<u32>, offset: u32) -> Vec<T> {
    let (limit, offset) = (limit.map_or(usize::MAX, |limit| limit as usize), offset as usize);
    items.into_iter().skip(offset).take(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::stage::me;
    use crate::journal::tests::message;

    #[test]
    fn a_message_has_every_field_that_the_types_of_the_sdk_need() {
        let files = Files { origin: "http://h:1".into(), user: "2_1".parse().expect("valid"), shown: true };
        let mut record = message("false_55@c.us_3A é", "oi");
        (record.has_media, record.mimetype) = (true, Some("image/png".into()));
        let json = serde_json::to_value(Message::of(record.clone(), &me(), &files)).expect("plain data");
        for name in [
            "id",
            "timestamp",
            "from",
            "fromMe",
            "source",
            "to",
            "participant",
            "body",
            "hasMedia",
            "media",
            "mediaUrl",
            "ack",
            "ackName",
            "vCards",
            "_data",
        ] {
            assert!(json.get(name).is_some(), "{name}");
        }
        assert_eq!(json["media"]["url"], "http://h:1/api/files/2_1/false_55@c.us_3A%20%C3%A9");
        assert_eq!(json["timestamp"], 1_700_000_000);
        assert_eq!(json["to"], "5511999998888@c.us");
        let hidden = Files { shown: false, ..files };
        let json = serde_json::to_value(Message::of(record, &me(), &hidden)).expect("plain data");
        assert_eq!((&json["media"], &json["mediaUrl"]), (&Value::Null, &"".into()));
    }

    #[test]
    fn a_page_is_what_was_asked_for() {
        let all = || (0..5).collect::<Vec<_>>();
        assert_eq!(page(all(), Some(2), 1), [1, 2]);
        assert_eq!(page(all(), None, 4), [4]);
        assert_eq!(page(all(), Some(2), 9), [0; 0]);
    }
}
