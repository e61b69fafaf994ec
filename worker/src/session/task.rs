//! The session's task: the thin layer of effects around [`super::machine`].
//!
//! Owns the engine and the machine's state. It turns what the page, the probes, the clock and the commands say
//! into the machine's events, and the machine's actions into calls of the engine. It decides nothing itself. What
//! the page is asked, and when, is in `asking`.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use colmeia::config::Deadlines;
use colmeia::moment::now_ms;
use colmeia::protocol;
use colmeia::session::{HealthLevel, LaunchCause, Probes};
use colmeia::{ExitReason, SessionReport, SessionState};
use colmeia_base::awake::Awake;
use nix::libc;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::task::TaskTracker;

use super::machine::{Action, Event, State, step};
use super::{Command, SessionHandle};
use crate::engine::{Engine, Launcher, Nudge, OpenError, PageEvent, PagePhase, PageView, ProbeError};
use crate::profile::ProfileHandle;
use crate::spool::{Hearing, OutboxHandle};
use colmeia::errors::chain;

mod asking;

/// How long calls in flight may take to finish when the session ends.
const FINISH_CALLS: Duration = Duration::from_secs(3);
/// Commands that wait while the task is busy; more of them wait at their senders.
const COMMANDS: usize = 64;
/// What is wrong with a profile when the machine says so.
const VANISHED: &str = "the registration is gone, and the page does not say that the link was ended";

type Opening<E> = Pin<Box<dyn Future<Output = Result<E, OpenError>> + Send>>;

/// What the session's own helpers report.
enum Helper {
    /// `whole` when we were awake all the while.
    Probed {
        took: Duration,
        whole: bool,
        result: Result<Box<PageView>, (HealthLevel, ProbeError)>,
    },
    Nudged(Nudge, Result<(), ProbeError>),
}

/// The task.
pub(crate) struct SessionTask<L: Launcher> {
    launcher: Arc<L>,
    limits: Deadlines,
    outbox: OutboxHandle,
    profile: ProfileHandle,
    commands: mpsc::Receiver<Command>,
    report: watch::Sender<SessionReport>,
    /// Of the time in which we were awake: the page is not silent while we do not listen.
    clock: Awake,
    state: State,
    engine: Option<Arc<L::Engine>>,
    helpers: (mpsc::UnboundedSender<Helper>, mpsc::UnboundedReceiver<Helper>),
    calls: TaskTracker,
    probing: bool,
    next_probe: Instant,
    /// When the state last changed, or something was asked for.
    stirred: Instant,
    reloading: bool,
    /// The page has shown more than that it is loading.
    shown: bool,
    /// What is wrong with the profile, where the launch has shown it.
    damage: Option<String>,
    /// When the page is asked to give back what coming up took.
    settles: Option<Instant>,
}

impl<L: Launcher> SessionTask<L> {
    /// The task and the handle to it.
    pub(crate) fn new(
        launcher: L,
        limits: Deadlines,
        outbox: OutboxHandle,
        profile: ProfileHandle,
    ) -> (Self, SessionHandle) {
        let (sender, commands) = mpsc::channel(COMMANDS);
        let (report, followed) = watch::channel(SessionReport::of(SessionState::Launching));
        let task = Self {
            launcher: Arc::new(launcher),
            limits,
            outbox,
            state: State::new(0, &limits, profile.expects_link()),
            profile,
            commands,
            report,
            clock: Awake::begin(),
            next_probe: Instant::now(),
            stirred: Instant::now(),
            engine: None,
            helpers: mpsc::unbounded_channel(),
            calls: TaskTracker::new(),
            probing: false,
            reloading: false,
            shown: false,
            damage: None,
            settles: None,
        };
        (task, SessionHandle { commands: sender, report: followed })
    }

    /// Runs the session until it ends, and says why it did. No process of the browser is left then.
    pub(crate) async fn run(mut self) -> ExitReason {
        let (events, mut page) = mpsc::unbounded_channel();
        let launcher = Arc::clone(&self.launcher);
        let mut opening: Option<Opening<L::Engine>> =
            Some(Box::pin(async move { launcher.open(events).await }));

        let mut reason = loop {
            let deadline = self.deadline();
            let exit = tokio::select! {
                // Page events first: a probe's view must not overtake the events before it.
                biased;
                Some(event) = page.recv() => self.on_page(event),
                Some(helper) = self.helpers.1.recv() => self.on_helper(helper),
                opened = opened(&mut opening) => {
                    opening = None;
                    self.on_opened(opened)
                }
                Some(command) = self.commands.recv() => self.on_command(command),
                () = sleep_until(self.next_probe) => { self.probe(); None }
                () = sleep_until(deadline) => self.apply(Event::Tick),
                () = reached(self.settles) => { self.settle(); None }
            };
            if let Some(reason) = exit {
                break reason;
            }
        };
        // An opening that is cut short leaves no browser behind.
        drop(opening);
        let flushed = self.end(&mut page).await;
        if self.is_early_crash(&reason)
            && self.profile.crashed().await
            && self.launcher.lives_with_an_empty_profile().await
        {
            self.damage = Some(format!("{}, and the browser lives with an empty profile", reason.label()));
            reason = ExitReason::ProfileCorrupt;
            let state = SessionState::Failed { reason: reason.clone() };
            self.report.send_modify(|report| report.state = state);
        }
        let corrupt = reason == ExitReason::ProfileCorrupt;
        let damage = corrupt.then(|| self.damage.take().unwrap_or_else(|| VANISHED.to_owned()));
        self.profile.ended(damage, flushed).await;
        reason
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn deadline(&self) -> Instant {
        let ms = self.state.deadline.unwrap_or_else(|| self.now() + self.limits.launch_ms);
        self.clock.at(Duration::from_millis(ms))
    }

    /// Lets the machine decide, publishes what it says, and does what it wants.
    fn apply(&mut self, event: Event) -> Option<ExitReason> {
        let before = self.state.public.name();
        let now = self.now();
        let (state, actions) = step(self.state.clone(), event, now, &self.limits);
        self.state = state;
        let after = self.state.public.name();
        if before != after {
            tracing::info!(from = before, to = after, "session state");
            self.stir();
            self.settles = in_ms(self.limits.settle_ms).filter(|_| self.state.public.is_ready());
        }
        let public = &self.state.public;
        let (known, unsaved) = (self.profile.known(), self.outbox.unsaved());
        let changed = self.report.send_if_modified(|report| {
            (report.snapshot_ms, report.recovery) = (known.snapshot_ms, known.recovery.map(Box::new));
            report.unsaved = unsaved;
            let changed = report.state != *public;
            if changed {
                report.state = public.clone();
            }
            changed
        });
        if changed {
            self.profile.session_is(public);
        }
        let mut exit = None;
        for action in actions {
            match action {
                Action::Nudge(nudge) => self.nudge(nudge),
                Action::Exit(reason) => exit = Some(reason),
            }
        }
        exit
    }

    fn on_opened(&mut self, opened: Result<L::Engine, OpenError>) -> Option<ExitReason> {
        match opened {
            Ok(engine) => {
                self.report.send_modify(|report| report.browser_pid = engine.pid());
                self.engine = Some(Arc::new(engine));
                self.apply(Event::Opened)
            }
            Err(error) => {
                tracing::error!(error = %chain(&error), "the browser cannot be opened");
                let why = error.to_string();
                let cause = match error {
                    OpenError::NoBrowser(_) => LaunchCause::NoBrowser,
                    OpenError::NoSandbox(_) => LaunchCause::NoSandbox,
                    OpenError::DiskFull(..) => LaunchCause::DiskFull,
                    OpenError::Machine(_) => LaunchCause::Machine,
                    _ => LaunchCause::Other,
                };
                let reason = match error {
                    OpenError::ProfileCorrupt(how) => {
                        self.damage = Some(how);
                        ExitReason::ProfileCorrupt
                    }
                    _ => ExitReason::LaunchFailed { cause, why },
                };
                self.apply(Event::OpenFailed(reason))
            }
        }
    }

    fn on_page(&mut self, event: PageEvent) -> Option<ExitReason> {
        match event {
            PageEvent::View(view) => self.on_view(view),
            PageEvent::Message(message) => {
                self.outbox.append(protocol::Event::Message(message));
                None
            }
            PageEvent::Ack { message, ack, other_names } => {
                self.outbox.append(protocol::Event::Ack { message, ack, other_names });
                None
            }
            PageEvent::Happened(event) => {
                self.outbox.append(*event);
                None
            }
            PageEvent::Behind => {
                self.catch_up();
                None
            }
            PageEvent::Linked => {
                self.outbox.heard(Hearing::Linked);
                None
            }
            PageEvent::LoggedOut => {
                self.outbox.heard(Hearing::Nothing);
                self.apply(Event::LoggedOut)
            }
            PageEvent::NotLoaded(why) => self.apply(Event::NotLoaded(why)),
            PageEvent::PageCrashed => self.apply(Event::PageCrashed),
            PageEvent::BrowserGone { signal } => self.apply(Event::BrowserGone { signal }),
        }
    }

    fn on_view(&mut self, mut view: PageView) -> Option<ExitReason> {
        view.left_ms = view.until_ms.map(|until| until.saturating_sub(now_ms()));
        if view.heard {
            self.outbox.heard(Hearing::All);
        }
        self.shown |= view.phase != PagePhase::Loading;
        self.report.send_if_modified(|report| {
            let restrictions = view.restrictions_after(&report.restrictions);
            let changed = report.lacks != view.lacks
                || *report.restrictions != restrictions
                || report.page_version != view.version
                || report.until_ms != view.until_ms;
            if changed {
                report.degraded.clone_from(&view.degraded);
                report.lacks.clone_from(&view.lacks);
                *report.restrictions = restrictions;
                report.page_version.clone_from(&view.version);
                report.until_ms = view.until_ms;
            }
            changed
        });
        self.apply(Event::view(view))
    }

    fn on_helper(&mut self, helper: Helper) -> Option<ExitReason> {
        match helper {
            Helper::Probed { took, whole, result } => {
                self.probing = false;
                if !whole && result.is_err() {
                    // Its time ran out while nobody could hear the answer.
                    self.next_probe = Instant::now();
                    return None;
                }
                let found = probes(took, result.as_deref());
                let exit = match result {
                    Ok(view) => self.on_view(*view),
                    // A page that is being replaced has no voice.
                    Err(_) if self.reloading => return None,
                    Err((level, error)) => {
                        tracing::debug!(?level, error = %chain(&error), "probe missed");
                        self.apply(Event::ProbeMissed(level))
                    }
                };
                // After what followed from it, and also when that was nothing: the supervisor learns that the
                // state is still measured.
                self.report.send_modify(|report| report.probes = Some(found));
                exit
            }
            Helper::Nudged(nudge, result) => {
                self.reloading &= nudge != Nudge::Reload;
                if let Err(error) = result {
                    tracing::warn!(?nudge, error = %chain(&error), "the page did not take a request");
                }
                None
            }
        }
    }

    /// Lets calls finish, closes the browser, and keeps the events that come until it is closed. Whether it ended by
    /// itself with everything on disk.
    async fn end(&mut self, page: &mut mpsc::UnboundedReceiver<PageEvent>) -> bool {
        self.calls.close();
        if timeout(FINISH_CALLS, self.calls.wait()).await.is_err() {
            tracing::warn!(calls = self.calls.len(), "calls are still running; they end with the browser");
        }
        let flushed = match self.engine.take() {
            Some(engine) => engine.close(self.limits.close_ms).await,
            None => false,
        };
        while let Ok(event) = page.try_recv() {
            match event {
                PageEvent::Message(message) => self.outbox.append(protocol::Event::Message(message)),
                PageEvent::Ack { message, ack, other_names } => {
                    self.outbox.append(protocol::Event::Ack { message, ack, other_names });
                }
                PageEvent::Happened(event) => self.outbox.append(*event),
                _ => {}
            }
        }
        flushed
    }

    /// Whether the browser ended by itself, and not killed from outside, before its page showed anything.
    fn is_early_crash(&self, reason: &ExitReason) -> bool {
        const FROM_OUTSIDE: [Option<i32>; 2] = [Some(libc::SIGKILL), Some(libc::SIGTERM)];
        match reason {
            ExitReason::Crash { process, signal } => {
                process == "browser" && !self.shown && !FROM_OUTSIDE.contains(signal)
            }
            _ => false,
        }
    }
}

/// What the supervisor is told of a probe.
fn probes(took: Duration, result: Result<&PageView, &(HealthLevel, ProbeError)>) -> Probes {
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Probes {
        at_ms: now_ms(),
        took_ms: millis(took),
        browser: !matches!(result, Err((HealthLevel::Browser, _))),
        page: result.is_ok(),
    }
}

/// So long from now; never, when that is 0.
fn in_ms(ms: u64) -> Option<Instant> {
    (ms > 0).then(|| Instant::now() + Duration::from_millis(ms))
}

/// That this time has come; never, when there is none.
async fn reached(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The opening's result; never, when there is none.
async fn opened<E>(opening: &mut Option<Opening<E>>) -> Result<E, OpenError> {
    match opening {
        Some(opening) => opening.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
