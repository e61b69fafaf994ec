//! Starts the browser: file descriptors 3 and 4 and no other, an environment of a few variables, its walls, death
//! together with the worker.
//!
//! Owns the unsafe code that spawns it. One thread starts the browser and waits for it: the kernel sends
//! a child's death signal when the *thread* that made it ends, so that must not be a thread of a pool.
#![allow(unsafe_code)] // what happens between fork and exec has no safe interface

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use colmeia_base::tasks;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use tokio::net::unix::pipe;
use tokio::sync::{oneshot, watch};

use super::process::{BrowserProcess, Exit, LastWords};
use crate::engine::OpenError;
use crate::walls::BrowserWalls;
use colmeia::errors::{chain, lack_of};

/// What the browser inherits of the environment; everything else is not its business.
const INHERITED: [&str; 6] = ["PATH", "LANG", "LC_ALL", "TZ", "FONTCONFIG_FILE", "FONTCONFIG_PATH"];
/// Chromium reads commands here and answers on the next one.
const FIRST_FD: RawFd = 3;
/// Both ends of both pipes are moved above this, so that none of them is in the way of 3 and 4.
const CLEAR_OF_FDS: RawFd = 10;
const STACK: usize = 256 * 1024;

/// How to start one.
#[derive(Debug, Clone)]
pub(crate) struct LaunchSpec {
    /// The browser's program.
    pub(crate) program: PathBuf,
    /// See [`super::Flags`].
    pub(crate) arguments: Vec<OsString>,
    /// Its home, for caches of fonts and the like.
    pub(crate) home: PathBuf,
    /// Its temporary directory.
    pub(crate) temporary: PathBuf,
    /// The language of its own texts.
    pub(crate) language: Option<String>,
    /// The file through which it enters its control group.
    pub(crate) group: Option<PathBuf>,
    /// Whether the kernel may merge its pages with equal ones of other processes.
    pub(crate) merge: bool,
    /// What it may touch.
    pub(crate) walls: Option<BrowserWalls>,
}

/// A started browser and its debugging pipe.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) process: BrowserProcess,
    pub(crate) commands: pipe::Sender,
    pub(crate) answers: pipe::Receiver,
}

/// Starts the browser. Dropping the future or what it gives ends the browser.
///
/// # Errors
/// [`OpenError::Launch`] with what to do about it.
pub(crate) async fn launch(spec: LaunchSpec) -> Result<Launched, OpenError> {
    check_program(&spec.program)?;
    for dir in [&spec.home, &spec.temporary] {
        fs::create_dir_all(dir)
            .map_err(|e| OpenError::Launch(format!("{} cannot be created: {e}", dir.display())))?;
    }
    let broken = |error: io::Error| {
        let why = format!("the browser's pipes cannot be made: {error}");
        if lacks_means(&error) { OpenError::Machine(why) } else { OpenError::Launch(why) }
    };
    let (browser_reads, we_write) = pipe_pair().map_err(broken)?;
    let (we_read, browser_writes) = pipe_pair().map_err(broken)?;
    let commands = pipe::Sender::from_owned_fd(we_write).map_err(broken)?;
    let answers = pipe::Receiver::from_owned_fd(we_read).map_err(broken)?;

    let walls = spec.walls.as_ref().map_or(Ok(None), BrowserWalls::raise);
    let walls = walls.map_err(|error| OpenError::Launch(chain(&error)))?;

    let (started, start) = oneshot::channel();
    let program = spec.program.clone();
    let life = move || live(&spec, [browser_reads, browser_writes], walls.as_ref(), started);
    tasks::passing_thread_with("browser", STACK, life).map_err(broken)?;
    let (process, stderr) = start
        .await
        .map_err(|_| OpenError::Launch("the thread that starts the browser ended".to_owned()))?
        .map_err(|error| {
            let why = format!("{} cannot be started: {error}", program.display());
            match error.raw_os_error() {
                Some(libc::EACCES | libc::ENOEXEC) => OpenError::NoBrowser(why),
                _ if lacks_means(&error) => OpenError::Machine(why),
                _ => OpenError::Launch(why),
            }
        })?;
    if let Some(stderr) = stderr {
        match pipe::Receiver::from_owned_fd(stderr) {
            Ok(stderr) => {
                drop(tasks::passing("last words", process.last_words().clone().listen(stderr)));
            }
            Err(error) => tracing::warn!(%error, "the browser's messages cannot be read"),
        }
    }
    Ok(Launched { process, commands, answers })
}

/// Whether the machine has none left of what a start takes. `EAGAIN` is what fork(2) and clone(2) say then.
fn lacks_means(error: &io::Error) -> bool {
    lack_of(error).is_some() || error.raw_os_error() == Some(libc::EAGAIN)
}

type Started = oneshot::Sender<io::Result<(BrowserProcess, Option<OwnedFd>)>>;

/// The life of the thread: as long as the browser's.
fn live(spec: &LaunchSpec, fds: [OwnedFd; 2], walls: Option<&OwnedFd>, started: Started) {
    let mut child = match spawn(spec, &fds, walls) {
        Ok(child) => child,
        Err(error) => return drop(started.send(Err(error))),
    };
    // Only the browser may hold its ends, or its death would not close them.
    drop((fds, walls));
    let (exit_seen, exit) = watch::channel(None);
    let process = BrowserProcess::new(child.id(), exit, LastWords::default());
    // Where nobody waits any more, the value is dropped, and with it the browser killed.
    drop(started.send(Ok((process, child.stderr.take().map(OwnedFd::from)))));
    let exit = child.wait().map_or(Exit { code: None, signal: None }, Exit::from);
    exit_seen.send_replace(Some(exit));
}

fn spawn(spec: &LaunchSpec, fds: &[OwnedFd; 2], walls: Option<&OwnedFd>) -> io::Result<Child> {
    let mut command = Command::new(&spec.program);
    command
        .args(&spec.arguments)
        .env_clear()
        .envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .env("HOME", &spec.home)
        .env("TMPDIR", &spec.temporary)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    if let Some(language) = &spec.language {
        command.env("LANGUAGE", language.replace('-', "_"));
    }
    // The standard library's own pipe, which tells us of a failed exec, must not land on 3 or 4.
    let _occupied = occupy_low_fds()?;
    let sources = [fds[0].as_raw_fd(), fds[1].as_raw_fd()];
    let worker = std::process::id();
    let entrance = match &spec.group {
        Some(path) => Some(fs::OpenOptions::new().write(true).open(path)?),
        None => None,
    };
    let walls = walls.map(AsRawFd::as_raw_fd);
    let merge = spec.merge;
    // SAFETY: between fork and exec the closure calls only async-signal-safe functions (write, prctl, getppid,
    // dup2, _exit, and two system calls that take numbers alone) with numbers that were copied beforehand; it
    // does not allocate, lock or touch other memory. The entrance belongs to the closure and is closed at exec.
    // The sources and the walls are open in the child, because their owners outlive this call. The sources lie
    // above 4, so that no dup2 overwrites the source of the next one; the walls are used before the first.
    // Descriptors are only marked to be closed at exec, so that none is closed under its owner.
    unsafe {
        command.pre_exec(move || {
            if let Some(entrance) = &entrance {
                // Whoever writes this enters; nothing of the browser ever runs without its caps.
                if libc::write(entrance.as_raw_fd(), b"0".as_ptr().cast(), 1) != 1 {
                    return Err(io::Error::last_os_error());
                }
            }
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return Err(io::Error::last_os_error());
            }
            // The worker may have died before the line above.
            if u32::try_from(libc::getppid()) != Ok(worker) {
                libc::_exit(1);
            }
            if merge {
                // From here it passes on to all of the browser's processes, which could not ask for it behind their
                // sandbox. A kernel that does not know it, or forgets it at exec (before 6.10), merges nothing: no
                // reason to have no browser.
                let (yes, unused): (libc::c_ulong, libc::c_ulong) = (1, 0);
                libc::prctl(libc::PR_SET_MEMORY_MERGE, yes, unused, unused, unused);
            }
            if let Some(walls) = walls
                && libc::syscall(libc::SYS_landlock_restrict_self, walls, 0) != 0
            {
                return Err(io::Error::last_os_error());
            }
            // Kernels before 5.11 do not know it; then what the libraries left open by mistake stays open.
            libc::syscall(libc::SYS_close_range, FIRST_FD, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
            for (target, source) in (FIRST_FD..).zip(sources) {
                // dup2 clears close-on-exec on its target.
                if libc::dup2(source, target) < 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            Ok(())
        });
    }
    command.spawn()
}

/// A pipe of which both ends are closed at exec and lie above [`CLEAR_OF_FDS`]: (reads, writes).
fn pipe_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reads, writes) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    Ok((high(&reads)?, high(&writes)?))
}

fn high(fd: &OwnedFd) -> io::Result<OwnedFd> {
    let raw = fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(CLEAR_OF_FDS))?;
    // SAFETY: fcntl has just made this descriptor, and nothing else knows its number.
    Ok(unsafe { std::os::fd::FromRawFd::from_raw_fd(raw) })
}

/// Descriptors that keep the numbers up to 4 taken while they are held.
fn occupy_low_fds() -> io::Result<Vec<fs::File>> {
    let mut held = Vec::new();
    loop {
        let file = fs::File::open("/dev/null")?;
        let above = file.as_raw_fd() > FIRST_FD + 1;
        held.push(file);
        if above {
            return Ok(held);
        }
    }
}

fn check_program(program: &Path) -> Result<(), OpenError> {
    const HINT: &str = "install the package chromium-headless-shell, or set `browser` to the program itself, \
                        for example /usr/lib/chromium/chromium-headless-shell";
    let mut start = [0; 2];
    fs::File::open(program).and_then(|mut file| io::Read::read(&mut file, &mut start)).map_err(|error| {
        OpenError::NoBrowser(format!("{} cannot be read: {error}; {HINT}", program.display()))
    })?;
    if start == *b"#!" {
        tracing::warn!(program = %program.display(), "the browser is a script; if it does not `exec` the browser, {HINT}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn script(dir: &Path, text: &str) -> LaunchSpec {
        let program = dir.join("browser");
        fs::write(&program, format!("#!/bin/sh\n{text}\n")).expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("executable");
        LaunchSpec {
            program,
            arguments: vec!["--user-data-dir=/x".into()],
            home: dir.join("home"),
            temporary: dir.join("tmp"),
            language: Some("pt-BR".into()),
            group: None,
            merge: false,
            walls: None,
        }
    }

    #[tokio::test]
    async fn the_pipe_is_on_fds_3_and_4_and_the_environment_is_small() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let mut launched =
            launch(script(dir.path(), "read line <&3; echo \"$line $HOME $LANGUAGE $CARGO\" >&4"))
                .await
                .expect("starts");
        launched.commands.write_all(b"hello\n").await.expect("written");
        let mut answer = String::new();
        launched.answers.read_to_string(&mut answer).await.expect("read");
        assert_eq!(answer, format!("hello {} pt_BR \n", dir.path().join("home").display()));
    }

    #[tokio::test]
    async fn it_enters_its_group_before_it_runs() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let entrance = dir.path().join("cgroup.procs");
        fs::write(&entrance, "").expect("written");
        let mut spec = script(dir.path(), &format!("cat {} >&4", entrance.display()));
        spec.group = Some(entrance);
        let mut launched = launch(spec.clone()).await.expect("starts");
        let mut seen = String::new();
        launched.answers.read_to_string(&mut seen).await.expect("read");
        assert_eq!(seen, "0");
        spec.group = Some(dir.path().join("none"));
        assert!(launch(spec).await.is_err(), "better no browser than one without its caps");
    }

    #[tokio::test]
    #[ignore = "the kernel must say in /proc/PID/ksm_stat who may be merged; make test-host runs it"]
    async fn what_it_starts_may_be_merged_if_that_was_asked_for() {
        let dir = tempfile::tempdir().expect("temporary directory");
        // By a process below it, as a renderer is.
        let mut spec = script(dir.path(), "(cat /proc/self/ksm_stat) >&4");
        for (merge, word) in [(false, "no"), (true, "yes")] {
            spec.merge = merge;
            let mut launched = launch(spec.clone()).await.expect("starts, whatever the kernel knows");
            let mut seen = String::new();
            launched.answers.read_to_string(&mut seen).await.expect("read");
            let any = seen.lines().find_map(|line| line.strip_prefix("ksm_merge_any: "));
            assert_eq!(any, Some(word), "{seen}");
        }
    }

    #[tokio::test]
    async fn its_end_and_its_last_words_are_seen() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let launched = launch(script(dir.path(), "echo sorry >&2; kill -9 $$")).await.expect("starts");
        let mut exit = launched.process.watch_exit();
        let exit = *exit.wait_for(Option::is_some).await.expect("ends");
        assert_eq!(exit.and_then(|e| e.signal), Some(9));
        tokio::time::timeout(Duration::from_secs(60), async {
            while launched.process.last_words().text() != "sorry" {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the words arrive");
    }

    #[tokio::test]
    async fn dropping_it_ends_it_and_what_it_started() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let mut launched =
            launch(script(dir.path(), "sleep 1000 & echo $! >&4; exec 4>&-; wait")).await.expect("starts");
        let mut child = String::new();
        // The sleeping child holds the pipe too, so only its line is read.
        let mut byte = [0];
        while !child.ends_with('\n') {
            launched.answers.read_exact(&mut byte).await.expect("read");
            child.push(char::from(byte[0]));
        }
        let mut exit = launched.process.watch_exit();
        drop(launched);
        let exit = *exit.wait_for(Option::is_some).await.expect("ends");
        assert_eq!(exit.and_then(|e| e.signal), Some(9));
        let child: u32 = child.trim().parse().expect("a number");
        tokio::time::timeout(Duration::from_secs(60), async {
            while super::super::proc_table::entry(child).expect("seen").is_some_and(|e| !e.zombie) {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the child ends too");
    }

    #[tokio::test]
    async fn a_missing_program_says_what_to_install() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let mut spec = script(dir.path(), "");
        spec.program = dir.path().join("none");
        let error = launch(spec).await.expect_err("fails").to_string();
        assert!(error.contains("chromium-headless-shell"), "{error}");
    }
}
