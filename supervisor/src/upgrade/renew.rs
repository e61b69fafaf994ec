//! After an upgrade: workers of another version are replaced, one at a time, each in a quiet moment.
//!
//! Owns the order and the pauses. Whether a moment is quiet is decided by the user's own task; a session that never
//! has one keeps its worker, which speaks the same protocol.

use std::time::Duration;

use colmeia::SessionState;
use tokio::time::{sleep, timeout};

use colmeia_session::registry::Registry;
use colmeia_session::{Renewal, UserHandle, UserView};

/// How long everything may settle first, and how long to wait between two questions.
const PAUSE: Duration = Duration::from_secs(5);
/// How long a replaced session may take to be ready before the next one follows all the same.
const BACK: Duration = Duration::from_secs(180);

/// Replaces the workers that another version started. Ends when there is none left.
pub(crate) async fn renew(registry: Registry) {
    let mut left = registry.list();
    while !left.is_empty() {
        sleep(PAUSE).await;
        let mut later = Vec::new();
        for user in left {
            match user.renew().await {
                Renewal::Begun => {
                    tracing::info!(user = %user.user, "the worker is of another version, or another system user, and is replaced");
                    back(&user).await;
                }
                Renewal::Later => later.push(user),
                Renewal::Needless => {}
            }
        }
        left = later;
    }
}

/// Waits until a session whose worker is being replaced is ready again, or shows a code. At first it still does.
pub(crate) async fn back(user: &UserHandle) {
    let mut view = user.watch();
    let settled = |view: &UserView| {
        view.state()
            .is_some_and(|state| state.is_ready() || matches!(state, SessionState::AwaitingScan { .. }))
    };
    let _ = timeout(PAUSE, view.wait_for(|view| !settled(view))).await;
    if timeout(BACK, view.wait_for(settled)).await.is_err() {
        tracing::warn!(user = %user.user, "the replaced worker is not ready yet; the next one follows");
    }
}
