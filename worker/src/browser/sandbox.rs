//! Whether Chromium's own sandbox can be used. It is made of user namespaces, and Chromium refuses to run as root
//! with it.
//!
//! Owns the decision. The sandbox of an ordinary user is never given up: without namespaces Chromium then says what
//! is missing and ends. It is given up only where it would have been off anyway, because the service is root.
#![allow(unsafe_code)] // what happens between fork and exec has no safe interface

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::libc;

/// Whether it is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sandbox {
    /// It is.
    On,
    /// It is not.
    Off {
        /// For the log.
        why: &'static str,
    },
}

impl Sandbox {
    /// For a browser of this process. `own_user` when the supervisor has more rights than this process.
    pub(crate) fn choose(own_user: bool) -> Self {
        if nix::unistd::geteuid().is_root() {
            return Self::Off {
                why: "this is root: let worker_uids give each worker a user of its own, or run the service as an \
                      ordinary user",
            };
        }
        match namespaces() {
            Err(error) if own_user => {
                tracing::warn!(%error, "no user namespaces");
                Self::Off { why: "ordinary users have no user namespaces here; allow them" }
            }
            _ => Self::On,
        }
    }
}

/// Makes, in a process that ends at once, what Chromium makes: a user namespace, and another one with the rights
/// that come with it, which AppArmor may withhold.
fn namespaces() -> io::Result<()> {
    /// No error of either call.
    const MADE: i32 = libc::ECANCELED;
    let mut command = Command::new("/");
    // SAFETY: between fork and exec only unshare(2) is called, which takes a number: async-signal-safe, no
    // allocation, no lock. It always ends with an error, so nothing is ever run.
    unsafe {
        command.pre_exec(|| {
            if libc::unshare(libc::CLONE_NEWUSER) == 0 && libc::unshare(libc::CLONE_NEWNET) == 0 {
                return Err(io::Error::from_raw_os_error(MADE));
            }
            Err(io::Error::last_os_error())
        });
    }
    match command.spawn() {
        Err(error) if error.raw_os_error() == Some(MADE) => Ok(()),
        Err(error) => Err(error),
        Ok(mut child) => child.wait().map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_has_none_and_an_ordinary_user_keeps_it() {
        let root = nix::unistd::geteuid().is_root();
        assert_eq!(matches!(Sandbox::choose(false), Sandbox::Off { .. }), root);
    }

    #[test]
    fn the_trial_leaves_this_process_where_it_was() {
        let here = || std::fs::read_link("/proc/self/ns/user").expect("known");
        let before = here();
        let _ = namespaces();
        assert_eq!(here(), before);
    }
}
