//! Directories: there, ours, closed to others, writable, with room.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use colmeia::admin::Finding;
use colmeia::layout::AUTH_PREFIX;
use rustix::fs::{statfs, statvfs};
use rustix::process::geteuid;

use super::{ok, problem, warning};

const MIB: u64 = 1024 * 1024;

/// How much room there has to be, in bytes: below the first it does not work, below the second not for long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    least: u64,
    comfortable: u64,
}

/// A profile takes 50 to 300 MB.
pub(super) const STATE: Room = Room { least: 200 * MIB, comfortable: 2048 * MIB };

/// The kind of file system that a container's own layer is (`OVERLAYFS_SUPER_MAGIC`).
const OVERLAY: i64 = 0x794c_7630;
/// One that is only memory (`TMPFS_MAGIC`).
const TMPFS: i64 = 0x0102_1994;

/// Whether a directory is ours, closed to others, and can be written.
pub(super) fn private(check: &str, path: &Path) -> Finding {
    let shown = path.display();
    let found = match fs::metadata(path) {
        Ok(found) if found.is_dir() => found,
        Ok(_) => return problem(check, format!("{shown} is no directory"), "set another one"),
        Err(error) => {
            let advice = "make it, owned by the service's user, with mode 0700";
            return problem(check, format!("{shown}: {error}"), advice);
        }
    };
    let own = geteuid();
    if found.uid() != own.as_raw() && !own.is_root() {
        let advice = format!("run `chown {} {shown}`, or ask as the service's user", own.as_raw());
        return problem(check, format!("{shown} belongs to uid {}", found.uid()), advice);
    }
    let trial = path.join(format!(".colmeia-doctor-{}", std::process::id()));
    let written = fs::write(&trial, [0; 4096]);
    let _ = fs::remove_file(&trial);
    if let Err(error) = written {
        let advice = "make room, mount it writable, or correct its owner";
        return problem(check, format!("{shown} cannot be written: {error}"), advice);
    }
    let mode = found.mode() & 0o777;
    // Passing through, which the operators' group and workers with user ids of their own need, is not looking around.
    if mode & 0o066 != 0 {
        let advice = format!("run `chmod 0700 {shown}`: it holds keys and messages");
        return warning(check, format!("{shown} is open to others (mode {mode:04o})"), advice);
    }
    ok(check, format!("{shown} (mode {mode:04o}, writable)"))
}

/// Whether profiles were damaged and lie aside.
pub(super) fn damaged(check: &str, state_dir: &Path) -> Finding {
    let users = fs::read_dir(state_dir).into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let user = name.strip_prefix(AUTH_PREFIX)?.to_owned();
        let aside = fs::read_dir(entry.path().join("colmeia/damaged")).ok()?.count();
        (aside > 0).then_some(user)
    });
    let mut users: Vec<String> = users.collect();
    users.sort();
    if users.is_empty() {
        return ok(check, "none was damaged");
    }
    let advice = "look why with `colmeiactl show USER`; a failing disk or a full one is likely. What lies in \
                  colmeia/damaged of the auth directory may be deleted";
    warning(check, format!("damaged ones lie aside of: {}", users.join(", ")), advice)
}

/// Whether a folder outlives the container or the machine's next boot.
pub(super) fn lasting(check: &str, path: &Path) -> Finding {
    let shown = path.display();
    match statfs(path) {
        Ok(found) => judge_lasting(check, path, found.f_type),
        Err(error) => warning(check, format!("{shown}: {error}"), "make it, or set another directory"),
    }
}

fn judge_lasting(check: &str, path: &Path, kind: i64) -> Finding {
    let shown = path.display();
    let advice = format!("mount a volume at {shown}: without one everybody has to scan again");
    match kind {
        OVERLAY => {
            warning(check, format!("{shown} lies in this container's own layer and is gone with it"), advice)
        }
        TMPFS => warning(check, format!("{shown} lies in memory and is gone with the next boot"), advice),
        _ => ok(check, format!("{shown} outlives this process's machine or container")),
    }
}

/// Whether there is room.
pub(super) fn space(check: &str, path: &Path, room: Room) -> Finding {
    let found = match statvfs(path) {
        Ok(found) => found,
        Err(error) => {
            let advice = "mount it or set another directory";
            return warning(check, format!("{}: {error}", path.display()), advice);
        }
    };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let said = format!("{} MiB free at {}", free / MIB, path.display());
    if free < room.least {
        problem(check, said, format!("make room: {} MiB at least", room.comfortable / MIB))
    } else if free < room.comfortable {
        warning(check, said, format!("make room: {} MiB are comfortable", room.comfortable / MIB))
    } else if found.f_files > 0 && found.f_favail < 10_000 {
        warning(check, format!("{} inodes free", found.f_favail), "delete files: a profile has thousands")
    } else {
        ok(check, said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia::admin::Verdict;

    #[test]
    fn what_is_gone_with_the_container_is_said() {
        let judged = |kind| judge_lasting("state volume", Path::new("/state"), kind);
        assert_eq!(judged(0xEF53).verdict, Verdict::Ok);
        for kind in [OVERLAY, TMPFS] {
            let finding = judged(kind);
            assert_eq!(finding.verdict, Verdict::Warning);
            assert!(finding.advice.is_some_and(|advice| advice.contains("volume at /state")));
        }
    }
}
