//! The default of `runtime_dir`. Looks at the disk, makes nothing.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::process::geteuid;

use super::merge::Environment;

/// systemd's, the system's, the login's, or one below `/tmp`: the first that there is.
pub(super) fn choose(environment: &Environment) -> PathBuf {
    // systemd gives a list where a unit has several.
    let given = environment.get("RUNTIME_DIRECTORY").and_then(|dirs| dirs.split(':').next());
    let system = Path::new("/run/colmeia");
    match (given, environment.get("XDG_RUNTIME_DIR")) {
        (Some(dir), _) => dir.into(),
        _ if system.is_dir() && access(system, Access::WRITE_OK).is_ok() => system.into(),
        (None, Some(dir)) => Path::new(dir).join("colmeia"),
        (None, None) => format!("/tmp/colmeia-{}", geteuid().as_raw()).into(),
    }
}
