//! [`Names`]: the machine's only name server, as far as this process and its children see it, which can go silent.
//!
//! Owns the server and what `resolv.conf` says, in the mount namespace that [`super::disk`] makes. It knows one domain, and
//! every name in it is this machine; nothing that is told may be kept. Never forwards anything.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket as Socket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nix::mount::{MsFlags, mount};
use tokio::net::UdpSocket;

/// The names that are known.
const DOMAIN: &str = ".chaos.test";
const SYSTEM: &str = "/etc/resolv.conf";
/// The fixed part of a message (RFC 1035, 4.1.1).
const HEAD: usize = 12;

/// The server.
#[derive(Debug)]
pub(crate) struct Names {
    away: AtomicBool,
    /// Questions that had no answer.
    unanswered: AtomicU64,
}

/// Its socket, before there is a runtime.
#[derive(Debug)]
pub(crate) struct Place(Socket);

impl Place {
    /// Takes a port of loopback and makes it the system's name server in this namespace. Takes root, and
    /// [`super::disk::own_mounts`] before.
    pub(crate) fn take(folder: &Path) -> io::Result<Self> {
        // Another address for each of us: only one may have port 53 of each.
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let address = Ipv4Addr::new(127, 83, high, low);
        let socket = Socket::bind(SocketAddr::from((address, 53)))?;
        socket.set_nonblocking(true)?;
        let file = folder.join("resolv.conf");
        std::fs::write(&file, format!("nameserver {address}\n"))?;
        mount(Some(&file), SYSTEM, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
        Ok(Self(socket))
    }
}

impl Names {
    /// The name of one user's receiver.
    pub(crate) fn of(user: usize) -> String {
        format!("receiver-{}{DOMAIN}", user + 1)
    }

    /// Answers from now on, until the runtime ends.
    pub(crate) fn serve(place: Place) -> io::Result<Arc<Self>> {
        let names = Arc::new(Self { away: AtomicBool::new(false), unanswered: AtomicU64::new(0) });
        let (socket, of) = (UdpSocket::from_std(place.0)?, Arc::clone(&names));
        tokio::spawn(async move {
            let mut bytes = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut bytes).await {
                if of.away.load(Ordering::SeqCst) {
                    of.unanswered.fetch_add(1, Ordering::SeqCst);
                } else if let Some(answer) = answer(&bytes[..length]) {
                    // Who asks and goes away at once is told nothing.
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Ok(names)
    }

    /// From now on it is silent, or no longer is.
    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// How many questions it has left without an answer.
    pub(crate) fn unanswered(&self) -> u64 {
        self.unanswered.load(Ordering::SeqCst)
    }
}

/// The answer to a question: this machine's address for every name of ours, none of the sixth version, and that other names
/// do not exist. Pure; `None` for what is no question.
fn answer(asked: &[u8]) -> Option<Vec<u8>> {
    let (mut at, mut name) = (HEAD, String::new());
    loop {
        let length = usize::from(*asked.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        name += str::from_utf8(asked.get(at..at + length)?).ok()?;
        name.push('.');
        at += length;
    }
    let kind = asked.get(at..at + 2)?;
    let question = asked.get(HEAD..at + 4)?;
    let known = name.trim_end_matches('.').to_ascii_lowercase().ends_with(DOMAIN);
    let told = known && kind == [0, 1];
    let mut answer = asked[..2].to_vec();
    // An answer of who knows, recursion wished and to be had; no such name.
    answer.extend([0x85, if known { 0x80 } else { 0x83 }]);
    answer.extend([0, 1, 0, u8::from(told), 0, 0, 0, 0]);
    answer.extend(question);
    if told {
        // The question's name, A, IN, to be kept for no second, four bytes.
        answer.extend([0xc0, HEAD as u8, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        answer.extend(Ipv4Addr::LOCALHOST.octets());
    }
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(name: &str, kind: u8) -> Vec<u8> {
        let mut asked = vec![7, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            asked.push(u8::try_from(label.len()).expect("short"));
            asked.extend(label.as_bytes());
        }
        asked.extend([0, 0, kind, 0, 1]);
        asked
    }

    #[test]
    fn every_name_of_ours_is_this_machine_and_no_other_name_is_anything() {
        let a = answer(&question(&Names::of(2), 1)).expect("an answer");
        assert_eq!((&a[..2], a[3] & 15, a[7]), (&[7, 9][..], 0, 1));
        assert!(a.ends_with(&[0, 0, 0, 0, 0, 4, 127, 0, 0, 1]));
        let aaaa = answer(&question(&Names::of(2), 28)).expect("an answer");
        assert_eq!((aaaa[3] & 15, aaaa[7]), (0, 0));
        let other = answer(&question("example.com", 1)).expect("an answer");
        assert_eq!((other[3] & 15, other[7]), (3, 0));
        assert_eq!(answer(&question("example.com", 1)[..20]), None);
    }
}
