//! [`Files`]: a session's files as they are read for a backup.
//!
//! Owns the care with which that is done. What lies there was written by a browser or a worker of one user, and who reads it
//! may have more rights than they: no link is followed on any level, nothing but plain files is read, none that belongs to
//! somebody else or has another name somewhere, and no more than a registration may have. Whether something changed while
//! it was read is seen by a second look.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use colmeia::layout::{MOST_REGISTRATION_BYTES, MOST_REGISTRATION_FILES, holds_nothing};
use colmeia_base::files::open_beneath;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, openat, statat};
use rustix::io::Errno;

/// A registration has half a dozen levels.
const DEEPEST: usize = 16;

/// Why the files cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The disk.
    #[error("cannot read {}", path.display())]
    Io {
        /// Below the session's folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It goes beyond its bounds.
    #[error("the session's registration is larger than 512 MiB or has more than 20,000 files, which none is")]
    TooLarge,
    /// There is nothing.
    #[error("the session has no registration to back up: no phone was linked, or its profile is gone")]
    Nothing,
    /// Somebody wrote meanwhile.
    #[error("the session's files changed while they were read; try again")]
    Changed,
    /// It cannot be the session's own.
    #[error("{} is no plain file of the session's own, or has a second name; it is not read", .0.display())]
    NotItsOwn(PathBuf),
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The files, as they were found.
#[derive(Debug)]
pub struct Files {
    root: File,
    owner: u32,
    parts: Vec<PathBuf>,
    found: BTreeMap<String, Stamp>,
}

impl Files {
    /// Looks for these parts in a folder, `below` one that is ours alone.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn look(ours: &Path, below: &Path, parts: &[&str]) -> Result<Self, SourceError> {
        let fail = at(below);
        let root =
            File::open(ours).and_then(|ours| open_beneath(&ours, below, OFlags::RDONLY | OFlags::DIRECTORY));
        let root = match root {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(SourceError::Nothing),
            root => root.map_err(fail)?,
        };
        let owner = root.metadata().map_err(at(below))?.uid();
        let mut files =
            Self { root, owner, parts: parts.iter().map(PathBuf::from).collect(), found: BTreeMap::new() };
        files.found = files.list()?;
        if files.found.is_empty() { Err(SourceError::Nothing) } else { Ok(files) }
    }

    /// Each file's name, and how many bytes it has.
    pub fn entries(&self) -> impl Iterator<Item = (&str, u64)> {
        self.found.iter().map(|(name, stamp)| (name.as_str(), stamp.size))
    }

    /// Opens one of them.
    pub(crate) fn open(&self, name: &str) -> Result<File, SourceError> {
        let path = Path::new(name);
        let file = open_beneath(&self.root, path, OFlags::RDONLY).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => SourceError::Changed,
            _ => at(path)(error),
        })?;
        let found = file.metadata().map_err(at(path))?;
        if found.is_file() && found.uid() == self.owner && found.nlink() == 1 {
            Ok(file)
        } else {
            Err(SourceError::NotItsOwn(path.to_owned()))
        }
    }

    /// Whether all of them are still what they were.
    pub(crate) fn unchanged(&self) -> Result<(), SourceError> {
        if self.list()? == self.found { Ok(()) } else { Err(SourceError::Changed) }
    }

    fn list(&self) -> Result<BTreeMap<String, Stamp>, SourceError> {
        let mut walk = Walk { owner: self.owner, found: BTreeMap::new(), bytes: 0, seen: 0 };
        for part in &self.parts {
            let folder = part.parent().unwrap_or(Path::new(""));
            let opened = match folder.as_os_str().is_empty() {
                true => self.root.try_clone(),
                false => open_beneath(&self.root, folder, OFlags::RDONLY | OFlags::DIRECTORY),
            };
            match opened {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                opened => walk.entry(opened.map_err(at(folder))?.as_fd(), part, 0)?,
            }
        }
        Ok(walk.found)
    }
}

struct Walk {
    owner: u32,
    found: BTreeMap<String, Stamp>,
    bytes: u64,
    seen: usize,
}

impl Walk {
    /// What has this name in this folder, and all below it.
    fn entry(&mut self, folder: BorrowedFd<'_>, path: &Path, depth: usize) -> Result<(), SourceError> {
        let Some(name) = path.file_name() else { return Ok(()) };
        let found: Stat = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(()),
            found => found.map_err(io::Error::from).map_err(at(path))?,
        };
        self.seen += 1;
        if self.seen > MOST_REGISTRATION_FILES || depth > DEEPEST {
            return Err(SourceError::TooLarge);
        }
        match FileType::from_raw_mode(found.st_mode) {
            FileType::Directory => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let inside = match openat(folder, name, flags, Mode::empty()) {
                    Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Err(SourceError::Changed),
                    inside => inside.map_err(io::Error::from).map_err(at(path))?,
                };
                for entry in Dir::read_from(&inside).map_err(io::Error::from).map_err(at(path))? {
                    let entry = entry.map_err(io::Error::from).map_err(at(path))?;
                    // What is not text is no name of a browser's.
                    match entry.file_name().to_str() {
                        Ok("." | "..") | Err(_) => {}
                        Ok(name) => self.entry(inside.as_fd(), &path.join(name), depth + 1)?,
                    }
                }
                Ok(())
            }
            FileType::RegularFile if holds_nothing(path) => Ok(()),
            FileType::RegularFile if found.st_uid != self.owner || found.st_nlink != 1 => {
                Err(SourceError::NotItsOwn(path.to_owned()))
            }
            FileType::RegularFile => {
                let size = u64::try_from(found.st_size).unwrap_or_default();
                self.bytes = self.bytes.saturating_add(size);
                if self.bytes > MOST_REGISTRATION_BYTES {
                    return Err(SourceError::TooLarge);
                }
                let Some(name) = path.to_str() else { return Ok(()) };
                #[allow(clippy::unnecessary_cast)] // their types differ between architectures
                let stamp = Stamp {
                    inode: found.st_ino as u64,
                    size,
                    modified: (found.st_mtime as i64, found.st_mtime_nsec as i64),
                    changed: (found.st_ctime as i64, found.st_ctime_nsec as i64),
                };
                self.found.insert(name.to_owned(), stamp);
                Ok(())
            }
            // Links, pipes, sockets: a browser has some beside its databases, and none in them.
            _ => Ok(()),
        }
    }
}

/// So many bytes of the file, from there on.
pub(crate) fn piece(file: &File, path: &str, from: u64, size: u64) -> Result<Vec<u8>, SourceError> {
    let mut bytes = vec![0; usize::try_from(size).map_err(|_| SourceError::TooLarge)?];
    file.read_exact_at(&mut bytes, from).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => SourceError::Changed,
        _ => at(Path::new(path))(error),
    })?;
    Ok(bytes)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> SourceError {
    let path = path.to_owned();
    move |source| SourceError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    const PARTS: [&str; 2] = ["Default/IndexedDB", "Default/Cookies"];

    struct Ground(tempfile::TempDir);

    impl Ground {
        fn new() -> Self {
            let ground = Self(tempfile::tempdir().expect("folder"));
            fs::create_dir_all(ground.path("user/Default/IndexedDB/x.leveldb")).expect("made");
            ground.write("user/Default/IndexedDB/x.leveldb/000003.log", "12345");
            ground.write("user/Default/IndexedDB/x.leveldb/LOCK", "");
            ground.write("user/Default/Cookies", "678");
            ground.write("user/Default/Cache", "cached");
            ground.write("secret", "secret");
            ground
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.path(name), text).expect("written");
        }

        fn look(&self) -> Result<Files, SourceError> {
            Files::look(self.0.path(), Path::new("user"), &PARTS)
        }
    }

    #[test]
    fn the_parts_are_found_and_nothing_else() {
        let ground = Ground::new();
        let files = ground.look().expect("there");
        let found: Vec<_> = files.entries().collect();
        assert_eq!(found, [("Default/Cookies", 3), ("Default/IndexedDB/x.leveldb/000003.log", 5)]);
        let file = files.open("Default/Cookies").expect("opened");
        assert_eq!(piece(&file, "", 1, 2).expect("read"), b"78");
        assert!(matches!(piece(&file, "", 1, 3), Err(SourceError::Changed)), "cut off meanwhile");
        files.unchanged().expect("as it was");
        ground.write("user/Default/Cookies", "679");
        assert!(matches!(files.unchanged(), Err(SourceError::Changed)));
        let none = Files::look(ground.0.path(), Path::new("user"), &["Default/none"]);
        assert!(matches!(none, Err(SourceError::Nothing)));
        let nobody = Files::look(ground.0.path(), Path::new("nobody"), &PARTS);
        assert!(matches!(nobody, Err(SourceError::Nothing)));
    }

    #[test]
    fn what_a_hostile_browser_puts_there_leads_nowhere() {
        let ground = Ground::new();
        symlink(ground.path("secret"), ground.path("user/Default/IndexedDB/link")).expect("linked");
        symlink(ground.path(""), ground.path("user/Default/IndexedDB/folder")).expect("linked");
        let pipe = ground.path("user/Default/IndexedDB/pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
            .expect("made");
        assert_eq!(ground.look().expect("there").entries().count(), 2, "neither links nor pipes");

        // A file that became a link or a pipe after the look is not read either, and nobody waits for a pipe.
        let files = ground.look().expect("there");
        let cookies = ground.path("user/Default/Cookies");
        fs::remove_file(&cookies).expect("removed");
        symlink(ground.path("secret"), &cookies).expect("linked");
        files.open("Default/Cookies").expect_err("a link");
        fs::remove_file(&cookies).expect("removed");
        fs::rename(&pipe, &cookies).expect("moved");
        assert!(matches!(files.open("Default/Cookies"), Err(SourceError::NotItsOwn(_))));
        fs::remove_file(&cookies).expect("removed");
        assert!(matches!(files.open("Default/Cookies"), Err(SourceError::Changed)));

        // The file of somebody else, by a second name of it.
        fs::hard_link(ground.path("secret"), ground.path("user/Default/IndexedDB/other")).expect("linked");
        assert!(matches!(ground.look(), Err(SourceError::NotItsOwn(_))));
        fs::remove_file(ground.path("user/Default/IndexedDB/other")).expect("removed");

        // Folders on the way that are links.
        fs::rename(ground.path("user/Default"), ground.path("away")).expect("moved");
        symlink(ground.path("away"), ground.path("user/Default")).expect("linked");
        ground.look().expect_err("a link on the way");
        fs::rename(ground.path("user"), ground.path("elsewhere")).expect("moved");
        symlink(ground.path("elsewhere"), ground.path("user")).expect("linked");
        ground.look().expect_err("a link at the beginning");
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_read() {
        let ground = Ground::new();
        let huge = File::create(ground.path("user/Default/IndexedDB/huge")).expect("made");
        huge.set_len(MOST_REGISTRATION_BYTES).expect("a file with holes");
        assert!(matches!(ground.look(), Err(SourceError::TooLarge)));
        fs::remove_file(ground.path("user/Default/IndexedDB/huge")).expect("removed");
        let deep = "d/".repeat(DEEPEST + 1);
        fs::create_dir_all(ground.path("user/Default/IndexedDB").join(deep)).expect("made");
        assert!(matches!(ground.look(), Err(SourceError::TooLarge)));
    }
}
