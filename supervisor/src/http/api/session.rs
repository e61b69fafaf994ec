//! [`Session`]: the session of a request, found or not at all, and what can be asked of it.
//!
//! Owns the mapping of what is known of a user to WAHA's five statuses, which is pure. **No handler waits for a
//! browser to say how a session is**: that is read from the view.

use std::ops::Deref;
use std::time::Duration;

use bytes::Bytes;
use colmeia::operations::{self, Effect, Operate, Operation as WideOperation};
use colmeia::protocol::{Call, Reply};
use colmeia::{Me, SessionState, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::standing::Standing;
use super::super::{Http, calls};
use super::failure::ApiError;
use super::models::Files;
use super::route::Ctx;
use crate::user::{CallFailure, Phase, UserHandle, UserView};

/// How long a call may take whose body is a file: 68 MB over a slow page, and still less than clients wait.
const FILE_DEADLINE: Duration = Duration::from_secs(50);

/// A session, and who asks.
pub(super) struct Session {
    ctx: Ctx,
    pub(super) handle: UserHandle,
}

/// WAHA's statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(in super::super) enum Status {
    Stopped,
    Starting,
    ScanQrCode,
    Working,
    Failed,
}

impl Status {
    /// The status of a view.
    pub(in super::super) fn of(view: &UserView) -> Self {
        if view.phase == Phase::Stopping {
            return Self::Stopped;
        }
        // Between two codes there is none to show, and still nothing to wait for but a scan.
        if let Some(SessionState::AwaitingScan { .. }) = view.state() {
            return Self::ScanQrCode;
        }
        match Standing::of(view) {
            Standing::Absent | Standing::Held => Self::Stopped,
            Standing::Code { .. } => Self::ScanQrCode,
            Standing::Ready { .. } => Self::Working,
            Standing::Failed { .. } => Self::Failed,
            Standing::AtCapacity { .. }
            | Standing::Underway { .. }
            | Standing::Pairing
            | Standing::Syncing { .. }
            | Standing::Reconnecting { .. } => Self::Starting,
        }
    }

    /// As clients know it.
    pub(in super::super) fn name(self) -> &'static str {
        match self {
            Self::Stopped => "STOPPED",
            Self::Starting => "STARTING",
            Self::ScanQrCode => "SCAN_QR_CODE",
            Self::Working => "WORKING",
            Self::Failed => "FAILED",
        }
    }
}

impl Deref for Session {
    type Target = Ctx;

    fn deref(&self) -> &Ctx {
        &self.ctx
    }
}

/// The task of a user who is known in any way: by a task, a folder, a hold or a configuration.
pub(super) fn known(http: &Http, user: &UserId) -> Option<UserHandle> {
    http.users.find_or_restore(user).or_else(|| {
        let named = http.store.session(user).is_some() || http.users.others().contains(user);
        if named { http.users.find_or_create(user).ok() } else { None }
    })
}

impl Session {
    /// The session of a known user. Nothing is made for anyone else.
    pub(super) fn find(ctx: Ctx, user: &UserId) -> Option<Self> {
        let handle = known(&ctx.http, user)?;
        Some(Self { ctx, handle })
    }

    /// Its name.
    pub(super) fn user(&self) -> &UserId {
        &self.handle.user
    }

    /// The linked account.
    ///
    /// # Errors
    /// 422 when the session is not WORKING.
    pub(super) fn me(&self) -> Result<Me, ApiError> {
        let view = self.handle.view();
        match Standing::of(&view) {
            Standing::Ready { me } => Ok(me.clone()),
            _ => Err(ApiError::not_working(Status::of(&view).name(), Status::Working.name())),
        }
    }

    /// Asks the session, once.
    ///
    /// # Errors
    /// 422 when it is not WORKING; then it was not asked. Else what the call says.
    pub(super) async fn call(&self, call: Call) -> Result<(Reply, Bytes), ApiError> {
        self.call_with(call, Bytes::new()).await
    }

    /// Does one of the wide operations, once.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub(super) async fn operate<O: Operate>(&self, operation: O) -> Result<O::Output, ApiError> {
        self.operate_with(operation, Bytes::new()).await
    }

    /// As [`Self::operate`], with a file.
    pub(super) async fn operate_with<O: Operate>(
        &self,
        operation: O,
        file: Bytes,
    ) -> Result<O::Output, ApiError> {
        let operation: WideOperation = operation.into();
        let effect = operation.effect();
        let (reply, _) = self.call_with(Call::Operate { operation }, file).await?;
        operations::output::<O>(effect, reply)
            .map_err(|error| ApiError::of_call(&CallFailure::Session(error), effect == Effect::Send))
    }

    /// Where files of this session's messages are found.
    pub(super) fn files(&self, shown: bool) -> Files {
        Files { origin: super::origin(&self.http, &self.headers), user: self.user().clone(), shown }
    }

    /// As [`Self::call`], with a file.
    pub(super) async fn call_with(&self, call: Call, file: Bytes) -> Result<(Reply, Bytes), ApiError> {
        self.me()?;
        self.call_unlinked(call, file).await
    }

    /// As [`Self::call_with`], for the calls that need no linked phone.
    pub(super) async fn call_unlinked(&self, call: Call, file: Bytes) -> Result<(Reply, Bytes), ApiError> {
        let outside = call.has_effect_outside();
        let usual = Duration::from_millis(self.http.config.request_deadline_ms);
        let has_file = !file.is_empty() || matches!(call, Call::DownloadMedia { .. });
        let deadline = if has_file { usual.max(FILE_DEADLINE) } else { usual };
        let answer = calls::once(self.handle.clone(), call, file, deadline).await;
        answer.map_err(|failure| ApiError::of_call(&failure, outside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::Wait;
    use crate::http::tests::stage::{me, running, view};
    use colmeia::session::Disruption;
    use colmeia::{ExitReason, Secret};
    use std::time::SystemTime;

    #[test]
    fn every_view_has_one_of_the_five_statuses() {
        let reason = ExitReason::Banned;
        let cause = Disruption::ConnectionLost;
        for (view, status) in [
            (view(Phase::Stopped), Status::Stopped),
            (view(Phase::Held), Status::Stopped),
            (view(Phase::Stopping), Status::Stopped),
            (view(Phase::Queued { wait: Wait::Place }), Status::Starting),
            (view(Phase::Starting), Status::Starting),
            (view(Phase::BackingOff { until: SystemTime::UNIX_EPOCH }), Status::Starting),
            (view(Phase::Parked { reason }), Status::Failed),
            (view(Phase::Running), Status::Starting),
            (running(SessionState::Loading), Status::Starting),
            (running(SessionState::AwaitingScan { qr: Some(Secret::new("2@a")) }), Status::ScanQrCode),
            (running(SessionState::AwaitingScan { qr: None }), Status::ScanQrCode),
            (running(SessionState::Pairing), Status::Starting),
            (running(SessionState::Syncing { me: Some(me()), percent: None }), Status::Starting),
            (running(SessionState::Ready { me: me() }), Status::Working),
            (running(SessionState::Reconnecting { me: Some(me()), cause }), Status::Starting),
        ] {
            assert_eq!(Status::of(&view), status, "{view:?}");
            let json = serde_json::to_value(status).expect("plain data");
            assert_eq!(json, status.name());
        }
    }
}
