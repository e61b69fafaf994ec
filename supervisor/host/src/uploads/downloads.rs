//! [`Downloads`]: bodies of answers on their way from a worker to whoever asked.
//!
//! Owns what becomes of such a body while it comes in: a small one stays in memory, a large one goes to the disk, into a
//! room apart from that of [`Uploads`], so that who sends and who fetches never take each other's. What does not fit there
//! is read to its end all the same, because the worker's next word comes after it. Never waits for the disk longer than
//! [`PATIENCE`] altogether: until the body is here the worker counts as silent.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::{Bytes, BytesMut};
use colmeia::UserId;
use colmeia::layout::DISK_FULL;
use colmeia::protocol::SMALL_BODY;
use futures::stream::{self, Stream};
use tokio::time::{Instant, timeout};

use super::{Draft, DraftError, NoRoom, Upload, Uploads};
use crate::shares::Holder;
use crate::{blocking, disk};

/// How long the disk may keep one body waiting: half of the time after which a silent worker is ended, by default. It counts
/// what the disk took, not how long the worker took to say it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much goes to the disk at once.
const PIECE: usize = 1024 * 1024;
/// The most base64 is made of at once; a multiple of three, so that pieces fit together.
const BASE64_PIECE: usize = 3 * 64 * 1024;

/// Where large bodies lie; cheap to clone.
#[derive(Debug, Clone)]
pub struct Downloads {
    room: Uploads,
    /// So many bytes of the disk are never taken.
    reserve: u64,
}

/// A body that is here; cheap to clone.
#[derive(Clone)]
pub enum Fetched {
    /// A small one, or none.
    Memory(Bytes),
    /// A large one.
    File(Upload),
}

/// Why a body is not here.
#[derive(Debug, thiserror::Error)]
pub enum NotFetched {
    /// Too much is on its way already.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The disk, also when it took too long.
    #[error("the answer's file cannot be kept")]
    Disk(#[source] io::Error),
}

/// A body that is coming in.
pub struct Arriving {
    to: To,
    gathered: BytesMut,
    patience: Duration,
}

enum To {
    Memory,
    Disk(Box<Draft>),
    Nowhere(NotFetched),
}

impl Downloads {
    /// Makes the folder, and removes what a crash may have left there.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        Ok(Self { room: Uploads::open(folder)?, reserve: DISK_FULL })
    }

    /// Makes ready for a body of so many bytes from this user's worker.
    pub async fn expect(&self, user: &UserId, length: usize) -> Arriving {
        let mut arriving = Arriving { to: To::Memory, gathered: BytesMut::new(), patience: PATIENCE };
        if length > SMALL_BODY {
            arriving.to = match self.draft(user, length as u64).await {
                Ok(draft) => To::Disk(Box::new(draft)),
                Err(why) => To::Nowhere(why),
            };
        }
        arriving
    }

    async fn draft(&self, user: &UserId, length: u64) -> Result<Draft, NotFetched> {
        // Of whoever asked nothing is known here; the session's own share is the bound.
        let holder = Holder::Session(user.clone());
        let expected = self.room.set_aside(length, &holder)?.of(user)?;
        let needed = length.saturating_add(self.reserve);
        within(PATIENCE, move || {
            // Unknown is not full.
            if disk::free(&expected.folder).is_some_and(|free| free < needed) {
                return Err(DraftError::Disk(ErrorKind::StorageFull.into()));
            }
            expected.begin_with(None)
        })
        .await
    }

    /// How many bytes are set aside.
    #[cfg(any(test, feature = "testing"))]
    pub fn taken(&self) -> u64 {
        self.room.taken()
    }

    /// On a disk that takes nothing.
    #[cfg(any(test, feature = "testing"))]
    pub fn on_a_full_disk(folder: PathBuf) -> Self {
        Self { reserve: u64::MAX, ..Self::open(folder).expect("opened") }
    }
}

impl Arriving {
    /// Some more of it.
    pub async fn take(&mut self, piece: &[u8]) {
        if matches!(self.to, To::Nowhere(_)) {
            return;
        }
        self.gathered.extend_from_slice(piece);
        if matches!(self.to, To::Disk(_)) && self.gathered.len() >= PIECE {
            self.put_down().await;
        }
    }

    /// That was all of it.
    ///
    /// # Errors
    /// [`NotFetched`].
    pub async fn finish(mut self) -> Result<Fetched, NotFetched> {
        self.put_down().await;
        match self.to {
            To::Memory => Ok(Fetched::Memory(self.gathered.freeze())),
            To::Disk(draft) => Ok(Fetched::File(draft.finish())),
            To::Nowhere(why) => Err(why),
        }
    }

    /// Writes what was gathered, where it goes to the disk.
    async fn put_down(&mut self) {
        self.to = match std::mem::replace(&mut self.to, To::Memory) {
            To::Disk(mut draft) => {
                let (begun, gathered) = (Instant::now(), self.gathered.split());
                let taken = within(self.patience, move || draft.write(&gathered).map(|()| draft)).await;
                self.patience = self.patience.saturating_sub(begun.elapsed());
                taken.map_or_else(To::Nowhere, To::Disk)
            }
            to => to,
        };
    }
}

/// What the disk does, if it does it in time. A thread that died has done nothing that counts.
async fn within<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> Result<T, DraftError> + Send + 'static,
) -> Result<T, NotFetched> {
    let done = timeout(patience, blocking::with_downloads(work)).await;
    let done = done.map_err(|_| NotFetched::Disk(ErrorKind::TimedOut.into()))?;
    done.unwrap_or_else(|panic| Err(DraftError::Disk(io::Error::other(panic)))).map_err(|error| match error {
        DraftError::Disk(error) => NotFetched::Disk(error),
        // More came than was announced, which the codec rules out.
        DraftError::TooLarge => NotFetched::Disk(ErrorKind::FileTooLarge.into()),
    })
}

impl Fetched {
    /// None.
    #[cfg(any(test, feature = "testing"))]
    pub const NONE: Self = Self::Memory(Bytes::new());

    /// In bytes.
    pub fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(file) => file.length(),
        }
    }

    /// A piece of it from this byte on; empty only at its end.
    ///
    /// # Errors
    /// Those of [`Upload::piece`].
    pub async fn piece(&self, from: u64) -> io::Result<Bytes> {
        match self {
            Self::Memory(bytes) => {
                Ok(bytes.slice(usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len())..))
            }
            Self::File(file) => {
                let file = file.clone();
                let read = blocking::with_downloads(move || file.read(from)).await;
                read.unwrap_or_else(|panic| Err(io::Error::other(panic)))
            }
        }
    }

    /// All of it, piece by piece.
    pub fn pieces(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        stream::try_unfold((self, 0), |(body, from)| async move {
            let piece = body.piece(from).await?;
            let next = from + piece.len() as u64;
            Ok((!piece.is_empty()).then_some((piece, (body, next))))
        })
    }

    /// All of it in base64, in pieces that fit together.
    pub fn base64_pieces(self) -> impl Stream<Item = io::Result<String>> + Send + 'static {
        stream::try_unfold((self, 0), |(body, from)| async move {
            let mut piece = body.piece(from).await?;
            piece.truncate(BASE64_PIECE);
            let next = from + piece.len() as u64;
            Ok((!piece.is_empty()).then(|| (BASE64_STANDARD.encode(piece), (body, next))))
        })
    }
}

impl From<Bytes> for Fetched {
    fn from(bytes: Bytes) -> Self {
        Self::Memory(bytes)
    }
}

impl From<Upload> for Fetched {
    fn from(file: Upload) -> Self {
        Self::File(file)
    }
}

/// The size tells enough; the content may be private.
impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fetched({} bytes)", self.length())
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;

    use super::super::room;
    use super::super::testing::open_files;
    use super::*;

    fn user() -> UserId {
        "1".parse().expect("valid")
    }

    /// A body of this content, as it comes in.
    async fn fetched(downloads: &Downloads, content: &[u8]) -> Result<Fetched, NotFetched> {
        let mut arriving = downloads.expect(&user(), content.len()).await;
        for piece in content.chunks(50_000) {
            arriving.take(piece).await;
            assert!(content.len() <= SMALL_BODY || arriving.gathered.len() < PIECE, "it waits in memory");
        }
        arriving.finish().await
    }

    #[tokio::test]
    async fn what_is_large_lies_on_the_disk_and_comes_out_as_it_went_in() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("d");
        let downloads = Downloads::open(path.clone()).expect("opened");
        for (length, files) in [(0, 0), (SMALL_BODY, 0), (SMALL_BODY + 1, 1), (PIECE * 3 + 17, 1)] {
            let content: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let body = fetched(&downloads, &content).await.expect("taken");
            assert_eq!((body.length(), open_files(&path)), (length as u64, files), "{length}");
            let pieces: Vec<Bytes> = body.clone().pieces().try_collect().await.expect("read");
            assert!(pieces.concat() == content);
            let text: String = body.clone().base64_pieces().try_collect().await.expect("read");
            assert!(text == BASE64_STANDARD.encode(&content));
            drop(body);
            assert_eq!((open_files(&path), downloads.taken()), (0, 0));
        }
        assert!(std::fs::read_dir(&path).expect("there").next().is_none());
    }

    #[tokio::test]
    async fn who_reads_slowly_takes_the_room_of_its_own_session_only() {
        let folder = tempfile::tempdir().expect("folder");
        let downloads = Downloads::open(folder.path().join("d")).expect("opened");
        let most = usize::try_from(room::OF_ONE).expect("small");
        let held = downloads.expect(&user(), most - SMALL_BODY).await;
        let refused = downloads.expect(&user(), SMALL_BODY + 1).await.finish().await;
        assert!(matches!(refused, Err(NotFetched::NoRoom(NoRoom::OfOne | NoRoom::OfCaller))), "{refused:?}");
        let other = downloads.expect(&"2".parse().expect("valid"), SMALL_BODY + 1).await;
        assert!(other.finish().await.is_ok());
        drop(held);
        assert_eq!(downloads.taken(), 0);
    }

    #[tokio::test]
    async fn a_full_disk_has_its_name_and_nothing_is_left() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("d");
        let downloads = Downloads::on_a_full_disk(path.clone());
        let refused = fetched(&downloads, &vec![7; SMALL_BODY + 1]).await.expect_err("full");
        assert!(colmeia::errors::is_disk_full(&refused), "{refused:?}");
        assert_eq!((open_files(&path), downloads.taken()), (0, 0));
        assert!(fetched(&downloads, &[7; 5]).await.is_ok(), "what is small needs no disk");
    }

    #[tokio::test]
    async fn a_disk_that_does_not_answer_holds_nobody_up_for_long() {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let stuck = within(Duration::from_millis(50), move || {
            let _ = held.recv();
            Ok(())
        });
        let Err(NotFetched::Disk(error)) = stuck.await else { panic!("it answered") };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        drop(release);
    }
}
