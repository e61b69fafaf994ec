//! Files on their way between the supervisor and the page: what is small in memory, what is large on the disk.
//!
//! Owns their folder and their ends: a file is gone with its last handle, and what a worker that was killed left there is
//! removed at the next start. The browser may read the folder and write nothing in it. Never looks into a file, and never
//! has a large one in memory as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use colmeia::layout::DISK_FULL;
use colmeia_base::{files, tasks};
use nix::libc;

/// How much of a file is read at once.
const PIECE: usize = 256 * 1024;

/// The folder; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    folder: Arc<Path>,
    /// So many bytes are never taken.
    reserve: u64,
}

/// What goes with a call or comes with its answer; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// A small one, or none.
    Memory(Bytes),
    /// A large one.
    File(Arc<Stored>),
}

/// A file that is coming in.
#[derive(Debug)]
pub(crate) struct Draft(Stored);

/// A file that is here.
#[derive(Debug)]
pub(crate) struct Stored {
    file: File,
    path: PathBuf,
    length: u64,
}

impl Files {
    /// Makes the folder, and removes what a worker before this one left in it. Where that cannot be done, what is written
    /// later fails, which says why.
    pub(crate) fn open(folder: PathBuf) -> Self {
        if let Err(error) = files::make_folder(&folder) {
            tracing::warn!(%error, "the folder of files cannot be made: large ones will be refused");
        }
        for left in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if let Err(error) = fs::remove_file(left.path()) {
                tracing::warn!(%error, "a file that was left cannot be removed");
            }
        }
        Self { folder: folder.into(), reserve: DISK_FULL }
    }

    /// Begins a file that will have so many bytes.
    ///
    /// # Errors
    /// Those of the disk; [`ErrorKind::StorageFull`] also where it would be nearly full then.
    pub(crate) async fn draft(&self, length: u64) -> io::Result<Draft> {
        let files = self.clone();
        blocking(move || files.begin(length)).await
    }

    fn begin(&self, length: u64) -> io::Result<Draft> {
        // The browser may keep a copy of its own. Unknown is not full.
        let needed = length.saturating_mul(2).saturating_add(self.reserve);
        if files::free(&self.folder).is_ok_and(|free| free < needed) {
            return Err(ErrorKind::StorageFull.into());
        }
        let path = self.folder.join(format!("{:032x}", rand::random::<u128>()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
        let file = options.open(&path)?;
        Ok(Draft(Stored { file, path, length: 0 }))
    }

    #[cfg(test)]
    pub(crate) fn on_a_full_disk(folder: PathBuf) -> Self {
        Self { reserve: u64::MAX, ..Self::open(folder) }
    }
}

impl Draft {
    /// Writes some more of it.
    ///
    /// # Errors
    /// Those of the disk; the file is gone then.
    pub(crate) async fn taking(mut self, bytes: Bytes) -> io::Result<Self> {
        blocking(move || {
            self.0.file.write_all(&bytes)?;
            self.0.length += bytes.len() as u64;
            Ok(self)
        })
        .await
    }

    /// That was all of it.
    pub(crate) fn finish(self) -> Body {
        Body::File(Arc::new(self.0))
    }
}

impl Stored {
    /// Where the browser finds it, as long as this lives.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// In bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, "a file that has arrived cannot be removed; the next start tries again");
        }
    }
}

impl Body {
    /// None.
    pub(crate) const NONE: Self = Self::Memory(Bytes::new());

    /// In bytes.
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(file) => file.length,
        }
    }

    /// A piece of it from this byte on; empty only at its end.
    ///
    /// # Errors
    /// Those of the disk.
    pub(crate) async fn piece(&self, from: u64) -> io::Result<Bytes> {
        match self {
            Self::Memory(bytes) => {
                let from = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.slice(from..))
            }
            Self::File(file) => {
                let file = Arc::clone(file);
                blocking(move || {
                    let left = usize::try_from(file.length.saturating_sub(from)).unwrap_or(PIECE);
                    let mut piece = BytesMut::zeroed(left.min(PIECE));
                    file.file.read_exact_at(&mut piece, from).map(|()| piece.freeze())
                })
                .await
            }
        }
    }
}

/// A thread that died has written nothing that counts.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tasks::blocking("file", work).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia::protocol::CallError;

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).expect("there").count()
    }

    #[tokio::test]
    async fn a_file_comes_out_as_it_went_in_and_is_gone_with_its_last_handle() {
        let dir = tempfile::tempdir().expect("folder");
        let files = Files::open(dir.path().join("files"));
        let content: Vec<u8> = (0..PIECE * 2 + 100).map(|n| (n % 251) as u8).collect();
        let mut draft = files.draft(content.len() as u64).await.expect("begun");
        for piece in content.chunks(100_000) {
            draft = draft.taking(Bytes::copy_from_slice(piece)).await.expect("written");
        }
        let body = draft.finish();
        let mut read = Vec::new();
        while (read.len() as u64) < body.length() {
            read.extend_from_slice(&body.piece(read.len() as u64).await.expect("read"));
        }
        assert!(read == content);
        let other = body.clone();
        drop(body);
        assert_eq!(names(&files.folder), 1);
        drop(other);
        assert_eq!(names(&files.folder), 0);
    }

    #[tokio::test]
    async fn what_came_half_is_gone_and_what_a_killed_worker_left_is_removed_at_the_next_start() {
        let dir = tempfile::tempdir().expect("folder");
        let folder = dir.path().join("files");
        let files = Files::open(folder.clone());
        let half =
            files.draft(10).await.expect("begun").taking(Bytes::from_static(b"abc")).await.expect("written");
        drop(half);
        assert_eq!(names(&folder), 0);
        // A worker that is killed drops nothing.
        std::mem::forget(files.draft(10).await.expect("begun"));
        assert_eq!(names(&folder), 1);
        Files::open(folder.clone());
        assert_eq!(names(&folder), 0);
    }

    #[tokio::test]
    async fn a_full_or_missing_disk_has_its_name_and_nothing_is_left() {
        let dir = tempfile::tempdir().expect("folder");
        let full = Files::on_a_full_disk(dir.path().join("full"));
        let error = CallError::no_file("the file cannot be kept", &full.draft(1).await.expect_err("full"));
        assert!(error.disk_full && error.message.ends_with("the disk is full"), "{error}");
        assert_eq!(names(&dir.path().join("full")), 0);

        let missing = Files::open(dir.path().join("missing"));
        fs::remove_dir(dir.path().join("missing")).expect("removed");
        let error =
            CallError::no_file("the file cannot be kept", &missing.draft(1).await.expect_err("missing"));
        assert!(!error.disk_full && error.message.contains("No such file"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_write_that_the_disk_refuses_half_way_leaves_nothing() {
        let dir = tempfile::tempdir().expect("folder");
        let files = Files::open(dir.path().join("files"));
        let mut draft = files.draft(10).await.expect("begun");
        draft.0.file = OpenOptions::new().write(true).open("/dev/full").expect("Linux has one");
        let error = draft.taking(Bytes::from_static(b"abc")).await.expect_err("no space");
        assert!(CallError::no_file("x", &error).disk_full);
        assert_eq!(names(&files.folder), 0);
    }
}
