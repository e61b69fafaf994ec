//! The default of `state_dir`. Looks at the disk, makes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use colmeia::layout::{AUTH_PREFIX, StateLayout};
use rustix::fs::{Access, access};

use super::merge::Environment;

/// systemd's, the working directory if sessions lie there already, the system's, the login's: the first that there is.
pub(super) fn choose(environment: &Environment) -> PathBuf {
    choose_from(environment, Path::new("."), Path::new("/var/lib/colmeia"))
}

fn choose_from(environment: &Environment, working: &Path, system: &Path) -> PathBuf {
    // systemd gives a list where a unit has several.
    let given = environment.get("STATE_DIRECTORY").and_then(|dirs| dirs.split(':').next());
    let home = || environment.get("HOME").map(|home| Path::new(home).join(".local/state"));
    match given {
        Some(dir) => dir.into(),
        // As it was before there was another default, and as the server left it that we replace.
        None if has_sessions(working) => working.into(),
        None if system.is_dir() && access(system, Access::WRITE_OK).is_ok() => system.into(),
        None => {
            let login = environment.get("XDG_STATE_HOME").map(PathBuf::from).or_else(home);
            login.map_or_else(|| system.into(), |dir| dir.join("colmeia"))
        }
    }
}

fn has_sessions(folder: &Path) -> bool {
    let ours = StateLayout::new(folder, "").database().exists();
    let mut entries = fs::read_dir(folder).into_iter().flatten().flatten();
    ours || entries.any(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(AUTH_PREFIX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_does_not_use_its_working_directory_unless_sessions_lie_there() {
        let root = tempfile::tempdir().expect("folder");
        let (working, system) = (root.path().join("w"), root.path().join("s"));
        fs::create_dir(&working).expect("made");
        let environment = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<Environment>()
        };
        let home = environment(&[("HOME", "/home/ana")]);
        let chosen = |environment: &Environment| choose_from(environment, &working, &system);
        assert_eq!(chosen(&environment(&[])), system, "where it cannot be made, that is said");
        assert_eq!(chosen(&home), PathBuf::from("/home/ana/.local/state/colmeia"));
        let login = environment(&[("HOME", "/home/ana"), ("XDG_STATE_HOME", "/state")]);
        assert_eq!(chosen(&login), PathBuf::from("/state/colmeia"));
        fs::create_dir(&system).expect("made");
        assert_eq!(chosen(&home), system);
        fs::create_dir(working.join(".wwebjs_auth_user_7")).expect("made");
        assert_eq!(chosen(&home), working, "the old server's");
        let unit = environment(&[("STATE_DIRECTORY", "/var/lib/a:/var/lib/b")]);
        assert_eq!(chosen(&unit), PathBuf::from("/var/lib/a"));
    }
}
