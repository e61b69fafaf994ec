//! What the worker and its browser may touch at all: two nested Landlock domains.
//!
//! ```text
//! worker    own auth and run directory; system files read-only; TCP bind on a port of the kernel's choice
//! └ browser   profile, home, temporary directory; files that are sent, read-only; TCP connect to the page's ports, no bind
//! ```
//!
//! The inner domain is entered between fork and exec. It also keeps a browser from its worker's environment,
//! memory, spool and socket: the kernel lets no process look into one outside of its domain. The worker's own
//! domain leaves outgoing TCP alone, because the client of the debugging pipe connects to a loopback port that is
//! new with each browser.
//!
//! Owns the rules. Best effort downwards: what the kernel does not know is left out and logged. Rules that the
//! kernel knows and refuses are an error, and nothing starts without them.

mod places;
mod ports;

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use colmeia::config::{Landlock, WorkerConfig};
use colmeia::layout::{RunLayout, StateLayout};
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, PathBeneath, RestrictionStatus,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    path_beneath_rules,
};

use places::System;

/// The newest rules that are asked for. The tenth version adds UDP, which name resolution needs.
const NEWEST: ABI = ABI::V9;

/// What a kernel lacks, by the version that brought it.
const SINCE: [(ABI, &str); 5] = [
    (ABI::V1, "files"),
    (ABI::V4, "tcp"),
    (ABI::V5, "device_ioctl"),
    (ABI::V6, "signals_and_abstract_sockets"),
    (ABI::V9, "path_sockets"),
];

/// The kernel knows Landlock, and refuses.
#[derive(Debug, thiserror::Error)]
#[error("Landlock's rules cannot be made; `landlock = \"off\"` in the configuration goes on without them")]
pub(crate) struct WallsError(#[from] RulesetError);

/// Shuts this process in. Called once, while there is one thread, and after the own folders were made.
///
/// # Errors
/// [`WallsError`]; then the worker must not go on.
pub(crate) fn enter(config: &WorkerConfig, state: &StateLayout, run: &RunLayout) -> Result<(), WallsError> {
    if config.landlock == Landlock::Off {
        tracing::warn!(
            "landlock is off: a browser that was taken over can reach what this system user can reach, \
             other users' sessions among it"
        );
        return Ok(());
    }
    let own = [state.auth_dir(&config.user), run.user_dir(&config.user)];
    let mut rules = rules(&own, &System::of(config), AccessNet::BindTcp.into())?;
    if let Some(wa_js) = &config.wa_js {
        rules = rules.add_rules(path_beneath_rules([wa_js], AccessFs::ReadFile))?;
    }
    // The worker, and not its browser, opens the way into the browser's control group.
    if let Some(group) = &config.browser_group {
        rules = rules.add_rules(path_beneath_rules([group], AccessFs::WriteFile))?;
    }
    // Port 0 stands for "whichever is free": so the loopback port of the pipe is chosen.
    rules = rules.add_rule(NetPort::new(0, AccessNet::BindTcp))?;
    tell(&rules.restrict_self()?);
    Ok(())
}

/// Shuts this process in for good with a program and two files that are open, one to read and one to write: nothing
/// else of the disk but the system's libraries, no TCP, no other process. Called once, while there is one thread.
///
/// # Errors
/// [`WallsError`]; then the program must not run.
pub(crate) fn enter_for_file(
    program: &Path,
    input: BorrowedFd<'_>,
    output: BorrowedFd<'_>,
) -> Result<(), WallsError> {
    let (read, write) = (AccessFs::ReadFile, AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate);
    let rules = rules(&[], &System::of_program(program), AccessNet::BindTcp | AccessNet::ConnectTcp)?
        // The files and not their names: they have none.
        .add_rule(PathBeneath::new(input, read))?
        .add_rule(PathBeneath::new(output, write))?;
    rules.restrict_self()?;
    Ok(())
}

/// The rules for a browser. They are made anew for each, because they hold to folders and not to their names.
#[derive(Debug, Clone)]
pub(crate) struct BrowserWalls {
    own: Vec<PathBuf>,
    files: PathBuf,
    system: System,
    ports: Vec<u16>,
}

impl BrowserWalls {
    /// For a browser that writes in its `own` folders only, and reads what is in `files`; `None` where Landlock is off.
    pub(crate) fn new(config: &WorkerConfig, own: Vec<PathBuf>, files: PathBuf) -> Option<Self> {
        let ports = match &config.proxy {
            Some(proxy) => ports::of_proxy(proxy),
            None => ports::of_page(&config.page_url),
        };
        (config.landlock == Landlock::Auto).then(|| Self { own, files, system: System::of(config), ports })
    }

    /// The domain, for the browser's process to enter; `None` where the kernel has no Landlock. The folders
    /// exist by now.
    ///
    /// # Errors
    /// [`WallsError`]; then the browser must not start.
    pub(crate) fn raise(&self) -> Result<Option<OwnedFd>, WallsError> {
        let mut rules = rules(&self.own, &self.system, AccessNet::BindTcp | AccessNet::ConnectTcp)?
            .add_rules(path_beneath_rules([&self.files], AccessFs::ReadFile))?;
        for port in &self.ports {
            rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
        }
        Ok(rules.into())
    }
}

/// What both domains have in common. Of `net`, only what later rules name will be allowed.
fn rules(own: &[PathBuf], system: &System, net: BitFlags<AccessNet>) -> Result<RulesetCreated, WallsError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let rules = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(net)?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(path_beneath_rules(own, AccessFs::from_all(NEWEST)))?
        .add_rules(path_beneath_rules(&system.run, read | AccessFs::Execute))?
        .add_rules(path_beneath_rules(&system.read, read))?
        .add_rules(path_beneath_rules(&system.write, read | AccessFs::WriteFile))?;
    Ok(rules)
}

/// One line per worker says what is in force, and what this kernel cannot do.
fn tell(status: &RestrictionStatus) {
    let abi = match &status.landlock {
        LandlockStatus::Available { effective_abi, .. } => *effective_abi,
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => ABI::Unsupported,
    };
    let missing = missing(abi);
    if status.ruleset == RulesetStatus::NotEnforced {
        tracing::warn!(missing, "this kernel has no Landlock: file permissions are the only wall");
    } else {
        tracing::info!(abi = abi as i32, missing, "landlock is in force");
    }
}

fn missing(abi: ABI) -> String {
    let missing: Vec<&str> = SINCE.iter().filter(|(since, _)| abi < *since).map(|(_, what)| *what).collect();
    missing.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(missing(ABI::V9), "");
        assert_eq!(missing(ABI::V6), "path_sockets");
        assert_eq!(missing(ABI::V3), "tcp device_ioctl signals_and_abstract_sockets path_sockets");
        assert!(missing(ABI::Unsupported).starts_with("files "));
    }
}
