//! What comes in is turned into events for the policy: commands, notes of the task's helpers, what a worker says,
//! verdicts of the admission queue. Decides nothing.

use std::sync::Arc;
use std::time::SystemTime;

use colmeia::protocol::{Call, CallError, CallErrorKind};
use colmeia::{ExitReason, SessionReport, SessionState};

use super::{Connected, Note, SessionActor};
use crate::admission::{Ticket, Verdict};
use crate::connection::{Connection, FromConnection, Handshake, LinkEnd, Sinks};
use crate::handle::{CallFailure, Command, NotReplaced, OperatorCommand};
use crate::lifecycle::{Event, Moment, Renewal, Standing, State};
use crate::liveness::{Liveness, Patience};
use crate::view::Pong;
use crate::worker_process::Ended;

/// A worker that outlived an upgrade would misread the call, or leave out a part of it.
fn older_worker() -> CallError {
    let text = "the session still runs in an older build; it is renewed in a quiet moment, or by a restart";
    CallError::new(CallErrorKind::Unsupported, text)
}

impl SessionActor {
    pub(super) fn command(&mut self, command: Command) -> Vec<Event> {
        match command {
            Command::Wake => vec![Event::Wake],
            Command::GiveWay => vec![Event::GiveWay],
            Command::Call { call, file, deadline, answer } => {
                let at = self.at();
                self.connection.iter_mut().for_each(|connection| connection.liveness.doubt(at));
                let ready = self.view.borrow().state().is_some_and(SessionState::is_ready);
                let unready = matches!(
                    *call,
                    Call::PairingCode { .. }
                        | Call::PasskeyAnswer { .. }
                        | Call::PasskeyConfirm
                        | Call::PasskeyCancel
                        | Call::Screenshot
                        | Call::Logout
                );
                let possible = ready || unready;
                match &self.connection {
                    // What comes back of it could not be kept.
                    Some(_) if call.has_effect_outside() && self.host.disk.is_full() => {
                        let _ = answer.send(Err(CallFailure::DiskFull));
                    }
                    Some(connection) if possible && call.needs() > connection.operations => {
                        drop(answer.send(Err(CallFailure::Session(older_worker()))));
                    }
                    Some(connection) if possible => {
                        self.calls.ask(connection.link.send_queue(), *call, file, deadline, answer);
                    }
                    _ => drop(answer.send(Err(CallFailure::NotReady))),
                }
                Vec::new()
            }
            Command::Disconnect { answer } => {
                self.disconnects.push(answer);
                vec![Event::Disconnect]
            }
            Command::Reset { answer } => {
                self.disconnects.push(answer);
                vec![Event::Reset]
            }
            Command::Delete { answer } => {
                self.deletions.push(answer);
                vec![Event::Delete]
            }
            Command::Operate { operation, answer } => {
                tracing::info!(user = %self.user, ?operation, "an operator's word");
                self.operated.push(answer);
                // What could not be written down then is tried again now.
                if self.unkept.take().is_some() {
                    self.keep_hold(self.lifecycle.held());
                }
                vec![match operation {
                    OperatorCommand::Stop => Event::Hold,
                    OperatorCommand::Start => Event::Start,
                    OperatorCommand::Restart => Event::Restart,
                }]
            }
            Command::Renew { answer } => {
                let renewal = self.renewal();
                let _ = answer.send(renewal);
                (renewal == Renewal::Begun).then_some(Event::Renew).into_iter().collect()
            }
            Command::Mend { answer } => {
                if self.process.as_ref().is_some_and(|worker| self.host.disk.was_full_since(worker.begun)) {
                    self.apply(Event::MetFullDisk);
                }
                let moment = self.moment();
                let _ = answer.send(self.lifecycle.mending(moment, self.at()));
                vec![Event::Mend(moment)]
            }
            Command::Limit { own, answer } => {
                self.limit(own, answer);
                Vec::new()
            }
            Command::LimitAgain { answer } => {
                self.limit_again(answer);
                Vec::new()
            }
            Command::Replace { staged, answer } => {
                if self.process.is_some() || self.disk_jobs.spawning() || !self.lifecycle.rests() {
                    drop(answer.send(Err(NotReplaced::Runs)));
                } else {
                    self.disk_jobs.replace(Arc::clone(&self.host), self.user.clone(), staged, answer);
                }
                Vec::new()
            }
            Command::Carry { answer } => {
                let _ = answer.send(self.lifecycle.carry(self.at()));
                Vec::new()
            }
            Command::Shutdown { answer } => {
                self.shutdowns.push(answer);
                vec![Event::Shutdown]
            }
        }
    }

    /// A session that is being linked, or that was just asked for something, is left in peace.
    fn renewal(&self) -> Renewal {
        let ready = self.view.borrow().state().is_some_and(SessionState::is_ready);
        match &self.process {
            Some(worker) if worker.outdated => {
                let running = matches!(self.lifecycle.state(), State::Running { .. });
                if running && ready && self.calls.are_quiet() { Renewal::Begun } else { Renewal::Later }
            }
            _ => Renewal::Needless,
        }
    }

    fn moment(&self) -> Moment {
        let pairing = matches!(
            self.view.borrow().state(),
            Some(SessionState::Pairing | SessionState::Passkey { .. } | SessionState::PasskeyConfirm { .. })
        );
        let unsaved = self.connection.as_ref().map(|connection| connection.report.unsaved);
        Moment {
            quiet: self.calls.is_empty() && self.disconnects.is_empty() && !pairing,
            saved: unsaved == Some(0) && !self.host.disk.is_full(),
        }
    }

    pub(super) fn note(&mut self, note: Note) -> Vec<Event> {
        match note {
            Note::Handshake(generation, _) if generation != self.generation => Vec::new(),
            Note::Handshake(_, Ok(greeted)) => self.connected(*greeted),
            Note::Handshake(_, Err(why)) => {
                tracing::warn!(user = %self.user, why, "the worker cannot be reached");
                vec![Event::Unreachable { why }]
            }
            Note::Refused(generation, reason) => {
                if let (true, Some(worker)) = (generation == self.generation, &mut self.process) {
                    worker.last_word = Some(reason);
                }
                Vec::new()
            }
            Note::Lines(lines) => {
                if matches!(self.lifecycle.state(), State::Parked { .. }) {
                    self.last_lines = lines;
                }
                Vec::new()
            }
            Note::Delayed(generation) if generation == self.generation => vec![Event::Delayed],
            Note::Delayed(_) => Vec::new(),
            Note::Done(done) => self.done(done),
            Note::Ended { ended, over_cap } => vec![Event::Exited(self.ended(ended, over_cap))],
        }
    }

    pub(super) fn connected(&mut self, greeted: Handshake) -> Vec<Event> {
        let report = greeted.hello.report.clone();
        let outdated = greeted.hello.version != env!("CARGO_PKG_VERSION")
            || self.host.uids.outdates(&self.user, greeted.uid);
        let operations = greeted.hello.operations;
        let link = Connection::start(
            greeted,
            &self.user,
            Sinks { events: Arc::clone(&self.host.sink), downloads: self.host.downloads.clone() },
            self.allowance.clone(),
            self.host.metrics.clone(),
            self.generation,
            self.said.0.clone(),
        );
        let liveness = Liveness::new(Patience::of(&self.host.config), self.at());
        self.connection = Some(Connected { link, liveness, pong: None, report: report.clone(), operations });
        if let Some(worker) = &mut self.process {
            worker.greeted = true;
            worker.outdated = outdated;
        }
        self.host.metrics.boot_started(&self.user);
        let mut events = vec![Event::Connected];
        events.extend(self.reported(report));
        events
    }

    fn ended(&mut self, ended: Ended, over_cap: bool) -> ExitReason {
        self.hang_up();
        let worker = self.process.take();
        self.weight.put_down();
        let greeted = worker.as_ref().is_some_and(|worker| worker.greeted);
        let reason = worker.and_then(|worker| worker.last_word).unwrap_or_else(|| ended.reason(greeted));
        // To the worker the kernel's kill looks like a crash of the browser, or of the page.
        let died =
            matches!(reason, ExitReason::Crash { .. } | ExitReason::Hang { .. } | ExitReason::Stuck { .. });
        let reason = if over_cap && died { ExitReason::Oom } else { reason };
        let counted = self.lifecycle.reason_of(reason.clone());
        self.host.metrics.worker_ended(&counted);
        tracing::info!(user = %self.user, reason = counted.label(), "the worker ended");
        reason
    }

    pub(super) fn hear(&mut self, generation: u64, said: FromConnection) -> Vec<Event> {
        let at = self.at();
        let Some(connection) = self.connection.as_mut().filter(|_| generation == self.generation) else {
            return Vec::new();
        };
        match said {
            FromConnection::Report(report) => self.reported(report),
            FromConnection::Answering => {
                connection.liveness.answering(at);
                Vec::new()
            }
            FromConnection::Pong { id } => {
                if let Some(took) = connection.liveness.pong(id, at) {
                    connection.pong = Some(Pong { at: SystemTime::now(), took });
                    self.host.metrics.round_trip(took);
                }
                Vec::new()
            }
            FromConnection::Response { id, result, body } => self
                .calls
                .answer(id, result, body)
                .map(|told| Event::LogoutDone { told })
                .into_iter()
                .collect(),
            FromConnection::Closed(end) => {
                self.hang_up();
                let user = &self.user;
                match end {
                    LinkEnd::Violation(_) => {
                        tracing::error!(%user, %end, "the worker is cut off");
                        vec![Event::Violation]
                    }
                    LinkEnd::Failed => {
                        tracing::error!(%user, %end, "the worker is connected to anew");
                        vec![Event::LinkLost]
                    }
                    LinkEnd::Lost | LinkEnd::Resync => {
                        tracing::info!(%user, %end, "connection to the worker closed");
                        vec![if matches!(end, LinkEnd::Resync) { Event::Resync } else { Event::LinkLost }]
                    }
                }
            }
        }
    }

    fn reported(&mut self, report: SessionReport) -> Vec<Event> {
        let at = self.at();
        let standing = Standing::from(&report.state);
        if let (SessionState::Failed { reason }, Some(worker)) = (&report.state, &mut self.process) {
            worker.last_word = Some(reason.clone());
        }
        self.host.lacks.tell(&self.user, &report);
        if let Some(connection) = &mut self.connection {
            connection.liveness.report(report.state.is_ready(), at);
            if report.state.is_ready() {
                self.host.metrics.boot_ready(&self.user);
            }
            connection.report = report;
        }
        vec![Event::Report(standing)]
    }

    pub(super) fn verdict(&mut self, ticket: Ticket, verdict: Verdict) -> Vec<Event> {
        match (&self.place, verdict) {
            (Some(place), Verdict::Admitted) if place.ticket() == ticket => vec![Event::Admitted],
            (Some(place), Verdict::Waiting { wait }) if place.ticket() == ticket => {
                vec![Event::Waiting { wait }]
            }
            (Some(place), Verdict::GiveWay) if place.ticket() == ticket => {
                tracing::info!(user = %self.user, "nobody looks at this code, and others wait for the place");
                vec![Event::GiveWay]
            }
            _ => Vec::new(), // the wish was withdrawn
        }
    }
}
