//! [`Shortage`]: whether the machine has descriptors, processes and memory for another start, and ports for connections.
//!
//! Owns the raising of our own limit, the one task that follows a shortage, and the rule of when it is over. Running out
//! is a state like a full disk: who wants to start waits in the queue, nothing that lives is taken for dead, and it is
//! said once. Never decides about a user.

use std::error::Error;
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use colmeia::errors::{Lack, lack_of};
use colmeia_base::tasks;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

/// The first and the longest time for which nobody starts after something was used up.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How long starts have to go well before it counts as over.
const CALM: Duration = Duration::from_secs(5);
/// What one start takes at once, and some more, so that starts do not take the last ones.
const AT_ONCE: usize = 32;

/// What is short now, if anything is; cheap to clone.
#[derive(Debug, Clone)]
pub struct Shortage {
    noticed: mpsc::UnboundedSender<Lack>,
    now: watch::Receiver<Option<Lack>>,
    /// For the tests' sake: a task that is not there would make nobody wait.
    _kept: Option<Arc<watch::Sender<Option<Lack>>>>,
}

/// Takes as many open files as we may have at all: each session takes a dozen, each caller one. Workers limit themselves.
pub fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        tracing::warn!(%error, limit = limit.current, "the limit of open files stays as low as it is");
    }
}

/// Why no socket can be had now, where it is for want of something of ours; for those who say only that there was none.
pub fn no_socket() -> Option<io::Error> {
    UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).err().filter(|error| lack_of(error).is_some())
}

impl Shortage {
    /// Follows it from now on, until the last handle is gone. `hold` is told when starts have to wait and when no longer,
    /// `count` what is short and when nothing is.
    pub fn follow(
        hold: impl Fn(bool) + Send + 'static,
        count: impl Fn(Option<Lack>) + Send + 'static,
    ) -> Self {
        let (noticed, mut news) = mpsc::unbounded_channel::<Lack>();
        let (told, now) = watch::channel(None);
        tasks::vital("shortage", async move {
            while let Some(mut lack) = news.recv().await {
                let (mut pause, mut said) = (PAUSES.0, Vec::new());
                loop {
                    if !said.contains(&lack) {
                        say(lack);
                        count(Some(lack));
                        said.push(lack);
                    }
                    if lack.stops_starts() {
                        told.send_replace(Some(lack));
                        hold(true);
                        loop {
                            sleep(pause).await;
                            pause = (pause * 2).min(PAUSES.1);
                            if enough() {
                                break;
                            }
                        }
                        // What was noticed while everybody waited is the same shortage.
                        while news.try_recv().is_ok() {}
                        told.send_replace(None);
                        hold(false);
                    }
                    match timeout(CALM, news.recv()).await {
                        Ok(Some(next)) => lack = next,
                        Ok(None) => return,
                        Err(_) => break,
                    }
                }
                count(None);
                tracing::warn!("the machine has enough again");
            }
        });
        Self { noticed, now, _kept: None }
    }

    /// There is none left of this.
    pub fn noticed(&self, lack: Lack) {
        let _ = self.noticed.send(lack); // the task lives as long as we do
    }

    /// Waits until there is no shortage, which may be at once; a moment at least.
    pub async fn over(&self) {
        let mut now = self.now.clone();
        sleep(PAUSES.0 / 10).await;
        let _ = now.wait_for(Option::is_none).await;
    }

    /// There is none left of this, and whoever says so can do nothing until there is.
    pub async fn wait_out(&self, lack: Lack) {
        self.noticed(lack);
        self.over().await;
    }

    /// What there is to see, as soon as the machine has something to look with.
    ///
    /// # Errors
    /// Those of the look that are no lack of ours.
    pub async fn outlast<T, E: Error + 'static>(&self, look: impl Fn() -> Result<T, E>) -> Result<T, E> {
        loop {
            match look() {
                Err(error) if let Some(lack) = lack_of(&error) => self.wait_out(lack).await,
                seen => return seen,
            }
        }
    }

    /// One in which there is always enough.
    #[cfg(any(test, feature = "testing"))]
    pub fn never() -> Self {
        let (told, now) = watch::channel(None);
        Self { noticed: mpsc::unbounded_channel().0, now, _kept: Some(Arc::new(told)) }
    }
}

/// Once in each shortage.
fn say(lack: Lack) {
    let lack_name = lack.name();
    if lack.stops_starts() {
        tracing::error!(
            lack = lack_name,
            "the machine has none left: starts and deliveries wait until there are some, and nothing is given up"
        );
    } else {
        tracing::error!(
            lack = lack_name,
            "the machine has none left: deliveries wait until there are some, and no receiver is held to be away"
        );
    }
}

/// Whether there are descriptors for a start.
fn enough() -> bool {
    let opened: Result<Vec<File>, _> = (0..AT_ONCE).map(|_| File::open("/dev/null")).collect();
    opened.is_ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_what_starts_need_holds_them_and_each_is_counted_as_what_it_is() {
        let held = Arc::new(Mutex::new(Vec::new()));
        let counted = Arc::new(Mutex::new(None));
        let (holding, counting) = (Arc::clone(&held), Arc::clone(&counted));
        let shortage = Shortage::follow(
            move |on| holding.lock().expect("no panic").push(on),
            move |lack| *counting.lock().expect("no panic") = lack,
        );
        let short = || *counted.lock().expect("no panic");
        shortage.noticed(Lack::Ports);
        tokio::task::yield_now().await;
        assert_eq!((short(), held.lock().expect("no panic").len()), (Some(Lack::Ports), 0));
        shortage.over().await;
        // What is noticed meanwhile counts as what it is.
        shortage.noticed(Lack::Descriptors);
        tokio::task::yield_now().await;
        assert_eq!(short(), Some(Lack::Descriptors));
        sleep(CALM + PAUSES.1).await;
        assert_eq!(*held.lock().expect("no panic"), [true, false]);
        assert_eq!(short(), None, "calm for long enough");
    }
}
