//! [`Heard`]: how far the page was heard, so that whoever listens next knows where to begin: the next worker, and the
//! next document of the same one.
//!
//! Owns the file `heard.json` beside the spool: the last message of each chat that is in the spool or was, and as the
//! file's time the last moment in which everything that the page had was told. It may be behind what is true; then some
//! messages are told once more, and the journal knows them. It is never ahead.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use colmeia::errors::lack_of;
use colmeia::layout::HEARD;
use colmeia::protocol::Event;
use colmeia_base::files;
use serde::{Deserialize, Serialize};

/// How far the page's clock may be off ours.
const MARGIN: Duration = Duration::from_secs(60);
/// Of the chats beyond these only the moment is known: those that were silent for longest.
const CHATS: usize = 2000;

/// What the page needs to know, in seconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Marks {
    /// From here on something may not have been told.
    pub(crate) from: i64,
    /// And in these chats what came after this message: its id and its time.
    pub(crate) chats: HashMap<String, (String, i64)>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    /// When the link was made; what is older is history. Milliseconds since the epoch.
    linked_ms: Option<i64>,
    /// Each chat's last message, and when it was sent, in milliseconds.
    #[serde(default)]
    chats: HashMap<String, (String, i64)>,
    /// The link has ended, and nobody has heard anything since.
    #[serde(default)]
    nothing: bool,
}

/// What is known, and what of it is on disk.
#[derive(Debug)]
pub(crate) struct Heard {
    path: PathBuf,
    record: Record,
    until: Option<SystemTime>,
    /// What is on disk is older than what is known: in what it says, or only in its time.
    stale: bool,
    late: bool,
}

impl Heard {
    /// As the worker before has left it in `dir`; one of an earlier release has left nothing but `otherwise`.
    ///
    /// # Errors
    /// When the machine has nothing left to look with. "Nothing was heard" would lose what came meanwhile.
    pub(super) fn open(dir: &Path, otherwise: Option<SystemTime>) -> io::Result<Self> {
        let path = dir.join(HEARD);
        let written = match fs::read(&path) {
            Err(error) if lack_of(&error).is_some() => return Err(error),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            // What cannot be read costs the marks, and leaves the moment.
            written => Some(written.unwrap_or_default()),
        };
        let until = match written {
            Some(_) => fs::metadata(&path).and_then(|file| file.modified()).ok(),
            None => otherwise,
        };
        let record: Record = written.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        let until = until.filter(|_| !record.nothing);
        Ok(Self { path, record, until, stale: false, late: false })
    }

    /// This is in the spool now.
    pub(super) fn told(&mut self, event: &Event) {
        let Event::Message(message) = event else { return };
        let mark = self.record.chats.entry(message.chat.clone()).or_default();
        if message.timestamp_ms >= mark.1 {
            *mark = (message.id.clone(), message.timestamp_ms);
            self.stale = true;
        }
        if self.record.chats.len() > CHATS {
            let mut times: Vec<i64> = self.record.chats.values().map(|(_, at)| *at).collect();
            times.sort_unstable();
            // Not one by one: each round looks at all of them.
            let floor = times[CHATS / 10];
            self.record.chats.retain(|_, (_, at)| *at > floor);
        }
    }

    /// The page has nothing that was not told.
    pub(super) fn all(&mut self) {
        self.until = Some(SystemTime::now());
        self.stale |= std::mem::take(&mut self.record.nothing);
        self.late = true;
    }

    /// The same of a page to which a phone was linked just now: what it had before is history.
    pub(super) fn linked(&mut self) {
        self.record = Record { linked_ms: Some(millis(SystemTime::now())), ..Record::default() };
        self.stale = true;
        self.all();
    }

    /// The link has ended.
    pub(super) fn forget(&mut self) {
        self.record = Record { nothing: true, ..Record::default() };
        self.until = None;
        self.stale = true;
    }

    /// Where to begin; `None` when nothing was ever heard.
    pub(super) fn marks(&self) -> Option<Marks> {
        let from = millis(self.until? - MARGIN).max(self.record.linked_ms.unwrap_or(i64::MIN));
        let chats = &self.record.chats;
        let chats = chats.iter().map(|(chat, (id, at))| (chat.clone(), (id.clone(), at.div_euclid(1000))));
        Some(Marks { from: from.div_euclid(1000), chats: chats.collect() })
    }

    /// Whether [`Self::save`] has anything to do.
    pub(super) fn is_behind(&self) -> bool {
        self.stale || self.late
    }

    /// Brings the disk up to date.
    pub(super) fn save(&mut self) -> io::Result<()> {
        let time = self.until.unwrap_or(UNIX_EPOCH);
        if self.stale || !self.path.exists() {
            // With its time: one of now would say that all until now was told.
            files::write_dated(&self.path, &serde_json::to_vec(&self.record)?, time)?;
            self.stale = false;
        } else {
            fs::File::options().write(true).open(&self.path)?.set_modified(time)?;
        }
        self.late = false;
        Ok(())
    }
}

fn millis(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia::protocol::{MessageRecord, OtherNames};

    fn message(chat: &str, n: i64, at_s: i64) -> Event {
        let crate::engine::PageEvent::Message(message) = crate::fake::message(1) else { unreachable!() };
        let id = format!("false_{chat}_{n}");
        Event::Message(Box::new(MessageRecord {
            id,
            chat: chat.into(),
            timestamp_ms: at_s * 1000,
            ..*message
        }))
    }

    fn again(heard: &mut Heard) -> Heard {
        heard.save().expect("saved");
        Heard::open(heard.path.parent().expect("a folder"), None).expect("read")
    }

    #[test]
    fn who_comes_next_begins_at_each_chats_last_message_and_a_minute_before_the_last_moment() {
        let dir = tempfile::tempdir().expect("folder");
        let mut heard = Heard::open(dir.path(), None).expect("read");
        assert_eq!(heard.marks(), None, "nobody has heard anything");
        heard.told(&message("a", 1, 100));
        heard.told(&message("a", 2, 200));
        heard.told(&message("a", 3, 150));
        heard.told(&message("b", 1, 50));
        heard.told(&Event::Ack { message: "true_c_1".into(), ack: 1, other_names: OtherNames::default() });
        heard.all();
        let before = millis(SystemTime::now()) / 1000;
        let marks = again(&mut heard).marks().expect("marks");
        assert_eq!(marks.chats["a"], ("false_a_2".to_owned(), 200));
        assert_eq!(marks.chats.len(), 2);
        assert!((before - 61..=before).contains(&(marks.from + 60)), "{} {before}", marks.from);
    }

    #[test]
    fn the_moment_is_that_of_the_last_word_and_not_of_what_is_written_later() {
        let dir = tempfile::tempdir().expect("folder");
        let mut heard = Heard::open(dir.path(), None).expect("read");
        heard.all();
        heard.until = Some(UNIX_EPOCH + Duration::from_secs(1_000_000));
        heard.told(&message("a", 1, 2_000_000));
        let marks = again(&mut heard).marks().expect("marks");
        assert_eq!((marks.from, marks.chats.len()), (999_940, 1));
    }

    #[test]
    fn a_link_begins_with_history_and_after_its_end_nothing_is_known() {
        let dir = tempfile::tempdir().expect("folder");
        let mut heard = Heard::open(dir.path(), None).expect("read");
        heard.told(&message("a", 1, 100));
        heard.linked();
        let marks = again(&mut heard).marks().expect("marks");
        let now = millis(SystemTime::now()) / 1000;
        assert!(marks.chats.is_empty() && (now - marks.from).abs() < 30, "no minute before the link");
        heard.forget();
        let mut next = again(&mut heard);
        assert_eq!(next.marks(), None);
        next.all();
        assert!(again(&mut next).marks().is_some());
    }

    #[test]
    fn an_earlier_releases_moment_counts_and_a_file_that_cannot_be_read_costs_the_marks_alone() {
        let dir = tempfile::tempdir().expect("folder");
        let long_ago = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let mut heard = Heard::open(dir.path(), Some(long_ago)).expect("read");
        assert_eq!(heard.marks().expect("marks").from, 999_940);
        heard.told(&message("a", 1, 100));
        heard.all();
        heard.save().expect("saved");
        fs::write(dir.path().join("heard.json"), "{\"chats\":").expect("cut short");
        let marks = Heard::open(dir.path(), Some(long_ago)).expect("read").marks().expect("marks");
        assert!(marks.chats.is_empty() && marks.from > 1_000_000);
        // The same of what is no file at all.
        fs::remove_file(dir.path().join("heard.json")).expect("removed");
        fs::create_dir(dir.path().join("heard.json")).expect("made");
        let marks = Heard::open(dir.path(), None).expect("read").marks().expect("marks");
        assert!(marks.chats.is_empty() && marks.from > 1_000_000);
    }

    #[test]
    fn what_nobody_can_look_at_is_not_taken_for_nothing() {
        let dir = tempfile::tempdir().expect("folder");
        let mut heard = Heard::open(dir.path(), None).expect("read");
        heard.told(&message("a", 1, 100));
        heard.all();
        heard.save().expect("saved");
        let nothing_left = crate::want::NothingLeft::begin();
        let unread = Heard::open(dir.path(), None);
        drop(nothing_left);
        assert!(lack_of(&unread.expect_err("nobody can say")).is_some());
        assert_eq!(Heard::open(dir.path(), None).expect("read").marks(), heard.marks());
    }

    #[test]
    fn the_chats_that_are_silent_for_longest_are_given_up_first() {
        let dir = tempfile::tempdir().expect("folder");
        let mut heard = Heard::open(dir.path(), None).expect("read");
        for n in 0..5000 {
            heard.told(&message(&format!("c{n}"), n, n));
        }
        heard.all();
        let marks = heard.marks().expect("marks");
        assert!(marks.chats.len() <= CHATS && marks.chats.len() > CHATS / 2, "{}", marks.chats.len());
        assert!(marks.chats.contains_key("c4999") && !marks.chats.contains_key("c0"));
    }

    #[test]
    fn two_thousand_chats_are_known_and_one_more_costs_a_tenth_of_them() {
        let dir = tempfile::tempdir().expect("folder");
        let mut heard = Heard::open(dir.path(), None).expect("read");
        heard.all();
        for (n, known) in [(2000, 2000), (2001, 1800)] {
            (1..=n).for_each(|n| heard.told(&message(&format!("c{n}"), n, n)));
            assert_eq!(heard.marks().expect("marks").chats.len(), known);
        }
    }
}
