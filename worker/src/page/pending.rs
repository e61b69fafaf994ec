//! Calls that wait for the bridge's answer. Owns the table from a call's number to who waits for it.

use std::collections::HashMap;

use colmeia::protocol::CallError;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::oneshot;

/// How a call ended.
#[derive(Debug)]
pub(super) enum Answer {
    Reply {
        reply: serde_json::Value,
        size: u64,
        took: Took,
    },
    Failure(CallError),
    /// The document that worked on it is gone.
    Gone,
}

/// How long the page worked on a call, in milliseconds since it was begun.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
pub(super) struct Took {
    /// Until the page was given what it is to send; 0 where it sends nothing.
    pub(super) handed_ms: f64,
    /// Until it had its answer.
    pub(super) done_ms: f64,
}

/// Who waits for an answer.
#[derive(Debug)]
struct Waiting {
    answer: oneshot::Sender<Answer>,
    /// The document that has the call, once it has said so.
    document: Option<f64>,
}

#[derive(Debug, Default)]
struct Table {
    waiting: HashMap<u64, Waiting>,
    /// The document that began last. Each is told by its time, so that a later one has a greater number.
    present: f64,
}

/// The table.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<Table>);

impl Pending {
    fn with<T>(&self, change: impl FnOnce(&mut Table) -> T) -> T {
        change(&mut self.0.lock())
    }

    /// Before a call is asked for, so that no answer comes too early.
    pub(super) fn expect(&self, call: u64) -> oneshot::Receiver<Answer> {
        let (answer, receiver) = oneshot::channel();
        self.with(|table| table.waiting.insert(call, Waiting { answer, document: None }));
        receiver
    }

    /// This document has the call. Another one may have begun meanwhile.
    pub(super) fn opened(&self, call: u64, document: f64) {
        self.with(|table| {
            if document < table.present {
                end(table.waiting.remove(&call), Answer::Gone);
            } else if let Some(waiting) = table.waiting.get_mut(&call) {
                waiting.document = Some(document);
            }
        });
    }

    pub(super) fn close(&self, call: u64) {
        self.with(|table| table.waiting.remove(&call));
    }

    pub(super) fn answer(&self, call: u64, answer: Answer) {
        self.with(|table| end(table.waiting.remove(&call), answer));
    }

    /// A new document: what was under way in those before it is over.
    pub(super) fn begins(&self, document: f64) {
        self.with(|table| {
            table.present = document;
            let is_over = |_: &u64, waiting: &mut Waiting| waiting.document.is_some_and(|its| its < document);
            for (_, waiting) in table.waiting.extract_if(is_over) {
                end(Some(waiting), Answer::Gone);
            }
        });
    }

    /// The renderer or the browser is gone.
    pub(super) fn all_gone(&self) {
        for (_, waiting) in self.with(|table| std::mem::take(&mut table.waiting)) {
            end(Some(waiting), Answer::Gone);
        }
    }
}

/// Whoever waited may have given up in this moment.
fn end(waiting: Option<Waiting>, answer: Answer) {
    if let Some(waiting) = waiting {
        let _ = waiting.answer.send(answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done() -> Answer {
        Answer::Reply { reply: serde_json::json!({ "reply": "done" }), size: 0, took: Took::default() }
    }

    #[tokio::test]
    async fn a_new_document_ends_the_calls_of_those_before_it_and_late_answers_reach_nobody() {
        let pending = Pending::default();
        pending.begins(1.0);
        let [one, other, asked, late] = [1, 2, 3, 4].map(|call| pending.expect(call));
        for call in [1, 2] {
            pending.opened(call, 1.0);
        }
        pending.answer(1, done());
        pending.begins(2.0);
        pending.answer(2, done());
        assert!(matches!(one.await, Ok(Answer::Reply { .. })));
        assert!(matches!(other.await, Ok(Answer::Gone)));
        // Which document has the other two was not known when the new one began.
        pending.opened(3, 2.0);
        pending.opened(4, 1.0);
        pending.answer(3, done());
        assert!(matches!(asked.await, Ok(Answer::Reply { .. })));
        assert!(matches!(late.await, Ok(Answer::Gone)));
    }

    #[tokio::test]
    async fn the_end_of_the_browser_ends_all_calls() {
        let pending = Pending::default();
        let [one, other] = [1, 2].map(|call| pending.expect(call));
        pending.opened(1, 1.0);
        pending.all_gone();
        assert!(matches!(one.await, Ok(Answer::Gone)));
        assert!(matches!(other.await, Ok(Answer::Gone)));
    }
}
