//! The supervisor's process with stand-ins for its workers: started, asked, looked at from outside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use colmeia::admin::Sessions;
use serde_json::{Value, json};

use crate::processes::{Process, descendants};

/// Generous: nothing here is about how long something takes. On a machine that is busy with other things the
/// admission queue lets one worker start after the other, a thousand in minutes.
const LONG: Duration = Duration::from_secs(1800);
/// How often a condition is looked at: each look is work for the one who is watched.
const LOOK: Duration = Duration::from_millis(250);

/// Who stands in for a worker needs no memory worth setting aside; what is waited for is failure, and a machine that is
/// busy with a thousand processes is none.
const CONFIG: &str = "\
max_users = 1000
max_starting = 16
worker_uids = \"off\"
ping_timeout_ms = 60000
hello_deadline_ms = 120000
memory = { mode = \"polling\", admit_mb = 1 }
";

/// A running supervisor.
pub(crate) struct House {
    child: Child,
    folder: tempfile::TempDir,
    address: String,
    http: reqwest::Client,
}

impl House {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("cm-").tempdir_in("/tmp").expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("state")).expect("a folder");
        fs::write(path("colmeia.toml"), CONFIG).expect("written");
        let log = fs::File::create(path("log")).expect("a file");
        let child = Command::new(beside_us("colmeia-supervisor"))
            .env_clear()
            .arg("--config")
            .arg(path("colmeia.toml"))
            .args(["--listen", "127.0.0.1:0", "--page-url", "http://fake/"])
            .arg("--state-dir")
            .arg(path("state"))
            .arg("--runtime-dir")
            .arg(path("run"))
            .arg("--worker")
            .arg(beside_us("examples/fake-worker"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("one more"))
            .stderr(log)
            .spawn()
            .expect("the supervisor starts");
        // No connection is kept, so that none of ours is among the descriptors that are counted.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client");
        let mut house = Self { child, folder, address: String::new(), http };
        let file = house.folder.path().join("run/http.addr");
        house.address = until("it listens", async || {
            Some(fs::read_to_string(&file).ok()?.trim().to_owned()).filter(|address| !address.is_empty())
        })
        .await;
        house
    }

    /// The answer's JSON, which must be a success.
    pub(crate) async fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path).await).expect("JSON")
    }

    /// The answer's text, which must be a success.
    pub(crate) async fn text(&self, path: &str) -> String {
        let response = self.http.get(format!("http://{}{path}", self.address)).send().await;
        let response = response.and_then(reqwest::Response::error_for_status).expect("a success");
        response.text().await.expect("a text")
    }

    /// A text through the user's worker and back; whether it went.
    pub(crate) async fn send(&self, user: &str) -> bool {
        let body = json!({ "user_id": user, "phone": "5511988887777", "message": "oi" });
        self.post("/send", &body).await["success"] == true
    }

    /// Ends the user's session for good.
    pub(crate) async fn disconnect(&self, user: &str) -> bool {
        self.post("/disconnect", &json!({ "user_id": user })).await["success"] == true
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.http.post(format!("http://{}{path}", self.address)).json(body);
        let response = request.send().await.expect("an answer");
        serde_json::from_str(&response.text().await.expect("a text")).unwrap_or_default()
    }

    /// Waits until so many are ready, as the supervisor's metrics say it.
    pub(crate) async fn ready(&self, count: usize) {
        let line = format!("colmeia_sessions{{state=\"ready\"}} {count}");
        until(&format!("{count} are ready"), async || {
            self.text("/metrics").await.lines().any(|told| told == line).then_some(())
        })
        .await;
    }

    /// What `colmeiactl list --json` prints.
    pub(crate) async fn list(&self) -> Sessions {
        let mut command = tokio::process::Command::new(beside_us("colmeiactl"));
        command.arg("--socket").arg(self.folder.path().join("run/admin.sock")).args(["--json", "list"]);
        let output = command.output().await.expect("colmeiactl runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("a list")
    }

    /// The stand-ins that live.
    pub(crate) fn workers() -> Vec<Process> {
        // The supervisor has the same word among its arguments.
        let is_one = |process: &Process| {
            process.command.split(' ').next().is_some_and(|program| program.ends_with("/fake-worker"))
        };
        descendants(0).into_iter().filter(is_one).collect()
    }

    /// What the supervisor's descriptors point to.
    pub(crate) fn descriptors(&self) -> Vec<String> {
        let entries = fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("it lives").flatten();
        entries.filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.display().to_string())).collect()
    }

    /// A field of the supervisor's `/proc/PID/status`, such as `VmRSS` in kB.
    pub(crate) fn status(&self, field: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it lives");
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).expect("a number")
    }

    /// Asks it to end, and waits until it has; whether it ended cleanly.
    pub(crate) async fn end(&mut self) -> bool {
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("it lives");
        let child = &mut self.child;
        let status = until("the supervisor has ended", async || child.try_wait().expect("our child")).await;
        status.success()
    }

    /// Keeps the folder with the supervisor's log, and says where it is.
    pub(crate) fn keep(mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // It would start again whom we end.
        let _ = self.child.kill();
        let _ = self.child.wait();
        crate::processes::end_all();
    }
}

/// Waits until `look` finds something.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < LONG, "gave up waiting until {what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// A program of the workspace, in the folder of our own.
fn beside_us(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a program has a path");
    let path = own.parent().unwrap_or(Path::new("/")).join(name);
    assert!(path.exists(), "{} is missing: `make thousand` builds it", path.display());
    path
}
