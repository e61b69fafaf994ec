//! Sessions: made, listed, configured, started, stopped, deleted. Owns what each of WAHA's words means to a user's
//! task. What was asked for is under way when the answer is given; the answer's status says where it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, UNIX_EPOCH};

use axum::http::StatusCode;
use colmeia::config::{SessionLimits, SessionSettings};
use colmeia::{MissingMember, SessionReport, UserId};
use colmeia_base::tasks;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::super::access::{Caller, KeyAction};
use super::answer::{Answered, Json};
use super::config::Config;
use super::configuring::{change, checked, limit_again, own_limits};
use super::context::Ctx;
use super::models::{MeInfo, NoArgs, yes};
use super::session::{Session, known};
use crate::errors::ApiError;
use crate::state::Http;
use colmeia::errors::{chain, lack_of};
use colmeia_control::deletion::{DELETED_WITHIN, DeletionError};
use colmeia_session::{
    DisconnectOutcome, NotKept, OperatorCommand, Phase, PhoneNotified, SessionStatus as Status, UserHandle,
    UserView,
};

/// How long a stop is waited for: longer than a worker may take to stop.
const STOPPED_WITHIN: Duration = Duration::from_secs(20);
/// How long a logout is waited for; the user's task bounds itself.
const FORGOTTEN_WITHIN: Duration = Duration::from_secs(30);

/// What to list.
#[derive(Deserialize, ToSchema)]
pub(super) struct ListArgs {
    /// Also those that are STOPPED.
    #[serde(default)]
    all: bool,
}

/// A session to make.
#[derive(Deserialize, ToSchema)]
pub(super) struct CreateArgs {
    /// Its name: letters, digits, `_` and `-`; `default` when none is given.
    #[schema(value_type = Option<String>)]
    name: Option<UserId>,
    /// Whether it is started at once.
    #[serde(default = "yes")]
    start: bool,
    /// Its configuration.
    #[schema(value_type = Option<Config>)]
    config: Option<SessionSettings>,
}

/// What is changed about a session.
#[derive(Deserialize, ToSchema)]
pub(super) struct UpdateArgs {
    /// Its whole new configuration.
    #[schema(value_type = Option<Config>)]
    config: Option<SessionSettings>,
}

/// A session by the old way of naming it.
#[derive(Deserialize, ToSchema)]
pub(super) struct NamedArgs {
    /// The session.
    #[schema(value_type = String)]
    name: UserId,
    /// Whether the phone is logged out too.
    #[serde(default)]
    logout: bool,
    /// The session's configuration.
    #[schema(value_type = Option<Config>)]
    config: Option<SessionSettings>,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionInfo {
    name: String,
    status: Status,
    #[schema(value_type = Config)]
    config: SessionSettings,
    me: Option<MeInfo>,
    assigned_worker: String,
    engine: Engine,
    /// Always empty; clients of other engines look here.
    #[schema(value_type = Object)]
    presence: Map<String, Value>,
    timestamps: Timestamps,
    /// What WhatsApp has changed in its page so that this session misses it; absent while nothing is missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<Missing>,
}

/// A member of the page that is missing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Missing {
    /// The page's name of it.
    member: String,
    /// Whether wa-js does it instead.
    by_wa_js: bool,
    /// The operations that need it: not possible unless wa-js does it.
    operations: Vec<String>,
}

impl Missing {
    fn of(report: &SessionReport) -> Vec<Self> {
        let lacks = report.lacks.iter().cloned();
        let missing = |lack: MissingMember| Self {
            member: lack.member,
            by_wa_js: lack.stand_in,
            operations: lack.operations,
        };
        lacks.map(missing).collect()
    }
}

/// What runs a session.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Engine {
    engine: &'static str,
}

/// When things happened.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Timestamps {
    /// When the status last changed, in milliseconds since the epoch.
    activity: u64,
}

pub(super) async fn list(ctx: Ctx, args: ListArgs) -> Answered<Vec<SessionInfo>> {
    let all = everyone(&ctx.http).await?;
    let seen = all.into_iter().filter(|(user, _)| ctx.caller.may(KeyAction::Read, user));
    let sessions = seen.map(|(user, view)| info(&ctx.http, &ctx.caller, &user, view.as_ref()));
    Ok(Json(sessions.filter(|session| args.all || session.status != Status::Stopped).collect()))
}

/// Who has a task, and who has only a folder, a hold or a configuration.
async fn everyone(http: &Http) -> Result<BTreeMap<UserId, Option<UserView>>, ApiError> {
    let others = http.users.others().await.map_err(|error| {
        tracing::error!(error = chain(&error), "it cannot be read who has a session");
        lack_of(&error).map_or_else(ApiError::bug, ApiError::no_means)
    })?;
    let others: BTreeSet<_> = others.into_iter().chain(http.store.sessions().keys().cloned()).collect();
    let mut all: BTreeMap<_, _> = others.into_iter().map(|user| (user, None)).collect();
    let tasks = http.users.list().into_iter().map(|handle| (handle.user.clone(), Some(handle.view())));
    // A task alone is no session: a status that was asked for may have made it.
    all.extend(
        tasks
            .filter(|(user, view)| {
                all.contains_key(user) || view.as_ref().is_some_and(|view| view.phase != Phase::Stopped)
            })
            .collect::<Vec<_>>(),
    );
    Ok(all)
}

pub(super) async fn create(ctx: Ctx, args: CreateArgs) -> Answered<SessionInfo> {
    let user = args.name.map_or_else(|| "default".parse().map_err(|_| ApiError::bug()), Ok)?;
    let ctx = may_control(ctx, &user)?;
    ctx.http.operators.deletions().settled(&user).await;
    if everyone(&ctx.http).await?.contains_key(&user) {
        let error = format!("Session {user} exists already: use PUT to change it");
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error));
    }
    let settings = args.config.unwrap_or_default();
    let settings = checked(own_limits(settings, SessionLimits::default(), &ctx.caller)?, &user, &ctx.http)?;
    ctx.http.store.keep_session(&user, settings).await?;
    let session = Session::find(ctx, &user).await.ok_or_else(busy)?;
    limit_again(&session.handle, SessionLimits::default(), session.http.store.limits(&user)).await;
    if args.start {
        operate(&session.handle, OperatorCommand::Start).await?;
        leaves(&session.handle, Status::Stopped).await;
    }
    Ok(Json(shown(&session)))
}

pub(super) async fn get(session: Session, _: NoArgs) -> Answered<SessionInfo> {
    Ok(Json(shown(&session)))
}

pub(super) async fn update(session: Session, args: UpdateArgs) -> Answered<SessionInfo> {
    if let Some(settings) = args.config {
        change(&session, settings).await?;
    }
    Ok(Json(shown(&session)))
}

/// Everything of it: whoever makes a session of the same name finds nothing of this one.
pub(super) async fn delete(session: Session, _: NoArgs) -> Answered<Deleted> {
    let going = session.http.operators.deletions().delete(session.user());
    match tokio::time::timeout(DELETED_WITHIN, going).await {
        Ok(Ok(told)) => Ok(Json(Deleted::after(told))),
        Ok(Err(error)) => Err(not_deleted(&error)),
        Err(_) => Err(still_going()),
    }
}

fn not_deleted(error: &DeletionError) -> ApiError {
    let error = format!("{error}; the service's log says why. The same request goes on with it");
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error)
}

fn still_going() -> ApiError {
    let error = "The session is still being deleted; look again in a moment";
    ApiError::new(StatusCode::GATEWAY_TIMEOUT, error)
}

/// What a deletion could not do; nothing when all was done.
#[derive(Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deleted {
    /// `false` when the phone may go on listing this device.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_told: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

impl Deleted {
    fn after(told: PhoneNotified) -> Self {
        if told != PhoneNotified::No {
            return Self::default();
        }
        let message = "The session is deleted, but the phone could not be told: if it lists this device, remove it there";
        Self { phone_told: Some(false), message: Some(message) }
    }
}

pub(super) async fn me(session: Session, _: NoArgs) -> Answered<Option<MeInfo>> {
    Ok(Json(MeInfo::of(&session.handle.view())))
}

pub(super) async fn start(session: Session, _: NoArgs) -> Answered<SessionInfo> {
    if Status::of(&session.handle.view()) != Status::Working {
        operate(&session.handle, OperatorCommand::Start).await?;
        leaves(&session.handle, Status::Stopped).await;
    }
    Ok(Json(shown(&session)))
}

pub(super) async fn stop(session: Session, _: NoArgs) -> Answered<SessionInfo> {
    stop_now(&session).await?;
    Ok(Json(shown(&session)))
}

async fn stop_now(session: &Session) -> Result<(), ApiError> {
    // Without a configuration a session that was never linked would be forgotten by being stopped.
    let (store, user) = (&session.http.store, session.user());
    if store.session(user).is_none() {
        store.keep_session(user, SessionSettings::default()).await?;
    }
    operate(&session.handle, OperatorCommand::Stop).await?;
    until(&session.handle, STOPPED_WITHIN, |view| {
        matches!(view.phase, Phase::Stopped | Phase::Held) && view.pid.is_none()
    })
    .await;
    Ok(())
}

pub(super) async fn restart(session: Session, _: NoArgs) -> Answered<SessionInfo> {
    operate(&session.handle, OperatorCommand::Restart).await?;
    leaves(&session.handle, Status::Working).await;
    Ok(Json(shown(&session)))
}

/// The phone is logged out and what was kept of it deleted; a session that ran shows a new code.
pub(super) async fn logout(session: Session, _: NoArgs) -> Answered<SessionInfo> {
    let (store, user) = (&session.http.store, session.user());
    if store.session(user).is_none() {
        store.keep_session(user, SessionSettings::default()).await?;
    }
    let ran = Status::of(&session.handle.view()) != Status::Stopped;
    forget(&session).await?;
    let handle = known(&session.http, session.user()).await.ok_or_else(busy)?;
    if ran {
        operate(&handle, OperatorCommand::Start).await?;
        leaves(&handle, Status::Stopped).await;
    }
    Ok(Json(info(&session.http, &session.caller, session.user(), Some(&handle.view()))))
}

/// `POST /api/sessions/start`: makes it where there is none, and starts it.
pub(super) async fn start_named(ctx: Ctx, args: NamedArgs) -> Answered<SessionInfo> {
    let ctx = may_control(ctx, &args.name)?;
    ctx.http.operators.deletions().settled(&args.name).await;
    let before = ctx.http.store.session(&args.name);
    let limits = before.as_ref().map(|before| before.limits).unwrap_or_default();
    let wanted = args.config.map(|config| own_limits(config, limits, &ctx.caller)).transpose()?;
    let settings = wanted.map(|config| checked(config, &args.name, &ctx.http)).transpose()?;
    if settings.is_some() || before.is_none() {
        ctx.http.store.keep_session(&args.name, settings.or(before).unwrap_or_default()).await?;
    }
    let session = Session::find(ctx, &args.name).await.ok_or_else(busy)?;
    limit_again(&session.handle, limits, session.http.store.limits(&args.name)).await;
    start(session, NoArgs {}).await
}

pub(super) async fn stop_named(ctx: Ctx, args: NamedArgs) -> Answered<Deleted> {
    let session = named(ctx, &args.name).await?;
    if args.logout {
        return delete(session, NoArgs {}).await;
    }
    stop_now(&session).await?;
    Ok(Json(Deleted::default()))
}

pub(super) async fn logout_named(ctx: Ctx, args: NamedArgs) -> Answered<Deleted> {
    delete(named(ctx, &args.name).await?, NoArgs {}).await
}

async fn named(ctx: Ctx, user: &UserId) -> Result<Session, ApiError> {
    Session::find(may_control(ctx, user)?, user).await.ok_or_else(|| ApiError::no_session(user))
}

fn may_control(ctx: Ctx, user: &UserId) -> Result<Ctx, ApiError> {
    if ctx.caller.may(KeyAction::Control, user) {
        Ok(ctx)
    } else {
        Err(ApiError::forbidden(format!("This key may not control session {user}")))
    }
}

/// Tells the phone where there is one to tell, and deletes the session's folder. It goes on when the caller hangs up.
async fn forget(session: &Session) -> Result<(), ApiError> {
    let handle = session.handle.clone();
    let running = matches!(handle.view().phase, Phase::Running);
    let going = tasks::passing("forgetting", async move {
        if running { handle.disconnect().await } else { handle.reset().await }
    });
    match tokio::time::timeout(FORGOTTEN_WITHIN, going).await {
        Ok(Ok(DisconnectOutcome::NotDeleted)) => {
            let error = "The session's folder cannot be deleted; the service's log says why";
            Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error))
        }
        Ok(Ok(_)) => Ok(()),
        _ => Err(still_going()),
    }
}

pub(super) async fn operate(handle: &UserHandle, operation: OperatorCommand) -> Result<(), ApiError> {
    match handle.operate(operation).await {
        Ok(()) => Ok(()),
        Err(NotKept::Busy) => Err(busy()),
        // It was done, and the answer says for how long.
        Err(error) => {
            tracing::error!(user = %handle.user, ?operation, error = chain(&error), "an operator's word is not kept");
            Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
        }
    }
}

fn busy() -> ApiError {
    let error = "The session is too busy to take this, or the service is ending; try again";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error)
}

/// Waits a moment until what was asked for can be seen, so that the answer shows it. That it cannot is no error.
async fn leaves(handle: &UserHandle, status: Status) {
    until(handle, Duration::from_secs(2), |view| Status::of(view) != status).await;
}

async fn until(handle: &UserHandle, patience: Duration, seen: impl Fn(&UserView) -> bool) {
    let mut views = handle.watch();
    let waiting = tokio::time::timeout(patience, views.wait_for(|view| seen(view))).await;
    if let Ok(Err(error)) = waiting {
        tracing::debug!(user = %handle.user, error = chain(&error), "the session's task has ended");
    }
}

fn shown(session: &Session) -> SessionInfo {
    info(&session.http, &session.caller, session.user(), Some(&session.handle.view()))
}

fn info(http: &Http, caller: &Caller, user: &UserId, view: Option<&UserView>) -> SessionInfo {
    let mut config = http.store.session(user).unwrap_or_default();
    if !caller.may(KeyAction::Control, user) {
        config.hide_secrets();
    }
    let activity = view.and_then(|view| view.since.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    SessionInfo {
        name: user.as_str().to_owned(),
        status: view.map_or(Status::Stopped, Status::of),
        config,
        me: view.and_then(MeInfo::of),
        assigned_worker: "colmeia".into(),
        engine: Engine { engine: super::models::ENGINE },
        presence: Map::new(),
        timestamps: Timestamps { activity: u64::try_from(activity.as_millis()).unwrap_or(u64::MAX) },
        missing: view.and_then(|view| view.report.as_ref()).map(Missing::of).unwrap_or_default(),
    }
}
