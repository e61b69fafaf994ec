//! The browser, what it needs of the system, and the file that helps it out.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use colmeia::admin::Finding;
use colmeia::config::{BrowserSandbox, NAMESPACES_AVAILABLE};
use colmeia_base::tasks;
use rustix::fs::{Access, access};
use rustix::process::{Pid, PidfdFlags, Signal, geteuid, pidfd_open, pidfd_send_signal};

use super::{Subject, ok, problem, warning};

/// How long the browser may take to say its version.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether the browser is there, can be run, and says its version.
pub(super) fn program(path: &Path) -> Finding {
    let check = "browser";
    let shown = path.display();
    if !path.is_file() {
        let advice =
            "install it (Debian: apt-get install chromium-headless-shell) or set `browser` to its program";
        return problem(check, format!("{shown} is not there"), advice);
    }
    if access(path, Access::EXEC_OK).is_err() {
        return problem(check, format!("{shown} cannot be executed"), format!("run `chmod a+rx {shown}`"));
    }
    match version(path, "--version") {
        Some(version) => ok(check, format!("{shown}: {version}")),
        None => problem(
            check,
            format!("{shown} does not say its version"),
            "run it with --version by hand: a library may be missing",
        ),
    }
}

/// The browser's version, such as `156.0.8078.79`.
pub(super) fn number(path: &Path) -> Option<String> {
    let said = version(path, "--version")?;
    let is_number = |word: &&str| {
        word.contains('.') && word.split('.').all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    said.split_whitespace().find(is_number).map(str::to_owned)
}

/// Whether there is a program for voice and video; the service does without.
pub(super) fn converter(path: &Path) -> Finding {
    let (check, shown) = ("ffmpeg", path.display());
    match version(path, "-version").filter(|_| path.is_file()) {
        Some(version) => ok(check, format!("{shown}: {version}")),
        None => warning(
            check,
            format!("{shown} is not there, or does not run: voice and video cannot be converted"),
            "install it (Debian: apt-get install ffmpeg) or set `conversion.ffmpeg`; until then callers send voice as \
             OGG Opus and video as MP4",
        ),
    }
}

/// The first line that it says to this argument. The program may be anything, so it gets no input and a deadline.
fn version(path: &Path, argument: &str) -> Option<String> {
    let mut child = Command::new(path)
        .arg(argument)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let handle = pidfd_open(Pid::from_child(&child), PidfdFlags::empty());
    let stdout = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    let begun = tasks::passing_thread("version", move || {
        let mut text = String::new();
        let _ = stdout.take(4096).read_to_string(&mut text);
        let _ = sender.send(text); // the asker may have given up
    });
    if begun.is_err() {
        let _ = child.kill(); // its answer could not be heard
    }
    let text = receiver.recv_timeout(PATIENCE);
    if text.is_err()
        && let Ok(handle) = handle
    {
        let _ = pidfd_send_signal(handle, Signal::KILL);
    }
    let _ = child.wait(); // somebody else may have reaped it
    let text = text.ok()?;
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.chars().filter(|c| !c.is_control()).take(120).collect())
}

/// The file that stands in for page members that the bridge misses.
pub(super) fn wa_js(path: Option<&Path>) -> Finding {
    let check = "wa-js";
    let Some(path) = path else {
        let advice = "set `wa_js` to the file wppconnect-wa.js: it stands in when WhatsApp changes its page";
        return warning(check, "not configured", advice);
    };
    match fs::File::open(path).and_then(|file| file.metadata()) {
        Ok(found) if found.is_file() && found.len() > 0 => {
            ok(check, format!("{} ({} KiB)", path.display(), found.len() / 1024))
        }
        Ok(_) => problem(check, format!("{} is no file", path.display()), "install it again"),
        Err(error) => problem(
            check,
            format!("{}: {error}", path.display()),
            "install it, or make it readable for the service's user",
        ),
    }
}

/// What Chromium's own sandbox needs, tried by a process of the worker's program.
pub(super) fn sandbox(Subject { browser_sandbox, worker, own_uids, .. }: &Subject) -> Finding {
    let settings = why_refused();
    let runs_as = match (geteuid().is_root(), own_uids) {
        (true, true) => RunsAs::OwnUser,
        (true, false) => RunsAs::Root,
        (false, _) => RunsAs::Service,
    };
    let refused = match version(worker, "namespaces") {
        // Root may have what the machine's settings keep from its workers' own users.
        Some(said) if said == NAMESPACES_AVAILABLE && runs_as == RunsAs::OwnUser => {
            settings.map(|(reason, _)| reason.to_owned())
        }
        Some(said) if said == NAMESPACES_AVAILABLE => None,
        Some(said) => Some(said),
        None => Some(format!("{} cannot be run to try it", worker.display())),
    };
    judge_sandbox(*browser_sandbox, runs_as, refused.as_deref(), settings)
}

/// What the machine's settings say about user namespaces: why there are none, and what to do about it.
fn why_refused() -> Option<(&'static str, &'static str)> {
    let is = |path: &str, value: &str| fs::read_to_string(path).is_ok_and(|text| text.trim() == value);
    if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        Some((
            "unprivileged user namespaces are switched off",
            "set the sysctl kernel.unprivileged_userns_clone to 1",
        ))
    } else if is("/proc/sys/user/max_user_namespaces", "0") || !Path::new("/proc/self/ns/user").exists() {
        Some(("there are no user namespaces", "set the sysctl user.max_user_namespaces to 10000"))
    } else if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        Some((
            "AppArmor restricts user namespaces",
            "allow user namespaces to the browser in an AppArmor profile",
        ))
    } else {
        None
    }
}

/// As whom browsers run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RunsAs {
    /// The service's user, who is not root.
    Service,
    Root,
    /// Each session as a user of its own, whom a service that is root gives it.
    OwnUser,
}

fn judge_sandbox(
    wanted: BrowserSandbox,
    runs_as: RunsAs,
    refused: Option<&str>,
    settings: Option<(&str, &str)>,
) -> Finding {
    const CONTAINER: &str =
        "in a container, start it with a seccomp profile that allows them (docs/containers.md)";
    const RISK: &str = "a page that takes its browser over then has all that the browser has";
    let check = "browser sandbox";
    match (wanted, refused) {
        (BrowserSandbox::Off, None) => warning(
            check,
            format!("switched off by browser_sandbox: {RISK}"),
            "user namespaces are available here, so take browser_sandbox out",
        ),
        (BrowserSandbox::Off, Some(why)) => warning(
            check,
            format!("switched off by browser_sandbox: {RISK}; user namespaces: {why}"),
            format!("{}; then take browser_sandbox out", settings.map_or(CONTAINER, |(_, advice)| advice)),
        ),
        (_, Some(why)) => {
            let found = match settings {
                Some((reason, _)) => format!("{reason} ({why})"),
                None => format!("user namespaces are refused ({why})"),
            };
            let advice = settings.map_or(CONTAINER, |(_, advice)| advice);
            if (wanted, runs_as) == (BrowserSandbox::Auto, RunsAs::OwnUser) {
                return warning(check, format!("off, and sessions start without it: {found}"), advice);
            }
            problem(check, found, format!("{advice}; or set browser_sandbox to \"off\": {RISK}"))
        }
        (_, None) if runs_as == RunsAs::Root => warning(
            check,
            "off: workers run as root, and Chromium has no sandbox for root",
            "let worker_uids give each worker a user id of its own, or run the service as an ordinary user",
        ),
        (_, None) => ok(check, "user namespaces are available"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia::admin::Verdict;

    #[test]
    fn a_sandbox_that_cannot_be_had_is_a_problem_and_one_that_is_off_a_warning() {
        let (on, off, auto) = (BrowserSandbox::On, BrowserSandbox::Off, BrowserSandbox::Auto);
        for wanted in [on, auto] {
            assert_eq!(judge_sandbox(wanted, RunsAs::Service, None, None).verdict, Verdict::Ok);
            let refused = judge_sandbox(wanted, RunsAs::Service, Some("EPERM"), None);
            assert_eq!(refused.verdict, Verdict::Problem);
            let advice = refused.advice.unwrap_or_default();
            assert!(refused.found.contains("EPERM") && advice.contains("seccomp"), "{advice}");
            assert!(advice.contains("browser_sandbox") && advice.contains("all that the browser has"));
            let set = judge_sandbox(
                wanted,
                RunsAs::Service,
                Some("EPERM"),
                Some(("switched off", "set the sysctl")),
            );
            assert!(set.advice.is_some_and(|advice| advice.starts_with("set the sysctl")));
        }
        for refused in [None, Some("EPERM")] {
            let finding = judge_sandbox(off, RunsAs::Service, refused, None);
            assert_eq!(finding.verdict, Verdict::Warning);
            assert!(finding.found.contains("all that the browser has"), "{}", finding.found);
        }
        assert_eq!(judge_sandbox(auto, RunsAs::Root, None, None).verdict, Verdict::Warning);
        // The worker of a user of its own has its sandbox; without namespaces it goes without, unless it is insisted on.
        assert_eq!(judge_sandbox(auto, RunsAs::OwnUser, None, None).verdict, Verdict::Ok);
        assert_eq!(judge_sandbox(auto, RunsAs::OwnUser, Some("EPERM"), None).verdict, Verdict::Warning);
        assert_eq!(judge_sandbox(on, RunsAs::OwnUser, Some("EPERM"), None).verdict, Verdict::Problem);
    }
}
