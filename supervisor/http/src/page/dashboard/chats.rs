//! Conversations: the chats of a session, and one chat's messages as they come. What is written there is `writing`'s.
//!
//! Everything is asked of the session by the operations that the API has too.
//! Reading a chat marks nothing as seen: that is a button.

use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use colmeia::operations::{FindMessages, ListChats, Operate, Operation};
use colmeia::protocol::{Call, output};
use colmeia::{ChatId, UserId};
use tokio::sync::watch;

use super::super::super::negotiate::Language::{self, English};
use super::super::events::{Source, follow};
use super::known::{Known, label};
use super::messages::{ChatRow, MessageRow, percent};
use super::told::Outcome;
use super::{Frame, failures, html};
use crate::state::Http;
use colmeia_control::calls;
use colmeia_control::summary::SessionSummary;
use colmeia_events::journal::Kind;
use colmeia_host::uploads::LARGEST;
use colmeia_session::UserHandle;

/// How many chats are listed, and how many messages shown.
const CHATS: u32 = 100;
const MESSAGES: u32 = 50;
/// How soon after new messages the chat is read again: many at once are read together.
const PACE: Duration = Duration::from_secs(1);
/// How often it is read although nothing new was heard: acknowledgements come late.
const LOOK: Duration = Duration::from_secs(30);

#[derive(Template)]
#[template(path = "dashboard/chats.html")]
struct ChatsPage<'a> {
    frame: Frame,
    user: &'a UserId,
    label: String,
    chats: Result<Vec<ChatRow>, Outcome>,
}

#[derive(Template)]
#[template(path = "dashboard/chat.html")]
struct ChatPage<'a> {
    frame: Frame,
    user: &'a UserId,
    label: String,
    chat: &'a str,
    address: String,
    name: String,
    live: String,
    /// The largest file, in bytes.
    largest: u64,
}

#[derive(Template)]
#[template(path = "dashboard/chat_live.html")]
struct Live {
    english: bool,
    messages: Result<Vec<MessageRow>, Outcome>,
}

/// `GET /sessions/{user}/chats`.
pub(super) async fn list(State(http): State<Http>, headers: HeaderMap, Known(handle): Known) -> Response {
    let language = Language::of(&headers);
    let user = handle.user.clone();
    let (frame, cookie) = Frame::new(&http, &headers, format!("/sessions/{user}/chats"));
    let chats = ask(&http, &handle, ListChats { limit: Some(CHATS), ..ListChats::default() }, language).await;
    let chats = chats.map(|chats| chats.into_iter().map(|chat| ChatRow::of(chat, language)).collect());
    let label = label(&http, &user);
    super::begin(html(&ChatsPage { frame, user: &user, label, chats }), cookie)
}

/// `GET /sessions/{user}/chats/{chat}`. A number that was typed leads here, too.
pub(super) async fn chat(
    State(http): State<Http>,
    headers: HeaderMap,
    Known(handle): Known,
    Path((_, chat)): Path<(String, String)>,
) -> Response {
    let language = Language::of(&headers);
    let user = handle.user.clone();
    let Some(chat) = named(&chat) else {
        return failures::no_chat(language).answer(&http, &headers, &format!("/sessions/{user}/chats"));
    };
    let address = percent(&chat);
    let (frame, cookie) = Frame::new(&http, &headers, format!("/sessions/{user}/chats/{address}"));
    let asked = ListChats { ids: vec![chat.clone()], limit: Some(1), ..ListChats::default() };
    let known = ask(&http, &handle, asked, language).await.ok().and_then(|mut chats| chats.pop());
    let name = known.map_or_else(
        || super::messages::person(&chat, &colmeia::protocol::OtherNames::default()),
        |known| super::messages::chat_name(&known.chat),
    );
    let live = live(&http, &handle, &chat, &frame.base, language).await;
    let label = label(&http, &user);
    super::begin(
        html(&ChatPage { frame, user: &user, label, chat: &chat, address, name, live, largest: LARGEST }),
        cookie,
    )
}

/// `GET /sessions/{user}/chats/open?phone=`: to the chat of a number that was typed.
pub(super) async fn open(
    headers: HeaderMap,
    State(http): State<Http>,
    Path(name): Path<String>,
    pairs: super::Pairs,
) -> Response {
    let typed = pairs.get("phone").unwrap_or_default();
    match (name.parse::<UserId>(), named(typed)) {
        (Ok(user), Some(chat)) => super::see_other(&format!("/sessions/{user}/chats/{}", percent(&chat))),
        (Ok(user), None) => {
            let back = format!("/sessions/{user}/chats");
            failures::no_chat(Language::of(&headers)).answer(&http, &headers, &back)
        }
        (Err(_), _) => failures::no_chat(Language::of(&headers)).answer(&http, &headers, "/"),
    }
}

/// `GET /sessions/{user}/chats/{chat}/events`: the messages whenever there are others.
pub(super) async fn events(
    State(http): State<Http>,
    headers: HeaderMap,
    Known(handle): Known,
    Path((_, chat)): Path<(String, String)>,
) -> Response {
    let language = Language::of(&headers);
    let Some(chat) = named(&chat) else {
        return failures::no_chat(language).answer(
            &http,
            &headers,
            &format!("/sessions/{}/chats", handle.user),
        );
    };
    let base = super::super::super::external::prefix(&headers).to_owned();
    let (shutdown, last) = (http.shutdown.clone(), http.journal.last());
    let seen = *last.borrow();
    follow(Following { http, handle, chat, base, language, last, seen }, shutdown)
}

struct Following {
    http: Http,
    handle: UserHandle,
    chat: String,
    base: String,
    language: Language,
    last: watch::Receiver<i64>,
    /// The newest event that was looked at.
    seen: i64,
}

impl Source for Following {
    async fn text(&mut self) -> String {
        live(&self.http, &self.handle, &self.chat, &self.base, self.language).await
    }

    async fn changed(&mut self) -> bool {
        tokio::time::sleep(PACE).await;
        let until = tokio::time::Instant::now() + LOOK;
        while let Ok(Ok(())) = tokio::time::timeout_at(until, self.last.changed()).await {
            let of_this = |_: &UserId, kind: Kind| kind != Kind::SessionStatus;
            let user = self.handle.user.clone();
            let Ok(page) = self.http.journal.events(self.seen, Some(user), of_this, 1).await else { break };
            self.seen = self.seen.max(page.reached);
            if !page.events.is_empty() {
                self.seen = *self.last.borrow_and_update();
                break;
            }
        }
        true
    }
}

/// The session, if messages can be sent now.
pub(super) fn connected(http: &Http, user: &UserId) -> Option<UserHandle> {
    http.users.find(user).filter(|handle| SessionSummary::of(&handle.view()).is_ready())
}

/// Asks a session that is connected, once; of others nothing is asked.
async fn ask<O: Operate>(
    http: &Http,
    handle: &UserHandle,
    operation: O,
    language: Language,
) -> Result<O::Output, Outcome> {
    let handle = connected(http, &handle.user).ok_or_else(|| waits(language))?;
    let operation: Operation = operation.into();
    let effect = operation.effect();
    let answer = calls::once(handle, Call::Operate { operation }, None, http.request_deadline()).await;
    let (reply, _) = answer.map_err(|failure| failures::of_call(&failure, false, language))?;
    output::<O>(effect, reply)
        .map_err(|error| failures::of_call(&colmeia_session::CallFailure::Session(error), false, language))
}

fn waits(language: Language) -> Outcome {
    let message = language.pick(
        "As conversas aparecem quando a sessão estiver conectada.",
        "The chats appear when the session is connected.",
    );
    Outcome::with(StatusCode::CONFLICT, message)
}

async fn live(http: &Http, handle: &UserHandle, chat: &str, base: &str, language: Language) -> String {
    let operation = FindMessages {
        chat: Some(chat.to_owned()),
        limit: MESSAGES,
        offset: 0,
        oldest_first: false,
        filter: colmeia::operations::MessageFilter::default(),
    };
    let messages = ask(http, handle, operation, language).await.map(|messages| {
        let row = |message| MessageRow::of(message, &handle.user, base, language);
        messages.into_iter().rev().map(row).collect()
    });
    let live = Live { english: language == English, messages };
    live.render().unwrap_or_default() // writing into a String does not fail
}

/// A chat as a path names it: a number or an id of any server.
pub(super) fn named(text: &str) -> Option<String> {
    match ChatId::normalise(text) {
        Ok(chat) => Some(chat.as_str().to_owned()),
        Err(_) => {
            let of_many = matches!(text.split_once('@'), Some((_, "broadcast" | "newsletter")));
            (of_many && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_graphic()))
                .then(|| text.to_owned())
        }
    }
}
