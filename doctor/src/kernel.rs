//! What the kernel offers: caps, walls, the time.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use colmeia::admin::Finding;
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
    RulesetError,
};
use rustix::fs::{Access, access};
use rustix::process::{Resource, getrlimit};

use super::{ok, problem, warning};

/// 2026-01-01: older than this program.
const BEFORE_US: Duration = Duration::from_secs(1_767_225_600);
/// How far ahead of the clock a file may be.
const SLACK: Duration = Duration::from_secs(300);

/// Whether memory caps can be the kernel's.
pub(super) fn cgroup() -> Finding {
    let check = "cgroup v2";
    let advice =
        "without delegation memory is watched by polling; under systemd start colmeia-sessions.service";
    let Some(own) = own_cgroup() else {
        return warning(check, "not mounted, or version 1", advice);
    };
    let mount = Path::new("/sys/fs/cgroup");
    let own_folder = mount.join(own.trim_start_matches('/'));
    let beside = colmeia::layout::sessions_group(&own_folder).filter(|folder| folder.exists());
    let folder = beside.unwrap_or(own_folder);
    let own = folder.strip_prefix(mount).unwrap_or(&folder).display();
    let controllers = fs::read_to_string(folder.join("cgroup.controllers")).unwrap_or_default();
    if !controllers.split_whitespace().any(|controller| controller == "memory") {
        return warning(check, "there is no memory controller here", advice);
    }
    if access(folder.join("cgroup.subtree_control"), Access::WRITE_OK).is_err() {
        return warning(check, format!("{own} is not delegated to us"), advice);
    }
    ok(check, format!("{own} is delegated ({})", controllers.trim()))
}

/// Whether there are open files for all sessions: each takes a dozen in the supervisor, each caller one. It is the limit
/// of whoever looks, the supervisor's own where it is asked.
pub(super) fn descriptors() -> Finding {
    let open = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count) as u64;
    judge_descriptors(open, getrlimit(Resource::Nofile).maximum)
}

/// Below this a few dozen sessions with their callers use them up.
const FEW: u64 = 4096;
/// What one start takes, several times.
const SPARE: u64 = 128;

fn judge_descriptors(open: u64, most: Option<u64>) -> Finding {
    let check = "open files";
    let advice = "raise LimitNOFILE= of the service (ulimit -Hn elsewhere)";
    match most {
        None => ok(check, format!("{open}, without a limit")),
        Some(most) if open.saturating_add(SPARE) > most => {
            problem(check, format!("{open} of {most}: starts wait"), advice)
        }
        Some(most) if most < FEW => warning(check, format!("{open} of only {most}"), advice),
        Some(most) => ok(check, format!("{open} of {most}")),
    }
}

fn own_cgroup() -> Option<String> {
    Path::new("/sys/fs/cgroup/cgroup.controllers").exists().then_some(())?;
    let text = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    (!own.split('/').any(|part| part == "..")).then(|| own.to_owned())
}

/// What Landlock can do here.
pub(super) fn landlock() -> Finding {
    let check = "Landlock";
    let advice = "use a kernel with CONFIG_SECURITY_LANDLOCK and `landlock` in its list of security modules";
    match walls() {
        Landlock::FilesAndPorts => ok(check, "files and TCP ports are walled off"),
        Landlock::Files => {
            warning(check, "files are walled off, network ports are not", "use Linux 6.7 or newer")
        }
        Landlock::Nothing => {
            warning(check, "not available: workers are not walled off by the kernel", advice)
        }
    }
}

enum Landlock {
    Nothing,
    Files,
    FilesAndPorts,
}

/// What this kernel can wall off. A set of rules is made and never entered.
fn walls() -> Landlock {
    let hard = || Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    let can = |rules: Result<Ruleset, RulesetError>| rules.and_then(Ruleset::create).is_ok();
    if can(hard().handle_access(AccessNet::from_all(ABI::V4))) {
        Landlock::FilesAndPorts
    } else if can(hard().handle_access(AccessFs::from_all(ABI::V1))) {
        Landlock::Files
    } else {
        Landlock::Nothing
    }
}

/// Whether the time can be right. WhatsApp refuses a client whose clock is far off.
pub(super) fn clock(state_dir: &Path) -> Finding {
    let check = "clock";
    let advice = "set the clock and keep it set (Debian: apt-get install systemd-timesyncd)";
    let now = SystemTime::now();
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    if since < BEFORE_US {
        return problem(check, "it is before this program was made", advice);
    }
    let newest = fs::read_dir(state_dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.metadata().ok()?.modified().ok())
        .max();
    if newest.is_some_and(|newest| newest > now + SLACK) {
        return warning(check, "files in the state directory are from the future", advice);
    }
    ok(check, "plausible")
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia::admin::Verdict;

    #[test]
    fn few_open_files_are_a_warning_and_none_left_a_problem() {
        let verdict = |open, most| judge_descriptors(open, most).verdict;
        assert_eq!((verdict(100, None), verdict(100, Some(65_536))), (Verdict::Ok, Verdict::Ok));
        assert_eq!(verdict(100, Some(1024)), Verdict::Warning);
        assert_eq!(verdict(65_500, Some(65_536)), Verdict::Problem);
    }
}
