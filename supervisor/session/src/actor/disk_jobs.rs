//! [`DiskJobs`]: what one user's task wants done to the disk, one after the other.
//!
//! Owns the order: a start finds what a deletion before it has left, and whoever makes a task anew finds what the last one
//! wrote. Decides nothing; what came of each job comes back to the task as a note. A disk that does not answer holds up
//! its own users, and no task.

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use colmeia::config::{MemoryOverrides, Ownership};
use colmeia::errors::{Lack, chain, lack_of};
use colmeia::layout::LOG_PIPE;
use colmeia::{ExitReason, UserId};
use colmeia_base::tasks;
use tokio::sync::{mpsc, oneshot};

use super::host::{self, Host};
use super::note::Note;
use crate::handle::{Limited, NotDeleted, Replaced};
use crate::lifecycle::PhoneNotified;
use crate::limits::{self, LimitsError};
use crate::log_tail::{LogTail, Position};
use crate::token;
use crate::worker_process::lines::{self, Lines};
use crate::worker_process::{self, SpawnError, Spawned};
use colmeia_host::kept::Unread;
use colmeia_host::staging::Staged;
use colmeia_host::{blocking, folders, private};

/// What is remembered of a user.
#[derive(Debug)]
pub(super) struct Remembered {
    /// There is a session on disk that may be linked.
    pub(super) keep: bool,
    /// An operator holds it back; absent where nobody can say.
    pub(super) held: Option<bool>,
    /// Why it was given up.
    pub(super) parked: Option<ExitReason>,
    /// What an operator set for it.
    pub(super) own: MemoryOverrides,
    /// When the worker that may be there began.
    pub(super) begun: Option<SystemTime>,
    /// What it writes to its standard error.
    pub(super) lines: Option<Lines>,
}

/// What the disk did.
#[derive(Debug)]
pub(super) enum Done {
    /// A mark was written or removed, or was not; whether an operator asked for it.
    Marked { what: &'static str, by_operator: bool, result: io::Result<()> },
    /// A worker was started, or not; and where the log of the one before ends.
    Spawned { log_from: Position, result: Box<Result<Spawned, SpawnError>> },
    /// The session's folder is gone, or not; and so are the user's own limits, where they were to go too.
    Buried { told: PhoneNotified, gone: Result<(), NotDeleted>, limits_too: bool },
    /// The user's own limits are kept, or not.
    Limited { own: MemoryOverrides, answer: oneshot::Sender<Limited>, result: Result<(), LimitsError> },
    /// Another profile is in the session's place, or not.
    Replaced { answer: oneshot::Sender<Replaced>, result: io::Result<()> },
    /// It broke off.
    Broken,
}

type DiskJob = Box<dyn FnOnce() -> Done + Send>;

/// The queue.
#[derive(Debug)]
pub(super) struct DiskJobs {
    queue: mpsc::UnboundedSender<DiskJob>,
    waiting: usize,
    spawning: bool,
    burials: usize,
    words: usize,
    /// What the queue will have said last of whether a phone is linked, unless it has run empty since.
    linked: Option<bool>,
}

impl DiskJobs {
    /// An empty one.
    pub(super) fn begin(notes: mpsc::Sender<Note>) -> Self {
        // Unbounded: a job is small, and each follows from an event of the task's own.
        let (queue, mut disk_jobs) = mpsc::unbounded_channel::<DiskJob>();
        tasks::vital("disk jobs", async move {
            while let Some(job) = disk_jobs.recv().await {
                let done = blocking::in_folders(job).await.unwrap_or(Done::Broken);
                if notes.send(Note::Done(done)).await.is_err() {
                    return;
                }
            }
        });
        Self { queue, waiting: 0, spawning: false, burials: 0, words: 0, linked: None }
    }

    fn put(&mut self, chore: impl FnOnce() -> Done + Send + 'static) {
        self.waiting += 1;
        let _ = self.queue.send(Box::new(chore)); // it ends with the task
    }

    /// A mark; `by_operator` where somebody waits for it.
    pub(super) fn mark(
        &mut self,
        what: &'static str,
        by_operator: bool,
        work: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) {
        self.words += usize::from(by_operator);
        self.put(move || Done::Marked { what, by_operator, result: work() });
    }

    /// Whether this would be news to the disk once all that waits is done.
    pub(super) fn says_otherwise(&mut self, linked: bool) -> bool {
        self.linked.replace(linked) != Some(linked)
    }

    /// A worker of the user.
    pub(super) fn spawn(&mut self, host: Arc<Host>, user: UserId, policy: colmeia::config::MemoryPolicy) {
        self.spawning = true;
        self.put(move || {
            let log_from = LogTail::of(&host.state, &user).end();
            let result = Box::new(start(&host, &user, &policy));
            Done::Spawned { log_from, result }
        });
    }

    /// The end of the user's folder, and of its limits if they are to go too.
    pub(super) fn delete_profile(
        &mut self,
        host: Arc<Host>,
        user: UserId,
        told: PhoneNotified,
        limits_too: bool,
    ) {
        self.burials += 1;
        self.put(move || {
            let gone = delete_profile(&host, &user, limits_too);
            Done::Buried { told, gone: gone.map_err(|error| NotDeleted::Disk(Arc::new(error))), limits_too }
        });
    }

    /// Another profile in the place of the session's. A start that is decided meanwhile comes after it.
    pub(super) fn replace(
        &mut self,
        host: Arc<Host>,
        user: UserId,
        staged: Staged,
        answer: oneshot::Sender<Replaced>,
    ) {
        self.put(move || {
            let placed = staged.put_in_place(&host.state, &user);
            Done::Replaced {
                answer,
                result: placed.and_then(|()| folders::remember(&host.state, &user, true)),
            }
        });
    }

    /// Other limits of the user's own.
    pub(super) fn limit(
        &mut self,
        host: Arc<Host>,
        user: UserId,
        own: MemoryOverrides,
        answer: oneshot::Sender<Limited>,
    ) {
        self.put(move || {
            let result = limits::keep(&host.state, host.memory_of(&user), &user, own);
            Done::Limited { own, answer, result }
        });
    }

    /// The same limits of the user's own, over others of its configuration.
    pub(super) fn limit_again(&mut self, host: Arc<Host>, user: UserId, answer: oneshot::Sender<Limited>) {
        self.put(move || match limits::load(&host.state, host.memory_of(&user), &user) {
            Ok(own) => Done::Limited { own, answer, result: Ok(()) },
            Err(error) => {
                let own = MemoryOverrides::default();
                Done::Limited { own, answer, result: Err(LimitsError::Unread(error)) }
            }
        });
    }

    /// One is done.
    pub(super) fn done(&mut self, done: &Done) {
        self.waiting = self.waiting.saturating_sub(1);
        if self.is_empty() {
            self.linked = None;
        }
        match done {
            Done::Spawned { .. } => self.spawning = false,
            Done::Buried { .. } => self.burials = self.burials.saturating_sub(1),
            Done::Marked { by_operator: true, .. } => self.words = self.words.saturating_sub(1),
            Done::Marked { .. } | Done::Limited { .. } | Done::Replaced { .. } => {}
            // Which one it was is not known; what it was for is not done.
            Done::Broken => (self.spawning, self.burials, self.words) = (false, 0, 0),
        }
    }

    /// Whether nothing waits for the disk.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Whether a worker is just being started.
    pub(super) fn spawning(&self) -> bool {
        self.spawning
    }

    /// Whether the folder is just being deleted.
    pub(super) fn deletes_profile(&self) -> bool {
        self.burials > 0
    }

    /// Whether an operator's word is not on disk yet.
    pub(super) fn has_words(&self) -> bool {
        self.words > 0
    }
}

/// Reads what is remembered. What cannot be read for good is said. A link is believed in then, and an operator's stop
/// where nothing runs: only an operator takes it back.
///
/// # Errors
/// What the machine has none left of to look with. Then nothing is known, and nothing must follow.
pub(super) async fn remember(host: &Arc<Host>, user: &UserId) -> Result<Remembered, Lack> {
    let (of, name) = (Arc::clone(host), user.clone());
    let read = blocking::in_folders(move || {
        // A worker makes its socket before it starts its browser.
        let socket = std::fs::metadata(of.run.worker_socket(&name));
        let lines = lines::again(&of.run.user_dir(&name).join(LOG_PIPE));
        Ok(Remembered {
            keep: known(&name, folders::may_be_linked(&of.state, &name), true)?,
            held: known(&name, folders::is_held(&of.state, &name).map(Some), None)?,
            // Whoever is started in vain is parked again.
            parked: known(&name, folders::parked(&of.state, &name), None)?,
            own: known(
                &name,
                limits::load(&of.state, of.memory_of(&name), &name),
                MemoryOverrides::default(),
            )?,
            begun: socket.and_then(|socket| socket.modified()).ok(),
            lines: lines.or_else(|error| lack_of(&error).map_or(Ok(None), Err))?,
        })
    });
    read.await.unwrap_or_else(|error| {
        tracing::error!(%user, %error, "what is remembered of the user cannot be read");
        Ok(Remembered::nothing())
    })
}

impl Remembered {
    /// Of a user of whom nobody can say anything.
    pub(super) fn nothing() -> Self {
        let own = MemoryOverrides::default();
        Self { keep: true, held: None, parked: None, own, begun: None, lines: None }
    }
}

/// What is known for want of nothing; `otherwise` where it never will be.
fn known<T>(user: &UserId, read: Result<T, Unread>, otherwise: T) -> Result<T, Lack> {
    read.or_else(|error| match error.lack() {
        Some(lack) => Err(lack),
        None => {
            tracing::error!(%user, error = chain(&error), "what is remembered of the user cannot be read");
            Ok(otherwise)
        }
    })
}

fn start(
    host: &Arc<Host>,
    user: &UserId,
    policy: &colmeia::config::MemoryPolicy,
) -> Result<Spawned, SpawnError> {
    private::auth_directory(&host.state.auth_dir(user))?;
    let group = host.memory.group(user, policy)?;
    let token = token::mint(&host.state, user).map_err(SpawnError::Token)?;
    let ownership = host.uids.ownership(user)?;
    if let (Some(group), Ownership::Own { uid, .. }) = (&group, ownership) {
        group.give_to(uid)?;
    }
    let config = host::worker_config(host, user, token, ownership, group.as_ref());
    worker_process::spawn(&host.launch, &config, host::marks(host, user), group.as_ref())
}

fn delete_profile(host: &Arc<Host>, user: &UserId, limits_too: bool) -> io::Result<()> {
    token::forget(&host.state, user);
    let aside = folders::set_aside_for_deletion(&host.state, user)?;
    tracing::info!(%user, existed = aside.is_some(), "session deleted");
    folders::remove_in_background(aside.into_iter().collect());
    if !limits_too {
        return Ok(());
    }
    match limits::keep(&host.state, host.memory_of(user), user, MemoryOverrides::default()) {
        Err(LimitsError::Disk(error)) => Err(error),
        // What holds for everyone is valid since the start.
        Ok(()) | Err(LimitsError::Invalid(_) | LimitsError::Unread(_) | LimitsError::Gone) => Ok(()),
    }
}
