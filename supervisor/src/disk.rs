//! [`Disk`]: whether there is room where sessions and the journal lie.
//!
//! Owns the one task that looks, and the rule of what "full" is ([`judge`], pure). Sessions go on with a full disk:
//! what comes in waits in its worker. Only what is asked for from outside is refused, because nothing that follows
//! from it could be kept.

use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::statvfs;
use tokio::sync::watch;
use tokio::time::sleep;

/// Below this the disk is full: a worker starts no browser then either, and what is left is for events.
const FULL: u64 = 16 * 1024 * 1024;
/// Above this it has room again. The distance keeps it from flickering.
const ROOM: u64 = 2 * FULL;
const LOOK: Duration = Duration::from_millis(250);

/// What is known of the disk; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Disk(watch::Receiver<bool>);

/// Follows the disk.
#[derive(Debug)]
pub(crate) struct Followed(watch::Receiver<bool>);

impl Disk {
    /// Looks at the disk of this folder from now on, until the last handle is gone.
    pub(crate) fn follow(folder: PathBuf) -> Self {
        let (full, followed) = watch::channel(false);
        tokio::spawn(async move {
            while !full.is_closed() {
                let folder = folder.clone();
                let free = tokio::task::spawn_blocking(move || {
                    statvfs(&folder).ok().map(|found| found.f_bavail.saturating_mul(found.f_frsize))
                });
                if let Ok(Some(free)) = free.await {
                    full.send_if_modified(|full| {
                        let now = judge(*full, free);
                        let changed = now != *full;
                        match (changed, now) {
                            (true, true) => {
                                tracing::error!(free, "the disk is full: nothing is sent until there is room")
                            }
                            (true, false) => tracing::warn!(free, "the disk has room again"),
                            _ => {}
                        }
                        *full = now;
                        changed
                    });
                }
                sleep(LOOK).await;
            }
        });
        Self(followed)
    }

    /// Whether it is full.
    pub(crate) fn is_full(&self) -> bool {
        *self.0.borrow()
    }

    /// To hear of changes.
    pub(crate) fn watch(&self) -> Followed {
        Followed(self.0.clone())
    }

    /// One that has room, or has none, for ever.
    #[cfg(test)]
    pub(crate) fn always(full: bool) -> Self {
        Self(watch::channel(full).1)
    }
}

impl Followed {
    /// Returns when the disk has room again after it was full.
    pub(crate) async fn has_room_again(&mut self) {
        loop {
            if self.0.changed().await.is_err() {
                return std::future::pending().await; // nobody looks any more
            }
            if !*self.0.borrow_and_update() {
                return;
            }
        }
    }
}

/// Whether a disk with so many bytes free is full, if it was or was not before.
fn judge(was_full: bool, free: u64) -> bool {
    if was_full { free < ROOM } else { free < FULL }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_at_the_limit_does_not_flicker() {
        assert!(judge(false, FULL - 1) && !judge(false, FULL));
        assert!(judge(true, ROOM - 1) && !judge(true, ROOM));
    }

    #[tokio::test]
    async fn room_is_told_once_after_the_disk_was_full() {
        let (full, followed) = watch::channel(false);
        let mut followed = Followed(followed);
        let told = tokio::spawn(async move { followed.has_room_again().await });
        full.send_replace(true);
        tokio::task::yield_now().await;
        assert!(!told.is_finished());
        full.send_replace(false);
        told.await.expect("told");
    }
}
