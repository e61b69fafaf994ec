//! What the kernel merged of a worker's processes (KSM), from `/proc/PID/ksm_stat`.
//!
//! Owns the sum. Nothing follows from it: it is for operators, who pay for merging and want to see what it brings.

use std::io::ErrorKind;

use colmeia::admin::Merged;
use nix::unistd::{SysconfVar, sysconf};

use colmeia_base::procfs;

/// What was merged of these processes together; `None` where the kernel cannot say. Processes that end meanwhile
/// count nothing. Those of another system user, and renderers for anybody but root, may not be read.
pub fn of(processes: impl Iterator<Item = u32>) -> Option<Merged> {
    let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten().and_then(|size| u64::try_from(size).ok())?;
    // Linux 6.1 and older, or one without KSM.
    parse(&procfs::read(std::process::id(), "ksm_stat").ok()?)?;
    Some(processes.fold(Merged::default(), |sum, pid| {
        match procfs::read(pid, "ksm_stat") {
            Ok(text) => match parse(&text) {
                Some((pages, profit)) => Merged {
                    bytes: sum.bytes.saturating_add(pages.saturating_mul(page)),
                    profit: sum.profit.saturating_add(profit),
                    ..sum
                },
                // It has just ended: there is nothing in it.
                None => sum,
            },
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                Merged { unseen: sum.unseen + 1, ..sum }
            }
            Err(_) => sum,
        }
    }))
}

/// Merged pages, and the bytes that the kernel thinks to have saved.
fn parse(text: &str) -> Option<(u64, i64)> {
    let field = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
    Some((
        field("ksm_merging_pages")?.trim().parse().ok()?,
        field("ksm_process_profit")?.trim().parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_profit_are_found_and_older_kernels_say_nothing() {
        let text = "ksm_rmap_items 9\nksm_zero_pages 0\nksm_merging_pages 12\nksm_process_profit -576\n\
                    ksm_merge_any: yes\nksm_mergeable: yes\n";
        assert_eq!(parse(text), Some((12, -576)));
        assert_eq!(parse("ksm_rmap_items 9\n"), None);
    }

    #[test]
    fn of_those_who_never_asked_nothing_is_merged_and_the_dead_count_nothing() {
        let kernel_says = parse(&procfs::read(std::process::id(), "ksm_stat").unwrap_or_default()).is_some();
        let merged = of([std::process::id(), u32::MAX].into_iter());
        assert_eq!(merged, kernel_says.then(Merged::default));
    }
}
