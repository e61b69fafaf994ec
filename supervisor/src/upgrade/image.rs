//! [`Image`]: the program's own file and arguments, as this process was started.
//!
//! Owns trying the file out and replacing the process by it. Decides nothing and knows no service.

use std::convert::Infallible;
use std::ffi::{CString, NulError, OsString};
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use colmeia_base::tasks;
use rustix::process::{Signal, pidfd_send_signal};
use tokio::time::timeout;

use super::Handover;
use colmeia::errors::chain;
use colmeia_host::process::Children;

/// How long the program may take to read its configuration.
const CHECK: Duration = Duration::from_secs(10);

/// The program's file, as found at the start: an upgrade puts another one in the same place.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    path: PathBuf,
    arguments: Vec<OsString>,
}

/// Why the file cannot take our place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    /// It cannot be run.
    #[error("{} cannot be run", path.display())]
    Run {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// It ran too long.
    #[error("{} does not end", .0.display())]
    Deadline(PathBuf),
    /// It says why it cannot be used.
    #[error("{} cannot be used: {said}", path.display())]
    Refused { path: PathBuf, said: String },
}

/// Why the process was not replaced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplaceError {
    /// Something has a NUL in it.
    #[error("its name, an argument or a variable cannot be passed on")]
    Text(#[from] NulError),
    /// A descriptor cannot be passed on.
    #[error("its descriptors cannot be passed on")]
    Descriptor(#[source] io::Error),
    /// The system refuses.
    #[error("the system refuses to run it")]
    Exec(#[source] io::Error),
}

impl Image {
    /// Our own. To be called at the start: later the file may be another one.
    ///
    /// # Errors
    /// When the system does not say which file we are.
    pub(crate) fn own() -> io::Result<Self> {
        Ok(Self { path: std::env::current_exe()?, arguments: std::env::args_os().collect() })
    }

    /// Tries the file out: its version and its opinion of the configuration. Returns what it calls itself.
    ///
    /// # Errors
    /// [`CheckError`] says why it cannot take our place.
    pub(crate) async fn check(&self, children: &Children) -> Result<String, CheckError> {
        let version = self.run(&["--version".into()], children).await?;
        let mut arguments: Vec<OsString> = self.arguments.iter().skip(1).cloned().collect();
        arguments.push("--check-config".into());
        self.run(&arguments, children).await?;
        Ok(version)
    }

    async fn run(&self, arguments: &[OsString], children: &Children) -> Result<String, CheckError> {
        let failed = |source| CheckError::Run { path: self.path.clone(), source };
        let mut command = Command::new(&self.path);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Counted, so that nobody else reaps it.
        let (child, pid, handle) = children.spawn(&mut command).map_err(failed)?;
        let mut output = tasks::blocking("trial", move || child.wait_with_output());
        let in_time = timeout(CHECK, &mut output).await;
        let late = in_time.is_err();
        let output = match in_time {
            Ok(output) => output,
            Err(_) => {
                let _ = pidfd_send_signal(handle, Signal::KILL);
                output.await
            }
        };
        children.forget(pid);
        if late {
            return Err(CheckError::Deadline(self.path.clone()));
        }
        let Output { status, stdout, stderr } = output.map_err(io::Error::other).flatten().map_err(failed)?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
        if status.success() {
            return Ok(text(stdout));
        }
        let said = format!("{status}: {}", text(stderr));
        Err(CheckError::Refused { path: self.path.clone(), said })
    }

    /// Replaces this process. Signals that are held back stay held back, and are read by the next image.
    pub(crate) fn replace(self, handover: &Handover) -> ReplaceError {
        match self.try_replace(handover) {
            Ok(never) => match never {},
            Err(error) => {
                handover.keep();
                tracing::error!(error = chain(&error), program = %self.path.display(), "cannot be replaced");
                error
            }
        }
    }

    fn try_replace(&self, handover: &Handover) -> Result<Infallible, ReplaceError> {
        let text = |text: OsString| CString::new(text.into_vec());
        let path = text(self.path.clone().into_os_string())?;
        let arguments = self.arguments.iter().cloned().map(text).collect::<Result<Vec<_>, _>>()?;
        let environment = handover
            .environment()
            .map_err(|error| ReplaceError::Descriptor(error.into()))?
            .into_iter()
            .map(|(mut key, value)| {
                key.push("=");
                key.push(value);
                text(key)
            })
            .collect::<Result<Vec<_>, _>>()?;
        nix::unistd::execve(&path, &arguments, &environment).map_err(|error| ReplaceError::Exec(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::*;

    fn program(folder: &Path, script: &str) -> Image {
        let path = folder.join("program");
        // Written elsewhere first: a file that is open for writing cannot be run.
        let draft = folder.join("draft");
        std::fs::write(&draft, format!("#!/bin/sh\n{script}\n")).expect("written");
        std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(0o755)).expect("set");
        std::fs::rename(draft, &path).expect("moved");
        Image { path, arguments: ["name", "--listen", "x"].map(OsString::from).into() }
    }

    #[tokio::test]
    async fn a_file_that_works_says_what_it_is_and_one_that_does_not_says_why() {
        let folder = tempfile::tempdir().expect("folder");
        let children = Children::default();
        let good = r#"case "$*" in --version) echo it 2;; "--listen x --check-config") ;; *) exit 9;; esac"#;
        assert_eq!(program(folder.path(), good).check(&children).await.expect("works"), "it 2");
        let bad = r#"case "$*" in --version) echo it 2;; *) echo 'listen: no' >&2; exit 78;; esac"#;
        let error = program(folder.path(), bad).check(&children).await.expect_err("refused").to_string();
        assert!(error.contains("listen: no") && error.contains("78"), "{error}");
        std::fs::remove_file(folder.path().join("program")).expect("removed");
        let gone = Image { path: folder.path().join("program"), arguments: Vec::new() };
        assert!(matches!(gone.check(&children).await, Err(CheckError::Run { .. })));
    }
}
