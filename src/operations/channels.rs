//! Operations on channels, which the page calls newsletters.

use serde::{Deserialize, Serialize};

use super::{ChannelId, private};
use crate::protocol::MessageRecord;

macro_rules! channel_rows {
    ([$next:ident $($rest:ident)*] $($rows:tt)*) => {
        $next! { [$($rest)*] $($rows)*
            /// The channels that the account follows or owns.
            "list_channels" #[derive(Default)] #[serde(default)] ListChannels {
                /// Only those in which the account is this.
                role: Option<ChannelRole>,
            } -> Vec<ChannelRecord>: Read, Core, 1;
            /// One channel, by id or invitation.
            "get_channel" GetChannel {
                /// Which one.
                channel: ChannelKey,
            } -> ChannelRecord: Read, Core, 1;
            /// Creates a channel; its picture is the frame's body.
            "create_channel" CreateChannel {
                /// Its name.
                title: String,
                /// What it is about.
                description: Option<String>,
                /// The picture's type, where the frame has one as its body.
                mimetype: Option<String>,
            } -> ChannelRecord: Send, Core, 1;
            /// Deletes an own channel.
            "delete_channel" DeleteChannel {
                /// Which one.
                channel: ChannelId,
            } -> Nothing: Change, Core, 1;
            /// Follows a channel or stops.
            "follow_channel" FollowChannel {
                /// Which one.
                channel: ChannelId,
                /// Whether the account follows it from now on.
                follow: bool,
            } -> Nothing: Change, Core, 1;
            /// Mutes a channel or lets it sound again.
            "mute_channel" MuteChannel {
                /// Which one.
                channel: ChannelId,
                /// Whether it is muted from now on.
                muted: bool,
            } -> Nothing: Change, WaJs, 1;
            /// The newest messages of a channel, followed or not.
            "channel_messages" ChannelMessages {
                /// Which one.
                channel: ChannelKey,
                /// How many, at most 100.
                limit: u32,
            } -> Vec<ChannelMessage>: Read, Core, 1;
            /// Searches the directory of channels.
            "search_channels" SearchChannels {
                /// Words; absent: what the directory recommends.
                text: Option<String>,
                /// `RECOMMENDED`, `TRENDING`, `POPULAR`, `NEW`.
                view: Option<String>,
                /// ISO codes.
                #[serde(default)]
                countries: Vec<String>,
                /// The directory's names of categories.
                #[serde(default)]
                categories: Vec<String>,
                /// How many.
                limit: u32,
                /// Where to go on, from the page before.
                cursor: Option<String>,
            } -> ChannelPage: Read, Core, 1;
        }
    };
}
pub(super) use channel_rows;

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

/// A channel, by what is known of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKey {
    /// By its id.
    Id(ChannelId),
    /// By its invitation, without the address before it.
    Invite(String),
}

/// A channel.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelRecord {
    /// Its id.
    pub id: String,
    /// Its name.
    pub title: String,
    /// What it is about.
    pub description: Option<String>,
    /// The invitation's code.
    pub invite: Option<String>,
    /// The small picture's address.
    pub preview: Option<String>,
    /// The picture's address.
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
    pub next: Option<String>,
}

private!(ChannelKey, ChannelRecord, ChannelMessage, ChannelPage);
