//! Everything that is tried, each by a name that the test knows.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::targets::Targets;

/// How long a worker may take to be indiscreet.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tries everything. `None` stands for success.
pub(crate) fn all(targets: &Targets, profile: &Path) -> BTreeMap<&'static str, Option<String>> {
    let auth = |user: &str| targets.state_dir.join(format!(".wwebjs_auth_user_{user}"));
    let (victim, own) = (auth(&targets.victim), auth(&targets.hostile_user));
    let run = |user: &str| targets.run_dir.join("v1").join(user);
    let parent = nix::unistd::getppid();
    let proc = |pid: Pid, file: &str| format!("/proc/{pid}/{file}");
    let (supervisor, worker) = (Pid::from_raw(targets.supervisor), Pid::from_raw(targets.victim_worker));
    let temporary = std::env::temp_dir();

    let tried: Vec<(&'static str, io::Result<()>)> = vec![
        // What it may do: without these the rest would prove nothing.
        ("may: write to its profile", write(&profile.join("mine"))),
        ("may: write to its temporary directory", write(&temporary.join("mine"))),
        ("may: connect to the page", connect(&targets.page)),
        // Files of others and of the service.
        ("list the other user's directory", list(&victim)),
        ("read the other user's lock", read(&victim.join("colmeia/worker.lock"))),
        ("write to the other user's directory", write(&victim.join("planted"))),
        ("list the state directory", list(&targets.state_dir)),
        ("read the journal", read(&targets.state_dir.join("colmeia.db"))),
        (
            "read the other worker's token",
            read(&targets.state_dir.join("colmeia_tokens").join(&targets.victim)),
        ),
        (
            "read its own worker's token",
            read(&targets.state_dir.join("colmeia_tokens").join(&targets.hostile_user)),
        ),
        ("list the run directory", list(&targets.run_dir)),
        ("read the service's address", read(&targets.run_dir.join("http.addr"))),
        ("move the other worker's socket", there_and_back(&run(&targets.victim).join("worker.sock"))),
        ("list its worker's spool", list(&own.join("colmeia/spool"))),
        ("move its worker's socket", there_and_back(&run(&targets.hostile_user).join("worker.sock"))),
        ("plant a snapshot of its profile", fs::create_dir_all(own.join("colmeia/snapshots/99999999999999"))),
        ("list what its worker keeps of its profile", list(&own.join("colmeia"))),
        ("list its worker's files", list(&own.join("colmeia/files"))),
        ("put a file in its worker's folder of files", write(&own.join("colmeia/files/planted"))),
        ("mark itself as unlinked", write(&own.join("colmeia/unlinked"))),
        ("write to a folder that is open to all", write(&targets.open_folder.join("planted"))),
        ("write to /etc", write(Path::new("/etc/colmeia-planted"))),
        ("write to shared memory", write(Path::new("/dev/shm/colmeia-planted"))),
        ("list /etc", list(Path::new("/etc"))),
        // Sockets.
        ("hear the other worker", hear(&run(&targets.victim).join("worker.sock"), None)),
        (
            "pass for the other's supervisor",
            hear(&run(&targets.victim).join("worker.sock"), Some(&targets.victim)),
        ),
        (
            "pass for its worker's supervisor",
            hear(&run(&targets.hostile_user).join("worker.sock"), Some(&targets.hostile_user)),
        ),
        ("be taken for an operator", operate(&targets.run_dir.join("admin.sock"))),
        ("connect to the service's port", connect(&targets.http)),
        ("connect to another port", connect(&targets.stranger)),
        ("connect to an abstract socket", connect_abstract(&targets.abstract_socket)),
        ("listen on a port", TcpListener::bind("127.0.0.1:0").map(drop)),
        // Processes.
        ("signal the other worker", signal(worker)),
        ("signal the supervisor", signal(supervisor)),
        ("signal its own worker", signal(parent)),
        ("read its worker's environment", read(Path::new(&proc(parent, "environ")))),
        ("read the supervisor's environment", read(Path::new(&proc(supervisor, "environ")))),
        ("read its worker's memory", open_only(Path::new(&proc(parent, "mem")))),
        ("read the other worker's memory", open_only(Path::new(&proc(worker, "mem")))),
        ("see the other worker's open files", fs::read_link(proc(worker, "fd/0")).map(drop)),
        ("go through the other worker's root", list(Path::new(&proc(worker, "root/tmp")))),
    ];
    tried.into_iter().map(|(name, result)| (name, result.err().map(|error| error.to_string()))).collect()
}

fn list(folder: &Path) -> io::Result<()> {
    fs::read_dir(folder).map(drop)
}

fn read(file: &Path) -> io::Result<()> {
    File::open(file)?.read(&mut [0; 16]).map(drop)
}

fn open_only(file: &Path) -> io::Result<()> {
    File::open(file).map(drop)
}

/// Leaves nothing behind where it succeeds.
fn write(file: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(file)?;
    fs::remove_file(file)
}

fn there_and_back(file: &Path) -> io::Result<()> {
    let away = file.with_extension("away");
    fs::rename(file, &away)?;
    fs::rename(away, file)
}

fn connect(address: &str) -> io::Result<()> {
    TcpStream::connect(address).map(drop)
}

fn connect_abstract(name: &str) -> io::Result<()> {
    UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?).map(drop)
}

/// Nothing that is alive is disturbed by this signal.
fn signal(pid: Pid) -> io::Result<()> {
    Ok(kill(pid, Signal::SIGCONT)?)
}

/// Asks the admin socket for the list of sessions.
fn operate(socket: &Path) -> io::Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /v1/sessions HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    match stream.read(&mut [0; 16])? {
        0 => Err(io::Error::other("it said nothing and closed the connection")),
        _ => Ok(()),
    }
}

/// Connects to a worker, says Hello as `user`'s supervisor with a token that it made up (or nothing), and listens
/// for anything at all.
fn hear(socket: &Path, user: Option<&str>) -> io::Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    if let Some(user) = user {
        let hello =
            json!({"type": "hello", "protocol": 1, "user": user, "token": "0".repeat(64)}).to_string();
        let length = u32::try_from(hello.len()).map_err(io::Error::other)?;
        stream.write_all(&length.to_be_bytes())?;
        stream.write_all(&[0; 4])?;
        stream.write_all(hello.as_bytes())?;
    }
    match stream.read(&mut [0; 16])? {
        0 => Err(io::Error::other("it said nothing and closed the connection")),
        _ => Ok(()),
    }
}
