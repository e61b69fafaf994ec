//! The table of what is asked in `outcomes.rs`: one case for each operation and each everyday call that does something.
//! Owns how each is refused and left unknown, or that it cannot be; docs/operations.md says why.

use colmeia::protocol::CallErrorKind::{self, Forbidden, NotFound, NotOnWhatsapp, Refused};
use serde_json::{Value, json};

use super::stage::Stage;

/// One case. The order within a table counts: what takes something away comes last.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// Its arguments.
    pub(super) ask: fn(&Stage) -> Value,
    pub(super) refused: Refusal,
    pub(super) unknown: Unknown,
    /// An operation that comes before each try.
    pub(super) before: Option<fn(&Stage) -> Value>,
}

/// How it is refused.
pub(super) enum Refusal {
    /// While the server answers doings of this kind so.
    By(&'static str, &'static str, CallErrorKind),
    /// Likewise, in the outcome of each member.
    Each(&'static str, u32),
    /// With these arguments.
    With(fn(&Stage) -> Value, CallErrorKind),
    Never,
}

/// How it is left unknown.
pub(super) enum Unknown {
    /// The page fails without a word while doings of this kind are lost.
    Lost(&'static str),
    /// The page waits for an answer to doings of this kind until the call's time is up.
    Silent(&'static str),
    Never,
}

use Refusal::{By, Each, Never, With};
use Unknown::{Lost, Silent};

const fn case(name: &'static str, ask: fn(&Stage) -> Value, refused: Refusal, unknown: Unknown) -> Case {
    Case { name, ask, refused, unknown, before: None }
}

impl Case {
    const fn after(self, before: fn(&Stage) -> Value) -> Self {
        Self { before: Some(before), ..self }
    }
}

const NOBODY: &str = "5511900000000@c.us";
const NO_MESSAGE: &str = "false_5511988887777@c.us_3A99";
const NO_GROUP: &str = "120363000000000001@g.us";

fn nothing(_: &Stage) -> Value {
    json!({})
}
fn nobody(_: &Stage) -> Value {
    json!({ "chat": NOBODY, "contact": NOBODY, "state": "typing", "limit": 1 })
}
fn friend(stage: &Stage) -> Value {
    json!({ "chat": stage.friend, "contact": stage.friend, "of": stage.friend, "phone": stage.friend })
}
fn theirs(stage: &Stage) -> Value {
    json!({ "message": stage.theirs })
}
fn group(stage: &Stage) -> Value {
    json!({ "group": stage.group })
}
fn label(stage: &Stage) -> Value {
    json!({ "id": stage.label })
}
fn marked(stage: &Stage) -> Value {
    json!({ "name": "mark_unread", "chat": stage.friend })
}
fn saved(stage: &Stage) -> Value {
    json!({ "name": "save_contact", "contact": stage.friend, "first_name": "Bruno" })
}
fn picture(stage: &Stage) -> Value {
    json!({ "group": stage.group, "mimetype": "image/gif" })
}

/// Messages, chats, people and the account itself.
pub(super) const EVERYDAY: &[Case] = &[
    case(
        "send_text",
        |s| json!({ "chat": s.friend, "text": "oi" }),
        By("send", "463", Refused),
        Lost("send"),
    ),
    case(
        "send_media",
        |s| json!({ "chat": s.friend, "mimetype": "image/gif", "filename": "a.gif", "as_document": false }),
        By("send", "463", Refused),
        Lost("send"),
    ),
    case(
        "send_location",
        |s| json!({ "chat": s.friend, "latitude": -23.5, "longitude": -46.6 }),
        By("send", "463", Refused),
        Lost("send"),
    ),
    case(
        "send_vcards",
        |s| json!({ "chat": s.friend, "vcards": ["BEGIN:VCARD\nEND:VCARD"] }),
        By("send", "475", Refused),
        Lost("send"),
    ),
    case(
        "send_poll",
        |s| json!({ "chat": s.friend, "question": "?", "choices": ["a", "b"], "multiple": false }),
        By("send", "network", Refused),
        Lost("send"),
    ),
    case(
        "send_event",
        |s| json!({ "chat": s.friend, "title": "Festa", "start_ms": 1_800_000_000_000_u64, "extra_guests": false }),
        By("send", "463", Refused),
        Lost("send"),
    ),
    case(
        "vote",
        |s| json!({ "message": s.poll, "choices": ["hoje"] }),
        By("poll_vote", "403", Refused),
        Lost("poll_vote"),
    ),
    case(
        "forward",
        |s| json!({ "message": s.theirs, "chat": s.other }),
        By("send", "463", Refused),
        Silent("send"),
    ),
    case(
        "react",
        |s| json!({ "message": s.theirs, "reaction": "👍" }),
        By("reaction", "403", Refused),
        Lost("reaction"),
    ),
    case(
        "edit_message",
        |s| json!({ "message": s.mine, "text": "olá!" }),
        By("edit", "406", Refused),
        Lost("edit"),
    ),
    case(
        "star",
        |s| json!({ "message": s.theirs, "starred": true }),
        By("star", "403", Forbidden),
        Lost("star"),
    ),
    case(
        "pin_message",
        |s| json!({ "message": s.theirs, "seconds": 1 }),
        By("pin", "403", Refused),
        Lost("pin"),
    ),
    case("unpin_message", theirs, By("unpin", "403", Refused), Lost("unpin")),
    case("get_message", theirs, With(|_| json!({ "message": NO_MESSAGE }), NotFound), Unknown::Never),
    case(
        "find_messages",
        |s| json!({ "chat": s.friend, "limit": 5 }),
        With(nobody, NotFound),
        Unknown::Never,
    ),
    case("new_message_id", nothing, Never, Unknown::Never),
    case(
        "delete_message",
        |s| json!({ "message": s.mine, "for_everyone": true }),
        By("revoke", "403", Refused),
        Lost("revoke"),
    ),
    case("list_chats", nothing, Never, Unknown::Never),
    case(
        "archive_chat",
        |s| json!({ "chat": s.friend, "archived": true }),
        By("archive", "403", Forbidden),
        Lost("archive"),
    ),
    case(
        "pin_chat",
        |s| json!({ "chat": s.friend, "pinned": true }),
        By("pin_chat", "405", Refused),
        Lost("pin_chat"),
    ),
    case(
        "mute_chat",
        |s| json!({ "chat": s.friend, "until_ms": 2_000_000_000_000_u64 }),
        By("mute", "500", Refused),
        Lost("mute"),
    ),
    case("mark_unread", friend, By("unread", "403", Refused), Silent("unread")),
    case("mark_seen", friend, By("unread", "403", Refused), Silent("unread")).after(marked),
    case("read_chat", friend, By("unread", "403", Refused), Silent("unread")).after(marked),
    case(
        "typing",
        |s| json!({ "chat": s.friend, "state": "typing" }),
        With(nobody, NotOnWhatsapp),
        Unknown::Never,
    ),
    case("get_contact", friend, With(nobody, NotOnWhatsapp), Unknown::Never),
    case("about", friend, With(nobody, NotOnWhatsapp), Unknown::Never),
    case("picture", |s| json!({ "of": s.friend, "refresh": true }), Never, Unknown::Never),
    case(
        "save_contact",
        |s| json!({ "contact": s.friend, "first_name": "Bruno", "last_name": "Lima" }),
        By("save_contact", "network", CallErrorKind::NotReady),
        Lost("save_contact"),
    ),
    case("delete_contact", friend, By("delete_contact", "403", Forbidden), Lost("delete_contact"))
        .after(saved),
    case("list_lids", |_| json!({ "limit": 5 }), Never, Unknown::Never),
    case("count_lids", nothing, Never, Unknown::Never),
    case("phone_of_lid", |_| json!({ "lid": "10000000000007@lid" }), Never, Unknown::Never),
    case("lid_of_phone", friend, Never, Unknown::Never),
    case("get_profile", nothing, Never, Unknown::Never),
    case(
        "set_profile_name",
        |_| json!({ "profile_name": "Acme" }),
        By("name", "403", Forbidden),
        Lost("name"),
    ),
    case("set_about", |_| json!({ "about": "Aberto" }), By("about", "403", Forbidden), Lost("about")),
    case(
        "set_profile_picture",
        |_| json!({ "mimetype": "image/gif" }),
        By("picture", "403", Forbidden),
        Lost("picture"),
    ),
    case("get_timelock", nothing, By("timelock", "500", Refused), Unknown::Never),
    case("get_capping", nothing, By("capping", "500", Refused), Unknown::Never),
    case("set_presence", |_| json!({ "online": true }), Never, Unknown::Never),
    case("subscribe_presence", friend, With(nobody, NotOnWhatsapp), Unknown::Never),
    case("get_presence", friend, With(nobody, NotOnWhatsapp), Unknown::Never),
    case("list_presences", nothing, Never, Unknown::Never),
    case(
        "block",
        |s| json!({ "contact": s.other, "blocked": true }),
        By("block", "403", Forbidden),
        Lost("block"),
    ),
    case("clear_chat", friend, By("clear", "403", Forbidden), Lost("clear")),
    case("delete_chat", friend, By("delete_chat", "500", Refused), Lost("delete_chat")),
];

/// Groups.
pub(super) const GROUPS: &[Case] = &[
    case(
        "create_group",
        |s| json!({ "subject": "Time", "participants": [s.friend] }),
        By("create_group", "403", Forbidden),
        Lost("create_group"),
    ),
    case("list_groups", nothing, Never, Unknown::Never),
    case("count_groups", nothing, Never, Unknown::Never),
    case("refresh_groups", nothing, By("query_group", "500", Refused), Unknown::Never),
    case("get_group", group, With(|_| json!({ "group": NO_GROUP }), NotFound), Unknown::Never),
    case(
        "invite_info",
        |s| json!({ "code": s.invitation }),
        With(|_| json!({ "code": "NOPE" }), NotFound),
        Unknown::Never,
    ),
    case(
        "join_group",
        |s| json!({ "code": s.invitation }),
        By("join_group", "403", Forbidden),
        Lost("join_group"),
    ),
    case(
        "set_group_subject",
        |s| json!({ "group": s.group, "subject": "Equipe" }),
        By("subject", "403", Forbidden),
        Lost("subject"),
    ),
    case(
        "set_group_description",
        |s| json!({ "group": s.group, "description": "Para todos" }),
        By("description", "403", Forbidden),
        Lost("description"),
    ),
    case("set_group_picture", picture, By("picture", "403", Forbidden), Lost("picture")),
    case(
        "set_group_setting",
        |s| json!({ "group": s.group, "setting": "messages_admins_only", "on": true }),
        By("announcement", "403", Forbidden),
        Lost("announcement"),
    ),
    case("invite_code", group, By("invite_code", "403", Forbidden), Unknown::Never),
    case("revoke_invite_code", group, By("revoke_invite", "403", Forbidden), Lost("revoke_invite")),
    case(
        "change_participants",
        |s| json!({ "group": s.group, "change": "promote", "participants": [s.friend] }),
        Each("promote", 406),
        Lost("promote"),
    ),
    case("join_requests", group, By("join_requests", "403", Forbidden), Unknown::Never),
    case(
        "answer_join_requests",
        |s| json!({ "group": s.group, "approve": true, "requesters": [s.other] }),
        Each("answer_join_request", 404),
        Lost("answer_join_request"),
    ),
    case("leave_group", group, By("leave", "403", Refused), Lost("leave")),
];

/// Labels, statuses, channels, buttons, calls.
pub(super) const REST: &[Case] = &[
    case("list_labels", nothing, Never, Unknown::Never),
    case(
        "create_label",
        |_| json!({ "label": "Novo", "color": 0 }),
        By("label", "403", Refused),
        Lost("label"),
    ),
    case(
        "update_label",
        |s| json!({ "id": s.label, "label": "Pago", "color": 3 }),
        By("label", "403", Forbidden),
        Lost("label"),
    ),
    case("labels_of_chat", friend, With(nobody, NotFound), Unknown::Never),
    case(
        "set_labels_of_chat",
        |s| json!({ "chat": s.friend, "labels": [s.label] }),
        By("label", "403", Forbidden),
        Lost("label"),
    ),
    case("chats_of_label", label, With(|_| json!({ "id": "77" }), NotFound), Unknown::Never),
    case("delete_label", label, By("label", "403", Forbidden), Lost("label")),
    case(
        "send_buttons",
        |s| json!({ "chat": s.friend, "body": "Vamos?", "buttons": [{ "text": "Sim", "action": { "kind": "reply", "id": "1" } }] }),
        By("send", "463", Refused),
        Silent("send"),
    ),
    case(
        "send_list",
        |s| json!({ "chat": s.friend, "title": "t", "button": "b", "sections": [{ "title": "s", "rows": [{ "id": "1", "title": "r" }] }] }),
        By("send", "463", Refused),
        Silent("send"),
    ),
    case(
        "press_button",
        |s| json!({ "message": s.question, "button": "b1" }),
        By("send", "463", Refused),
        Silent("send"),
    ),
    case(
        "reject_call",
        |s| json!({ "call": s.call }),
        With(|_| json!({ "call": "NONE" }), NotFound),
        Lost("reject_call"),
    ),
    case("post_text_status", |_| json!({ "text": "olá" }), By("send", "463", Refused), Silent("send")),
    case(
        "post_media_status",
        |_| json!({ "mimetype": "image/gif" }),
        By("send", "463", Refused),
        Silent("send"),
    ),
    case("delete_status", |s| json!({ "message": s.status }), By("revoke", "403", Forbidden), Lost("revoke")),
    case("list_channels", nothing, Never, Unknown::Never),
    case(
        "get_channel",
        |_| json!({ "channel": { "invite": "CH55" } }),
        With(|_| json!({ "channel": { "invite": "NOPE" } }), NotFound),
        Unknown::Never,
    ),
    case(
        "channel_messages",
        |_| json!({ "channel": { "invite": "CH55" }, "limit": 5 }),
        With(|_| json!({ "channel": { "invite": "NOPE" }, "limit": 5 }), NotFound),
        Unknown::Never,
    ),
    case(
        "search_channels",
        |_| json!({ "text": "outro", "countries": [], "categories": [], "limit": 1 }),
        By("search_channels", "403", Forbidden),
        Unknown::Never,
    ),
    case(
        "create_channel",
        |_| json!({ "title": "Notícias" }),
        By("create_channel", "403", Forbidden),
        Lost("create_channel"),
    ),
    case(
        "follow_channel",
        |s| json!({ "channel": s.foreign_channel, "follow": true }),
        By("follow_channel", "405", Refused),
        Lost("follow_channel"),
    ),
    case(
        "mute_channel",
        |s| json!({ "channel": s.channel, "muted": true }),
        By("mute_channel", "403", Forbidden),
        Lost("mute_channel"),
    ),
    case(
        "delete_channel",
        |s| json!({ "channel": s.channel }),
        By("delete_channel", "403", Forbidden),
        Lost("delete_channel"),
    ),
];

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Case> {
    EVERYDAY.iter().chain(GROUPS).chain(REST)
}
