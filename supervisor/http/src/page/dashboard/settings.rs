//! A session's configuration: who is told of its events, of which chats nothing is told, its proxy, and its limits
//! ([`super::limits`]).
//!
//! What is kept and what is refused is the API's ([`configure`]): the page only has a form for it. **No secret that was kept
//! is ever shown again**: not a proxy's password, not a signature's key, and of a webhook's address no more than the log has. What is refused stands at its field
//! ([`super::refused`]), with and without our script.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use colmeia::config::{EVENT_NAMES, Hmac, IgnoreConfig, Limit, Proxy, SessionSettings, WebhookConfig};
use colmeia::{Secret, UserId};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::super::super::names;
use super::super::super::negotiate::Language::{self, English, Portuguese};
use super::super::super::negotiate::wants_html;
use super::known::{Known, label};
use super::limits::{self, LimitField};
use super::refused::refused;
use super::told::{Outcome, Posted, nothing};
use super::{Frame, html};
use crate::api::configure;
use crate::errors::ApiError;
use crate::state::Http;
use colmeia_control::operators::HeldLimits;
use colmeia_events::delivery::{probe, shown};
use colmeia_host::blocking;
use colmeia_host::ssrf::Home;
use colmeia_session::UserHandle;

#[derive(Template)]
#[template(path = "dashboard/settings.html")]
struct SettingsPage<'a> {
    frame: Frame,
    user: &'a UserId,
    label: String,
    webhooks: Vec<Webhook>,
    events: &'static [&'static str],
    /// What each is called, its field, and what is chosen.
    ignored: Vec<(&'static str, &'static str, &'static str)>,
    proxy: Option<Proxy>,
    debug: bool,
    limits: Vec<LimitField>,
    /// What holds for its memory now, in MiB: the soft limit and the hard one.
    held: Option<(u64, u64)>,
    /// What was typed and refused, and why.
    refused: Option<(SettingsFields, Outcome)>,
}

impl SettingsPage<'_> {
    /// Why what was typed into this field was refused; empty where it was not.
    fn wrong_at(&self, field: &str) -> &str {
        let refused = self.refused.as_ref().filter(|(_, told)| told.field == Some(field));
        refused.map(|(_, told)| told.message.as_str()).unwrap_or_default()
    }

    fn typed(&self) -> Option<&SettingsFields> {
        self.refused.as_ref().map(|(typed, _)| typed)
    }

    /// What stands in the proxy's field: what was typed and refused, else what is kept.
    fn server(&self) -> &str {
        let kept = self.proxy.as_ref().map(|proxy| proxy.server.as_str());
        self.typed_proxy().map(|typed| typed.server.as_str()).or(kept).unwrap_or_default()
    }

    fn username(&self) -> &str {
        let kept = self.proxy.as_ref().and_then(|proxy| proxy.username.as_deref());
        self.typed_proxy().map(|typed| typed.username.as_str()).or(kept).unwrap_or_default()
    }

    fn typed_proxy(&self) -> Option<&SettingsFields> {
        self.typed().filter(|typed| !typed.server.is_empty())
    }
}

/// One that is told, as it may be shown.
struct Webhook {
    /// By what a form names it.
    id: String,
    address: String,
    events: String,
    signed: bool,
    headers: usize,
}

/// What the forms carry; each reads what it needs.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct SettingsFields {
    token: String,
    webhook: String,
    url: String,
    events: String,
    key: Option<Secret>,
    status: String,
    groups: String,
    channels: String,
    broadcast: String,
    server: String,
    username: String,
    password: Option<Secret>,
    debug: Option<String>,
    pub(super) memory_high: String,
    pub(super) memory_max: String,
    pub(super) per_minute: String,
    pub(super) burst: String,
    /// Whether they were typed.
    #[serde(skip)]
    has_limits: bool,
}

impl SettingsFields {
    /// What was typed for this limit.
    pub(super) fn limit(&self, limit: Limit) -> &str {
        match limit {
            Limit::MemoryHigh => &self.memory_high,
            Limit::MemoryMax => &self.memory_max,
            Limit::SendsPerMinute => &self.per_minute,
            Limit::SendBurst => &self.burst,
        }
    }
}

/// `GET /sessions/{user}/settings`.
pub(super) async fn settings(State(http): State<Http>, headers: HeaderMap, Known(handle): Known) -> Response {
    page(&http, &headers, &handle.user, None).await
}

/// The page; with what was refused, where something was.
async fn page(
    http: &Http,
    headers: &HeaderMap,
    user: &UserId,
    refused: Option<(SettingsFields, Outcome)>,
) -> Response {
    let (frame, cookie) = Frame::new(http, headers, format!("/sessions/{user}/settings"));
    let SessionSettings { webhooks, ignore, proxy, debug, limits: own, .. } =
        http.store.session(user).unwrap_or_default();
    let held = held(http, user).await;
    let typed = refused.as_ref().map(|(typed, _)| typed).filter(|typed| typed.has_limits);
    let status = refused.as_ref().map_or(StatusCode::OK, |(_, told)| told.status);
    let page = SettingsPage {
        label: label(http, user),
        webhooks: webhooks.iter().map(|webhook| Webhook::of(webhook, frame.language)).collect(),
        events: EVENT_NAMES,
        ignored: ignored(ignore, frame.language),
        proxy,
        debug,
        limits: limits::fields(own, &http.config, held, typed, frame.language),
        held: held.map(|held| (held.in_force.high_mb, held.in_force.max_mb)),
        refused,
        user,
        frame,
    };
    super::begin((status, html(&page)).into_response(), cookie)
}

/// What holds for the session's memory; it is read from the disk.
async fn held(http: &Http, user: &UserId) -> Option<HeldLimits> {
    let (operators, user) = (http.operators.clone(), user.clone());
    blocking::looking(move || operators.memory_limits(&user)).await.ok().flatten()
}

impl Webhook {
    fn of(webhook: &WebhookConfig, language: Language) -> Self {
        let events = if webhook.events.iter().any(|event| event == "*") {
            language.pick("todos os eventos", "all events").into()
        } else {
            webhook.events.join(", ")
        };
        Self {
            id: id_of(webhook),
            address: shown(&webhook.url),
            events,
            signed: webhook.hmac.as_ref().is_some_and(|hmac| hmac.key.is_some()),
            headers: webhook.custom_headers.as_ref().map_or(0, Vec::len),
        }
    }
}

/// By what a form names a webhook: its address may be a secret, and its place may change.
fn id_of(webhook: &WebhookConfig) -> String {
    hex::encode(Sha256::digest(format!("{}\n{}", webhook.url, webhook.events.join(","))))
}

fn ignored(ignore: IgnoreConfig, language: Language) -> Vec<(&'static str, &'static str, &'static str)> {
    let chosen = |wish: Option<bool>| match wish {
        None => "",
        Some(true) => "yes",
        Some(false) => "no",
    };
    let rows = [
        ("status", "Atualizações de status", "Status updates", ignore.status),
        ("groups", "Grupos", "Groups", ignore.groups),
        ("channels", "Canais", "Channels", ignore.channels),
        ("broadcast", "Listas de transmissão", "Broadcast lists", ignore.broadcast),
    ];
    let title = |portuguese, english| language.pick(portuguese, english);
    rows.map(|(field, portuguese, english, wish)| (title(portuguese, english), field, chosen(wish))).into()
}

/// `POST /sessions/{user}/settings/{part}`.
pub(super) async fn change(
    Known(handle): Known,
    Path((_, part)): Path<(String, String)>,
    posted: Posted<SettingsFields>,
) -> Response {
    let ours = posted.ours_by(&posted.fields.token);
    let Posted { http, headers, language, fields } = posted;
    let typed = SettingsFields { has_limits: part == "limits", key: None, password: None, ..fields.clone() };
    let done = async {
        ours?;
        match part.as_str() {
            "webhook" => add(&http, &handle, fields, language).await,
            "unhook" => remove(&http, &handle, &fields, language).await,
            "test" => test(&http, &handle.user, &fields, language).await,
            "ignore" => ignore(&http, &handle, &fields, language).await,
            "browser" => browser(&http, &handle, fields, language).await,
            "limits" => limit(&http, &handle, &fields, language).await,
            _ => Err(nothing(language)),
        }
    };
    match done.await {
        Err(told) if told.field.is_some() && wants_html(&headers) => {
            page(&http, &headers, &handle.user, Some((typed, told))).await
        }
        Ok(told) | Err(told) => told.answer(&http, &headers, &format!("/sessions/{}/settings", handle.user)),
    }
}

type Told = Result<Outcome, Outcome>;

async fn add(http: &Http, handle: &UserHandle, fields: SettingsFields, language: Language) -> Told {
    let split = |text: &str| {
        text.split([',', ' ', '\n'])
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let events: Vec<String> = split(&fields.events);
    let webhook = WebhookConfig {
        url: fields.url.trim().to_owned(),
        events: if events.is_empty() { vec!["*".into()] } else { events },
        hmac: fields.key.filter(|key| !key.expose().is_empty()).map(|key| Hmac { key: Some(key) }),
        retries: None,
        custom_headers: None,
        inline_max_bytes: None,
    };
    let done = configure(http, handle, move |settings| settings.webhooks.push(webhook.clone())).await;
    kept(done, language)
}

async fn remove(http: &Http, handle: &UserHandle, fields: &SettingsFields, language: Language) -> Told {
    let wanted = fields.webhook.clone();
    let known = http.store.session(&handle.user).unwrap_or_default();
    if !known.webhooks.iter().any(|webhook| id_of(webhook) == wanted) {
        return Err(no_webhook(language));
    }
    let without =
        move |settings: &mut SessionSettings| settings.webhooks.retain(|webhook| id_of(webhook) != wanted);
    kept(configure(http, handle, without).await, language)
}

/// Success is what the receiver answered.
async fn test(http: &Http, user: &UserId, fields: &SettingsFields, language: Language) -> Told {
    let known = http.store.session(user).unwrap_or_default();
    let webhook = known.webhooks.iter().find(|webhook| id_of(webhook) == fields.webhook);
    let webhook = webhook.ok_or_else(|| no_webhook(language))?;
    let sent = probe(webhook, user, Home::of(http.local), http.names.clone(), &http.shutdown).await;
    match (sent, language) {
        (Ok(()), Portuguese) => Ok(Outcome::done("O destino recebeu o evento de teste.")),
        (Ok(()), English) => Ok(Outcome::done("The receiver took the test event.")),
        (Err(why), Portuguese) => {
            let why = names::delivery(&why, language);
            Err(Outcome::with(
                StatusCode::BAD_GATEWAY,
                format!("O destino não recebeu o evento de teste: {why}."),
            ))
        }
        (Err(why), English) => Err(Outcome::with(
            StatusCode::BAD_GATEWAY,
            format!("The receiver did not take the test event: {why}."),
        )),
    }
}

async fn ignore(http: &Http, handle: &UserHandle, fields: &SettingsFields, language: Language) -> Told {
    let wish = |text: &str| match text {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    let ignore = IgnoreConfig {
        status: wish(&fields.status),
        groups: wish(&fields.groups),
        channels: wish(&fields.channels),
        broadcast: wish(&fields.broadcast),
    };
    kept(configure(http, handle, move |settings| settings.ignore = ignore).await, language)
}

/// Its browser is replaced where that is needed. A password that is left empty stays as it was for the same server and user.
async fn browser(http: &Http, handle: &UserHandle, fields: SettingsFields, language: Language) -> Told {
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let (server, username) = (text(&fields.server), text(&fields.username));
    let password = fields.password.filter(|password| !password.expose().is_empty());
    let debug = fields.debug.is_some();
    let change = move |settings: &mut SessionSettings| {
        let before = settings.proxy.take();
        settings.debug = debug;
        settings.proxy = server.clone().map(|server| {
            let same = before.filter(|before| before.server == server && before.username == username);
            let password = password.clone().or_else(|| same.and_then(|same| same.password));
            Proxy { server, username: username.clone(), password }
        });
    };
    kept(configure(http, handle, change).await, language)
}

/// What is empty is as the service. They hold at once; those of memory as soon as whoever keeps them can.
async fn limit(http: &Http, handle: &UserHandle, fields: &SettingsFields, language: Language) -> Told {
    let before = http.store.limits(&handle.user);
    let with_memory = held(http, &handle.user).await.is_some();
    let wanted = limits::read(fields, before, with_memory, language)?;
    let done = configure(http, handle, move |settings| settings.limits = wanted).await;
    done.map(|memory| limits::kept(memory, language)).map_err(|error| refused(&error, language))
}

fn kept<T>(done: Result<T, ApiError>, language: Language) -> Told {
    let message = language.pick("Configuração salva.", "The configuration is saved.");
    done.map(|_| Outcome::done(message)).map_err(|error| refused(&error, language))
}

fn no_webhook(language: Language) -> Outcome {
    let message = language.pick(
        "Este webhook não existe mais. Recarregue a página.",
        "This webhook is not there any more. Reload the page.",
    );
    Outcome::with(StatusCode::NOT_FOUND, message)
}
