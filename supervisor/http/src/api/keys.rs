//! `/api/keys`: keys made and ended by a key without limits. Owns the mapping of the convention's forms to ours.
//!
//! A key is shown once, when it is made; only its digest is kept, so a list shows none. A key for a session's files
//! or for its control is one per session: asking again makes another and ends the one before.

use std::collections::BTreeSet;

use colmeia::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answered, Json};
use super::context::Ctx;
use super::models::{NoArgs, yes};
use crate::errors::ApiError;
use colmeia_store::{Actions, ApiKey, NewKey};

/// What stands where a key cannot be shown.
const HIDDEN: &str = "********";

/// What a key is to allow.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyArgs {
    /// Everything, on all sessions.
    #[serde(default)]
    is_admin: bool,
    /// On this session; all when absent.
    #[schema(value_type = Option<String>)]
    session: Option<UserId>,
    /// Whether it is accepted.
    #[serde(default = "yes")]
    is_active: bool,
    /// What it may do; everything with its sessions when absent.
    actions: Option<KeyActions>,
}

/// A change of a key.
#[derive(Deserialize, ToSchema)]
pub(super) struct UpdateArgs {
    /// The key's id.
    id: String,
    /// What it is to allow.
    #[serde(flatten)]
    key: KeyArgs,
}

/// One key.
#[derive(Deserialize, ToSchema)]
pub(super) struct IdArgs {
    /// The key's id.
    id: String,
}

/// One session.
#[derive(Deserialize, ToSchema)]
pub(super) struct SessionArgs {
    /// The session.
    #[schema(value_type = String)]
    session: UserId,
}

/// What may be done with a session. `setting` and `delete` are part of `control` here.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct KeyActions {
    read: bool,
    send: bool,
    control: bool,
    setting: bool,
    app: bool,
    delete: bool,
}

/// A key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Key {
    id: String,
    /// The key itself where it was just made, else asterisks.
    key: String,
    is_active: bool,
    is_admin: bool,
    session: Option<String>,
    actions: KeyActions,
}

pub(super) async fn list(ctx: Ctx, _: NoArgs) -> Answered<Vec<Key>> {
    Ok(Json(ctx.http.store.keys().iter().map(|key| Key::of(key, HIDDEN)).collect()))
}

pub(super) async fn create(ctx: Ctx, args: KeyArgs) -> Answered<Key> {
    let (key, secret) = ctx.http.store.add_key(None, args.grants()).await?;
    tracing::info!(key = key.id, "a key was made");
    Ok(Json(Key::of(&key, secret.expose())))
}

pub(super) async fn media(ctx: Ctx, args: SessionArgs) -> Answered<Key> {
    scoped(ctx, args.session, "media", Actions { media: true, ..Actions::default() }).await
}

pub(super) async fn control(ctx: Ctx, args: SessionArgs) -> Answered<Key> {
    scoped(ctx, args.session, "control", Actions { control: true, ..Actions::default() }).await
}

async fn scoped(ctx: Ctx, session: UserId, what: &str, actions: Actions) -> Answered<Key> {
    let id = format!("{what}_{session}");
    let sessions = BTreeSet::from([session]);
    let grants = NewKey { name: what.into(), active: true, admin: false, sessions, actions };
    let (key, secret) = ctx.http.store.add_key(Some(id), grants).await?;
    tracing::info!(key = key.id, "a key was made");
    Ok(Json(Key::of(&key, secret.expose())))
}

pub(super) async fn update(ctx: Ctx, args: UpdateArgs) -> Answered<Key> {
    let changed = ctx.http.store.update_key(&args.id, args.key.grants()).await?;
    let key = changed.ok_or_else(|| ApiError::not_found("There is no key with this id"))?;
    tracing::info!(key = key.id, "a key was changed");
    Ok(Json(Key::of(&key, HIDDEN)))
}

pub(super) async fn delete(ctx: Ctx, args: IdArgs) -> Result<(), ApiError> {
    if !ctx.http.store.remove_key(&args.id).await? {
        return Err(ApiError::not_found("There is no key with this id"));
    }
    tracing::info!(key = args.id, "a key was removed");
    Ok(())
}

impl KeyArgs {
    fn grants(self) -> NewKey {
        let actions = self.actions.map_or(Actions::ALL, |wanted| Actions {
            read: wanted.read,
            send: wanted.send,
            control: wanted.control || wanted.setting || wanted.delete,
            media: wanted.read,
        });
        NewKey {
            name: String::new(),
            active: self.is_active,
            admin: self.is_admin,
            sessions: self.session.into_iter().collect(),
            actions,
        }
    }
}

impl Key {
    fn of(key: &ApiKey, text: &str) -> Self {
        let NewKey { active, admin, sessions, actions, .. } = &key.grants;
        Self {
            id: key.id.clone(),
            key: text.to_owned(),
            is_active: *active,
            is_admin: *admin,
            // The convention has room for one; `colmeiactl keys list` shows all.
            session: sessions.first().map(|session| session.as_str().to_owned()),
            actions: KeyActions {
                read: actions.read,
                send: actions.send,
                control: actions.control,
                setting: actions.control,
                app: false,
                delete: actions.control,
            },
        }
    }
}
