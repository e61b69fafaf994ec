//! [`Helper`]: a process of ours that does one thing and ends soon. Dropping it ends it.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Child, Command, ExitStatus};

use colmeia_base::tasks;
use rustix::process::{Pid, Signal, pidfd_send_signal};

use super::orphans::Children;
use super::pidfd;

/// A process that is waited for, or killed.
#[derive(Debug)]
pub struct Helper {
    /// Until it is reaped.
    child: Option<Child>,
    pid: Pid,
    handle: OwnedFd,
    children: Children,
}

impl Helper {
    /// Starts it, counted, so that nobody else reaps it.
    ///
    /// # Errors
    /// Those of the system; then no process is left.
    pub fn spawn(mut command: Command, children: &Children) -> io::Result<Self> {
        let (child, pid, handle) = children.spawn(&mut command)?;
        Ok(Self { child: Some(child), pid, handle, children: children.clone() })
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// Those of the system.
    pub async fn wait(mut self) -> io::Result<ExitStatus> {
        pidfd::ended(self.handle.as_fd()).await;
        let mut child = self.child.take().ok_or(io::ErrorKind::NotFound)?;
        let status = child.wait(); // it has ended
        self.children.forget(self.pid);
        status
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let _ = pidfd_send_signal(&self.handle, Signal::KILL);
        let (children, pid) = (self.children.clone(), self.pid);
        let mut reap = move || {
            let _ = child.wait();
            children.forget(pid);
        };
        match tokio::runtime::Handle::try_current() {
            Ok(_) => drop(tasks::blocking("reaping", reap)),
            Err(_) => reap(),
        }
    }
}
