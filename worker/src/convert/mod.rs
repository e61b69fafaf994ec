//! `colmeia-worker convert voice|video`: becomes the converter, inside walls of its own.
//!
//! Standard input is the file to read and standard output the one to write, both on a disk. This process looks at the
//! first bytes, sets its limits, gives up its rights, shuts itself in, and then is ffmpeg: it reaches the system's
//! libraries, these two files and nothing else, no network, and none of the service's files.
//!
//! Owns the arguments of ffmpeg, the limits and the order in which they come. It ends by its own limits, should nobody
//! be there any more to end it.

mod kind;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use colmeia::config::Landlock;
use colmeia::convert::{CANNOT_RUN, CANNOT_SHUT_IN, Order, UNKNOWN_KIND};
use colmeia::errors::chain;
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{Gid, Uid, fchown};

use crate::setup::ownership;
use crate::walls::{self, WallsError};
use kind::{LOOK, Target, reader};

/// Both files are opened anew by these names: a pipe could not be wound back, and MP4 has to be.
const INPUT: &str = "/proc/self/fd/0";
const OUTPUT: &str = "/proc/self/fd/1";
/// The largest single piece of memory, in bytes: a picture of 8K in four bytes and room.
const LARGEST_PIECE: &str = "268435456";
/// The largest picture that is decoded: 8K.
const MOST_PIXELS: &str = "35389440";
/// Open files: libraries, the two, and room.
const MAX_FILES: u64 = 64;
/// What libraries and threads take of the address space beside what counts as memory, in MiB.
const ADDRESSES_MB: u64 = 1024;
const MIB: u64 = 1024 * 1024;
/// Somebody who owns nothing.
const NOBODY: u32 = 65_534;

/// Why there is no conversion.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the arguments name no conversion")]
    Order(#[source] serde_json::Error),
    #[error("the file cannot be read")]
    Input(#[source] io::Error),
    #[error("the file is of no kind that is converted")]
    Kind,
    #[error("cannot {doing}")]
    Process { doing: &'static str, source: Errno },
    #[error("cannot give up its rights")]
    Rights(#[source] io::Error),
    #[error("cannot be shut in")]
    Walls(#[from] WallsError),
    #[error("{} cannot be run", program.display())]
    Run { program: PathBuf, source: io::Error },
}

/// Does what this says; comes back only when it cannot. Called while there is one thread.
pub(crate) fn run(order: &str) -> ExitCode {
    let failure = become_converter(order);
    eprintln!("conversion: {}", chain(&failure));
    ExitCode::from(match failure {
        Failure::Kind => UNKNOWN_KIND,
        Failure::Run { .. } => CANNOT_RUN,
        _ => CANNOT_SHUT_IN,
    })
}

fn become_converter(order: &str) -> Failure {
    let order: Order = match serde_json::from_str(order) {
        Ok(order) => order,
        Err(error) => return Failure::Order(error),
    };
    match prepare(&order) {
        Ok(mut command) => Failure::Run { program: order.ffmpeg, source: command.exec() },
        Err(failure) => failure,
    }
}

fn prepare(order: &Order) -> Result<Command, Failure> {
    let target = if order.video { Target::Video } else { Target::Voice };
    let (stdin, stdout) = (io::stdin(), io::stdout());
    let reader = look(stdin.as_fd(), target)?;
    limit(order)?;
    step_down(order, [stdin.as_fd(), stdout.as_fd()])?;
    // Without user namespaces (a container may forbid them) Landlock alone keeps it from the network.
    let _ = unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET);
    if order.landlock == Landlock::Auto {
        walls::enter_for_file(&order.ffmpeg, stdin.as_fd(), stdout.as_fd())?;
    }
    let mut command = Command::new(&order.ffmpeg);
    // What it says may quote the file.
    command.args(arguments(reader, target)).env_clear().stderr(std::process::Stdio::null());
    Ok(command)
}

fn look(input: BorrowedFd<'_>, target: Target) -> Result<&'static str, Failure> {
    let file = File::from(input.try_clone_to_owned().map_err(Failure::Input)?);
    let mut start = [0; LOOK];
    let length = file.read_at(&mut start, 0).map_err(Failure::Input)?;
    reader(&start[..length], target).ok_or(Failure::Kind)
}

/// All limits are the kernel's: they hold however the file is made.
fn limit(order: &Order) -> Result<(), Failure> {
    let set_up =
        |doing, result: Result<(), Errno>| result.map_err(|source| Failure::Process { doing, source });
    set_up("give up further rights", prctl::set_no_new_privs())?;
    let memory = order.memory_mb.saturating_mul(MIB);
    for (doing, what, most) in [
        ("forbid core dumps", Resource::RLIMIT_CORE, 0),
        ("limit open files", Resource::RLIMIT_NOFILE, MAX_FILES),
        ("limit what is written", Resource::RLIMIT_FSIZE, order.most_bytes),
        ("limit memory", Resource::RLIMIT_DATA, memory),
        ("limit addresses", Resource::RLIMIT_AS, memory.saturating_add(ADDRESSES_MB * MIB)),
    ] {
        set_up(doing, setrlimit(what, most, most))?;
    }
    // It hears of the first and does not survive the second.
    let cpu = order.cpu_secs;
    set_up("limit time", setrlimit(Resource::RLIMIT_CPU, cpu, cpu.saturating_add(2)))?;
    // Where memory runs out altogether, it goes first; and sessions come first where the processors are busy.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    let _ = rustix::process::nice(10);
    Ok(())
}

/// No user of the system that owns anything of the service, where that can be chosen, and no capabilities.
fn step_down(order: &Order, files: [BorrowedFd<'_>; 2]) -> Result<(), Failure> {
    let root = nix::unistd::geteuid().is_root();
    match order.uid.or_else(|| root.then_some(NOBODY)) {
        Some(uid) => {
            for file in files {
                let (user, group) = (Uid::from_raw(uid), Gid::from_raw(uid));
                fchown(file, Some(user), Some(group)).map_err(|error| Failure::Rights(error.into()))?;
            }
            ownership::become_user(uid).map_err(Failure::Rights)
        }
        None => ownership::drop_capabilities().map_err(Failure::Rights),
    }
}

fn arguments(reader: &str, target: Target) -> Vec<OsString> {
    let before = [
        "-nostdin",
        "-hide_banner",
        "-loglevel",
        "quiet",
        "-y",
        "-max_alloc",
        LARGEST_PIECE,
        "-filter_threads",
        "1",
        // Nothing but these two files, whatever stands in the first.
        "-protocol_whitelist",
        "file",
        "-threads",
        "1",
        "-max_pixels",
        MOST_PIXELS,
        "-f",
        reader,
        "-i",
        INPUT,
        // No title, no place where it was taken.
        "-map_metadata",
        "-1",
        "-map_chapters",
        "-1",
        "-sn",
        "-dn",
    ];
    let voice = [
        "-map",
        "0:a:0",
        "-vn",
        "-c:a",
        "libopus",
        "-b:a",
        "32k",
        "-ac",
        "1",
        "-ar",
        "48000",
        "-application",
        "voip",
        "-f",
        "ogg",
        OUTPUT,
    ];
    let video = [
        "-map",
        "0:v:0",
        "-map",
        "0:a:0?",
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-crf",
        "26",
        "-threads",
        "1",
        // Phones take even sides only; more than this they do not show.
        "-vf",
        "scale=w='max(2,min(1280,iw))':h='max(2,min(1280,ih))':force_original_aspect_ratio=decrease:force_divisible_by=2",
        "-pix_fmt",
        "yuv420p",
        "-fps_mode",
        "vfr",
        "-c:a",
        "aac",
        "-b:a",
        "96k",
        "-ac",
        "2",
        "-ar",
        "44100",
        "-movflags",
        "+faststart",
        "-f",
        "mp4",
        OUTPUT,
    ];
    let after: &[&str] = if target == Target::Voice { &voice } else { &video };
    before.iter().chain(after).map(OsString::from).collect()
}
