//! The folders beside the profile: snapshots of the registration, and profiles that were damaged.
//!
//! Owns their names and how many there are. A snapshot's name is the time at which it was taken; it has that name
//! only once it is whole. It has the layout of a profile, so that putting it in a profile's place is one rename,
//! which needs no room on the disk and cannot be half done. A snapshot that was put in place is used up: it cannot be
//! put there again and again.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use colmeia::layout::REGISTRATION;
use colmeia_base::files;

use super::copy::{self, CopyError};
use super::leveldb;

/// The newest one, and the one before it in case the newest already has the damage.
const MOST_SNAPSHOTS: usize = 2;
/// WhatsApp ends the link of a device that was not used for so long.
const TOO_OLD: Duration = Duration::from_hours(30 * 24);
/// Evidence, and a last chance for a person; each is as large as a profile.
const MOST_DAMAGED: usize = 2;
const UNFINISHED: &str = ".new";

/// Why there is no new snapshot; the one before stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoSnapshot {
    /// What the browser has of it may be torn.
    #[error("the disk was full while the browser ran; the session is replaced when its turn comes")]
    MetFullDisk,
    /// It cannot be copied.
    #[error(transparent)]
    Copy(CopyError),
    /// The worker ends.
    #[error("the session is ending")]
    Ending,
}

/// Where things lie.
#[derive(Debug, Clone)]
pub(super) struct SnapshotStore {
    pub(super) profile: PathBuf,
    pub(super) snapshots: PathBuf,
    pub(super) damaged: PathBuf,
}

impl SnapshotStore {
    /// Removes what an interrupted snapshot left, and snapshots that are too old.
    ///
    /// # Errors
    /// When it cannot be seen what there is.
    pub(super) fn tidy(&self, now_ms: u64) -> io::Result<()> {
        for name in names(&self.snapshots)? {
            let taken = name.parse::<u64>().ok();
            let oldest = now_ms.saturating_sub(millis(TOO_OLD));
            if taken.is_none_or(|taken| taken < oldest) {
                remove(&self.snapshots.join(name));
            }
        }
        Ok(())
    }

    /// When the newest snapshot was taken.
    ///
    /// # Errors
    /// When it cannot be seen what there is.
    pub(super) fn newest(&self) -> io::Result<Option<u64>> {
        Ok(numbers(&self.snapshots)?.last().copied())
    }

    /// Takes a snapshot, and returns how many bytes it has.
    pub(super) fn take(&self, now_ms: u64, interrupted: &AtomicBool) -> Result<u64, CopyError> {
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |source| CopyError::Io { path, source }
        };
        private(&self.snapshots).map_err(fail(&self.snapshots))?;
        let draft = self.snapshots.join(format!("{now_ms}{UNFINISHED}"));
        let bytes = copy::copy(&self.profile, &draft, &REGISTRATION, interrupted)?;
        let whole = self.snapshots.join(now_ms.to_string());
        files::rename(&draft, &whole).map_err(fail(&whole))?;
        keep_newest(&self.snapshots, MOST_SNAPSHOTS);
        Ok(bytes)
    }

    /// Cuts off what a full disk, or a kill, has left of a record in the registration's logs. No browser may run.
    ///
    /// # Errors
    /// When the machine has nothing left to look with.
    pub(super) fn trim(&self) -> io::Result<()> {
        leveldb::trim(&self.profile, &REGISTRATION)
    }

    /// Puts the profile aside, if there is one, and says where it lies now.
    pub(super) fn set_aside(&self, now_ms: u64) -> io::Result<Option<PathBuf>> {
        private(&self.damaged)?;
        let place = self.damaged.join(now_ms.to_string());
        if files::if_there(files::rename(&self.profile, &place))?.is_none() {
            return Ok(None);
        }
        keep_newest(&self.damaged, MOST_DAMAGED);
        Ok(Some(place))
    }

    /// Puts the newest snapshot in the place of the profile, which must not exist, and says when it was taken.
    pub(super) fn restore(&self) -> io::Result<Option<u64>> {
        let Some(taken) = self.newest()? else { return Ok(None) };
        files::rename(&self.snapshots.join(taken.to_string()), &self.profile)?;
        Ok(Some(taken))
    }

    /// Removes all snapshots: they hold keys of a link that was ended.
    pub(super) fn forget(&self) {
        match names(&self.snapshots) {
            Ok(names) => names.iter().for_each(|name| remove(&self.snapshots.join(name))),
            Err(error) => tracing::warn!(%error, "snapshots of a link that has ended cannot be removed"),
        }
    }
}

fn private(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// No folder has nothing in it.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let Some(entries) = files::if_there(fs::read_dir(folder))? else { return Ok(Vec::new()) };
    let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
    names.filter_map(Result::transpose).collect()
}

/// The oldest first.
fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut found: Vec<u64> = names(folder)?.iter().filter_map(|name| name.parse().ok()).collect();
    found.sort_unstable();
    Ok(found)
}

fn keep_newest(folder: &Path, most: usize) {
    // What cannot be counted now is counted with the next one.
    let Ok(found) = numbers(folder) else { return };
    for name in &found[..found.len().saturating_sub(most)] {
        remove(&folder.join(name.to_string()));
    }
}

/// A browser that could not make its folder may have left a file there.
fn remove(path: &Path) {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        _ => fs::remove_file(path),
    };
    if let Err(error) = removed {
        tracing::warn!(path = %path.display(), %error, "an old copy of a profile cannot be removed");
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(dir: &Path) -> SnapshotStore {
        let store = SnapshotStore {
            profile: dir.join("profile"),
            snapshots: dir.join("snapshots"),
            damaged: dir.join("damaged"),
        };
        fs::create_dir_all(store.profile.join("Default/IndexedDB/x.leveldb")).expect("made");
        fs::create_dir_all(store.profile.join("Default/Cache")).expect("made");
        fs::write(store.profile.join("Default/Cache/data"), b"cached").expect("written");
        store
    }

    fn register(store: &SnapshotStore, text: &str) {
        fs::write(store.profile.join("Default/IndexedDB/x.leveldb/000003.log"), text).expect("written");
    }

    fn registration(store: &SnapshotStore) -> String {
        let file = store.profile.join("Default/IndexedDB/x.leveldb/000003.log");
        fs::read_to_string(file).expect("there")
    }

    #[test]
    fn snapshots_are_bounded_and_each_is_used_once() {
        let dir = tempfile::tempdir().expect("folder");
        let (store, go) = (store(dir.path()), AtomicBool::new(false));
        for (at, text) in [(1_000, "one"), (2_000, "two"), (3_000, "three")] {
            register(&store, text);
            assert_eq!(store.take(at, &go).expect("taken"), text.len() as u64);
        }
        assert_eq!(numbers(&store.snapshots).expect("read"), [2_000, 3_000]);
        register(&store, "damaged");
        for (at, text) in [(3_000, Some("three")), (2_000, Some("two")), (0, None)] {
            assert!(store.set_aside(5_000 + at).expect("renamed").is_some());
            assert_eq!(store.restore().expect("renamed"), text.map(|_| at));
            match text {
                Some(text) => assert_eq!(registration(&store), text),
                None => assert!(!store.profile.exists()),
            }
        }
        assert!(!store.profile.join("Default/Cache").exists(), "caches are no registration");
        assert_eq!(numbers(&store.damaged).expect("read").len(), MOST_DAMAGED);
        assert_eq!(store.set_aside(9).expect("nothing there"), None);
    }

    #[test]
    fn what_is_unfinished_or_too_old_is_no_snapshot() {
        let dir = tempfile::tempdir().expect("folder");
        let store = store(dir.path());
        let now = 100 * millis(TOO_OLD);
        for name in [format!("{now}{UNFINISHED}"), "1".into(), (now - 5).to_string()] {
            fs::create_dir_all(store.snapshots.join(name)).expect("made");
        }
        store.tidy(now).expect("read");
        assert_eq!(names(&store.snapshots).expect("read"), [(now - 5).to_string()]);
        store.forget();
        assert_eq!(store.newest().expect("read"), None);
    }
}
