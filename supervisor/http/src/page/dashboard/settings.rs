//! A session's configuration: who is told of its events, of which chats nothing is told, its proxy, and its limits.
//!
//! What is kept and what is refused is the API's ([`configure`]): the page only has a form for it. **No secret that was kept
//! is ever shown again**: not a proxy's password, not a signature's key, and of a webhook's address no more than the log has.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use colmeia::config::{EVENT_NAMES, Hmac, IgnoreConfig, Proxy, SessionSettings, WebhookConfig};
use colmeia::{Secret, UserId};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::super::super::names;
use super::super::super::negotiate::Language::{self, English, Portuguese};
use super::super::super::visitors::Visit;
use super::known::{found, label, nobody};
use super::told::{Outcome, nothing, ours_by};
use super::{Frame, html};
use crate::api::configure;
use crate::errors::ApiError;
use crate::state::Http;
use colmeia_events::delivery::{probe, shown};
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
    /// In MiB.
    cap: Option<u64>,
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
#[derive(Default, Deserialize)]
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
}

/// `GET /sessions/{user}/settings`.
pub(super) async fn settings(
    State(http): State<Http>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Response {
    let language = Language::of(&headers);
    let Some(handle) = found(&http, &name).await else {
        return nobody(language).answer(&http, &headers, "/");
    };
    let user = handle.user.clone();
    let (visit, cookie) = Visit::of_or_new(&headers);
    let frame = Frame::new(&http, &headers, &visit, format!("/sessions/{user}/settings"));
    let SessionSettings { webhooks, ignore, proxy, debug, .. } =
        http.store.session(&user).unwrap_or_default();
    let page = SettingsPage {
        label: label(&http, &user),
        webhooks: webhooks.iter().map(Webhook::of).collect(),
        events: EVENT_NAMES,
        ignored: ignored(ignore, language),
        proxy,
        debug,
        cap: http.operators.cap(&user).map(|bytes| bytes >> 20),
        user: &user,
        frame,
    };
    super::begin(html(&page), cookie)
}

impl Webhook {
    fn of(webhook: &WebhookConfig) -> Self {
        Self {
            id: id_of(webhook),
            address: shown(&webhook.url),
            events: webhook.events.join(", "),
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
    let title = |portuguese, english| if language == Portuguese { portuguese } else { english };
    rows.map(|(field, portuguese, english, wish)| (title(portuguese, english), field, chosen(wish))).into()
}

/// `POST /sessions/{user}/settings/{part}`.
pub(super) async fn change(
    State(http): State<Http>,
    headers: HeaderMap,
    Path((name, part)): Path<(String, String)>,
    Form(fields): Form<SettingsFields>,
) -> Response {
    let language = Language::of(&headers);
    let back =
        name.parse::<UserId>().map_or_else(|_| "/".into(), |user| format!("/sessions/{user}/settings"));
    let done = async {
        ours_by(&http, &headers, &fields.token)?;
        let handle = found(&http, &name).await.ok_or_else(|| nobody(language))?;
        match part.as_str() {
            "webhook" => add(&http, &handle, fields, language).await,
            "unhook" => remove(&http, &handle, &fields, language).await,
            "test" => test(&http, &handle.user, &fields, language).await,
            "ignore" => ignore(&http, &handle, &fields, language).await,
            "browser" => browser(&http, &handle, fields, language).await,
            _ => Err(nothing(language)),
        }
    };
    done.await.unwrap_or_else(|told| told).answer(&http, &headers, &back)
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

fn kept(done: Result<(), ApiError>, language: Language) -> Told {
    match (done, language) {
        (Ok(()), Portuguese) => Ok(Outcome::done("Configuração gravada.")),
        (Ok(()), English) => Ok(Outcome::done("The configuration is kept.")),
        (Err(error), English) => {
            Err(Outcome::with(error.status, format!("Nothing was kept: {}.", error.text)))
        }
        (Err(error), Portuguese) => Err(Outcome::with(error.status, refused(&error))),
    }
}

/// The rules of the API are in English; here each field has its own.
fn refused(error: &ApiError) -> String {
    let rule = match error.field_name() {
        Some(field) if field.ends_with(".url") => {
            "o endereço do webhook tem de começar com http:// ou https:// e não pode ser o deste serviço"
        }
        Some(field) if field.contains(".events") => "há um evento com nome desconhecido",
        Some("config.webhooks") => "são no máximo 20 webhooks",
        Some("config.proxy.server") => {
            "escreva o proxy como servidor:porta, ou com http://, https:// ou socks5:// antes; a porta não pode ser a deste serviço"
        }
        Some(field) if field.starts_with("config.proxy") => {
            "usuário e senha do proxy vão juntos, e não servem com socks5"
        }
        _ => return "Nada foi gravado. Veja o log do serviço.".into(),
    };
    format!("Nada foi gravado: {rule}.")
}

fn no_webhook(language: Language) -> Outcome {
    let message = match language {
        Portuguese => "Este webhook não existe mais. Recarregue a página.",
        English => "This webhook is not there any more. Reload the page.",
    };
    Outcome::with(StatusCode::NOT_FOUND, message)
}
