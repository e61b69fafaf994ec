//! The supervisor's process, asked over HTTP as Flask does.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::{Process, Simulator, Webhook, descendants, program, terrain, until};

/// The supervisor's copy in the farm's directory.
const INSTALLED: &str = "bin/colmeia-supervisor";

/// What a test wants differently.
#[derive(Default)]
pub(crate) struct Options {
    /// More lines for `colmeia.toml`, before its tables.
    pub(crate) config: String,
    /// The same, for its table of deadlines.
    pub(crate) deadlines: String,
    /// The query of the page's address, such as `?late=2000`.
    pub(crate) page_query: String,
    /// More arguments of the simulator.
    pub(crate) simulator_args: Vec<&'static str>,
    /// Another program in the browser's place; by default what `COLMEIA_TEST_BROWSER` names, or Debian's
    /// headless shell.
    pub(crate) browser: Option<PathBuf>,
    /// Logs everything that can be logged into the file `log` of the farm's directory.
    pub(crate) log_to_file: bool,
    /// Runs copies of the programs, which [`Service::install`] replaces.
    pub(crate) installed: bool,
    /// Runs the supervisor as this ordinary user and group, which takes root.
    pub(crate) run_as: Option<(&'static str, &'static str)>,
    /// With these capabilities, as setpriv writes them.
    pub(crate) capabilities: &'static str,
    /// Lets other system users reach the farm's directories, so that workers can be some.
    pub(crate) own_uids: bool,
    /// Where to listen instead of a free port of loopback.
    pub(crate) listen: Option<&'static str>,
    /// More of the supervisor's environment.
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// An answer of the service.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
    /// `Null` when it is no JSON.
    pub(crate) json: Value,
}

/// A running supervisor.
pub(crate) struct Service {
    command: Command,
    child: Child,
    installed: PathBuf,
    address_file: PathBuf,
    address: String,
    /// One that keeps no connection, so that a killed supervisor's are not used again.
    http: reqwest::Client,
}

impl Service {
    pub(crate) async fn start(dir: &Path, phone: &Simulator, webhook: &Webhook, options: Options) -> Self {
        let (state, run) = (dir.join("state"), dir.join("run"));
        for folder in [&state, &run] {
            std::fs::create_dir_all(folder).expect("a folder");
        }
        let config = dir.join("colmeia.toml");
        let text = format!(
            "log_format = \"human\"\n{}\n[deadlines]\n{}\n{}",
            options.config,
            if options.deadlines.is_empty() { "probe_interval_ms = 1000" } else { &options.deadlines },
            terrain::configuration(),
        );
        std::fs::write(&config, text).expect("written");
        let browser = options.browser.unwrap_or_else(default_browser);
        let mut command = match options.run_as {
            None if options.installed => Command::new(dir.join(INSTALLED)),
            None => Command::new(program("colmeia-supervisor")),
            Some((user, group)) => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", user, "--regid", group, "--clear-groups"]);
                if !options.capabilities.is_empty() {
                    command.args([
                        "--inh-caps",
                        options.capabilities,
                        "--ambient-caps",
                        options.capabilities,
                    ]);
                }
                command.arg(dir.join(INSTALLED));
                command
            }
        };
        command
            .arg("--config")
            .arg(&config)
            .args(["--listen", options.listen.unwrap_or("127.0.0.1:0"), "--webhook-url", &webhook.url])
            .arg("--state-dir")
            .arg(&state)
            .arg("--runtime-dir")
            .arg(&run)
            .arg("--page-url")
            .arg(format!("{}/{}", phone.address, terrain::page_query(&options.page_query)))
            .arg("--browser")
            .arg(browser)
            .stdin(Stdio::null())
            // A configuration of the machine must not reach into the test.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("RUST_BACKTRACE", "1");
        if options.log_to_file {
            let log = std::fs::File::create(dir.join("log")).expect("a file");
            command.stdout(log.try_clone().expect("one more")).stderr(log).env("COLMEIA_LOG", "trace");
        } else if let Some(filter) = std::env::var_os("COLMEIA_LOG") {
            command.env("COLMEIA_LOG", filter);
        }
        command.envs(options.environment);
        let mut wa_js = super::repository("vendor-js/node_modules/@wppconnect/wa-js/dist/wppconnect-wa.js");
        if options.own_uids {
            // The checkout may lie where others cannot read.
            let copy = dir.join("wa.js");
            std::fs::copy(&wa_js, &copy).expect("copied");
            for (path, mode) in [(dir, 0o711), (&state, 0o700), (&copy, 0o644)] {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("set");
            }
            wa_js = copy;
        }
        command.arg("--wa-js").arg(wa_js);
        if options.installed || options.run_as.is_some() {
            copy_programs(dir);
        }
        if let Some((user, _)) = options.run_as {
            give_to(dir, user);
        }
        let child = command.spawn().expect("the supervisor starts");
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client");
        let address_file = run.join("http.addr");
        let installed = dir.join(INSTALLED);
        let mut service = Self { command, child, installed, address_file, address: String::new(), http };
        service.find_address().await.expect("the supervisor goes on");
        service
    }

    /// The port is free, so it is another one after each start; the file says which.
    async fn find_address(&mut self) -> Result<(), ExitStatus> {
        let begun = Instant::now();
        loop {
            if let Some(address) = self.answering().await {
                self.address = address;
                return Ok(());
            }
            if let Some(status) = self.child.try_wait().expect("our child") {
                return Err(status);
            }
            assert!(begun.elapsed() < super::LONG, "gave up waiting until the supervisor listens");
            tokio::time::sleep(super::LOOK).await;
        }
    }

    /// Where it answers.
    async fn answering(&self) -> Option<String> {
        let address = std::fs::read_to_string(&self.address_file).ok()?.trim().to_owned();
        let health = self.http.get(format!("http://{address}/health")).send().await.ok()?;
        health.status().is_success().then_some(address)
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a pid")
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Replaces the supervisor's file as a package manager does, by another one of the same name. Takes
    /// [`Options::installed`].
    pub(crate) fn install(&self) {
        let draft = self.installed.with_extension("new");
        std::fs::copy(program("colmeia-supervisor"), &draft).expect("copied");
        std::fs::rename(draft, &self.installed).expect("moved");
        assert!(!self.runs_what_is_installed(), "it runs the file of before");
    }

    /// Whether the process that was started once runs the file that is installed now.
    pub(crate) fn runs_what_is_installed(&self) -> bool {
        let inode = |path: &Path| std::fs::metadata(path).expect("there").ino();
        inode(Path::new(&format!("/proc/{}/exe", self.pid()))) == inode(&self.installed)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("it lives");
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.child.try_wait().expect("our child") {
                return status;
            }
            tokio::time::sleep(super::LOOK).await;
        }
    }

    /// Starts it again, as it was started before.
    pub(crate) async fn start_again(&mut self) {
        self.start_or_end().await.expect("the supervisor goes on");
    }

    /// The same for one that may not be able to; then how it ended.
    pub(crate) async fn start_or_end(&mut self) -> Result<(), ExitStatus> {
        let _ = std::fs::remove_file(&self.address_file);
        self.child = self.command.spawn().expect("the supervisor starts");
        self.find_address().await
    }

    /// The worker processes.
    pub(crate) fn workers() -> Vec<Process> {
        descendants(0).into_iter().filter(Process::is_worker).collect()
    }

    /// The worker and the browser of a user.
    pub(crate) async fn processes_of(user: &str) -> (Process, Process) {
        until(&format!("user {user} has a browser"), || async {
            Self::workers().into_iter().find_map(|worker| {
                let browser = descendants(worker.pid).into_iter().find(|p| p.is_browser_of(user))?;
                Some((worker, browser))
            })
        })
        .await
    }

    /// The most memory that the supervisor has had so far, in KiB (`VmHWM` of proc_pid_status(5)).
    pub(crate) fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("on Linux");
        peak.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// How many files in this folder the supervisor has open, also without names.
    pub(crate) fn open_files(&self, folder: &Path) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("it runs").flatten();
        open.filter(|fd| std::fs::read_link(fd.path()).is_ok_and(|path| path.starts_with(folder))).count()
    }

    /// `GET`.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(self.url(path))).await
    }

    /// `POST` with JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.http.post(self.url(path)).json(body)).await
    }

    /// Anything else.
    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        self.http.request(method, self.url(path))
    }

    /// Sends a request that the test made.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        Self::answer(request).await.expect("the service answers")
    }

    /// As [`Self::send`], for a service that may be dead.
    pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let content_type = response.headers().get("content-type");
        let content_type = content_type.and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let bytes = response.bytes().await?.to_vec();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Answer { status, content_type, text, bytes, json })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        super::processes::end_all();
    }
}

/// The browser of the tests.
pub(crate) fn default_browser() -> PathBuf {
    std::env::var_os("COLMEIA_TEST_BROWSER")
        .map_or_else(|| PathBuf::from("/usr/lib/chromium/chromium-headless-shell"), PathBuf::from)
}

/// Copies the programs into `dir`.
fn copy_programs(dir: &Path) {
    let bin = dir.join("bin");
    std::fs::create_dir_all(&bin).expect("a folder");
    for name in ["colmeia-supervisor", "colmeia-worker"] {
        std::fs::copy(program(name), bin.join(name)).expect("copied");
    }
}

/// Makes everything in `dir` belong to `user`, who needs the copies of the programs: the checkout itself may lie where an
/// ordinary user cannot read.
fn give_to(dir: &Path, user: &str) {
    let given = Command::new("chown").args(["-R", user]).arg(dir).status().expect("chown runs");
    assert!(given.success());
}
