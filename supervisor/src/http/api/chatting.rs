//! Sending: texts, files, places, cards, polls and what else goes out; typing and reading.
//!
//! Owns the arguments of each and the mapping to calls. A send is one message or an error that says whether
//! something was sent.

use colmeia::ChatId;
use colmeia::operations::{
    Button, ButtonAction, Degrees, Forward, LinkPreview, ListRow, ListSection, MediaStyle, MessageRef,
    NewMessageId, PressButton, React, SendButtons, SendEvent, SendList, SendLocation, SendOptions, SendPoll,
    SendVcards, SentMessage, Star, Vote,
};
use colmeia::protocol::{Call, Reply, TypingState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::answer::Json;
use super::failure::ApiError;
use super::files::{File, FileArg};
use super::models::{ChatArgs, Message, NoArgs, Success};
use super::session::Session;

/// WhatsApp's own limit.
const LONGEST_TEXT: usize = 65_536;

type Sent = Result<Json<Message>, ApiError>;

/// A text.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TextArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    #[serde(alias = "phone")]
    chat_id: ChatId,
    /// What is sent.
    #[schema(min_length = 1, max_length = 65536)]
    text: String,
    /// The message that this one answers.
    #[serde(default, rename = "reply_to")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageRef>,
    /// Whom it mentions.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    mentions: Vec<ChatId>,
    /// Whether a link in it gets a box with title and picture.
    #[serde(default = "yes")]
    link_preview: bool,
    /// The id that it shall have.
    #[serde(default)]
    id: Option<String>,
}

fn yes() -> bool {
    true
}

/// A text's length is right.
pub(super) fn checked_text(field: &str, text: &str) -> Result<(), ApiError> {
    match text.chars().count() {
        _ if text.trim().is_empty() => Err(ApiError::field(field, "is empty")),
        length if length > LONGEST_TEXT => {
            Err(ApiError::field(field, format!("has more than {LONGEST_TEXT} characters")))
        }
        _ => Ok(()),
    }
}

/// A box only where there is a link: everything else would ask WhatsApp for nothing.
pub(super) fn preview_of(text: &str, wanted: bool) -> LinkPreview {
    let has_link = text.contains("http://") || text.contains("https://");
    if wanted && has_link { LinkPreview::Fetch } else { LinkPreview::None }
}

/// Sends what answers with a message's id.
async fn send(session: &Session, call: Call, file: bytes::Bytes, to: &ChatId, body: String) -> Sent {
    let me = session.me()?;
    let has_media = matches!(call, Call::SendMedia { .. });
    match session.call_with(call, file).await? {
        (Reply::Sent { message, timestamp_ms }, _) => {
            Ok(Json(Message::sent(SentMessage { message, timestamp_ms }, &me, to.as_str(), body, has_media)))
        }
        _ => Err(ApiError::wrong_reply()),
    }
}

/// Sends by one of the wide operations.
async fn send_by<O>(session: &Session, operation: O, to: &str, body: String) -> Sent
where
    O: colmeia::operations::Operate<Output = SentMessage>,
{
    let me = session.me()?;
    let sent = session.operate(operation).await?;
    Ok(Json(Message::sent(sent, &me, to, body, false)))
}

fn options(reply_to: Option<MessageRef>, mentions: Vec<ChatId>, message_id: Option<String>) -> SendOptions {
    SendOptions { reply_to, mentions, message_id }
}

pub(super) async fn send_text(session: Session, args: TextArgs) -> Sent {
    checked_text("text", &args.text)?;
    let call = Call::SendText {
        link_preview: preview_of(&args.text, args.link_preview),
        options: options(args.reply_to, args.mentions, args.id),
        chat: args.chat_id.clone(),
        text: args.text.clone(),
    };
    send(&session, call, bytes::Bytes::new(), &args.chat_id, args.text).await
}

/// A text with a link whose box the caller makes.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CustomPreviewArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// What is sent; the link stands in it.
    text: String,
    /// The message that this one answers.
    #[serde(default, rename = "reply_to")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageRef>,
    /// The box.
    preview: PreviewArg,
}

/// The box below a link.
#[derive(Deserialize, ToSchema)]
pub(super) struct PreviewArg {
    /// The link.
    url: String,
    /// In bold.
    title: String,
    /// Below it.
    #[serde(default)]
    description: String,
    /// The picture.
    #[serde(default)]
    image: Option<FileArg>,
}

pub(super) async fn send_link_custom_preview(session: Session, args: CustomPreviewArgs) -> Sent {
    checked_text("text", &args.text)?;
    let PreviewArg { url, title, description, image } = args.preview;
    if !args.text.contains(&url) {
        return Err(ApiError::field("preview.url", "has to stand in the text"));
    }
    let picture = match image {
        Some(image) => image.get(&session.http, "image/jpeg").await?.bytes,
        None => bytes::Bytes::new(),
    };
    let call = Call::SendText {
        chat: args.chat_id.clone(),
        text: args.text.clone(),
        options: options(args.reply_to, Vec::new(), None),
        link_preview: LinkPreview::Custom { url, title, description },
    };
    send(&session, call, picture, &args.chat_id, args.text).await
}

/// A link with a title.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LinkArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// The link.
    url: String,
    /// Before it.
    title: String,
}

pub(super) async fn send_link_preview(session: Session, args: LinkArgs) -> Sent {
    let text = format!("{}\n{}", args.title, args.url);
    checked_text("url", &args.url)?;
    let call = Call::SendText {
        link_preview: preview_of(&text, true),
        options: SendOptions::default(),
        chat: args.chat_id.clone(),
        text: text.clone(),
    };
    send(&session, call, bytes::Bytes::new(), &args.chat_id, text).await
}

/// A file.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// The file.
    file: FileArg,
    /// The text below it.
    #[serde(default)]
    caption: Option<String>,
    /// The message that this one answers.
    #[serde(default, rename = "reply_to")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageRef>,
    /// Whom it mentions.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    mentions: Vec<ChatId>,
    /// A round video.
    #[serde(default)]
    as_note: bool,
    /// Not offered: files are sent as they are.
    #[serde(default)]
    convert: bool,
}

/// What kind of file an operation sends.
#[derive(Clone, Copy)]
struct Kind {
    /// Its type where nobody says.
    usual: &'static str,
    /// What its type has to begin with.
    family: &'static str,
    as_document: bool,
    style: Option<MediaStyle>,
}

async fn send_media(session: Session, args: FileArgs, kind: Kind) -> Sent {
    session.me()?; // before anything is fetched
    let File { bytes, mimetype, filename } = args.file.get(&session.http, kind.usual).await?;
    if !mimetype.starts_with(kind.family) {
        let rule = format!("has to begin with {}", kind.family);
        return Err(ApiError::field("file.mimetype", rule));
    }
    if args.convert && !mimetype.starts_with(kind.usual.split(';').next().unwrap_or_default()) {
        let rule = format!("is not offered: send {} as it is", kind.usual);
        return Err(ApiError::field("convert", rule));
    }
    let body = args.caption.clone().unwrap_or_default();
    let call = Call::SendMedia {
        chat: args.chat_id.clone(),
        mimetype,
        filename,
        caption: args.caption.filter(|caption| !caption.is_empty()),
        as_document: kind.as_document,
        style: kind.style,
        options: options(args.reply_to, args.mentions, None),
    };
    send(&session, call, bytes, &args.chat_id, body).await
}

pub(super) async fn send_image(session: Session, args: FileArgs) -> Sent {
    let kind = Kind { usual: "image/jpeg", family: "image/", as_document: false, style: None };
    send_media(session, args, kind).await
}

pub(super) async fn send_file(session: Session, args: FileArgs) -> Sent {
    let kind = Kind { usual: "application/octet-stream", family: "", as_document: true, style: None };
    send_media(session, args, kind).await
}

pub(super) async fn send_voice(session: Session, args: FileArgs) -> Sent {
    let style = Some(MediaStyle::Voice);
    let kind = Kind { usual: "audio/ogg; codecs=opus", family: "audio/", as_document: false, style };
    send_media(session, args, kind).await
}

pub(super) async fn send_video(session: Session, args: FileArgs) -> Sent {
    let style = args.as_note.then_some(MediaStyle::VideoNote);
    let kind = Kind { usual: "video/mp4", family: "video/", as_document: false, style };
    send_media(session, args, kind).await
}

pub(super) async fn send_sticker(session: Session, args: FileArgs) -> Sent {
    let style = Some(MediaStyle::Sticker);
    let kind = Kind { usual: "image/webp", family: "image/", as_document: false, style };
    send_media(session, args, kind).await
}

/// A place.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LocationArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// North is positive.
    #[schema(value_type = f64, minimum = -90, maximum = 90)]
    latitude: Degrees,
    /// East is positive.
    #[schema(value_type = f64, minimum = -180, maximum = 180)]
    longitude: Degrees,
    /// Its name.
    #[serde(default)]
    title: Option<String>,
    /// The message that this one answers.
    #[serde(default, rename = "reply_to")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageRef>,
}

pub(super) async fn send_location(session: Session, args: LocationArgs) -> Sent {
    let (chat, body) = (args.chat_id.clone(), args.title.clone().unwrap_or_default());
    let operation = SendLocation {
        chat: args.chat_id,
        latitude: args.latitude,
        longitude: args.longitude,
        title: args.title,
        address: None,
        options: options(args.reply_to, Vec::new(), None),
    };
    send_by(&session, operation, chat.as_str(), body).await
}

/// Contact cards.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct VcardArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// The cards.
    #[schema(min_items = 1)]
    contacts: Vec<CardArg>,
    /// The message that this one answers.
    #[serde(default, rename = "reply_to")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageRef>,
}

/// A card: `vcard`, or what one is made of.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CardArg {
    /// The complete card.
    #[serde(default)]
    vcard: Option<String>,
    /// The name on it.
    #[serde(default)]
    full_name: Option<String>,
    /// The number on it.
    #[serde(default)]
    phone_number: Option<String>,
    /// The number at WhatsApp, digits only.
    #[serde(default)]
    whatsapp_id: Option<String>,
    /// Where the person works.
    #[serde(default)]
    organization: Option<String>,
}

impl CardArg {
    /// The card as RFC 2426 writes it. What a field holds cannot begin another field.
    fn text(self) -> Result<String, ApiError> {
        if let Some(vcard) = self.vcard.filter(|vcard| !vcard.trim().is_empty()) {
            return Ok(vcard);
        }
        let (Some(name), Some(number)) = (self.full_name, self.phone_number) else {
            return Err(ApiError::field("contacts", "have to have vcard, or fullName and phoneNumber"));
        };
        let plain = |text: &str| {
            let text = text.replace('\\', "\\\\").replace(['\r', '\n'], " ");
            text.replace(';', "\\;").replace(',', "\\,")
        };
        let id: String =
            self.whatsapp_id.as_ref().unwrap_or(&number).chars().filter(char::is_ascii_digit).collect();
        let organization = self.organization.map(|org| format!("ORG:{};\n", plain(&org))).unwrap_or_default();
        Ok(format!(
            "BEGIN:VCARD\nVERSION:3.0\nFN:{}\n{organization}TEL;type=CELL;type=VOICE;waid={id}:{}\nEND:VCARD",
            plain(&name),
            plain(&number)
        ))
    }
}

pub(super) async fn send_contact_vcard(session: Session, args: VcardArgs) -> Sent {
    if args.contacts.is_empty() {
        return Err(ApiError::field("contacts", "is empty"));
    }
    let vcards = args.contacts.into_iter().map(CardArg::text).collect::<Result<Vec<_>, _>>()?;
    let chat = args.chat_id.clone();
    let operation =
        SendVcards { chat: args.chat_id, vcards, options: options(args.reply_to, Vec::new(), None) };
    send_by(&session, operation, chat.as_str(), String::new()).await
}

/// A poll.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PollArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// The poll.
    poll: PollArg,
    /// The id that it shall have.
    #[serde(default)]
    id: Option<String>,
    /// The message that this one answers.
    #[serde(default, rename = "reply_to")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageRef>,
}

/// A question and what can be answered.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PollArg {
    /// The question.
    #[schema(max_length = 255)]
    name: String,
    /// 2 to 12 answers, all different.
    #[schema(min_items = 2, max_items = 12)]
    options: Vec<String>,
    /// Whether one may give several; the SDK's type asks for an object here, which means no.
    #[serde(default)]
    #[schema(value_type = Object)]
    multiple_answers: Value,
}

pub(super) async fn send_poll(session: Session, args: PollArgs) -> Sent {
    let PollArg { name, options: choices, multiple_answers } = args.poll;
    checked_text("poll.name", &name)?;
    let different: std::collections::HashSet<_> = choices.iter().collect();
    if !(2..=12).contains(&choices.len()) || different.len() != choices.len() {
        return Err(ApiError::field("poll.options", "have to be 2 to 12, all different"));
    }
    let chat = args.chat_id.clone();
    let operation = SendPoll {
        chat: args.chat_id,
        question: name.clone(),
        choices,
        multiple: multiple_answers == Value::Bool(true),
        options: options(args.reply_to, Vec::new(), args.id),
    };
    send_by(&session, operation, chat.as_str(), name).await
}

/// A vote.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct VoteArgs {
    /// The poll's id.
    #[schema(value_type = String)]
    poll_message_id: MessageRef,
    /// The answers that are given; none takes the vote back.
    #[serde(default)]
    votes: Vec<Choice>,
}

/// An answer, by itself or in a list: the SDK's type nests them.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Choice {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

pub(super) async fn send_poll_vote(session: Session, args: VoteArgs) -> Result<Json<Success>, ApiError> {
    let choices = args.votes.into_iter().flat_map(|choice| match choice {
        Choice::One(one) => vec![one],
        Choice::Several(several) => several,
    });
    session.operate(Vote { message: args.poll_message_id, choices: choices.collect() }).await?;
    Ok(Json(Success::YES))
}

/// An event.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// The event.
    event: EventArg,
    /// The message that this one answers.
    #[serde(default, rename = "reply_to")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageRef>,
}

/// What takes place.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventArg {
    /// Its name.
    name: String,
    /// More about it.
    #[serde(default)]
    description: Option<String>,
    /// In seconds since the epoch.
    start_time: f64,
    /// In seconds since the epoch.
    #[serde(default)]
    end_time: Option<f64>,
    /// Where.
    #[serde(default)]
    location: Option<PlaceArg>,
    /// Whether guests may bring guests.
    #[serde(default)]
    extra_guests_allowed: bool,
}

/// Where.
#[derive(Deserialize, ToSchema)]
pub(super) struct PlaceArg {
    /// Its name.
    name: String,
}

/// A cast saturates, and a time that far away is refused by the page.
#[allow(clippy::cast_possible_truncation, reason = "it saturates")]
pub(super) fn ms_of_secs(secs: f64) -> i64 {
    (secs * 1000.0) as i64
}

pub(super) async fn send_event(session: Session, args: EventArgs) -> Sent {
    let (chat, event) = (args.chat_id.clone(), args.event);
    checked_text("event.name", &event.name)?;
    let body = event.name.clone();
    let operation = SendEvent {
        chat: args.chat_id,
        title: event.name,
        description: event.description,
        start_ms: ms_of_secs(event.start_time),
        end_ms: event.end_time.map(ms_of_secs),
        location: event.location.map(|place| place.name),
        extra_guests: event.extra_guests_allowed,
        options: options(args.reply_to, Vec::new(), None),
    };
    send_by(&session, operation, chat.as_str(), body).await
}

/// A text with buttons.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ButtonsArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// Above the text.
    #[serde(default)]
    header: Option<String>,
    /// The text.
    body: String,
    /// Below the text.
    #[serde(default)]
    footer: Option<String>,
    /// One to three.
    buttons: Vec<ButtonArg>,
}

/// A button.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ButtonArg {
    /// What stands on it.
    text: String,
    /// What it does.
    #[serde(default, rename = "type")]
    kind: ButtonKind,
    /// Comes back with an answer.
    #[serde(default)]
    id: Option<String>,
    /// What it opens.
    #[serde(default)]
    url: Option<String>,
    /// Whom it calls.
    #[serde(default)]
    phone_number: Option<String>,
    /// What it copies.
    #[serde(default)]
    copy_code: Option<String>,
}

/// What a button does.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ButtonKind {
    #[default]
    Reply,
    Url,
    Call,
    Copy,
}

impl ButtonArg {
    fn button(self) -> Result<Button, ApiError> {
        let need = |value: Option<String>, field: &str| {
            value.ok_or_else(|| ApiError::field(format!("buttons.{field}"), "is missing"))
        };
        let action = match self.kind {
            ButtonKind::Reply => ButtonAction::Reply { id: self.id.unwrap_or_else(|| self.text.clone()) },
            ButtonKind::Url => ButtonAction::Url { url: need(self.url, "url")? },
            ButtonKind::Call => ButtonAction::Call { phone: need(self.phone_number, "phoneNumber")? },
            ButtonKind::Copy => ButtonAction::Copy { code: need(self.copy_code, "copyCode")? },
        };
        Ok(Button { text: self.text, action })
    }
}

pub(super) async fn send_buttons(session: Session, args: ButtonsArgs) -> Sent {
    checked_text("body", &args.body)?;
    if !(1..=3).contains(&args.buttons.len()) {
        return Err(ApiError::field("buttons", "have to be one to three"));
    }
    let buttons = args.buttons.into_iter().map(ButtonArg::button).collect::<Result<_, _>>()?;
    let (chat, body) = (args.chat_id.clone(), args.body.clone());
    let operation = SendButtons {
        chat: args.chat_id,
        title: args.header,
        body: args.body,
        footer: args.footer,
        buttons,
        options: SendOptions::default(),
    };
    send_by(&session, operation, chat.as_str(), body).await
}

/// A list to choose from.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// The list.
    message: ListArg,
    /// The message that this one answers.
    #[serde(default, rename = "reply_to")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageRef>,
}

/// What can be chosen.
#[derive(Deserialize, ToSchema)]
pub(super) struct ListArg {
    /// Above the text.
    title: String,
    /// The text.
    #[serde(default)]
    description: Option<String>,
    /// Below the text.
    #[serde(default)]
    footer: Option<String>,
    /// On the button that opens the list.
    button: String,
    /// The rows under their headings.
    sections: Vec<SectionArg>,
}

/// Rows with a heading.
#[derive(Deserialize, ToSchema)]
pub(super) struct SectionArg {
    /// The heading.
    title: String,
    /// The rows.
    rows: Vec<RowArg>,
}

/// A row.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RowArg {
    /// What stands in it.
    title: String,
    /// Below it.
    #[serde(default)]
    description: Option<String>,
    /// Comes back with the answer.
    row_id: String,
}

pub(super) async fn send_list(session: Session, args: ListArgs) -> Sent {
    let list = args.message;
    if list.sections.iter().all(|section| section.rows.is_empty()) {
        return Err(ApiError::field("message.sections", "have no row"));
    }
    let rows = |rows: Vec<RowArg>| {
        let row = |row: RowArg| ListRow { id: row.row_id, title: row.title, description: row.description };
        rows.into_iter().map(row).collect()
    };
    let section = |section: SectionArg| ListSection { title: section.title, rows: rows(section.rows) };
    let (chat, body) = (args.chat_id.clone(), list.description.clone().unwrap_or_default());
    let operation = SendList {
        chat: args.chat_id,
        title: list.title,
        description: list.description,
        footer: list.footer,
        button: list.button,
        sections: list.sections.into_iter().map(section).collect(),
        options: options(args.reply_to, Vec::new(), None),
    };
    send_by(&session, operation, chat.as_str(), body).await
}

/// A button that is pressed.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PressArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// The message with the button.
    #[schema(value_type = String)]
    reply_to: MessageRef,
    /// What stands on the button.
    #[serde(default)]
    selected_display_text: String,
    /// The button's id.
    #[serde(rename = "selectedButtonID")]
    selected_button_id: String,
}

pub(super) async fn send_buttons_reply(session: Session, args: PressArgs) -> Sent {
    let operation = PressButton { message: args.reply_to, button: args.selected_button_id };
    send_by(&session, operation, args.chat_id.as_str(), args.selected_display_text).await
}

/// A message for somebody else.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ForwardArgs {
    /// To whom.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// What.
    #[schema(value_type = String)]
    message_id: MessageRef,
}

pub(super) async fn forward_message(session: Session, args: ForwardArgs) -> Sent {
    let chat = args.chat_id.clone();
    let operation = Forward { chat: args.chat_id, message: args.message_id };
    send_by(&session, operation, chat.as_str(), String::new()).await
}

pub(super) async fn send_seen(session: Session, args: ChatArgs) -> Result<Json<Success>, ApiError> {
    done(&session.call(Call::MarkSeen { chat: args.chat_id }).await?.0)
}

pub(super) async fn start_typing(session: Session, args: ChatArgs) -> Result<Json<Success>, ApiError> {
    typing(&session, args.chat_id, TypingState::Typing).await
}

pub(super) async fn stop_typing(session: Session, args: ChatArgs) -> Result<Json<Success>, ApiError> {
    typing(&session, args.chat_id, TypingState::Paused).await
}

/// Shows the other side what this one does.
pub(super) async fn typing(
    session: &Session,
    chat: ChatId,
    state: TypingState,
) -> Result<Json<Success>, ApiError> {
    done(&session.call(Call::Typing { chat, state }).await?.0)
}

/// That it was done.
fn done(reply: &Reply) -> Result<Json<Success>, ApiError> {
    match reply {
        Reply::Done => Ok(Json(Success::YES)),
        _ => Err(ApiError::wrong_reply()),
    }
}

/// A reaction.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReactionArgs {
    /// To which message.
    #[schema(value_type = String)]
    message_id: MessageRef,
    /// One emoji; empty takes it back.
    reaction: String,
}

pub(super) async fn set_reaction(session: Session, args: ReactionArgs) -> Result<Json<Success>, ApiError> {
    session.operate(React { message: args.message_id, reaction: args.reaction }).await?;
    Ok(Json(Success::YES))
}

/// A star.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StarArgs {
    /// Which message.
    #[schema(value_type = String)]
    message_id: MessageRef,
    /// Whether it has one from now on.
    star: bool,
}

pub(super) async fn set_star(session: Session, args: StarArgs) -> Result<Json<Success>, ApiError> {
    session.operate(Star { message: args.message_id, starred: args.star }).await?;
    Ok(Json(Success::YES))
}

/// An id for a later send.
#[derive(Serialize, ToSchema)]
pub(super) struct NewId {
    id: String,
}

pub(super) async fn new_message_id(session: Session, _: NoArgs) -> Result<Json<NewId>, ApiError> {
    Ok(Json(NewId { id: session.operate(NewMessageId {}).await?.id }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_made_of_its_parts_and_no_part_makes_another() {
        let card = CardArg {
            vcard: None,
            full_name: Some("Ana\nTEL:1; x".into()),
            phone_number: Some("+55 11 98888-7777".into()),
            whatsapp_id: None,
            organization: None,
        };
        let text = card.text().expect("a card");
        assert_eq!(text.lines().filter(|line| line.starts_with("TEL")).count(), 1, "{text}");
        assert!(text.contains("waid=5511988887777:+55 11 98888-7777"), "{text}");
        let none = CardArg {
            vcard: None,
            full_name: None,
            phone_number: None,
            whatsapp_id: None,
            organization: None,
        };
        assert!(none.text().is_err());
    }

    #[test]
    fn a_box_is_asked_for_only_where_there_is_a_link() {
        assert!(preview_of("oi", true).is_none() && preview_of("https://x", false).is_none());
        assert!(!preview_of("veja https://x", true).is_none());
    }
}
