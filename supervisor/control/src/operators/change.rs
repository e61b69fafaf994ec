//! What is changed about one user. Owns which word means which command.

use std::fmt;
use std::time::Duration;

use colmeia::UserId;
use colmeia::admin::Changed;
use colmeia_base::tasks;

use super::look::phase_name;
use super::{OperationError, Operators};
use crate::deletion::DELETED_WITHIN;
use colmeia_session::{DisconnectOutcome, NotKept, OperatorCommand, Phase, PhoneNotified, UserHandle};

/// More than the user's task gives itself.
const LONGEST: Duration = Duration::from_secs(30);

/// The words that operators have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Start, also what is stopped or parked.
    Start,
    /// The same, for who waits for someone to say so, and nobody else.
    Resume,
    /// Stop, and stay stopped.
    Stop,
    /// A new worker and browser.
    Restart,
    /// Tell the phone, then delete the profile.
    Logout,
    /// Delete the profile without asking it anything.
    Reset,
    /// Tell the phone, then delete everything of the session.
    Delete,
}

/// Who asks, for the log.
#[derive(Debug, Clone, Copy)]
pub enum Asker {
    /// A process at the admin socket, as the kernel says it.
    Process {
        /// Its user.
        uid: u32,
        /// Itself; 0 where the kernel does not say.
        pid: u32,
    },
    /// Someone at the dashboard.
    Dashboard,
}

impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { uid, pid } => write!(f, "uid {uid}, pid {pid}"),
            Self::Dashboard => f.write_str("dashboard"),
        }
    }
}

impl Word {
    /// The word that is written like this.
    pub fn of(text: &str) -> Option<Self> {
        [Self::Start, Self::Resume, Self::Stop, Self::Restart, Self::Logout, Self::Reset, Self::Delete]
            .into_iter()
            .find(|word| word.name() == text)
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Resume => "resume",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Logout => "logout",
            Self::Reset => "reset",
            Self::Delete => "delete",
        }
    }
}

impl Operators {
    /// Does what was asked for. `new` lets a start make a user that is not known yet.
    ///
    /// # Errors
    /// [`OperationError`]; then nothing was changed, except for [`OperationError::StillGoing`] and
    /// [`OperationError::NotKept`].
    pub async fn change(
        &self,
        user: &UserId,
        word: Word,
        new: bool,
        by: Asker,
    ) -> Result<Changed, OperationError> {
        let handle = match self.known(user).await {
            Err(_) if new && word == Word::Start => self.0.users.find_or_create(user).await?,
            found => found?,
        };
        handle.settled().await;
        tracing::info!(%user, operation = word.name(), %by, "asked by an operator");
        let phase = handle.view().phase;
        let name = phase_name(&phase);
        if word == Word::Resume
            && !matches!(phase, Phase::Parked { .. } | Phase::Held | Phase::BackingOff { .. })
        {
            return Err(OperationError::WaitsForNobody { user: user.clone(), phase: name });
        }
        let phone_told = match word {
            Word::Start | Word::Resume => operate(&handle, OperatorCommand::Start).await?,
            Word::Stop => operate(&handle, OperatorCommand::Stop).await?,
            Word::Restart => operate(&handle, OperatorCommand::Restart).await?,
            Word::Logout => Some(self.bounded(handle, false).await? != DisconnectOutcome::OnlyHere),
            Word::Reset => self.bounded(handle, true).await.map(|_| None)?,
            Word::Delete => {
                let going = self.0.deletions.delete(user);
                let told = tokio::time::timeout(DELETED_WITHIN, going).await;
                Some(told.map_err(|_| OperationError::StillGoing)?? != PhoneNotified::No)
            }
        };
        Ok(Changed { user: user.clone(), operation: word.name().into(), phase: name.into(), phone_told })
    }

    /// It goes on when whoever asked hangs up: half a deletion would be worse.
    async fn bounded(&self, handle: UserHandle, reset: bool) -> Result<DisconnectOutcome, OperationError> {
        let busy = self.0.control.busy();
        let going = tasks::passing("operation", async move {
            let _busy = busy;
            if reset { handle.reset().await } else { handle.disconnect().await }
        });
        match tokio::time::timeout(LONGEST, going).await {
            Ok(Ok(DisconnectOutcome::NotDeleted)) => Err(OperationError::NotDeleted),
            Ok(Ok(outcome)) => Ok(outcome),
            _ => Err(OperationError::StillGoing),
        }
    }
}

/// The view shows what comes of it.
async fn operate(handle: &UserHandle, operation: OperatorCommand) -> Result<Option<bool>, OperationError> {
    match handle.operate(operation).await {
        Ok(()) => Ok(None),
        Err(NotKept::Busy) => Err(OperationError::Busy),
        Err(error) => Err(OperationError::NotKept(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_what_it_is_written_like_and_nothing_else_is_one() {
        for text in ["start", "resume", "stop", "restart", "logout", "reset", "delete"] {
            assert_eq!(Word::of(text).map(Word::name), Some(text));
        }
        for text in ["", "Stop", "remove", "stop "] {
            assert_eq!(Word::of(text), None, "{text}");
        }
    }
}
