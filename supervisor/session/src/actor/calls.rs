//! [`Calls`]: what was asked of the worker and is not answered yet.
//!
//! Owns the request ids. A call is sent at most once: when the connection ends before its answer, the caller
//! learns that it may or may not have happened.

use std::collections::HashMap;
use std::time::Duration;

use colmeia::protocol::{Call, CallError, CallErrorKind, Reply, ToWorker};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::connection::{Refused, SendQueue};
use crate::handle::{CallFailure, CallResult};
use crate::lifecycle::PhoneNotified;
use colmeia_host::uploads::{Fetched, NotFetched, Upload};

/// How many calls of one user may be under way.
const MOST: usize = 256;
/// How much earlier than its caller the worker gives up, so that its answer says what happened.
const HEAD_START: Duration = Duration::from_millis(250);

/// How long after a question the next one of a conversation may follow.
const QUIET: Duration = Duration::from_secs(3);

/// The calls under way on one connection.
#[derive(Debug, Default)]
pub(super) struct Calls {
    last_id: u64,
    last_asked: Option<Instant>,
    pending: HashMap<u64, Asker>,
}

#[derive(Debug)]
enum Asker {
    Caller(oneshot::Sender<CallResult>),
    /// The task itself, for a disconnect.
    Disconnect,
}

impl Calls {
    /// Asks for a caller, who is answered in any case.
    pub(super) fn ask(
        &mut self,
        send_queue: &SendQueue,
        call: Call,
        file: Option<Upload>,
        deadline: Duration,
        answer: oneshot::Sender<CallResult>,
    ) {
        // A caller whose deadline has passed is gone.
        self.pending.retain(|_, asker| !matches!(asker, Asker::Caller(answer) if answer.is_closed()));
        let sent = if self.pending.len() < MOST {
            self.send(send_queue, call, file, deadline)
        } else {
            Err(Refused::Full)
        };
        let failure = match sent {
            Ok(id) => {
                self.pending.insert(id, Asker::Caller(answer));
                return;
            }
            Err(Refused::TooLarge(_)) => CallFailure::TooLarge,
            // Nothing was sent, and a worker that does not read is not ready.
            Err(Refused::Full) => CallFailure::NotReady,
        };
        let _ = answer.send(Err(failure));
    }

    /// How many were asked.
    pub(super) fn asked(&self) -> u64 {
        self.last_id
    }

    /// Whether nobody waits for an answer.
    pub(super) fn is_empty(&self) -> bool {
        !self.pending.values().any(|asker| match asker {
            Asker::Caller(answer) => !answer.is_closed(),
            Asker::Disconnect => true,
        })
    }

    /// Asks for the logout that begins a disconnect.
    pub(super) fn ask_logout(&mut self, send_queue: &SendQueue, deadline: Duration) -> Result<(), Refused> {
        let id = self.send(send_queue, Call::Logout, None, deadline)?;
        self.pending.insert(id, Asker::Disconnect);
        Ok(())
    }

    fn send(
        &mut self,
        send_queue: &SendQueue,
        call: Call,
        file: Option<Upload>,
        deadline: Duration,
    ) -> Result<u64, Refused> {
        self.last_id += 1;
        let id = self.last_id;
        let patience = deadline.saturating_sub(HEAD_START).max(deadline / 2);
        let deadline_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        send_queue.put(&ToWorker::Request { id, deadline_ms, call }, file)?;
        self.last_asked = Some(Instant::now());
        Ok(id)
    }

    /// Nothing is under way, and nothing was asked just now.
    pub(super) fn are_quiet(&self) -> bool {
        let waits = |asker: &Asker| !matches!(asker, Asker::Caller(answer) if answer.is_closed());
        !self.pending.values().any(waits) && self.last_asked.is_none_or(|asked| asked.elapsed() >= QUIET)
    }

    /// Passes an answer on. `Some` when it was the answer to the task's own logout: whether the phone was told.
    /// The answer to a question that nobody asked, or that nobody waits for any more, is dropped.
    pub(super) fn answer(
        &mut self,
        id: u64,
        result: Result<Reply, CallError>,
        body: Result<Fetched, NotFetched>,
    ) -> Option<PhoneNotified> {
        match self.pending.remove(&id)? {
            Asker::Disconnect => Some(match result {
                Ok(_) => PhoneNotified::Yes,
                Err(error) if error.kind == CallErrorKind::NotFound => PhoneNotified::Nobody,
                Err(_) => PhoneNotified::No,
            }),
            Asker::Caller(answer) => {
                let whole = result.map_err(CallFailure::from);
                let _ = answer.send(whole.and_then(|reply| Ok((reply, body?))));
                None
            }
        }
    }

    /// The connection has ended.
    pub(super) fn lost(&mut self) {
        for (_, asker) in self.pending.drain() {
            if let Asker::Caller(answer) = asker {
                let _ = answer.send(Err(CallFailure::WorkerGone));
            }
        }
    }
}
