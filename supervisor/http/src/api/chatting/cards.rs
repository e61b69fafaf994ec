//! Places and contact cards.

use colmeia::ChatId;
use colmeia::operations::{Degrees, MessageRef, SendLocation, SendVcards};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::session::Session;
use super::{Sent, options, send_by};
use crate::errors::ApiError;

/// A place.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct LocationArgs {
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
    title: Option<String>,
    /// The id that it shall have.
    id: Option<String>,
    /// The message that this one answers.
    #[serde(rename = "reply_to")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageRef>,
}

pub(in super::super) async fn send_location(session: Session, args: LocationArgs) -> Sent {
    let (chat, body) = (args.chat_id.clone(), args.title.clone().unwrap_or_default());
    let operation = SendLocation {
        chat: args.chat_id,
        latitude: args.latitude,
        longitude: args.longitude,
        title: args.title,
        address: None,
        options: options(args.reply_to, Vec::new(), args.id),
    };
    send_by(&session, operation, chat.as_str(), body).await
}

/// Contact cards.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct VcardArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// The cards.
    #[schema(min_items = 1)]
    contacts: Vec<CardArg>,
    /// The id that it shall have.
    id: Option<String>,
    /// The message that this one answers.
    #[serde(rename = "reply_to")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageRef>,
}

/// A card: `vcard`, or what one is made of.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct CardArg {
    /// The complete card.
    vcard: Option<String>,
    /// The name on it.
    full_name: Option<String>,
    /// The number on it.
    phone_number: Option<String>,
    /// The number at WhatsApp, digits only.
    whatsapp_id: Option<String>,
    /// Where the person works.
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

pub(in super::super) async fn send_contact_vcard(session: Session, args: VcardArgs) -> Sent {
    if args.contacts.is_empty() {
        return Err(ApiError::field("contacts", "is empty"));
    }
    let vcards = args.contacts.into_iter().map(CardArg::text).collect::<Result<Vec<_>, _>>()?;
    let chat = args.chat_id.clone();
    let operation =
        SendVcards { chat: args.chat_id, vcards, options: options(args.reply_to, Vec::new(), args.id) };
    send_by(&session, operation, chat.as_str(), String::new()).await
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
}
