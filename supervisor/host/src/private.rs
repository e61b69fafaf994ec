//! What lies in our directories and is ours alone: how it is looked at, and how it is opened.
//!
//! Owns the rule that nothing in there is a link, somebody else's, or open to be written by others: a planted link would
//! give one user's files to another, or let us overwrite what it leads to; a planted database would be believed. What
//! breaks the rule is refused by its name. Never repairs anything.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use colmeia::layout::StateLayout;
use colmeia_base::files::if_there;
use nix::libc;
use rustix::fs::{Access, access};
use rustix::io::Errno;
use rustix::process::{getegid, geteuid};

/// Write permission for the group and for all.
const OTHERS_WRITE: u32 = 0o022;
/// In a folder with this only owners remove and rename.
const STICKY: u32 = 0o1000;
/// The root user.
const ROOT: u32 = 0;

/// Why something in our directories is not used.
#[derive(Debug, thiserror::Error)]
pub enum NotOurs {
    /// It cannot be looked at.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It leads elsewhere.
    #[error("{} is a link, and no link is followed here: put what it leads to in its place", .0.display())]
    Link(PathBuf),
    /// A folder where a file belongs, or the other way round, or something else.
    #[error("{} is not what belongs there ({wanted})", path.display())]
    Kind {
        /// The file or folder.
        path: PathBuf,
        /// What belongs there.
        wanted: &'static str,
    },
    /// Whoever has it can change it.
    #[error(
        "{path} belongs to uid {uid}, and this service runs as uid {own}: as root, chown -R {own}:{group} {path}, or run \
         the service as uid {uid}",
        path = path.display()
    )]
    Owner {
        /// The file or folder.
        path: PathBuf,
        /// The user id of its owner.
        uid: u32,
        /// The user id that this service runs as.
        own: u32,
        /// The group that it runs as.
        group: u32,
    },
    /// We cannot write there: a volume that was made for somebody else.
    #[error(
        "{path} cannot be written: it belongs to uid {uid} (mode {mode:04o}), and this service runs as uid {own}: as \
         root, chown -R {own}:{group} {path}, or run the service as uid {uid}",
        path = path.display()
    )]
    Closed {
        /// The folder.
        path: PathBuf,
        /// The user id of its owner.
        uid: u32,
        /// Its mode.
        mode: u32,
        /// The user id that this service runs as.
        own: u32,
        /// The group that it runs as.
        group: u32,
    },
    /// Nobody can write there.
    #[error("{} is on a file system that is mounted read-only: mount a volume there that can be written", .0.display())]
    ReadOnly(PathBuf),
    /// Others can change it.
    #[error("{} can be written by others (mode {mode:04o}): look who did, then chmod go-w it", path.display())]
    Open {
        /// The file or folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}

impl NotOurs {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

/// Looks at the state directory, which is there, at the way to it, and at everything in it that is the service's own.
/// Auth directories are their users', and each is looked at when it is used ([`auth_directory`]).
///
/// # Errors
/// [`NotOurs`] names what is wrong.
pub fn state_directory(layout: &StateLayout) -> Result<(), NotOurs> {
    let root = layout.root();
    folder(root)?;
    writable(root)?;
    // Whoever can rename a folder on the way can put another in its place.
    for above in root.ancestors().skip(1) {
        let found = fs::metadata(above).map_err(NotOurs::io(above))?;
        if found.mode() & 0o002 != 0 && found.mode() & STICKY == 0 {
            return Err(NotOurs::Open { path: above.to_owned(), mode: found.mode() & 0o7777 });
        }
    }
    for database in [layout.database(), layout.settings_database()] {
        self::database(&database)?;
    }
    file(&layout.uids())?;
    file(&layout.lock())?;
    let folders = [
        layout.all_limits(),
        layout.holds(),
        layout.parked_marks(),
        layout.deletions(),
        layout.tokens(),
        layout.uploads(),
        layout.downloads(),
    ];
    for path in folders {
        if look(&path)?.is_none() {
            continue;
        }
        folder(&path)?;
        for entry in fs::read_dir(&path).map_err(NotOurs::io(&path))? {
            file(&entry.map_err(NotOurs::io(&path))?.path())?;
        }
    }
    Ok(())
}

/// Looks at a database and at what SQLite keeps beside it. A file that does not exist is valid.
///
/// # Errors
/// [`NotOurs`].
pub fn database(path: &Path) -> Result<(), NotOurs> {
    for beside in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(beside);
        file(Path::new(&name))?;
    }
    Ok(())
}

/// Whether a user's auth directory is a folder and no link, if there is one. Its owner may be the user's own id.
///
/// # Errors
/// [`NotOurs`].
pub fn auth_directory(path: &Path) -> Result<(), NotOurs> {
    look(path)?.map_or(Ok(()), |found| is_folder(path, &found))
}

/// Opens a file of ours as these say, without following a link, and only if it is ours.
///
/// # Errors
/// Those of the system; [`NotOurs`] is inside one of them.
pub fn open(path: &Path, how: &mut OpenOptions) -> io::Result<File> {
    // Nothing that would wait for somebody else, such as a FIFO, is waited for.
    let opened = how.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    let opened = opened.map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => io::Error::other(NotOurs::Link(path.to_owned())),
        _ => error,
    })?;
    judge_file(path, &opened.metadata()?).map_err(io::Error::other)?;
    Ok(opened)
}

/// The content of a file of ours.
///
/// # Errors
/// As [`open`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open(path, OpenOptions::new().read(true))?.read_to_end(&mut content)?;
    Ok(content)
}

fn folder(path: &Path) -> Result<(), NotOurs> {
    let found = fs::symlink_metadata(path).map_err(NotOurs::io(path))?;
    is_folder(path, &found)?;
    ours(path, &found)
}

fn is_folder(path: &Path, found: &Metadata) -> Result<(), NotOurs> {
    if found.is_symlink() {
        return Err(NotOurs::Link(path.to_owned()));
    }
    if !found.is_dir() {
        return Err(NotOurs::Kind { path: path.to_owned(), wanted: "a folder" });
    }
    Ok(())
}

/// What is there, and no link is followed.
fn look(path: &Path) -> Result<Option<Metadata>, NotOurs> {
    if_there(fs::symlink_metadata(path)).map_err(NotOurs::io(path))
}

fn writable(folder: &Path) -> Result<(), NotOurs> {
    match access(folder, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Ok(()),
        Err(Errno::ROFS) => Err(NotOurs::ReadOnly(folder.to_owned())),
        Err(Errno::ACCESS) => {
            let found = fs::metadata(folder).map_err(NotOurs::io(folder))?;
            Err(NotOurs::Closed {
                path: folder.to_owned(),
                uid: found.uid(),
                mode: found.mode() & 0o7777,
                own: geteuid().as_raw(),
                group: getegid().as_raw(),
            })
        }
        Err(error) => Err(NotOurs::io(folder)(error.into())),
    }
}

/// A file that does not exist is valid.
fn file(path: &Path) -> Result<(), NotOurs> {
    look(path)?.map_or(Ok(()), |found| judge_file(path, &found))
}

fn judge_file(path: &Path, found: &Metadata) -> Result<(), NotOurs> {
    if found.is_symlink() {
        return Err(NotOurs::Link(path.to_owned()));
    }
    if !found.is_file() {
        return Err(NotOurs::Kind { path: path.to_owned(), wanted: "a plain file" });
    }
    ours(path, found)
}

fn ours(path: &Path, found: &Metadata) -> Result<(), NotOurs> {
    let own = geteuid().as_raw();
    if ![own, ROOT].contains(&found.uid()) {
        let group = getegid().as_raw();
        return Err(NotOurs::Owner { path: path.to_owned(), uid: found.uid(), own, group });
    }
    let mode = found.mode() & 0o7777;
    if mode & OTHERS_WRITE != 0 {
        return Err(NotOurs::Open { path: path.to_owned(), mode });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn home() -> (tempfile::TempDir, StateLayout) {
        let root = tempfile::tempdir().expect("folder");
        let state = root.path().canonicalize().expect("there").join("state");
        fs::create_dir(&state).expect("made");
        mode(&state, 0o700);
        (root, StateLayout::new(state, "ylada_bot"))
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    }

    fn refusal(layout: &StateLayout) -> String {
        state_directory(layout).expect_err("refused").to_string()
    }

    #[test]
    fn a_directory_or_a_way_to_it_that_others_can_write_is_refused_by_name() {
        let (root, layout) = home();
        state_directory(&layout).expect("as it should be");
        for open in [0o770, 0o707, 0o1777] {
            mode(layout.root(), open);
            assert!(refusal(&layout).contains("chmod go-w"), "{open:o}");
        }
        mode(layout.root(), 0o755);
        state_directory(&layout).expect("others may look");
        mode(root.path(), 0o777);
        assert!(refusal(&layout).contains(&*root.path().to_string_lossy()));
        mode(root.path(), 0o1777);
        state_directory(&layout).expect("as /tmp is");
    }

    #[test]
    fn whatever_was_planted_in_it_is_refused_by_name_and_not_touched() {
        let (root, layout) = home();
        let victim = root.path().join("victim");
        fs::write(&victim, "precious").expect("written");
        let planted = [
            layout.lock(),
            layout.database(),
            layout.settings_database().with_extension("db-wal"),
            layout.uids(),
            layout.tokens(),
            layout.holds().join("7"),
            layout.parked_marks().join("7"),
        ];
        for path in planted {
            let folder = path.parent().expect("in a folder").to_owned();
            fs::create_dir_all(&folder).expect("made");
            mode(&folder, 0o700);
            symlink(&victim, &path).expect("planted");
            let said = refusal(&layout);
            assert!(said.contains(&*path.to_string_lossy()) && said.contains("is a link"), "{said}");
            assert!(open(&path, OpenOptions::new().write(true).create(true)).is_err(), "{said}");
            fs::remove_file(&path).expect("removed");
            if folder == layout.root() && path != layout.tokens() {
                fs::write(&path, "somebody's").expect("planted");
                mode(&path, 0o666);
                assert!(refusal(&layout).contains("can be written by others"));
                fs::remove_file(&path).expect("removed");
            }
        }
        assert_eq!(fs::read_to_string(&victim).expect("there"), "precious");
        state_directory(&layout).expect("all is well again");
    }

    #[test]
    fn a_pipe_is_not_read() {
        let (_root, layout) = home();
        let held = layout.root().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&held).status().expect("runs");
        assert!(made.success());
        let said = read(&held).expect_err("nobody is waited for").to_string();
        assert!(said.contains("a plain file"), "{said}");
    }

    #[test]
    fn an_auth_directory_that_is_a_link_is_named() {
        let (root, layout) = home();
        let path = layout.root().join(".wwebjs_auth_user_7");
        auth_directory(&path).expect("there is none");
        symlink(root.path(), &path).expect("planted");
        assert!(auth_directory(&path).expect_err("a link").to_string().contains("_user_7 is a link"));
    }

    #[test]
    fn whose_a_directory_is_that_we_cannot_write_and_how_to_mend_it_is_said() {
        let closed =
            NotOurs::Closed { path: "/data".into(), uid: 0, mode: 0o755, own: 10_001, group: 10_002 };
        let said = closed.to_string();
        for word in ["/data cannot be written", "uid 0 ", "0755", "uid 10001", "chown -R 10001:10002 /data"] {
            assert!(said.contains(word), "{word}: {said}");
        }
    }

    #[test]
    #[ignore = "only root may give files away; make test-host runs it"]
    fn what_belongs_to_a_stranger_is_refused_by_name() {
        let (_root, layout) = home();
        fs::write(layout.database(), "planted").expect("written");
        std::os::unix::fs::chown(layout.database(), Some(1_900_000_007), None).expect("given");
        let said = refusal(&layout);
        assert!(said.contains("colmeia.db") && said.contains("1900000007"), "{said}");
        fs::remove_file(layout.database()).expect("removed");
        std::os::unix::fs::chown(layout.root(), Some(1_900_000_007), None).expect("given");
        assert!(refusal(&layout).contains("1900000007"));
    }
}
