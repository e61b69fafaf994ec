//! [`Operation`]: the table, one row for each operation: its name, arguments and result, what it does to the world, who does
//! it in the page, and since which version of the table workers know it.

use serde::{Deserialize, Serialize};

#[allow(clippy::wildcard_imports, reason = "every row names types of all groups")]
use super::*;
use crate::protocol::{ChatSummary, ContactRecord, MessageRecord};
use crate::restrictions::{MessageCapping, ReachoutTimelock};

/// Makes the table: the enum, its metadata, and the way from arguments to operation and result.
macro_rules! operations {
    ($($(#[$doc:meta])* $name:literal $operation:ident -> $output:ty: $effect:ident, $provider:ident, $since:literal;)*) => {
        /// One operation with its arguments.
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "name")]
        pub enum Operation {
            $($(#[$doc])* #[serde(rename = $name)] $operation($operation),)*
        }

        impl Operation {
            /// Every operation: its name, what it does, and who does it.
            pub const ALL: &'static [(&'static str, Effect, Provider)] =
                &[$(($name, Effect::$effect, Provider::$provider),)*];

            /// The newest [`Self::since`] of all.
            pub const NEWEST: u32 = {
                let all = [$($since,)*];
                let (mut newest, mut row) = (0, 0);
                while row < all.len() {
                    if all[row] > newest {
                        newest = all[row];
                    }
                    row += 1;
                }
                newest
            };

            /// The name on the wire and in the bridge, for logs and metrics: arguments are private.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$operation(_) => $name,)* }
            }

            /// What it does to the world.
            #[must_use]
            pub fn effect(&self) -> Effect {
                match self { $(Self::$operation(_) => Effect::$effect,)* }
            }

            /// The first [`OPERATIONS_VERSION`] whose workers know it: no older one is asked for it.
            #[must_use]
            pub fn since(&self) -> u32 {
                match self { $(Self::$operation(_) => $since,)* }
            }

            /// Who does it in the page.
            #[must_use]
            pub fn provider(&self) -> Provider {
                match self { $(Self::$operation(_) => Provider::$provider,)* }
            }
        }

        $(impl From<$operation> for Operation {
            fn from(arguments: $operation) -> Self { Self::$operation(arguments) }
        }

        impl Operate for $operation { type Output = $output; })*

        /// Reads and writes a result of the operation with this name.
        #[cfg(test)]
        pub(super) fn rewritten(name: &str, output: serde_json::Value) -> serde_json::Result<serde_json::Value> {
            match name {
                $($name => serde_json::to_value(serde_json::from_value::<$output>(output)?),)*
                _ => Err(serde::de::Error::custom("no such operation")),
            }
        }
    };
}

operations! {
    /// Sends a place on the map.
    "send_location" SendLocation -> SentMessage: Send, Core, 1;
    /// Sends one or several contact cards.
    "send_vcards" SendVcards -> SentMessage: Send, Core, 1;
    /// Sends a poll.
    "send_poll" SendPoll -> SentMessage: Send, Core, 1;
    /// Votes in a poll; no choices take the vote back.
    "vote" Vote -> Nothing: Send, Core, 1;
    /// Sends an invitation to an event.
    "send_event" SendEvent -> SentMessage: Send, Core, 1;
    /// Sends a text with buttons.
    "send_buttons" SendButtons -> SentMessage: Send, WaJs, 1;
    /// Sends a list to choose from.
    "send_list" SendList -> SentMessage: Send, WaJs, 1;
    /// Answers a message that has buttons.
    "press_button" PressButton -> SentMessage: Send, WaJs, 1;
    /// Forwards a message.
    "forward" Forward -> SentMessage: Send, Core, 1;
    /// Reacts to a message; an empty reaction takes it back.
    "react" React -> Nothing: Send, Core, 1;
    /// Changes the text of an own message.
    "edit_message" EditMessage -> Nothing: Send, Core, 1;
    /// Deletes a message here or for everyone.
    "delete_message" DeleteMessage -> Nothing: Send, Core, 1;
    /// Stars a message, or takes the star away.
    "star" Star -> Nothing: Change, Core, 1;
    /// Pins a message at the top of its chat.
    "pin_message" PinMessage -> Nothing: Send, Core, 1;
    /// Takes a pinned message down.
    "unpin_message" UnpinMessage -> Nothing: Send, Core, 1;
    /// One message.
    "get_message" GetMessage -> MessageRecord: Read, Core, 1;
    /// Messages of a chat, or of all, by time, filter and page.
    "find_messages" FindMessages -> Vec<MessageRecord>: Read, Core, 1;
    /// An id that a later send may carry.
    "new_message_id" NewMessageId -> MessageId: Read, Core, 1;

    /// Chats with their pictures, sorted and by page.
    "list_chats" ListChats -> Vec<ChatOverview>: Read, Core, 1;
    /// Archives a chat or brings it back.
    "archive_chat" ArchiveChat -> Nothing: Change, Core, 1;
    /// Pins a chat or lets it go.
    "pin_chat" PinChat -> Nothing: Change, Core, 1;
    /// Mutes a chat or lets it sound again.
    "mute_chat" MuteChat -> Nothing: Change, Core, 1;
    /// Marks a chat as unread.
    "mark_unread" MarkUnread -> Nothing: Change, Core, 1;
    /// Marks a chat as read and says which messages that were.
    "read_chat" ReadChat -> ReadMessages: Change, Core, 1;
    /// Empties a chat.
    "clear_chat" ClearChat -> Nothing: Change, Core, 1;
    /// Deletes a chat.
    "delete_chat" DeleteChat -> Nothing: Change, Core, 1;

    /// One contact.
    "get_contact" GetContact -> ContactRecord: Read, Core, 1;
    /// What a contact says of itself.
    "about" GetAbout -> About: Read, Core, 1;
    /// The picture of a contact, a group or a channel.
    "picture" GetPicture -> Picture: Read, Core, 1;
    /// Blocks a contact or lets it through again.
    "block" Block -> Nothing: Change, Core, 1;
    /// Writes a contact into the address book.
    "save_contact" SaveContact -> Nothing: Change, Core, 1;
    /// Known pairs of lid and number.
    "list_lids" ListLids -> Vec<LidPair>: Read, Core, 1;
    /// How many pairs of lid and number are known.
    "count_lids" CountLids -> Count: Read, Core, 1;
    /// The number behind a lid.
    "phone_of_lid" PhoneOfLid -> LidPair: Read, Core, 1;
    /// The lid of a number.
    "lid_of_phone" LidOfPhone -> LidPair: Read, Core, 1;

    /// Creates a group.
    "create_group" CreateGroup -> GroupInfo: Send, Core, 1;
    /// Groups with settings and members, by page.
    "list_groups" ListGroups -> Vec<GroupInfo>: Read, Core, 1;
    /// How many groups there are.
    "count_groups" CountGroups -> Count: Read, Core, 1;
    /// Asks WhatsApp for all groups anew.
    "refresh_groups" RefreshGroups -> Nothing: Read, Core, 1;
    /// One group.
    "get_group" GetGroup -> GroupInfo: Read, Core, 1;
    /// What an invitation leads to.
    "invite_info" InviteInfo -> GroupInfo: Read, Core, 1;
    /// Joins by an invitation.
    "join_group" JoinGroup -> GroupJoined: Send, Core, 1;
    /// Leaves a group.
    "leave_group" LeaveGroup -> Nothing: Send, Core, 1;
    /// Changes a group's subject.
    "set_group_subject" SetGroupSubject -> Nothing: Change, Core, 1;
    /// Changes a group's description.
    "set_group_description" SetGroupDescription -> Nothing: Change, Core, 1;
    /// Changes a group's picture; the image is the frame's body, none takes the picture away.
    "set_group_picture" SetGroupPicture -> Nothing: Change, Core, 1;
    /// Changes one setting of a group.
    "set_group_setting" SetGroupSetting -> Nothing: Change, Core, 1;
    /// The invitation's code.
    "invite_code" InviteCode -> GroupInvite: Read, Core, 1;
    /// Makes the invitation's code void and gives a new one.
    "revoke_invite_code" RevokeInviteCode -> GroupInvite: Send, Core, 1;
    /// Adds, removes, promotes or demotes members.
    "change_participants" ChangeParticipants -> Vec<ParticipantOutcome>: Send, Core, 1;
    /// Who asks to be let in.
    "join_requests" ListJoinRequests -> Vec<JoinRequest>: Read, Core, 1;
    /// Lets in, or not, who asked.
    "answer_join_requests" AnswerJoinRequests -> Vec<ParticipantOutcome>: Send, Core, 1;

    /// All labels.
    "list_labels" ListLabels -> Vec<LabelRecord>: Read, Core, 1;
    /// Makes a label.
    "create_label" CreateLabel -> LabelRecord: Send, Core, 1;
    /// Changes a label's name or colour.
    "update_label" UpdateLabel -> LabelRecord: Change, Core, 1;
    /// Deletes a label.
    "delete_label" DeleteLabel -> Nothing: Change, Core, 1;
    /// A chat's labels.
    "labels_of_chat" LabelsOfChat -> Vec<LabelRecord>: Read, Core, 1;
    /// Gives a chat these labels and no others.
    "set_labels_of_chat" SetLabelsOfChat -> Nothing: Change, Core, 1;
    /// The chats with a label.
    "chats_of_label" ChatsOfLabel -> Vec<ChatSummary>: Read, Core, 1;

    /// The account's own profile.
    "get_profile" GetProfile -> Profile: Read, Core, 1;
    /// Changes the own name.
    "set_profile_name" SetProfileName -> Nothing: Change, Core, 1;
    /// Changes what the account says of itself.
    "set_about" SetAbout -> Nothing: Change, Core, 1;
    /// Changes the own picture; the image is the frame's body, none takes the picture away.
    "set_profile_picture" SetProfilePicture -> Nothing: Change, Core, 1;
    /// Whether the account is kept from writing to people who never wrote to it, as WhatsApp says now.
    "get_timelock" GetTimelock -> ReachoutTimelock: Read, Core, 2;
    /// How much of its quota of new chats the account has used, as WhatsApp says now.
    "get_capping" GetCapping -> MessageCapping: Read, Core, 2;

    /// Shows the account as online or not.
    "set_presence" SetPresence -> Nothing: Change, Core, 1;
    /// Asks to be told of a chat's presence.
    "subscribe_presence" SubscribePresence -> Nothing: Change, Core, 1;
    /// What is known of a chat's presence; subscribes to it.
    "get_presence" GetPresence -> ChatPresence: Read, Core, 1;
    /// What is known of all presences that were subscribed to.
    "list_presences" ListPresences -> Vec<ChatPresence>: Read, Core, 1;
    /// Refuses an incoming call.
    "reject_call" RejectCall -> Nothing: Send, WaJs, 1;

    /// Posts a text as status.
    "post_text_status" PostTextStatus -> SentMessage: Send, WaJs, 1;
    /// Posts the frame's body as status.
    "post_media_status" PostMediaStatus -> SentMessage: Send, WaJs, 1;
    /// Takes an own status back.
    "delete_status" DeleteStatus -> Nothing: Send, Core, 1;

    /// The channels that the account follows or owns.
    "list_channels" ListChannels -> Vec<ChannelRecord>: Read, Core, 1;
    /// One channel, by id or invitation.
    "get_channel" GetChannel -> ChannelRecord: Read, Core, 1;
    /// Creates a channel; its picture is the frame's body.
    "create_channel" CreateChannel -> ChannelRecord: Send, Core, 1;
    /// Deletes an own channel.
    "delete_channel" DeleteChannel -> Nothing: Change, Core, 1;
    /// Follows a channel or stops.
    "follow_channel" FollowChannel -> Nothing: Change, Core, 1;
    /// Mutes a channel or lets it sound again.
    "mute_channel" MuteChannel -> Nothing: Change, WaJs, 1;
    /// The newest messages of a channel, followed or not.
    "channel_messages" ChannelMessages -> Vec<ChannelMessage>: Read, Core, 1;
    /// Searches the directory of channels.
    "search_channels" SearchChannels -> ChannelPage: Read, Core, 1;
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
