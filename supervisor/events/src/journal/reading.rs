//! What can be asked of the [`Journal`]. Each question goes to the reading thread and holds up no write.

use std::collections::HashMap;

use colmeia::{Me, UserId};

use super::{Cursor, DeadLetter, Journal, JournalError, Kind, Load, Page, Pending, Queue, Which, queries};

impl Journal {
    /// The oldest events that this queue has to deliver, due or not: order counts.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn pending(&self, queue: i64, limit: u32) -> Result<Vec<Pending>, JournalError> {
        let number = self.number;
        self.read(move |connection| queries::pending(connection, number, queue, limit)).await
    }

    /// A queue by its number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn queue(&self, id: i64) -> Result<Option<Queue>, JournalError> {
        self.read(move |connection| queries::queue(connection, id)).await
    }

    /// All queues, whether or not something is in them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn queues(&self) -> Result<Vec<Queue>, JournalError> {
        self.read(queries::queues).await
    }

    /// The queues that have something to deliver.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn waiting(&self) -> Result<Vec<Queue>, JournalError> {
        self.read(queries::waiting).await
    }

    /// How much waits and how much was given up, of every queue that has any of it, and whose turn it is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn loads(&self) -> Result<Vec<Load>, JournalError> {
        let number = self.number;
        self.read(move |connection| queries::loads(connection, number)).await
    }

    /// How many events wait to be delivered, for every user that has any.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn count_pending(&self) -> Result<HashMap<UserId, i64>, JournalError> {
        self.read(queries::count_pending).await
    }

    /// The account that each session was linked with last, until it asks for a new one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn accounts(&self) -> Result<HashMap<UserId, Me>, JournalError> {
        self.read(queries::accounts).await
    }

    /// Dead letters, the newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn dead(&self, which: Which, limit: u32) -> Result<Vec<DeadLetter>, JournalError> {
        let number = self.number;
        self.read(move |connection| queries::dead(connection, number, &which, limit)).await
    }

    /// The row after which someone goes on who begins here.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn place(&self, cursor: Cursor) -> Result<i64, JournalError> {
        let number = self.number;
        self.read(move |connection| queries::place(connection, number, cursor)).await
    }

    /// Events after a row, at most `limit`; of one user or of all, and only those that are wanted. A page may be
    /// empty although more follows.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn events(
        &self,
        after: i64,
        user: Option<UserId>,
        wanted: impl Fn(&UserId, Kind) -> bool + Send + 'static,
        limit: usize,
    ) -> Result<Page, JournalError> {
        let number = self.number;
        self.read(move |connection| queries::events(connection, number, after, user.as_ref(), wanted, limit))
            .await
    }
}
