//! What a worker writes to its standard error, on its way into our log.
//!
//! Owns the pipe between the two, how much may come through it, and how a foreign line is told: under the worker's user,
//! on one line, with nothing in it that commands a terminal. A worker that was taken over may write what it likes; it
//! forges no line of ours and fills no disk.
//!
//! The pipe has a name in the user's runtime folder, and the worker holds both of its ends: it never breaks, so that
//! workers outlive supervisors, and the next supervisor finds it and what waits in it. Nobody waits for the other: we read
//! only so much, and then a write finds it full, and the worker counts what it had to drop.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use colmeia::UserId;
use colmeia::errors::lack_of;
use colmeia::text::is_unseen;
use colmeia_base::files::if_there;
use colmeia_host::token_bucket::TokenBucket;
use nix::libc;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::{Map, Value};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::time::{Instant, sleep};

/// How many bytes of our log a worker may fill at once: what it has to tell of a start, several times.
const AT_ONCE: f64 = 256.0 * 1024.0;
/// How many more each second: a worker says a few lines a minute, and with `debug` some each second.
const PER_SECOND: f64 = 16.0 * 1024.0;
/// What a line takes in our log besides what it says: time, level, user, and the names of those. An empty one is not
/// for nothing.
const FRAME: usize = 128;
/// The longest line; more of it is left out.
const LINE: usize = 8 * 1024;
/// How much is read at once.
const PIECE: usize = 4 * 1024;

/// The reading end.
#[derive(Debug)]
pub struct Lines(OwnedFd);

/// A new pipe of this name, and the end for the worker's standard error.
///
/// # Errors
/// Those of the file system.
pub(super) fn pipe(path: &Path) -> io::Result<(Lines, OwnedFd)> {
    if_there(fs::remove_file(path))?;
    mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR)?;
    // Both ends are the worker's too: a pipe that nobody reads just now is full and not broken.
    let write = open(path, OpenOptions::new().read(true).write(true))?;
    Ok((Lines(open(path, OpenOptions::new().read(true))?.into()), write.into()))
}

/// The reading end of a pipe that an earlier supervisor has made, if there is one. The folder is the worker's, which may
/// have put something else there.
///
/// # Errors
/// When the machine has nothing left to look with.
pub fn again(path: &Path) -> io::Result<Option<Lines>> {
    match open(path, OpenOptions::new().read(true)) {
        Err(error) if lack_of(&error).is_some() => Err(error),
        opened => Ok(opened.ok().map(|file| Lines(file.into()))),
    }
}

fn open(path: &Path, how: &mut OpenOptions) -> io::Result<File> {
    let file = how.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.file_type().is_fifo() {
        return Err(io::Error::other("no pipe"));
    }
    Ok(file)
}

impl Lines {
    /// Tells what comes, until everyone who could write has ended.
    pub async fn tell(self, user: UserId) {
        let (begun, mut quota) = (Instant::now(), TokenBucket::full(AT_ONCE, PER_SECOND, Duration::ZERO));
        let Ok(mut pipe) = pipe::Receiver::from_owned_fd(self.0) else { return };
        let (mut piece, mut split) = ([0; PIECE], Splitter::default());
        loop {
            // As much as may come now, so that what is not read waits in the pipe.
            while !quota.has_left(begun.elapsed()) {
                sleep(Duration::from_millis(100)).await;
            }
            let Ok(read @ 1..) = pipe.read(&mut piece).await else { break };
            let mut told = 0;
            split.add(&piece[..read], |line| told += tell(&user, line));
            #[allow(clippy::cast_precision_loss, reason = "a few hundred bytes for each that was read")]
            quota.spend(told as f64, begun.elapsed());
        }
        split.finish(|line| {
            tell(&user, line);
        });
    }
}

/// Makes lines of pieces, none longer than [`LINE`].
#[derive(Debug, Default)]
struct Splitter {
    line: Vec<u8>,
    /// How many bytes of it are left out.
    over: usize,
}

impl Splitter {
    fn add(&mut self, piece: &[u8], mut told: impl FnMut(&str)) {
        for byte in piece {
            match byte {
                b'\n' => self.end(&mut told),
                _ if self.line.len() < LINE => self.line.push(*byte),
                _ => self.over += 1,
            }
        }
    }

    fn finish(mut self, mut told: impl FnMut(&str)) {
        self.end(&mut told);
    }

    fn end(&mut self, told: &mut impl FnMut(&str)) {
        let line = String::from_utf8_lossy(&self.line);
        match self.over {
            0 if line.is_empty() => {}
            0 => told(&line),
            over => told(&format!("{line} … ({over} bytes more)")),
        }
        self.line.clear();
        self.over = 0;
    }
}

/// How severe a line says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

impl Level {
    fn named(name: &str) -> Option<Self> {
        match name {
            "ERROR" => Some(Self::Error),
            "WARN" => Some(Self::Warn),
            "INFO" => Some(Self::Info),
            "DEBUG" | "TRACE" => Some(Self::Debug),
            _ => None,
        }
    }
}

/// Writes it to our log, and says how many bytes that takes there.
fn tell(user: &UserId, line: &str) -> usize {
    let (level, message, detail) = understand(line);
    let size = FRAME + message.len() + detail.as_ref().map_or(0, String::len);
    match level {
        Level::Error => tracing::error!(target: "worker", %user, detail, "{message}"),
        Level::Warn => tracing::warn!(target: "worker", %user, detail, "{message}"),
        Level::Info => tracing::info!(target: "worker", %user, detail, "{message}"),
        Level::Debug => tracing::debug!(target: "worker", %user, detail, "{message}"),
    }
    size
}

/// Level, message, and whatever else it says, as text that is harmless to show. Our own workers write JSON or text; the
/// user is known from the pipe, and what the line says of it is not believed. Pure.
fn understand(line: &str) -> (Level, String, Option<String>) {
    let Ok(mut said) = serde_json::from_str::<Map<String, Value>>(line) else {
        let (level, message) = of_text(line).unwrap_or((Level::Info, line));
        return (level, harmless(message), None);
    };
    let level = said.remove("level").as_ref().and_then(Value::as_str).and_then(Level::named);
    let level = level.unwrap_or(Level::Info);
    let message = match said.remove("message") {
        Some(Value::String(message)) => message,
        Some(other) => other.to_string(),
        None => String::new(),
    };
    ["user", "timestamp", "target"].into_iter().for_each(|key| drop(said.remove(key)));
    let detail: Vec<_> = said.iter().map(|(name, value)| format!("{name}={}", told(value))).collect();
    let detail = (!detail.is_empty()).then(|| harmless(&detail.join(" ")));
    (level, harmless(&message), detail)
}

/// A text as it is where it is one word; else as JSON, so that it is seen where it ends.
fn told(value: &Value) -> String {
    let is_bare =
        |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || "=\"\\".contains(c));
    match value {
        Value::String(text) if is_bare(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Level and message of a line for people: `<time> <level> <message> user=<user>`.
fn of_text(line: &str) -> Option<(Level, &str)> {
    let (time, rest) = line.split_once(' ')?;
    let (level, message) = rest.trim_start().split_once(' ')?;
    let is_time = time.ends_with('Z') && time.starts_with(|c: char| c.is_ascii_digit());
    let level = Level::named(level).filter(|_| is_time)?;
    let without = message.rsplit_once(" user=").filter(|(_, user)| !user.contains(' '));
    Some((level, without.map_or(message, |(message, _)| message).trim_start()))
}

/// What could command a terminal, or turn the direction of what follows, is written out.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unseen(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_line_is_told_with_its_level_and_no_control_in_it() {
        let ours = r#"{"user":"8","timestamp":"x","level":"WARN","message":"a page","target":"y","pid":7}"#;
        assert_eq!(understand(ours), (Level::Warn, "a page".into(), Some("pid=7".into())));
        let state = r#"{"level":"INFO","message":"session state","from":"loading","to":"ready","why":"it = \"is\"","more":{"a":1}}"#;
        let detail = r#"from=loading more={"a":1} to=ready why="it = \"is\"""#;
        assert_eq!(understand(state).2.as_deref(), Some(detail));
        let forged = "{\"message\":\"x\\n2026-01-01 ERROR all is lost\\u001b[31m\\u202e\",\"level\":7}";
        let (level, message, detail) = understand(forged);
        assert_eq!((level, detail), (Level::Info, None));
        assert_eq!(message, "x\\u{a}2026-01-01 ERROR all is lost\\u{1b}[31m\\u{202e}");
        let text = "2026-11-29T23:17:39.551982Z ERROR the browser cannot be opened error=none user=9";
        assert_eq!(understand(text), (Level::Error, "the browser cannot be opened error=none".into(), None));
        assert_eq!(understand("at home user=9"), (Level::Info, "at home user=9".into(), None));
        assert_eq!(understand("plain \u{1b}]0;x\u{7}").1, "plain \\u{1b}]0;x\\u{7}");
        for line in ["", "[]", "{", "null", "7", "{\"message\":{\"a\":\"\\n\"}}"] {
            let (_, message, detail) = understand(line);
            assert!(!message.chars().chain(detail.unwrap_or_default().chars()).any(char::is_control));
        }
    }

    #[test]
    fn lines_are_cut_where_they_are_too_long_and_nothing_of_it_is_lost_in_silence() {
        let (mut split, mut told) = (Splitter::default(), Vec::new());
        for piece in [&b"one\ntw"[..], b"o\n\n", &[b'x'; LINE], &[b'y'; 1000], b"\nthree"] {
            split.add(piece, |line| told.push(line.to_owned()));
        }
        split.finish(|line| told.push(line.to_owned()));
        assert_eq!((told[0].as_str(), told[1].as_str(), told[3].as_str()), ("one", "two", "three"));
        assert!(told[2].ends_with("x … (1000 bytes more)") && told.len() == 4, "{told:?}");
    }

    #[tokio::test]
    async fn the_pipe_takes_what_it_holds_and_never_makes_its_writer_wait_or_fail_otherwise() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("log");
        let (lines, write) = pipe(&path).expect("made");
        let mut write = File::from(write);
        drop(lines); // the supervisor is gone
        let mut taken = 0;
        let full = loop {
            match write.write(&[b'x'; 1024]) {
                Ok(more) => taken += more,
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        assert!(taken >= 4096);
        let next = again(&path).expect("seen").expect("the next one finds it");
        let telling = tokio::spawn(next.tell("7".parse().expect("valid")));
        drop(write);
        tokio::time::timeout(Duration::from_secs(60), telling)
            .await
            .expect("read to its end")
            .expect("no panic");
        fs::remove_file(&path).expect("removed");
        std::os::unix::fs::symlink("/etc/passwd", &path).expect("planted");
        assert!(again(&path).expect("seen").is_none(), "a link");
        fs::remove_file(&path).expect("removed");
        fs::write(&path, "x").expect("planted");
        assert!(again(&path).expect("seen").is_none(), "no pipe");
    }
}
