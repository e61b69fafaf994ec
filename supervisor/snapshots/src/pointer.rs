//! Which manifest is a user's newest: [`Pointer`], and the one that lies in the target ([`BucketPointer`]).
//!
//! Owns the rule that an old writer never replaces what a newer one wrote: whoever moves the pointer says after which
//! number, and fails if that is not the newest any more. In the target a pointer is an object with the next number as its
//! name, written only where none is: every store that has conditional writes can do that, and so can a folder. Numbers that
//! were collected could be written again, so after each move it is looked whether it is the newest.

use std::fmt;

use colmeia::UserId;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::error::SnapshotError;
use crate::key::Key;
use crate::seal;
use crate::target::{Created, Got, Target};

/// A pointer's name, so that their order is that of their numbers.
const DIGITS: usize = 12;
/// More than a manifest's name has.
const MOST: usize = 1024;
const KIND: &str = "pointer";

/// Where one backup of a user is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointed {
    /// Counts a user's backups.
    pub number: u64,
    /// The manifest's name; nothing where the pointer was altered or damaged.
    pub manifest: Option<String>,
}

/// Keeps which backups a user has.
pub trait Pointer: fmt::Debug + Send + Sync {
    /// The user's backups, the oldest first.
    fn read<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<Vec<Pointed>, SnapshotError>>;

    /// Points to this manifest from now on, if the newest number is still this one. Fails with
    /// [`SnapshotError::Stale`] if it is not; says the new number.
    fn advance<'a>(
        &'a self,
        user: &'a UserId,
        newest: Option<u64>,
        manifest: &'a str,
    ) -> BoxFuture<'a, Result<u64, SnapshotError>>;

    /// Forgets one that is not the newest.
    fn forget<'a>(&'a self, user: &'a UserId, number: u64) -> BoxFuture<'a, Result<(), SnapshotError>>;
}

/// Pointers in the target itself.
#[derive(Debug)]
pub struct BucketPointer {
    target: Target,
    key: Key,
}

impl BucketPointer {
    /// In this target.
    #[must_use]
    pub fn new(target: Target, key: Key) -> Self {
        Self { target, key }
    }

    fn folder(&self, user: &UserId) -> String {
        format!("users/{}/pointers", self.key.user(user))
    }

    async fn numbers(&self, user: &UserId) -> Result<Vec<u64>, SnapshotError> {
        let names = self.target.list(&self.folder(user)).await?;
        let numbers = names.keys().filter(|name| name.len() == DIGITS).filter_map(|name| name.parse().ok());
        Ok(numbers.collect())
    }

    /// Nothing where it was collected meanwhile.
    async fn read_one(&self, user: &UserId, number: u64) -> Result<Option<Pointed>, SnapshotError> {
        let name = name(number);
        let opened = match self.target.get(&format!("{}/{name}", self.folder(user)), MOST).await? {
            Got::Bytes(bytes) => seal::open(&self.key, KIND, &name, &bytes, MOST).ok(),
            Got::Nothing => return Ok(None),
            Got::TooLarge => None,
        };
        Ok(Some(Pointed { number, manifest: opened.and_then(|bytes| String::from_utf8(bytes).ok()) }))
    }

    async fn read_all(&self, user: &UserId) -> Result<Vec<Pointed>, SnapshotError> {
        let mut found = Vec::new();
        for number in self.numbers(user).await? {
            found.extend(self.read_one(user, number).await?);
        }
        Ok(found)
    }

    async fn create(&self, user: &UserId, newest: Option<u64>, manifest: &str) -> Result<u64, SnapshotError> {
        let number = newest.unwrap_or_default() + 1;
        let (folder, name) = (self.folder(user), name(number));
        let sealed =
            seal::seal(&self.key, KIND, &name, manifest.as_bytes()).map_err(SnapshotError::Sealing)?;
        let path = format!("{folder}/{name}");
        let created = self.target.create(&path, sealed).await?;
        // A write that was repeated because its answer was lost finds itself.
        if self.numbers(user).await?.last() == Some(&number)
            && self
                .read_one(user, number)
                .await?
                .is_some_and(|found| found.manifest.as_deref() == Some(manifest))
        {
            return Ok(number);
        }
        if created == Created::New {
            self.target.remove(&path).await?;
        }
        Err(SnapshotError::Stale(user.clone()))
    }
}

impl Pointer for BucketPointer {
    fn read<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<Vec<Pointed>, SnapshotError>> {
        self.read_all(user).boxed()
    }

    fn advance<'a>(
        &'a self,
        user: &'a UserId,
        newest: Option<u64>,
        manifest: &'a str,
    ) -> BoxFuture<'a, Result<u64, SnapshotError>> {
        self.create(user, newest, manifest).boxed()
    }

    fn forget<'a>(&'a self, user: &'a UserId, number: u64) -> BoxFuture<'a, Result<(), SnapshotError>> {
        async move { Ok(self.target.remove(&format!("{}/{}", self.folder(user), name(number))).await?) }
            .boxed()
    }
}

fn name(number: u64) -> String {
    format!("{number:0DIGITS$}")
}
