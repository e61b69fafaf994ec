//! Calls that wait for the bridge's answer. Owns the table from a call's number to who waits for it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use colmeia::protocol::CallError;
use tokio::sync::oneshot;

/// How a call ended.
#[derive(Debug)]
pub(super) enum Answer {
    Reply {
        reply: serde_json::Value,
        size: u64,
    },
    Failure(CallError),
    /// The document that worked on it is gone.
    Gone,
}

/// The table.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<HashMap<u64, oneshot::Sender<Answer>>>);

impl Pending {
    fn with<T>(&self, change: impl FnOnce(&mut HashMap<u64, oneshot::Sender<Answer>>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn open(&self, call: u64) -> oneshot::Receiver<Answer> {
        let (answer, receiver) = oneshot::channel();
        self.with(|table| table.insert(call, answer));
        receiver
    }

    pub(super) fn close(&self, call: u64) {
        self.with(|table| table.remove(&call));
    }

    pub(super) fn answer(&self, call: u64, answer: Answer) {
        if let Some(waiting) = self.with(|table| table.remove(&call)) {
            // Whoever waited may have given up in this moment.
            let _ = waiting.send(answer);
        }
    }

    /// The document, its renderer or the browser is gone.
    pub(super) fn all_gone(&self) {
        for (_, waiting) in self.with(std::mem::take) {
            let _ = waiting.send(Answer::Gone);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_new_document_ends_all_calls_and_late_answers_reach_nobody() {
        let pending = Pending::default();
        let (one, other) = (pending.open(1), pending.open(2));
        pending.answer(1, Answer::Reply { reply: serde_json::json!({ "reply": "done" }), size: 0 });
        pending.all_gone();
        pending.answer(2, Answer::Reply { reply: serde_json::json!({ "reply": "done" }), size: 0 });
        assert!(matches!(one.await, Ok(Answer::Reply { .. })));
        assert!(matches!(other.await, Ok(Answer::Gone)));
    }
}
