//! [`LogTail`]: the end of a worker's log file.
//!
//! Owns the reading of a file that another process writes, rotates and deletes, and that a hostile browser may
//! have put something else in the place of: no link is followed, nothing but a plain file is read, no more than
//! a fixed number of bytes, and what could command a terminal is taken out.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use colmeia::UserId;
use colmeia::layout::StateLayout;
use rustix::fs::{CWD, Mode, OFlags, openat};

/// How much of a file is read at once.
const CHUNK: u64 = 512 * 1024;

/// Where a user's log lies.
#[derive(Debug, Clone)]
pub struct LogTail {
    root: PathBuf,
    /// The current file and the one before it, seen from the root.
    current: PathBuf,
    earlier: PathBuf,
}

/// Up to where a file was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    inode: u64,
    offset: u64,
}

impl LogTail {
    /// Of this user's worker.
    pub fn of(layout: &StateLayout, user: &UserId) -> Self {
        let current = layout.worker_log(user);
        let current = current.strip_prefix(layout.root()).map(PathBuf::from).unwrap_or(current);
        let mut earlier = current.clone().into_os_string();
        earlier.push(".1");
        Self { root: layout.root().to_owned(), current, earlier: earlier.into() }
    }

    /// The last lines, the oldest first, and where they end. No file, no lines.
    pub fn last(&self, most: usize) -> (Vec<String>, Position) {
        let (mut lines, position) = self.end_of(&self.current, most, 0).unwrap_or_default();
        if lines.len() < most
            && let Ok((mut before, _)) = self.end_of(&self.earlier, most - lines.len(), 0)
        {
            before.append(&mut lines);
            lines = before;
        }
        (lines, position)
    }

    /// Where the log ends now.
    pub fn end(&self) -> Position {
        self.open(&self.current)
            .map_or_else(|_| Position::default(), |(_, inode, length)| Position { inode, offset: length })
    }

    /// The last of the lines that were written after the position. After a rotation: the last of all.
    pub fn last_since(&self, position: Position, most: usize) -> Vec<String> {
        let same = self.open(&self.current).is_ok_and(|(_, inode, _)| inode == position.inode);
        if same {
            self.end_of(&self.current, most, position.offset).unwrap_or_default().0
        } else {
            self.last(most).0
        }
    }

    /// Whole lines that were written after the position. After a rotation it goes on with the new file.
    pub fn since(&self, position: Position) -> (Vec<String>, Position) {
        self.news(position).unwrap_or((Vec::new(), position))
    }

    fn end_of(&self, path: &Path, most: usize, from: u64) -> io::Result<(Vec<String>, Position)> {
        let (mut file, inode, length) = self.open(path)?;
        let start = length.saturating_sub(CHUNK).max(from.min(length));
        let (mut lines, offset) = lines_from(&mut file, start)?;
        if start > from && !lines.is_empty() {
            lines.remove(0); // begins in the middle
        }
        lines.drain(..lines.len().saturating_sub(most));
        Ok((lines, Position { inode, offset }))
    }

    fn news(&self, position: Position) -> io::Result<(Vec<String>, Position)> {
        let (mut file, inode, length) = self.open(&self.current)?;
        let same = inode == position.inode && length >= position.offset;
        let (lines, offset) = lines_from(&mut file, if same { position.offset } else { 0 })?;
        Ok((lines, Position { inode, offset }))
    }

    fn open(&self, path: &Path) -> io::Result<(File, u64, u64)> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let mut place = openat(CWD, &self.root, flags | OFlags::DIRECTORY, Mode::empty())?;
        // One part after the other and not by `openat2`: systemd refuses that one where `RestrictSUIDSGID=` is set, as
        // in our unit.
        let flags = flags | OFlags::NOFOLLOW;
        let mut parts = path.components().peekable();
        while let Some(part) = parts.next() {
            let Component::Normal(part) = part else { return Err(io::ErrorKind::InvalidInput.into()) };
            let kind = match parts.peek() {
                Some(_) => OFlags::DIRECTORY,
                // Without waiting: what lies there may be a pipe.
                None => OFlags::NONBLOCK | OFlags::NOCTTY,
            };
            place = openat(&place, part, flags | kind, Mode::empty())?;
        }
        let file = File::from(place);
        let found = file.metadata()?;
        if !found.is_file() || found.nlink() > 1 {
            return Err(io::Error::other("no plain file"));
        }
        Ok((file, found.ino(), found.len()))
    }
}

/// Whole lines from here, and where the last one ends.
fn lines_from(file: &mut File, start: u64) -> io::Result<(Vec<String>, u64)> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(CHUNK).read_to_end(&mut bytes)?;
    let end = match bytes.iter().rposition(|byte| *byte == b'\n') {
        Some(last) => last + 1,
        // A line that is longer than what we read is cut.
        None if bytes.len() as u64 == CHUNK => bytes.len(),
        None => 0,
    };
    bytes.truncate(end);
    let text = String::from_utf8_lossy(&bytes);
    Ok((text.lines().map(harmless).collect(), start + end as u64))
}

/// The line without colours, and without anything else that a terminal obeys.
fn harmless(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' && characters.next_if_eq(&'[').is_some() {
            while characters.next_if(|next| !next.is_ascii_alphabetic()).is_some() {}
            characters.next();
        } else if character == '\t' || !character.is_control() {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write as _;

    struct House {
        _folder: tempfile::TempDir,
        file: PathBuf,
        tail: LogTail,
    }

    fn house() -> House {
        let folder = tempfile::tempdir().expect("folder");
        let layout = StateLayout::new(folder.path(), "ylada_bot");
        let user: UserId = "7".parse().expect("valid");
        fs::create_dir_all(layout.own_dir(&user)).expect("made");
        House { file: layout.worker_log(&user), tail: LogTail::of(&layout, &user), _folder: folder }
    }

    #[test]
    fn the_last_lines_come_from_both_files_and_new_ones_once() {
        let house = house();
        assert_eq!(house.tail.last(9), (vec![], Position::default()));
        fs::write(house.file.with_extension("log.1"), "a\nb\n").expect("written");
        fs::write(&house.file, "c\n\u{1b}[32md\u{1b}[0m\x07\nhalf").expect("written");
        let (lines, position) = house.tail.last(3);
        assert_eq!(lines, ["b", "c", "d"]);
        let mut file = fs::OpenOptions::new().append(true).open(&house.file).expect("open");
        writeln!(file, " and half").expect("written");
        let (lines, position) = house.tail.since(position);
        assert_eq!(lines, ["half and half"]);
        assert_eq!(house.tail.since(position).0, Vec::<String>::new());
        fs::rename(&house.file, house.file.with_extension("log.1")).expect("rotated");
        assert_eq!(house.tail.since(position).0, Vec::<String>::new());
        fs::write(&house.file, "new\n").expect("written");
        assert_eq!(house.tail.since(position).0, ["new"]);
    }

    #[test]
    fn the_lines_of_one_worker_are_told_from_those_before() {
        let house = house();
        let nothing = house.tail.end();
        fs::write(&house.file, "earlier\nhalf").expect("written");
        assert_eq!(house.tail.last_since(nothing, 5), ["earlier"]);
        fs::write(&house.file, "earlier\n").expect("written");
        let position = house.tail.end();
        assert!(house.tail.last_since(position, 5).is_empty());
        let mut file = fs::OpenOptions::new().append(true).open(&house.file).expect("open");
        file.write_all(b"one\ntwo\nthree\n").expect("written");
        assert_eq!(house.tail.last_since(position, 2), ["two", "three"]);
        fs::rename(&house.file, house.file.with_extension("log.1")).expect("rotated");
        assert_eq!(house.tail.last_since(position, 2), ["two", "three"]);
    }

    #[test]
    fn a_link_in_the_place_of_the_log_shows_nothing() {
        let house = house();
        std::os::unix::fs::symlink("/etc/passwd", &house.file).expect("linked");
        assert_eq!(house.tail.last(9).0, Vec::<String>::new());
    }

    #[test]
    fn a_file_without_end_is_read_within_bounds() {
        let house = house();
        fs::write(&house.file, "x".repeat(3 * 1024 * 1024)).expect("written");
        assert!(house.tail.last(9).0.iter().all(|line| line.len() as u64 <= CHUNK));
    }
}
