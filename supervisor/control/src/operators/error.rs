//! Why an operation was not done, or nothing could be seen. Both ways in turn these into their own answers.

use colmeia::UserId;

use crate::deletion::DeletionError;
use colmeia_events::journal::JournalError;
use colmeia_session::NotKept;
use colmeia_session::registry::RegistryError;

/// Why not.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// No task, no folder, no hold.
    #[error("there is no user {0}")]
    Unknown(UserId),
    /// A resume of someone who is not held up by anything.
    #[error("user {user} is {phase} and waits for nobody")]
    WaitsForNobody {
        /// Whose session.
        user: UserId,
        /// Where it is.
        phase: &'static str,
    },
    /// The user's task takes no more commands just now.
    #[error("the user's task is busy; try again")]
    Busy,
    /// It was done, and a restart of the service undoes it.
    #[error("{0} ({cause})", cause = cause_of(.0))]
    NotKept(NotKept),
    /// A logout or a reset that goes on beyond what anyone waits for.
    #[error("it is still going on; look again in a moment")]
    StillGoing,
    /// The profile could not be deleted.
    #[error("the session's folder cannot be deleted; the log says why")]
    NotDeleted,
    /// Something of the session is still there.
    #[error("{0}; the log says why. Ask again to go on")]
    Deletion(#[from] DeletionError),
    /// No task can be made for a new user.
    #[error(transparent)]
    NoTask(#[from] RegistryError),
    /// How much waits to be delivered is not known.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The event that was to be discarded does not wait there, or not as the first.
    #[error("this event is not the one whose turn it is; nothing was done")]
    NotItsTurn,
    /// It cannot be read who there is.
    #[error("what is kept of the sessions cannot be read; try again in a moment")]
    Unread(#[source] std::io::Error),
    /// The helper that looks at the machine panicked.
    #[error("the machine could not be looked at")]
    Look(#[source] tokio::task::JoinError),
}

/// What the disk says.
fn cause_of(error: &NotKept) -> String {
    match error {
        NotKept::Disk(cause) => cause.to_string(),
        NotKept::Busy | NotKept::Slow => "no answer".into(),
    }
}
