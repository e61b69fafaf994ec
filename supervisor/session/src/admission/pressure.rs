//! How many may start at once, given how long tasks have waited for the processor and for memory lately.
//!
//! Owns the thresholds ([`pace`], pure) and the reading of the kernel's pressure stall information (PSI,
//! `/proc/pressure`), which not every kernel has. It holds nobody back by itself.
//!
//! | of the last 10 s, in percent         | starts at once        |
//! | ------------------------------------ | --------------------- |
//! | cpu some < 60, memory some < 5       | `max_starting`        |
//! | cpu some < 90, memory some < 20      | half of it, rounded up|
//! | more, or memory full at 5            | one                   |
//!
//! A starting browser takes a whole core, so some waiting for the processor is what a start looks like; at 60 starts
//! slow each other down, at 90 a further one only makes all of them late. Waiting for memory means that pages are
//! fetched from the disk again: a machine that is well shows less than 1, and one on which *every* task waited for a
//! twentieth of the time is about to stand still. One may always start, or others' load would keep everyone waiting
//! for ever.

use std::io;
use std::path::Path;
use std::time::Duration;

use colmeia::errors::lack_of;
use colmeia_base::tasks;
use tokio::sync::watch;

use colmeia_base::procfs;

/// Where the kernel says it.
const PRESSURE: &str = "/proc/pressure";
/// The kernel works its averages out anew every two seconds.
const LOOK: Duration = Duration::from_secs(2);

/// How much of the last ten seconds something waited, in hundredths of a percent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pressure {
    /// Some task for a processor.
    pub(super) cpu_some: u32,
    /// Some task for memory.
    pub(super) memory_some: u32,
    /// All tasks for memory.
    pub(super) memory_full: u32,
}

/// How many may start at once, of at most `most`.
pub(super) fn pace(most: usize, pressure: Pressure) -> usize {
    const PERCENT: u32 = 100;
    let Pressure { cpu_some, memory_some, memory_full } = pressure;
    let most = most.max(1);
    if cpu_some >= 90 * PERCENT || memory_some >= 20 * PERCENT || memory_full >= 5 * PERCENT {
        1
    } else if cpu_some >= 60 * PERCENT || memory_some >= 5 * PERCENT {
        most.div_ceil(2)
    } else {
        most
    }
}

/// Follows the pressure: how many may start at once, of at most `most`. Where the kernel does not say, it is always
/// as many. The task ends when nobody looks any more.
pub fn follow(most: usize) -> watch::Receiver<usize> {
    follow_with(|| read(Path::new(PRESSURE)), most, LOOK)
}

fn follow_with(
    read: impl Fn() -> io::Result<Pressure> + Send + 'static,
    most: usize,
    look: Duration,
) -> watch::Receiver<usize> {
    let (paces, watched) = watch::channel(most);
    tasks::vital("pressure", async move {
        loop {
            match read() {
                Ok(pressure) => {
                    let now = pace(most, pressure);
                    if paces.send_if_modified(|pace| std::mem::replace(pace, now) != now) {
                        tracing::debug!(starts_at_once = now, ?pressure, "the machine's load has changed");
                    }
                }
                // We have nothing left to look with just now; what was said last holds until we have.
                Err(error) if lack_of(&error).is_some() => {
                    tracing::debug!(%error, "the machine's load cannot be looked at");
                }
                Err(error) => {
                    // What was said last must not hold anyone up for ever.
                    paces.send_if_modified(|pace| std::mem::replace(pace, most) != most);
                    tracing::info!(%error, "no pressure stall information; free memory alone paces the starts");
                    return;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(look) => {}
                () = paces.closed() => return,
            }
        }
    });
    watched
}

/// Takes microseconds: the kernel has both at hand.
fn read(folder: &Path) -> io::Result<Pressure> {
    let cpu = procfs::whole(&folder.join("cpu"))?;
    let memory = procfs::whole(&folder.join("memory"))?;
    parse(&cpu, &memory).ok_or_else(|| io::Error::other("it is written in another way"))
}

fn parse(cpu: &str, memory: &str) -> Option<Pressure> {
    Some(Pressure {
        cpu_some: average(cpu, "some ")?,
        memory_some: average(memory, "some ")?,
        memory_full: average(memory, "full ")?,
    })
}

/// `some avg10=1.23 avg60=…` is 123.
fn average(text: &str, kind: &str) -> Option<u32> {
    let line = text.lines().find_map(|line| line.strip_prefix(kind))?;
    let (whole, part) = line.split(' ').find_map(|field| field.strip_prefix("avg10="))?.split_once('.')?;
    let two_digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let part: u32 = two_digits.then(|| part.parse().ok())??;
    whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const CPU: &str = "some avg10=61.07 avg60=2.00 avg300=1.00 total=7\nfull avg10=0.00 avg60=0.00 total=0\n";
    const MEMORY: &str = "some avg10=0.50 avg60=0.00 total=7\nfull avg10=0.04 avg60=0.00 total=0\n";

    #[test]
    fn the_kernels_lines_are_read_and_others_are_not() {
        let read = Pressure { cpu_some: 6107, memory_some: 50, memory_full: 4 };
        assert_eq!(parse(CPU, MEMORY), Some(read));
        for odd in
            ["", "some", "some avg10=x.00", "some avg10=1.5", "some avg10=-1.00", "some avg10=99999999.00"]
        {
            assert_eq!(parse(odd, MEMORY), None, "{odd}");
        }
    }

    #[test]
    fn the_thresholds_are_those_that_are_documented() {
        let cpu = |cpu_some| pace(5, Pressure { cpu_some, ..Pressure::default() });
        assert_eq!([0, 5999, 6000, 8999, 9000, 10_000].map(cpu), [5, 5, 3, 3, 1, 1]);
        let memory = |memory_some| pace(5, Pressure { memory_some, ..Pressure::default() });
        assert_eq!([0, 499, 500, 1999, 2000].map(memory), [5, 5, 3, 3, 1]);
        let full = |memory_full| pace(5, Pressure { memory_full, ..Pressure::default() });
        assert_eq!([0, 499, 500].map(full), [5, 5, 1]);
    }

    #[tokio::test]
    async fn the_pace_follows_the_files_and_a_kernel_without_them_holds_nobody_up() {
        let folder = tempfile::tempdir().expect("folder");
        let follow_in =
            |folder: std::path::PathBuf| follow_with(move || read(&folder), 4, Duration::from_millis(5));
        let mut none = follow_in(folder.path().join("none"));
        assert!(none.changed().await.is_err(), "the task has ended");
        assert_eq!(*none.borrow(), 4);
        std::fs::write(folder.path().join("memory"), MEMORY).expect("written");
        std::fs::write(folder.path().join("cpu"), CPU).expect("written");
        let mut pace = follow_in(folder.path().to_owned());
        pace.wait_for(|pace| *pace == 2).await.expect("it follows");
        std::fs::write(folder.path().join("cpu.next"), CPU.replace("61.07", "99.00")).expect("written");
        std::fs::rename(folder.path().join("cpu.next"), folder.path().join("cpu")).expect("moved");
        pace.wait_for(|pace| *pace == 1).await.expect("it follows");
        std::fs::remove_file(folder.path().join("cpu")).expect("removed");
        pace.wait_for(|pace| *pace == 4).await.expect("nobody is held up");
    }

    #[tokio::test]
    async fn who_has_no_descriptor_to_look_with_looks_again_and_goes_by_what_was_said_last() {
        let (busy, calls) = (Pressure { cpu_some: 9_900, ..Pressure::default() }, AtomicUsize::new(0));
        // EMFILE, ENFILE and ENOMEM.
        let looked = move || match calls.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(busy),
            n @ 1..=3 => Err(io::Error::from_raw_os_error([24, 23, 12][n - 1])),
            _ => Ok(Pressure { cpu_some: 6_000, ..Pressure::default() }),
        };
        let mut pace = follow_with(looked, 4, Duration::from_millis(5));
        let mut seen = Vec::new();
        while pace.changed().await.is_ok() {
            seen.push(*pace.borrow_and_update());
            if seen.last() == Some(&2) {
                break;
            }
        }
        assert_eq!(seen, [1, 2]);
    }

    fn pressures() -> impl Strategy<Value = Pressure> {
        (0u32..=10_000, 0u32..=10_000, 0u32..=10_000)
            .prop_map(|(cpu_some, memory_some, memory_full)| Pressure { cpu_some, memory_some, memory_full })
    }

    proptest! {
        #[test]
        fn one_may_always_start_and_never_more_than_are_allowed(most in 1usize..50, pressure in pressures()) {
            prop_assert!((1..=most).contains(&pace(most, pressure)));
            prop_assert_eq!(pace(most, Pressure::default()), most);
        }

        #[test]
        fn more_pressure_never_means_more_starts(most in 1usize..50, a in pressures(), b in pressures()) {
            let more = Pressure {
                cpu_some: a.cpu_some.max(b.cpu_some),
                memory_some: a.memory_some.max(b.memory_some),
                memory_full: a.memory_full.max(b.memory_full),
            };
            prop_assert!(pace(most, more) <= pace(most, a));
        }

        #[test]
        fn nothing_that_a_file_may_hold_does_harm(text in "\\PC{0,60}", number in "[0-9.]{0,12}") {
            let _ = parse(&text, &format!("some avg10={number} x\n"));
        }
    }
}
