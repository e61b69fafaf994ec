//! What every test needs: a [`Farm`] of simulator, service and webhook receiver, and patience with a limit.

mod processes;
mod receiver;
mod service;
mod simulator;
mod terrain;
mod webhook;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) use processes::{Process, descendants};
pub(crate) use receiver::Receiver;
pub(crate) use service::{Answer, Options, Service, default_browser};
pub(crate) use simulator::Simulator;
pub(crate) use terrain::chat_id;
pub(crate) use webhook::{Taken, Webhook};

/// Generous: the machine may be small and busy. No test is about time.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Waits until `look` finds something.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < LONG, "gave up waiting until {what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// Everything that one test runs on.
pub(crate) struct Farm {
    pub(crate) service: Service,
    pub(crate) phone: Simulator,
    pub(crate) webhook: Webhook,
    // Last, so that it goes last.
    pub(crate) dir: tempfile::TempDir,
}

impl Farm {
    /// With everything as it comes.
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// With something special.
    pub(crate) async fn start_with(options: Options) -> Self {
        Self::start_in(short_dir(), options).await
    }

    /// The same in a folder that was prepared.
    pub(crate) async fn start_in(dir: tempfile::TempDir, options: Options) -> Self {
        processes::prepare();
        let phone = Simulator::start(&options.simulator_args).await;
        let webhook = Webhook::start().await;
        let service = Service::start(dir.path(), &phone, &webhook, options).await;
        Self { service, phone, webhook, dir }
    }

    /// One that listens beyond loopback and asks everybody for this key; and its address on this machine.
    pub(crate) async fn start_beyond_loopback(key: &str) -> (Self, String) {
        let config = format!("api_keys = [\"{key}\"]\n");
        let farm =
            Self::start_with(Options { config, listen: Some("0.0.0.0:0"), ..Options::default() }).await;
        let port = farm.service.address().rsplit(':').next().expect("a port").to_owned();
        (farm, format!("http://127.0.0.1:{port}"))
    }

    /// The user's QR string, once there is one.
    pub(crate) async fn qr(&self, user: &str) -> String {
        until(&format!("user {user} has a QR code"), || async {
            let answer = self.service.get(&format!("/qr?user_id={user}")).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            answer.json["qr"].as_str().map(String::from)
        })
        .await
    }

    /// Links `number` to the user and waits until it is ready.
    pub(crate) async fn link(&self, user: &str, number: &str) {
        self.scan(user, number).await;
        self.ready(user).await;
    }

    /// Scans the user's code, and the next one if that one expired meanwhile.
    pub(crate) async fn scan(&self, user: &str, number: &str) {
        until(&format!("the phone has scanned the code of {user}"), || async {
            let qr = self.qr(user).await;
            self.phone.scan(&qr, number).await.then_some(())
        })
        .await;
    }

    /// Waits until the user is ready, and returns its status.
    pub(crate) async fn ready(&self, user: &str) -> Value {
        until(&format!("user {user} is ready"), || async {
            let status = self.status(user).await;
            (status["ready"] == true).then_some(status)
        })
        .await
    }

    /// The user's status.
    pub(crate) async fn status(&self, user: &str) -> Value {
        let answer = self.service.get(&format!("/status?user_id={user}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json
    }

    /// The user's auth directory.
    pub(crate) fn auth_dir(&self, user: &str) -> PathBuf {
        self.state_dir().join(format!(".wwebjs_auth_user_{user}"))
    }

    /// The service's state directory.
    pub(crate) fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }
}

/// A folder with a short path: Unix sockets allow 107 bytes.
pub(crate) fn short_dir() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("cm-").tempdir_in("/tmp").expect("temp dir")
}

/// A program that the workspace builds; `make test` and nextest build them before the tests run.
pub(crate) fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a test has a path");
    // target/<profile>/<program> or target/<profile>/deps/<test>
    let mut folders = own.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    folders.find(|path| path.exists()).unwrap_or_else(|| {
        panic!("{name} is missing near {}: run `cargo build --workspace` first", own.display())
    })
}

/// Runs `colmeiactl` and returns its exit code and what it printed.
pub(crate) async fn ctl(farm: &Farm, arguments: &[&str]) -> (i32, String) {
    let socket = farm.dir.path().join("run/admin.sock");
    let mut command = tokio::process::Command::new(program("colmeiactl"));
    command.arg("--socket").arg(socket).args(arguments);
    let output = command.output().await.expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().expect("no signal"), String::from_utf8(said).expect("UTF-8"))
}

/// A new API key with these grants, as `colmeiactl keys add` takes them.
pub(crate) async fn new_key(farm: &Farm, grants: &[&str]) -> String {
    let (code, said) = ctl(farm, &[&["keys", "add"], grants].concat()).await;
    assert_eq!(code, 0, "{said}");
    said.lines().next().expect("the key").to_owned()
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.ancestors().find(|folder| folder.join("Cargo.lock").exists());
    root.expect("a package of the workspace").join(path)
}
