//! Drain: no starts any more, and the workers stop one after the other while the service stays up.
//!
//! Owns whether a drain is under way. An upgrade in place passes it on; it is not kept on disk: undoing it, or a restart
//! or a crash of the service, brings everyone back who was there before. A drained worker waits in the queue, in its
//! own place.

use std::time::Duration;

use axum::extract::State;
use axum::{Extension, Json};
use colmeia::admin::Drain;
use colmeia_base::tasks;
use parking_lot::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Admin;
use super::socket::Peer;
use colmeia_session::{OperatorCommand, UserHandle};

/// Beyond a worker's own deadline for its stop.
const GRACE: Duration = Duration::from_secs(10);

/// The drain under way, which ends when its token is cancelled.
#[derive(Debug, Default)]
pub(crate) struct Draining(Mutex<Option<CancellationToken>>);

impl Draining {
    pub(crate) fn is_on(&self) -> bool {
        self.0.lock().is_some()
    }

    fn begin(&self, end: &CancellationToken) -> Option<CancellationToken> {
        let mut state = self.0.lock();
        if state.is_some() {
            return None;
        }
        let token = end.child_token();
        *state = Some(token.clone());
        Some(token)
    }

    fn end(&self) {
        if let Some(token) = self.0.lock().take() {
            token.cancel();
        }
    }
}

/// `POST /v1/drain`.
pub(super) async fn drain(State(admin): State<Admin>, Extension(peer): Extension<Peer>) -> Json<Drain> {
    tracing::warn!(uid = peer.uid, pid = peer.pid, "drain asked by an operator: no starts from now on");
    begin(&admin);
    answer(&admin)
}

/// Begins a drain, unless one is under way.
pub(super) fn begin(admin: &Admin) {
    if let Some(token) = admin.app.drain.begin(&admin.end) {
        admin.app.host.admission.close(true);
        let admin = admin.clone();
        tasks::passing("drain", async move { token.run_until_cancelled(stop_all(&admin)).await });
    }
}

/// `DELETE /v1/drain`.
pub(super) async fn undo(State(admin): State<Admin>, Extension(peer): Extension<Peer>) -> Json<Drain> {
    tracing::warn!(uid = peer.uid, pid = peer.pid, "drain undone by an operator");
    admin.app.drain.end();
    admin.app.host.admission.close(false);
    answer(&admin)
}

fn answer(admin: &Admin) -> Json<Drain> {
    let running = admin.app.registry.list().iter().filter(|handle| handle.view().pid.is_some()).count();
    Json(Drain { draining: admin.app.drain.is_on(), running })
}

async fn stop_all(admin: &Admin) {
    let patience = Duration::from_millis(admin.app.host.config.stop_deadline_ms) + GRACE;
    for handle in admin.app.registry.list() {
        if timeout(patience, stop(&handle)).await.is_err() {
            tracing::error!(user = %handle.user, "the worker does not stop; the drain goes on without it");
        }
    }
    tracing::warn!("drained: no worker runs");
}

/// The worker is asked to be replaced, which it cannot be as long as nobody starts.
async fn stop(handle: &UserHandle) {
    let Some(pid) = handle.view().pid else { return };
    // What it waits for is the disk's, and not the worker's end.
    if let Err(error) = handle.operate(OperatorCommand::Restart).await {
        tracing::warn!(user = %handle.user, %error, "the drain");
    }
    // An error means that the user's task is gone, and its worker with it.
    let _ = handle.watch().wait_for(|view| view.pid != Some(pid)).await;
}
