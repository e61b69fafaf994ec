//! Logs: human on a terminal, JSON otherwise, on standard error and in a file of the worker's own. Every line
//! names the user.
//!
//! Owns the format, the filter and the file. `COLMEIA_LOG_FORMAT` (`human`, `json`) and `COLMEIA_LOG` (a filter
//! such as `info,colmeia_worker=debug`) come from the supervisor, so that all lines of one service look alike.
//!
//! Standard error is the supervisor's pipe, which takes only so much, and nothing while the supervisor is away. From
//! [`keep`] on it is written to by a thread of its own, which waits for room; a line that finds the thread's queue full
//! is dropped and counted, and the next that gets through says how many, so that nobody who stops reading stops a session
//! and nothing is lost in silence. The file is kept in any case, bounded, by this process alone.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use colmeia::UserId;
use colmeia_base::{files, tasks};
use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, poll};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::page::QUIET_LOGS;

/// The file is set aside when it is larger, and the one that was set aside before is gone.
const LARGEST: u64 = 1024 * 1024;
/// How many lines may wait for whoever reads standard error.
const WAITING: usize = 512;
/// How long the last lines may take at the end.
const FAREWELL: Duration = Duration::from_millis(200);

/// Where lines go besides standard error, once there is such a place.
static KEPT: Mutex<Option<LogFile>> = Mutex::new(None);

struct LogFile {
    file: Book,
    reader: SyncSender<Passing>,
    /// Lines that did not get through since the last that did.
    dropped: u64,
}

/// What is handed to the thread that writes to standard error.
enum Passing {
    Line(Vec<u8>),
    /// The end: say so when everything before it is written.
    Last(SyncSender<()>),
}

/// Begins to log, with the user in every line once it is known. Called once.
pub(crate) fn start(user: Option<&UserId>) {
    let asked = std::env::var("COLMEIA_LOG").ok().filter(|f| !f.is_empty()).unwrap_or_else(|| "info".into());
    // Last, and so above what was asked for: these would write QR strings and texts.
    let quiet = QUIET_LOGS.join(",");
    let filter = EnvFilter::try_new(format!("{asked},{quiet}"))
        .unwrap_or_else(|_| EnvFilter::new(format!("info,{quiet}")));
    let terminal = io::stderr().is_terminal();
    let json = match std::env::var("COLMEIA_LOG_FORMAT").as_deref() {
        Ok("json") => true,
        Ok("human") => false,
        _ => !terminal,
    };
    let writer = Lines { user: user.map(|user| user.as_str().into()), json };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(terminal);
    if json {
        builder.json().flatten_event(true).init();
    } else {
        builder.with_target(false).init();
    }
}

/// From now on lines are kept in this file too. Called once the folders are ours and the process is walled off:
/// the thread that begins here has no more rights than the rest.
pub(crate) fn keep(path: &Path) {
    let (reader, lines) = sync_channel(WAITING);
    let thread = tasks::passing_thread("stderr", move || {
        for passing in lines {
            match passing {
                Passing::Line(line) => drop(write_when_possible(io::stderr().lock(), &line)),
                Passing::Last(done) => drop(done.send(())),
            }
        }
    });
    match (Book::open(path), thread) {
        (Ok(file), Ok(_)) => *kept() = Some(LogFile { file, reader, dropped: 0 }),
        (Err(error), _) | (_, Err(error)) => tracing::warn!(%error, "no log file is kept"),
    }
}

/// Writes a whole line to what does not wait by itself.
fn write_when_possible(mut to: impl Write + AsFd, mut line: &[u8]) -> io::Result<()> {
    while !line.is_empty() {
        match to.write(line) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => line = &line[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                poll(&mut [PollFd::new(&to, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Gives the last lines a moment to get through.
pub(crate) fn finish() {
    let reader = kept().as_ref().map(|kept| kept.reader.clone());
    let (done, written) = sync_channel(1);
    if reader.is_some_and(|reader| reader.try_send(Passing::Last(done)).is_ok()) {
        let _ = written.recv_timeout(FAREWELL);
    }
}

fn kept() -> parking_lot::MutexGuard<'static, Option<LogFile>> {
    KEPT.lock()
}

/// Puts the user into each line: a process serves one user, and tasks and threads come and go in it that know
/// of no span. A user id needs no escaping.
#[derive(Clone)]
struct Lines {
    user: Option<Arc<str>>,
    json: bool,
}

impl Lines {
    /// The line that says how many did not get through.
    fn dropped(&self, lines: u64) -> Vec<u8> {
        let text = "lines were dropped: nobody read them in time; the worker's own log has them";
        self.with_user(&match self.json {
            true => format!("{{\"level\":\"WARN\",\"message\":\"{text}\",\"lines\":{lines}}}\n").into_bytes(),
            false => format!("WARN {text} lines={lines}\n").into_bytes(),
        })
    }

    fn with_user(&self, line: &[u8]) -> Vec<u8> {
        let Some(user) = &self.user else { return line.to_vec() };
        match (self.json, line) {
            (true, [b'{', rest @ ..]) => [format!("{{\"user\":\"{user}\",").as_bytes(), rest].concat(),
            (_, [text @ .., b'\n']) => [text, format!(" user={user}\n").as_bytes()].concat(),
            (_, text) => text.to_vec(),
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Lines {
    /// The subscriber writes whole lines. It never fails: nobody could be told, and a session does not end for
    /// its log.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let whole = self.with_user(line);
        match kept().as_mut() {
            Some(kept) => {
                let _ = kept.file.add(&whole);
                if kept.dropped > 0 && kept.reader.try_send(Passing::Line(self.dropped(kept.dropped))).is_ok()
                {
                    kept.dropped = 0;
                }
                kept.dropped += u64::from(kept.reader.try_send(Passing::Line(whole)).is_err());
            }
            None => drop(io::stderr().write_all(&whole)),
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A bounded file of lines: itself and the one before it.
struct Book {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Book {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, length })
    }

    fn add(&mut self, line: &[u8]) -> io::Result<()> {
        if self.length + line.len() as u64 > LARGEST && self.length > 0 {
            let mut aside = self.path.clone().into_os_string();
            aside.push(".1");
            // It may have been set aside before, when the next one could not be made for want of room.
            files::if_there(files::rename(&self.path, Path::new(&aside)))?;
            *self = Self::open(&self.path)?;
        }
        if let Err(error) = self.file.write_all(line) {
            // No half a line: the next one begins where this one did.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += line.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_names_the_user() {
        let lines = |json| Lines { user: Some("2_1".into()), json };
        let json = lines(true).with_user(b"{\"level\":\"INFO\",\"message\":\"x\"}\n");
        assert_eq!(json, b"{\"user\":\"2_1\",\"level\":\"INFO\",\"message\":\"x\"}\n");
        assert_eq!(lines(false).with_user(b" INFO x\n"), b" INFO x user=2_1\n");
    }

    #[test]
    fn the_book_is_bounded_and_goes_on_where_it_was() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("worker.log");
        Book::open(&path).expect("opened").add(b"first\n").expect("written");
        let mut book = Book::open(&path).expect("opened again");
        let line = [b"x".repeat(99), b"\n".to_vec()].concat();
        for _ in 0..30_000 {
            book.add(&line).expect("written");
        }
        let size = |path: &Path| std::fs::metadata(path).expect("there").len();
        let aside = folder.path().join("worker.log.1");
        assert!(size(&path) <= LARGEST && size(&aside) <= LARGEST && size(&aside) > LARGEST / 2);
        assert_eq!(std::fs::read_dir(folder.path()).expect("read").count(), 2);
    }

    #[test]
    fn a_line_waits_for_room_and_is_never_torn() {
        let (reader, writer) = io::pipe().expect("made");
        rustix::io::ioctl_fionbio(&writer, true).expect("set");
        let line = [b"x".repeat(20_000), b"\n".to_vec()].concat();
        let wrote = std::thread::spawn(move || {
            (0..20).try_for_each(|_| write_when_possible(&writer, &line)).expect("written");
        });
        let lines = io::BufRead::lines(io::BufReader::new(reader));
        let all: Vec<usize> = lines.map(|line| line.expect("read").len()).collect();
        wrote.join().expect("no panic");
        assert_eq!(all, [20_000; 20]);
    }

    #[test]
    fn nobody_who_stops_reading_stops_a_line() {
        let folder = tempfile::tempdir().expect("folder");
        let file = Book::open(&folder.path().join("worker.log")).expect("opened");
        let (reader, _nobody_reads) = sync_channel(1);
        *kept() = Some(LogFile { file, reader, dropped: 0 });
        let mut lines = Lines { user: Some("2_1".into()), json: false };
        for _ in 0..100 {
            lines.write_all(b"line\n").expect("never fails");
        }
        assert_eq!(kept().take().map(|kept| kept.dropped), Some(99), "one waits");
        let text = std::fs::read_to_string(folder.path().join("worker.log")).expect("kept");
        assert_eq!(text, "line user=2_1\n".repeat(100));
    }
}
