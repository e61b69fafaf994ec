//! [`Converter`]: makes voice and video into what phones play, each file in a process of its own.
//!
//! ```text
//! file ─▶ the session's turn (one) ─▶ a place (conversion.at_once) ─▶ worker program ─▶ walls, limits ─▶ ffmpeg ─▶ file
//! ```
//!
//! Owns the turns and the time. One session waits for itself only: it has one turn, and places are given in the order in
//! which sessions asked. **A conversion reaches its two files and nothing else**: the worker's program shuts it in
//! before it is ffmpeg. It runs within the service's limits and not the session's, whose browser it cannot push out.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Weak};
use std::time::Duration;

use colmeia::UserId;
use colmeia::config::{ConversionConfig, Landlock};
use colmeia::convert::{CANNOT_RUN, CANNOT_SHUT_IN, Order, UNKNOWN_KIND};
use colmeia_base::tasks;
use parking_lot::Mutex;
use tokio::sync::{Mutex as Turn, Semaphore};
use tokio::task::JoinError;
use tokio::time::{Instant, timeout, timeout_at};

use colmeia::errors::chain;
use colmeia_host::blocking;
use colmeia_host::process::{Children, Helper};
use colmeia_host::uids::UidAllocator;
use colmeia_host::uploads::{Draft, DraftError, Expected, LARGEST, Upload};

/// What shall come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// OGG Opus, one channel, 48 kHz.
    Voice,
    /// MP4 with H.264 and AAC.
    Video,
}

impl Target {
    /// Types that phones play as such a message.
    #[must_use]
    pub fn plays(self, essence: &str) -> bool {
        match self {
            Self::Voice => matches!(essence, "audio/ogg" | "audio/opus"),
            Self::Video => matches!(essence, "video/mp4" | "video/3gpp"),
        }
    }

    /// What the names of such files end with.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Voice => "ogg",
            Self::Video => "mp4",
        }
    }
}

/// Why nothing came out.
#[derive(Debug, thiserror::Error)]
pub enum Unconverted {
    /// There is no program.
    #[error("the converter is not installed")]
    NotInstalled,
    /// Too many wait.
    #[error("no place was free in time")]
    Busy,
    /// It is no sound or film, or not of a kind that is known.
    #[error("the file is of no kind that can be converted")]
    Kind,
    /// It is broken, or has no sound or picture in it.
    #[error("the file cannot be read")]
    Unreadable,
    /// It takes too long.
    #[error("the conversion takes too long")]
    Slow,
    /// What comes out is too large.
    #[error("the result is too large")]
    TooLarge,
    /// The session ended, or the service does.
    #[error("the conversion was interrupted")]
    Interrupted,
    /// The disk.
    #[error("the file cannot be kept")]
    File(#[from] DraftError),
    /// The system, or the installation.
    #[error("the converter cannot be run")]
    System(#[source] std::io::Error),
    /// It could not be shut in.
    #[error("the converter cannot be shut in; the log says why")]
    Walls,
}

/// How processes for it are made.
#[derive(Debug, Clone)]
pub struct ConverterContext {
    /// The worker's program.
    pub worker: PathBuf,
    /// Where our own children are counted.
    pub children: Children,
    /// Who has which user id.
    pub uids: UidAllocator,
}

/// Converts; cheap to clone.
#[derive(Debug, Clone)]
pub struct Converter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: ConversionConfig,
    landlock: Landlock,
    context: ConverterContext,
    places: Semaphore,
    turns: Mutex<HashMap<UserId, Weak<Turn<()>>>>,
}

impl Target {
    /// What comes out.
    pub fn mimetype(self) -> &'static str {
        match self {
            Self::Voice => "audio/ogg; codecs=opus",
            Self::Video => "video/mp4",
        }
    }
}

impl Converter {
    /// Converts with these, in the bounds that are configured.
    pub fn new(config: ConversionConfig, landlock: Landlock, context: ConverterContext) -> Self {
        let places = Semaphore::new(config.at_once);
        Self(Arc::new(Inner { config, landlock, context, places, turns: Mutex::default() }))
    }

    /// Converts a session's file; `room` is what the result may take of the session's room.
    ///
    /// # Errors
    /// [`Unconverted`]; then nothing of it is left.
    pub async fn convert(
        &self,
        file: &Upload,
        target: Target,
        user: &UserId,
        room: Expected,
    ) -> Result<Upload, Unconverted> {
        let ffmpeg = self.0.config.ffmpeg.clone();
        let installed = blocking::in_folders(move || ffmpeg.is_file()).await;
        if !installed.map_err(system)? {
            return Err(Unconverted::NotInstalled);
        }
        let limit = Duration::from_secs(self.0.config.timeout_secs);
        let until = Instant::now() + limit;
        let turn = self.turn(user);
        let waiting = async { (turn.lock().await, self.0.places.acquire().await) };
        let _turn = timeout_at(until, waiting).await.map_err(|_| Unconverted::Busy)?;
        let draft = room.beginning().await?;
        let command = self.command(file, &draft, target, user).map_err(Unconverted::System)?;
        let children = self.0.context.children.clone();
        let started = blocking::in_folders(move || Helper::spawn(command, &children)).await;
        let running = started.map_err(system)?.map_err(Unconverted::System)?;
        let status = timeout(limit, running.wait()).await.map_err(|_| Unconverted::Slow)?;
        judge(status.map_err(Unconverted::System)?)?;
        let adopted = tasks::blocking("conversion", move || draft.adopt()).await;
        let adopted = adopted.map_err(system)??;
        if adopted.length() == 0 { Err(Unconverted::Unreadable) } else { Ok(adopted) }
    }

    /// The session's own turn.
    fn turn(&self, user: &UserId) -> Arc<Turn<()>> {
        let mut turns = self.0.turns.lock();
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(user).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        turns.insert(user.clone(), Arc::downgrade(&turn));
        turn
    }

    fn command(&self, file: &Upload, to: &Draft, target: Target, user: &UserId) -> std::io::Result<Command> {
        let Inner { config, landlock, context, .. } = &*self.0;
        let order = Order {
            video: target == Target::Video,
            ffmpeg: config.ffmpeg.clone(),
            memory_mb: config.memory_mb,
            cpu_secs: config.timeout_secs,
            most_bytes: LARGEST,
            landlock: *landlock,
            uid: context.uids.own(user),
        };
        let mut command = Command::new(&context.worker);
        command.arg("convert").arg(serde_json::to_string(&order)?);
        command.env_clear().current_dir("/").stdin(file.hand_out()?).stdout(to.hand_out()?);
        command.stderr(Stdio::inherit());
        Ok(command)
    }
}

/// Its own work panicked.
fn system(panic: JoinError) -> Unconverted {
    Unconverted::System(std::io::Error::other(panic))
}

/// What an end means.
fn judge(status: ExitStatus) -> Result<(), Unconverted> {
    use std::os::unix::process::ExitStatusExt as _;

    use rustix::process::Signal;

    let signal = |signal: Signal| signal.as_raw();
    let wrong = match (status.code(), status.signal()) {
        (Some(0), _) => return Ok(()),
        (Some(code), _) if code == i32::from(UNKNOWN_KIND) => Unconverted::Kind,
        (Some(code), _) if code == i32::from(CANNOT_RUN) => Unconverted::NotInstalled,
        (Some(code), _) if code == i32::from(CANNOT_SHUT_IN) => Unconverted::Walls,
        // ffmpeg hears of its time and ends in order with this.
        (Some(255), _) => Unconverted::Slow,
        (_, Some(number)) if number == signal(Signal::XCPU) => Unconverted::Slow,
        (_, Some(number)) if number == signal(Signal::XFSZ) => Unconverted::TooLarge,
        (_, Some(number)) if number == signal(Signal::KILL) => Unconverted::Interrupted,
        _ => Unconverted::Unreadable,
    };
    tracing::info!(%status, why = chain(&wrong), "a file was not converted");
    Err(wrong)
}

#[cfg(test)]
mod tests;
