//! [`Uploads`]: files on their way from a caller to a worker.
//!
//! Owns their folder and how much may be under way (`room`). Each file lies on the disk without a name, so it is gone
//! with its last handle, whatever becomes of the request or of us; what a file system that knows no such files leaves
//! after a crash is swept at the next start. **No file is ever in memory as a whole**: it is written as it comes in
//! and read in pieces. What comes the other way lies in [`Downloads`], in the same manner and in a room of its own.

mod downloads;
mod room;

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use colmeia::UserId;
use colmeia_base::files::if_there;
use colmeia_base::tasks;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use crate::folders;
use crate::shares::{Holder, Share, Shares};
use room::{ReservedRoom, Room};

pub use downloads::{Downloads, Fetched, NotFetched};
pub use room::NoRoom;

/// The largest file: WhatsApp's cap for everyday media.
pub const LARGEST: u64 = 64 * 1024 * 1024;
/// How many large bodies come in at once: each has a thread that waits for it.
const READERS: u64 = 32;
/// How much of a file is read at once.
const PIECE: usize = 256 * 1024;

/// Where uploads lie, and how many; cheap to clone.
#[derive(Debug, Clone)]
pub struct Uploads {
    folder: Arc<Path>,
    room: Arc<Mutex<Room>>,
    /// The room as callers have it, and how many large bodies may come in at once.
    callers: Shares,
    readers: Shares,
}

/// Room for a file that may come.
#[derive(Debug)]
pub struct Expected {
    folder: Arc<Path>,
    place: ReservedRoom,
}

/// A file that is coming in.
#[derive(Debug)]
pub struct Draft {
    file: File,
    place: ReservedRoom,
    hash: Option<Sha256>,
    written: u64,
}

/// A file that is here; cheap to clone.
#[derive(Debug, Clone)]
pub struct Upload(Arc<Whole>);

#[derive(Debug)]
struct Whole {
    file: File,
    place: ReservedRoom,
    length: u64,
    digest: Option<[u8; 32]>,
}

/// Why some bytes were not taken. The file is gone then.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// There were more than was said, or than is ever taken.
    #[error("the file is too large")]
    TooLarge,
    /// The disk.
    #[error("the file cannot be written")]
    Disk(#[source] io::Error),
}

impl DraftError {
    /// Whether there is no space.
    pub fn is_full(&self) -> bool {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        matches!(self, Self::Disk(error) if full.contains(&error.kind()))
    }
}

impl Uploads {
    /// Makes the folder, and removes what a crash may have left there.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        if_there(std::fs::remove_dir_all(&folder))?;
        folders::make_private(&folder)?;
        let room = Arc::new(Mutex::new(Room::new(room::WHOLE, room::OF_ONE)));
        let (callers, readers) = (Shares::new(room::WHOLE), Shares::new(READERS));
        Ok(Self { folder: folder.into(), room, callers, readers })
    }

    /// Lets a large body of this caller come in, until this is dropped.
    ///
    /// # Errors
    /// [`NoRoom`].
    pub fn reader(&self, holder: &Holder) -> Result<Share, NoRoom> {
        Ok(self.readers.take(holder, 1, room::of_caller(holder, READERS))?)
    }

    /// Sets room aside for a file of this caller of at most so many bytes, and never more than [`LARGEST`].
    ///
    /// # Errors
    /// [`NoRoom`].
    pub fn expect(&self, bytes: u64, holder: &Holder) -> Result<Expected, NoRoom> {
        self.set_aside(bytes.min(LARGEST), holder)
    }

    fn set_aside(&self, bytes: u64, holder: &Holder) -> Result<Expected, NoRoom> {
        let place = ReservedRoom::take(&self.room, bytes)?.of(holder, &self.callers)?;
        Ok(Expected { folder: Arc::clone(&self.folder), place })
    }

    /// How many bytes are set aside.
    #[cfg(any(test, feature = "testing"))]
    pub fn taken(&self) -> u64 {
        self.room.lock().taken()
    }
}

impl Expected {
    /// Counts it as this user's.
    ///
    /// # Errors
    /// [`NoRoom`].
    pub fn of(self, user: &UserId) -> Result<Self, NoRoom> {
        self.place.assign(user)?;
        Ok(self)
    }

    /// Begins the file. Blocks for as long as the disk does.
    ///
    /// # Errors
    /// [`DraftError::Disk`].
    pub fn begin(self) -> Result<Draft, DraftError> {
        self.begin_with(Some(Sha256::new()))
    }

    fn begin_with(self, hash: Option<Sha256>) -> Result<Draft, DraftError> {
        let file = tempfile::tempfile_in(&self.folder).map_err(DraftError::Disk)?;
        Ok(Draft { file, place: self.place, hash, written: 0 })
    }

    /// As [`Self::begin`], where nothing may block.
    ///
    /// # Errors
    /// [`DraftError::Disk`].
    pub async fn beginning(self) -> Result<Draft, DraftError> {
        let begun = tasks::blocking("upload", move || self.begin()).await;
        begun.unwrap_or_else(|panic| Err(DraftError::Disk(io::Error::other(panic))))
    }
}

impl Draft {
    /// Writes some more of it. Blocks for as long as the disk does.
    ///
    /// # Errors
    /// [`DraftError`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), DraftError> {
        let written = self.written + bytes.len() as u64;
        if written > self.place.bytes() {
            return Err(DraftError::TooLarge);
        }
        self.file.write_all(bytes).map_err(DraftError::Disk)?;
        self.hash.iter_mut().for_each(|hash| hash.update(bytes));
        self.written = written;
        Ok(())
    }

    /// As [`Self::write`], where nothing may block.
    ///
    /// # Errors
    /// [`DraftError`].
    pub async fn taking(mut self, bytes: Bytes) -> Result<Self, DraftError> {
        let written = tasks::blocking("upload", move || self.write(&bytes).map(|()| self)).await;
        written.unwrap_or_else(|panic| Err(DraftError::Disk(io::Error::other(panic))))
    }

    /// Its file, for another process to write to.
    ///
    /// # Errors
    /// When the system gives no further descriptor.
    pub fn hand_out(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// What another process has written into the file is all of it. Blocks while it is read once.
    ///
    /// # Errors
    /// [`DraftError`].
    pub fn adopt(mut self) -> Result<Upload, DraftError> {
        let mut piece = vec![0; PIECE];
        loop {
            match self.file.read_at(&mut piece, self.written).map_err(DraftError::Disk)? {
                0 => return Ok(self.finish()),
                read => {
                    self.hash.iter_mut().for_each(|hash| hash.update(&piece[..read]));
                    self.written += read as u64;
                }
            }
            if self.written > self.place.bytes() {
                return Err(DraftError::TooLarge);
            }
        }
    }

    /// That was all of it.
    pub fn finish(self) -> Upload {
        let Self { file, mut place, hash, written: length } = self;
        place.shrink_to(length);
        Upload(Arc::new(Whole { file, place, length, digest: hash.map(|hash| hash.finalize().into()) }))
    }
}

impl Upload {
    /// Counts it as this user's.
    ///
    /// # Errors
    /// [`NoRoom`].
    pub fn assign(&self, user: &UserId) -> Result<(), NoRoom> {
        self.0.place.assign(user)
    }

    /// In bytes.
    pub fn length(&self) -> u64 {
        self.0.length
    }

    /// Its file, for another process to read. All descriptors share one position, so readers pass their own (`pread`).
    ///
    /// # Errors
    /// When the system gives no further descriptor.
    pub fn hand_out(&self) -> io::Result<File> {
        self.0.file.try_clone()
    }

    /// SHA-256 of the content; none of what comes from a worker, which nobody compares.
    pub fn digest(&self) -> Option<&[u8; 32]> {
        self.0.digest.as_ref()
    }

    /// A piece of it from this byte on; empty only at its end.
    ///
    /// # Errors
    /// Those of the disk, and [`io::ErrorKind::UnexpectedEof`] when it lost something.
    pub async fn piece(&self, from: u64) -> io::Result<Bytes> {
        let file = self.clone();
        let read = tasks::blocking("upload", move || file.read(from));
        read.await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
    }

    /// As [`Self::piece`]. Blocks for as long as the disk does.
    pub(crate) fn read(&self, from: u64) -> io::Result<Bytes> {
        let left = usize::try_from(self.0.length.saturating_sub(from)).unwrap_or(PIECE);
        let mut piece = BytesMut::zeroed(left.min(PIECE));
        self.0.file.read_exact_at(&mut piece, from).map(|()| piece.freeze())
    }
}

#[cfg(any(test, feature = "testing"))]
pub mod testing;

#[cfg(test)]
mod tests {
    use super::testing::{open_files, upload};
    use super::*;

    #[tokio::test]
    async fn a_file_comes_out_as_it_went_in_and_is_gone_with_its_last_handle() {
        let folder = tempfile::tempdir().expect("folder");
        let uploads = Uploads::open(folder.path().join("u")).expect("opened");
        let content: Vec<u8> = (0..PIECE * 2 + 100).map(|n| (n % 251) as u8).collect();
        let file = upload(&uploads, &content);
        assert_eq!((file.length(), uploads.taken()), (content.len() as u64, content.len() as u64));
        assert_eq!(file.digest().expect("a caller's")[..], Sha256::digest(&content)[..]);
        let mut read = Vec::new();
        loop {
            let piece = file.piece(read.len() as u64).await.expect("read");
            if piece.is_empty() {
                break;
            }
            assert!(piece.len() <= PIECE);
            read.extend_from_slice(&piece);
        }
        assert_eq!(read, content);
        let other = file.clone();
        drop(file);
        assert_eq!(open_files(&uploads.folder), 1);
        drop(other);
        assert_eq!((open_files(&uploads.folder), uploads.taken()), (0, 0));
        assert!(std::fs::read_dir(&uploads.folder).expect("there").next().is_none());
    }

    #[test]
    fn nothing_is_taken_beyond_what_was_set_aside() {
        let folder = tempfile::tempdir().expect("folder");
        let uploads = Uploads::open(folder.path().join("u")).expect("opened");
        let mut draft = uploads.expect(3, &Holder::Here).expect("room").begin().expect("begun");
        draft.write(b"abc").expect("fits");
        assert!(matches!(draft.write(b"d"), Err(DraftError::TooLarge)));
        drop(draft);
        assert_eq!(uploads.taken(), 0);
        drop(uploads.expect(u64::MAX, &Holder::Here).expect("no more than the largest"));
    }

    #[test]
    fn what_another_process_wrote_is_taken_as_it_is() {
        let folder = tempfile::tempdir().expect("folder");
        let uploads = Uploads::open(folder.path().join("u")).expect("opened");
        let write = |room, content: &[u8]| {
            let draft = uploads.expect(room, &Holder::Here).expect("room").begin().expect("begun");
            draft.hand_out().expect("handed out").write_all(content).expect("written");
            draft.adopt()
        };
        let file = write(10, b"abc").expect("taken");
        let digest = file.digest().expect("a caller's").to_vec();
        assert_eq!((file.length(), digest), (3, Sha256::digest(b"abc").to_vec()));
        assert_eq!(uploads.taken(), 3);
        assert!(matches!(write(2, b"abc"), Err(DraftError::TooLarge)));
    }

    #[test]
    fn what_a_crash_left_is_swept() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("u");
        std::fs::create_dir(&path).expect("made");
        std::fs::write(path.join("half"), b"x").expect("written");
        Uploads::open(path.clone()).expect("opened");
        assert!(std::fs::read_dir(path).expect("there").next().is_none());
    }
}
