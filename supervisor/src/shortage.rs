//! [`Shortage`]: whether the machine has descriptors, processes and memory for another start, and ports for connections.
//!
//! Owns the raising of our own limit, the one task that follows a shortage, and the rule of when it is over. Running out
//! is a state like a full disk: who wants to start waits in the queue, nothing that lives is taken for dead, and it is
//! said once. Never decides about a user.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use colmeia::errors::Lack;
use colmeia_base::tasks;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use crate::admission::Desk;
use crate::metrics::Metrics;

/// The first and the longest time for which nobody starts after something was used up.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How long starts have to go well before it counts as over.
const CALM: Duration = Duration::from_secs(5);
/// What one start takes at once, and some more, so that starts do not take the last ones.
const AT_ONCE: usize = 32;

/// What is short now, if anything is; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Shortage {
    noticed: mpsc::UnboundedSender<Lack>,
    now: watch::Receiver<Option<Lack>>,
    /// For the tests' sake: a task that is not there would make nobody wait.
    _kept: Option<Arc<watch::Sender<Option<Lack>>>>,
}

/// Takes as many open files as we may have at all: each session takes a dozen, each caller one. Workers limit themselves.
pub(crate) fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        tracing::warn!(%error, limit = limit.current, "the limit of open files stays as low as it is");
    }
}

impl Shortage {
    /// Follows it from now on, until the last handle is gone; nobody is let in at the desk meanwhile.
    pub(crate) fn follow(desk: Desk, metrics: Metrics) -> Self {
        Self::follow_with(desk, metrics, PAUSES, CALM)
    }

    fn follow_with(desk: Desk, metrics: Metrics, pauses: (Duration, Duration), calm: Duration) -> Self {
        let (noticed, mut news) = mpsc::unbounded_channel::<Lack>();
        let (told, now) = watch::channel(None);
        tasks::vital("shortage", async move {
            while let Some(mut lack) = news.recv().await {
                let (mut pause, mut said) = (pauses.0, Vec::new());
                loop {
                    if !said.contains(&lack) {
                        say(lack);
                        metrics.short_of(Some(lack));
                        said.push(lack);
                    }
                    if lack.stops_starts() {
                        told.send_replace(Some(lack));
                        desk.hold_for_means(true);
                        loop {
                            sleep(pause).await;
                            pause = (pause * 2).min(pauses.1);
                            if enough() {
                                break;
                            }
                        }
                        // What was noticed while everybody waited is the same shortage.
                        while news.try_recv().is_ok() {}
                        told.send_replace(None);
                        desk.hold_for_means(false);
                    }
                    match timeout(calm, news.recv()).await {
                        Ok(Some(next)) => lack = next,
                        Ok(None) => return,
                        Err(_) => break,
                    }
                }
                metrics.short_of(None);
                tracing::warn!("the machine has enough again");
            }
        });
        Self { noticed, now, _kept: None }
    }

    /// There is none left of this.
    pub(crate) fn noticed(&self, lack: Lack) {
        let _ = self.noticed.send(lack); // the task lives as long as we do
    }

    /// Waits until there is no shortage, which may be at once; a moment at least.
    pub(crate) async fn over(&self) {
        let mut now = self.now.clone();
        sleep(PAUSES.0 / 10).await;
        let _ = now.wait_for(Option::is_none).await;
    }

    /// One in which there is always enough.
    #[cfg(test)]
    pub(crate) fn never() -> Self {
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
    use super::*;
    use crate::admission::Standing;
    use crate::admission::{Admission, Verdict, Wait};

    #[tokio::test(start_paused = true)]
    async fn nobody_starts_until_it_is_over_and_everybody_keeps_their_turn() {
        let desk = Desk::open(Admission::new(10, 10));
        let shortage = Shortage::follow(desk.clone(), Metrics::default());
        shortage.noticed(Lack::Descriptors);
        tokio::task::yield_now().await;
        let (verdicts, mut told) = mpsc::unbounded_channel();
        let place = desk.enter(0, Standing::Known, verdicts);
        assert_eq!(told.recv().await, Some((place.ticket(), Verdict::Waiting { wait: Wait::Means })));
        assert_eq!(told.recv().await, Some((place.ticket(), Verdict::Admitted)));
        shortage.over().await;
    }

    #[tokio::test(start_paused = true)]
    async fn without_ports_sessions_start_all_the_same() {
        let (desk, metrics) = (Desk::open(Admission::new(10, 10)), Metrics::default());
        let shortage = Shortage::follow(desk.clone(), metrics.clone());
        shortage.noticed(Lack::Ports);
        tokio::task::yield_now().await;
        let short = || Lack::ALL.into_iter().filter(|of| metrics.is_short_of(*of)).collect::<Vec<_>>();
        assert_eq!(short(), [Lack::Ports]);
        let (verdicts, mut told) = mpsc::unbounded_channel();
        let place = desk.enter(0, Standing::Known, verdicts);
        assert_eq!(told.recv().await, Some((place.ticket(), Verdict::Admitted)));
        shortage.over().await;
        // What is noticed meanwhile counts as what it is.
        shortage.noticed(Lack::Descriptors);
        tokio::task::yield_now().await;
        assert_eq!(short(), [Lack::Descriptors]);
        sleep(CALM + PAUSES.1).await;
        assert!(short().is_empty(), "calm for long enough");
    }
}
