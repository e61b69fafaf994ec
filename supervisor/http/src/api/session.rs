//! [`Session`]: the session of a request, found or not at all, and what can be asked of it.
//!
//! **No handler waits for a browser to say how a session is**: that is read from the view.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use colmeia::operations::{Effect, Operate, Operation as WideOperation};
use colmeia::protocol::{Call, Reply, output};
use colmeia::{Me, UserId};

use super::answer::{Answered, Json};
use super::context::Ctx;
use super::models::{Files, Success};
use crate::errors::ApiError;
use crate::state::Http;
use colmeia_control::calls;
use colmeia_control::summary::SessionSummary;
use colmeia_host::uploads::{Fetched, Upload};
use colmeia_session::{CallFailure, SessionStatus, UserHandle};

/// How long a call may take whose body is a file: 68 MB over a slow page, and still less than clients wait.
const FILE_DEADLINE: Duration = Duration::from_secs(50);

/// A session, and who asks.
pub(super) struct Session {
    ctx: Ctx,
    pub(super) handle: UserHandle,
    acted: Acted,
}

/// Whether anything of a request was done that others see: an operation may be made of several calls.
#[derive(Debug, Clone, Default)]
pub(super) struct Acted(Arc<AtomicBool>);

impl Acted {
    fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// The failure of one call is not that of the whole.
    pub(super) fn judge<T>(&self, result: Result<T, ApiError>) -> Result<T, ApiError> {
        result.map_err(|error| if self.0.load(Ordering::Relaxed) { error.after_something() } else { error })
    }
}

impl Deref for Session {
    type Target = Ctx;

    fn deref(&self) -> &Ctx {
        &self.ctx
    }
}

/// The task of a user who is known in any way: by a task, a folder, a hold or a configuration.
pub(super) async fn known(http: &Http, user: &UserId) -> Option<UserHandle> {
    if let Some(handle) = http.users.find_or_restore(user).await {
        return Some(handle);
    }
    // Where nobody can say who there is, nobody is denied.
    let nobody = || async { http.users.others().await.is_ok_and(|others| !others.contains(user)) };
    if http.store.session(user).is_none() && nobody().await {
        return None;
    }
    let handle = http.users.find_or_create(user).await.ok()?;
    handle.settled().await;
    Some(handle)
}

impl Session {
    /// The session of a known user. Nothing is made for anyone else.
    pub(super) async fn find(ctx: Ctx, user: &UserId) -> Option<Self> {
        let handle = known(&ctx.http, user).await?;
        Some(Self { ctx, handle, acted: Acted::default() })
    }

    /// What it is judged by in the end.
    pub(super) fn acted(&self) -> Acted {
        self.acted.clone()
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
        match SessionSummary::of(&view) {
            SessionSummary::Ready { me } => Ok(me.clone()),
            _ => Err(ApiError::not_working(SessionStatus::of(&view).name(), SessionStatus::Working.name())),
        }
    }

    /// Asks the session, once.
    ///
    /// # Errors
    /// 422 when it is not WORKING; then it was not asked. Else what the call says.
    pub(super) async fn call(&self, call: Call) -> Result<(Reply, Fetched), ApiError> {
        self.call_with(call, None).await
    }

    /// Does one of the wide operations, once.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub(super) async fn operate<O: Operate>(&self, operation: O) -> Result<O::Output, ApiError> {
        self.operate_with(operation, None).await
    }

    /// Does one of the wide operations that have nothing to tell but that they are done.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub(super) async fn carry_out<O: Operate>(&self, operation: O) -> Answered<Success> {
        self.operate(operation).await.map(|_| Json(Success::YES))
    }

    /// As [`Self::operate`], with a file.
    pub(super) async fn operate_with<O: Operate>(
        &self,
        operation: O,
        file: Option<Upload>,
    ) -> Result<O::Output, ApiError> {
        let operation: WideOperation = operation.into();
        let effect = operation.effect();
        let (reply, _) = self.call_with(Call::Operate { operation }, file).await?;
        output::<O>(effect, reply)
            .map_err(|error| ApiError::of_call(&CallFailure::Session(error), effect == Effect::Send))
    }

    /// Where files of this session's messages are found.
    pub(super) fn files(&self, shown: bool) -> Files {
        Files { origin: super::context::origin(&self.http, &self.headers), user: self.user().clone(), shown }
    }

    /// As [`Self::call`], with a file.
    pub(super) async fn call_with(
        &self,
        call: Call,
        file: Option<Upload>,
    ) -> Result<(Reply, Fetched), ApiError> {
        self.me()?;
        self.call_unlinked(call, file).await
    }

    /// As [`Self::call_with`], for the calls that need no linked phone.
    pub(super) async fn call_unlinked(
        &self,
        call: Call,
        file: Option<Upload>,
    ) -> Result<(Reply, Fetched), ApiError> {
        let outside = call.has_effect_outside();
        let usual = self.http.request_deadline();
        let has_file = file.is_some() || matches!(call, Call::DownloadMedia { .. });
        let deadline = if has_file { usual.max(FILE_DEADLINE) } else { usual };
        let answer = calls::once(self.handle.clone(), call, file, deadline).await;
        if outside && answer.is_ok() {
            self.acted.now();
        }
        answer.map_err(|failure| ApiError::of_call(&failure, outside))
    }
}

/// Whether a session of this name is known in any way.
pub(crate) async fn is_known(http: &Http, user: &UserId) -> bool {
    known(http, user).await.is_some()
}
