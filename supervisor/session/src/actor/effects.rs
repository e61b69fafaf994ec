//! What the policy wants is done here. Owns the helpers that start, connect and wait; each of them is bounded and
//! comes back as a note.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use colmeia::errors::{is_disk_full, lack_of};
use colmeia::protocol::ToWorker;
use colmeia::session::LaunchCause;
use colmeia::{ExitReason, UserId};
use colmeia_base::{awake, tasks};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::disk_jobs::Done;
use super::host::{Host, token_of};
use super::note::Note;
use super::{SessionActor, Worker};
use crate::admission::Standing;
use crate::connection::{self, Handshake, HandshakeError};
use crate::handle::{DisconnectOutcome, NotDeleted, NotKept, NotReplaced};
use crate::lifecycle::{Action, Event, LOGOUT, PhoneNotified, State};
use crate::worker_process::{self, NotReady, SpawnError, Spawned, WorkerProcess};
use colmeia_host::memory::Group;
use colmeia_host::{blocking, folders};

/// How long to wait before a socket is tried again on which nobody listened.
const TRY_AGAIN: Duration = Duration::from_millis(50);
/// How often it is said that the machine still has nothing to reach a worker with: less than any time for a Hello.
const AGAIN: Duration = Duration::from_secs(1);

impl SessionActor {
    /// Does one thing. What follows at once is returned; the rest comes back later as a note.
    pub(super) fn perform(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::RequestPlace => match &self.place {
                Some(place) => place.again(),
                None => {
                    let standing = if self.lifecycle.linked() { Standing::Known } else { Standing::Newcomer };
                    let verdicts = self.verdicts.0.clone();
                    let place = self.host.admission.enter(self.weight.set_aside, standing, verdicts);
                    if !self.lifecycle.is_watched(self.at()) {
                        place.watched(false);
                    }
                    self.place = Some(place);
                }
            },
            Action::Settle => self.place.iter().for_each(|place| place.settle()),
            Action::RestPlace => self.place.iter().for_each(|place| place.rest()),
            Action::ReleasePlace => self.place = None,
            Action::Watch { watched } => self.place.iter().for_each(|place| place.watched(watched)),
            Action::Spawn => return self.spawn(),
            Action::Connect => self.connect(None),
            Action::Stop => self.stop(),
            Action::Kill => self.process.iter().for_each(|worker| worker.process.kill()),
            Action::Logout => return self.log_out(),
            Action::Remember { linked } => {
                let (host, user) = (Arc::clone(&self.host), self.user.clone());
                // A page that flips must not fill the queue: the same once more says nothing.
                if self.disk_jobs.says_otherwise(linked) {
                    let keep = move || folders::remember(&host.state, &user, linked);
                    self.disk_jobs.mark("whether the user is linked", false, keep);
                }
            }
            Action::KeepHold { held } => self.keep_hold(held),
            Action::KeepParked { parked } => self.keep_parked(parked),
            Action::DeleteAuth { told } => {
                let limits_too = !self.deletions.is_empty();
                self.disk_jobs.delete_profile(Arc::clone(&self.host), self.user.clone(), told, limits_too);
            }
            // Who asked for the end of the folder is told when it is gone.
            Action::AnswerDisconnect { told } if self.disk_jobs.deletes_profile() => {
                self.buried_first = Some(told)
            }
            Action::AnswerDisconnect { told } => self.answer_disconnects(told),
            Action::Finish => self.finished = true,
        }
        None
    }

    fn answer_disconnects(&mut self, told: PhoneNotified) {
        let outcome = match told {
            PhoneNotified::Yes => DisconnectOutcome::LoggedOut,
            PhoneNotified::No => DisconnectOutcome::OnlyHere,
            PhoneNotified::Nobody => DisconnectOutcome::NobodyLinked,
        };
        for answer in self.disconnects.drain(..) {
            let _ = answer.send(outcome);
        }
    }

    fn spawn(&mut self) -> Option<Event> {
        if self.host.store.unreadable_sessions().contains_key(self.user.as_str()) {
            // It may name a proxy: without it the session would show itself where it must not.
            let why = "its configuration cannot be read; set it anew or delete the session".to_owned();
            tracing::error!(user = %self.user, why, "cannot start a worker");
            return Some(Event::Exited(ExitReason::LaunchFailed { cause: LaunchCause::Other, why }));
        }
        self.disk_jobs.spawn(Arc::clone(&self.host), self.user.clone(), self.weight.policy);
        None
    }

    /// Keeps an operator's stop on disk, or that it is lifted.
    pub(super) fn keep_hold(&mut self, held: bool) {
        let (host, user) = (Arc::clone(&self.host), self.user.clone());
        let keep = move || folders::keep_hold(&host.state, &user, held);
        self.disk_jobs.mark("an operator's word", true, keep);
    }

    /// Keeps on disk whether, and why, the user is parked. Where an operator lifts it, that is their word too.
    pub(super) fn keep_parked(&mut self, parked: bool) {
        let reason = match self.lifecycle.state() {
            State::Parked { reason, .. } if parked => Some(reason.clone()),
            _ => None,
        };
        let (host, user) = (Arc::clone(&self.host), self.user.clone());
        let by_operator = !parked && !self.operated.is_empty();
        let keep = move || folders::keep_parked(&host.state, &user, reason.as_ref());
        self.disk_jobs.mark("whether the user is parked", by_operator, keep);
    }

    /// Whoever waits for an operator's word to be kept is told once it is, or cannot be.
    pub(super) fn answer_operators(&mut self) {
        if self.disk_jobs.has_words() {
            return;
        }
        let kept = self.unkept.clone().map_or(Ok(()), |error| Err(NotKept::Disk(error)));
        for answer in self.operated.drain(..) {
            let _ = answer.send(kept.clone()); // it is done, whoever waits
        }
    }

    /// The disk has done something; what follows from it.
    pub(super) fn done(&mut self, done: Done) -> Vec<Event> {
        let spawning = self.disk_jobs.spawning();
        self.disk_jobs.done(&done);
        match done {
            Done::Marked { what, by_operator, result } => {
                if let Err(error) = &result {
                    tracing::warn!(user = %self.user, %error, what, "cannot be kept on disk");
                }
                // Until it is tried again: one that is kept says nothing of another that is not.
                if let (true, Err(error)) = (by_operator, result) {
                    self.unkept = Some(Arc::new(error));
                }
                Vec::new()
            }
            Done::Spawned { log_from, result } => {
                self.log_from = log_from;
                self.spawned(*result)
            }
            Done::Buried { told, gone, limits_too } => {
                self.profile_deleted(told, gone, limits_too);
                Vec::new()
            }
            Done::Limited { own, answer, result } => {
                match result {
                    Ok(()) => self.limited(own, answer),
                    Err(error) => drop(answer.send(Err(error))),
                }
                Vec::new()
            }
            Done::Replaced { answer, result } => {
                // A deletion that was asked for meanwhile comes after it.
                let replaced = result.is_ok() && !self.disk_jobs.deletes_profile();
                let _ = answer.send(result.map_err(|error| NotReplaced::Disk(Arc::new(error)))); // it is done, whoever waits
                replaced.then_some(Event::Replaced).into_iter().collect()
            }
            Done::Broken => {
                tracing::error!(user = %self.user, "what was to be done to the disk broke off");
                let why = "what starts a worker broke off".to_owned();
                let reason = ExitReason::LaunchFailed { cause: LaunchCause::Other, why };
                spawning.then_some(Event::Exited(reason)).into_iter().collect()
            }
        }
    }

    fn spawned(&mut self, started: Result<Spawned, SpawnError>) -> Vec<Event> {
        match started {
            Ok(Spawned { process, ready, lines }) => {
                tasks::passing("worker's lines", lines.tell(self.user.clone()));
                tracing::info!(user = %self.user, pid = process.id(), "worker started");
                let wanted = matches!(self.lifecycle.state(), State::Starting { .. });
                self.follow(process, SystemTime::now());
                if wanted {
                    self.connect(Some(ready));
                } else if let Some(worker) = &self.process {
                    // What was decided meanwhile found no process. Nothing has begun in this one.
                    worker.process.kill();
                }
                vec![Event::Delayed]
            }
            Err(error) => {
                let why = colmeia::errors::chain(&error);
                if let Some(lack) = error.lack() {
                    tracing::warn!(user = %self.user, error = why, "no worker can be started just now");
                    self.host.shortage.noticed(lack);
                    return vec![Event::NoMeans(ExitReason::LaunchFailed {
                        cause: LaunchCause::Machine,
                        why,
                    })];
                }
                tracing::error!(user = %self.user, error = why, "cannot start a worker");
                let full = is_disk_full(&error);
                let cause = if full { LaunchCause::DiskFull } else { LaunchCause::Other };
                vec![Event::Exited(ExitReason::LaunchFailed { cause, why })]
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
        tasks::vital("worker's end", async move {
            let ended = process.ended().await;
            let clear = blocking::looking(move || {
                let killed = group.as_ref().map_or(0, Group::kills);
                let over_cap = killed > 0;
                if let Some(peak) = group.as_ref().and_then(Group::peak) {
                    tracing::info!(%user, peak_mb = peak >> 20, killed, "the most memory its control group had");
                }
                // Whatever could not be recognised as the worker's ends here at the latest.
                group.iter().for_each(Group::remove);
                // The socket and the browser's temporary files: the process is gone, and nobody else listens there.
                let _ = std::fs::remove_dir_all(user_dir);
                over_cap
            });
            let _ = notes.send(Note::Ended { ended, over_cap: clear.await.unwrap_or(false) }).await;
        });
    }

    fn connect(&mut self, ready: Option<worker_process::Readiness>) {
        self.hang_up();
        let generation = self.generation;
        let Some(worker) = &self.process else { return };
        let (notes, process) = (self.notes.0.clone(), Arc::clone(&worker.process));
        let (host, user) = (Arc::clone(&self.host), self.user.clone());
        let connecting = tasks::vital("connecting", async move {
            let deadline = Duration::from_millis(host.config.hello_deadline_ms);
            let mut pauses = awake::pauses();
            if let Some(ready) = ready
                && let Some(answer) = begun(&user, ready, Instant::now() + deadline).await
                && (matches!(answer, NotBegun::Refused(_)) || awake::pauses() == pauses)
            {
                return drop(notes.send(answer.note(generation)).await);
            }
            let delayed = || notes.send(Note::Delayed(generation));
            let greeted = loop {
                let until = Instant::now() + deadline;
                let greeted = reach(&host, &user, &process, until, delayed).await;
                // What ran out while we did not listen says nothing about the worker.
                let before = std::mem::replace(&mut pauses, awake::pauses());
                if greeted.is_ok() || before == pauses {
                    break greeted.map(Box::new);
                }
            };
            let _ = notes.send(Note::Handshake(generation, greeted)).await;
        });
        if let Some(earlier) = self.connecting.replace(connecting) {
            earlier.abort();
        }
    }

    fn stop(&mut self) {
        let asked = self
            .connection
            .as_ref()
            .is_some_and(|connection| connection.link.send_queue().put(&ToWorker::Stop, None).is_ok());
        // Without a connection the signal says the same.
        if let (false, Some(worker)) = (asked, &self.process) {
            worker.process.terminate();
        }
    }

    fn log_out(&mut self) -> Option<Event> {
        let asked = self
            .connection
            .as_ref()
            .is_some_and(|connection| self.calls.ask_logout(connection.link.send_queue(), LOGOUT).is_ok());
        (!asked).then_some(Event::LogoutDone { told: PhoneNotified::No })
    }

    /// Says to everyone who waits for the end of the folder whether it is gone and the phone `told`.
    fn profile_deleted(&mut self, told: PhoneNotified, gone: Result<(), NotDeleted>, limits_too: bool) {
        if let Err(error) = &gone {
            tracing::error!(user = %self.user, error = colmeia::errors::chain(error), "the session is not deleted");
            for answer in self.disconnects.drain(..) {
                let _ = answer.send(DisconnectOutcome::NotDeleted); // who no longer waits finds it in the log
            }
        }
        if let Some(told) = self.buried_first.take() {
            self.answer_disconnects(told);
        }
        if !limits_too {
            return;
        }
        if gone.is_ok() {
            self.forget_limits();
        }
        let gone = gone.map(|()| told);
        self.deleted.extend(self.deletions.drain(..).map(|answer| (answer, gone.clone())));
    }
}

/// Waits until the worker listens. `None` when it does.
async fn begun(user: &UserId, ready: worker_process::Readiness, until: Instant) -> Option<NotBegun> {
    match timeout_at(until, ready.wait()).await {
        Ok(Ok(())) => None,
        Ok(Err(NotReady::Refused { cause, why })) => {
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
            Self::Late => Note::Handshake(generation, Err("the worker did not say Hello in time".to_owned())),
        }
    }
}

/// Connects to the worker and says Hello.
///
/// While the machine has no descriptors for that, nothing bad is said of the worker: `delayed` is told, and the time begins
/// anew.
async fn reach<F: Future>(
    host: &Arc<Host>,
    user: &UserId,
    process: &WorkerProcess,
    mut until: Instant,
    delayed: impl Fn() -> F,
) -> Result<Handshake, String> {
    let patience = Duration::from_millis(host.config.hello_deadline_ms);
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match greet(host, user, process, left).await {
            Ok(greeted) => return Ok(greeted),
            Err(error) if lack_of(&error).is_some() => {
                lack_of(&error).into_iter().for_each(|lack| host.shortage.noticed(lack));
                loop {
                    delayed().await;
                    if timeout(AGAIN, host.shortage.over()).await.is_ok() {
                        break;
                    }
                }
                until = Instant::now() + patience;
                delayed().await;
            }
            // Nobody is there just now: it is on its way, or dying, and then its end says more.
            Err(error) if error.is_absence() && left > TRY_AGAIN => sleep(TRY_AGAIN).await,
            Err(error) => return Err(colmeia::errors::chain(&error)),
        }
    }
}

async fn greet(
    host: &Arc<Host>,
    user: &UserId,
    process: &WorkerProcess,
    left: Duration,
) -> Result<Handshake, HandshakeError> {
    let peer =
        connection::open(&host.run.worker_socket(user), left, |uid| host.uids.expects(user, uid)).await?;
    if peer.pid != process.pid() {
        return Err(HandshakeError::ForeignProcess(colmeia_host::process::number(peer.pid)));
    }
    let token = token_of(host, user).await.map_err(HandshakeError::NoToken)?;
    connection::greet(peer, user, token, left).await
}
