//! The spool: events that the supervisor has not acknowledged yet, on disk in the user's own directory.
//!
//! Owns the file `events.log`: a first line `{"next":<seq>}` and then one line per event,
//! `{"seq":<n>,"event":{…}}`. An append is on disk when it returns; a line that a crash cut short was never
//! announced and is dropped at the next opening. Only the places of the events are kept in memory. The file system keeps
//! [`RESERVE`] bytes set aside for it, so that events that come in while the disk is full are safe too.
//!
//! Never decides when an event is done: the supervisor does, by acknowledging it.

mod heard;
mod outbox;

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read as _, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use colmeia::protocol::Event;
use colmeia_base::files;
use nix::fcntl::{FallocateFlags, fallocate};
use serde::{Deserialize, Serialize};

use heard::Heard;
pub(crate) use heard::Marks;
pub(crate) use outbox::{Hearing, Outbox, OutboxHandle};

/// When acknowledged events take more than this, the file is written anew without them.
const SLACK: u64 = 1024 * 1024;
/// The bytes that are set aside on the disk beyond the last event: some hundred messages.
const RESERVE: u64 = 256 * 1024;

/// What can go wrong with the spool.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} the spool {}", path.display())]
pub(crate) struct SpoolError {
    doing: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// An event with its number, as it goes to the supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Numbered {
    pub(crate) seq: u64,
    pub(crate) event: Event,
}

#[derive(Serialize, Deserialize)]
struct Header {
    next: u64,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    seq: u64,
    offset: u64,
    length: usize,
}

/// The open spool. One owner; it blocks on the disk.
#[derive(Debug)]
pub(crate) struct Spool {
    path: PathBuf,
    file: File,
    end: u64,
    /// Up to which place in the file the disk has room set aside.
    reserved: u64,
    next: u64,
    pending: VecDeque<Place>,
    heard: Heard,
    /// Whether the file's name is on disk too. Without it, a power cut loses the file.
    named: bool,
}

impl Spool {
    /// Opens the spool in `dir`, which is made if it is missing.
    pub(crate) fn open(dir: &Path) -> Result<Self, SpoolError> {
        let path = dir.join("events.log");
        let fail = |doing| {
            let path = path.clone();
            move |source| SpoolError { doing, path, source }
        };
        files::make_folder(dir).map_err(fail("create"))?;
        // A worker of an earlier release relied on the file's time.
        let left_alone = fs::metadata(&path).and_then(|file| file.modified()).ok();
        let file = private().create(true).truncate(false).open(&path).map_err(fail("open"))?;
        let mut spool = Self {
            path: path.clone(),
            file,
            end: 0,
            reserved: 0,
            next: 1,
            pending: VecDeque::new(),
            heard: Heard::open(dir, left_alone).map_err(fail("read"))?,
            // An earlier worker may have been killed before it was.
            named: false,
        };
        spool.load().map_err(fail("read"))?;
        spool.keep_name().map_err(fail("create"))?;
        spool.reserve();
        Ok(spool)
    }

    fn load(&mut self) -> io::Result<()> {
        let mut reader = BufReader::new(&self.file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                break;
            }
            if let Ok(header) = serde_json::from_slice::<Header>(&line) {
                self.next = self.next.max(header.next);
            } else if let Ok(numbered) = serde_json::from_slice::<Numbered>(&line) {
                self.pending.push_back(Place { seq: numbered.seq, offset: self.end, length });
                self.next = self.next.max(numbered.seq + 1);
            } else {
                tracing::warn!(offset = self.end, "a line of the spool is unreadable and is passed over");
            }
            self.end += length as u64;
        }
        // Whatever follows the last whole line was never announced.
        self.file.set_len(self.end)?;
        if self.end == 0 {
            self.write_header()?;
        }
        Ok(())
    }

    fn write_header(&mut self) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Header { next: self.next })?;
        line.push(b'\n');
        self.file.write_all_at(&line, self.end)?;
        self.end += line.len() as u64;
        self.file.sync_data()
    }

    /// Appends events and returns the last one's number once they are on disk. After an error, the same events have to
    /// be the next that are appended: they take the same place and overwrite what was written of them. Cutting that off
    /// instead would give the room that is set aside to somebody else.
    pub(crate) fn append(&mut self, events: &[Event]) -> Result<u64, SpoolError> {
        let mut bytes = Vec::new();
        let mut places = Vec::with_capacity(events.len());
        let mut seq = self.next;
        for event in events {
            let start = bytes.len();
            #[derive(Serialize)]
            struct Line<'a> {
                seq: u64,
                event: &'a Event,
            }
            serde_json::to_writer(&mut bytes, &Line { seq, event })
                .map_err(|e| self.error("write", e.into()))?;
            bytes.push(b'\n');
            places.push(Place { seq, offset: self.end + start as u64, length: bytes.len() - start });
            seq += 1;
        }
        self.file
            .write_all_at(&bytes, self.end)
            .and_then(|()| self.file.sync_data())
            .and_then(|()| self.keep_name())
            .map_err(|source| self.error("write", source))?;
        self.end += bytes.len() as u64;
        self.next = seq;
        self.pending.extend(places);
        events.iter().for_each(|event| self.heard.told(event));
        self.reserve();
        Ok(self.next - 1)
    }

    /// Sets room aside for the next events when half of it is used. If the disk has none now, the next append tries again.
    fn reserve(&mut self) {
        if self.reserved < self.end + RESERVE / 2 && set_aside(&self.file, self.end).is_ok() {
            self.reserved = self.end + RESERVE;
        }
    }

    /// The events after `seq` that are not acknowledged, at most `limit` of them.
    pub(crate) fn after(&self, seq: u64, limit: usize) -> Result<Vec<Numbered>, SpoolError> {
        let from = self.pending.partition_point(|place| place.seq <= seq);
        self.pending
            .range(from..)
            .take(limit)
            .map(|place| {
                let mut line = vec![0; place.length];
                self.file.read_exact_at(&mut line, place.offset).map_err(|e| self.error("read", e))?;
                serde_json::from_slice(&line).map_err(|e| self.error("read", e.into()))
            })
            .collect()
    }

    /// Forgets all events up to `seq`.
    pub(crate) fn acknowledge(&mut self, seq: u64) -> Result<(), SpoolError> {
        let done = self.pending.partition_point(|place| place.seq <= seq);
        if done == 0 {
            return Ok(());
        }
        self.pending.drain(..done);
        let slack = self.pending.front().map_or(self.end, |place| place.offset);
        if self.pending.is_empty() || slack > SLACK { self.compact() } else { Ok(()) }
    }

    /// Writes a new file with what is still pending, and puts it in the old one's place in one step.
    fn compact(&mut self) -> Result<(), SpoolError> {
        let fresh_path = self.path.with_extension("new");
        let from = self.pending.front().map_or(self.end, |place| place.offset);
        let write = || -> io::Result<(File, u64)> {
            let mut fresh = private().create(true).truncate(true).open(&fresh_path)?;
            let mut header = serde_json::to_vec(&Header { next: self.next })?;
            header.push(b'\n');
            fresh.write_all(&header)?;
            let mut old = &self.file;
            old.seek(SeekFrom::Start(from))?;
            // Beyond the end there may be parts of events that come again.
            io::copy(&mut old.take(self.end - from), &mut fresh)?;
            let end = fresh.stream_position()?;
            match set_aside(&fresh, end) {
                // The old file has room, and the new one would have none.
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return Err(error),
                _ => {}
            }
            fresh.sync_data()?;
            fs::rename(&fresh_path, &self.path)?;
            Ok((fresh, header.len() as u64))
        };
        let (file, header) = write().map_err(|e| {
            // An unfinished file takes room that the next event needs.
            let _ = fs::remove_file(&fresh_path);
            self.error("compact", e)
        })?;
        for place in &mut self.pending {
            place.offset = place.offset - from + header;
        }
        self.end = self.end - from + header;
        self.file = file;
        self.reserved = self.end + RESERVE;
        // This is the file from now on, even if its name reaches the disk only before the next append.
        self.named = false;
        self.keep_name().map_err(|e| self.error("compact", e))
    }

    /// Brings the file's name to disk before it returns.
    fn keep_name(&mut self) -> io::Result<()> {
        if !self.named {
            files::sync(self.folder())?;
            self.named = true;
        }
        Ok(())
    }

    /// Where it lies.
    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// The number of the last event that was ever appended; 0 before the first.
    pub(crate) fn last(&self) -> u64 {
        self.next - 1
    }

    fn error(&self, doing: &'static str, source: io::Error) -> SpoolError {
        SpoolError { doing, path: self.path.clone(), source }
    }
}

/// Sets room aside for [`RESERVE`] bytes beyond `end`, without making the file longer.
fn set_aside(file: &File, end: u64) -> io::Result<()> {
    let number = |bytes| i64::try_from(bytes).map_err(io::Error::other);
    Ok(fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, number(end)?, number(RESERVE)?)?)
}

/// Messages are in it: for the owner's eyes only.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia::protocol::OtherNames;
    use proptest::prelude::*;

    pub(super) fn event(n: usize) -> Event {
        Event::Ack {
            message: format!("true_5511988887777@c.us_{n}"),
            ack: 1,
            other_names: OtherNames::default(),
        }
    }

    fn seqs(spool: &Spool) -> Vec<u64> {
        spool.after(0, usize::MAX).expect("readable").into_iter().map(|e| e.seq).collect()
    }

    #[test]
    fn a_line_cut_short_by_a_crash_is_dropped_and_the_rest_kept() {
        let dir = tempfile::tempdir().expect("temp dir");
        let mut spool = Spool::open(dir.path()).expect("opens");
        spool.append(&[event(1), event(2)]).expect("appends");
        drop(spool);
        let path = dir.path().join("events.log");
        let mut torn = OpenOptions::new().append(true).open(&path).expect("opens");
        torn.write_all(br#"{"seq":3,"event":{"event":"ack","mess"#).expect("writes");
        let mut spool = Spool::open(dir.path()).expect("opens");
        assert_eq!(seqs(&spool), [1, 2]);
        assert_eq!(spool.append(&[event(3)]).expect("appends"), 3);
        drop(spool);
        assert_eq!(seqs(&Spool::open(dir.path()).expect("opens")), [1, 2, 3]);
    }

    #[test]
    fn numbers_are_never_used_twice_even_after_everything_was_acknowledged() {
        let dir = tempfile::tempdir().expect("temp dir");
        let mut spool = Spool::open(dir.path()).expect("opens");
        spool.append(&[event(1), event(2), event(3)]).expect("appends");
        spool.acknowledge(3).expect("acknowledges");
        drop(spool);
        let mut spool = Spool::open(dir.path()).expect("opens");
        assert!(seqs(&spool).is_empty());
        assert_eq!(spool.append(&[event(4)]).expect("appends"), 4);
        assert!(fs::metadata(dir.path().join("events.log")).expect("exists").len() < 200, "it was compacted");
    }

    #[test]
    fn what_comes_after_a_new_file_whose_name_could_not_be_brought_to_disk_is_in_the_file_that_has_the_name()
    {
        use nix::unistd::{Uid, setfsuid};
        use std::os::unix::fs::{PermissionsExt as _, chown};
        let dir = tempfile::tempdir().expect("temp dir");
        let mut spool = Spool::open(dir.path()).expect("opens");
        spool.append(&[event(1), event(2), event(3)]).expect("appends");
        // A folder whose names can be changed, and that cannot be opened; the superuser gives up its right to, in this
        // thread alone.
        let mode = |mode| fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).expect("changed");
        let us = Uid::effective();
        if us.is_root() {
            chown(dir.path(), Some(65534), None).expect("handed over");
            setfsuid(Uid::from_raw(65534));
        }
        mode(0o300);
        spool.acknowledge(3).expect_err("the folder cannot be brought to disk");
        spool.append(&[event(4)]).expect_err("nor can it for what comes next, which is not announced");
        setfsuid(us);
        mode(0o700);
        assert_eq!(spool.append(&[event(4)]).expect("appends"), 4);
        drop(spool);
        assert_eq!(seqs(&Spool::open(dir.path()).expect("opens")), [4]);
    }

    #[test]
    #[ignore = "the file system of the temporary folder must set room aside; make test-host runs it"]
    fn there_is_room_for_what_comes_while_the_disk_is_full() {
        use std::os::unix::fs::MetadataExt as _;
        let dir = tempfile::tempdir().expect("temp dir");
        let mut spool = Spool::open(dir.path()).expect("opens");
        for round in 0..40 {
            let (room, before) = (spool.file.metadata().expect("there").blocks() * 512, spool.reserved);
            assert!(room >= spool.end + RESERVE / 2, "{room} bytes for {} in round {round}", spool.end);
            let last = spool.append(&vec![event(1); 200]).expect("appends");
            let more = spool.reserved - before;
            assert!(
                more == 0 || more > RESERVE / 2,
                "{more} bytes at once in round {round}: a little each time"
            );
            if round == 20 {
                spool.acknowledge(last).expect("acknowledges");
                assert_eq!(spool.reserved, spool.end + RESERVE);
            }
        }
        drop(spool);
        let spool = Spool::open(dir.path()).expect("opens");
        assert!(spool.file.metadata().expect("there").blocks() * 512 >= spool.end + RESERVE / 2);
    }

    /// A file system of its own, which only this thread sees.
    struct Mounted(tempfile::TempDir);

    impl Mounted {
        fn of(kind: &str, options: &str) -> Self {
            use nix::sched::{CloneFlags, unshare};
            let dir = tempfile::tempdir().expect("temp dir");
            unshare(CloneFlags::CLONE_NEWNS).expect("mounts of its own take root");
            let mount = |words: &[&str]| {
                assert!(std::process::Command::new("mount").args(words).status().expect("runs").success());
            };
            mount(&["--make-rprivate", "/"]);
            mount(&["-t", kind, "-o", options, "none", &dir.path().display().to_string()]);
            Self(dir)
        }

        fn path(&self) -> &Path {
            self.0.path()
        }
    }

    impl Drop for Mounted {
        fn drop(&mut self) {
            // Its folder can be removed then.
            let _ = std::process::Command::new("umount").arg(self.path()).status();
        }
    }

    #[test]
    #[ignore = "only root may mount a small disk; make test-host runs it"]
    fn a_full_disk_leaves_the_file_that_has_room() {
        let dir = Mounted::of("tmpfs", "size=1m");
        let mut spool = Spool::open(dir.path()).expect("opens");
        spool.append(&[of_length(300 * 1024)]).expect("appends");
        let mut filler = File::create(dir.path().join("filler")).expect("made");
        while filler.write_all(&[0; 4096]).is_ok() {}
        // There is room for the new file, and none that could be set aside for it.
        let filled = filler.metadata().expect("there").len();
        filler.set_len(filled - RESERVE / 4).expect("shortened");
        let error = spool.acknowledge(1).expect_err("a new file would have no room");
        assert_eq!(error.source.kind(), io::ErrorKind::StorageFull);
        assert!(spool.append(&[event(2)]).is_ok(), "and the old one has");
        drop((spool, filler));
        fs::remove_file(dir.path().join("filler")).expect("removed");
        let mut spool = Spool::open(dir.path()).expect("opens");
        spool.acknowledge(2).expect("acknowledges");
        assert!(text(dir.path()).len() < 100, "there is room for a new one");
    }

    #[test]
    #[ignore = "only root may mount a disk that sets no room aside; make test-host runs it"]
    fn a_disk_that_sets_no_room_aside_does_without() {
        let dir = Mounted::of("ramfs", "mode=700");
        let mut spool = Spool::open(dir.path()).expect("opens");
        spool.append(&[event(1), event(2)]).expect("appends");
        spool.acknowledge(2).expect("acknowledges");
        assert!(text(dir.path()).len() < 100, "it was compacted");
    }

    fn text(dir: &Path) -> String {
        fs::read_to_string(dir.join("events.log")).expect("text")
    }

    #[test]
    fn the_file_has_one_head_and_a_line_for_each_event_however_often_it_is_opened() {
        let dir = tempfile::tempdir().expect("temp dir");
        drop(Spool::open(dir.path()).expect("opens"));
        let mut spool = Spool::open(dir.path()).expect("opens");
        assert_eq!(text(dir.path()), "{\"next\":1}\n");
        spool.append(&[event(1)]).expect("appends");
        drop(spool);
        drop(Spool::open(dir.path()).expect("opens"));
        let text = text(dir.path());
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() == 2 && lines[1].starts_with("{\"seq\":1,"), "{text}");
    }

    /// An event whose line has exactly so many bytes; its number has one digit.
    fn of_length(bytes: usize) -> Event {
        let of = |text: usize| Event::Ack {
            message: "x".repeat(text),
            ack: 1,
            other_names: OtherNames::default(),
        };
        let frame = serde_json::to_vec(&Numbered { seq: 1, event: of(0) }).expect("JSON").len() + 1;
        of(bytes - frame)
    }

    #[test]
    fn a_mebibyte_of_what_is_done_is_left_at_the_front_and_no_more() {
        for (more, compacted) in [(0, false), (1, true)] {
            let dir = tempfile::tempdir().expect("temp dir");
            let mut spool = Spool::open(dir.path()).expect("opens");
            let first = 1024 * 1024 - usize::try_from(spool.end).expect("small") + more;
            spool.append(&[of_length(first), event(2)]).expect("appends");
            spool.acknowledge(1).expect("acknowledges");
            assert_eq!(text(dir.path()).len() < 1024, compacted, "{more} more");
            assert_eq!(seqs(&spool), [2]);
            spool.append(&[event(3)]).expect("appends");
            assert_eq!(seqs(&spool), [2, 3]);
            drop(spool);
            let again = seqs(&Spool::open(dir.path()).expect("opens"));
            assert!(again.ends_with(&[2, 3]) && (again.len() == 2) == compacted, "{again:?}");
        }
    }

    #[test]
    fn what_was_written_of_events_that_come_again_is_not_in_the_new_file() {
        let dir = tempfile::tempdir().expect("temp dir");
        let mut spool = Spool::open(dir.path()).expect("opens");
        spool.append(&[of_length(1024 * 1024), event(2)]).expect("appends");
        spool.named = false;
        let nothing_left = crate::want::NothingLeft::begin();
        spool.append(&[event(3)]).expect_err("its folder cannot be brought to disk");
        drop(nothing_left);
        spool.acknowledge(1).expect("acknowledges");
        assert_eq!(text(dir.path()).lines().count(), 2, "a head and the one that waits");
        assert_eq!(spool.append(&[event(4)]).expect("appends"), 3);
        assert_eq!(text(dir.path()).lines().count(), 3);
    }

    #[test]
    fn some_hundred_messages_fit_into_what_is_set_aside() {
        let crate::engine::PageEvent::Message(message) = crate::fake::message(1) else { unreachable!() };
        let line = serde_json::to_vec(&Numbered { seq: 1000, event: Event::Message(message) }).expect("JSON");
        assert!((300..3000).contains(&(RESERVE / line.len() as u64)), "{} bytes each", line.len());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Append(usize),
        Acknowledge(u64),
        Reopen,
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn it_behaves_as_a_queue_that_survives(steps in prop::collection::vec(prop_oneof![
            (1usize..5).prop_map(Step::Append),
            (0u64..40).prop_map(Step::Acknowledge),
            Just(Step::Reopen),
        ], 1..25)) {
            let dir = tempfile::tempdir().expect("temp dir");
            let mut spool = Spool::open(dir.path()).expect("opens");
            let (mut model, mut next) = (Vec::new(), 1);
            for step in steps {
                match step {
                    Step::Append(count) => {
                        let events: Vec<Event> = (0..count).map(event).collect();
                        spool.append(&events).expect("appends");
                        for _ in 0..count {
                            model.push(next);
                            next += 1;
                        }
                    }
                    Step::Acknowledge(seq) => {
                        spool.acknowledge(seq).expect("acknowledges");
                        // A supervisor that acknowledges the future is no reason to lose what comes.
                        model.retain(|n| *n > seq);
                    }
                    // An unacknowledged front may come again after a crash: what was acknowledged but not yet
                    // compacted away is offered a second time, and the journal knows it by its id.
                    Step::Reopen => {
                        spool = Spool::open(dir.path()).expect("opens");
                        let all = seqs(&spool);
                        prop_assert!(all.ends_with(&model), "{:?} must end with {:?}", all, model);
                        model = all;
                    }
                }
                prop_assert_eq!(seqs(&spool), model.clone());
                prop_assert_eq!(spool.last(), next - 1);
            }
        }
    }
}
