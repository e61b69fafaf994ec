//! A copy of files that a browser may be writing just now, and the proof that it is whole.
//!
//! Owns the rule of what counts as whole ([`settled`], pure). LevelDB never changes a table, only appends to its
//! logs and manifests, and names what it uses in a manifest. So a copy of which no file came, went or changed
//! meanwhile except by growing at its end is what a crash in that moment would have left, and LevelDB opens that.
//!
//! What lies there was written by a browser: no link is followed, and nothing but plain files is read.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use colmeia::layout::{COPY_LEAVES_FREE, MOST_REGISTRATION_BYTES, MOST_REGISTRATION_FILES, holds_nothing};
use colmeia_base::files::{free, if_there, open_beneath};
use rustix::fs::OFlags;

/// How often a copy is begun anew under a browser that goes on writing.
const ATTEMPTS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(500);
/// Why there is no copy. What was there before is still there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    /// The disk.
    #[error("cannot copy {}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// It goes beyond its bounds.
    #[error(
        "the registration is larger than {MOST_REGISTRATION_BYTES} bytes or has more than {MOST_REGISTRATION_FILES} files"
    )]
    TooLarge,
    /// The copy would leave too little room for everything else.
    #[error("the disk has too little room for a copy of {0} bytes")]
    NoRoom(u64),
    /// There is nothing to copy.
    #[error("there is no registration")]
    Nothing,
    /// The browser writes all the time.
    #[error("the browser does not stop writing")]
    Unsettled,
    /// Something more important came up.
    #[error("it was interrupted")]
    Interrupted,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

pub(super) type Listing = BTreeMap<PathBuf, Stamp>;

/// Copies these parts of `from` to the folder `to`, which must not exist, and returns how many bytes there are. All
/// of it is on disk when this returns; after an error nothing is left of it.
pub(super) fn copy(
    from: &Path,
    to: &Path,
    parts: &[&str],
    interrupted: &AtomicBool,
) -> Result<u64, CopyError> {
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            std::thread::sleep(PAUSE);
        }
        let copied = copy_once(from, to, parts, interrupted);
        if !matches!(copied, Ok(Some(_))) {
            let _ = fs::remove_dir_all(to);
        }
        if let Some(bytes) = copied? {
            return Ok(bytes);
        }
    }
    Err(CopyError::Unsettled)
}

/// `None` when something changed meanwhile.
fn copy_once(
    from: &Path,
    to: &Path,
    parts: &[&str],
    interrupted: &AtomicBool,
) -> Result<Option<u64>, CopyError> {
    let before = list(from, parts)?;
    let bytes: u64 = before.values().map(|stamp| stamp.length).sum();
    if before.is_empty() {
        return Err(CopyError::Nothing);
    }
    if bytes > MOST_REGISTRATION_BYTES || before.len() > MOST_REGISTRATION_FILES {
        return Err(CopyError::TooLarge);
    }
    let place = to.parent().unwrap_or(to);
    if free(place).map_err(at(place))? < bytes.saturating_add(COPY_LEAVES_FREE) {
        return Err(CopyError::NoRoom(bytes));
    }
    let root = File::open(from).map_err(at(from))?;
    for (name, stamp) in &before {
        if interrupted.load(Ordering::Relaxed) {
            return Err(CopyError::Interrupted);
        }
        let copied = if_there(copy_file(&root, name, stamp.length, &to.join(name)));
        if copied.map_err(at(name))? != Some(true) {
            return Ok(None);
        }
    }
    colmeia_base::files::sync(to).map_err(at(to))?;
    Ok(settled(&before, &list(from, parts)?).then_some(bytes))
}

/// Copies the first `length` bytes; `false` when there are not so many.
fn copy_file(root: &File, name: &Path, length: u64, to: &Path) -> io::Result<bool> {
    let source = open_beneath(root, name, OFlags::RDONLY)?;
    if !source.metadata()?.is_file() {
        return Err(io::Error::other("no plain file"));
    }
    if let Some(folder) = to.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut target = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let copied = io::copy(&mut source.take(length), &mut target)?;
    target.sync_data()?;
    Ok(copied == length)
}

/// Whether a copy that was made between these two looks is what a crash at the first would have left.
fn settled(before: &Listing, after: &Listing) -> bool {
    before.len() == after.len()
        && before.iter().zip(after).all(|((name, was), (same, is))| {
            let grown = is_log(name) && was.inode == is.inode && was.length <= is.length;
            name == same && (was == is || grown)
        })
}

/// LevelDB's logs and manifests: `000003.log`, `MANIFEST-000001`.
pub(super) fn is_log(name: &Path) -> bool {
    let text = name.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let folder = name.parent().and_then(Path::to_str).unwrap_or_default();
    folder.ends_with("leveldb") && (text.ends_with(".log") || text.starts_with("MANIFEST-"))
}

/// Every plain file of the parts, by its name below `from`.
pub(super) fn list(from: &Path, parts: &[&str]) -> Result<Listing, CopyError> {
    let mut found = Listing::new();
    let mut open: Vec<PathBuf> = parts.iter().map(PathBuf::from).collect();
    while let Some(name) = open.pop() {
        let path = from.join(&name);
        let found_there = if_there(fs::symlink_metadata(&path)).map_err(at(&path))?;
        let Some(metadata) = found_there else { continue };
        if metadata.is_dir() {
            for entry in if_there(fs::read_dir(&path)).map_err(at(&path))?.into_iter().flatten() {
                open.push(name.join(entry.map_err(at(&path))?.file_name()));
            }
        } else if metadata.is_file() && !holds_nothing(&name) {
            let modified = (metadata.mtime(), metadata.mtime_nsec());
            found.insert(name, Stamp { inode: metadata.ino(), length: metadata.len(), modified });
        }
        if found.len() + open.len() > MOST_REGISTRATION_FILES {
            return Err(CopyError::TooLarge);
        }
    }
    Ok(found)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> CopyError {
    let path = path.to_owned();
    move |source| CopyError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOG: &str = "Default/IndexedDB/x.leveldb/000003.log";
    const TABLE: &str = "Default/IndexedDB/x.leveldb/000005.ldb";

    fn listing(files: &[(&str, u64)]) -> Listing {
        let stamp = |length| Stamp { inode: 7, length, modified: (length.cast_signed(), 0) };
        files.iter().map(|(name, length)| (name.into(), stamp(*length))).collect()
    }

    #[test]
    fn only_growth_at_the_end_of_a_log_is_no_change() {
        let before = listing(&[(LOG, 5), (TABLE, 9)]);
        assert!(settled(&before, &before));
        assert!(settled(&before, &listing(&[(LOG, 6), (TABLE, 9)])));
        for after in [
            listing(&[(LOG, 4), (TABLE, 9)]),
            listing(&[(LOG, 5), (TABLE, 10)]),
            listing(&[(LOG, 5)]),
            listing(&[(LOG, 5), (TABLE, 9), ("Default/Cookies", 1)]),
        ] {
            assert!(!settled(&before, &after), "{after:?}");
        }
    }

    proptest! {
        /// What passes for whole has every file of the first look, and none that is shorter or another one.
        #[test]
        fn what_is_settled_is_a_crash_at_the_first_look(
            before in prop::collection::btree_map(0u8..6, (0u64..3, 0u64..4), 0..5),
            after in prop::collection::btree_map(0u8..6, (0u64..3, 0u64..4), 0..5),
        ) {
            let make = |files: &BTreeMap<u8, (u64, u64)>| -> Listing {
                files
                    .iter()
                    .map(|(n, (inode, length))| {
                        let end = if n % 2 == 0 { "log" } else { "ldb" };
                        let name = format!("Default/IndexedDB/x.leveldb/{n}.{end}");
                        (name.into(), Stamp { inode: *inode, length: *length, modified: (length.cast_signed(), 0) })
                    })
                    .collect()
            };
            let (first, second) = (make(&before), make(&after));
            if settled(&first, &second) {
                prop_assert!(first.keys().eq(second.keys()));
                for (name, was) in &first {
                    let is = &second[name];
                    prop_assert!(was.inode == is.inode && was.length <= is.length);
                    prop_assert!(was == is || is_log(name));
                }
            }
        }
    }

    #[test]
    fn a_link_is_not_followed_and_an_interrupted_copy_leaves_nothing() {
        let dir = tempfile::tempdir().expect("folder");
        let (from, to) = (dir.path().join("profile"), dir.path().join("copy"));
        fs::create_dir_all(from.join("Default/IndexedDB/x.leveldb")).expect("made");
        fs::write(from.join(LOG), b"12345").expect("written");
        fs::write(dir.path().join("secret"), b"secret").expect("written");
        std::os::unix::fs::symlink(dir.path(), from.join("Default/IndexedDB/out")).expect("linked");
        let go = AtomicBool::new(false);
        let copied = copy(&from, &to, &["Default/IndexedDB"], &go);
        assert_eq!(copied.expect("the temporary folder has more room than a snapshot leaves free"), 5);
        assert!(to.join(LOG).exists() && !to.join("Default/IndexedDB/out").exists());
        fs::remove_dir_all(&to).expect("removed");
        let stop = AtomicBool::new(true);
        assert!(copy(&from, &to, &["Default/IndexedDB"], &stop).is_err() && !to.exists());
        assert!(matches!(copy(&from, &to, &["Default/none"], &go), Err(CopyError::Nothing)));
    }

    #[test]
    fn a_folder_that_became_a_link_after_the_look_is_refused() {
        let dir = tempfile::tempdir().expect("folder");
        fs::create_dir_all(dir.path().join("real")).expect("made");
        fs::write(dir.path().join("real/f"), b"1").expect("written");
        std::os::unix::fs::symlink("real", dir.path().join("link")).expect("linked");
        let root = File::open(dir.path()).expect("open");
        assert!(copy_file(&root, Path::new("real/f"), 1, &dir.path().join("a")).expect("copied"));
        assert!(copy_file(&root, Path::new("link/f"), 1, &dir.path().join("b")).is_err());
    }
}
