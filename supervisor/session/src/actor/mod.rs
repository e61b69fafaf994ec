//! [`SessionActor`]: the one writer of a user's state.
//!
//! Owns the user's lifecycle, process, connection and place in the queue, and tells the lifecycle whatever happens.
//! `effects` carries out what the lifecycle decides, `calls` keeps the calls under way, and `publish` makes what others
//! may see. It never waits for a worker, a disk or another user: `disk_jobs` works on the disk, one thing after the other,
//! and everything slow comes back as a note.

mod calls;
mod disk_jobs;
mod effects;
mod host;
mod inbox;
mod memory;
mod note;
mod publish;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use colmeia::protocol::ToWorker;
use colmeia::{ExitReason, SessionReport, SessionState, UserId};
use colmeia_base::awake::Awake;
use colmeia_base::tasks;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::connection::{Allowance, Connection, FromConnection};
use super::handle::{CallFailure, Command, Deleted, DisconnectOutcome, Operated, UserHandle};
use super::lifecycle::{Event, Lifecycle, Now, Rules, State};
use super::liveness::{Liveness, Trust};
use super::log_tail::{LogTail, Position};
use super::status::StatusNotifier;
use super::view::{Phase, Pong, UserView};
use super::worker_process::WorkerProcess;
use crate::admission::{Slot, Ticket, Verdict, Verdicts, Wait};
use calls::Calls;
use colmeia_host::blocking;
use disk_jobs::{DiskJobs, Remembered};
pub use host::{Adopted, Host, marks, token_of};
use memory::Weight;
use note::Note;

/// How many commands may wait for an actor, which takes them at once.
const COMMANDS: usize = 64;
/// How many of a worker's last log lines are kept when its user is parked.
const LAST_LINES: usize = 10;

/// One user's actor.
#[derive(Debug)]
pub struct SessionActor {
    host: Arc<Host>,
    user: UserId,
    /// Counts only while we run ourselves: a worker is not silent while nobody listens.
    clock: Awake,
    lifecycle: Lifecycle,
    view: watch::Sender<UserView>,
    /// The session's state when it was last known; absent where there was no session.
    known: Option<SessionState>,
    /// Whether the view has what the disk remembers of the user.
    settled: watch::Sender<bool>,
    /// The status that was last told as an event.
    told: StatusNotifier,
    commands: mpsc::Receiver<Command>,
    notes: (mpsc::Sender<Note>, mpsc::Receiver<Note>),
    said: (mpsc::Sender<Said>, mpsc::Receiver<Said>),
    verdicts: (Verdicts, mpsc::UnboundedReceiver<(Ticket, Verdict)>),
    place: Option<Slot>,
    process: Option<Worker>,
    /// Where the log of the present worker, or of the last one, begins.
    log_from: Position,
    last_lines: Arc<[String]>,
    weight: Weight,
    /// Counts attempts to connect; what belongs to an earlier one is ignored.
    generation: u64,
    connecting: Option<JoinHandle<()>>,
    connection: Option<Connected>,
    /// The quota of events. It outlives workers, so that a flood gains nothing by a restart.
    allowance: Allowance,
    calls: Calls,
    /// The work on the disk that is under way or waits.
    disk_jobs: DiskJobs,
    /// Operators who wait until their command is on disk.
    operated: Vec<oneshot::Sender<Operated>>,
    /// Why the last such command is not on disk.
    unkept: Option<Arc<std::io::Error>>,
    /// Callers who wait until the folder is gone.
    buried_first: Option<super::lifecycle::PhoneNotified>,
    disconnects: Vec<oneshot::Sender<DisconnectOutcome>>,
    deletions: Vec<oneshot::Sender<Deleted>>,
    /// What became of their deletion. They are told after all events of the session's end.
    deleted: Vec<(oneshot::Sender<Deleted>, Deleted)>,
    shutdowns: Vec<oneshot::Sender<()>>,
    finished: bool,
    hurried: bool,
}

/// The worker's process, as long as it or something of it is there.
#[derive(Debug)]
struct Worker {
    process: Arc<WorkerProcess>,
    greeted: bool,
    /// When it began, or a moment later.
    begun: SystemTime,
    /// Whether it is of another version than we are, or runs as another user than it would now.
    outdated: bool,
    /// What it said before it ended.
    last_word: Option<ExitReason>,
}

/// An open connection and what came through it.
#[derive(Debug)]
struct Connected {
    link: Connection,
    liveness: Liveness,
    /// When it was last heard.
    pong: Option<Pong>,
    report: SessionReport,
    /// Which operations the worker's build knows.
    operations: u32,
}

/// What came through a connection, and through which.
type Said = (u64, FromConnection);

impl SessionActor {
    /// A task and its handle. It touches no disk before it runs, and starts nothing before it is woken, unless a living
    /// worker is handed to it ([`Self::run`]).
    pub fn new(host: Arc<Host>, user: UserId) -> (UserHandle, Self) {
        let rules = Rules::of(&host.config);
        let weight = Weight::new(host.memory_of(&user));
        let (view, watched) = watch::channel(UserView::new(Phase::Stopped, SystemTime::now()));
        let (sender, commands) = mpsc::channel(COMMANDS);
        let (settled, settling) = watch::channel(false);
        let handle = UserHandle::new(user.clone(), watched, sender, host.metrics.clone()).settling(settling);
        let notes = mpsc::channel(8);
        let task = Self {
            user,
            clock: Awake::begin(),
            lifecycle: Lifecycle::new(rules, false, Duration::ZERO),
            settled,
            disk_jobs: DiskJobs::begin(notes.0.clone()),
            operated: Vec::new(),
            unkept: None,
            buried_first: None,
            view,
            known: None,
            told: StatusNotifier::nothing(),
            commands,
            notes,
            said: mpsc::channel(64),
            verdicts: mpsc::unbounded_channel(),
            place: None,
            process: None,
            log_from: Position::default(),
            last_lines: Arc::default(),
            weight,
            generation: 0,
            connecting: None,
            connection: None,
            allowance: Allowance::default(),
            calls: Calls::default(),
            disconnects: Vec::new(),
            deletions: Vec::new(),
            deleted: Vec::new(),
            shutdowns: Vec::new(),
            finished: false,
            hurried: false,
            host,
        };
        (handle, task)
    }

    /// Reads what the disk remembers of the user, and keeps what is asked meanwhile. While the machine has no descriptors
    /// left to read it with, nothing is decided: a start waits, any other command is told that nothing was done, and the
    /// end of the service does not wait.
    async fn remembered(&mut self) -> (Remembered, Vec<Command>) {
        let mut early = Vec::new();
        loop {
            let lack = match disk_jobs::remember(&self.host, &self.user).await {
                Ok(remembered) => return (remembered, early),
                Err(lack) => lack,
            };
            tracing::warn!(user = %self.user, lack = lack.name(), "what was kept of the user cannot be read just now");
            self.view.send_modify(|view| view.phase = Phase::Queued { wait: Wait::Resources });
            self.settled.send_replace(true);
            let enough = self.host.shortage.wait_out(lack);
            tokio::pin!(enough);
            loop {
                tokio::select! {
                    () = &mut enough => break,
                    Some(command) = self.commands.recv() => match command {
                        Command::Shutdown { .. } => {
                            early.push(command);
                            return (Remembered::nothing(), early);
                        }
                        Command::Wake if early.is_empty() => early.push(command),
                        Command::Call { answer, .. } => drop(answer.send(Err(CallFailure::NotReady))),
                        _ => {} // the caller notices that its answer was dropped
                    },
                }
            }
        }
    }

    /// Tells the lifecycle what the disk remembers of the user.
    fn take_up(&mut self, remembered: Remembered, adopted: Option<Adopted>) {
        let Remembered { keep, held, parked, own, begun, lines } = remembered;
        let held = held.unwrap_or(adopted.is_none());
        let rules = Rules::of(&self.host.config);
        let policy = match adopted {
            Some(_) => Lifecycle::adopted(rules, Duration::ZERO),
            None => Lifecycle::new(rules, keep, Duration::ZERO),
        };
        let policy = if held && adopted.is_none() { policy.held_back() } else { policy };
        let policy = match &parked {
            Some(reason) if !held && adopted.is_none() => policy.parked(reason.clone(), Duration::ZERO),
            _ => policy,
        };
        let carried = self.host.carried.lock().remove(&self.user);
        self.lifecycle = carried.map_or(policy.clone(), |carried| policy.carrying(carried, Duration::ZERO));
        self.clock = Awake::begin();
        self.weight = Weight::new(self.host.memory_of(&self.user).overridden(own));
        if let Some(adopted) = adopted {
            if parked.is_some() {
                // The last supervisor died before it could remove the mark.
                self.keep_parked(false);
            }
            if let Some(lines) = lines {
                tasks::passing("worker's lines", lines.tell(self.user.clone()));
            }
            self.adopt(adopted, begun.unwrap_or_else(SystemTime::now));
            if held {
                // The last supervisor died before it could stop this one.
                self.apply(Event::Hold);
            }
        }
        if matches!(self.lifecycle.state(), State::Parked { .. }) {
            self.read_last_lines();
        }
        self.publish();
        self.settled.send_replace(true);
    }

    fn adopt(&mut self, Adopted { process, greeted }: Adopted, begun: SystemTime) {
        self.place = Some(self.host.admission.occupy(self.weight.set_aside, self.verdicts.0.clone()));
        self.follow(process, begun);
        for event in self.connected(greeted) {
            self.apply(event);
        }
    }

    /// Runs until the user is not needed any more: takes up what the disk remembers, and the living worker if there is
    /// one, and then whatever comes.
    pub async fn run(
        mut self,
        retire: impl Fn(&UserId, &mut mpsc::Receiver<Command>) -> bool,
        adopted: Option<Adopted>,
    ) {
        let (remembered, early) = self.remembered().await;
        self.take_up(remembered, adopted);
        let mut events: Vec<_> = early.into_iter().flat_map(|command| self.command(command)).collect();
        let mut disk = self.host.disk.watch();
        loop {
            for event in events {
                self.apply(event);
            }
            self.watch_over();
            self.publish();
            self.answer_operators();
            for (answer, deleted) in self.deleted.drain(..) {
                let _ = answer.send(deleted); // it is done, whether anyone waits or not
            }
            // The next actor finds the disk as this one leaves it.
            let over = matches!(self.lifecycle.state(), State::Stopped { .. });
            self.finished &= over;
            if self.finished && (self.disk_jobs.is_empty() || self.hurried) {
                self.finished = false;
                if retire(&self.user, &mut self.commands) {
                    break;
                }
            }
            let due = self.due();
            events = tokio::select! {
                Some(command) = self.commands.recv() => self.command(command),
                Some(note) = self.notes.1.recv() => self.note(note),
                Some((generation, said)) = self.said.1.recv() => self.hear(generation, said),
                Some(reading) = self.weight.readings.1.recv() => self.weighed(reading),
                Some((ticket, verdict)) = self.verdicts.1.recv() => self.verdict(ticket, verdict),
                () = disk.has_room_again() => vec![Event::Room],
                // If we are slow ourselves, no worker is at fault.
                () = sleep_until(due) => match self.disk_jobs.spawning() {
                    true => vec![Event::Delayed, Event::Tick],
                    false => vec![Event::Tick],
                },
                () = self.host.hurry.cancelled(), if !self.hurried => {
                    self.hurried = true;
                    vec![Event::Hurry]
                }
            };
        }
        if let Some(last) = self.told.last_word() {
            self.host.sink.keep_status(&self.user, last);
        }
        for answer in self.shutdowns {
            let _ = answer.send(());
        }
    }

    fn at(&self) -> Duration {
        self.clock.elapsed()
    }

    fn now(&self) -> Now {
        Now { at: self.at(), chance: rand::random() }
    }

    fn due(&self) -> Instant {
        let at = self.at();
        let watch = self.connection.as_ref().map(|connection| connection.liveness.deadline(at));
        let due = [self.lifecycle.deadline(), watch, self.told.due()].into_iter().flatten().min();
        // No deadline: everything else comes through a channel.
        self.clock.at(due.unwrap_or(at + Duration::from_secs(3600)))
    }

    /// Lets the lifecycle decide and does what it says, until nothing more follows from it.
    fn apply(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let before = self.lifecycle.state().name();
            let (policy, actions) = self.lifecycle.clone().step(event, self.now());
            self.lifecycle = policy;
            self.log_change(before);
            let parked = matches!(self.lifecycle.state(), State::Parked { .. });
            if before != self.lifecycle.state().name() && parked {
                self.read_last_lines();
            } else if !parked && !self.last_lines.is_empty() {
                self.last_lines = Arc::default();
            }
            for action in actions {
                events.extend(self.perform(action));
            }
        }
    }

    fn log_change(&self, before: &'static str) {
        let (user, after) = (&self.user, self.lifecycle.state().name());
        match self.lifecycle.state() {
            State::Parked { reason, .. } if before != after => {
                tracing::error!(%user, reason = reason.label(), "the worker failed too often; parked");
            }
            _ if before != after => tracing::info!(%user, from = before, to = after, "worker"),
            _ => {}
        }
    }

    /// They come back as a note.
    fn read_last_lines(&self) {
        let (tail, from) = (LogTail::of(&self.host.state, &self.user), self.log_from);
        let notes = self.notes.0.clone();
        tasks::passing("last lines", async move {
            let lines = blocking::in_folders(move || tail.last_since(from, LAST_LINES)).await;
            let _ = notes.send(Note::Lines(lines.unwrap_or_default().into())).await;
        });
    }

    /// Asks the worker whether it is there, and gives it up when it is not.
    fn watch_over(&mut self) {
        let at = self.at();
        let Some(connection) = &mut self.connection else { return };
        if connection.liveness.trust(at) == Trust::Hung {
            tracing::error!(user = %self.user, "the worker does not answer; it is ended");
            self.hang_up();
            self.apply(Event::Hung);
        } else if let Some(id) = connection.liveness.ping(at) {
            // With a full send queue no pong comes either, so the deadline runs on.
            let _ = connection.link.send_queue().put(&ToWorker::Ping { id }, None);
        }
    }

    /// Ends the connection; whoever waits for an answer learns that none comes.
    fn hang_up(&mut self) {
        self.generation += 1;
        self.connection = None;
        self.calls.lost();
    }
}

#[cfg(test)]
mod tests;
