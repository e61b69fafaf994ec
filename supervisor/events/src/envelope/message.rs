//! [`Message`]: a message in WAHA's shape, the same in events and in answers. Owns the mapping from what a session says;
//! pure. What WAHA's typed clients cannot do without is there even where there is nothing to say.

use colmeia::Me;
use colmeia::operations::{MessageDetails, QuotedMessage, SentMessage};
use colmeia::protocol::{MessageRecord, OtherNames};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    id: String,
    /// In seconds since the epoch.
    timestamp: i64,
    from: String,
    from_me: bool,
    /// `api` for what was sent here, else `app`: by the phone or another device.
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
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageMedia {
    /// Here, behind the key.
    url: String,
    mimetype: Option<String>,
    filename: Option<String>,
    /// The file in base64, where a webhook asked for that (`inlineMaxBytes`) and it is no larger.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    /// Why it is not there although it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<MediaError>,
}

/// What is wrong with a message's file.
#[derive(Serialize, ToSchema)]
pub(crate) struct MediaError {
    message: String,
}

/// A place on the map.
#[derive(Serialize, ToSchema)]
pub(crate) struct Location {
    latitude: String,
    longitude: String,
    live: bool,
    name: Option<String>,
    address: Option<String>,
    url: Option<String>,
}

/// The message that another one answers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReplyTo {
    id: String,
    participant: Option<String>,
    body: String,
    has_media: bool,
    /// Under which names WhatsApp knows who wrote it.
    #[serde(rename = "_data")]
    #[schema(value_type = Object)]
    data: Map<String, Value>,
}

/// What is told of a message's file.
#[derive(Debug)]
pub enum MessageFile {
    /// Only that there is one.
    Hidden,
    /// Where it is, of which type, and its name.
    At(String),
}

impl Message {
    /// A message that a session told of, whose account is `me` (empty where nobody knows it).
    pub fn of(record: MessageRecord, me: &str, file: MessageFile) -> Self {
        let details = record.details.map(|details| *details).unwrap_or_default();
        let url = match file {
            MessageFile::Hidden => None,
            MessageFile::At(url) => Some(url),
        };
        let media = url.filter(|_| record.has_media).map(|url| MessageMedia {
            url,
            mimetype: record.mimetype,
            filename: record.filename,
            data: None,
            error: None,
        });
        let mut data = Map::new();
        data.insert("type".into(), record.kind.into());
        data.insert("notifyName".into(), record.sender_name.into());
        let names = &record.other_names;
        let writer = record.author.as_deref().unwrap_or(&record.from);
        data.extend(both_names(names, writer));
        data.insert("chat".into(), both_names(names, &record.chat).into());
        let MessageDetails {
            quoted,
            location,
            vcards,
            starred,
            forwarded,
            edited,
            by_api,
            view_once,
            referral,
            ..
        } = details;
        let marks =
            [("star", starred), ("isForwarded", forwarded), ("isEdited", edited), ("isViewOnce", view_once)];
        for (name, is) in marks {
            if is {
                data.insert(name.into(), true.into());
            }
        }
        if let Some(referral) = referral {
            data.insert("ctwaContext".into(), referral.into());
        }
        let reply_to = quoted.map(|quoted| ReplyTo::of(quoted, &record.other_names));
        let other = if record.from_me { record.chat } else { me.to_owned() };
        Self {
            timestamp: record.timestamp_ms / 1000,
            participant: writer.to_owned(),
            from: record.from,
            from_me: record.from_me,
            source: source(by_api),
            to: record.to.filter(|to| !to.is_empty()).unwrap_or(other),
            body: record.body,
            has_media: record.has_media,
            media_url: media.as_ref().map(|media| media.url.clone()).unwrap_or_default(),
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
            reply_to,
            data,
            id: record.id,
        }
    }

    /// A message that was just sent here.
    pub fn sent(sent: SentMessage, me: &Me, to: &str, body: String, has_media: bool) -> Self {
        let lid = me.lid.as_deref();
        let own = lid.map(|lid| OtherNames::of([(&me.wid, lid)])).unwrap_or_default();
        let mut data = both_names(&own, &me.wid);
        // The page may keep the chat under another name than the caller's.
        let chat = both_names(&sent.other_names, MessageId::of(&sent.message).chat);
        data.insert("chat".into(), chat.into());
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
            data,
        }
    }
}

impl ReplyTo {
    fn of(quoted: QuotedMessage, names: &OtherNames) -> Self {
        let QuotedMessage { id, participant, body, has_media, .. } = quoted;
        let data = participant.as_deref().map(|who| both_names(names, who)).unwrap_or_default();
        Self { id, participant, body, has_media, data }
    }
}

/// A message id in its parts: `false_<chat>_<id>`, in groups with `_<author>`.
pub(super) struct MessageId<'a> {
    pub(super) from_me: bool,
    pub(super) chat: &'a str,
    pub(super) id: &'a str,
    pub(super) author: Option<&'a str>,
}

impl<'a> MessageId<'a> {
    pub(super) fn of(whole: &'a str) -> Self {
        let mut parts = whole.splitn(4, '_');
        let (first, chat, id) = (parts.next(), parts.next(), parts.next());
        let (chat, id) = (chat.unwrap_or_default(), id.unwrap_or(whole));
        Self { from_me: first == Some("true"), chat, id, author: parts.next() }
    }
}

/// Under which names WhatsApp knows somebody, as WAHA calls them: `pn` and `lid`. Whoever is no person has none.
pub fn both_names(names: &OtherNames, id: &str) -> Map<String, Value> {
    let known = [("pn", names.number(id)), ("lid", names.lid(id))];
    known.into_iter().filter_map(|(key, name)| Some((key.to_owned(), name?.into()))).collect()
}

/// The convention's word for where something was sent.
pub(super) fn source(by_api: bool) -> &'static str {
    if by_api { "api" } else { "app" }
}

/// The convention's word for how far a message went.
pub(super) fn ack_name(ack: i32) -> &'static str {
    match ack {
        i32::MIN..=-1 => "ERROR",
        0 => "PENDING",
        1 => "SERVER",
        2 => "DEVICE",
        3 => "READ",
        4.. => "PLAYED",
    }
}
