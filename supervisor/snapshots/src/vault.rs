//! [`Vault`]: a target under one key, and what is there: whose backups, which manifests.
//!
//! Owns the mark that says what the target is and with which key. Backups are made in `backing`, and fetched in `fetching`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use colmeia::UserId;
use serde::{Deserialize, Serialize};

use crate::error::SnapshotError;
use crate::key::Key;
use crate::manifest::{FORMAT, MOST_MANIFEST, Manifest, content_of};
use crate::pointer::{BucketPointer, Pointed, Pointer};
use crate::seal;
use crate::target::{Created, Got, Target};

/// How old something that nothing names is before it is collected: longer than any backup takes.
const GRACE: Duration = Duration::from_hours(24);
const MARK: &str = "colmeia-backup";
pub(crate) const OBJECT: &str = "object";
pub(crate) const MANIFEST: &str = "manifest";

/// What stands in [`MARK`], for whoever finds the folder and for us. Not secret.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    format: u32,
    /// Which key it is, and nothing else of it.
    key: String,
}

/// A target with its key.
#[derive(Debug, Clone)]
pub struct Vault {
    pub(crate) target: Target,
    pub(crate) key: Key,
    pub(crate) pointer: Arc<dyn Pointer>,
    pub(crate) grace: Duration,
}

/// A backup that is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Its number among the user's.
    pub number: u64,
    /// What it is.
    pub manifest: Manifest,
}

impl Vault {
    /// Opens a target to write into it; makes it one where it is none yet.
    ///
    /// # Errors
    /// [`SnapshotError::WrongKey`], [`SnapshotError::Unconditional`], or what the target says.
    pub async fn to_write(target: Target, key: Key) -> Result<Self, SnapshotError> {
        let there = Self::look(&target, &key).await?;
        let mark = serde_json::to_vec(&Mark { format: FORMAT, key: key.id().to_owned() }).unwrap_or_default();
        let created = target.create(MARK, Bytes::from(mark.clone())).await?;
        // Where something is, nothing may be written a second time.
        if there && created == Created::New {
            return Err(SnapshotError::Unconditional);
        }
        if !there && target.create(MARK, Bytes::from(mark)).await? == Created::New {
            return Err(SnapshotError::Unconditional);
        }
        // Somebody else may have been first.
        Self::to_read(target, key).await
    }

    /// Opens a target in which backups are.
    ///
    /// # Errors
    /// [`SnapshotError::NoBackups`], [`SnapshotError::WrongKey`], or what the target says.
    pub async fn to_read(target: Target, key: Key) -> Result<Self, SnapshotError> {
        if !Self::look(&target, &key).await? {
            return Err(SnapshotError::NoBackups);
        }
        let pointer = Arc::new(BucketPointer::new(target.clone(), key.clone()));
        Ok(Self { target, key, pointer, grace: GRACE })
    }

    /// The same with pointers elsewhere.
    #[must_use]
    pub fn pointing(self, pointer: Arc<dyn Pointer>) -> Self {
        Self { pointer, ..self }
    }

    /// The same with another grace time.
    #[must_use]
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// Whether there are backups, and of this key.
    async fn look(target: &Target, key: &Key) -> Result<bool, SnapshotError> {
        let bytes = match target.get(MARK, 4096).await? {
            Got::Nothing => return Ok(false),
            Got::TooLarge => return Err(SnapshotError::Altered(MARK.into())),
            Got::Bytes(bytes) => bytes,
        };
        let mark: Mark = serde_json::from_slice(&bytes).map_err(|_| SnapshotError::Altered(MARK.into()))?;
        if mark.format != FORMAT {
            return Err(SnapshotError::Newer(mark.format));
        }
        if mark.key != key.id() { Err(SnapshotError::WrongKey) } else { Ok(true) }
    }

    pub(crate) async fn read_manifest(&self, user: &UserId, name: &str) -> Result<Manifest, SnapshotError> {
        let shown = || format!("manifest {name}");
        if content_of(name).is_none() {
            return Err(SnapshotError::Altered(shown()));
        }
        let most = MOST_MANIFEST + seal::OVERHEAD;
        let bytes = match self.target.get(&format!("{}/{name}", self.folder(user, MANIFEST)), most).await? {
            Got::Bytes(bytes) => bytes,
            Got::Nothing => return Err(SnapshotError::Missing(shown())),
            Got::TooLarge => return Err(SnapshotError::Altered(shown())),
        };
        let opened = seal::open(&self.key, MANIFEST, name, &bytes, MOST_MANIFEST);
        let opened = opened.map_err(|_| SnapshotError::Altered(shown()))?;
        let manifest = Manifest::read(&opened)?.ok_or_else(|| SnapshotError::Altered(shown()))?;
        if manifest.about.user != *user {
            return Err(SnapshotError::AnotherUsers { wanted: user.clone() });
        }
        Ok(manifest)
    }

    /// All users of whom there are backups.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub async fn users(&self) -> Result<Vec<UserId>, SnapshotError> {
        let mut users = Vec::new();
        for folder in self.target.folders("users").await? {
            for name in self.target.list(&format!("users/{folder}/{MANIFEST}s")).await?.into_keys() {
                if let Some(user) = self.user_of(&folder, &name).await? {
                    users.push(user);
                    break;
                }
            }
        }
        users.sort();
        Ok(users)
    }

    /// Whose folder it is, by a manifest in it.
    async fn user_of(&self, folder: &str, name: &str) -> Result<Option<UserId>, SnapshotError> {
        let path = format!("users/{folder}/{MANIFEST}s/{name}");
        let Got::Bytes(bytes) = self.target.get(&path, MOST_MANIFEST + seal::OVERHEAD).await? else {
            return Ok(None);
        };
        let opened = seal::open(&self.key, MANIFEST, name, &bytes, MOST_MANIFEST).ok();
        let manifest = opened.and_then(|bytes| Manifest::read(&bytes).ok().flatten());
        Ok(manifest.map(|manifest| manifest.about.user).filter(|user| self.key.user(user) == folder))
    }

    /// The user's backups, the newest first: of each what it is, or why it cannot be read.
    ///
    /// # Errors
    /// [`SnapshotError::NoBackup`], or what the target says.
    pub async fn list(
        &self,
        user: &UserId,
    ) -> Result<Vec<(u64, Result<Manifest, SnapshotError>)>, SnapshotError> {
        let mut all = Vec::new();
        for Pointed { number, manifest } in self.pointer.read(user).await?.into_iter().rev() {
            let read = match manifest {
                Some(name) => self.read_manifest(user, &name).await,
                None => Err(SnapshotError::Altered(format!("pointer {number}"))),
            };
            all.push((number, read));
        }
        if all.is_empty() { Err(SnapshotError::NoBackup(user.clone())) } else { Ok(all) }
    }

    /// The user's newest backup, or the one of this number.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub async fn find(&self, user: &UserId, number: Option<u64>) -> Result<Kept, SnapshotError> {
        let all = self.pointer.read(user).await?;
        let newest = all.last().ok_or_else(|| SnapshotError::NoBackup(user.clone()))?;
        let wanted = match number {
            None => newest,
            Some(number) => all
                .iter()
                .find(|pointed| pointed.number == number)
                .ok_or_else(|| SnapshotError::NoSuchNumber { user: user.clone(), number })?,
        };
        let altered = || SnapshotError::Altered(format!("pointer {}", wanted.number));
        let name = wanted.manifest.as_deref().ok_or_else(altered)?;
        Ok(Kept { number: wanted.number, manifest: self.read_manifest(user, name).await? })
    }

    pub(crate) fn folder(&self, user: &UserId, kind: &str) -> String {
        format!("users/{}/{kind}s", self.key.user(user))
    }
}

/// Work on the disk breaks off only when it panics.
pub(crate) fn joined<T>(result: Result<T, tokio::task::JoinError>) -> T {
    result.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
