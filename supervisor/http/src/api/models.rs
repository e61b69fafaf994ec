//! Answers that several operations share, in the convention's shapes; a message's is the events' too and lies there.
//! Owns the mapping from what a session says; pure. Fields that the SDK's types cannot do without are there even where we have nothing to say.

use colmeia::moment::now_ms;
use colmeia::operations::Picture;
use colmeia::protocol::{ContactRecord, MessageRecord};
use colmeia::{ChatId, Me, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use colmeia_control::summary::SessionSummary;
use colmeia_events::envelope::{MessageCappingData, MessageFile, Origin, ReachoutTimelockData};
use colmeia_session::UserView;

pub(super) use colmeia_events::envelope::Message;

/// What clients are told runs the sessions: WAHA's engine that drives WhatsApp Web in a browser, as we do.
pub(super) const ENGINE: &str = "WEBJS";

/// The default of an option that is on.
pub(super) fn yes() -> bool {
    true
}

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
    /// `98765432101234@lid`, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lid: Option<String>,
    /// The name that the phone's owner chose.
    pub(super) push_name: String,
    /// While WhatsApp keeps the account from writing to people who never wrote to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reachout_timelock: Option<ReachoutTimelockData>,
    /// The account's quota of new chats, once WhatsApp has said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message_capping: Option<MessageCappingData>,
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
    /// The digits of its number, where it is known.
    number: Option<String>,
    /// Its number as an id.
    pn: Option<String>,
    /// Its other name at WhatsApp.
    lid: Option<String>,
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
    pub(super) origin: Origin,
    pub(super) user: UserId,
    /// Without, a message only says that it has a file.
    pub(super) shown: bool,
}

impl Success {
    pub(super) const YES: Self = Self { success: true };
}

impl MeInfo {
    /// The account of a session that is connected as it.
    pub(super) fn of(view: &UserView) -> Option<Self> {
        let me = SessionSummary::of(view).connected_as()?;
        let restrictions = view.report.as_ref().map(|report| &report.restrictions);
        let lock = restrictions.and_then(|told| told.timelock.as_ref());
        let lock = lock.map(|lock| ReachoutTimelockData::of(lock, now_ms()));
        Some(Self {
            id: me.wid.clone(),
            lid: me.lid.clone(),
            push_name: me.pushname.clone(),
            reachout_timelock: lock.filter(|lock| lock.is_active),
            message_capping: restrictions
                .and_then(|told| told.capping.as_ref())
                .map(MessageCappingData::from),
        })
    }
}

impl Files {
    /// A message that a session told of.
    pub(super) fn message(&self, record: MessageRecord, me: &Me) -> Message {
        let file = if self.shown {
            MessageFile::At(self.origin.file(&self.user, &record.id))
        } else {
            MessageFile::Hidden
        };
        Message::of(record, &me.wid, file)
    }
}

impl Contact {
    pub(super) fn of(record: ContactRecord, me: &Me) -> Self {
        let pn = record.other_names.number(&record.id).map(str::to_owned);
        let lid = record.other_names.lid(&record.id).map(str::to_owned);
        let is_me = record.id == me.wid || Some(&record.id) == me.lid.as_ref();
        let short_name =
            record.name.as_deref().and_then(|name| name.split_whitespace().next()).map(str::to_owned);
        Self {
            number: pn.as_deref().map(|pn| pn.trim_end_matches("@c.us").to_owned()),
            pn,
            lid,
            short_name,
            is_me,
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::tests::stage::me;
    use colmeia_events::journal::testing::message;

    #[test]
    fn a_message_has_every_field_that_the_types_of_the_sdk_need() {
        let files =
            Files { origin: Origin::test("http://h:1"), user: "2_1".parse().expect("valid"), shown: true };
        let mut record = message("false_55@c.us_3A é", "oi");
        (record.has_media, record.mimetype) = (true, Some("image/png".into()));
        let json = serde_json::to_value(files.message(record.clone(), &me())).expect("plain data");
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
        let json = serde_json::to_value(hidden.message(record, &me())).expect("plain data");
        assert_eq!((&json["media"], &json["mediaUrl"]), (&Value::Null, &"".into()));
    }
}
