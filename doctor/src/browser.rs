//! The browser, what it needs of the system, and the file that helps it out.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use colmeia::admin::Finding;
use colmeia_base::tasks;
use rustix::fs::{Access, access};
use rustix::process::{Pid, PidfdFlags, Signal, geteuid, pidfd_open, pidfd_send_signal};

use super::{ok, problem, warning};

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

/// What Chromium's own sandbox needs.
pub(super) fn sandbox() -> Finding {
    let check = "browser sandbox";
    if geteuid().is_root() {
        let advice =
            "let worker_uids give each worker a user id of its own, or run the service as an ordinary user";
        return warning(check, "off where workers run as root; the log says whether they do", advice);
    }
    let zero = |path: &str| fs::read_to_string(path).is_ok_and(|text| text.trim() == "0");
    if zero("/proc/sys/kernel/unprivileged_userns_clone") {
        let advice = "set the sysctl kernel.unprivileged_userns_clone to 1";
        return problem(check, "unprivileged user namespaces are switched off", advice);
    }
    if zero("/proc/sys/user/max_user_namespaces") || !Path::new("/proc/self/ns/user").exists() {
        let advice = "set the sysctl user.max_user_namespaces to 10000";
        return problem(check, "there are no user namespaces", advice);
    }
    let restricted = fs::read_to_string("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
    if restricted.is_ok_and(|text| text.trim() == "1") {
        let advice = "allow user namespaces to the browser in an AppArmor profile";
        return warning(check, "AppArmor restricts user namespaces", advice);
    }
    ok(check, "user namespaces are available")
}
