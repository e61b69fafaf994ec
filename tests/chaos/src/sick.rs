//! [`Sick`]: a disk that is slow or fails, for the supervisor alone.
//!
//! Owns the file through which the shim (`shim/disk.c`) is told what to do to the supervisor's calls, and tells how many it
//! did it to. Never touches what is on the disk.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where things lie in the file; `struct control` of the shim.
const MODE: u64 = 0;
const DELAYED: u64 = 8;
const FAILED: u64 = 16;
const LENGTH: u64 = 24;

/// What the disk does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    Well,
    /// Each call takes so long; zero: until the disk is well again.
    Slow(Duration),
    /// What is written to a database, and each flush of it, is refused with `EIO`.
    Failing,
}

/// The disk.
#[derive(Debug)]
pub(crate) struct Sick {
    control: File,
    path: PathBuf,
    folder: PathBuf,
}

impl Sick {
    /// A disk that is well, for the files in `folder`.
    pub(crate) fn new(control: &Path, folder: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).create_new(true).open(control)?;
        file.set_len(LENGTH)?;
        Ok(Self { control: file, path: control.to_owned(), folder: folder.to_owned() })
    }

    /// What the supervisor's environment needs.
    pub(crate) fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("LD_PRELOAD", env!("DISK_SHIM").to_owned()),
            ("CHAOS_DISK_CONTROL", self.path.display().to_string()),
            ("CHAOS_DISK_FOLDER", self.folder.display().to_string()),
        ]
    }

    /// From now on it is so.
    pub(crate) fn set(&self, health: Health) -> io::Result<()> {
        let (mode, delay) = match health {
            Health::Well => (0_u32, Duration::ZERO),
            Health::Slow(delay) => (1, delay),
            Health::Failing => (2, Duration::ZERO),
        };
        let delay = u32::try_from(delay.as_millis()).unwrap_or(u32::MAX);
        let mut both = [0; 8];
        both[..4].copy_from_slice(&mode.to_ne_bytes());
        both[4..].copy_from_slice(&delay.to_ne_bytes());
        self.control.write_all_at(&both, MODE)
    }

    /// How many calls were held up, and how many refused, since the beginning.
    pub(crate) fn felt(&self) -> io::Result<(u64, u64)> {
        let number = |at| {
            let mut bytes = [0; 8];
            self.control.read_exact_at(&mut bytes, at).map(|()| u64::from_ne_bytes(bytes))
        };
        Ok((number(DELAYED)?, number(FAILED)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Output};
    use std::time::Instant;

    fn under(sick: &Sick, script: &str) -> Output {
        Command::new("sh").args(["-c", script]).envs(sick.environment()).output().expect("it runs")
    }

    #[test]
    fn the_shim_refuses_what_is_written_to_a_database_and_holds_up_the_rest_and_touches_nothing_else() {
        let house = tempfile::tempdir().expect("a folder");
        let folder = house.path().join("state");
        std::fs::create_dir(&folder).expect("a folder");
        let sick = Sick::new(&house.path().join("control"), &folder).expect("made");
        let write = |name: &str| under(&sick, &format!("echo x > {}/{name}", house.path().display()));
        assert!(write("state/a.db").status.success());
        sick.set(Health::Failing).expect("set");
        let refused = write("state/a.db-wal");
        assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("I/O error"));
        assert!(write("state/token").status.success() && write("a.db").status.success());
        assert_eq!(sick.felt().expect("read"), (0, 1));
        sick.set(Health::Slow(Duration::from_millis(700))).expect("set");
        let (begun, written) = (Instant::now(), write("state/a.db"));
        assert!(written.status.success() && begun.elapsed() >= Duration::from_millis(700));
        assert_eq!(sick.felt().expect("read"), (1, 1));
        sick.set(Health::Well).expect("set");
        assert!(write("state/a.db-wal").status.success());
        assert_eq!(sick.felt().expect("read"), (1, 1));
    }
}
