//! [`Resolver`]: the addresses of names, asked for without a thread that waits: the few that the runtime has for calls that
//! block are for what every session needs, and a name server that is away would keep them all.
//!
//! Owns `/etc/hosts` and `/etc/resolv.conf` as they were last read, and the resolver that asks the servers named there.
//! Names of `/etc/hosts` come first, as the system's own order has it; `localhost` is this machine; everything else is
//! asked of the servers. What else nsswitch.conf(5) may name (mDNS, NIS) is not asked. Never decides whether an address may be
//! used.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use colmeia::errors::{chain, lack_of};
use colmeia_base::tasks;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{TokioResolver, system_conf};
use hyper_util::client::legacy::connect::dns::Name;
use parking_lot::Mutex;
use tokio::time::Instant;
use tower_service::Service;

use crate::shortage::no_socket;

const HOSTS: &str = "/etc/hosts";
const SERVERS: &str = "/etc/resolv.conf";
/// How soon a change of the two files is noticed.
const FRESH: Duration = Duration::from_secs(10);

/// Finds addresses; cheap to clone.
#[derive(Debug, Clone)]
pub struct Resolver(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    read: Mutex<Read>,
    /// Whether the files are just being read again.
    reading: AtomicBool,
    /// Whether they are read again at all.
    follows: bool,
}

/// What was read.
#[derive(Clone)]
struct Read {
    at: Instant,
    changed: [Option<SystemTime>; 2],
    hosts: Arc<HashMap<String, Vec<IpAddr>>>,
    resolver: Arc<TokioResolver>,
}

impl std::fmt::Debug for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Read({} hosts)", self.hosts.len())
    }
}

impl Resolver {
    /// As this system has it.
    ///
    /// # Errors
    /// When no resolver can be made. Files that are not there are no error.
    pub fn of_system() -> io::Result<Self> {
        Ok(Self::with(Read::of_system()?, true))
    }

    fn with(read: Read, follows: bool) -> Self {
        Self(Arc::new(Inner { read: Mutex::new(read), reading: AtomicBool::new(false), follows }))
    }

    /// Asks a server that never answers; how many questions it has had is in its queue.
    #[cfg(any(test, feature = "testing"))]
    pub async fn silent() -> (Self, tokio::net::UdpSocket) {
        let server = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("bound");
        let mut to = hickory_resolver::config::ConnectionConfig::udp();
        to.port = server.local_addr().expect("bound").port();
        let server_config = NameServerConfig::new(Ipv4Addr::LOCALHOST.into(), true, vec![to]);
        let config = ResolverConfig::from_name_servers(vec![server_config]);
        let resolver = resolver(config, ResolverOpts::default()).expect("a resolver");
        let read = Read {
            at: Instant::now(),
            changed: [None; 2],
            hosts: Arc::default(),
            resolver: Arc::new(resolver),
        };
        (Self::with(read, false), server)
    }

    /// The addresses of a name, at least one. A number is its own address.
    ///
    /// # Errors
    /// When there are none, or nobody says so in time.
    pub async fn find(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let plain = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        if let Ok(number) = plain.trim_matches(['[', ']']).parse() {
            return Ok(vec![number]);
        }
        let read = self.current();
        if let Some(found) = read.hosts.get(&plain) {
            return Ok(found.clone());
        }
        // RFC 6761, 6.3: these lead nowhere else, whatever a server says.
        if plain == "localhost" || plain.ends_with(".localhost") {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        let found = read.resolver.lookup_ip(name).await.map_err(unresolved)?;
        let found: Vec<IpAddr> = found.iter().collect();
        if found.is_empty() { Err(io::Error::other("the name has no address")) } else { Ok(found) }
    }

    /// What is known now. The files are read again beside, by one call at a time.
    fn current(&self) -> Read {
        let read = self.0.read.lock().clone();
        let due = self.0.follows && read.at.elapsed() >= FRESH;
        if due && !self.0.reading.swap(true, Ordering::AcqRel) {
            let (names, known) = (self.clone(), read.clone());
            drop(tasks::blocking("names", move || {
                let read = known.again();
                *names.0.read.lock() = read;
                names.0.reading.store(false, Ordering::Release);
            }));
        }
        read
    }
}

impl Read {
    fn of_system() -> io::Result<Self> {
        let changed = changed();
        let (config, options) = servers(&read(SERVERS)?);
        Ok(Self {
            at: Instant::now(),
            changed,
            hosts: Arc::new(hosts(&String::from_utf8_lossy(&read(HOSTS)?))),
            resolver: Arc::new(resolver(config, options)?),
        })
    }

    /// As the files are now; what was known where they are as before, or cannot be used.
    fn again(self) -> Self {
        if self.changed == changed() {
            return Self { at: Instant::now(), ..self };
        }
        Self::of_system().unwrap_or_else(|error| {
            tracing::warn!(
                error = chain(&error),
                "the name servers' addresses cannot be used; the earlier ones are"
            );
            Self { at: Instant::now(), ..self }
        })
    }
}

/// A file that is not there, or not for us, says nothing. One that we had nothing left to read with is not known.
fn read(path: &str) -> io::Result<Vec<u8>> {
    std::fs::read(path).or_else(|error| if lack_of(&error).is_some() { Err(error) } else { Ok(Vec::new()) })
}

/// The resolver says only that it has no connection, also where there was nothing to make a socket with. So whether there is
/// is tried, for what we lack has to be known ([`lack_of`]).
fn unresolved(error: NetError) -> io::Error {
    let by_sockets = matches!(error, NetError::NoConnections | NetError::Timeout | NetError::Io(_));
    by_sockets.then(no_socket).flatten().unwrap_or_else(|| io::Error::other(error))
}

fn changed() -> [Option<SystemTime>; 2] {
    [HOSTS, SERVERS].map(|path| Path::new(path).metadata().and_then(|file| file.modified()).ok())
}

fn resolver(config: ResolverConfig, options: ResolverOpts) -> io::Result<TokioResolver> {
    let mut builder =
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).with_options(options);
    builder.options_mut().use_hosts_file = ResolveHosts::Never;
    builder.build().map_err(io::Error::other)
}

/// The servers and the rules of resolv.conf(5). Without any it is the one on this machine.
fn servers(text: &[u8]) -> (ResolverConfig, ResolverOpts) {
    system_conf::parse_resolv_conf(text).unwrap_or_else(|_| {
        let here = NameServerConfig::udp_and_tcp(Ipv4Addr::LOCALHOST.into());
        (ResolverConfig::from_name_servers(vec![here]), ResolverOpts::default())
    })
}

/// The names of hosts(5), in small letters.
fn hosts(text: &str) -> HashMap<String, Vec<IpAddr>> {
    let mut all: HashMap<String, Vec<IpAddr>> = HashMap::new();
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(Ok(address)) = words.next().map(str::parse::<IpAddr>) else { continue };
        for name in words {
            let known = all.entry(name.to_ascii_lowercase()).or_default();
            if !known.contains(&address) {
                known.push(address);
            }
        }
    }
    all
}

/// As hyper's clients ask.
impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let names = self.clone();
        Box::pin(async move {
            let found = names.find(name.as_str()).await?;
            let found: Vec<_> = found.into_iter().map(|address| SocketAddr::new(address, 0)).collect();
            Ok(found.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_the_system_reads_them() {
        let text = "127.0.0.1 localhost\n::1\tlocalhost ip6-localhost # us\n#1.2.3.4 commented\nnothing here\n\
                    192.0.2.7 Flask flask.internal\n192.0.2.7 flask\n";
        let hosts = hosts(text);
        let addresses =
            |name: &str| hosts.get(name).map(|all| all.iter().map(IpAddr::to_string).collect::<Vec<_>>());
        assert_eq!(addresses("localhost"), Some(vec!["127.0.0.1".into(), "::1".into()]));
        assert_eq!(addresses("flask"), Some(vec!["192.0.2.7".into()]));
        assert_eq!(addresses("flask.internal"), Some(vec!["192.0.2.7".into()]));
        assert_eq!((addresses("commented"), addresses("here")), (None, None));
    }

    #[test]
    fn a_file_that_is_not_there_says_nothing_and_a_server_that_is_away_is_no_lack_of_ours() {
        assert!(read("/etc/no-such-file").is_ok_and(|text| text.is_empty()));
        for error in [NetError::NoConnections, NetError::Timeout] {
            assert_eq!(lack_of(&unresolved(error)), None);
        }
    }

    #[test]
    fn without_a_server_this_machine_is_asked() {
        for text in ["", "search example.com\n", "nameserver nobody\n"] {
            let (config, _) = servers(text.as_bytes());
            let all: Vec<_> = config.name_servers().iter().map(|server| server.ip.to_string()).collect();
            assert_eq!(all, ["127.0.0.1"], "{text}");
        }
        let (config, options) =
            servers(b"nameserver 192.0.2.53\nsearch a.example b.example\noptions ndots:2 timeout:1\n");
        assert_eq!((config.name_servers().len(), config.search().len()), (1, 2));
        assert_eq!((options.ndots, options.timeout), (2, Duration::from_secs(1)));
    }

    #[tokio::test]
    async fn what_needs_no_server_asks_none() {
        let (names, server) = Resolver::silent().await;
        for (name, first) in [
            ("localhost", "127.0.0.1"),
            ("LocalHost.", "127.0.0.1"),
            ("a.localhost", "127.0.0.1"),
            ("192.0.2.1", "192.0.2.1"),
            ("[2001:db8::1]", "2001:db8::1"),
        ] {
            let found = names.find(name).await.expect(name);
            assert_eq!(found[0].to_string(), first, "{name}");
        }
        assert!(server.try_recv(&mut [0; 512]).is_err(), "nobody asked");
        let here = Resolver::of_system().expect("names").find("localhost").await.expect("known");
        assert!(here.iter().all(IpAddr::is_loopback), "{here:?}");
    }

    #[test]
    fn a_server_that_never_answers_takes_no_thread_from_anybody() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let (names, server) = Resolver::silent().await;
            let asking: Vec<_> = (0..100)
                .map(|n| {
                    let names = names.clone();
                    tokio::spawn(async move { names.find(&format!("webhook{n}.example")).await })
                })
                .collect();
            server.readable().await.expect("asked");
            // The only thread there is for calls that block is free.
            assert_eq!(tokio::task::spawn_blocking(|| 7).await.expect("run"), 7);
            assert!(asking.iter().all(|asking| !asking.is_finished()), "nobody has an answer");
            asking.iter().for_each(tokio::task::JoinHandle::abort);
        });
    }
}
