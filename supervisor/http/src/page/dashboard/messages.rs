//! A message and a chat as a page shows them. Owns their words; pure. What strangers wrote is text and nothing else: the
//! templates escape it, and what turns letters around is left out.

use colmeia::moment::Minute;
use colmeia::operations::ChatOverview;
use colmeia::protocol::{ChatSummary, MessageRecord, OtherNames};
use colmeia::text::plain;
use colmeia::{Me, UserId};

use super::super::super::negotiate::Language::{self, English, Portuguese};
use crate::phone_number::phone_number;

/// How much of the newest message a list shows.
const EXCERPT: usize = 80;

/// A chat in the list.
pub(super) struct ChatRow {
    pub(super) id: String,
    pub(super) name: String,
    /// Unread messages; `None` when all are read.
    pub(super) unread: Option<i64>,
    pub(super) excerpt: String,
    pub(super) time: Moment,
}

/// A message.
pub(super) struct MessageRow {
    pub(super) id: String,
    pub(super) own: bool,
    /// Who wrote it, in a group.
    pub(super) author: String,
    /// What it is where it is no text: a photo, a voice message.
    pub(super) kind: &'static str,
    pub(super) text: String,
    /// Where its file is found, and what it is called.
    pub(super) file: Option<(String, String)>,
    pub(super) time: Moment,
    /// How far an own message went: a sign, and in words.
    pub(super) ack: Option<(&'static str, &'static str)>,
}

/// When something was: for machines, and in words where no script puts it into the reader's own time.
pub(super) struct Moment {
    pub(super) ms: i64,
    pub(super) words: String,
}

impl Moment {
    pub(super) fn of(ms: i64, language: Language) -> Self {
        let minute = Minute::of(u64::try_from(ms).unwrap_or_default());
        let words = match (ms, language) {
            (0, _) => String::new(),
            (_, Portuguese) => minute.portuguese(),
            (_, English) => minute.english(),
        };
        Self { ms, words }
    }
}

impl ChatRow {
    pub(super) fn of(overview: ChatOverview, language: Language) -> Self {
        let chat = overview.chat;
        let excerpt =
            chat.last_message.as_ref().map(|message| excerpt(message, language)).unwrap_or_default();
        Self {
            name: chat_name(&chat),
            unread: Some(chat.unread).filter(|unread| *unread != 0),
            excerpt,
            time: Moment::of(chat.timestamp_ms, language),
            id: chat.id,
        }
    }
}

impl MessageRow {
    pub(super) fn of(message: MessageRecord, user: &UserId, base: &str, language: Language) -> Self {
        let author =
            message.author.as_deref().filter(|_| !message.from_me && message.chat.ends_with("@g.us"));
        let author = author.map(|author| match &message.sender_name {
            Some(name) if !name.trim().is_empty() => plain(name).into_owned(),
            _ => person(author, &message.other_names),
        });
        let file = message.has_media.then(|| {
            let address = format!("{base}/api/files/{user}/{}", percent(&message.id));
            let name = message.filename.as_deref().map(|name| plain(name).into_owned());
            (address, name.filter(|name| !name.is_empty()).unwrap_or_else(|| open(language).to_owned()))
        });
        Self {
            own: message.from_me,
            author: author.unwrap_or_default(),
            kind: kind(&message, language),
            text: plain_lines(&message.body),
            file,
            time: Moment::of(message.timestamp_ms, language),
            ack: message.from_me.then(|| ack(message.ack, language)),
            id: message.id,
        }
    }
}

/// What a chat is called: its name, else the number, else what WhatsApp calls it.
pub(super) fn chat_name(chat: &ChatSummary) -> String {
    let name = chat.name.as_deref().map(|name| plain(name).trim().to_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| person(&chat.id, &chat.other_names))
}

/// A number as people write it, where it is known.
pub(super) fn person(id: &str, names: &OtherNames) -> String {
    let number = names.number(id).unwrap_or(id);
    let me = Me { wid: number.to_owned(), lid: None, pushname: String::new(), platform: String::new() };
    phone_number(&me).unwrap_or_else(|| id.split('@').next().unwrap_or_default().to_owned())
}

fn excerpt(message: &MessageRecord, language: Language) -> String {
    let (kind, text) = (kind(message, language), plain_lines(&message.body));
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = match (kind.is_empty(), text.is_empty()) {
        (true, _) => text,
        (false, true) => kind.to_owned(),
        (false, false) => format!("{kind}: {text}"),
    };
    if shown.chars().count() <= EXCERPT {
        shown
    } else {
        shown.chars().take(EXCERPT - 1).chain(['…']).collect()
    }
}

/// Without what turns letters around; lines stay lines.
fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

fn kind(message: &MessageRecord, language: Language) -> &'static str {
    let (portuguese, english) = match message.kind.as_str() {
        "chat" => ("", ""),
        "image" => ("Foto", "Photo"),
        "video" => ("Vídeo", "Video"),
        "ptv" => ("Vídeo redondo", "Round video"),
        "ptt" => ("Mensagem de voz", "Voice message"),
        "audio" => ("Áudio", "Sound"),
        "document" => ("Documento", "Document"),
        "sticker" => ("Figurinha", "Sticker"),
        "location" => ("Localização", "Place"),
        "vcard" | "multi_vcard" => ("Contato", "Contact"),
        "poll_creation" => ("Enquete", "Poll"),
        "event_creation" => ("Evento", "Event"),
        "revoked" => ("Mensagem apagada", "Deleted message"),
        "call_log" => ("Ligação", "Call"),
        "ciphertext" => ("Ainda não decifrada", "Not deciphered yet"),
        "e2e_notification" | "notification" | "notification_template" | "gp2" | "protocol" => {
            ("Aviso do WhatsApp", "Notice by WhatsApp")
        }
        _ => ("Mensagem de outro tipo", "Message of another kind"),
    };
    language.pick(portuguese, english)
}

fn ack(ack: i32, language: Language) -> (&'static str, &'static str) {
    let (mark, portuguese, english) = match ack {
        ..=-1 => ("!", "não enviada", "not sent"),
        0 => ("◷", "aguardando", "waiting"),
        1 => ("✓", "enviada", "sent"),
        2 => ("✓✓", "entregue", "delivered"),
        3 => ("✓✓", "lida", "read"),
        _ => ("✓✓", "ouvida", "played"),
    };
    (mark, language.pick(portuguese, english))
}

fn open(language: Language) -> &'static str {
    language.pick("Abrir o arquivo", "Open the file")
}

/// A part of a path.
pub(super) fn percent(text: &str) -> String {
    colmeia_events::envelope::percent_encoded(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia_events::journal::testing::message;

    fn user() -> UserId {
        "3".parse().expect("valid")
    }

    #[test]
    fn a_message_is_told_with_what_it_is_and_how_far_it_went() {
        let photo = MessageRecord {
            kind: "image".into(),
            has_media: true,
            body: "veja\u{202e}\nisto".into(),
            from_me: true,
            ack: 3,
            ..message("true_5511988887777@c.us_A/1", "")
        };
        let row = MessageRow::of(photo.clone(), &user(), "/colmeia", Portuguese);
        assert_eq!((row.kind, row.text.as_str(), row.ack), ("Foto", "veja\nisto", Some(("✓✓", "lida"))));
        let (address, name) = row.file.expect("a file");
        assert_eq!(name, "Abrir o arquivo");
        assert!(
            address.starts_with("/colmeia/api/files/3/true_") && address.ends_with("_A%2F1"),
            "{address}"
        );
        assert_eq!(excerpt(&photo, Portuguese), "Foto: veja isto");
        assert_eq!(excerpt(&message("a", &"x".repeat(100)), English).chars().count(), EXCERPT);
        let unknown = MessageRecord { kind: "of_a_later_release".into(), ..message("a", "") };
        assert_eq!(MessageRow::of(unknown, &user(), "", English).kind, "Message of another kind");
    }

    #[test]
    fn people_are_called_by_name_else_by_number() {
        let in_group = MessageRecord {
            chat: "120363@g.us".into(),
            author: Some("98765@lid".into()),
            other_names: OtherNames::of([("98765@lid", "5511988887777@c.us")]),
            ..message("false_120363@g.us_A", "oi")
        };
        assert_eq!(MessageRow::of(in_group.clone(), &user(), "", English).author, "+55 (11) 98888-7777");
        let named = MessageRecord { sender_name: Some("Ana".into()), ..in_group };
        assert_eq!(MessageRow::of(named, &user(), "", English).author, "Ana");
        assert_eq!(MessageRow::of(message("a", "oi"), &user(), "", English).author, "", "not beyond groups");
        assert_eq!(person("120363021@g.us", &OtherNames::default()), "120363021");
    }
}
