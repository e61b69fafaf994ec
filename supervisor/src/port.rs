//! The port on which HTTP is served: passed on by an earlier image of the program, opened by systemd, or opened here.
//!
//! Owns the choice, and the rule that a port beyond loopback is served only if the configuration says who may call,
//! whoever opened it.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use colmeia::config::{InvalidConfig, ServiceConfig};
use nix::libc;
use rustix::net::sockopt::socket_acceptconn;
use tokio::net::TcpListener;

use crate::upgrade::{ACTIVATED, Inherited};

/// The name under which a port that we opened ourselves is passed on.
const HTTP: &str = "http";
/// How many callers may wait to be accepted; they wait there during an upgrade. The system may allow fewer.
const BACKLOG: i32 = 4096;

/// An open port.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) listener: TcpListener,
    /// The same socket once more: as long as this lives callers are not refused.
    pub(crate) kept: OwnedFd,
    /// Under which name it is passed on.
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    /// The configuration with the address that is really served.
    pub(crate) config: Arc<ServiceConfig>,
}

/// Why there is no port.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    /// The system refuses.
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    /// What systemd opened cannot be served.
    #[error("what systemd opened is no listening TCP socket")]
    NoListener(#[source] io::Error),
    /// What systemd opened must not be served.
    #[error("the port that systemd opened cannot be served")]
    Invalid(#[source] InvalidConfig),
}

/// Opens it. To be called within the runtime.
///
/// # Errors
/// [`ListenError`].
pub(crate) fn open(mut config: Arc<ServiceConfig>, inherited: &mut Inherited) -> Result<Port, ListenError> {
    let failed = |address| move |source| ListenError::Listen { address, source };
    let wanted = config.listen;
    let (listener, name) = if let Some(activated) = inherited.claim(ACTIVATED) {
        (listening(activated).map_err(ListenError::NoListener)?, ACTIVATED)
    } else {
        let earlier = inherited.claim(HTTP).and_then(|earlier| listening(earlier).ok());
        let fits = |earlier: &StdListener| earlier.local_addr().is_ok_and(|address| same(address, wanted));
        match earlier.filter(fits) {
            Some(earlier) => (earlier, HTTP),
            None => (bind_any(wanted).map_err(failed(wanted))?, HTTP),
        }
    };
    let address = listener.local_addr().map_err(failed(wanted))?;
    if address != wanted {
        config = Arc::new(ServiceConfig { listen: address, ..ServiceConfig::clone(&config) });
    }
    if name == ACTIVATED {
        config.validate().map_err(ListenError::Invalid)?;
    }
    listener.set_nonblocking(true).map_err(failed(address))?;
    let kept = listener.try_clone().map_err(failed(address))?.into();
    let listener = TcpListener::from_std(listener).map_err(failed(address))?;
    Ok(Port { listener, kept, name, address, config })
}

/// `[::]` means every address; a machine whose kernel knows no IPv6 has those of IPv4.
fn bind_any(address: SocketAddr) -> io::Result<StdListener> {
    match bind(address) {
        Err(error) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) && is_any_v6(address) => {
            tracing::info!("this machine has no IPv6; every address of IPv4 is served");
            bind(every_v4(address))
        }
        bound => bound,
    }
}

fn is_any_v6(address: SocketAddr) -> bool {
    address.ip() == Ipv6Addr::UNSPECIFIED
}

fn every_v4(address: SocketAddr) -> SocketAddr {
    (Ipv4Addr::UNSPECIFIED, address.port()).into()
}

fn bind(address: SocketAddr) -> io::Result<StdListener> {
    let listener = StdListener::bind(address)?;
    // Again, with a longer queue.
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

fn listening(descriptor: OwnedFd) -> io::Result<StdListener> {
    if !socket_acceptconn(&descriptor)? {
        return Err(io::Error::other("it does not listen"));
    }
    let listener = StdListener::from(descriptor);
    listener.local_addr()?;
    Ok(listener)
}

/// Whether the configuration still asks for this address. Port 0 asks for any, and so does `[::]` where there is no IPv6.
fn same(address: SocketAddr, wanted: SocketAddr) -> bool {
    address == wanted
        || (is_any_v6(wanted) && address == every_v4(wanted))
        || (wanted.port() == 0 && address.ip() == wanted.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_kept_as_long_as_the_configuration_asks_for_it() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("address");
        assert!(same(address("127.0.0.1:5001"), address("127.0.0.1:5001")));
        assert!(same(address("127.0.0.1:40000"), address("127.0.0.1:0")));
        assert!(!same(address("127.0.0.1:5001"), address("127.0.0.1:5002")));
        assert!(!same(address("127.0.0.1:5001"), address("0.0.0.0:0")));
        assert!(same(address("0.0.0.0:5001"), address("[::]:5001")));
        assert!(!same(address("0.0.0.0:5001"), address("[::]:5002")));
        assert!(!same(address("[::]:5001"), address("0.0.0.0:5001")));
    }

    #[test]
    fn what_does_not_listen_is_refused() {
        let file = std::fs::File::open("/dev/null").expect("open");
        assert!(listening(file.into()).is_err());
        assert!(listening(bind(address()).expect("bound").into()).is_ok());
        fn address() -> SocketAddr {
            "127.0.0.1:0".parse().expect("address")
        }
    }
}
