//! Which places of the system a browser needs. Owns the list and the reasons; asks the disk only where links and
//! folders lead.
//!
//! `/etc` is not given as a whole: the service's own configuration lies there, with the keys of its callers. The
//! price: a rule holds to a file and not to its name, so a browser whose `/etc/resolv.conf` was replaced sees the
//! new one after its worker's next start.

use std::fs;
use std::path::{Path, PathBuf};

use colmeia::config::WorkerConfig;

/// Programs and libraries; the last two are links into the first on most systems.
const PROGRAMS: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// Loader, fonts, certificates, names of hosts and users, time zone, the browser's policies.
const SETTINGS: [&str; 24] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/alternatives",
    "/etc/fonts",
    "/var/cache/fontconfig",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/nsswitch.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/passwd",
    "/etc/group",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/chromium",
    "/etc/chromium.d",
    "/etc/opt/chrome",
];

/// Of those, what any program needs: the loader and what stands for its libraries.
const LOADER: usize = 5;

/// How many processors there are.
const PROCESSORS: &str = "/sys/devices/system/cpu";
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
/// Processes. Chromium's sandbox writes the maps of its user namespaces in there.
const PROCESSES: &str = "/proc";
const RESOLVER: &str = "/etc/resolv.conf";

/// Places of the system, by what may be done there. Those that do not exist are no harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct System {
    /// Read, and run what is there.
    pub(super) run: Vec<PathBuf>,
    /// Read.
    pub(super) read: Vec<PathBuf>,
    /// Read, and write to what is there.
    pub(super) write: Vec<PathBuf>,
}

impl System {
    /// What a program needs that reads no more than the files that it is given.
    pub(super) fn of_program(program: &Path) -> Self {
        let mut run: Vec<PathBuf> = PROGRAMS.map(PathBuf::from).into();
        run.extend(with_its_folder(program, &[]));
        let read = SETTINGS[..LOADER].iter().chain([&PROCESSORS]).map(PathBuf::from).collect();
        Self { run, read, write: DEVICES[..1].iter().map(PathBuf::from).collect() }
    }

    /// What a worker with this configuration and its browser need.
    pub(super) fn of(config: &WorkerConfig) -> Self {
        let private = [config.state_dir.as_path(), config.runtime_dir.as_path()];
        let mut run: Vec<PathBuf> = PROGRAMS.map(PathBuf::from).into();
        run.extend(with_its_folder(&config.browser, &private));
        let mut read: Vec<PathBuf> = SETTINGS.map(PathBuf::from).into();
        read.push(PROCESSORS.into());
        // Often a link into /run, to a file that is replaced each time.
        if let Ok(resolver) = fs::canonicalize(RESOLVER)
            && !resolver.starts_with("/etc")
        {
            read.extend(with_its_folder(&resolver, &private));
        }
        let mut write: Vec<PathBuf> = DEVICES.map(PathBuf::from).into();
        // Without a sandbox nothing has to be written there, and root could change the machine.
        if nix::unistd::geteuid().is_root() { &mut read } else { &mut write }.push(PROCESSES.into());
        Self { run, read, write }
    }
}

/// The file, where its links lead, and the folders of both: a browser's libraries and resources lie beside it. A
/// folder that holds one of the `private` ones is left out, and so is one that holds nearly everything.
fn with_its_folder(file: &Path, private: &[&Path]) -> Vec<PathBuf> {
    let real = fs::canonicalize(file).ok();
    let files: Vec<&Path> = [Some(file), real.as_deref()].into_iter().flatten().collect();
    let folders = files.iter().filter_map(|file| file.parent()).filter(|folder| {
        folder.components().count() > 2 && !private.iter().any(|private| private.starts_with(folder))
    });
    files.iter().copied().chain(folders).map(Path::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(file: &str) -> Vec<PathBuf> {
        with_its_folder(Path::new(file), &[Path::new("/srv/colmeia/state"), Path::new("/run/colmeia")])
    }

    #[test]
    fn a_browsers_folder_comes_with_it_unless_sessions_lie_there_too() {
        assert_eq!(folders("/opt/other/browser"), [Path::new("/opt/other/browser"), Path::new("/opt/other")]);
        for lonely in ["/srv/colmeia/browser", "/srv/browser", "/browser", "/run/resolv.conf"] {
            assert_eq!(folders(lonely), [Path::new(lonely)], "{lonely}");
        }
    }

    #[test]
    fn the_services_own_configuration_is_not_among_them() {
        for place in SETTINGS.iter().chain(&PROGRAMS).chain(&DEVICES) {
            assert!(!Path::new("/etc/colmeia/colmeia.toml").starts_with(place), "{place}");
        }
    }
}
