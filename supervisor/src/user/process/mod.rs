//! [`WorkerProcess`]: one worker's process, spawned by us or found alive.
//!
//! Owns the pidfd: death is seen through it, and signals go through it, so that a process id that was given to
//! somebody else meanwhile is never hit. Dropping it leaves the process alone: workers outlive supervisors.

mod helper;
mod leftovers;
pub(crate) mod lines;
mod pidfd;
mod spawn;

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use colmeia::ExitReason;
use colmeia::session::{EXIT_DISK_FULL, EXIT_MACHINE, LaunchCause};
use rustix::process::{
    PidfdFlags, Signal, WaitId, WaitIdOptions, getsid, pidfd_open, pidfd_send_signal, waitid,
};

pub(crate) use helper::Helper;
pub(crate) use leftovers::{Children, Family, Marks, Table, Traces, number, real_uid, sweep};
pub(crate) use rustix::process::Pid;
pub(crate) use spawn::{Launch, NotReady, Readiness, SpawnError, Spawned, hears_signals, spawn};

/// A worker's process.
#[derive(Debug)]
pub(crate) struct WorkerProcess {
    pid: Pid,
    /// The process itself, whatever becomes of its number.
    handle: OwnedFd,
    /// Where it is counted, if it is our own child: then we have to reap it.
    children: Option<Children>,
    /// By what its processes are recognised.
    marks: Marks,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By itself, with this status.
    Exited(i32),
    /// Of a signal.
    Signalled(i32),
    /// It was not our child, so nobody tells us.
    Unknown,
}

impl WorkerProcess {
    /// Takes over a worker that another supervisor started.
    ///
    /// # Errors
    /// When the process is gone, or is no leader of a session, so no worker.
    pub(crate) fn adopt(pid: Pid, marks: Marks, children: &Children) -> io::Result<Self> {
        let handle = pidfd_open(pid, PidfdFlags::empty())?;
        if getsid(Some(pid))? != pid {
            return Err(io::Error::other("the process is no session leader, so no worker of ours"));
        }
        let children = children.recover(pid).then(|| children.clone());
        Ok(Self { pid, handle, children, marks })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// Its process id as others write it.
    pub(crate) fn id(&self) -> u32 {
        number(self.pid)
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        match pidfd_send_signal(&self.handle, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => tracing::error!(pid = self.id(), ?signal, %error, "cannot signal the worker"),
        }
    }

    /// Waits until the process has ended and everything that it left behind is gone too.
    ///
    /// The process stays a zombie until its leftovers are gone: so long its number cannot be given to another,
    /// and they can be recognised by their session.
    pub(crate) async fn ended(&self) -> Ended {
        pidfd::ended(self.handle.as_fd()).await;
        let ended = self.status(WaitIdOptions::NOWAIT);
        sweep(Traces { session: Some(self.pid), marks: self.marks.clone() }).await;
        if let Some(children) = &self.children {
            self.status(WaitIdOptions::empty());
            children.forget(self.pid);
        }
        ended
    }

    fn status(&self, options: WaitIdOptions) -> Ended {
        if self.children.is_none() {
            return Ended::Unknown;
        }
        let options = options | WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        match waitid(WaitId::PidFd(self.handle.as_fd()), options) {
            Ok(Some(status)) => match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => Ended::Exited(code),
                (None, Some(signal)) => Ended::Signalled(signal),
                (None, None) => Ended::Unknown,
            },
            _ => Ended::Unknown,
        }
    }
}

impl Ended {
    /// Why a worker ended that did not say why. `connected` when it had said Hello.
    pub(crate) fn reason(self, connected: bool) -> ExitReason {
        match self {
            Self::Exited(0) if connected => ExitReason::Stopped,
            Self::Exited(code) if !connected && code == i32::from(EXIT_DISK_FULL) => {
                ExitReason::LaunchFailed { cause: LaunchCause::DiskFull, why: "the disk is full".into() }
            }
            Self::Exited(code) if !connected && code == i32::from(EXIT_MACHINE) => {
                let why = "the machine has no descriptors, processes or memory left".into();
                ExitReason::LaunchFailed { cause: LaunchCause::Machine, why }
            }
            Self::Exited(code) if !connected => ExitReason::LaunchFailed {
                cause: LaunchCause::Other,
                why: format!("the worker ended before it was ready (exit status {code}); its log says why"),
            },
            Self::Signalled(signal) => ExitReason::Crash { process: "worker".into(), signal: Some(signal) },
            Self::Exited(_) | Self::Unknown => ExitReason::Crash { process: "worker".into(), signal: None },
        }
    }
}
