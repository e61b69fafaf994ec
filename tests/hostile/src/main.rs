//! `colmeia-hostile`: a browser that was taken over. Put in Chromium's place by `--browser`, it is Chromium for
//! every user but the one that `targets.json` beside it names; for that one it tries everything that a sealed cell
//! must prevent, and writes what became of it to `report.json` in its profile.
//!
//! It belongs to the tests and is never installed. Where it succeeds it does no harm.

#![allow(clippy::disallowed_methods)] // no product: whoever runs it sees it fail

mod attempts;
mod report;
mod targets;

use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use report::Report;
use targets::Targets;

/// The pipe on which the worker talks to its browser.
const COMMANDS: &str = "/proc/self/fd/3";

fn main() -> io::Result<()> {
    let targets = Targets::beside(&std::env::current_exe()?)?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let hostile = format!("--colmeia-user={}:", targets.hostile_user);
    if !arguments.iter().any(|argument| argument.starts_with(&hostile)) {
        // Returns only when it fails.
        return Err(Command::new(&targets.browser).args(&arguments).exec());
    }
    let profile = arguments.iter().find_map(|argument| argument.strip_prefix("--user-data-dir="));
    let profile = Path::new(profile.ok_or_else(|| io::Error::other("no profile is named"))?);
    let report = Report { attempts: attempts::all(&targets, profile), ..Report::of_this_process() };
    // In one step, so that the test never reads half of it.
    let draft = profile.join("report.draft");
    std::fs::write(&draft, serde_json::to_vec(&report)?)?;
    std::fs::rename(draft, profile.join("report.json"))?;
    // It goes on saying nothing until its worker has had enough.
    let mut commands = std::fs::File::open(COMMANDS)?;
    while commands.read(&mut [0; 4096])? > 0 {}
    Ok(())
}
