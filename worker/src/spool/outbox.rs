//! The outbox: the one task that owns the [`Spool`], so that neither the session nor a connection waits for a
//! disk with the file in its hands.
//!
//! The session gives it events; a connection follows [`OutboxHandle::last`], reads what it has not sent yet,
//! and passes acknowledgements back. Disk work runs on a blocking thread.

use std::time::Duration;

use colmeia::errors::chain;
use colmeia::protocol::Event;
use colmeia_base::tasks;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::{Marks, Numbered, Spool, SpoolError};

/// How long to wait before a failed append is tried again: the disk may be full for a while.
const RETRY: Duration = Duration::from_secs(1);
/// How often it is written down how far the page was heard. Who comes next looks back to there, and a minute more.
const MARK: Duration = Duration::from_secs(10);
/// The most events that are written with one flush.
const BATCH: usize = 256;

enum Request {
    Append(Event),
    Acknowledge(u64),
    Read { after: u64, limit: usize, answer: oneshot::Sender<Result<Vec<Numbered>, SpoolError>> },
    Flush(oneshot::Sender<()>),
    Heard(Hearing),
    Marks(oneshot::Sender<Option<Marks>>),
}

/// How far the page was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hearing {
    /// It has nothing that was not told.
    All,
    /// A phone was linked to it, and what it has is told or history.
    Linked,
    /// The link has ended, and what the page had with it.
    Nothing,
}

/// The task's other end; cheap to clone.
#[derive(Clone)]
pub(crate) struct OutboxHandle {
    requests: mpsc::UnboundedSender<Request>,
    last: watch::Receiver<u64>,
    unsaved: watch::Receiver<usize>,
}

/// The task.
pub(crate) struct Outbox {
    spool: Spool,
    requests: mpsc::UnboundedReceiver<Request>,
    last: watch::Sender<u64>,
    unsaved: watch::Sender<usize>,
}

impl Outbox {
    /// The task and the handle to it.
    pub(crate) fn new(spool: Spool) -> (Self, OutboxHandle) {
        // Unbounded: an event that the page has told exists nowhere else, so there is nobody to push back to.
        let (sender, requests) = mpsc::unbounded_channel();
        let (last, followed) = watch::channel(spool.last());
        let (unsaved, waiting) = watch::channel(0);
        let handle = OutboxHandle { requests: sender, last: followed, unsaved: waiting };
        (Self { spool, requests, last, unsaved }, handle)
    }

    /// Runs until every handle is gone.
    pub(crate) async fn run(mut self) {
        let mut batch = Vec::new();
        let mut marks = interval(MARK);
        marks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                taken = self.requests.recv_many(&mut batch, BATCH) => {
                    if taken == 0 {
                        return;
                    }
                    let requests = std::mem::take(&mut batch);
                    self = self.serve(requests).await;
                }
                _ = marks.tick() => self = self.keep_marks().await,
            }
        }
    }

    async fn serve(mut self, requests: Vec<Request>) -> Self {
        let mut events = Vec::new();
        let mut others = Vec::new();
        for request in requests {
            match request {
                Request::Append(event) => events.push(event),
                other => others.push(other),
            }
        }
        tasks::trip(self.spool.folder(), "spool");
        let mut at_once = usize::MAX;
        // Appends first: whoever waits for a flush after them must find them.
        while !events.is_empty() {
            let count = events.len().min(at_once);
            let (spool, result, returned) = blocking(self.spool, move |spool| {
                let result = spool.append(&events[..count]);
                (result, events)
            })
            .await;
            (self.spool, events) = (spool, returned);
            match result {
                Ok(last) => {
                    events.drain(..count);
                    self.last.send_replace(last);
                    self.unsaved.send_replace(if at_once == 1 { events.len() } else { 0 });
                }
                // There may be room for the first of them.
                Err(_) if count > 1 => at_once = 1,
                Err(error) => {
                    tracing::error!(error = %chain(&error), events = events.len(), "events cannot be written; trying again");
                    self.unsaved.send_replace(events.len());
                    at_once = 1;
                    tokio::time::sleep(RETRY).await;
                    // What is acknowledged meanwhile makes room, and what is on disk can be read.
                    while let Ok(request) = self.requests.try_recv() {
                        match request {
                            Request::Append(event) => events.push(event),
                            Request::Flush(_) => others.push(request),
                            other => self = self.answer(vec![other]).await,
                        }
                    }
                }
            }
        }
        self.answer(others).await
    }

    async fn answer(mut self, requests: Vec<Request>) -> Self {
        for request in requests {
            match request {
                Request::Append(_) => {}
                Request::Acknowledge(seq) => {
                    let (spool, result, ()) =
                        blocking(self.spool, move |spool| (spool.acknowledge(seq), ())).await;
                    self.spool = spool;
                    if let Err(error) = result {
                        // They stay on disk and are offered again: the journal knows them by their ids.
                        tracing::warn!(error = %chain(&error), "acknowledged events cannot be removed");
                    }
                }
                Request::Read { after, limit, answer } => {
                    let (spool, result, ()) =
                        blocking(self.spool, move |spool| (spool.after(after, limit), ())).await;
                    self.spool = spool;
                    let _ = answer.send(result);
                }
                Request::Flush(done) => {
                    self = self.keep_marks().await;
                    let _ = done.send(());
                }
                Request::Heard(hearing) => match hearing {
                    Hearing::All => self.spool.heard.all(),
                    Hearing::Linked => self.spool.heard.linked(),
                    Hearing::Nothing => self.spool.heard.forget(),
                },
                Request::Marks(answer) => {
                    let _ = answer.send(self.spool.heard.marks());
                }
            }
        }
        self
    }
}

impl Outbox {
    async fn keep_marks(mut self) -> Self {
        if self.spool.heard.is_behind() {
            let (spool, result, ()) = blocking(self.spool, |spool| (spool.heard.save(), ())).await;
            self.spool = spool;
            if let Err(error) = result {
                // Who comes next looks further back, which costs it some work and nothing else.
                tracing::debug!(%error, "how far the page was heard cannot be written down");
            }
        }
        self
    }
}

async fn blocking<T: Send + 'static, U: Send + 'static>(
    mut spool: Spool,
    work: impl FnOnce(&mut Spool) -> (T, U) + Send + 'static,
) -> (Spool, T, U) {
    let done = tasks::blocking("spool's disk", move || {
        let (result, rest) = work(&mut spool);
        (spool, result, rest)
    });
    match done.await {
        Ok(done) => done,
        // A panic in there is a bug of the spool; going on without it would lose events silently.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

impl OutboxHandle {
    /// Takes an event. It is on disk before [`Self::last`] shows its number.
    pub(crate) fn append(&self, event: Event) {
        // The task ends only after every handle is gone.
        let _ = self.requests.send(Request::Append(event));
    }

    /// The supervisor has everything up to `seq`.
    pub(crate) fn acknowledge(&self, seq: u64) {
        let _ = self.requests.send(Request::Acknowledge(seq));
    }

    /// The number of the last event on disk, as it grows.
    pub(crate) fn last(&self) -> watch::Receiver<u64> {
        self.last.clone()
    }

    /// How many events wait for a disk that has not taken them.
    pub(crate) fn unsaved(&self) -> usize {
        *self.unsaved.borrow()
    }

    /// Unacknowledged events after `seq`.
    pub(crate) async fn read(&self, after: u64, limit: usize) -> Result<Vec<Numbered>, SpoolError> {
        let (answer, answered) = oneshot::channel();
        let _ = self.requests.send(Request::Read { after, limit, answer });
        answered.await.unwrap_or_else(|_| Ok(Vec::new()))
    }

    /// How far the page was heard, what was given before included.
    pub(crate) fn heard(&self, hearing: Hearing) {
        let _ = self.requests.send(Request::Heard(hearing));
    }

    /// Where to begin, for a page that may have more than was told; `None` when nothing was ever heard.
    pub(crate) async fn marks(&self) -> Option<Marks> {
        let (answer, answered) = oneshot::channel();
        let _ = self.requests.send(Request::Marks(answer));
        answered.await.ok().flatten()
    }

    /// Returns when everything given before is on disk.
    pub(crate) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        let _ = self.requests.send(Request::Flush(done));
        let _ = flushed.await;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::tests::event;
    use super::*;
    use crate::want::NothingLeft;

    async fn read(handle: &OutboxHandle, after: u64, limit: usize) -> Vec<u64> {
        let read = handle.read(after, limit).await.expect("read");
        read.iter().map(|numbered| numbered.seq).collect()
    }

    fn open(dir: &Path) -> Spool {
        Spool::open(dir).expect("opens")
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_given_is_on_disk_when_it_is_shown_and_goes_when_it_is_acknowledged() {
        let dir = tempfile::tempdir().expect("folder");
        let (outbox, handle) = Outbox::new(open(dir.path()));
        let running = tokio::spawn(outbox.run());
        let count = 3 * BATCH as u64 + 7;
        (0..3 * BATCH + 7).for_each(|n| handle.append(event(n)));
        handle.flush().await;
        assert_eq!((*handle.last().borrow(), handle.unsaved()), (count, 0));
        assert_eq!(read(&handle, 0, usize::MAX).await, (1..=count).collect::<Vec<_>>());
        assert_eq!(read(&handle, 5, 2).await, [6, 7]);
        handle.acknowledge(count - 1);
        assert_eq!(read(&handle, 0, usize::MAX).await, [count]);
        drop(handle);
        running.await.expect("it ends with its last handle");
        let (_outbox, handle) = Outbox::new(open(dir.path()));
        assert_eq!(*handle.last().borrow(), count);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_disk_does_not_take_waits_in_order_and_everything_else_goes_on() {
        let dir = tempfile::tempdir().expect("folder");
        let mut spool = open(dir.path());
        spool.append(&[event(0)]).expect("appends");
        // Its folder has to be opened before the next one is announced.
        spool.named = false;
        let (outbox, handle) = Outbox::new(spool);
        let mut unsaved = outbox.unsaved.subscribe();
        let nothing_left = NothingLeft::begin();
        let running = tokio::spawn(outbox.run());
        (1..4).for_each(|n| handle.append(event(n)));
        unsaved.wait_for(|waiting| *waiting == 3).await.expect("it runs");
        assert_eq!(read(&handle, 0, usize::MAX).await, [1], "what is on disk can be read");
        assert_eq!(*handle.last().borrow(), 1, "and nothing else is shown");
        handle.append(event(4));
        unsaved.wait_for(|waiting| *waiting == 4).await.expect("it runs");
        assert_eq!(handle.unsaved(), 4);

        let counted = tokio::spawn(async move {
            let mut counted = Vec::new();
            while *unsaved.borrow_and_update() > 0 {
                unsaved.changed().await.expect("it runs");
                counted.push(*unsaved.borrow());
            }
            counted
        });
        drop(nothing_left);
        handle.flush().await;
        assert_eq!(read(&handle, 1, usize::MAX).await, [2, 3, 4, 5]);
        let messages = handle.read(1, 1).await.expect("read");
        assert_eq!(messages[0].event, event(1), "in order");
        assert_eq!((*handle.last().borrow(), handle.unsaved()), (5, 0));
        // One by one, for there may be room for the first alone.
        assert_eq!(counted.await.expect("no panic"), [3, 2, 1, 0]);
        drop(handle);
        running.await.expect("it ends");
    }

    #[tokio::test(start_paused = true)]
    async fn how_far_the_page_was_heard_is_written_down_now_and_then_and_when_it_is_asked_for() {
        let dir = tempfile::tempdir().expect("folder");
        let written = dir.path().join("heard.json");
        let (outbox, handle) = Outbox::new(open(dir.path()));
        let running = tokio::spawn(outbox.run());
        assert_eq!(handle.marks().await, None);
        handle.flush().await;
        assert!(!written.exists(), "nothing is to be said");
        handle.heard(Hearing::All);
        assert!(handle.marks().await.is_some() && !written.exists());
        handle.flush().await;
        let first = fs::read(&written).expect("written");
        handle.heard(Hearing::Linked);
        assert!(handle.marks().await.is_some());
        // Nobody asks for it any more.
        while fs::read(&written).expect("there") == first {
            tokio::time::sleep(MARK / 10).await;
        }
        handle.heard(Hearing::Nothing);
        assert_eq!(handle.marks().await, None);
        drop(handle);
        running.await.expect("it ends");
    }
}
