//! What the policy wants is done here. Owns the helpers that start, connect and wait; each of them is bounded and
//! comes back as a note.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use colmeia::config::{Ownership, WorkerConfig};
use colmeia::errors::is_disk_full;
use colmeia::protocol::ToWorker;
use colmeia::session::LaunchCause;
use colmeia::{ExitReason, Secret, UserId};
use tokio::time::{Instant, sleep, timeout_at};

use super::{Host, Note, UserTask, Worker};
use crate::memory::Group;
use crate::user::folders;
use crate::user::handle::{DisconnectOutcome, NotDeleted};
use crate::user::link::{self, Greeted, GreetingError};
use crate::user::policy::{Action, Event, LOGOUT, State, Told};
use crate::user::process::{self, Marks, NotReady, SpawnError, Spawned, WorkerProcess};
use crate::user::tail::Tail;
use crate::user::token;

/// How long to wait before a socket is tried again on which nobody listened.
const TRY_AGAIN: Duration = Duration::from_millis(50);

impl UserTask {
    /// Does one thing. What follows at once is returned; the rest comes back later as a note.
    pub(super) fn perform(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::RequestPlace => match &self.place {
                Some(place) => place.again(),
                None => {
                    self.place = Some(self.host.desk.enter(self.weight.set_aside, self.verdicts.0.clone()))
                }
            },
            Action::Settle => self.place.iter().for_each(|place| place.settle()),
            Action::RestPlace => self.place.iter().for_each(|place| place.rest()),
            Action::ReleasePlace => self.place = None,
            Action::Spawn => return self.spawn(),
            Action::Connect => self.connect(None),
            Action::Stop => self.stop(),
            Action::Kill => self.process.iter().for_each(|worker| worker.process.kill()),
            Action::Logout => return self.log_out(),
            Action::Remember { linked } => {
                if let Err(error) = folders::remember(&self.host.state, &self.user, linked) {
                    tracing::warn!(user = %self.user, %error, "cannot keep whether the user is linked");
                }
            }
            Action::KeepHold { held } => {
                if let Err(error) = folders::keep_hold(&self.host.state, &self.user, held) {
                    tracing::warn!(user = %self.user, %error, "cannot keep an operator's stop");
                }
            }
            Action::KeepParked { parked } => self.keep_parked(parked),
            Action::DeleteAuth { told } => self.delete(told),
            Action::AnswerDisconnect { told } => {
                let outcome = match told {
                    Told::Yes => DisconnectOutcome::LoggedOut,
                    Told::No => DisconnectOutcome::OnlyHere,
                    Told::Nobody => DisconnectOutcome::NobodyLinked,
                };
                for answer in self.disconnects.drain(..) {
                    let _ = answer.send(outcome);
                }
            }
            Action::Finish => self.finished = true,
        }
        None
    }

    /// Keeps on disk whether, and why, the user is parked.
    pub(super) fn keep_parked(&self, parked: bool) {
        let reason = match self.policy.state() {
            State::Parked { reason, .. } if parked => Some(reason),
            _ => None,
        };
        if let Err(error) = folders::keep_parked(&self.host.state, &self.user, reason) {
            tracing::warn!(user = %self.user, %error, "cannot keep whether the user is parked");
        }
    }

    fn spawn(&mut self) -> Option<Event> {
        let host = &self.host;
        self.log_from = Tail::of(&host.state, &self.user).end();
        let started = host.memory.group(&self.user, &self.weight.policy);
        let started = started.map_err(SpawnError::from).and_then(|group| {
            let token = token::mint(&host.state, &self.user).map_err(SpawnError::Token)?;
            let ownership = host.owners.ownership(&self.user)?;
            if let (Some(group), Ownership::Own { uid, .. }) = (&group, ownership) {
                group.give_to(uid)?;
            }
            let config = worker_config(host, &self.user, token, ownership, group.as_ref());
            process::spawn(&host.launch, &config, marks(host, &self.user), group.as_ref())
        });
        match started {
            Ok(Spawned { process, ready }) => {
                tracing::info!(user = %self.user, pid = process.id(), "worker started");
                self.follow(process, SystemTime::now());
                self.connect(Some(ready));
                None
            }
            Err(error) => {
                let why = crate::logging::chain(&error);
                tracing::error!(user = %self.user, error = why, "cannot start a worker");
                let full = is_disk_full(&error);
                let cause = if full { LaunchCause::DiskFull } else { LaunchCause::Other };
                Some(Event::Exited(ExitReason::LaunchFailed { cause, why }))
            }
        }
    }

    /// Waits for the process's end.
    pub(super) fn follow(&mut self, process: WorkerProcess, begun: SystemTime) {
        let process = Arc::new(process);
        self.weigh(process.pid());
        self.process = Some(Worker {
            process: Arc::clone(&process),
            greeted: false,
            begun,
            outdated: false,
            last_word: None,
        });
        let notes = self.notes.0.clone();
        let user_dir = self.host.run.user_dir(&self.user);
        let group = self.host.memory.group_of(&self.user);
        let user = self.user.clone();
        tokio::spawn(async move {
            let ended = process.ended().await;
            let clear = tokio::task::spawn_blocking(move || {
                let killed = group.as_ref().map_or(0, Group::kills);
                let over_cap = killed > 0;
                if let Some(peak) = group.as_ref().and_then(Group::peak) {
                    tracing::info!(%user, peak_mb = peak >> 20, killed, "the most memory its control group had");
                }
                // Whatever could not be recognised as the worker's ends here at the latest.
                group.iter().for_each(Group::remove);
                // The socket and the browser's temporary files.
                let _ = std::fs::remove_dir_all(user_dir);
                over_cap
            });
            let _ = notes.send(Note::Ended { ended, over_cap: clear.await.unwrap_or(false) }).await;
        });
    }

    fn connect(&mut self, ready: Option<process::Readiness>) {
        self.hang_up();
        let generation = self.generation;
        let Some(worker) = &self.process else { return };
        let (notes, process) = (self.notes.0.clone(), Arc::clone(&worker.process));
        let (host, user) = (Arc::clone(&self.host), self.user.clone());
        let connecting = tokio::spawn(async move {
            let deadline = Duration::from_millis(host.config.hello_deadline_ms);
            let until = Instant::now() + deadline;
            if let Some(ready) = ready
                && let Some(answer) = begun(&user, ready, until).await
            {
                return drop(notes.send(answer.note(generation)).await);
            }
            let greeted = reach(&host, &user, &process, until).await.map(Box::new);
            let _ = notes.send(Note::Greeted(generation, greeted)).await;
        });
        if let Some(earlier) = self.connecting.replace(connecting) {
            earlier.abort();
        }
    }

    fn stop(&mut self) {
        let asked = self
            .connection
            .as_ref()
            .is_some_and(|connection| connection.link.outbox().put(&ToWorker::Stop, None).is_ok());
        // Without a connection the signal says the same.
        if let (false, Some(worker)) = (asked, &self.process) {
            worker.process.terminate();
        }
    }

    fn log_out(&mut self) -> Option<Event> {
        let asked = self
            .connection
            .as_ref()
            .is_some_and(|connection| self.calls.ask_logout(connection.link.outbox(), LOGOUT).is_ok());
        (!asked).then_some(Event::LogoutDone { told: Told::No })
    }

    /// Deletes what is on disk, and says to everyone who waits for that whether it is gone and the phone `told`.
    fn delete(&mut self, told: Told) {
        let gone = self.delete_auth().map_err(|error| {
            tracing::error!(user = %self.user, %error, "cannot delete the session's folder");
            NotDeleted::Disk(Arc::new(error))
        });
        if gone.is_err() {
            for answer in self.disconnects.drain(..) {
                let _ = answer.send(DisconnectOutcome::NotDeleted); // who no longer waits finds it in the log
            }
        }
        if self.deletions.is_empty() {
            return;
        }
        let gone = gone.and_then(|()| {
            self.forget_limits().map_err(|error| {
                tracing::error!(user = %self.user, %error, "cannot delete the user's own limits");
                NotDeleted::Disk(Arc::new(error))
            })
        });
        let gone = gone.map(|()| told);
        self.deleted.extend(self.deletions.drain(..).map(|answer| (answer, gone.clone())));
    }

    fn delete_auth(&self) -> std::io::Result<()> {
        token::forget(&self.host.state, &self.user);
        let grave = folders::bury(&self.host.state, &self.user)?;
        tracing::info!(user = %self.user, existed = grave.is_some(), "session deleted");
        folders::remove_in_background(grave.into_iter().collect());
        Ok(())
    }
}

/// Waits until the worker listens. `None` when it does.
async fn begun(user: &UserId, ready: process::Readiness, until: Instant) -> Option<NotBegun> {
    match timeout_at(until, ready.wait()).await {
        Ok(Ok(())) => None,
        Ok(Err(NotReady::Refused { full, why })) => {
            let cause = if full { LaunchCause::DiskFull } else { LaunchCause::Other };
            Some(NotBegun::Refused(ExitReason::LaunchFailed { cause, why }))
        }
        Ok(Err(NotReady::Silent(error))) => {
            // Its end, which follows, says more than we know here.
            tracing::debug!(%user, %error, "the worker did not become ready");
            tokio::time::sleep_until(until).await;
            Some(NotBegun::Late)
        }
        Err(_) => Some(NotBegun::Late),
    }
}

/// Why a worker does not listen.
enum NotBegun {
    Refused(ExitReason),
    Late,
}

impl NotBegun {
    fn note(self, generation: u64) -> Note {
        match self {
            Self::Refused(reason) => Note::Refused(generation, reason),
            Self::Late => Note::Greeted(generation, Err("the worker did not say Hello in time".to_owned())),
        }
    }
}

/// Connects to the worker and says Hello.
async fn reach(
    host: &Host,
    user: &UserId,
    process: &WorkerProcess,
    until: Instant,
) -> Result<Greeted, String> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match greet(host, user, process, left).await {
            Ok(greeted) => return Ok(greeted),
            // Nobody is there just now: it is on its way, or dying, and then its end says more.
            Err(error) if error.is_absence() && left > TRY_AGAIN => sleep(TRY_AGAIN).await,
            Err(error) => return Err(crate::logging::chain(&error)),
        }
    }
}

async fn greet(
    host: &Host,
    user: &UserId,
    process: &WorkerProcess,
    left: Duration,
) -> Result<Greeted, GreetingError> {
    let peer = link::open(&host.run.worker_socket(user), left, |uid| host.owners.expects(user, uid)).await?;
    if peer.pid != process.pid() {
        return Err(GreetingError::ForeignProcess(process::number(peer.pid)));
    }
    let token = token::read(&host.state, user).map_err(GreetingError::NoToken)?;
    link::greet(peer, user, token, left).await
}

/// By what the user's processes are recognised.
pub(crate) fn marks(host: &Host, user: &UserId) -> Marks {
    let (user_dir, own_dir) = (host.run.user_dir(user), host.state.own_dir(user));
    Marks { user_dir, own_dir, uid: host.owners.of(user) }
}

fn worker_config(
    host: &Host,
    user: &UserId,
    token: Secret,
    ownership: Ownership,
    group: Option<&Group>,
) -> WorkerConfig {
    let config = &host.config;
    let own = host.store.session(user).unwrap_or_default();
    WorkerConfig {
        user: user.clone(),
        state_dir: host.state.root().to_owned(),
        runtime_dir: host.run.root().to_owned(),
        client_prefix: config.client_prefix.clone(),
        page_url: config.page_url.clone(),
        browser: config.browser.clone(),
        wa_js: config.wa_js.clone(),
        languages: config.languages.clone(),
        landlock: config.landlock,
        memory_merge: config.memory_merge,
        token,
        deadlines: config.deadlines,
        browser_group: group.map(Group::browser_entrance),
        proxy: own.proxy,
        debug: own.debug,
        passkey: config.passkey,
        ownership,
    }
}
