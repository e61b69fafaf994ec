//! Starts a worker. Unsafe code is only here and in `pidfd`.
//!
//! Owns what a new process gets: a session of its own, an environment with nothing in it but what is needed, no
//! open file but the standard streams, its configuration on standard input. Nothing ties it to us: it outlives us.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use colmeia::config::{LogFormat, WorkerConfig};
use colmeia::errors::{Lack, lack_of};
use colmeia::layout::LOG_PIPE;
use colmeia::session::LaunchCause;
use nix::libc;
use rustix::process::setsid;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _};
use tokio::net::unix::pipe;

use super::WorkerProcess;
use super::lines::{self, Lines};
use colmeia_host::memory::{CgroupError, Group};
use colmeia_host::private::NotOurs;
use colmeia_host::process::{Children, Marks};
use colmeia_host::uids::UidsError;

/// What a worker inherits of our environment, and nothing else.
const INHERITED: [&str; 5] = ["PATH", "LANG", "TZ", "RUST_LOG", "COLMEIA_LOG"];
/// The first descriptor after the standard streams.
const FIRST_OWN_FD: libc::c_uint = 3;
/// What a worker writes once its socket listens.
const READY: &str = "ready";
/// The beginnings of what it writes when it cannot begin, with what each means.
const FAILED: [(&str, LaunchCause); 3] = [
    ("failed ", LaunchCause::Other),
    ("disk_full ", LaunchCause::DiskFull),
    ("machine ", LaunchCause::Machine),
];
/// The longest line that is read of it.
const LINE: u64 = 4096;

/// Everything about a start that is the same for all users.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The worker's program.
    pub program: PathBuf,
    /// How its log lines look, decided once: a worker has no terminal.
    pub log_format: LogFormat,
    /// Where our own children are counted.
    pub children: Children,
}

/// A worker that has just been started.
#[derive(Debug)]
pub struct Spawned {
    /// Its process.
    pub process: WorkerProcess,
    /// When it listens.
    pub ready: Readiness,
    /// What it writes to its standard error.
    pub lines: Lines,
}

/// Why a worker's socket does not listen.
#[derive(Debug)]
pub enum NotReady {
    /// It said why, and what kind of trouble that is.
    Refused {
        /// What kind of trouble.
        cause: LaunchCause,
        /// What it said.
        why: String,
    },
    /// It said nothing.
    Silent(io::Error),
}

/// Tells when the worker's socket listens.
#[derive(Debug)]
pub struct Readiness(pipe::Receiver);

/// Why no worker could be started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The program cannot be run.
    #[error("cannot run {}", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It runs, but it cannot be told what to do.
    #[error("cannot hand over its configuration")]
    Configure(#[source] io::Error),
    /// It cannot be put under its caps.
    #[error("cannot put it under its memory cap")]
    Cap(#[from] CgroupError),
    /// It cannot have a user id of its own.
    #[error("cannot give it a user id of its own")]
    Owner(#[from] UidsError),
    /// Its folder is not what it should be.
    #[error(transparent)]
    NotOurs(#[from] NotOurs),
    /// There is no way for what it has to say.
    #[error("cannot make the pipe for its log")]
    Log(#[source] io::Error),
    /// Its token cannot be kept.
    #[error("cannot keep its token")]
    Token(#[source] io::Error),
    /// The runtime folder cannot be made.
    #[error("cannot make {}", path.display())]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl SpawnError {
    /// What the machine has none left of, if that is why. Where a process was to be started, `EAGAIN` says so too.
    pub fn lack(&self) -> Option<Lack> {
        match self {
            Self::Run { source, .. } if source.kind() == io::ErrorKind::WouldBlock => Some(Lack::Processes),
            _ => lack_of(self),
        }
    }
}

/// Starts a worker whose processes have these marks, in this control group if there is one.
///
/// Blocks while the disk hands out the program.
///
/// # Errors
/// [`SpawnError`]; then no process is left.
pub fn spawn(
    launch: &Launch,
    config: &WorkerConfig,
    marks: Marks,
    group: Option<&Group>,
) -> Result<Spawned, SpawnError> {
    colmeia_host::folders::make_private(&marks.user_dir)
        .map_err(|source| SpawnError::Folder { path: marks.user_dir.clone(), source })?;
    let log = marks.user_dir.join(LOG_PIPE);
    let (lines, stderr) = lines::pipe(&log).map_err(SpawnError::Log)?;
    let mut command = Command::new(&launch.program);
    command
        .env_clear()
        .envs(INHERITED.iter().filter_map(|key| Some((*key, std::env::var_os(key)?))))
        .env("COLMEIA_LOG_FORMAT", log_format(launch.log_format))
        // For temporary files, and the mark by which its processes are found.
        .env("TMPDIR", &marks.user_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::from(stderr));
    if config.debug {
        // Only our own lines: those of libraries may quote what passes through them.
        command.env("COLMEIA_LOG", "info,colmeia_worker=debug");
    }
    cut_off(&mut command, group.map(Group::worker_entrance).transpose()?);

    let (mut child, pid, handle) = (launch.children)
        .spawn(&mut command)
        .map_err(|source| SpawnError::Run { program: launch.program.clone(), source })?;
    let process = WorkerProcess { pid, handle, children: Some(launch.children.clone()), marks };
    match configure(&mut child, config) {
        Ok(ready) => Ok(Spawned { process, ready, lines }),
        Err(source) => {
            process.kill();
            let _ = child.wait();
            launch.children.forget(pid);
            Err(SpawnError::Configure(source))
        }
    }
}

/// The configuration is smaller than a pipe's buffer, so this does not wait for the worker.
fn configure(child: &mut std::process::Child, config: &WorkerConfig) -> io::Result<Readiness> {
    let missing = || io::Error::other("a standard stream is missing");
    let json = serde_json::to_vec(config)?;
    child.stdin.take().ok_or_else(missing)?.write_all(&json)?;
    let stdout = OwnedFd::from(child.stdout.take().ok_or_else(missing)?);
    Ok(Readiness(pipe::Receiver::from_owned_fd(stdout)?))
}

fn log_format(format: LogFormat) -> OsString {
    match format {
        LogFormat::Human => "human",
        LogFormat::Auto | LogFormat::Json => "json",
    }
    .into()
}

/// A session of its own: a signal for our terminal's group does not reach the worker, and whatever it starts can
/// be recognised by the session's number. Files that a library of ours opened without close-on-exec stay ours.
/// It enters its control group first, so that nothing of it ever runs without its caps.
#[allow(unsafe_code)]
fn cut_off(command: &mut Command, entrance: Option<File>) {
    let before_exec = move || {
        if let Some(entrance) = &entrance {
            // Whoever writes this enters.
            rustix::io::write(entrance, b"0")?;
        }
        // SAFETY: a system call on numbers alone. It marks descriptors to be closed at exec and closes none, so
        // that none is closed under its owner. Kernels before 5.11 do not know it, which is no harm by itself.
        unsafe {
            libc::syscall(libc::SYS_close_range, FIRST_OWN_FD, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC)
        };
        setsid().map(drop).map_err(io::Error::from)
    };
    // SAFETY: between fork and exec only write(2), on a descriptor that was opened before and belongs to the
    // closure, close_range(2) and setsid(2) are called: async-signal-safe, no allocation, no lock.
    unsafe { command.pre_exec(before_exec) };
}

impl Readiness {
    /// Waits until the worker's socket listens. The caller bounds the time.
    ///
    /// # Errors
    /// [`NotReady`] when it ends, or says something else.
    pub async fn wait(self) -> Result<(), NotReady> {
        let mut line = Vec::new();
        let mut reader = tokio::io::BufReader::new(self.0.take(LINE));
        reader.read_until(b'\n', &mut line).await.map_err(NotReady::Silent)?;
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if line == READY {
            return Ok(());
        }
        for (word, cause) in FAILED {
            if let Some(why) = line.strip_prefix(word) {
                return Err(NotReady::Refused { cause, why: why.to_owned() });
            }
        }
        Err(NotReady::Silent(io::Error::other("the worker said nothing that a worker says")))
    }
}
