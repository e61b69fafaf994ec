//! Logs: human on a terminal, JSON otherwise, on standard error and in a file of the worker's own.
//!
//! Owns the format, the filter and the file. `COLMEIA_LOG_FORMAT` (`human`, `json`) and `COLMEIA_LOG` (a filter
//! such as `info,colmeia_worker=debug`) come from the supervisor, so that all lines of one service look alike.
//!
//! Standard error is somebody else's: a terminal, a pipe, the journal of a supervisor that may be dead. From
//! [`keep`] on it is written to by a thread of its own, and a line that does not get through is dropped, so that
//! nobody who stops reading stops a session. The file is kept in any case, bounded, by this process alone.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::page::QUIET_LOGS;

/// The file is set aside when it is larger, and the one that was set aside before is gone.
const LARGEST: u64 = 1024 * 1024;
/// How many lines may wait for whoever reads standard error.
const WAITING: usize = 512;
/// How long the last lines may take at the end.
const FAREWELL: Duration = Duration::from_millis(200);

/// Where lines go besides standard error, once there is such a place.
static KEPT: Mutex<Option<Kept>> = Mutex::new(None);

struct Kept {
    file: Book,
    reader: SyncSender<Passing>,
}

/// What is handed to the thread that writes to standard error.
enum Passing {
    Line(Vec<u8>),
    /// The end: say so when everything before it is written.
    Last(SyncSender<()>),
}

/// Begins to log. Called once, first.
pub(crate) fn start() {
    let asked = std::env::var("COLMEIA_LOG").ok().filter(|f| !f.is_empty()).unwrap_or_else(|| "info".into());
    // Last, and so above what was asked for: these would write QR strings and texts.
    let quiet = QUIET_LOGS.join(",");
    let filter = EnvFilter::try_new(format!("{asked},{quiet}"))
        .unwrap_or_else(|_| EnvFilter::new(format!("info,{quiet}")));
    let json = match std::env::var("COLMEIA_LOG_FORMAT").as_deref() {
        Ok("json") => true,
        Ok("human") => false,
        _ => !io::stderr().is_terminal(),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Pen);
    if json {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).init();
    } else {
        builder.with_target(false).init();
    }
}

/// From now on lines are kept in this file too. Called once the folders are ours and the process is walled off:
/// the thread that begins here has no more rights than the rest.
pub(crate) fn keep(path: &Path) {
    let (reader, lines) = sync_channel(WAITING);
    let thread = std::thread::Builder::new().name("stderr".into()).spawn(move || {
        for passing in lines {
            match passing {
                Passing::Line(line) => drop(io::stderr().write_all(&line)),
                Passing::Last(done) => drop(done.send(())),
            }
        }
    });
    match (Book::open(path), thread) {
        (Ok(file), Ok(_)) => *kept() = Some(Kept { file, reader }),
        (Err(error), _) | (_, Err(error)) => tracing::warn!(%error, "no log file is kept"),
    }
}

/// Gives the last lines a moment to get through.
pub(crate) fn finish() {
    let reader = kept().as_ref().map(|kept| kept.reader.clone());
    let (done, written) = sync_channel(1);
    if reader.is_some_and(|reader| reader.try_send(Passing::Last(done)).is_ok()) {
        let _ = written.recv_timeout(FAREWELL);
    }
}

fn kept() -> std::sync::MutexGuard<'static, Option<Kept>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes one line. It never fails: nobody could be told, and a session does not end for its log.
struct Pen;

impl Write for Pen {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match kept().as_mut() {
            Some(kept) => {
                let _ = kept.file.add(line);
                let _ = kept.reader.try_send(Passing::Line(line.to_vec()));
            }
            None => drop(io::stderr().write_all(line)),
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
            std::fs::rename(&self.path, aside)?;
            *self = Self::open(&self.path)?;
        }
        self.file.write_all(line)?;
        self.length += line.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn nobody_who_stops_reading_stops_a_line() {
        let folder = tempfile::tempdir().expect("folder");
        let file = Book::open(&folder.path().join("worker.log")).expect("opened");
        let (reader, _nobody_reads) = sync_channel(1);
        *kept() = Some(Kept { file, reader });
        for _ in 0..100 {
            Pen.write_all(b"line\n").expect("never fails");
        }
        *kept() = None;
        let text = std::fs::read_to_string(folder.path().join("worker.log")).expect("kept");
        assert_eq!(text.lines().count(), 100);
    }
}
