//! Calls that wait for the bridge's answer. Owns the table from a call's number to who waits for it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use colmeia::protocol::CallErrorKind;
use tokio::sync::oneshot;

/// How a call ended.
#[derive(Debug)]
pub(super) enum Answer {
    Reply {
        reply: serde_json::Value,
        size: u64,
    },
    Failure {
        kind: CallErrorKind,
        text: String,
    },
    /// The document that worked on it is gone.
    Gone,
}

#[derive(Debug)]
struct Waiting {
    is_logout: bool,
    answer: oneshot::Sender<Answer>,
}

/// The table.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<HashMap<u64, Waiting>>);

impl Pending {
    fn with<T>(&self, change: impl FnOnce(&mut HashMap<u64, Waiting>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn open(&self, call: u64, is_logout: bool) -> oneshot::Receiver<Answer> {
        let (answer, receiver) = oneshot::channel();
        self.with(|table| table.insert(call, Waiting { is_logout, answer }));
        receiver
    }

    pub(super) fn close(&self, call: u64) {
        self.with(|table| table.remove(&call));
    }

    pub(super) fn answer(&self, call: u64, answer: Answer) {
        if let Some(waiting) = self.with(|table| table.remove(&call)) {
            // Whoever waited may have given up in this moment.
            let _ = waiting.answer.send(answer);
        }
    }

    /// The document is gone. A logout is what makes a page go, so it goes on waiting for the news of it.
    pub(super) fn document_gone(&self) {
        self.end(|waiting| !waiting.is_logout, || Answer::Gone);
    }

    /// The renderer or the browser is gone.
    pub(super) fn all_gone(&self) {
        self.end(|_| true, || Answer::Gone);
    }

    /// The link has ended. Returns whether somebody here asked for that.
    pub(super) fn link_ended(&self) -> bool {
        let reply = || Answer::Reply { reply: serde_json::json!({ "reply": "done" }), size: 0 };
        self.end(|waiting| waiting.is_logout, reply) > 0
    }

    fn end(&self, which: impl Fn(&Waiting) -> bool, answer: impl Fn() -> Answer) -> usize {
        let ended: Vec<Waiting> = self.with(|table| {
            let calls: Vec<u64> = table.iter().filter(|(_, w)| which(w)).map(|(call, _)| *call).collect();
            calls.iter().filter_map(|call| table.remove(call)).collect()
        });
        let count = ended.len();
        for waiting in ended {
            let _ = waiting.answer.send(answer());
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_new_document_ends_all_calls_but_a_logout() {
        let pending = Pending::default();
        let (send, logout) = (pending.open(1, false), pending.open(2, true));
        pending.document_gone();
        assert!(matches!(send.await, Ok(Answer::Gone)));
        assert!(pending.link_ended());
        assert!(matches!(logout.await, Ok(Answer::Reply { .. })));
        assert!(!pending.link_ended());
    }
}
