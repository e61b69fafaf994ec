//! [`Disk`]: whether there is room where sessions and the journal lie.
//!
//! Owns the one task that looks, the rule of what "full" is ([`judge`], pure), and the mark that says when it last was,
//! for the supervisors to come. Sessions go on with a full disk: what comes in waits in its worker. Only what is asked
//! for from outside is refused, because nothing that follows from it could be kept.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use colmeia::layout::{DISK_FULL, DISK_PLENTY, DISK_SELDOM};
use colmeia_base::{files, tasks};
use tokio::sync::watch;
use tokio::time::sleep;

/// Above this it has room again. The distance keeps it from flickering.
const ROOM: u64 = 2 * DISK_FULL;
/// How often it is looked at where there is less than plenty.
const LOOK: Duration = Duration::from_millis(250);

/// What is known of the disk; cheap to clone.
#[derive(Debug, Clone)]
pub struct Disk(watch::Receiver<Known>);

/// Follows the disk.
#[derive(Debug)]
pub struct Followed(watch::Receiver<Known>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    full: bool,
    /// When it last was, as far as anybody saw it.
    was_full: Option<SystemTime>,
}

/// A file whose time says when the disk was last full. Setting it writes no data, so it needs no room.
#[derive(Debug)]
struct Mark(File);

impl Disk {
    /// Looks at the disk of this folder from now on, until the last handle is gone. `mark` is where the supervisor
    /// before this one has left when the disk was last full.
    pub fn follow(folder: PathBuf, mark: &Path) -> Self {
        let (mark, was_full) = match Mark::open(mark) {
            Ok((mark, was_full)) => (Some(mark), was_full),
            Err(error) => {
                tracing::warn!(path = %mark.display(), %error, "the next supervisor will not know when the disk was full");
                (None, None)
            }
        };
        let mut known = Known { full: false, was_full };
        let mut last = free(&folder);
        known.look(last, mark.as_ref());
        let (told, followed) = watch::channel(known);
        tasks::vital("disk", async move {
            while !told.is_closed() {
                sleep(if last.is_some_and(|free| free >= DISK_PLENTY) { DISK_SELDOM } else { LOOK }).await;
                let folder = folder.clone();
                if let Ok(free) = tasks::blocking("disk space", move || free(&folder)).await {
                    told.send_if_modified(|known| known.look(free, mark.as_ref()));
                    last = free;
                }
            }
        });
        Self(followed)
    }

    /// Whether it is full.
    pub fn is_full(&self) -> bool {
        self.0.borrow().full
    }

    /// Whether it was full at any time since then.
    pub fn was_full_since(&self, then: SystemTime) -> bool {
        let known = *self.0.borrow();
        known.full || known.was_full.is_some_and(|at| at >= then)
    }

    /// To hear of changes.
    pub fn watch(&self) -> Followed {
        Followed(self.0.clone())
    }

    /// One that has room, or has none, for ever.
    #[cfg(any(test, feature = "testing"))]
    pub fn always(full: bool) -> Self {
        Self(watch::channel(Known { full, was_full: None }).1)
    }

    /// One of which this is said.
    #[cfg(any(test, feature = "testing"))]
    pub fn told() -> (impl Fn(bool), Self) {
        let (told, followed) = watch::channel(Known { full: false, was_full: None });
        let tell = move |full| {
            told.send_replace(Known { full, was_full: Some(SystemTime::now()) });
        };
        (tell, Self(followed))
    }
}

impl Followed {
    /// Returns when the disk has room again after it was full.
    pub async fn has_room_again(&mut self) {
        loop {
            if self.0.changed().await.is_err() {
                return std::future::pending().await; // nobody looks any more
            }
            if !self.0.borrow_and_update().full {
                return;
            }
        }
    }
}

impl Known {
    /// What follows from so many free bytes, if they are known. Whether that is news to anybody.
    fn look(&mut self, free: Option<u64>, mark: Option<&Mark>) -> bool {
        let Some(free) = free else { return false };
        let (before, now) = (self.full, judge(self.full, free));
        match (before, now) {
            (false, true) => tracing::error!(free, "the disk is full: nothing is sent until there is room"),
            (true, false) => tracing::warn!(free, "the disk has room again"),
            _ => {}
        }
        self.full = now;
        // Not at its end: a browser that began since the look before began with room.
        if now {
            self.was_full = Some(SystemTime::now());
            mark.iter().for_each(|mark| mark.set());
        }
        before != now
    }
}

impl Mark {
    /// The mark, and what it says.
    fn open(path: &Path) -> io::Result<(Self, Option<SystemTime>)> {
        match OpenOptions::new().write(true).open(path) {
            Ok(file) => {
                let said = file.metadata()?.modified()?;
                Ok((Self(file), (said > SystemTime::UNIX_EPOCH).then_some(said)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = OpenOptions::new().write(true).create_new(true).open(path)?;
                file.set_modified(SystemTime::UNIX_EPOCH)?;
                Ok((Self(file), None))
            }
            Err(error) => Err(error),
        }
    }

    fn set(&self) {
        // Without it only the next supervisor knows less.
        let _ = self.0.set_modified(SystemTime::now());
    }
}

/// How many bytes there are for us, if that is known.
pub fn free(folder: &Path) -> Option<u64> {
    files::free(folder).ok()
}

/// Whether a disk with so many bytes free is full, if it was or was not before.
fn judge(was_full: bool, free: u64) -> bool {
    if was_full { free < ROOM } else { free < DISK_FULL }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_at_the_limit_does_not_flicker() {
        assert!(judge(false, DISK_FULL - 1) && !judge(false, DISK_FULL));
        assert!(judge(true, ROOM - 1) && !judge(true, ROOM));
    }

    #[tokio::test]
    async fn room_is_told_once_after_the_disk_was_full() {
        let (tell, disk) = Disk::told();
        let mut followed = disk.watch();
        let told = tokio::spawn(async move { followed.has_room_again().await });
        tell(true);
        tokio::task::yield_now().await;
        assert!(!told.is_finished());
        tell(false);
        told.await.expect("told");
    }

    #[test]
    fn who_began_before_the_end_of_a_full_disk_has_met_it_also_for_the_next_supervisor() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("disk");
        let (mark, said) = Mark::open(&path).expect("made");
        assert_eq!(said, None);
        let mut known = Known { full: false, was_full: None };
        assert!(!known.look(Some(ROOM), Some(&mark)) && !known.look(None, Some(&mark)));
        assert_eq!(Mark::open(&path).expect("there").1, None, "it was never full");
        let begun = SystemTime::now();
        assert!(known.look(Some(0), Some(&mark)));
        let met = |known: Known, then| Disk(watch::channel(known).1).was_full_since(then);
        assert!(met(known, begun) && met(known, SystemTime::now()));
        assert!(known.look(Some(ROOM), Some(&mark)) && !known.full);
        let after = SystemTime::now() + Duration::from_secs(1);
        assert!(met(known, begun) && !met(known, after));
        let (_, said) = Mark::open(&path).expect("there");
        assert!(said.is_some_and(|said| said >= begun), "{said:?}");
    }
}
