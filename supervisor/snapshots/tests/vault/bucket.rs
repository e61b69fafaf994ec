//! A real S3 server on loopback, with ports that are free and a folder of its own. It ends with [`Server`], also when the
//! test fails, and with the test's process, also when that is killed.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use colmeia::Secret;
use colmeia_snapshots::S3Access;

/// For what hangs; its start takes seconds.
const LIMIT: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(100);
pub(crate) const BUCKET: &str = "backups";

pub(crate) struct Server {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/bucket/.venv/bin/weed");
        assert!(program.is_file(), "{} is missing: scripts/setup test installs it", program.display());
        let folder = tempfile::tempdir().expect("folder");
        let config = folder.path().join("s3.json");
        // Whoever has no key makes the bucket, which is no business of ours.
        let identities = r#"{"identities": [
            {"name": "tests", "credentials": [{"accessKey": "id", "secretKey": "hush"}], "actions": ["Admin"]},
            {"name": "anonymous", "actions": ["Admin"]}]}"#;
        std::fs::write(&config, identities).expect("written");
        let names = ["master.port", "volume.port", "filer.port", "s3.port"];
        let names = names.iter().flat_map(|name| [(*name).to_owned(), format!("{name}.grpc")]);
        // All at once, so that none is given twice.
        let ports: Vec<(String, TcpListener)> =
            names.map(|name| (name, TcpListener::bind("127.0.0.1:0").expect("a free port"))).collect();
        let number = |listener: &TcpListener| listener.local_addr().expect("bound").port();
        let port =
            ports.iter().find(|(name, _)| name == "s3.port").map(|(_, free)| number(free)).expect("one");
        let shown: Vec<String> =
            ports.iter().map(|(name, free)| format!("-{name}={}", number(free))).collect();
        drop(ports);
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program)
            .args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-master.telemetry=false"])
            .args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.volumeSizeLimitMB=64", "-volume.max=8"])
            .args(shown)
            .arg(format!("-dir={}", folder.path().display()))
            .arg(format!("-s3.config={}", config.display()))
            .arg(format!("-filer.localSocket={}", folder.path().join("filer.sock").display()))
            .arg(format!("-s3.localSocket={}", folder.path().join("s3.sock").display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("setpriv starts");
        let server = Self { child, port, _folder: folder };
        server.make_bucket();
        server
    }

    fn make_bucket(&self) {
        let begun = Instant::now();
        while !self.put(BUCKET).is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            assert!(begun.elapsed() < LIMIT, "the S3 server does not come up");
            std::thread::sleep(LOOK);
        }
    }

    fn put(&self, name: &str) -> Option<String> {
        let mut stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.port))).ok()?;
        let request =
            format!("PUT /{name} HTTP/1.1\r\nHost: s3\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    pub(crate) fn access(&self) -> S3Access {
        S3Access {
            endpoint: Some(format!("http://127.0.0.1:{}", self.port)),
            region: None,
            key_id: Some(Secret::new("id")),
            key: Some(Secret::new("hush")),
            token: None,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
