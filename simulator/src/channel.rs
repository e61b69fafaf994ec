//! Owns a page's channel: one WebSocket, its greetings, and the answers to what the page asks.
//! Never decides for another page: whatever concerns a number goes through the world.

use std::time::Duration;

use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    response::Response,
};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::sleep};

use crate::{
    account::{Action, Line, Sent},
    ceremonies,
    clock::{now_ms, now_s},
    limits,
    wire::{FromPage, Outgoing, PageState, Question, ToPage},
    world::Shared,
};

/// How long the other side's phone takes to receive a message.
const DELIVERY: Duration = Duration::from_millis(60);

/// `GET /sim/channel`.
pub(crate) async fn open(State(shared): State<Shared>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.max_message_size(256 << 20).on_upgrade(move |socket| serve(shared, socket))
}

async fn serve(shared: Shared, mut socket: WebSocket) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let page = shared.change(|world| world.open_page(tell));
    loop {
        tokio::select! {
            outgoing = told.recv() => {
                let Some(text) = outgoing.and_then(|message| serde_json::to_string(&message).ok()) else { break };
                if socket.send(Message::Text(text.into())).await.is_err() {
                    break;
                }
            }
            incoming = socket.recv() => match incoming {
                Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                    Ok(message) => hear(&shared, &page, message),
                    Err(error) => tracing::warn!(%page, %error, "a page spoke nonsense"),
                },
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
        }
    }
    shared.change(|world| world.close_page(&page));
}

fn hear(shared: &Shared, name: &str, message: FromPage) {
    shared.change(|world| match message {
        FromPage::Hello { user_agent } => {
            if let Some(page) = world.pages.get_mut(name) {
                page.user_agent = user_agent;
            }
        }
        FromPage::State { state, qr, code } => {
            if let Some(page) = world.pages.get_mut(name) {
                if page.state != state {
                    page.state = state;
                    page.since = now_ms();
                }
                page.qr = qr;
                page.code = code;
                if state == PageState::Banned
                    && let Some(identity) = page.identity.take()
                {
                    world.forget_device(&identity);
                }
            }
        }
        FromPage::Receive { on } => world.receive(name, on),
        FromPage::Stored { seqs } => {
            let identity = world.pages.get(name).and_then(|page| page.identity.clone());
            if let Some(identity) = identity {
                let account = world.lasting.accounts.get_mut(&identity.number);
                if let Some(device) = account.and_then(|account| account.devices.get_mut(&identity.device)) {
                    device.stored(&seqs);
                }
            }
        }
        FromPage::Ask { rid, question } => {
            let (shared, name) = (shared.clone(), name.to_owned());
            tokio::spawn(async move {
                let answer = answer(&shared, &name, question).await;
                if let Some(page) = shared.lock().pages.get(&name) {
                    page.tell(ToPage::Reply { rid, answer });
                }
            });
        }
    });
}

async fn answer(shared: &Shared, page: &str, question: Question) -> Value {
    match question {
        Question::Resume { identity } => shared
            .change(|world| world.resume(page, identity))
            .unwrap_or_else(|| json!({ "ok": false, "logged_out": true })),
        Question::Exists { number } => {
            let canonical = canonical(&shared.lock(), number);
            json!({ "exists": has_account(&canonical), "number": canonical })
        }
        Question::Logout => {
            let number =
                shared.lock().pages.get(page).and_then(|page| page.identity.clone()).map(|who| who.number);
            let late = number
                .and_then(|number| shared.lock().waiting.get(&number).map(|waiting| waiting.logout_delay));
            sleep(Duration::from_millis(late.unwrap_or_default())).await;
            shared.change(|world| {
                if let Some(identity) = world.pages.get_mut(page).and_then(|page| page.identity.take()) {
                    world.forget_device(&identity);
                }
            });
            json!({ "ok": true })
        }
        Question::PasskeyOptions => ceremonies::ask_again(shared, page),
        Question::PasskeyProof { assertion, handoff } => ceremonies::prove(shared, page, &assertion, handoff),
        Question::PasskeyConfirm => ceremonies::confirm(shared, page),
        Question::PasskeyCancel => {
            shared.change(|world| world.pages.get_mut(page).and_then(|page| page.ceremony.take()));
            json!({ "ok": true })
        }
        Question::ChatState { chat, state } => {
            with_chat(shared, page, &chat, |chat| chat.typing = (state != "paused").then_some(state));
            json!({ "ok": true })
        }
        Question::Seen { chat } => {
            with_chat(shared, page, &chat, |chat| chat.seen_at = Some(now_s()));
            json!({ "ok": true })
        }
        Question::Send { message, what } => send(shared, page, message, what).await,
        Question::Keep { kind, id, value, tell, change } => {
            shared.change(|world| {
                world.lasting.records.set(&kind, &id, value.clone());
                let event =
                    json!({ "kind": "record", "record": kind, "id": id, "value": value, "change": change });
                for number in tell {
                    world.queue(&number, &event);
                }
            });
            json!({ "ok": true })
        }
        Question::Find { kind, id } => {
            let world = shared.lock();
            match id {
                Some(id) => json!({ "value": world.lasting.records.get(&kind, &id) }),
                None => json!({ "values": world.lasting.records.all(&kind) }),
            }
        }
        Question::Timelock => limits_of(shared, page, limits::Limits::timelock_told),
        Question::Capping => limits_of(shared, page, limits::Limits::capping_told),
        Question::Did { what, details } => {
            shared.change(|world| {
                let number = world.pages.get(page).and_then(|page| page.identity.as_ref());
                let account =
                    number.map(|who| who.number.clone()).and_then(|who| world.lasting.accounts.get_mut(&who));
                if let Some(account) = account {
                    account.actions.push(Action { what, details, timestamp: now_s() });
                }
            });
            json!({ "ok": true })
        }
    }
}

/// The number under which WhatsApp knows somebody, where people write another one (record `alias`).
fn canonical(world: &crate::world::World, number: String) -> String {
    let alias = world.lasting.records.get("alias", &number).and_then(Value::as_str);
    alias.map_or(number, str::to_owned)
}

/// Numbers that begin with 0 or end in 0000 have no account.
fn has_account(number: &str) -> bool {
    !number.is_empty() && !number.starts_with('0') && !number.ends_with("0000")
}

fn with_chat(shared: &Shared, page: &str, chat: &str, change: impl FnOnce(&mut crate::account::Chat)) {
    shared.change(|world| {
        let number =
            world.pages.get(page).and_then(|page| page.identity.as_ref()).map(|who| who.number.clone());
        let account = number.and_then(|number| world.lasting.accounts.get_mut(&number));
        if let Some(account) = account {
            change(account.chats.entry(chat.to_owned()).or_default());
        }
    });
}

fn limits_of(shared: &Shared, page: &str, told: impl FnOnce(&limits::Limits) -> Value) -> Value {
    let world = shared.lock();
    let identity = world.pages.get(page).and_then(|page| page.identity.as_ref());
    let account = identity.and_then(|identity| world.lasting.accounts.get(&identity.number));
    account.map_or(Value::Null, |account| told(&account.limits))
}

/// The first timer of a task costs a millisecond, also for no time at all.
async fn wait(ms: u64) {
    if ms > 0 {
        sleep(Duration::from_millis(ms)).await;
    }
}

async fn send(shared: &Shared, page: &str, message: Outgoing, what: Option<String>) -> Value {
    let Some(identity) = shared.lock().pages.get(page).and_then(|page| page.identity.clone()) else {
        return json!({ "ok": false, "error": "not linked" });
    };
    let number = identity.number.clone();
    let refused = what
        .and_then(|what| shared.lock().lasting.records.get("refusal", &format!("{number}/{what}")).cloned());
    if let Some(refused) = refused {
        return json!({ "ok": false, "refused": refused });
    }
    let waiting = shared.change(|world| {
        let waiting = world.waiting.entry(number.clone()).or_default();
        let now = waiting.clone();
        waiting.send_failure = waiting.send_failure.saturating_sub(1);
        now
    });
    if waiting.send_failure > 0 {
        return json!({ "ok": false, "error": "network" });
    }
    let nack = {
        let world = shared.lock();
        world.lasting.accounts.get(&number).and_then(|account| account.nack(&number, &message))
    };
    if let Some(number) = nack {
        return json!({ "ok": false, "error": number });
    }
    let hold = |change: fn(u32) -> u32| {
        shared.change(|world| {
            if let Some(page) = world.pages.get_mut(page) {
                page.sending = change(page.sending);
            }
        });
    };
    hold(|held| held + 1);
    wait(waiting.send_delay).await;
    hold(|held| held.saturating_sub(1));
    let timestamp = now_s();
    let id = message.id.clone();
    shared.change(|world| {
        let Some(account) = world.lasting.accounts.get_mut(&number) else { return };
        // The body of a media message is its thumbnail, not a text.
        let words = if message.details.contains_key("media") { "caption" } else { "body" };
        let line = Line {
            id: message.id.clone(),
            from_me: true,
            text: message.details.get(words).and_then(Value::as_str).unwrap_or_default().to_owned(),
            kind: message.kind.clone(),
            timestamp,
        };
        account.note(&message.to.clone(), None, line);
        account.sent.push(Sent { number: number.clone(), device: identity.device, timestamp, message });
    });
    wait(waiting.ack_delay).await;
    let shared = shared.clone();
    tokio::spawn(async move {
        sleep(DELIVERY + Duration::from_millis(waiting.ack_delay)).await;
        shared.change(|world| world.queue(&number, &json!({ "kind": "ack", "id": id, "ack": 2 })));
    });
    json!({ "ok": true, "timestamp": timestamp })
}
