//! Small files that are replaced as a whole, names that change, and folders that are made: on disk when the call returns.
//! And files of others, opened without following what they put in the way, or given to them; and how much room there is.
//!
//! Owns the order that this takes: the contents first, then the name, then the folder that holds the name. Never decides
//! what stands in a file. By hand and not with `tempfile`: that brings no folder to disk, and after a crash a draft with a
//! name of its own would stay for ever, where ours is the next one's.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path};
use std::time::SystemTime;

use rustix::fs::{Gid, Mode, OFlags, Uid, fchown, openat, statvfs};

/// As the standard library takes it.
const NOFOLLOW: i32 = OFlags::NOFOLLOW.bits().cast_signed();

/// Puts a file with these contents in the place of the one that is there, if one is; for the owner's eyes only. Who reads
/// it finds the old one or the new one, also after a power cut. What is written first lies beside it, under the same name
/// with a dot before it.
///
/// # Errors
/// Those of the file system; then the old one is still there.
pub fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    put(path, contents, None)
}

/// [`write()`] of a file whose time says something: whoever finds the contents finds this time with them, also after a
/// power cut.
///
/// # Errors
/// Those of the file system; then the old one is still there.
pub fn write_dated(path: &Path, contents: &[u8], modified: SystemTime) -> io::Result<()> {
    put(path, contents, Some(modified))
}

fn put(path: &Path, contents: &[u8], modified: Option<SystemTime>) -> io::Result<()> {
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    let draft = path.with_file_name(hidden);
    let replace = || {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600).custom_flags(NOFOLLOW);
        // Whoever put something there may have it open still.
        if_there(fs::remove_file(&draft))?;
        let mut file = options.open(&draft)?;
        file.write_all(contents)?;
        if let Some(modified) = modified {
            file.set_modified(modified)?;
        }
        file.sync_all()?;
        rename(&draft, path)
    };
    replace().inspect_err(|_| drop(fs::remove_file(&draft)))
}

/// Gives a file or folder another name, in one step.
///
/// # Errors
/// Those of the file system. When the folder cannot be brought to disk the name has changed all the same, but a power
/// cut may bring the old one back.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    let (old, new) = (folder(from), folder(to));
    sync(new)?;
    if old == new { Ok(()) } else { sync(old) }
}

/// Removes a file for good.
///
/// # Errors
/// Those of the file system. That there is none is none.
pub fn remove(path: &Path) -> io::Result<()> {
    if_there(fs::remove_file(path))?.map_or(Ok(()), |()| sync(folder(path)))
}

/// What was done to, or found at, a name that there may not be.
///
/// # Errors
/// Those of the file system. That there is none is none.
pub fn if_there<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        done => done.map(Some),
    }
}

/// Makes a folder that only its owner can enter, with those above it that are missing. Does nothing when it is there.
///
/// # Errors
/// Those of the file system. When a folder above cannot be brought to disk, those below are there all the same, but a power
/// cut may take them and all that is in them.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|above| !above.as_os_str().is_empty() && !above.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    missing.into_iter().rev().try_for_each(|made| sync(folder(made)))
}

/// Brings the names in a folder to disk.
///
/// # Errors
/// Those of the file system; that it knows no such thing is none.
pub fn sync(folder: &Path) -> io::Result<()> {
    sync_open(&File::open(folder)?)
}

/// The same for a folder that is open.
///
/// # Errors
/// As for [`sync`].
pub fn sync_open(folder: &File) -> io::Result<()> {
    match folder.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        done => done,
    }
}

/// Gives a file or folder to a user id and the group of the same number, where one is named.
///
/// # Errors
/// Those of the file system.
pub fn give(file: &File, owner: Option<u32>) -> io::Result<()> {
    let Some(owner) = owner else { return Ok(()) };
    Ok(fchown(file, Some(Uid::from_raw(owner)), Some(Gid::from_raw(owner)))?)
}

/// How many bytes may still be written where this path lies.
///
/// # Errors
/// Those of the file system.
pub fn free(path: &Path) -> io::Result<u64> {
    let found = statvfs(path)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Opens what lies below a folder without following any link on the way, and without waiting: it may be a pipe. Not
/// `openat2`, which does it in one call: systemd refuses that one where `RestrictSUIDSGID=` is set, as in our unit.
///
/// # Errors
/// Those of the file system; a name that leads out of the folder is invalid.
pub fn open_beneath(root: &File, name: &Path, access: OFlags) -> io::Result<File> {
    let flags = OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut place = root.try_clone()?;
    let mut parts = name.components().peekable();
    while let Some(part) = parts.next() {
        let Component::Normal(part) = part else { return Err(ErrorKind::InvalidInput.into()) };
        let kind = match parts.peek() {
            Some(_) => OFlags::RDONLY | OFlags::DIRECTORY,
            None => access | OFlags::NONBLOCK,
        };
        place = File::from(openat(&place, part, flags | kind, Mode::empty())?);
    }
    Ok(place)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("book");
        for text in ["first", "second, which is longer", "3"] {
            write(&path, text.as_bytes()).expect("written");
            assert_eq!(fs::read_to_string(&path).expect("there"), text);
        }
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1);
        remove(&path).expect("removed");
        remove(&path).expect("there is none, and that is no error");
    }

    #[test]
    fn a_file_with_a_time_of_its_own_never_has_another() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("book");
        let long_ago = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        write(&path, b"of now").expect("written");
        // Whoever opens it as soon as it has its name.
        let seen = std::thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                loop {
                    let mut file = File::open(&path).expect("there is always one");
                    let mut text = String::new();
                    io::Read::read_to_string(&mut file, &mut text).expect("read");
                    if text == "of then" {
                        return file.metadata().and_then(|file| file.modified()).expect("a time");
                    }
                }
            });
            write_dated(&path, b"of then", long_ago).expect("written");
            watcher.join().expect("seen")
        });
        assert_eq!(seen, long_ago);
    }

    #[test]
    fn folders_are_made_with_those_above_and_for_their_owner_alone() {
        let dir = tempfile::tempdir().expect("folder");
        let deep = dir.path().join("a/b/c");
        make_folder(&deep).expect("made");
        for folder in deep.ancestors().take(3) {
            assert_eq!(fs::metadata(folder).expect("there").permissions().mode() & 0o777, 0o700);
        }
        fs::write(deep.join("file"), "kept").expect("written");
        make_folder(&deep).expect("it is there, and that is no error");
        assert!(deep.join("file").exists());
        fs::write(dir.path().join("no folder"), "").expect("written");
        assert!(make_folder(&dir.path().join("no folder/a")).is_err());
    }

    #[test]
    fn what_cannot_be_put_in_its_place_leaves_the_old_one_and_no_draft() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("book");
        // A folder that is not empty is in the way.
        fs::create_dir_all(path.join("full")).expect("made");
        assert!(write(&path, b"new").is_err());
        assert!(path.join("full").is_dir());
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1);
    }

    #[test]
    fn a_link_in_the_drafts_place_is_not_followed() {
        let dir = tempfile::tempdir().expect("folder");
        let (path, other) = (dir.path().join("book"), dir.path().join("other"));
        fs::write(&other, "not ours").expect("written");
        std::os::unix::fs::symlink(&other, dir.path().join(".book")).expect("linked");
        write(&path, b"new").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("there"), "new");
        assert_eq!(fs::read_to_string(&other).expect("there"), "not ours");
    }
}
