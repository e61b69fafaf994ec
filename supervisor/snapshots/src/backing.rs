//! Making a backup: [`Vault::backup`].
//!
//! Owns the order of the steps. It writes pieces, then the manifest, then the pointer, and removes pointers, then manifests,
//! then pieces. So whatever breaks off leaves what was there, and what is left over is collected by a later backup.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use colmeia::UserId;
use colmeia_base::tasks;

use crate::error::SnapshotError;
use crate::manifest::{About, FORMAT, FileEntry, Manifest, PIECE};
use crate::plan::{Found, Stored, collectable, retired};
use crate::pointer::Pointed;
use crate::seal;
use crate::source::{self, Files, SourceError};
use crate::vault::{MANIFEST, OBJECT, Vault, joined};

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backed {
    /// Its number among the user's.
    pub number: u64,
    /// How many files it has.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// How many pieces had to be written.
    pub new_objects: usize,
    /// The bytes of those as they were written.
    pub written: u64,
}

impl Vault {
    /// Backs these files up, and keeps so many backups of the user.
    ///
    /// # Errors
    /// [`SnapshotError`]; the user's newest backup is the one that it was before.
    pub async fn backup(&self, files: Files, about: About, keep: usize) -> Result<Backed, SnapshotError> {
        let user = about.user.clone();
        let before = self.pointer.read(&user).await?;
        let mut stored = self.stored(&user, before.last()).await?;
        let files = Arc::new(files);
        let names: Vec<(String, u64)> = files.entries().map(|(name, size)| (name.to_owned(), size)).collect();
        let mut backed = Backed { number: 0, files: names.len(), bytes: 0, new_objects: 0, written: 0 };
        let mut entries = Vec::with_capacity(names.len());
        for (path, size) in names {
            let pieces = self.write_file(&user, &files, &path, size, &mut stored, &mut backed).await?;
            backed.bytes += size;
            entries.push(FileEntry { path, size, pieces });
        }
        on_disk(move || files.unchanged()).await?;
        let manifest =
            Manifest { format: FORMAT, about, colmeia: env!("CARGO_PKG_VERSION").to_owned(), files: entries };
        let name = self.write_manifest(&user, &manifest).await?;
        backed.number = self.pointer.advance(&user, before.last().map(|last| last.number), &name).await?;
        if let Err(error) = self.collect(&user, keep, &name).await {
            tracing::warn!(%user, error = colmeia::errors::chain(&error), "old backups are collected next time");
        }
        Ok(backed)
    }

    /// What does not have to be written again. A last backup that cannot be read is none.
    async fn stored(&self, user: &UserId, newest: Option<&Pointed>) -> Result<Stored, SnapshotError> {
        let Some(manifest) = newest.and_then(|newest| newest.manifest.as_deref()) else {
            return Ok(Stored::default());
        };
        match self.read_manifest(user, manifest).await {
            Ok(manifest) => {
                let there = self.target.list(&self.folder(user, OBJECT)).await?;
                Ok(Stored::of(&manifest, &there.into_keys().collect()))
            }
            Err(SnapshotError::Target(error)) => Err(error.into()),
            Err(error) => {
                tracing::warn!(%user, %error, "the last backup cannot be read; everything is written again");
                Ok(Stored::default())
            }
        }
    }

    async fn write_file(
        &self,
        user: &UserId,
        files: &Arc<Files>,
        path: &str,
        size: u64,
        stored: &mut Stored,
        backed: &mut Backed,
    ) -> Result<Vec<String>, SnapshotError> {
        let (all, name) = (Arc::clone(files), path.to_owned());
        let file = Arc::new(on_disk(move || all.open(&name)).await?);
        let mut pieces = Vec::new();
        for from in (0..size).step_by(usize::try_from(PIECE).unwrap_or(usize::MAX)) {
            let (file, name, key) = (Arc::clone(&file), path.to_owned(), self.key.clone());
            let (content, bytes) = on_disk(move || {
                let bytes = source::piece(&file, &name, from, PIECE.min(size - from))?;
                Ok((key.content(OBJECT, &bytes), bytes))
            })
            .await?;
            if let Some(object) = stored.get(&content) {
                pieces.push(object.to_owned());
                continue;
            }
            let object = format!("{content}-{}", seal::random().map_err(SnapshotError::Sealing)?);
            let (key, named) = (self.key.clone(), object.clone());
            let sealed = tasks::blocking("sealing", move || seal::seal(&key, OBJECT, &named, &bytes));
            let sealed = joined(sealed.await).map_err(SnapshotError::Sealing)?;
            backed.new_objects += 1;
            backed.written += sealed.len() as u64;
            self.target.create(&format!("{}/{object}", self.folder(user, OBJECT)), sealed).await?;
            stored.add(&object);
            pieces.push(object);
        }
        Ok(pieces)
    }

    async fn write_manifest(&self, user: &UserId, manifest: &Manifest) -> Result<String, SnapshotError> {
        let bytes = serde_json::to_vec(manifest).map_err(|error| SnapshotError::Sealing(error.into()))?;
        let random = seal::random().map_err(SnapshotError::Sealing)?;
        let name = format!("{}-{random}", self.key.content(MANIFEST, &bytes));
        let sealed = seal::seal(&self.key, MANIFEST, &name, &bytes).map_err(SnapshotError::Sealing)?;
        self.target.create(&format!("{}/{name}", self.folder(user, MANIFEST)), sealed).await?;
        Ok(name)
    }

    /// Removes what is too old to be kept, and what nothing names.
    async fn collect(&self, user: &UserId, keep: usize, newest: &str) -> Result<(), SnapshotError> {
        let found = self.pointer.read(user).await?;
        let numbers: Vec<u64> = found.iter().map(|pointed| pointed.number).collect();
        let gone = retired(&numbers, keep);
        for number in gone {
            self.pointer.forget(user, *number).await?;
        }
        let (mut manifests, mut objects) = (BTreeSet::new(), BTreeSet::new());
        for kept in &found[gone.len()..] {
            // Of one that cannot be read nobody knows what it names: then nothing is collected.
            let name = kept.manifest.clone().ok_or_else(|| SnapshotError::Altered("a pointer".into()))?;
            let manifest = self.read_manifest(user, &name).await?;
            objects.extend(manifest.files.into_iter().flat_map(|file| file.pieces));
            manifests.insert(name);
        }
        let there = self.target.list(&self.folder(user, MANIFEST)).await?;
        // What was written a moment ago says what time it is there.
        let Some(now) = there.get(newest).copied() else { return Ok(()) };
        self.remove(user, MANIFEST, there, &manifests, now).await?;
        let there = self.target.list(&self.folder(user, OBJECT)).await?;
        self.remove(user, OBJECT, there, &objects, now).await
    }

    async fn remove(
        &self,
        user: &UserId,
        kind: &str,
        there: BTreeMap<String, SystemTime>,
        named: &BTreeSet<String>,
        now: SystemTime,
    ) -> Result<(), SnapshotError> {
        let found: Vec<Found> = there.into_iter().map(|(name, modified)| Found { name, modified }).collect();
        for name in collectable(&found, named, now, self.grace) {
            self.target.remove(&format!("{}/{name}", self.folder(user, kind))).await?;
        }
        Ok(())
    }
}

async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SnapshotError> {
    Ok(joined(tasks::blocking("reading a session's files", work).await)?)
}
