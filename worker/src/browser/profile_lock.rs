//! The profile's lock: is it free, and whose is a browser that uses it?
//!
//! Owns the decision, which is pure ([`verdict`]), and its execution ([`prepare`]). The caller holds the
//! lock of the user's directory, so no other *worker* can be at work here; what may be left is a browser of
//! a worker that is gone, or somebody else's browser. The latter is never touched.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use colmeia_base::files::if_there;

use super::flags::MARKER;
use super::proc_table::{self, Entry};
use crate::engine::OpenError;

/// Chromium's lock: a symbolic link to `<host>-<pid>`. With it go the socket and the cookie of the same run.
const LOCK: &str = "SingletonLock";
const LOCK_COMPANIONS: [&str; 2] = ["SingletonSocket", "SingletonCookie"];
const LEFTOVER_DEADLINE: Duration = Duration::from_secs(5);

/// A browser that has this profile open.
#[derive(Debug, Clone, PartialEq, Eq)]
struct User {
    pid: u32,
    /// Whether a worker that is alive, and is not this one, started it; `None` when no worker did.
    worker_lives: Option<bool>,
}

#[derive(Debug, PartialEq, Eq)]
enum ProfileOpened {
    /// Nobody uses it. Whether there is a lock that its owner left behind.
    Free { stale_lock: bool },
    /// Our own browsers, whose worker is gone, have it open.
    Leftovers(Vec<u32>),
    /// Somebody else has it open.
    InUse(u32),
}

/// A lock whose owner has not this profile open means nothing: ids are reused, and profiles are copied from
/// one machine to another with the lock inside.
fn verdict(lock_present: bool, users: &[User]) -> ProfileOpened {
    if let Some(foreign) = users.iter().find(|u| u.worker_lives != Some(false)) {
        return ProfileOpened::InUse(foreign.pid);
    }
    if users.is_empty() {
        ProfileOpened::Free { stale_lock: lock_present }
    } else {
        ProfileOpened::Leftovers(users.iter().map(|u| u.pid).collect())
    }
}

/// The marker of a browser that this worker starts.
///
/// # Errors
/// [`OpenError::Machine`]: without one that is true the next worker would take it for nobody's.
pub(crate) fn marker(user: &str) -> Result<String, OpenError> {
    let me = std::process::id();
    let started = proc_table::entry(me).map_err(unseen)?.map_or(0, |e| e.started);
    Ok(format!("{user}:{me}:{started}"))
}

/// The machine has nothing left to look with.
#[allow(clippy::needless_pass_by_value, reason = "it is what errors are mapped by")]
fn unseen(error: io::Error) -> OpenError {
    OpenError::Machine(format!("it cannot be seen who uses the profile: {error}"))
}

/// Makes the profile's folder, ends browsers that a dead worker left in it, and removes a lock without owner.
///
/// # Errors
/// [`OpenError::ProfileInUse`] when a process that is none of ours uses it; [`OpenError::Machine`] when nobody can look.
pub(crate) async fn prepare(profile: &Path) -> Result<(), OpenError> {
    let cannot = |what: &str, error: io::Error| {
        OpenError::Launch(format!("the profile's folder {} cannot be {what}: {error}", profile.display()))
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(profile)
        .map_err(|error| cannot("created", error))?;
    fs::set_permissions(profile, fs::Permissions::from_mode(0o700))
        .map_err(|error| cannot("made private", error))?;
    // The browser may have been given the folder by another of its names.
    let canonical = fs::canonicalize(profile).map_err(|error| cannot("found", error))?;

    loop {
        let table = proc_table::table().map_err(unseen)?;
        let users = users_of(&[profile, &canonical], &table).map_err(unseen)?;
        let lock_present = fs::symlink_metadata(profile.join(LOCK)).is_ok();
        match verdict(lock_present, &users) {
            ProfileOpened::Free { stale_lock } => {
                if stale_lock {
                    tracing::info!("removed the lock of a browser that is gone");
                    remove_lock(profile).map_err(|error| cannot("unlocked", error))?;
                }
                return Ok(());
            }
            ProfileOpened::InUse(pid) => return Err(OpenError::ProfileInUse(pid)),
            ProfileOpened::Leftovers(pids) => {
                tracing::warn!(?pids, "ending browsers that a dead worker left behind");
                let mut victims: Vec<Entry> =
                    table.iter().filter(|e| pids.contains(&e.pid)).cloned().collect();
                for pid in &pids {
                    victims.extend(proc_table::descendants(*pid, &table));
                }
                if let Some(left) = proc_table::kill_and_wait(victims, LEFTOVER_DEADLINE).await.first() {
                    return Err(OpenError::ProfileInUse(left.pid));
                }
            }
        }
    }
}

fn remove_lock(profile: &Path) -> io::Result<()> {
    for name in LOCK_COMPANIONS.iter().chain([&LOCK]) {
        if_there(fs::remove_file(profile.join(name)))?;
    }
    Ok(())
}

fn users_of(names: &[&Path], table: &[Entry]) -> io::Result<Vec<User>> {
    let me = std::process::id();
    let mut users = Vec::new();
    for process in table.iter().filter(|e| !e.zombie && e.pid != me) {
        let arguments = proc_table::arguments(process.pid)?;
        if uses(&arguments, names) {
            let worker = worker_of(&arguments);
            let lives =
                worker.map(|(pid, started)| proc_table::lives(pid, started).map(|lives| pid != me && lives));
            users.push(User { pid: process.pid, worker_lives: lives.transpose()? });
        }
    }
    Ok(users)
}

/// Whether this is the command line of a browser (not of one of a browser's children) with this profile.
fn uses(arguments: &[String], names: &[&Path]) -> bool {
    let is_child = arguments.iter().any(|a| a.starts_with("--type=") || a.contains(" --type="));
    let has_profile = arguments.iter().any(|a| {
        a.strip_prefix("--user-data-dir=").is_some_and(|dir| names.iter().any(|name| Path::new(dir) == *name))
    });
    has_profile && !is_child
}

/// The worker that the marker names: id and start time.
fn worker_of(arguments: &[String]) -> Option<(u32, u64)> {
    let marker = arguments.iter().find_map(|a| a.strip_prefix(MARKER))?;
    let mut parts = marker.rsplit(':');
    let started = parts.next()?.parse().ok()?;
    Some((parts.next()?.parse().ok()?, started))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_lock_counts_only_while_a_browser_has_the_profile() {
        assert_eq!(verdict(true, &[]), ProfileOpened::Free { stale_lock: true });
        assert_eq!(verdict(false, &[]), ProfileOpened::Free { stale_lock: false });
    }

    #[test]
    fn only_our_own_orphans_are_ended() {
        let ours = User { pid: 5, worker_lives: Some(false) };
        let foreign = User { pid: 6, worker_lives: None };
        let busy = User { pid: 7, worker_lives: Some(true) };
        assert_eq!(verdict(true, std::slice::from_ref(&ours)), ProfileOpened::Leftovers(vec![5]));
        assert_eq!(verdict(true, &[ours.clone(), foreign]), ProfileOpened::InUse(6));
        assert_eq!(verdict(false, &[ours, busy]), ProfileOpened::InUse(7));
    }

    #[test]
    fn a_browser_is_told_from_its_children_and_from_others() {
        let names = [Path::new("/s/p")];
        assert!(uses(&words("chromium --user-data-dir=/s/p --headless"), &names));
        assert!(!uses(&words("chromium --user-data-dir=/s/p2"), &names));
        assert!(!uses(&words("chromium --type=renderer --user-data-dir=/s/p"), &names));
        assert!(!uses(&["chromium --type=renderer --user-data-dir=/s/p".to_owned()], &names));
    }

    #[test]
    fn the_marker_names_the_worker_even_if_the_user_looks_odd() {
        assert_eq!(worker_of(&words("x --colmeia-user=2_1:77:123")), Some((77, 123)));
        assert_eq!(worker_of(&words("x --user-data-dir=/s")), None);
    }

    #[tokio::test]
    async fn a_stale_lock_is_removed_and_the_folder_is_private() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let profile = dir.path().join("session");
        fs::create_dir(&profile).expect("created");
        std::os::unix::fs::symlink("elsewhere-1", profile.join(LOCK)).expect("linked");
        prepare(&profile).await.expect("free");
        assert!(fs::symlink_metadata(profile.join(LOCK)).is_err());
        assert_eq!(fs::metadata(&profile).expect("there").permissions().mode() & 0o777, 0o700);
    }
}
