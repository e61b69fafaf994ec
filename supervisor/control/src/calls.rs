//! Calls into a session: exactly one per request, whoever hangs up meanwhile.

use std::time::{Duration, Instant};

use colmeia::protocol::Call;
use colmeia_base::{tasks, timing};
use tracing::{error, info};

use colmeia::errors::chain;
use colmeia_host::uploads::Upload;
use colmeia_session::{CallFailure, CallResult, UserHandle};

/// Makes the call once. It goes on when the caller hangs up: what a session was asked it does in any case, and
/// half a question would be worse.
pub async fn once(handle: UserHandle, call: Call, file: Option<Upload>, deadline: Duration) -> CallResult {
    let (user, operation, begun) = (handle.user.clone(), call.name(), Instant::now());
    let answer = tasks::passing("call", async move { handle.call(call, file, deadline).await });
    let answer = answer.await.unwrap_or_else(|panic| {
        error!(%user, operation, error = chain(&panic), "a call panicked");
        Err(CallFailure::WorkerGone)
    });
    timing!("call", begun, operation = operation);
    if let Err(failure) = &answer {
        info!(%user, operation, error = chain(failure), "a call failed");
    }
    answer
}
