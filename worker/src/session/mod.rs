//! The session: its life as a pure machine, and the task that carries the machine's decisions out.
//!
//! Owns the session's state; everyone else reads the published report and sends commands. Knows the browser
//! only as an [`crate::engine::Engine`], and no socket.

mod machine;
mod task;

use colmeia::protocol::{Call, CallError, CallErrorKind, Reply};
use colmeia::{ExitReason, SessionReport};
use tokio::sync::{mpsc, oneshot, watch};

use crate::files::Body;
pub(crate) use task::SessionTask;

/// A call's answer, with the media bytes where it has some.
pub(crate) type CallResult = Result<(Reply, Body), CallError>;

/// What the session can be asked.
pub(crate) enum Command {
    /// Do something on the page.
    Call { call: Box<Call>, body: Body, deadline_ms: u64, answer: oneshot::Sender<CallResult> },
    /// Ask the page to free what memory it can.
    RelieveMemory,
    /// Close the browser and end, for this reason.
    Stop(ExitReason),
}

/// The session's other end; cheap to clone.
#[derive(Clone)]
pub(crate) struct SessionHandle {
    commands: mpsc::Sender<Command>,
    report: watch::Receiver<SessionReport>,
}

impl SessionHandle {
    /// Follows the session; also woken when a probe has only confirmed what was known.
    pub(crate) fn report(&self) -> watch::Receiver<SessionReport> {
        self.report.clone()
    }

    /// Does something on the page, or says why not.
    pub(crate) async fn call(&self, call: Call, body: Body, deadline_ms: u64) -> CallResult {
        let (answer, answered) = oneshot::channel();
        let ended = || CallError::new(CallErrorKind::NotReady, "the session is ending");
        let call = Box::new(call);
        self.commands.send(Command::Call { call, body, deadline_ms, answer }).await.map_err(|_| ended())?;
        answered.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Asks the page to free what memory it can. Never waits: a session too busy to take it is asked again.
    pub(crate) fn relieve_memory(&self) {
        let _ = self.commands.try_send(Command::RelieveMemory);
    }

    /// Asks the session to end; it does so even while it is starting.
    pub(crate) async fn stop(&self, reason: ExitReason) {
        let _ = self.commands.send(Command::Stop(reason)).await;
    }
}
