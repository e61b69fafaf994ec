//! Operations on channels, which the page calls newsletters.

use serde::{Deserialize, Serialize};

use super::{ChannelId, private};
use crate::protocol::MessageRecord;

/// What the account is to a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelRole {
    /// It made it.
    Owner,
    /// It writes in it.
    Admin,
    /// It follows it.
    Subscriber,
    /// None of these.
    Guest,
}

/// See [`super::Operation::ListChannels`].
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListChannels {
    /// Only those in which the account is this.
    pub role: Option<ChannelRole>,
}

/// A channel, by what is known of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKey {
    /// By its id.
    Id(ChannelId),
    /// By its invitation, without the address before it.
    Invite(String),
}

/// See [`super::Operation::GetChannel`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetChannel {
    /// Which one.
    pub channel: ChannelKey,
}

/// See [`super::Operation::CreateChannel`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateChannel {
    /// Its name.
    pub title: String,
    /// What it is about.
    #[serde(default)]
    pub description: Option<String>,
    /// The picture's type, where the frame has one as its body.
    #[serde(default)]
    pub mimetype: Option<String>,
}

/// See [`super::Operation::DeleteChannel`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteChannel {
    /// Which one.
    pub channel: ChannelId,
}

/// See [`super::Operation::FollowChannel`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowChannel {
    /// Which one.
    pub channel: ChannelId,
    /// Whether the account follows it from now on.
    pub follow: bool,
}

/// See [`super::Operation::MuteChannel`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MuteChannel {
    /// Which one.
    pub channel: ChannelId,
    /// Whether it is muted from now on.
    pub muted: bool,
}

/// See [`super::Operation::ChannelMessages`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelMessages {
    /// Which one.
    pub channel: ChannelKey,
    /// How many, at most 100.
    pub limit: u32,
}

/// See [`super::Operation::SearchChannels`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchChannels {
    /// Words; absent: what the directory recommends.
    #[serde(default)]
    pub text: Option<String>,
    /// `RECOMMENDED`, `TRENDING`, `POPULAR`, `NEW`.
    #[serde(default)]
    pub view: Option<String>,
    /// ISO codes.
    #[serde(default)]
    pub countries: Vec<String>,
    /// The directory's names of categories.
    #[serde(default)]
    pub categories: Vec<String>,
    /// How many.
    pub limit: u32,
    /// Where to go on, from the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// A channel.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelRecord {
    /// Its id.
    pub id: String,
    /// Its name.
    pub title: String,
    /// What it is about.
    #[serde(default)]
    pub description: Option<String>,
    /// The invitation's code.
    #[serde(default)]
    pub invite: Option<String>,
    /// The small picture's address.
    #[serde(default)]
    pub preview: Option<String>,
    /// The picture's address.
    #[serde(default)]
    pub picture: Option<String>,
    /// Whether WhatsApp vouches for it.
    #[serde(default)]
    pub verified: bool,
    /// How many follow it.
    #[serde(default)]
    pub subscribers: u64,
    /// What the account is to it.
    pub role: ChannelRole,
    /// Whether it is muted.
    #[serde(default)]
    pub muted: bool,
}

/// A channel's message with what its readers did.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelMessage {
    /// The message.
    pub message: MessageRecord,
    /// Each reaction, and how many gave it.
    #[serde(default)]
    pub reactions: std::collections::BTreeMap<String, u64>,
    /// How many saw it.
    #[serde(default)]
    pub views: u64,
}

/// A page of the directory.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelPage {
    /// The channels.
    pub channels: Vec<ChannelRecord>,
    /// Where the next page begins; `None` on the last.
    #[serde(default)]
    pub next: Option<String>,
}

private!(
    ListChannels,
    ChannelKey,
    GetChannel,
    CreateChannel,
    DeleteChannel,
    FollowChannel,
    MuteChannel,
    ChannelMessages,
    SearchChannels,
    ChannelRecord,
    ChannelMessage,
    ChannelPage,
);
