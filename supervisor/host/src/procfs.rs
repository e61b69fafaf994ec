//! Reading the small files of `/proc`.
//!
//! Owns how: in one read, for they have no disk behind them and thousands are read each minute. Says nothing of what is
//! in them.

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

/// The ids of all processes that there are.
///
/// # Errors
/// When there is no descriptor to look with.
pub fn pids() -> io::Result<impl Iterator<Item = u32>> {
    let entries = std::fs::read_dir("/proc")?.flatten();
    Ok(entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()))
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
            if stat.contains("(odd") {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        child.kill().and_then(|()| child.wait()).expect("ended");
        assert!(stat.contains("(odd\u{fffd})"), "{stat}");
    }
}
