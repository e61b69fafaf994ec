//! Contacts, and the pairs of lid and number behind them.

use colmeia::ChatId;
use colmeia::operations::{
    CountLids, GetAbout, GetContact, GetPicture, LidOfPhone, LidPair, ListLids, PhoneOfLid, SaveContact,
};
use colmeia::protocol::{Call, CallErrorKind, ContactRecord, Reply};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answered, Json};
use super::lists::{SortOrder, list_args, page};
use super::models::{Contact, CountAnswer, NoArgs, Success};
use super::session::Session;
use crate::errors::ApiError;
use colmeia_session::CallFailure;

/// How many pairs where nobody says.
const PAIRS: u32 = 100;

list_args! {
    /// Which contacts.
    pub(super) ListArgs {
        /// By what; by id when absent.
        sort_by: ContactSort,
        /// In which direction.
        sort_order: SortOrder,
    }
}

/// By what contacts are sorted.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ContactSort {
    Id,
    Name,
}

/// One contact.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContactArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    #[serde(alias = "chatId")]
    pub(super) contact_id: ChatId,
    /// Ask WhatsApp, even if the page holds a picture.
    #[serde(default)]
    refresh: bool,
}

/// One contact, by its place in the path.
#[derive(Deserialize, ToSchema)]
pub(super) struct IdArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    pub(super) id: ChatId,
}

/// A contact's name in the address book.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SaveArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    id: ChatId,
    /// The first name.
    first_name: String,
    /// The last name.
    #[serde(default)]
    last_name: String,
}

/// A number that may be at WhatsApp.
#[derive(Deserialize, ToSchema)]
pub(super) struct PhoneArgs {
    /// The number.
    #[schema(value_type = String)]
    phone: ChatId,
}

/// Whether a number is at WhatsApp.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Exists {
    number_exists: bool,
    /// Its id there.
    chat_id: Option<String>,
    /// Its number, where it is known.
    pn: Option<String>,
}

/// What a contact says of itself.
#[derive(Serialize, ToSchema)]
pub(super) struct AboutAnswer {
    about: Option<String>,
}

/// A contact's picture.
#[derive(Serialize, ToSchema)]
pub(super) struct ProfilePicture {
    /// Its address at WhatsApp.
    #[serde(rename = "profilePictureURL")]
    url: Option<String>,
}

pub(super) async fn list(session: Session, args: ListArgs) -> Answered<Vec<Contact>> {
    let me = session.me()?;
    let (Reply::Contacts { mut contacts }, _) = session.call(Call::Contacts).await? else {
        return Err(ApiError::wrong_reply());
    };
    let name = |contact: &ContactRecord| {
        contact
            .name
            .as_ref()
            .or(contact.pushname.as_ref())
            .map(|name| name.to_lowercase())
            .unwrap_or_default()
    };
    match args.sort_by {
        Some(ContactSort::Name) => contacts.sort_by_cached_key(|contact| (name(contact), contact.id.clone())),
        _ => contacts.sort_by(|a, b| a.id.cmp(&b.id)),
    }
    if args.sort_order == Some(SortOrder::Desc) {
        contacts.reverse();
    }
    let contacts = page(contacts, args.limit, args.offset);
    Ok(Json(contacts.into_iter().map(|contact| Contact::of(contact, &me)).collect()))
}

pub(super) async fn get(session: Session, args: ContactArgs) -> Answered<Contact> {
    let me = session.me()?;
    Ok(Json(Contact::of(session.operate(GetContact { contact: args.contact_id }).await?, &me)))
}

pub(super) async fn get_by_id(session: Session, args: IdArgs) -> Answered<Contact> {
    get(session, ContactArgs { contact_id: args.id, refresh: false }).await
}

pub(super) async fn save(session: Session, args: SaveArgs) -> Answered<Success> {
    let SaveArgs { id: contact, first_name, last_name } = args;
    if first_name.trim().is_empty() {
        return Err(ApiError::field("firstName", "is empty"));
    }
    session.carry_out(SaveContact { contact, first_name, last_name }).await
}

pub(super) async fn exists(session: Session, args: PhoneArgs) -> Answered<Exists> {
    match session.call(Call::CheckExists { chat: args.phone }).await? {
        (Reply::Exists { id, other_names }, _) => {
            let pn = id.as_deref().and_then(|id| other_names.number(id)).map(str::to_owned);
            Ok(Json(Exists { number_exists: id.is_some(), pn, chat_id: id }))
        }
        _ => Err(ApiError::wrong_reply()),
    }
}

pub(super) async fn about(session: Session, args: ContactArgs) -> Answered<AboutAnswer> {
    Ok(Json(AboutAnswer { about: session.operate(GetAbout { contact: args.contact_id }).await?.about }))
}

pub(super) async fn picture(session: Session, args: ContactArgs) -> Answered<ProfilePicture> {
    let operation = GetPicture { of: args.contact_id.into(), refresh: args.refresh };
    Ok(Json(ProfilePicture { url: session.operate(operation).await?.url }))
}

/// Which pairs.
#[derive(Deserialize, ToSchema)]
pub(super) struct LidsArgs {
    /// How many; 100 when absent.
    limit: Option<u32>,
    /// How many to leave out first.
    #[serde(default)]
    offset: u32,
}

/// One lid.
#[derive(Deserialize, ToSchema)]
pub(super) struct LidArgs {
    /// `<digits>@lid`, or the digits.
    lid: String,
}

/// One number.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NumberArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    phone_number: ChatId,
}

/// One person's two ids.
#[derive(Serialize, ToSchema)]
pub(super) struct Lid {
    lid: Option<String>,
    pn: Option<String>,
}

impl Lid {
    fn of(pair: LidPair) -> Self {
        Self { lid: pair.lid, pn: pair.phone }
    }
}

pub(super) async fn lids(session: Session, args: LidsArgs) -> Answered<Vec<Lid>> {
    let limit = args.limit.unwrap_or(PAIRS);
    let pairs = session.operate(ListLids { limit, offset: args.offset }).await?;
    Ok(Json(pairs.into_iter().map(Lid::of).collect()))
}

pub(super) async fn count_lids(session: Session, _: NoArgs) -> Answered<CountAnswer> {
    Ok(Json(CountAnswer { count: session.operate(CountLids {}).await?.count }))
}

pub(super) async fn phone_of_lid(session: Session, args: LidArgs) -> Answered<Lid> {
    let text = if args.lid.contains('@') { args.lid } else { format!("{}@lid", args.lid) };
    let lid = ChatId::normalise(&text).map_err(|error| ApiError::field("lid", error))?;
    let asked = lid.as_str().to_owned();
    pair(session.operate(PhoneOfLid { lid }).await, Lid { lid: Some(asked), pn: None })
}

pub(super) async fn lid_of_phone(session: Session, args: NumberArgs) -> Answered<Lid> {
    let asked = args.phone_number.as_str().to_owned();
    pair(session.operate(LidOfPhone { phone: args.phone_number }).await, Lid { lid: None, pn: Some(asked) })
}

/// That the other half is not known is an answer and no error.
fn pair(found: Result<LidPair, ApiError>, unknown: Lid) -> Answered<Lid> {
    let not_found = || {
        let error = colmeia::protocol::CallError::new(CallErrorKind::NotFound, "");
        ApiError::of_call(&CallFailure::Session(error), false)
    };
    match found {
        Ok(pair) => Ok(Json(Lid::of(pair))),
        Err(error) if error == not_found() => Ok(Json(unknown)),
        Err(error) => Err(error),
    }
}
