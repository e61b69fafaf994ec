//! Reading the small files of `/proc`, and the line that says of a process who it is and what it used ([`Stat`]).
//!
//! By hand and not by the crate `procfs`: thousands are read each minute, so each in one read of a few fields, and a
//! process whose name is no UTF-8 must not be overlooked. Says nothing of what follows from what is read.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// The longest of the files read here, `meminfo` and `status`, have about 1.5 kB.
const MOST: usize = 4096;

/// `/proc/<pid>/<file>`, at most 4 KiB of it. A process may call itself anything, so what is no UTF-8 is replaced.
///
/// # Errors
/// When there is no such process, or it may not be asked.
pub fn read(pid: u32, file: &str) -> io::Result<String> {
    whole(Path::new(&format!("/proc/{pid}/{file}")))
}

/// Such a file of no process.
///
/// # Errors
/// When this kernel has it not.
pub fn whole(file: &Path) -> io::Result<String> {
    let mut bytes = [0; MOST];
    let length = File::open(file)?.read(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
}

/// What `/proc/<pid>/stat` says of a process, see proc(5).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Stat {
    /// Dead, and not reaped yet.
    pub zombie: bool,
    /// The parent's id.
    pub parent: u32,
    /// The id of its session, which is that of the process that began it.
    pub session: u32,
    /// CPU time in clock ticks, with that of children that have ended and were waited for.
    pub cpu_ticks: u64,
    /// How many threads it has.
    pub threads: u64,
    /// When it began, in clock ticks since boot. With the id it names a process for good: ids are used again.
    pub started_ticks: u64,
    /// What of it is in memory, in pages.
    pub resident_pages: u64,
}

impl Stat {
    /// Of this process.
    ///
    /// # Errors
    /// When there is no such process, or nothing left to look with.
    pub fn of(pid: u32) -> io::Result<Self> {
        Self::parse(&read(pid, "stat")?).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// The command's name stands in parentheses and may contain any character, so fields are counted from its end.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let mut fields = line.rsplit_once(") ")?.1.split_ascii_whitespace();
        let zombie = matches!(fields.next()?, "Z" | "X");
        // In the order of the line: each leaves out what stands before it.
        let mut number = |skipped: usize| Some(fields.nth(skipped)?.parse::<u64>().unwrap_or(0));
        Some(Self {
            zombie,
            parent: number(0)?.try_into().ok()?,
            session: number(1)?.try_into().ok()?,
            cpu_ticks: number(7)? + number(0)? + number(0)? + number(0)?,
            threads: number(2)?,
            started_ticks: number(1)?,
            resident_pages: number(1)?,
        })
    }
}

/// The ids of all processes that there are.
///
/// # Errors
/// When there is no descriptor to look with.
pub fn pids() -> io::Result<impl Iterator<Item = u32>> {
    let named = std::fs::read_dir("/proc")?
        .map(|entry| Ok(entry?.file_name().to_str().and_then(|name| name.parse().ok())));
    let pids: io::Result<Vec<_>> = named.filter_map(Result::transpose).collect();
    pids.map(Vec::into_iter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_to_its_end_and_of_no_process_there_is_none() {
        let own = std::process::id();
        for file in ["stat", "statm", "status", "smaps_rollup"] {
            let text = read(own, file).expect("our own");
            assert!(text.ends_with('\n') && text.len() < MOST, "{file}: {text}");
        }
        let machine = whole(Path::new("/proc/meminfo")).expect("everywhere");
        assert!(machine.ends_with('\n') && machine.len() < MOST, "{machine}");
        assert_eq!(read(u32::MAX, "stat").expect_err("none").kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_stat_line_is_read_whatever_the_command_is_called() {
        let line = "42 (a) b (c)) S 7 42 41 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 5 0 12345 466652 300 9";
        let stat = Stat {
            zombie: false,
            parent: 7,
            session: 41,
            cpu_ticks: 124,
            threads: 5,
            started_ticks: 12345,
            resident_pages: 300,
        };
        assert_eq!(Stat::parse(line), Some(stat));
        assert!(Stat::parse(&line.replace(") S ", ") Z ")).expect("valid").zombie);
        assert_eq!(Stat::parse("42 (x"), None);
        assert_eq!(Stat::parse("42 (x) S 1 2 3"), None);
    }

    #[test]
    fn this_process_tells_what_it_uses() {
        let own = Stat::of(std::process::id()).expect("our own");
        assert!(own.threads >= 1 && own.resident_pages > 0 && own.started_ticks > 0 && !own.zombie);
    }

    #[test]
    fn a_name_that_is_no_utf_8_hides_no_process() {
        use std::os::unix::ffi::OsStrExt as _;
        let folder = tempfile::tempdir().expect("folder");
        let odd = folder.path().join(std::ffi::OsStr::from_bytes(b"odd\xff"));
        std::fs::copy("/bin/sleep", &odd).expect("copied");
        let mut child = std::process::Command::new(&odd).arg("100").spawn().expect("runs");
        // Right after the fork the name is still ours.
        let mut stat = String::new();
        for _ in 0..2000 {
            stat = read(child.id(), "stat").expect("there");
            assert!(Stat::parse(&stat).is_some(), "{stat}");
            if stat.contains("(odd") {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        child.kill().and_then(|()| child.wait()).expect("ended");
        assert!(stat.contains("(odd\u{fffd})"), "{stat}");
    }
}
