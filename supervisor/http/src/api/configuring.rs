//! A session's configuration: whether it may be so, who may change what of it, and from when on it counts.

use std::time::Duration;

use colmeia::UserId;
use colmeia::admin::When;
use colmeia::config::{InvalidSettings, Proxy, SessionLimits, SessionSettings};
use reqwest::Url;

use super::super::access::Caller;
use super::session::Session;
use super::sessions::operate;
use crate::errors::ApiError;
use crate::state::Http;
use colmeia::errors::chain;
use colmeia_host::ssrf::Home;
use colmeia_session::{OperatorCommand, SessionStatus as Status, UserHandle};

/// How long it is waited for that other limits hold, which is a moment unless the machine is short of everything.
const LIMITED_WITHIN: Duration = Duration::from_secs(2);

/// Replaces all of it.
pub(super) async fn change(session: &Session, settings: SessionSettings) -> Result<(), ApiError> {
    let (store, user) = (&session.http.store, session.user());
    let before = store.session(user).unwrap_or_default();
    let settings = own_limits(settings, before.limits, &session.caller)?;
    let settings = checked(settings, user, &session.http)?;
    store.keep_session(user, settings.clone()).await?;
    take_up(&session.handle, &before, &settings).await.map(drop)
}

/// Limits are for whoever runs the service to change, and stay as they are when another replaces the rest.
pub(super) fn own_limits(
    settings: SessionSettings,
    before: SessionLimits,
    caller: &Caller,
) -> Result<SessionSettings, ApiError> {
    if caller.is_admin() || settings.limits == before {
        return Ok(settings);
    }
    if settings.limits == SessionLimits::default() {
        return Ok(SessionSettings { limits: before, ..settings });
    }
    Err(ApiError::forbidden_field("config.limits", "can be changed only with a key without limits"))
}

/// Changes a part of a session's configuration, as the dashboard does, and says from when on its limits of memory hold
/// where they are others now.
///
/// # Errors
/// What is wrong with it, with the field named; nothing is changed then.
pub(crate) async fn configure(
    http: &Http,
    handle: &UserHandle,
    change: impl Fn(&mut SessionSettings) + Send + 'static,
) -> Result<Option<When>, ApiError> {
    let (store, user) = (&http.store, &handle.user);
    let before = store.session(user).unwrap_or_default();
    let mut wanted = before.clone();
    change(&mut wanted);
    checked(wanted, user, http)?;
    let after = store.change_session(user, change).await?;
    take_up(handle, &before, &after).await
}

/// A browser learns of another proxy, and a worker of `debug` and `page`, only at its start; everything else counts at once.
async fn take_up(
    handle: &UserHandle,
    before: &SessionSettings,
    after: &SessionSettings,
) -> Result<Option<When>, ApiError> {
    let limited = limit_again(handle, before.limits, after.limits).await;
    let anew = before.proxy != after.proxy || before.debug != after.debug || before.page != after.page;
    if anew && Status::of(&handle.view()) != Status::Stopped {
        operate(handle, OperatorCommand::Restart).await?;
    }
    Ok(limited)
}

/// Has other limits of memory hold, and says from when on the hard one does; absent where they are the same. They are kept
/// already: where nobody can say, they hold from the next start on.
pub(super) async fn limit_again(
    handle: &UserHandle,
    before: SessionLimits,
    after: SessionLimits,
) -> Option<When> {
    if before.memory() == after.memory() {
        return None;
    }
    let holds = match tokio::time::timeout(LIMITED_WITHIN, handle.limit_again()).await {
        Ok(Ok(holds)) => holds.get("max_mb").copied(),
        Ok(Err(error)) => {
            tracing::warn!(user = %handle.user, error = chain(&error), "other limits hold from the next start on");
            None
        }
        Err(_) => None,
    };
    Some(holds.unwrap_or(When::NextStart))
}

pub(super) fn checked(
    settings: SessionSettings,
    user: &UserId,
    http: &Http,
) -> Result<SessionSettings, ApiError> {
    let wrong = |wrong: InvalidSettings| ApiError::field(wrong.field, wrong.rule);
    settings.validate().map_err(wrong)?;
    settings.limits.over(http.config.memory_of(user)).map_err(wrong)?;
    // They mean nothing here and are given back as they came; the document says that they are objects.
    let kept = [
        ("config.client", &settings.client),
        ("config.noweb", &settings.noweb),
        ("config.gows", &settings.gows),
        ("config.webjs", &settings.webjs),
    ];
    if let Some((field, _)) =
        kept.iter().find(|(_, value)| value.as_ref().is_some_and(|value| !value.is_object()))
    {
        return Err(ApiError::field(*field, "has to be an object"));
    }
    let home = Home::of(http.local);
    for (index, webhook) in settings.webhooks.iter().enumerate() {
        // What only a name hides is found when it is resolved.
        if Url::parse(&webhook.url).is_ok_and(|url| home.is(&url)) {
            let field = format!("config.webhooks[{index}].url");
            return Err(ApiError::field(field, "leads to this service itself"));
        }
    }
    // The browser's walls know ports and no addresses: with ours it could reach us.
    if settings.proxy.as_ref().and_then(Proxy::address).is_some_and(|(_, port)| port == http.local.port()) {
        return Err(ApiError::field("config.proxy.server", "must not have the port of this service"));
    }
    Ok(settings)
}
