//! Bringing a backup back: [`Vault::fetch`].
//!
//! Owns the proof that every byte is what was written: each piece is authenticated under its name, and its content is what
//! the name says. Writes into a folder that is its caller's, and puts nothing in place.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use colmeia::UserId;
use colmeia::layout::COPY_LEAVES_FREE;
use colmeia_base::files::{self, give};
use colmeia_base::tasks;

use crate::error::SnapshotError;
use crate::manifest::{Manifest, content_of};
use crate::seal;
use crate::target::Got;
use crate::vault::{OBJECT, Vault, joined};

impl Vault {
    /// Writes a backup's files into a folder, which is ours alone and empty, for this owner. When this returns all of them
    /// are whole, and on disk.
    ///
    /// # Errors
    /// [`SnapshotError`]; then what is in the folder is worth nothing.
    pub async fn fetch(
        &self,
        manifest: &Manifest,
        into: &Path,
        owner: Option<u32>,
    ) -> Result<(), SnapshotError> {
        let (folder, bytes) = (into.to_owned(), manifest.bytes());
        written(into, move || has_room(&folder, bytes))
            .await?
            .then_some(())
            .ok_or(SnapshotError::NoRoom { bytes })?;
        for entry in &manifest.files {
            let path = into.join(&entry.path);
            let (root, made) = (into.to_owned(), path.clone());
            let file = Arc::new(written(&path, move || make(&root, &made, owner)).await?);
            for (number, object) in entry.pieces.iter().enumerate() {
                let bytes = self.read_piece(&manifest.about.user, object, entry.piece_size(number)).await?;
                let file = Arc::clone(&file);
                written(&path, move || (&*file).write_all(&bytes)).await?;
            }
            written(&path, move || file.sync_all()).await?;
        }
        let folder = into.to_owned();
        written(into, move || sync_folders(&folder)).await
    }

    async fn read_piece(&self, user: &UserId, object: &str, size: u64) -> Result<Vec<u8>, SnapshotError> {
        let shown = || format!("piece {object}");
        let size = usize::try_from(size).map_err(|_| SnapshotError::Altered(shown()))?;
        let path = format!("{}/{object}", self.folder(user, OBJECT));
        let bytes = match self.target.get(&path, size + seal::OVERHEAD).await? {
            Got::Bytes(bytes) => bytes,
            Got::Nothing => return Err(SnapshotError::Missing(shown())),
            Got::TooLarge => return Err(SnapshotError::Altered(shown())),
        };
        let (key, name) = (self.key.clone(), object.to_owned());
        let opening = tasks::blocking("opening", move || {
            let opened = seal::open(&key, OBJECT, &name, &bytes, size).ok()?;
            let fits = opened.len() == size && content_of(&name) == Some(&key.content(OBJECT, &opened));
            fits.then_some(opened)
        });
        joined(opening.await).ok_or_else(|| SnapshotError::Altered(shown()))
    }
}

async fn written<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, SnapshotError> {
    let done = joined(tasks::blocking("restoring", work).await);
    done.map_err(|source| SnapshotError::Disk { path: path.to_owned(), source })
}

fn has_room(folder: &Path, bytes: u64) -> io::Result<bool> {
    Ok(files::free(folder)? >= bytes.saturating_add(COPY_LEAVES_FREE))
}

/// A new file, and the folders that it needs below the root.
fn make(root: &Path, path: &Path, owner: Option<u32>) -> io::Result<File> {
    let missing: Vec<PathBuf> = path
        .ancestors()
        .skip(1)
        .take_while(|above| *above != root && !above.exists())
        .map(Path::to_owned)
        .collect();
    for folder in missing.iter().rev() {
        DirBuilder::new().mode(0o700).create(folder)?;
        give(&File::open(folder)?, owner)?;
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    give(&file, owner)?;
    Ok(file)
}

fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    files::sync(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_left_for_everything_else() {
        let folder = tempfile::tempdir().expect("folder");
        assert!(!has_room(folder.path(), u64::MAX).expect("asked"));
        let free = files::free(folder.path()).expect("asked");
        assert!(!has_room(folder.path(), free).expect("asked"), "nothing would be left");
    }
}
