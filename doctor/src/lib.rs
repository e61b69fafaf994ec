//! Looks at the machine and says what keeps sessions from running well, and what to do about it.
//!
//! Owns the checks; every one is a question that the machine answers at once or within its own deadline. It
//! repairs nothing, and what it writes to try a directory it removes. The supervisor asks it about itself, and
//! `colmeiactl doctor` when there is no supervisor to ask.

mod browser;
mod folders;
mod kernel;
mod merging;

use std::path::PathBuf;

use colmeia::admin::{Finding, Verdict};
use colmeia::config::BrowserSandbox;

/// What is looked at.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The browser's program.
    pub browser: PathBuf,
    /// The worker's program, which tries what browsers need.
    pub worker: PathBuf,
    /// Whether browsers shall run in Chromium's own sandbox.
    pub browser_sandbox: BrowserSandbox,
    /// Whether each worker has a user id of its own, as a service that is root can give it one.
    pub own_uids: bool,
    /// The program that converts voice and video.
    pub ffmpeg: PathBuf,
    /// The file of wa-js, where one is configured.
    pub wa_js: Option<PathBuf>,
    /// Whether the kernel shall merge equal pages of the browsers.
    pub memory_merge: bool,
    /// Where sessions and the journal lie.
    pub state_dir: PathBuf,
    /// Where sockets and locks lie.
    pub runtime_dir: PathBuf,
}

/// The version of the browser that is this program, where it says one.
#[must_use]
pub fn browser_version(program: &std::path::Path) -> Option<String> {
    browser::number(program)
}

/// Runs every check, in a fixed order.
#[must_use]
pub fn examine(subject: &Subject) -> Vec<Finding> {
    vec![
        browser::program(&subject.browser),
        browser::wa_js(subject.wa_js.as_deref()),
        browser::sandbox(subject),
        browser::converter(&subject.ffmpeg),
        folders::private("state directory", &subject.state_dir),
        folders::private("runtime directory", &subject.runtime_dir),
        folders::space("disk space", &subject.state_dir, folders::STATE),
        folders::damaged("profiles", &subject.state_dir),
        folders::lasting("state volume", &subject.state_dir),
        kernel::cgroup(),
        kernel::landlock(),
        kernel::descriptors(),
        merging::possible(subject.memory_merge),
        kernel::clock(&subject.state_dir),
    ]
}

/// What keeps users apart on this machine, and whether what they leave lasts: what has to be said at a start already.
#[must_use]
pub fn apart(subject: &Subject) -> Vec<Finding> {
    vec![browser::sandbox(subject), kernel::landlock(), folders::lasting("state volume", &subject.state_dir)]
}

fn ok(check: &str, found: impl Into<String>) -> Finding {
    Finding { check: check.into(), verdict: Verdict::Ok, found: found.into(), advice: None }
}

fn warning(check: &str, found: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::Warning, advice: Some(advice.into()), ..ok(check, found) }
}

fn problem(check: &str, found: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::Problem, ..warning(check, found, advice) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn subject(folder: &std::path::Path) -> Subject {
        let browser = folder.join("browser");
        std::fs::write(&browser, "#!/bin/sh\necho Browser 150.0\n").expect("written");
        std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).expect("set");
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).expect("set");
        Subject {
            worker: browser.clone(),
            browser_sandbox: BrowserSandbox::Auto,
            own_uids: false,
            ffmpeg: browser.clone(),
            browser,
            wa_js: None,
            memory_merge: false,
            state_dir: folder.into(),
            runtime_dir: folder.into(),
        }
    }

    fn verdict(subject: &Subject, check: &str) -> Finding {
        examine(subject).into_iter().find(|finding| finding.check == check).expect("it is checked")
    }

    #[test]
    fn a_browser_that_runs_is_named_with_its_version() {
        let folder = tempfile::tempdir().expect("folder");
        let subject = subject(folder.path());
        let finding = verdict(&subject, "browser");
        assert_eq!((finding.verdict, finding.advice), (Verdict::Ok, None));
        assert!(finding.found.contains("Browser 150.0"), "{}", finding.found);
        assert_eq!(verdict(&subject, "state directory").verdict, Verdict::Ok);
    }

    #[test]
    fn everything_that_is_missing_comes_with_advice() {
        let folder = tempfile::tempdir().expect("folder");
        let nowhere = folder.path().join("nowhere");
        let subject = Subject {
            worker: nowhere.clone(),
            browser_sandbox: BrowserSandbox::Auto,
            own_uids: false,
            browser: nowhere.clone(),
            ffmpeg: nowhere.clone(),
            wa_js: Some(nowhere.clone()),
            memory_merge: true,
            state_dir: nowhere.clone(),
            runtime_dir: nowhere,
        };
        for check in ["browser", "wa-js", "state directory", "runtime directory", "browser sandbox"] {
            let finding = verdict(&subject, check);
            assert_eq!(finding.verdict, Verdict::Problem, "{check}");
            assert!(finding.advice.is_some_and(|advice| advice.len() > 10), "{check}");
        }
        let converter = verdict(&subject, "ffmpeg");
        assert_eq!(converter.verdict, Verdict::Warning);
        assert!(converter.advice.is_some_and(|advice| advice.contains("apt-get install ffmpeg")));
        let all = examine(&subject);
        assert!(all.iter().all(|finding| (finding.verdict == Verdict::Ok) == finding.advice.is_none()));
    }

    #[test]
    fn profiles_that_lie_aside_are_named() {
        let folder = tempfile::tempdir().expect("folder");
        let subject = subject(folder.path());
        assert_eq!(verdict(&subject, "profiles").verdict, Verdict::Ok);
        let own = folder.path().join(".wwebjs_auth_user_2_1/colmeia");
        std::fs::create_dir_all(own.join("damaged/1")).expect("made");
        let finding = verdict(&subject, "profiles");
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(finding.found.ends_with("of: 2_1"), "{}", finding.found);
    }

    #[test]
    fn a_directory_that_others_can_enter_is_a_warning() {
        let folder = tempfile::tempdir().expect("folder");
        let subject = subject(folder.path());
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("set");
        assert_eq!(verdict(&subject, "state directory").verdict, Verdict::Warning);
    }
}
