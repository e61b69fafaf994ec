//! The admin socket: who may connect, and the connections.
//!
//! Owns the socket's file. Who may connect is decided by the file's mode and group. A browser that was taken over
//! runs as the same system user as we do, and so whoever is that user is looked at: what descends from a worker or
//! from us is turned away, and so is a process that is gone or that hides.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use colmeia_base::files::if_there;
use colmeia_base::tasks;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use hyper::Request;
use hyper_util::service::TowerToHyperService;
use nix::unistd::{Gid, Group, chown};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::App;
use colmeia_control::connections::{Acceptor, Places, WatchedBody, converse};
use colmeia_control::operators::Machine;
use colmeia_host::blocking;

/// The group whose members are operators.
const GROUP: &str = "colmeia";
/// The most connections at once. Who keeps us waiting gives a place up when it is needed.
const CONNECTIONS: usize = 64;
/// How long an operator may take nothing of an answer: `colmeiactl logs` into a pager reads as it is scrolled.
const UNREAD: Duration = Duration::from_secs(600);
/// How long answers under way may take at the end.
const FAREWELL: Duration = Duration::from_secs(5);

/// Who calls, as the kernel says it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer {
    pub(super) uid: u32,
    /// 0 where the kernel does not say.
    pub(super) pid: u32,
}

/// Why operators cannot be served.
#[derive(Debug, thiserror::Error)]
pub(super) enum SocketError {
    /// The socket cannot be made.
    #[error("cannot serve {}", path.display())]
    Bind {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Serves until the token is cancelled.
pub(super) async fn serve(app: &App, router: Router, end: CancellationToken) -> Result<(), SocketError> {
    let path = app.host.run.admin_socket();
    let fail = |source| SocketError::Bind { path: path.clone(), source };
    let listener = bind(&path).map_err(fail)?;
    open_to_operators(app.host.run.root(), &path, app.host.uids.in_force().mode()).map_err(fail)?;
    tracing::info!(socket = %path.display(), "operators are served");
    let registry = app.registry.clone();
    let admit = move |stream| {
        let workers = registry.list().iter().filter_map(|handle| handle.view().pid).collect();
        not_a_worker(stream, workers).boxed()
    };
    accept_all(listener, &admit, &router, &end).await;
    let _ = std::fs::remove_file(&path);
    Ok(())
}

/// Who is let in.
type Admit = dyn Fn(UnixStream) -> BoxFuture<'static, Option<(UnixStream, Peer)>> + Send + Sync;

async fn accept_all(listener: UnixListener, admit: &Admit, router: &Router, end: &CancellationToken) {
    // Whoever it is: a worker that calls again and again gives its own places up first.
    let uid = |stream: &UnixStream| stream.peer_cred().map_or(u32::MAX, |credentials| credentials.uid());
    let places = Places::new(CONNECTIONS, CONNECTIONS);
    let mut acceptor = Acceptor::new(listener, places, move |stream| (uid(stream), false));
    let connections = TaskTracker::new();
    loop {
        let (stream, place) = tokio::select! {
            next = acceptor.next() => next,
            () = end.cancelled() => break,
        };
        let (admitted, router, end) = (admit(stream), router.clone(), end.clone());
        connections.spawn(tasks::watched("operator", async move {
            let served = async {
                if let Some((stream, peer)) = admitted.await {
                    let received = |request: &mut Request<WatchedBody>| {
                        request.extensions_mut().insert(peer);
                    };
                    converse(stream, &place, UNREAD, received, TowerToHyperService::new(router), end).await;
                }
            };
            tokio::select! {
                () = served => {}
                () = place.end.cancelled() => {}
            }
        }));
    }
    connections.close();
    let _ = tokio::time::timeout(FAREWELL, connections.wait()).await;
}

/// The runtime directory is ours alone until here, so nobody connects before the mode is right.
fn bind(path: &Path) -> io::Result<UnixListener> {
    if_there(std::fs::remove_file(path))?;
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

/// Lets the group through to the socket, if there is one. What else lies in the runtime directory has modes of
/// its own, and its names cannot be listed.
fn open_to_operators(root: &Path, socket: &Path, mode: u32) -> io::Result<()> {
    let Some(group) = Group::from_name(GROUP).map_err(io::Error::from)? else { return Ok(()) };
    let gid = Some(Gid::from_raw(group.gid.as_raw()));
    if let Err(error) = chown(socket, None, gid).and_then(|()| chown(root, None, gid)) {
        tracing::warn!(group = GROUP, %error, "the admin socket stays closed to the group: we are not in it");
        return Ok(());
    }
    std::fs::set_permissions(root, std::fs::Permissions::from_mode(mode | 0o010))
}

/// Who calls, unless it is, or could be, one of our own workers or something below one. What a dead worker leaves
/// behind becomes our child.
async fn not_a_worker(stream: UnixStream, workers: Vec<u32>) -> Option<(UnixStream, Peer)> {
    let credentials = stream.peer_cred().ok()?;
    let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default();
    let peer = Peer { uid: credentials.uid(), pid };
    let same_user = peer.uid == rustix::process::geteuid().as_raw();
    let suspect = move || {
        let Ok(machine) = Machine::look() else { return true };
        let ours = |above: u32| above == std::process::id() || workers.contains(&above);
        // Without a number it comes from outside of our namespace, where no worker is.
        machine.descends(pid, ours) || same_user && pid != 0 && !machine.shows(pid)
    };
    if blocking::looking(suspect).await.unwrap_or(true) {
        tracing::error!(
            uid = peer.uid,
            pid,
            "a worker's process, or one that cannot be told from one just now, called the admin socket; it is turned away"
        );
        return None;
    }
    Some((stream, peer))
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn idle_operators_delay_nobody() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("admin.sock");
        let listener = bind(&path).expect("bound");
        let end = CancellationToken::new();
        let serving = tokio::spawn({
            let end = end.clone();
            async move {
                let router = Router::new().route("/", get(async || "here"));
                let all = |stream| async { Some((stream, Peer { uid: 0, pid: 0 })) }.boxed();
                accept_all(listener, &all, &router, &end).await;
            }
        });
        let mut idle = Vec::new();
        for begun in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"] {
            for _ in 0..80 {
                let mut stream = UnixStream::connect(&path).await.expect("connected");
                stream.write_all(begun.as_bytes()).await.expect("written");
                idle.push(stream);
            }
            let mut stream = UnixStream::connect(&path).await.expect("connected");
            stream
                .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                .await
                .expect("written");
            let mut answer = String::new();
            let read = tokio::time::timeout(
                colmeia_control::connections::HEAD_TIMEOUT / 3,
                stream.read_to_string(&mut answer),
            );
            read.await.expect("nobody is waited for").expect("a clean end");
            assert!(answer.ends_with("here"), "{answer}");
        }
        end.cancel();
        serving.await.expect("no panic");
    }
}
