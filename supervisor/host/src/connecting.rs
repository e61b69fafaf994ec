//! Why no connection could be made: whether it was for want of something of our own, of which nobody at the other end
//! knows. Owns no connection and no decision.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use colmeia::errors::{Lack, lack_of, os_codes};
use reqwest::Url;
use rustix::io::Errno;

use crate::dns::Resolver;

/// What we have none left of, if that is why there is no connection to this address.
pub fn lack<'a>(
    error: &(dyn Error + 'static),
    url: &'a Url,
    names: &'a Resolver,
) -> impl Future<Output = Option<Lack>> + Send + use<'a> {
    let lack = lack_of(error);
    let without_address = os_codes(error).any(|code| code == Errno::ADDRNOTAVAIL.raw_os_error());
    async move { if without_address && lack.is_none() { ports(url, names).await } else { lack } }
}

/// Ports, unless no address of ours leads there, such as to IPv6 where there is none: the same is said of that.
async fn ports(url: &Url, names: &Resolver) -> Option<Lack> {
    let (host, port) = (url.host_str()?, url.port_or_known_default().filter(|port| *port != 0)?);
    match names.find(host).await {
        Ok(found) => {
            let ways: Result<(), _> = found.iter().try_for_each(|address| way((*address, port).into()));
            ways.map_or_else(|error| unseen(&error), |()| Some(Lack::Ports))
        }
        Err(error) => lack_of(&error),
    }
}

/// Finds the address of ours that leads there. Sends nothing.
fn way(to: SocketAddr) -> io::Result<()> {
    let from: SocketAddr =
        if to.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    UdpSocket::bind(from)?.connect(to)
}

/// What it was for want of that no way was found; nothing where there is none.
fn unseen(error: &io::Error) -> Option<Lack> {
    match error.kind() {
        io::ErrorKind::AddrInUse => Some(Lack::Ports),
        _ => lack_of(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lacking(errno: Errno, url: &str) -> Option<Lack> {
        let error = io::Error::other(io::Error::from(errno));
        lack(&error, &Url::parse(url).expect("an address"), &Resolver::of_system().expect("names")).await
    }

    #[tokio::test]
    async fn what_is_ours_is_told_from_what_is_the_receivers() {
        let here = "http://127.0.0.1:5002/webhook";
        for (errno, expected) in [
            (Errno::MFILE, Some(Lack::Descriptors)),
            (Errno::NFILE, Some(Lack::Descriptors)),
            (Errno::NOBUFS, Some(Lack::Memory)),
            (Errno::NOMEM, Some(Lack::Memory)),
            (Errno::ADDRNOTAVAIL, Some(Lack::Ports)),
            (Errno::CONNREFUSED, None),
            (Errno::HOSTUNREACH, None),
            (Errno::NETUNREACH, None),
            (Errno::TIMEDOUT, None),
        ] {
            assert_eq!(lacking(errno, here).await, expected, "{errno:?}");
        }
        // Without an interface no address of ours leads there, so it is not the ports that are missing.
        assert_eq!(lacking(Errno::ADDRNOTAVAIL, "http://[fe80::1]:80/").await, None);
        assert_eq!(lacking(Errno::ADDRNOTAVAIL, "http://127.0.0.1:0/").await, None, "no port can be the one");
    }

    #[test]
    fn want_of_a_socket_to_look_with_is_no_want_of_a_way() {
        for (errno, expected) in [
            (Errno::MFILE, Some(Lack::Descriptors)),
            (Errno::ADDRINUSE, Some(Lack::Ports)),
            (Errno::ADDRNOTAVAIL, None),
            (Errno::NETUNREACH, None),
        ] {
            assert_eq!(unseen(&errno.into()), expected, "{errno:?}");
        }
    }
}
