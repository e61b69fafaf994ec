//! What passes from one image of the program to the next, or from systemd to the first: open descriptors by name.
//!
//! Owns the variable that lists them: `<pid>:<name>=<descriptor>,…`. It counts only for the process that it names,
//! so that no child can take it for its own. Knows no meaning of any descriptor.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};

/// The variable's name.
pub(crate) const VARIABLE: &str = "COLMEIA_HANDOVER";
/// systemd's own, which count once only.
const SYSTEMD: [&str; 3] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];
/// The port, as systemd opened it.
pub(crate) const ACTIVATED: &str = "activated";

/// What this image has got.
#[derive(Debug, Default)]
pub(crate) struct Inherited(BTreeMap<String, OwnedFd>);

/// What the next image will get. It is closed if this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Handover(BTreeMap<&'static str, OwnedFd>);

impl Inherited {
    /// Takes what there is. To be called once, before anything else opens a file: the descriptors are taken at
    /// their word.
    pub(crate) fn receive() -> Self {
        let mut taken = BTreeMap::new();
        let listed = std::env::var(VARIABLE).unwrap_or_default();
        for (name, number) in parse(&listed, std::process::id()) {
            taken.extend(own(number).map(|descriptor| (name, descriptor)));
        }
        // systemd's sockets; only one port is served.
        let mut opened = sd_notify::listen_fds().into_iter().flatten().filter_map(own);
        if let (Some(first), false) = (opened.next(), taken.contains_key(ACTIVATED)) {
            taken.insert(ACTIVATED.into(), first);
        }
        drop(opened);
        Self(taken)
    }

    /// Takes one out.
    pub(crate) fn claim(&mut self, name: &str) -> Option<OwnedFd> {
        self.0.remove(name)
    }
}

impl Handover {
    /// Adds one.
    pub(crate) fn add(&mut self, name: &'static str, descriptor: OwnedFd) {
        self.0.insert(name, descriptor);
    }

    /// Keeps the descriptors open over the next `execve` and returns the environment in which they are found.
    pub(super) fn environment(&self) -> rustix::io::Result<Vec<(OsString, OsString)>> {
        for descriptor in self.0.values() {
            fcntl_setfd(descriptor, FdFlags::empty())?;
        }
        let mut environment: Vec<_> = std::env::vars_os().filter(|(key, _)| !is_ours(key)).collect();
        environment.push((VARIABLE.into(), self.format(std::process::id()).into()));
        Ok(environment)
    }

    /// Takes the promise back, for an `execve` that failed.
    pub(super) fn keep(&self) {
        for descriptor in self.0.values() {
            let _ = fcntl_setfd(descriptor, FdFlags::CLOEXEC);
        }
    }

    fn format(&self, pid: u32) -> String {
        let listed: Vec<_> =
            self.0.iter().map(|(name, descriptor)| format!("{name}={}", descriptor.as_raw_fd())).collect();
        format!("{pid}:{}", listed.join(","))
    }
}

fn is_ours(key: &OsStr) -> bool {
    key == VARIABLE || SYSTEMD.iter().any(|ours| key == *ours)
}

fn parse(listed: &str, own: u32) -> Vec<(String, RawFd)> {
    let Some((pid, listed)) = listed.split_once(':') else { return Vec::new() };
    if pid.parse() != Ok(own) {
        return Vec::new();
    }
    let one = |entry: &str| {
        let (name, number) = entry.split_once('=')?;
        // The first three are the standard streams.
        let number: RawFd = number.parse().ok().filter(|number| *number > 2)?;
        Some((name.to_owned(), number))
    };
    listed.split(',').filter_map(one).collect()
}

/// Takes a descriptor that was passed to this process, if it is open; no child gets it.
#[allow(unsafe_code)]
fn own(number: RawFd) -> Option<OwnedFd> {
    // SAFETY: the number was passed to this very process, by its own earlier image or by systemd, and is taken
    // before anything else has been opened; so if it is open, nobody else in here owns it. It is looked at first,
    // and what is not open is given up again without being closed.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    if fcntl_getfd(&descriptor).is_ok() && fcntl_setfd(&descriptor, FdFlags::CLOEXEC).is_ok() {
        return Some(descriptor);
    }
    std::mem::forget(descriptor);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_is_found_by_the_process_that_is_named_and_no_other() {
        let file = || OwnedFd::from(std::fs::File::open("/dev/null").expect("open"));
        let mut handover = Handover::default();
        handover.add("http", file());
        handover.add("state_lock", file());
        let listed = handover.format(7);
        let found = parse(&listed, 7);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].0, "http");
        assert_eq!(parse(&listed, 8), []);
        for nonsense in ["", "7", "7:", "7:http", "7:http=", "7:http=x", "7:http=-1", "7:http=1"] {
            assert_eq!(parse(nonsense, 7), [], "{nonsense}");
        }
    }

    #[test]
    fn a_handover_stays_open_only_over_the_exec_for_which_it_is_made() {
        let mut handover = Handover::default();
        handover.add("http", std::fs::File::open("/dev/null").expect("open").into());
        let kept = || fcntl_getfd(&handover.0["http"]).expect("open").is_empty();
        assert!(!kept());
        let environment = handover.environment().expect("set");
        assert!(kept());
        assert_eq!(environment.iter().filter(|(key, _)| key == VARIABLE).count(), 1);
        handover.keep();
        assert!(!kept());
    }
}
