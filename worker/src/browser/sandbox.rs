//! Whether Chromium's own sandbox can be used. It is made of user namespaces, and Chromium refuses to run as root
//! with it.
//!
//! Owns the decision. The sandbox of an ordinary user is given up only when the configuration says so: without namespaces
//! Chromium then ends, and why is said by name. `auto` gives it up where it would have been off anyway, because the
//! service is root.
#![allow(unsafe_code)] // what happens between fork and exec has no safe interface

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use colmeia::config::{BrowserSandbox, NAMESPACES_AVAILABLE as AVAILABLE};
use nix::libc;

/// What an ordinary user of a machine without user namespaces can do.
const ADVICE: &str = "let ordinary users make user namespaces (docs/isolation.md), or set browser_sandbox to \"off\": a page \
                      that takes its browser over then has all that the browser has";

/// Whether it is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sandbox {
    /// It is. With why that may fail, where it may.
    On {
        /// What the machine says to a user namespace.
        doubt: Option<String>,
    },
    /// It is not.
    Off {
        /// For the log.
        why: &'static str,
    },
}

/// It is wanted and cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NoSandbox(String);

impl Sandbox {
    /// For a browser of this process. `own_user` when the supervisor has more rights than this process.
    ///
    /// # Errors
    /// [`NoSandbox`] where it is wanted and is certain to be refused.
    pub(crate) fn choose(wanted: BrowserSandbox, own_user: bool) -> Result<Self, NoSandbox> {
        decide(wanted, own_user, nix::unistd::geteuid().is_root(), namespaces)
    }

    /// Why a browser with this sandbox did not come up, if that may have been the sandbox.
    pub(crate) fn blamed(&self) -> Option<String> {
        match self {
            Self::On { doubt: Some(doubt) } => Some(format!("no user namespaces ({doubt}): {ADVICE}")),
            _ => None,
        }
    }
}

fn decide(
    wanted: BrowserSandbox,
    own_user: bool,
    root: bool,
    namespaces: impl FnOnce() -> io::Result<()>,
) -> Result<Sandbox, NoSandbox> {
    const ROOT: &str = "this is root: let worker_uids give each worker a user of its own, or run the service as an ordinary user";
    match wanted {
        BrowserSandbox::Off => return Ok(Sandbox::Off { why: "browser_sandbox is \"off\"" }),
        BrowserSandbox::On if root => return Err(NoSandbox(ROOT.into())),
        BrowserSandbox::Auto if root => return Ok(Sandbox::Off { why: ROOT }),
        BrowserSandbox::Auto | BrowserSandbox::On => {}
    }
    let doubt = namespaces().err().map(|error| error.to_string());
    if doubt.is_some() && own_user && wanted == BrowserSandbox::Auto {
        return Ok(Sandbox::Off { why: "ordinary users have no user namespaces here; allow them" });
    }
    // The browser's program may be allowed what we are not, so it is tried.
    Ok(Sandbox::On { doubt })
}

/// `colmeia-worker namespaces`: whether a browser of this user could have its sandbox here, for whoever cannot try it
/// without a process of its own. Says so on standard output, or why not.
pub(crate) fn try_out() -> ExitCode {
    match namespaces() {
        Ok(()) => {
            println!("{AVAILABLE}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Makes, in a process that ends at once, what Chromium makes: a user namespace, and another one and a root of its own with
/// the rights that come with it, which AppArmor or a container's seccomp profile may withhold.
fn namespaces() -> io::Result<()> {
    /// No error of these calls.
    const MADE: i32 = libc::ECANCELED;
    let mut command = Command::new("/");
    // SAFETY: between fork and exec only unshare(2), which takes a number, and chroot(2), which takes a text of the program,
    // are called: async-signal-safe, no allocation, no lock. It always ends with an error, so nothing is ever run.
    unsafe {
        command.pre_exec(|| {
            if libc::unshare(libc::CLONE_NEWUSER) == 0
                && libc::unshare(libc::CLONE_NEWNET) == 0
                && libc::chroot(c"/".as_ptr()) == 0
            {
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

    fn decided(
        wanted: BrowserSandbox,
        own_user: bool,
        root: bool,
        there: bool,
    ) -> Result<Sandbox, NoSandbox> {
        let namespaces = || there.then_some(()).ok_or_else(|| io::Error::from_raw_os_error(libc::EPERM));
        decide(wanted, own_user, root, namespaces)
    }

    #[test]
    fn nothing_but_the_configuration_takes_it_from_an_ordinary_user() {
        for wanted in [BrowserSandbox::Auto, BrowserSandbox::On] {
            assert_eq!(decided(wanted, false, false, true).expect("on"), Sandbox::On { doubt: None });
            let doubtful = decided(wanted, false, false, false).expect("tried");
            let blamed = doubtful.blamed().expect("the machine was asked");
            assert!(blamed.contains("not permitted") && blamed.contains("browser_sandbox"), "{blamed}");
        }
        for (own_user, root, there) in
            [(false, false, true), (false, false, false), (true, false, false), (false, true, true)]
        {
            let off = decided(BrowserSandbox::Off, own_user, root, there).expect("off");
            assert!(matches!(off, Sandbox::Off { .. }) && off.blamed().is_none());
        }
    }

    #[test]
    fn a_service_that_is_root_gives_it_up_by_itself_unless_it_is_insisted_on() {
        let off = |decided: Result<Sandbox, NoSandbox>| matches!(decided, Ok(Sandbox::Off { .. }));
        assert!(off(decided(BrowserSandbox::Auto, false, true, true)));
        assert!(off(decided(BrowserSandbox::Auto, true, false, false)));
        assert_eq!(
            decided(BrowserSandbox::Auto, true, false, true).expect("on"),
            Sandbox::On { doubt: None }
        );
        assert!(decided(BrowserSandbox::On, false, true, true).is_err());
        assert!(decided(BrowserSandbox::On, true, false, false).expect("tried").blamed().is_some());
    }

    #[test]
    fn the_trial_leaves_this_process_where_it_was() {
        let here = || std::fs::read_link("/proc/self/ns/user").expect("known");
        let before = here();
        let _ = namespaces();
        assert_eq!(here(), before);
    }
}
