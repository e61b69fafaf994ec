//! Several hosts, an engine and the network between them, played event by event from a seed.
//!
//! Owns true time and the referee. A host that stood still has its timers looked at before its browsers run on: what a
//! browser does in the milliseconds before that is no overlap here, but to take its connection back in them is a harm.

mod network;

use std::collections::BTreeMap;

use colmeia::UserId;

use super::dice::Dice;
use super::engine::Engine;
use super::faults::{Fault, Faults};
use super::host::{Browser, Host};
use crate::moment::Moment;
use crate::names::{HostId, Key};
use crate::ownership::rules::Rules;
use crate::ownership::words::{Effect, Event, Notice, Outcome, Run, Why, WriteId};
use crate::ownership::{Machine, Settings};
use crate::records::{Record, Revision};

const SECOND: u64 = 1_000_000;
/// Faults come until then.
const CALM: u64 = 130 * SECOND;
/// And then everything has this long to be well again: a lease to be waited out, faults that last, a fencing, claims.
const END: u64 = CALM + 150 * SECOND;
/// So long nothing has happened to a host that is innocent.
const INNOCENT: u64 = 27 * SECOND;

/// What must never happen.
#[derive(Debug)]
#[allow(dead_code)] // read by whoever sees a failing schedule
pub(super) enum Harm {
    /// Two browsers of one user ran.
    Overlap { user: UserId, hosts: Vec<HostId>, seconds: u64 },
    /// A page took its connection back from the user's owner.
    TakenOver { user: UserId, by: HostId, seconds: u64 },
    /// A host was fenced to which nothing had happened.
    Innocent { host: HostId, by: HostId, seconds: u64 },
    /// Somebody has no browser long after everything was well.
    Idle { user: UserId, record: String },
}

/// What the schedules went through; a search that never came there has found nothing.
#[derive(Debug, Default)]
pub(super) struct Tally {
    steps: u64,
    starts: u64,
    joins: u64,
    lapses: u64,
    fenced: u64,
    freezes: u64,
    thaws: u64,
    moves: u64,
    taken_over: u64,
    resumed: u64,
    left: u64,
    /// Steps in which another program had the name.
    strangers: u64,
}

impl Tally {
    pub(super) fn has_all(&self) {
        let Self { steps: _, starts, joins, lapses, fenced, freezes, thaws, .. } = self;
        let Self { moves, taken_over, resumed, left, strangers, .. } = self;
        let all =
            [starts, joins, lapses, fenced, freezes, thaws, moves, taken_over, resumed, left, strangers];
        assert!(all.iter().all(|count| **count >= 50), "{self:?}");
    }
}

#[derive(Debug)]
enum What {
    Tick { host: usize, tick: u64 },
    Wake { host: usize },
    Begin { host: usize },
    Request { host: usize, program: u64, request: Request },
    Deliver { host: usize, program: u64, event: Event },
    Ended { host: usize, user: UserId, program: u64, run: Run },
    Act { host: usize, user: UserId, until: Moment },
    Connect { host: usize },
    Fault,
}

#[derive(Debug, Clone)]
enum Request {
    Write { write: WriteId, expected: Option<Revision>, record: Record, sent: u64 },
    ReadHost(HostId),
    ReadUser(UserId),
}

pub(super) struct World {
    now: u64,
    /// What is to happen, by when and in which order it was planned.
    items: BTreeMap<(u64, u64), What>,
    count: u64,
    dice: Dice,
    faults: Faults,
    rules: Rules,
    engine: Engine,
    hosts: Vec<Host>,
    users: Vec<UserId>,
    harm: Option<Harm>,
    /// `COLMEIA_TRACE` prints every step.
    trace: bool,
}

impl World {
    pub(super) fn new(seed: u64, rules: Rules, compares: bool) -> Self {
        let mut dice = Dice::new(seed);
        let faults = Faults::draw(&mut dice);
        let count = dice.range(2, 5);
        let host = |number: u64, dice: &mut Dice| {
            let id = format!("h{number}").parse().expect("valid");
            Host::new(id, 1_000_000 + dice.range(0, 60_000) - 30_000, dice.range(0, 1000) * SECOND)
        };
        let mut hosts: Vec<Host> = (0..count).map(|number| host(number, &mut dice)).collect();
        if dice.percent(6) {
            hosts.push(host(0, &mut dice)); // two were given one name by mistake
        }
        let users =
            (0..dice.range(1, 6)).map(|number| format!("u{number}").parse().expect("valid")).collect();
        let engine = Engine::new(compares);
        let mut world = Self {
            now: 0,
            items: BTreeMap::new(),
            count: 0,
            dice,
            faults,
            rules,
            engine,
            hosts,
            users,
            harm: None,
            trace: std::env::var_os("COLMEIA_TRACE").is_some(),
        };
        for host in 0..world.hosts.len() {
            let soon = world.dice.range(0, 3 * SECOND);
            world.after(soon, What::Begin { host });
        }
        world.after(30 * SECOND, What::Fault);
        world
    }

    fn after(&mut self, passed: u64, what: What) {
        self.count += 1;
        self.items.insert((self.now + passed, self.count), what);
    }

    pub(super) fn run(&mut self, tally: &mut Tally) -> Result<(), Harm> {
        for at in 0..self.users.len() {
            let (host, user) = (self.dice.index(self.hosts.len()), self.users[at].clone());
            self.after(5 * SECOND, What::Deliver { host, program: 1, event: Event::Want(user, true) });
        }
        while let Some(((at, _), what)) = self.items.pop_first() {
            if at > END {
                break;
            }
            self.now = at;
            self.happen(what, tally);
            self.judge();
            if let Some(harm) = self.harm.take() {
                return Err(harm);
            }
        }
        self.all_run()
    }

    /// Nobody has two browsers.
    fn judge(&mut self) {
        for user in &self.users {
            let run = self.hosts.iter().filter(|host| host.runs(user, self.now));
            if run.clone().count() > 1 {
                let hosts = run.map(|host| host.id.clone()).collect();
                let (user, seconds) = (user.clone(), self.now / SECOND);
                self.harm.get_or_insert(Harm::Overlap { user, hosts, seconds });
            }
        }
    }

    /// Who is wanted runs, if there is a host.
    fn all_run(&self) -> Result<(), Harm> {
        if self.hosts.iter().all(|host| host.has_left) {
            return Ok(());
        }
        for user in &self.users {
            let record = self.engine.records.get(&Key::user(user));
            let is_wanted = matches!(record, Some((_, Record::User(_, record))) if record.wanted);
            if is_wanted && !self.hosts.iter().any(|host| host.runs(user, self.now)) {
                return Err(Harm::Idle { user: user.clone(), record: format!("{record:?}") });
            }
        }
        Ok(())
    }

    fn happen(&mut self, what: What, tally: &mut Tally) {
        match what {
            What::Tick { host, tick } => {
                if self.hosts[host].ticks == tick {
                    self.tell(host, Event::Tick, tally);
                }
            }
            What::Wake { host } => self.wake(host, tally),
            What::Begin { host } => self.begin(host, tally),
            What::Request { host, program, request } => self.request(host, program, request),
            What::Deliver { host, program, event } => {
                if self.hosts[host].program == program && self.hosts[host].machine.is_some() {
                    self.tell(host, event, tally);
                }
            }
            What::Ended { host, user, program, run } => {
                // One that the next program has adopted meanwhile is begun again by its session, and one that was
                // killed meanwhile is not the one that runs.
                let is_it = |one: &Browser| one.run == run;
                if self.hosts[host].program == program
                    && self.hosts[host].browsers.get(&user).is_some_and(is_it)
                {
                    self.hosts[host].browsers.remove(&user);
                }
                self.after(0, What::Deliver { host, program, event: Event::Stopped(user, run) });
            }
            What::Act { host, user, until } => self.act(host, &user, until, tally),
            What::Connect { host } => self.connect(host),
            What::Fault => self.fault(),
        }
    }

    /// Tells a program something, now or when it goes on.
    fn tell(&mut self, at: usize, event: Event, tally: &mut Tally) {
        let now = self.now;
        let host = &mut self.hosts[at];
        if now < host.still() {
            if event != Event::Tick {
                host.inbox.push_back(event);
            }
            return;
        }
        let clock = host.clock(now);
        let Some(machine) = &mut host.machine else { return };
        tally.steps += 1;
        let said = self.trace.then(|| format!("{event:?}"));
        let effects = machine.step(clock, event);
        if let Some(said) = said {
            println!("{:4}.{:06} {} {said} -> {effects:?}", now / SECOND, now % SECOND, host.id);
        }
        if now < CALM
            && self.faults.stumbles > 0
            && self.dice.percent(self.faults.stumbles)
            && !effects.is_empty()
        {
            let until = now + Faults::length(&mut self.dice);
            if self.dice.percent(50) {
                self.hosts[at].stopped = until
            } else {
                self.hosts[at].asleep = until
            }
            self.touched(at, until);
            self.after(until - now, What::Wake { host: at });
            if self.dice.percent(50) {
                self.hosts[at].deferred = effects;
                return;
            }
        }
        self.carry_out(at, effects, tally);
        self.set_timer(at);
    }

    fn set_timer(&mut self, at: usize) {
        let now = self.now;
        let host = &mut self.hosts[at];
        host.ticks += 1;
        let tick = host.ticks;
        if let Some(next) = host.machine.as_ref().and_then(Machine::next) {
            // Timers are late, never early.
            let passed = host.until(next, now) + self.dice.range(0, 20_000);
            self.after(passed, What::Tick { host: at, tick });
        }
    }

    fn wake(&mut self, at: usize, tally: &mut Tally) {
        if self.now < self.hosts[at].still() {
            return;
        }
        let now = self.now;
        let deferred = std::mem::take(&mut self.hosts[at].deferred);
        self.carry_out(at, deferred, tally);
        let mut inbox = std::mem::take(&mut self.hosts[at].inbox);
        // A page that another browser displaced meanwhile says so at once.
        let displaced: Vec<UserId> = (self.users.iter())
            .filter(|user| self.hosts[at].browsers.contains_key(*user))
            .filter(|user| {
                (0..self.hosts.len()).any(|other| other != at && self.hosts[other].runs(user, now))
            })
            .cloned()
            .collect();
        for user in displaced {
            inbox.push_front(Event::Conflict(user));
        }
        if self.dice.percent(50) {
            inbox.push_front(Event::Tick);
        } else {
            inbox.push_back(Event::Tick);
        }
        for event in inbox {
            self.tell(at, event, tally);
        }
    }

    fn touched(&mut self, at: usize, until: u64) {
        let host = &mut self.hosts[at];
        host.harmed = host.harmed.max(until);
    }

    fn begin(&mut self, at: usize, tally: &mut Tally) {
        let (rules, now) = (self.rules, self.now);
        let host = &mut self.hosts[at];
        if host.machine.is_some() || host.has_left {
            return;
        }
        host.program += 1;
        let settings = Settings {
            host: host.id.clone(),
            instance: host.program * 100 + at as u64,
            address: String::new(),
            capacity: 10,
            can_freeze: true,
            other: BTreeMap::new(),
        };
        let clock = host.clock(now);
        if host.kept.is_none() {
            // No two programs have the same, whatever their host's name is.
            host.instance = host.program * 100 + at as u64;
        } else {
            tally.resumed += 1;
        }
        host.machine = Some(match host.kept.take() {
            Some(kept) => Machine::resume_with(settings, &kept, clock, rules),
            None => Machine::begin_with(settings, clock, rules),
        });
        host.browsers.values_mut().for_each(|browser| browser.is_fed = false);
        host.watches = false;
        self.touched(at, now);
        self.tell(at, Event::Tick, tally);
        self.after(0, What::Connect { host: at });
    }

    fn carry_out(&mut self, at: usize, effects: Vec<Effect>, tally: &mut Tally) {
        for effect in effects {
            self.effect(at, effect, tally);
        }
    }

    fn effect(&mut self, at: usize, effect: Effect, tally: &mut Tally) {
        let program = self.hosts[at].program;
        let request = match effect {
            Effect::Write { write, expected, record } => {
                if self.dice.percent(70) {
                    let event = Event::Answered { write, outcome: Outcome::Unknown };
                    self.after(2 * SECOND, What::Deliver { host: at, program, event });
                }
                Request::Write { write, expected, record, sent: self.now }
            }
            Effect::ReadHost(host) => Request::ReadHost(host),
            Effect::ReadUser(user) => Request::ReadUser(user),
            other => return self.locally(at, other, tally),
        };
        let passed = self.delay(at);
        self.after(passed, What::Request { host: at, program, request });
    }

    fn locally(&mut self, at: usize, effect: Effect, tally: &mut Tally) {
        let program = self.hosts[at].program;
        let host = &mut self.hosts[at];
        match effect {
            Effect::Feed(until) => {
                host.fed = until;
                host.browsers.values_mut().filter(|one| one.is_fed).for_each(|one| one.until = until);
            }
            Effect::Freeze => {
                tally.freezes += 1;
                host.frozen = true;
            }
            Effect::Thaw => {
                tally.thaws += 1;
                host.frozen = false;
            }
            Effect::Kill(round) => {
                host.browsers.clear();
                host.frozen = false;
                let passed = self.dice.range(10_000, 3 * SECOND);
                self.after(passed, What::Deliver { host: at, program, event: Event::Emptied(round) });
            }
            Effect::Start { user, run, until, .. } => {
                tally.starts += 1;
                host.browsers.insert(user, Browser { run, until, is_fed: true });
            }
            Effect::Stop(user, Why::Lost) => {
                host.browsers.remove(&user);
            }
            Effect::Stop(user, why) => {
                tally.moves += u64::from(why == Why::Moved);
                let Some(run) = host.browsers.get(&user).map(|one| one.run) else { return };
                let passed = self.dice.range(0, 3 * SECOND);
                self.after(passed, What::Ended { host: at, user, program, run });
            }
            Effect::TakeOver(user, until) => {
                // The page has a wait of its own before it acts.
                let passed = if self.rules.take_over_waits { self.dice.range(0, 10 * SECOND) } else { 0 };
                self.after(passed, What::Act { host: at, user, until });
            }
            Effect::Tell(notice) => match notice {
                Notice::Joined(_) => tally.joins += 1,
                Notice::Lapsed(_) => tally.lapses += 1,
                Notice::Fenced => {}
                Notice::FencedOther(_) => tally.fenced += 1,
                Notice::NameTaken => tally.strangers += 1,
                Notice::Left => {
                    tally.left += 1;
                    host.has_left = true;
                }
            },
            Effect::Write { .. } | Effect::ReadHost(_) | Effect::ReadUser(_) => {}
        }
    }

    /// A page takes its connection back, which closes that of any other browser.
    fn act(&mut self, at: usize, user: &UserId, until: Moment, tally: &mut Tally) {
        let now = self.now;
        if now < self.hosts[at].asleep {
            let passed = self.hosts[at].asleep - now;
            let (host, user) = (at, user.clone());
            return self.after(passed, What::Act { host, user, until });
        }
        // It looks at the clock, and only then acts; a worker that was frozen does so when it is thawed.
        let is_there = self.hosts[at].browsers.contains_key(user) || !self.rules.take_over_waits;
        if self.hosts[at].frozen || !is_there || self.hosts[at].clock(now) >= until {
            return;
        }
        tally.taken_over += 1;
        let owner = (0..self.hosts.len()).find(|other| *other != at && self.hosts[*other].runs(user, now));
        if owner.is_some() {
            let (user, by, seconds) = (user.clone(), self.hosts[at].id.clone(), now / SECOND);
            self.harm.get_or_insert(Harm::TakenOver { user, by, seconds });
        }
    }

    fn fault(&mut self) {
        if self.now >= CALM {
            return;
        }
        let pause = self.faults.pause(&mut self.dice);
        self.after(pause, What::Fault);
        if self.faults.kinds.is_empty() {
            return;
        }
        let kind = self.faults.kinds[self.dice.index(self.faults.kinds.len())];
        let at = self.dice.index(self.hosts.len());
        let user = self.users[self.dice.index(self.users.len())].clone();
        let other = self.hosts[self.dice.index(self.hosts.len())].id.clone();
        let length = Faults::length(&mut self.dice);
        let (now, until, program) = (self.now, self.now + length, self.hosts[at].program);
        if self.trace {
            println!("{:4}.{:06} {} {kind:?} for {length} us", now / SECOND, now % SECOND, self.hosts[at].id);
        }
        let host = &mut self.hosts[at];
        let said = match kind {
            Fault::Stop => {
                host.stopped = host.stopped.max(until);
                self.after(length, What::Wake { host: at });
                return self.touched(at, until);
            }
            Fault::Sleep => {
                host.asleep = host.asleep.max(until);
                self.after(length, What::Wake { host: at });
                return self.touched(at, until);
            }
            Fault::CutOut | Fault::CutIn | Fault::Cut => {
                if kind != Fault::CutIn {
                    host.cut_out = host.cut_out.max(until);
                }
                if kind != Fault::CutOut {
                    host.cut_in = host.cut_in.max(until);
                }
                return self.touched(at, until);
            }
            Fault::Gap => {
                self.engine.away = self.engine.away.max(until);
                return (0..self.hosts.len()).for_each(|at| self.lose_watch(at));
            }
            Fault::Crash | Fault::Upgrade | Fault::Reboot => {
                host.kept = host.machine.take().filter(|_| kind == Fault::Upgrade).and_then(|one| one.kept());
                host.inbox.clear();
                host.deferred.clear();
                if kind == Fault::Reboot {
                    host.browsers.clear();
                    host.frozen = false;
                }
                self.after(length, What::Begin { host: at });
                return self.touched(at, until);
            }
            Fault::Conflict if host.runs(&user, now) => Event::Conflict(user),
            Fault::Conflict => return,
            Fault::Want => Event::Want(user, self.dice.percent(60)),
            Fault::Move => Event::Move(user, other),
            // One of them stays, and has its name to itself.
            Fault::Leave
                if at > 0 && self.hosts.iter().filter(|one| one.id == self.hosts[0].id).count() == 1 =>
            {
                if !self.dice.percent(20) {
                    return;
                }
                Event::Leave
            }
            Fault::Leave => return,
        };
        self.after(0, What::Deliver { host: at, program, event: said });
    }
}
