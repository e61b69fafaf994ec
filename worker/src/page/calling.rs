//! One call from its arguments to its answer. Owns the question that decides its error: may the other side
//! have heard of it?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Bytes, BytesMut};
use colmeia::operations::Effect;
use colmeia::protocol::{Call, CallError, CallErrorKind, MAX_BODY, Reply, SMALL_BODY};
use colmeia_base::tasks;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::files::Passage;
use super::pending::Answer;
use super::shared::Shared;
use crate::engine::ProbeError;
use crate::files::{Body, Draft, Stored};

/// What is kept of a call's time to learn whether it can still be called off.
const CALL_OFF: Duration = Duration::from_millis(500);

/// Does one operation within this time.
pub(super) async fn call(
    shared: &Arc<Shared>,
    call: Call,
    body: Body,
    limit: Duration,
) -> Result<(Reply, Body), CallError> {
    let end = Instant::now() + limit;
    let work_end = end - CALL_OFF.min(limit / 4);
    let underway = UnderWay::new(Arc::clone(shared), &call);
    let asked = timeout_at(work_end, underway.ask(&call, body, work_end)).await;
    if matches!(asked, Ok(Ok(Answer::Reply { size: 0, .. } | Answer::Failure(_) | Answer::Gone))) {
        underway.known_to_page.store(false, Ordering::Relaxed);
    }
    let answer = match asked {
        Ok(Ok(answer)) => answer,
        // Nobody knows whether the page still heard it.
        Ok(Err(Trouble::Asking(error))) => return Err(underway.give_up(end, &error.to_string()).await),
        Ok(Err(Trouble::Before(error))) => return Err(error),
        Err(_) => return Err(underway.give_up(end, "no answer in time").await),
    };
    match answer {
        Answer::Reply { reply, size, took } => {
            tracing::trace!(target: "timing", handed_ms = took.handed_ms, done_ms = took.done_ms, "page");
            let reply = serde_json::from_value(reply)
                .map_err(|_| underway.broken("the page's answer is unreadable"))?;
            let body = timeout_at(end, underway.fetch(size, end)).await;
            Ok((reply, body.map_err(|_| underway.broken("the media did not arrive in time"))??))
        }
        Answer::Failure(error) => Err(error),
        Answer::Gone => Err(underway.broken("the page went away while it worked on this")),
    }
}

enum Trouble {
    /// The page was not asked yet.
    Before(CallError),
    /// It went wrong while it was being asked.
    Asking(ProbeError),
}

/// A call that the page may know of. When it is dropped before its end, it is called off.
struct UnderWay {
    shared: Arc<Shared>,
    number: u64,
    changes_something: bool,
    /// Whether the page has something of it to forget.
    known_to_page: AtomicBool,
}

impl UnderWay {
    fn new(shared: Arc<Shared>, call: &Call) -> Self {
        let number = shared.number();
        let changes_something = call.effect() != Effect::Read;
        Self { shared, number, changes_something, known_to_page: AtomicBool::new(false) }
    }

    /// Hands over the bytes, then the call, and waits for the answer.
    async fn ask(&self, call: &Call, body: Body, end: Instant) -> Result<Answer, Trouble> {
        let not_ready = |why: &str| Trouble::Before(CallError::new(CallErrorKind::NotReady, why));
        self.known_to_page.store(true, Ordering::Relaxed);
        let parts = u8::from(body.length() > 0);
        match body {
            Body::Memory(bytes) if bytes.is_empty() => {}
            Body::Memory(bytes) => {
                let arguments = [json!(self.number), json!(BASE64.encode(bytes))];
                self.shared
                    .ask("put", &arguments, left(end))
                    .await
                    .map_err(|error| not_ready(&format!("the page did not take the media: {error}")))?;
            }
            // Once the browser has its copy, nothing is left of the file.
            Body::File(file) => self.hand_in(&file, end).await.map_err(Trouble::Before)?,
        }
        let request = serde_json::to_value(call).map_err(|_| not_ready("the call cannot be written"))?;
        let left_ms = u64::try_from(left(end).as_millis()).unwrap_or(u64::MAX);
        let opening = [json!(self.number), json!(parts)];
        let beginning = [json!(self.number), request, json!(left_ms)];
        let pending = &self.shared.listener.pending;
        let answer = pending.expect(self.number);
        let asked = Instant::now();
        let open = async {
            let opened = self.shared.ask("open", &opening, left(end)).await;
            if let Ok(Some(document)) = opened.as_ref().map(Value::as_f64) {
                pending.opened(self.number, document);
            }
            opened
        };
        // In one go: the page takes them in this order, and a document in which the call was not opened begins nothing.
        let (opened, begun) = tokio::join!(biased; open, self.shared.ask("begin", &beginning, left(end)));
        colmeia_base::timing!("asked", asked);
        // A number only where there is a bridge; without one the whole chain is left out.
        match (opened, begun) {
            (_, Ok(Value::Bool(true))) => Ok(answer.await.unwrap_or(Answer::Gone)),
            (Ok(Value::Number(_)), Ok(_)) => Err(not_ready("the page was loaded anew")),
            // A page that is only busy may still take both.
            (Ok(Value::Number(_)) | Err(ProbeError::Timeout(_)), Err(error)) => Err(Trouble::Asking(error)),
            (Ok(_), _) => Err(not_ready("the page is still loading")),
            (Err(error), _) => Err(not_ready(&format!("the page cannot be asked: {error}"))),
        }
    }

    /// Calls it off if that is still possible, and says what became of it.
    async fn give_up(&self, end: Instant, why: &str) -> CallError {
        let called_off = self.shared.ask("cancel", &[json!(self.number)], left(end)).await;
        if called_off == Ok(Value::Bool(false)) {
            return CallError::new(CallErrorKind::NotReady, format!("{why}; nothing was done"));
        }
        self.broken(why)
    }

    /// The error of a call that the page was asked for.
    fn broken(&self, why: &str) -> CallError {
        if self.changes_something {
            CallError::new(CallErrorKind::OutcomeUnknown, format!("{why}; it may or may not have happened"))
        } else {
            CallError::new(CallErrorKind::NotReady, why)
        }
    }

    fn passage(&self) -> Result<Passage, CallError> {
        let gone = || CallError::new(CallErrorKind::NotReady, "there is no page");
        Ok(Passage::new(self.shared.tab().ok_or_else(gone)?, self.number))
    }

    /// Gives the page a file.
    async fn hand_in(&self, file: &Stored, end: Instant) -> Result<(), CallError> {
        let not_ready = |why: String| CallError::new(CallErrorKind::NotReady, why);
        match self.passage()?.hand_in(file.path(), end).await {
            Ok(Some(size)) if size == file.length() => Ok(()),
            Ok(Some(size)) => {
                Err(not_ready(format!("the browser copied {size} of the file's {} bytes", file.length())))
            }
            Ok(None) => Err(not_ready("the page is still loading".to_owned())),
            Err(error) => Err(not_ready(format!("the page did not take the media: {error}"))),
        }
    }

    /// Fetches the bytes that wait in the page.
    async fn fetch(&self, size: u64, end: Instant) -> Result<Body, CallError> {
        if size == 0 {
            return Ok(Body::NONE);
        }
        if size > MAX_BODY as u64 {
            return Err(CallError::new(CallErrorKind::TooLarge, "the media is larger than a frame"));
        }
        let passage = self.passage()?;
        let lost = |error: &ProbeError| self.broken(&format!("the page lost the media: {error}"));
        passage.find(end).await.map_err(|error| lost(&error))?;
        if size <= SMALL_BODY as u64 {
            let mut bytes = BytesMut::new();
            while (bytes.len() as u64) < size {
                bytes.extend_from_slice(&self.piece(&passage, bytes.len() as u64, end).await?);
            }
            return Ok(Body::Memory(bytes.freeze()));
        }
        let no_file = |error: std::io::Error| {
            tracing::warn!(%error, "a file cannot be put on the disk");
            CallError::no_file("the file cannot be kept for the answer", &error)
        };
        let mut draft = self.shared.parts.files.draft(size).await.map_err(no_file)?;
        let mut read = 0;
        while read < size {
            let piece = self.piece(&passage, read, end).await?;
            read += piece.len() as u64;
            draft = draft.taking(piece).await.map_err(no_file)?;
        }
        Ok(Draft::finish(draft))
    }

    async fn piece(&self, passage: &Passage, from: u64, end: Instant) -> Result<Bytes, CallError> {
        match passage.piece(from, end).await {
            Ok(piece) if !piece.is_empty() => Ok(piece),
            Ok(_) => Err(self.broken("the page lost the media")),
            Err(error) => Err(self.broken(&format!("the page lost the media: {error}"))),
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.shared.listener.pending.close(self.number);
        if !self.known_to_page.load(Ordering::Relaxed) {
            return;
        }
        let (shared, number) = (Arc::clone(&self.shared), self.number);
        if tokio::runtime::Handle::try_current().is_ok() {
            tasks::passing("calling off", async move {
                let _ = shared.ask("cancel", &[json!(number)], CALL_OFF).await;
            });
        }
    }
}

pub(super) fn left(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now())
}
