//! Three real nodes of the engine on loopback, with ports that are free and a folder of their own.
//!
//! Owns the processes: they end with the engine, also when the test fails, and with the test's process, also when that is
//! killed.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use colmeia::Secret;
use colmeia_cluster::ground::GroundError;
use colmeia_cluster::ground::nats::{Nats, NatsSettings};
use colmeia_cluster::ownership::times::TRY;
use tokio::time::Instant;

/// For what hangs; everything here takes seconds.
const LIMIT: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(50);

fn server() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/engine/.venv/bin/nats-server");
    assert!(path.is_file(), "{} is missing: scripts/setup test installs it", path.display());
    path
}

struct Node {
    name: String,
    config: PathBuf,
    child: Option<Child>,
}

impl Node {
    fn start(&mut self) {
        // It dies with the thread that began it: that of the test.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(server())
            .arg("--config")
            .arg(&self.config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.expect("setpriv starts"));
    }

    fn signal(&self, name: &str) {
        let process = self.child.as_ref().expect("it runs").id().to_string();
        let status = Command::new("kill").args([name, &process]).status().expect("kill starts");
        assert!(status.success(), "ours");
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("ours");
            child.wait().expect("ours");
        }
    }
}

/// The engine.
pub(crate) struct Engine {
    nodes: Vec<Node>,
    clients: Vec<SocketAddr>,
    _folder: tempfile::TempDir,
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.nodes.iter_mut().for_each(Node::kill);
    }
}

impl Engine {
    /// Starts three nodes that have each write on disk before they acknowledge it.
    pub(crate) fn start() -> Self {
        Self::start_with("always")
    }

    pub(crate) fn start_with(sync_interval: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listeners: Vec<TcpListener> =
            (0..6).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
        let all: Vec<SocketAddr> = listeners.iter().map(|one| one.local_addr().expect("bound")).collect();
        drop(listeners);
        let (clients, routes) = all.split_at(3);
        let peers: Vec<String> = routes.iter().map(|route| format!("nats://{route}")).collect();
        let node = |at: usize| {
            let (name, config) = (format!("n{at}"), folder.path().join(format!("n{at}.conf")));
            let store = folder.path().join(&name);
            let text = format!(
                "server_name: {name}\nlisten: \"{client}\"\n\
                 jetstream {{ store_dir: \"{store}\", max_memory_store: 64MB, max_file_store: 1GB, \
                 sync_interval: {sync_interval} }}\n\
                 cluster {{ name: test, listen: \"{route}\", routes: [{peers}] }}\n\
                 accounts {{ APP {{ jetstream: enabled, users: [{{ user: app, password: app }}] }}, \
                 SYS {{ users: [{{ user: sys, password: sys }}] }} }}\nsystem_account: SYS\n",
                client = clients[at],
                route = routes[at],
                store = store.display(),
                peers = peers.join(", "),
            );
            std::fs::write(&config, text).expect("written");
            Node { name, config, child: None }
        };
        let mut nodes: Vec<Node> = (0..3).map(node).collect();
        nodes.iter_mut().for_each(Node::start);
        Self { nodes, clients: clients.to_vec(), _folder: folder }
    }

    /// Those of somebody who knows one node only.
    pub(crate) fn settings_of(&self, cluster: &str, node: &str) -> NatsSettings {
        let at = self.nodes.iter().position(|one| one.name == node).expect("a node");
        let mut settings = self.settings(cluster);
        settings.servers = vec![settings.servers.swap_remove(at)];
        settings
    }

    pub(crate) fn settings(&self, cluster: &str) -> NatsSettings {
        NatsSettings {
            servers: self.clients.iter().map(|client| format!("nats://{client}")).collect(),
            cluster: cluster.parse().expect("a word"),
            user: Some(("app".into(), Secret::new("app"))),
            system: Some(("sys".into(), Secret::new("sys"))),
            patience: LIMIT / 2,
        }
    }

    /// A client of the engine beside the ground.
    pub(crate) async fn client(&self) -> async_nats::jetstream::Context {
        let servers = self.settings("any").servers;
        let options = async_nats::ConnectOptions::with_user_and_password("app".into(), "app".into());
        async_nats::jetstream::new(options.connect(servers).await.expect("connects"))
    }

    /// The ground, as soon as the nodes have found each other.
    pub(crate) async fn ground(&self, cluster: &str) -> Nats {
        // What is asked while they have not may never be answered.
        drop(self.impatient(cluster).await);
        Nats::open(&self.settings(cluster)).await.expect("they have")
    }

    /// The ground with as little patience as it has in the service, where nodes are killed.
    pub(crate) async fn impatient(&self, cluster: &str) -> Nats {
        self.judged(cluster).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The ground, or why it is not safe.
    pub(crate) async fn judged(&self, cluster: &str) -> Result<Nats, GroundError> {
        let (settings, begun) = (NatsSettings { patience: TRY, ..self.settings(cluster) }, Instant::now());
        loop {
            match Nats::open(&settings).await {
                Err(GroundError::Unreachable(error)) => assert!(begun.elapsed() < LIMIT, "{error:?}"),
                judged => return judged,
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Kills the node of this name.
    pub(crate) fn kill(&mut self, name: &str) {
        self.nodes.iter_mut().find(|node| node.name == name).expect("a node").kill();
    }

    /// Stops all nodes but this one, which lets no write be acknowledged.
    pub(crate) fn freeze_others(&self, name: &str) {
        self.nodes.iter().filter(|node| node.name != name).for_each(|node| node.signal("-STOP"));
    }

    pub(crate) fn thaw(&self) {
        self.nodes.iter().for_each(|node| node.signal("-CONT"));
    }

    pub(crate) fn kill_all(&mut self) {
        self.nodes.iter_mut().for_each(Node::kill);
    }

    pub(crate) fn start_again(&mut self) {
        self.nodes.iter_mut().filter(|node| node.child.is_none()).for_each(Node::start);
    }
}

/// Tries again until it is done, where a failure says nothing.
pub(crate) async fn until_done<T>(mut work: impl AsyncFnMut() -> Result<T, GroundError>) -> T {
    let begun = Instant::now();
    loop {
        match work().await {
            Ok(done) => return done,
            Err(GroundError::Unreachable(error)) => assert!(begun.elapsed() < LIMIT, "{error:?}"),
            Err(error) => panic!("{error}"),
        }
        tokio::time::sleep(LOOK).await;
    }
}
