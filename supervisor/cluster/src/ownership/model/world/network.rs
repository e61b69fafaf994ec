//! The network: it delays, loses and reorders requests and answers; what is watched comes in order, as TCP brings it.

use super::{CALM, Harm, INNOCENT, Request, SECOND, What, World};
use crate::names::Key;
use crate::ownership::words::{By, Event, Outcome};
use crate::records::{HostState, Record, Revision};

impl World {
    pub(super) fn delay(&mut self, at: usize) -> u64 {
        if self.now < CALM && self.dice.percent(self.faults.slow) {
            let passed = self.dice.range(SECOND / 10, 12 * SECOND);
            self.touched(at, self.now + passed);
            return passed;
        }
        self.dice.range(500, 30_000)
    }

    pub(super) fn request(&mut self, at: usize, program: u64, request: Request) {
        let now = self.now;
        if now < self.hosts[at].cut_out {
            return;
        }
        if now < self.engine.away {
            if self.dice.percent(30) {
                let passed = self.engine.away - now + self.dice.range(0, SECOND);
                self.after(passed, What::Request { host: at, program, request });
            }
            return;
        }
        let event = match request {
            Request::ReadHost(host) => {
                let found = match self.engine.records.get(&Key::host(&host)) {
                    Some((revision, Record::Host(_, record))) => Some((*revision, record.clone())),
                    _ => None,
                };
                Event::SawHost { host, found, by: By::Read }
            }
            Request::ReadUser(user) => {
                let found = match self.engine.records.get(&Key::user(&user)) {
                    Some((revision, Record::User(_, record))) => Some((*revision, record.clone())),
                    _ => None,
                };
                Event::SawUser { user, found }
            }
            Request::Write { write, expected, record, sent } => {
                let outcome = self.engine.write(expected, &record);
                if let Outcome::Done(revision) = outcome {
                    self.applied(at, revision, &record, sent);
                }
                Event::Answered { write, outcome }
            }
        };
        if now < self.hosts[at].cut_in {
            return;
        }
        if now < CALM && self.dice.percent(self.faults.lost) {
            return self.touched(at, now);
        }
        let passed = self.delay(at);
        self.after(passed, What::Deliver { host: at, program, event });
    }

    /// A change is told to whoever watches, and the referee looks at fencings: what counts is when they were decided.
    fn applied(&mut self, by: usize, revision: Revision, record: &Record, sent: u64) {
        if let Record::Host(host, record) = record
            && record.state == HostState::Dead
            && *host != self.hosts[by].id
            && let Some(fenced) = self.hosts.iter().find(|one| one.instance == record.instance)
            && fenced.machine.is_some()
            && !fenced.has_left
            && sent.saturating_sub(fenced.harmed) > INNOCENT
        {
            let (host, by, seconds) = (host.clone(), self.hosts[by].id.clone(), self.now / SECOND);
            self.harm.get_or_insert(Harm::Innocent { host, by, seconds });
        }
        for at in 0..self.hosts.len() {
            if self.hosts[at].watches {
                if self.now < self.hosts[at].cut_in {
                    self.lose_watch(at);
                } else {
                    self.show(at, revision, record.clone());
                }
            }
        }
    }

    fn show(&mut self, at: usize, revision: Revision, record: Record) {
        let passed = self.delay(at);
        let host = &mut self.hosts[at];
        host.watched = host.watched.max(self.now + passed);
        let (passed, program) = (host.watched - self.now, host.program);
        let event = match record {
            Record::Host(host, record) => {
                Event::SawHost { host, found: Some((revision, record)), by: By::Watch }
            }
            Record::User(user, record) => Event::SawUser { user, found: Some((revision, record)) },
        };
        self.after(passed, What::Deliver { host: at, program, event });
    }

    pub(super) fn lose_watch(&mut self, at: usize) {
        self.hosts[at].watches = false;
        let program = self.hosts[at].program;
        if self.dice.percent(50) {
            let passed = self.dice.range(0, 3 * SECOND);
            self.after(passed, What::Deliver { host: at, program, event: Event::WatchLost });
        }
        self.after(SECOND, What::Connect { host: at });
    }

    /// Watches from now on, beginning with what is there.
    pub(super) fn connect(&mut self, at: usize) {
        let host = &self.hosts[at];
        if host.watches || host.machine.is_none() {
            return;
        }
        if self.now < host.cut_in.max(host.cut_out).max(self.engine.away).max(host.still()) {
            return self.after(SECOND, What::Connect { host: at });
        }
        self.hosts[at].watches = true;
        let mut all: Vec<_> = self.engine.records.values().cloned().collect();
        all.sort_by_key(|(revision, _)| *revision);
        for (revision, record) in all {
            self.show(at, revision, record);
        }
    }
}
