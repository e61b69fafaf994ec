//! Whether the kernel can merge equal pages of the browsers (KSM), and how to let it.
//!
//! Owns the reading of `/sys/kernel/mm/ksm`; switches nothing.

use std::fs;
use std::path::Path;

use colmeia::admin::Finding;

use super::{ok, warning};

const CHECK: &str = "memory merging";
/// Since then what was asked for before exec holds for the program, and so for all of the browser.
const SINCE: (u32, u32) = (6, 10);
const SWITCH: &str = "`echo 1 > /sys/kernel/mm/ksm/run` as root switches it on until the next boot, the example \
                      colmeia-ksm.conf in /usr/share/doc/colmeia/examples at every boot";

/// What the kernel says about itself.
#[derive(Debug, Clone, Copy)]
struct Kernel<'a> {
    /// `uname -r`.
    release: &'a str,
    /// `/sys/kernel/mm/ksm/run`; `None` where there is none.
    run: Option<&'a str>,
    /// `/sys/kernel/mm/ksm/general_profit`, in bytes; `None` where it does not say.
    profit: Option<i64>,
}

/// Whether merging works as far as the kernel goes; a warning only where the configuration asks for it.
pub(super) fn possible(wanted: bool) -> Finding {
    let read = |path: &str| fs::read_to_string(Path::new(path)).ok().map(|text| text.trim().to_owned());
    let release = read("/proc/sys/kernel/osrelease").unwrap_or_default();
    let run = read("/sys/kernel/mm/ksm/run");
    let profit = read("/sys/kernel/mm/ksm/general_profit").and_then(|text| text.parse().ok());
    judge(wanted, Kernel { release: &release, run: run.as_deref(), profit })
}

fn judge(wanted: bool, Kernel { release, run, profit }: Kernel) -> Finding {
    let cannot = |found: String, advice: &str| match wanted {
        true => warning(CHECK, format!("asked for, but {found}"), advice),
        false => ok(CHECK, format!("not asked for; {found}")),
    };
    let Some(run) = run else {
        return cannot(
            "this kernel cannot (no CONFIG_KSM)".into(),
            "set memory_merge to false, or use a kernel with KSM",
        );
    };
    if version(release).is_none_or(|version| version < SINCE) {
        let found = format!("Linux {release} does not pass it on to a browser");
        return cannot(found, "use Linux 6.10 or newer, or set memory_merge to false");
    }
    match (run, wanted) {
        ("1", true) => {
            let saved =
                profit.map(|bytes| format!("; it saves {} MiB on this machine now", bytes / (1024 * 1024)));
            ok(CHECK, format!("on in the configuration and in the kernel{}", saved.unwrap_or_default()))
        }
        ("1", false) => ok(CHECK, "not asked for (memory_merge); the kernel would"),
        (_, true) => {
            warning(CHECK, format!("asked for, but the kernel's side is off (ksm/run is {run})"), SWITCH)
        }
        (_, false) => ok(CHECK, format!("not asked for (memory_merge); Linux {release} can, and {SWITCH}")),
    }
}

/// The first two numbers of a release such as `6.12.9+deb13-amd64`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia::admin::Verdict;

    fn kernel<'a>(release: &'a str, run: Option<&'a str>) -> Kernel<'a> {
        Kernel { release, run, profit: Some(300 << 20) }
    }

    #[test]
    fn releases_are_compared_as_numbers() {
        assert_eq!(version("6.9.1-amd64"), Some((6, 9)));
        assert_eq!(version("6.12+deb13"), Some((6, 12)));
        assert_eq!((version("6"), version("")), (None, None));
    }

    #[test]
    fn who_does_not_ask_is_not_warned_and_told_how() {
        for run in [None, Some("0"), Some("1"), Some("2")] {
            for release in ["6.1.0-18-amd64", "6.18.1"] {
                assert_eq!(judge(false, kernel(release, run)).verdict, Verdict::Ok);
            }
        }
        assert!(judge(false, kernel("6.18.1", Some("0"))).found.contains("echo 1 > /sys/kernel/mm/ksm/run"));
    }

    #[test]
    fn who_asks_hears_what_is_missing_or_what_it_saves() {
        let on = judge(true, kernel("6.10.3", Some("1")));
        assert!(on.verdict == Verdict::Ok && on.found.contains("300 MiB"), "{on:?}");
        let missing =
            [("6.18.1", None, "CONFIG_KSM"), ("6.1.0", Some("1"), "6.1.0"), ("6.18.1", Some("0"), "is 0")];
        for (release, run, word) in missing {
            let finding = judge(true, kernel(release, run));
            assert!(finding.verdict == Verdict::Warning && finding.found.contains(word), "{finding:?}");
            assert!(finding.advice.is_some_and(|advice| advice.len() > 10));
        }
    }
}
