//! What stands in the way of user ids of the workers' own: missing rights, a namespace without the ids, folders that
//! other users cannot reach.
//!
//! Owns the checks, each with what can be done about it. Looks, and changes nothing.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use colmeia::config::{ServiceConfig, UidRange};
use rustix::thread::{CapabilitySet, capabilities};

/// What is needed: to become another user, to give files away, to write what was given away, to end the workers.
const NEEDED: [(CapabilitySet, &str); 5] = [
    (CapabilitySet::SETUID, "CAP_SETUID"),
    (CapabilitySet::SETGID, "CAP_SETGID"),
    (CapabilitySet::CHOWN, "CAP_CHOWN"),
    (CapabilitySet::DAC_OVERRIDE, "CAP_DAC_OVERRIDE"),
    (CapabilitySet::KILL, "CAP_KILL"),
];

/// Why workers cannot have user ids of their own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// We are an ordinary user.
    #[error("the service is not root and lacks {0}")]
    Privilege(&'static str),
    /// A container has a small share of the machine's ids.
    #[error("the user ids {first} to {last} do not exist in this user namespace")]
    NotMapped {
        /// Its first id.
        first: u32,
        /// Its last id.
        last: u32,
    },
    /// A user namespace forbids giving up groups.
    #[error("this user namespace denies setgroups")]
    NoGroups,
    /// Somebody's home, mostly.
    #[error("other users cannot reach {} because of the mode of {}", wanted.display(), closed.display())]
    Unreachable {
        /// What the workers need.
        wanted: PathBuf,
        /// Where they are stopped.
        closed: PathBuf,
    },
}

/// The first of them, if there is one. The two directories exist; their own modes do not count, for they are ours
/// to set.
pub(super) fn obstacle(config: &ServiceConfig, range: UidRange, ours: [&Path; 2]) -> Option<Obstacle> {
    let held = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    if let Some((_, name)) = NEEDED.iter().find(|(needed, _)| !held.contains(*needed)) {
        return Some(Obstacle::Privilege(name));
    }
    let mapped = |file: &str| fs::read_to_string(file).is_ok_and(|text| maps(&text, range));
    if !mapped("/proc/self/uid_map") || !mapped("/proc/self/gid_map") {
        return Some(Obstacle::NotMapped { first: range.first, last: range.last });
    }
    if fs::read_to_string("/proc/self/setgroups").is_ok_and(|text| text.trim() == "deny") {
        return Some(Obstacle::NoGroups);
    }
    let folders = ours.into_iter().filter_map(Path::parent).map(|above| (above, 0o1));
    let browser = [(config.browser.as_path(), 0o5)];
    let script = config.wa_js.iter().map(|file| (file.as_path(), 0o4));
    let wanted = folders.chain(browser).chain(script);
    wanted.into_iter().find_map(|(wanted, mode)| {
        let closed = closed(wanted, mode)?;
        Some(Obstacle::Unreachable { wanted: wanted.to_owned(), closed })
    })
}

/// Whether the map of a user namespace has every id of the range, in one piece.
fn maps(map: &str, range: UidRange) -> bool {
    map.lines().any(|line| {
        let fields: Vec<u64> = line.split_whitespace().filter_map(|field| field.parse().ok()).collect();
        matches!(fields[..], [first, _, count]
            if first <= range.first.into() && u64::from(range.last) < first.saturating_add(count))
    })
}

/// The first place on the way that users without any group of ours are kept from: folders that they cannot pass, or
/// the thing itself if it lacks `mode`. What does not exist keeps nobody.
fn closed(wanted: &Path, mode: u32) -> Option<PathBuf> {
    let real = fs::canonicalize(wanted).ok()?;
    let lacks = |path: &Path, bits: u32| fs::metadata(path).is_ok_and(|found| found.mode() & bits != bits);
    if lacks(&real, mode) {
        return Some(real);
    }
    real.ancestors().skip(1).find(|folder| lacks(folder, 0o1)).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_namespaces_map_is_understood() {
        let whole = "         0          0 4294967295\n";
        let rootless = "         0       1000          1\n         1     100000      65536\n";
        let high = UidRange::auto(7);
        assert!(maps(whole, high) && !maps(rootless, high) && !maps("", high));
        assert!(maps(rootless, UidRange { first: 2000, last: 65_536 }));
        assert!(!maps(rootless, UidRange { first: 2000, last: 65_537 }));
    }

    #[test]
    fn the_place_that_keeps_others_away_is_named() {
        let root = tempfile::tempdir().expect("folder");
        let chmod = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
        chmod(root.path(), 0o700).expect("set");
        let (folder, file) = (root.path().join("a"), root.path().join("a/file"));
        fs::create_dir(&folder).expect("made");
        fs::write(&file, "x").expect("written");
        chmod(&folder, 0o711).and_then(|()| chmod(&file, 0o644)).expect("set");
        let real = root.path().canonicalize().expect("there");
        assert_eq!(closed(&file, 0o4), Some(real.clone()));
        chmod(root.path(), 0o711).expect("set");
        assert_eq!(closed(&file, 0o4), None);
        assert_eq!(closed(&file, 0o5), Some(real.join("a/file")));
        chmod(&folder, 0o700).expect("set");
        assert_eq!(closed(&folder, 0o1), Some(real.join("a")));
        assert_eq!(closed(&folder.join("none"), 0o1), None);
    }
}
