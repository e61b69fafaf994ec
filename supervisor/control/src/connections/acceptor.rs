//! [`Acceptor`]: accepts connections one after the other, each with a place. The one accept loop of all listeners.
//!
//! Owns who was accepted and has no place yet. Never speaks with anybody.

use std::fmt::Display;
use std::hash::Hash;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use colmeia::errors::chain;
use colmeia_host::log_limit::LogLimit;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::time::sleep;
use tracing::warn;

use super::{NoPlace, Place, Places};

/// How long to wait when the system has no more sockets for us.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A socket that others connect to.
pub trait Listener {
    /// A connection, and where it comes from.
    type Caller: Send;

    /// The next one. Dropping the wait loses nobody.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Caller>> + Send;
}

impl Listener for TcpListener {
    type Caller = (TcpStream, SocketAddr);

    async fn accept(&self) -> io::Result<Self::Caller> {
        Self::accept(self).await
    }
}

impl Listener for UnixListener {
    type Caller = UnixStream;

    async fn accept(&self) -> io::Result<Self::Caller> {
        Ok(Self::accept(self).await?.0)
    }
}

/// Whose place a caller takes, and whether they have only a share of all.
type Who<L, K> = dyn Fn(&<L as Listener>::Caller) -> (K, bool) + Send + Sync;

/// See the module. `K` is whose places they are.
pub struct Acceptor<L: Listener, K> {
    listener: L,
    places: Places<K>,
    who: Box<Who<L, K>>,
    /// Accepted, and without a place so far.
    next: Option<L::Caller>,
    /// That places are taken away or refused.
    taken: LogLimit,
}

impl<L: Listener, K: Copy + Display + Eq + Hash> Acceptor<L, K> {
    /// One with so many places.
    pub fn new(
        listener: L,
        places: Places<K>,
        who: impl Fn(&L::Caller) -> (K, bool) + Send + Sync + 'static,
    ) -> Self {
        Self { listener, places, who: Box::new(who), next: None, taken: LogLimit::default() }
    }

    /// The next one. Dropping the wait loses nobody.
    pub async fn next(&mut self) -> (L::Caller, Place<K>) {
        loop {
            let Some(caller) = self.next.take() else {
                match self.listener.accept().await {
                    Ok(caller) => self.next = Some(caller),
                    Err(error) => {
                        warn!(error = chain(&error), "a connection could not be accepted");
                        sleep(ACCEPT_PAUSE).await;
                    }
                }
                continue;
            };
            let (who, shares) = (self.who)(&caller);
            match self.places.take(who, shares) {
                Ok((place, another_lost_it)) => {
                    if another_lost_it {
                        self.say(who);
                    }
                    return (caller, place);
                }
                Err(NoPlace::ForYou) => self.say(who),
                Err(NoPlace::Now) => {
                    self.say(who);
                    self.next = Some(caller);
                    self.places.freed().await;
                }
            }
        }
    }

    fn say(&self, from: K) {
        if let Some(times) = self.taken.happened() {
            warn!(%from, times, "places for connections are taken: who keeps us waiting gives theirs up");
        }
    }
}
