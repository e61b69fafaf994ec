//! [`UserHandle`]: how the rest of the supervisor talks to one user's task.
//!
//! Owns the command type. Never touches the user's state: it reads the published view and sends commands.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use colmeia::UserId;
use colmeia::admin::When;
use colmeia::config::MemoryOverrides;
use colmeia::errors::is_disk_full;
use colmeia::protocol::{Call, CallError, CallErrorKind, Reply};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::lifecycle::{Carried, PhoneNotified, Renewal};
use super::limits::LimitsError;
use super::view::{Phase, UserView};
use colmeia_host::staging::Staged;
use colmeia_host::uploads::{Fetched, NotFetched, Upload};
use colmeia_metrics::Metrics;

/// How long an operator waits for the disk.
const KEPT_WITHIN: Duration = Duration::from_secs(10);

/// A handle to one user's task; cheap to clone.
#[derive(Debug, Clone)]
pub struct UserHandle {
    /// Whose.
    pub user: UserId,
    view: watch::Receiver<UserView>,
    commands: mpsc::Sender<Command>,
    metrics: Metrics,
    /// When somebody last asked for the session to run.
    attended: Arc<Mutex<Instant>>,
    settled: watch::Receiver<bool>,
}

/// What a user's task can be asked.
#[derive(Debug)]
#[expect(missing_docs, reason = "each variant says what its fields are for")]
pub enum Command {
    /// Someone wants this session to run: start it, resume it if it is parked, and count it as attended.
    Wake,
    /// Others want to begin, and nobody asks for this session: a wish of one who never had a session is given up.
    GiveWay,
    /// Do something in the session, perhaps with a file.
    Call { call: Box<Call>, file: Option<Upload>, deadline: Duration, answer: oneshot::Sender<CallResult> },
    /// Log the phone out, stop the worker, delete the auth directory.
    Disconnect { answer: oneshot::Sender<DisconnectOutcome> },
    /// What an operator wants of the session.
    Operate { operation: OperatorCommand, answer: oneshot::Sender<Operated> },
    /// Stop the worker and delete the auth directory without asking the session anything.
    Reset { answer: oneshot::Sender<DisconnectOutcome> },
    /// Log the phone out, stop the worker, delete the auth directory and what an operator has set for the user. Answered
    /// when that is done.
    Delete { answer: oneshot::Sender<Deleted> },
    /// Replace the worker if it is of another version than we are, and this is a quiet moment.
    Renew { answer: oneshot::Sender<Renewal> },
    /// Replace the worker if the disk was full while it ran, and this is a moment for it.
    Mend { answer: oneshot::Sender<Renewal> },
    /// Other limits for the user's processes.
    Limit { own: MemoryOverrides, answer: oneshot::Sender<Limited> },
    /// The session's configuration has other limits now.
    LimitAgain { answer: oneshot::Sender<Limited> },
    /// Put this profile in the place of the session's, which must not run.
    Replace { staged: Staged, answer: oneshot::Sender<Replaced> },
    /// What another image of the program has to know of the user.
    Carry { answer: oneshot::Sender<Carried> },
    /// Stop the worker and keep everything (the supervisor ends).
    Shutdown { answer: oneshot::Sender<()> },
}

/// What an operator can want. The view shows what comes of it; the answer says that it is on disk, as far as there is
/// anything to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatorCommand {
    /// Stop, and do not start again before an operator says so.
    Stop,
    /// Start now; lifts a stop and a parking.
    Start,
    /// A new worker for this one.
    Restart,
}

/// Whether an operator's word is kept, so that it holds after a restart of the service too.
pub type Operated = Result<(), NotKept>;

/// Why it is not.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotKept {
    /// The task takes no more commands just now, or is gone. Nothing has changed.
    #[error("the user's task is busy or gone; try again")]
    Busy,
    /// It holds now, and only until the service is restarted.
    #[error("it holds now, but cannot be written to the disk: a restart of the service undoes it")]
    Disk(#[source] Arc<io::Error>),
    /// The disk does not answer.
    #[error("it holds now, but the disk does not answer: a restart of the service may undo it")]
    Slow,
}

/// Whether another profile is in the session's place now; where there was one, it is kept aside.
pub type Replaced = Result<(), NotReplaced>;

/// Why it is not; the one that was there still is.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotReplaced {
    /// It runs, or is about to.
    #[error("the session runs")]
    Runs,
    /// The file system says so.
    #[error("the profile cannot be put in place")]
    Disk(#[source] Arc<io::Error>),
    /// The user's task ended before it was done; another one can be asked.
    #[error("the user's task has ended")]
    Gone,
}

/// From when on each limit holds, by its name.
pub type Limited = Result<BTreeMap<String, When>, LimitsError>;

/// A call's answer, with its file where it has one.
pub type CallResult = Result<(Reply, Fetched), CallFailure>;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallFailure {
    /// The session is not ready; nothing was done.
    #[error("the session is not ready")]
    NotReady,
    /// The disk is full: nothing is sent of which the answer could not be kept. Nothing was done.
    #[error("the disk is full")]
    DiskFull,
    /// The answer came, and its file could not be kept.
    #[error("the answer's file was not taken")]
    NotTaken(#[source] NotFetched),
    /// The worker says so.
    #[error("the session answered with an error")]
    Session(#[source] CallError),
    /// The worker's connection ended after it was asked.
    #[error("the worker ended before it answered")]
    WorkerGone,
    /// No answer before the deadline.
    #[error("the worker did not answer in time")]
    Deadline,
    /// The request does not fit into a frame.
    #[error("the request is too large")]
    TooLarge,
    /// The user's task is gone: the supervisor ends.
    #[error("the service is shutting down")]
    ShuttingDown,
}

impl CallFailure {
    /// How it is counted: a fixed word.
    pub fn label(&self) -> &'static str {
        match self {
            Self::NotReady => "not_ready",
            Self::WorkerGone => "worker_gone",
            Self::Deadline => "deadline",
            Self::TooLarge => "too_large",
            Self::DiskFull => "disk_full",
            Self::NotTaken(NotFetched::NoRoom(_)) => "no_room",
            Self::NotTaken(NotFetched::Disk(_)) => "disk",
            Self::ShuttingDown => "shutting_down",
            Self::Session(CallError { restriction: Some(_), kind: CallErrorKind::Refused, .. }) => {
                "restricted"
            }
            Self::Session(error) => match error.kind {
                CallErrorKind::NotReady => "not_ready",
                CallErrorKind::InvalidArgument => "invalid_argument",
                CallErrorKind::NotOnWhatsapp => "not_on_whatsapp",
                CallErrorKind::NotFound => "not_found",
                CallErrorKind::MediaUnavailable => "media_unavailable",
                CallErrorKind::Refused => "refused",
                CallErrorKind::Forbidden => "forbidden",
                CallErrorKind::Unsupported => "unsupported",
                CallErrorKind::TooLarge => "too_large",
                CallErrorKind::OutcomeUnknown => "outcome_unknown",
            },
        }
    }
}

/// A disk that took nothing more at the worker's is the same as one at ours.
impl From<CallError> for CallFailure {
    fn from(error: CallError) -> Self {
        if error.disk_full { Self::DiskFull } else { Self::Session(error) }
    }
}

/// And one that took no more of what came back.
impl From<NotFetched> for CallFailure {
    fn from(error: NotFetched) -> Self {
        if is_disk_full(&error) { Self::DiskFull } else { Self::NotTaken(error) }
    }
}

/// Whether everything that the user's task keeps on disk is gone, and whether the phone learned of it.
pub type Deleted = Result<PhoneNotified, NotDeleted>;

/// Why a session was not deleted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotDeleted {
    /// The file system says so.
    #[error("a folder or file of the session cannot be deleted")]
    Disk(#[source] Arc<io::Error>),
    /// The user's task ended before it was done; another one can be asked.
    #[error("the user's task has ended")]
    Gone,
}

/// How a disconnect went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisconnectOutcome {
    /// The phone knows.
    LoggedOut,
    /// The phone could not be told, or not in time (no connection, the page did not answer, …).
    OnlyHere,
    /// The auth directory is still there.
    NotDeleted,
    /// There was no phone to tell.
    NobodyLinked,
}

impl UserHandle {
    /// Puts a handle together.
    pub fn new(
        user: UserId,
        view: watch::Receiver<UserView>,
        commands: mpsc::Sender<Command>,
        metrics: Metrics,
    ) -> Self {
        let settled = watch::channel(true).1;
        Self { user, view, commands, metrics, attended: Arc::new(Mutex::new(Instant::now())), settled }
    }

    /// The same of a task that has not yet read what is remembered.
    pub(super) fn settling(self, settled: watch::Receiver<bool>) -> Self {
        Self { settled, ..self }
    }

    /// What is known now.
    pub fn view(&self) -> UserView {
        self.view.borrow().clone()
    }

    /// Follows the changes.
    pub fn watch(&self) -> watch::Receiver<UserView> {
        self.view.clone()
    }

    /// Asks for the session to run. Never waits: a task that is too busy to take it is awake already.
    pub fn wake(&self) {
        *self.attended.lock() = Instant::now();
        let _ = self.commands.try_send(Command::Wake);
    }

    /// When somebody last asked for that.
    pub fn attended(&self) -> Instant {
        *self.attended.lock()
    }

    /// Asks it to give a wish up that nobody repeats.
    pub fn give_way(&self) {
        let _ = self.commands.try_send(Command::GiveWay);
    }

    /// Whether it waits to begin without ever having had a session.
    pub fn is_newcomer(&self) -> bool {
        let view = self.view.borrow();
        view.pid.is_none() && !view.was_linked && view.phase != Phase::Held
    }

    /// Does something in the session, perhaps with a file.
    ///
    /// # Errors
    /// [`CallFailure`] says which step failed.
    pub async fn call(&self, call: Call, file: Option<Upload>, deadline: Duration) -> CallResult {
        let (begun, operation) = (Instant::now(), call.name());
        let (answer, answered) = oneshot::channel();
        let command = Command::Call { call: Box::new(call), file, deadline, answer };
        let whole = async {
            // A task that has ended has no session, and nothing was done.
            self.commands.send(command).await.map_err(|_| CallFailure::NotReady)?;
            answered.await.unwrap_or(Err(CallFailure::ShuttingDown))
        };
        let result = tokio::time::timeout(deadline, whole).await.unwrap_or(Err(CallFailure::Deadline));
        self.metrics.call(
            operation,
            result.as_ref().map_or_else(CallFailure::label, |_| "ok"),
            begun.elapsed(),
        );
        result
    }

    /// Logs the phone out and forgets the user. Bounded by the task itself.
    pub async fn disconnect(&self) -> DisconnectOutcome {
        let outcome = self.ask(|answer| Command::Disconnect { answer }).await;
        outcome.unwrap_or(DisconnectOutcome::NotDeleted)
    }

    /// Does what an operator wants, and returns when that is on disk.
    ///
    /// # Errors
    /// [`NotKept`] says what is true instead.
    pub async fn operate(&self, operation: OperatorCommand) -> Operated {
        let (answer, answered) = oneshot::channel();
        self.commands.try_send(Command::Operate { operation, answer }).map_err(|_| NotKept::Busy)?;
        match tokio::time::timeout(KEPT_WITHIN, answered).await {
            Ok(answer) => answer.unwrap_or(Err(NotKept::Busy)),
            Err(_) => Err(NotKept::Slow),
        }
    }

    /// Waits until what is remembered of the user is in the view, or that it cannot be read just now: right after its task
    /// was made neither is.
    pub async fn settled(&self) {
        let mut settled = self.settled.clone();
        let _ = settled.wait_for(|settled| *settled).await; // a task that is gone has nothing more to say
    }

    /// Deletes the session and forgets the user. Bounded by the task itself.
    pub async fn reset(&self) -> DisconnectOutcome {
        self.ask(|answer| Command::Reset { answer }).await.unwrap_or(DisconnectOutcome::NotDeleted)
    }

    /// Deletes the session and what was set for it. Bounded by the task itself.
    ///
    /// # Errors
    /// [`NotDeleted`] says why something is still there.
    pub async fn delete(&self) -> Deleted {
        self.ask(|answer| Command::Delete { answer }).await.unwrap_or(Err(NotDeleted::Gone))
    }

    /// Puts this profile in the place of the session's.
    ///
    /// # Errors
    /// [`NotReplaced`] says why the one that was there still is.
    pub async fn replace(&self, staged: Staged) -> Replaced {
        let (answer, answered) = oneshot::channel();
        let command = Command::Replace { staged, answer };
        self.commands.send(command).await.map_err(|_| NotReplaced::Gone)?;
        answered.await.unwrap_or(Err(NotReplaced::Gone))
    }

    /// Hands a command on that came to a task which has ended.
    pub fn pass_on(&self, command: Command) {
        let _ = self.commands.try_send(command); // its answer is dropped with it, which says that nothing was done
    }

    /// Sets the user's own limits, exactly these from now on, and says from when on each holds.
    ///
    /// # Errors
    /// [`LimitsError`]; nothing has changed then.
    pub async fn limit(&self, own: MemoryOverrides) -> Limited {
        self.ask(|answer| Command::Limit { own, answer }).await.unwrap_or(Err(LimitsError::Gone))
    }

    /// Has the limits of the session's configuration hold, which has changed, and says from when on each does.
    ///
    /// # Errors
    /// [`LimitsError`]; then they hold from the session's next task on.
    pub async fn limit_again(&self) -> Limited {
        self.ask(|answer| Command::LimitAgain { answer }).await.unwrap_or(Err(LimitsError::Gone))
    }

    /// Replaces a worker of another version, if this is a quiet moment.
    pub async fn renew(&self) -> Renewal {
        self.ask(|answer| Command::Renew { answer }).await.unwrap_or(Renewal::Needless)
    }

    /// Replaces a worker under which the disk was full, if this is a moment for it.
    pub async fn mend(&self) -> Renewal {
        self.ask(|answer| Command::Mend { answer }).await.unwrap_or(Renewal::Needless)
    }

    /// What another image of the program has to know of the user; `None` when its task is gone.
    pub async fn carry(&self) -> Option<Carried> {
        self.ask(|answer| Command::Carry { answer }).await
    }

    /// Stops the worker and keeps everything.
    pub async fn shut_down(&self) {
        let _ = self.ask(|answer| Command::Shutdown { answer }).await; // a task that is gone keeps nothing
    }

    /// Sends a command and waits for its answer; `None` when the task is gone before it has one.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.commands.send(command(answer)).await.ok()?;
        answered.await.ok()
    }
}
