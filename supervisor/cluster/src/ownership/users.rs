//! The users: whose record says what, which of them are ours, and which of those run.
//!
//! Owns what follows from a user's record. One function ([`Users::settle`]) compares what is there with what ought to be,
//! whatever has changed, so that no order of events has a rule of its own. A user is ours when its record names this host
//! and the lease's epoch; that we asked for it is no reason. A write without an answer may apply at any time, so nobody
//! who has given a user away begins it again before a newer revision has settled that.

use std::collections::{BTreeMap, BTreeSet};

use colmeia::UserId;

use super::observer::{Observer, Standing};
use super::placing::rank;
use super::rules::Rules;
use super::times::{CLAIMS_AT_ONCE, RANK_STEP, REREAD, STOP_AGAIN, TRY};
use super::words::{Effect, Out, Outcome, Run, Why, WriteId};
use crate::moment::Moment;
use crate::names::HostId;
use crate::records::{Record, Revision, UserRecord};

/// What a decision about a user rests on beside the user itself.
pub(super) struct Sight<'a> {
    pub(super) now: Moment,
    pub(super) me: &'a HostId,
    /// The lease's epoch, frozen or not.
    pub(super) epoch: Option<u64>,
    /// Until when workers may run, if users may be started and claimed now.
    pub(super) until: Option<Moment>,
    pub(super) observer: &'a Observer,
    /// How many users this host takes.
    pub(super) capacity: u32,
    pub(super) leaving: bool,
}

impl Sight<'_> {
    fn owns(&self, record: &UserRecord) -> bool {
        record.host.as_ref() == Some(self.me) && Some(record.epoch) == self.epoch
    }

    /// Whether nobody can own the user in the epoch that the record names.
    fn is_free(&self, record: &UserRecord) -> bool {
        match &record.host {
            None => true,
            Some(host) if host == self.me => self.epoch.is_some_and(|epoch| epoch > record.epoch),
            Some(host) => self.observer.standing(host, record.epoch) == Standing::Over,
        }
    }
}

/// What we have of a user that is ours.
#[derive(Debug, Clone)]
struct Mine {
    /// The revision at which it became ours.
    token: Revision,
    /// Its newest browser.
    run: Run,
    /// It was started, and is not known to be gone.
    is_alive: bool,
    /// When it was last told to end.
    ending: Option<Moment>,
    /// Where it is to go.
    to: Option<HostId>,
    /// A write that gives it away was sent.
    is_given: bool,
    /// When its record is read again.
    reread: Moment,
}

impl Mine {
    fn why_it_ends(&self) -> Why {
        if self.to.is_some() { Why::Moved } else { Why::Unwanted }
    }
}

/// A write that has not been settled. All tries expect the same revision, so one of them applies at most.
#[derive(Debug, Clone)]
struct Pending {
    tries: Vec<(WriteId, UserRecord)>,
    expected: Option<Revision>,
    until: Moment,
    is_claim: bool,
}

#[derive(Debug, Clone, Default)]
struct User {
    known: Option<(Revision, UserRecord)>,
    mine: Option<Mine>,
    pending: Option<Pending>,
    wanted: Option<bool>,
    snapshot: Option<String>,
    /// Since when nobody owns it.
    free: Option<Moment>,
}

#[derive(Debug, Clone)]
pub(super) struct Users {
    rules: Rules,
    all: BTreeMap<UserId, User>,
    owned: BTreeSet<UserId>,
    writing: BTreeSet<UserId>,
    /// Those that nobody owns, and when we may claim them.
    free: BTreeMap<UserId, Option<Moment>>,
    candidates: Vec<HostId>,
    conflicts: BTreeMap<UserId, Moment>,
    runs: u64,
}

impl Users {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            all: BTreeMap::new(),
            owned: BTreeSet::new(),
            writing: BTreeSet::new(),
            free: BTreeMap::new(),
            candidates: Vec::new(),
            conflicts: BTreeMap::new(),
            runs: 0,
        }
    }

    fn claims(&self) -> usize {
        let is_claim = |user: &&UserId| self.all[*user].pending.as_ref().is_some_and(|one| one.is_claim);
        self.writing.iter().filter(is_claim).count()
    }

    /// For how many more there is room.
    pub(super) fn room(&self, capacity: u32) -> u32 {
        capacity.saturating_sub(u32::try_from(self.owned.len() + self.claims()).unwrap_or(u32::MAX))
    }

    /// Whether nothing is ours, and nothing may become ours.
    pub(super) fn is_empty(&self) -> bool {
        self.owned.is_empty() && self.claims() == 0
    }

    /// The lease is gone, and every process with it.
    pub(super) fn drop_all(&mut self) {
        for name in std::mem::take(&mut self.owned) {
            if let Some(user) = self.all.get_mut(&name) {
                (user.mine, user.snapshot) = (None, None);
            }
        }
        for name in std::mem::take(&mut self.writing) {
            if let Some(user) = self.all.get_mut(&name) {
                user.pending = None;
            }
        }
        self.conflicts.clear();
        self.free.clear();
    }

    pub(super) fn saw(
        &mut self,
        name: &UserId,
        found: Option<(Revision, UserRecord)>,
        sight: &Sight<'_>,
        out: &mut Out,
    ) {
        let user = self.all.entry(name.clone()).or_default();
        let Some((revision, record)) = found else {
            user.known = None; // records are never removed by us
            return self.settle(name, sight, out);
        };
        if user.known.as_ref().is_some_and(|(known, _)| *known >= revision) {
            return;
        }
        if user.pending.as_ref().is_some_and(|pending| pending.expected < Some(revision)) {
            user.pending = None;
            self.writing.remove(name);
        }
        user.known = Some((revision, record));
        self.settle(name, sight, out);
    }

    /// The answer to a write of ours, if it is one that is not settled.
    pub(super) fn answered(
        &mut self,
        write: WriteId,
        outcome: Outcome,
        sight: &Sight<'_>,
        out: &mut Out,
    ) -> bool {
        let is_it = |user: &User| {
            let pending = user.pending.as_ref()?;
            pending.tries.iter().find(|(one, _)| *one == write).map(|(_, record)| record.clone())
        };
        let found = self.writing.iter().find_map(|name| Some((name.clone(), is_it(&self.all[name])?)));
        let Some((name, record)) = found else { return false };
        match outcome {
            Outcome::Done(revision) => self.saw(&name, Some((revision, record)), sight, out),
            Outcome::Refused => out.push(Effect::ReadUser(name)),
            Outcome::Unknown => {}
        }
        true
    }

    /// Looks at all again: the lease or another host has changed.
    pub(super) fn settle_all(&mut self, sight: &Sight<'_>, out: &mut Out) {
        let names: Vec<UserId> = self.all.keys().cloned().collect();
        for name in names {
            self.settle(&name, sight, out);
        }
    }

    /// What a user's record and our wishes come to.
    fn settle(&mut self, name: &UserId, sight: &Sight<'_>, out: &mut Out) {
        let Some(user) = self.all.get_mut(name) else { return };
        let record = user.known.as_ref().map(|(_, record)| record);
        let is_owned = record.is_some_and(|record| sight.owns(record));
        if record.is_some_and(|record| user.wanted == Some(record.wanted)) {
            user.wanted = None;
        }
        if let Some((revision, record)) = &user.known
            && is_owned
        {
            if record.snapshot == user.snapshot {
                user.snapshot = None;
            }
            let mine = user.mine.get_or_insert_with(|| Mine {
                token: *revision,
                run: Run(0),
                is_alive: false,
                ending: None,
                to: None,
                is_given: false,
                // Spread, so that what was claimed together is not read together.
                reread: sight.now + REREAD / 2 + REREAD * u32::try_from(revision.0 % 16).unwrap_or(0) / 32,
            });
            self.owned.insert(name.clone());
            if mine.to.as_ref().is_some_and(|to| sight.observer.live(to).is_none()) && !mine.is_given {
                mine.to = None;
            }
            let runs = user.wanted.unwrap_or(record.wanted) && mine.to.is_none();
            if !runs && mine.is_alive && mine.ending.is_none() {
                mine.ending = Some(sight.now);
                self.conflicts.remove(name); // it was this browser's
                out.push(Effect::Stop(name.clone(), mine.why_it_ends()));
            }
            if runs
                && !mine.is_alive
                && let Some(until) = sight.until
            {
                self.runs += 1;
                (mine.run, mine.is_alive, mine.ending) = (Run(self.runs), true, None);
                let run = mine.run;
                let (user, token, snapshot) = (name.clone(), mine.token, record.snapshot.clone());
                out.push(Effect::Start { user, run, token, snapshot, until });
            }
        } else {
            self.owned.remove(name);
            self.conflicts.remove(name);
            user.snapshot = None;
            if user.mine.take().is_some_and(|mine| mine.is_alive) {
                out.push(Effect::Stop(name.clone(), Why::Lost));
            }
        }
        let is_free = !is_owned
            && sight.epoch.is_some()
            && user.known.as_ref().is_some_and(|(_, record)| {
                user.wanted.unwrap_or(record.wanted) && record.wanted && sight.is_free(record)
            });
        if is_free {
            let since = *user.free.get_or_insert(sight.now);
            let last = user.known.as_ref().and_then(|(_, record)| record.host.as_ref());
            let rank = rank(name, last, sight.me, &self.candidates);
            self.free.insert(name.clone(), rank.map(|rank| since + RANK_STEP * rank));
        } else {
            user.free = None;
            self.free.remove(name);
        }
        self.write(name, sight, out);
    }

    /// Writes what the record ought to say, if it says something else and no write is under way.
    fn write(&mut self, name: &UserId, sight: &Sight<'_>, out: &mut Out) {
        let Some(user) = self.all.get_mut(name) else { return };
        let under_way = user.pending.as_ref().filter(|pending| pending.until > sight.now);
        if under_way.is_some() || sight.until.is_none() {
            return;
        }
        let mut record = user.known.as_ref().map(|(_, record)| record.clone()).unwrap_or_default();
        let may_claim = self.free.get(name).copied().flatten().is_some_and(|from| sight.now >= from);
        if let Some(wanted) = user.wanted {
            record.wanted = wanted;
        }
        let mut is_claim = false;
        if let Some(mine) = &mut user.mine {
            if user.snapshot.is_some() {
                record.snapshot.clone_from(&user.snapshot);
            }
            if !mine.is_alive && (mine.to.is_some() || (sight.leaving && !record.wanted)) {
                let to = mine.to.as_ref().and_then(|to| Some((to.clone(), sight.observer.live(to)?)));
                (record.host, record.epoch) = to.map_or((None, 0), |(host, epoch)| (Some(host), epoch));
                mine.is_given = true;
            }
        } else if may_claim
            && let Some(epoch) = sight.epoch
            && (user.pending.as_ref().is_some_and(|one| one.is_claim)
                || (self.room(sight.capacity) > 0 && self.claims() < CLAIMS_AT_ONCE))
        {
            (record.host, record.epoch, is_claim) = (Some(sight.me.clone()), epoch, true);
        }
        let Some(user) = self.all.get_mut(name) else { return };
        let known = user.known.as_ref();
        if known.map(|(_, record)| record) == Some(&record) || (known.is_none() && user.wanted.is_none()) {
            user.pending = None;
            self.writing.remove(name);
            return;
        }
        let expected = known.map(|(revision, _)| *revision);
        let write = out.write(expected, Record::User(name.clone(), record.clone()));
        let mut tries = user.pending.take().map(|pending| pending.tries).unwrap_or_default();
        tries.push((write, record));
        user.pending = Some(Pending { tries, expected, until: sight.now + TRY, is_claim });
        self.writing.insert(name.clone());
    }

    /// What is due by now: claims, tries that were not answered, records to be read again.
    pub(super) fn due(&mut self, sight: &Sight<'_>, out: &mut Out) {
        let mut candidates: Vec<HostId> = sight.observer.with_room().cloned().collect();
        if !sight.leaving && sight.until.is_some() && (self.room(sight.capacity) > 0 || self.claims() > 0) {
            candidates.push(sight.me.clone());
        }
        if candidates != self.candidates {
            self.candidates = candidates;
            let free: Vec<UserId> = self.free.keys().cloned().collect();
            free.iter().for_each(|name| self.settle(name, sight, out));
        }
        if sight.until.is_none() {
            return;
        }
        let is_due = |(name, from): (&UserId, &Option<Moment>)| {
            from.is_some_and(|from| sight.now >= from).then(|| name.clone())
        };
        let mut room = usize::try_from(self.room(sight.capacity)).unwrap_or(usize::MAX);
        room = room.min(CLAIMS_AT_ONCE.saturating_sub(self.claims()));
        let is_new = |name: &UserId| self.all[name].pending.is_none();
        let claims: Vec<UserId> = self.free.iter().filter_map(is_due).filter(is_new).take(room).collect();
        let late =
            |name: &&UserId| self.all[*name].pending.as_ref().is_some_and(|one| one.until <= sight.now);
        let late: Vec<UserId> = self.writing.iter().filter(late).cloned().collect();
        claims.iter().chain(&late).for_each(|name| self.write(name, sight, out));
        for name in &self.owned {
            let Some(mine) = self.all.get_mut(name).and_then(|user| user.mine.as_mut()) else { continue };
            if sight.now >= mine.reread {
                mine.reread = sight.now + REREAD;
                out.push(Effect::ReadUser(name.clone()));
            }
            if mine.ending.is_some_and(|told| sight.now.since(told) >= STOP_AGAIN) {
                mine.ending = Some(sight.now);
                out.push(Effect::Stop(name.clone(), mine.why_it_ends()));
            }
        }
    }

    /// When something is due next. What is due already and was not done waits for something else than time.
    pub(super) fn next(&self, now: Moment) -> Option<Moment> {
        let free = self.free.values().flatten().copied();
        let late = self.writing.iter().filter_map(|name| Some(self.all[name].pending.as_ref()?.until));
        let mine = self.owned.iter().filter_map(|name| self.all[name].mine.as_ref());
        let mine =
            mine.map(|mine| mine.ending.map_or(mine.reread, |told| mine.reread.min(told + STOP_AGAIN)));
        free.chain(late).chain(mine).filter(|at| *at > now).min()
    }

    /// A renewal that was sent at that moment is good: conflicts that came before it are nobody's who owns the user.
    pub(super) fn renewed(&mut self, sent: Moment, firm: Moment, out: &mut Out) {
        for name in self.conflicts.extract_if(.., |_, at| *at < sent).map(|(name, _)| name) {
            out.push(Effect::TakeOver(name, firm));
        }
    }

    /// Another browser has this user's connection.
    pub(super) fn conflict(&mut self, name: &UserId, now: Moment, out: &mut Out) {
        let mine = self.all.get(name).and_then(|user| user.mine.as_ref());
        let runs = mine.is_some_and(|mine| mine.is_alive && mine.ending.is_none());
        if runs && !self.rules.take_over_waits {
            out.push(Effect::TakeOver(name.clone(), Moment::since_boot(std::time::Duration::MAX)));
        } else if runs {
            self.conflicts.insert(name.clone(), now);
        }
    }

    pub(super) fn want(&mut self, name: &UserId, wanted: bool, sight: &Sight<'_>, out: &mut Out) {
        self.all.entry(name.clone()).or_default().wanted = Some(wanted);
        self.settle(name, sight, out);
    }

    pub(super) fn snapshot(&mut self, name: &UserId, at: String, sight: &Sight<'_>, out: &mut Out) {
        if let Some(user) = self.all.get_mut(name).filter(|user| user.mine.is_some()) {
            user.snapshot = Some(at);
        }
        self.settle(name, sight, out);
    }

    pub(super) fn hand_over(&mut self, name: &UserId, to: HostId, sight: &Sight<'_>, out: &mut Out) {
        if to != *sight.me
            && let Some(mine) = self.all.get_mut(name).and_then(|user| user.mine.as_mut())
            && !mine.is_given
        {
            mine.to = Some(to);
        }
        self.settle(name, sight, out);
    }

    /// A browser that was told to end is gone.
    pub(super) fn stopped(&mut self, name: &UserId, run: Run, sight: &Sight<'_>, out: &mut Out) {
        if let Some(mine) = self.all.get_mut(name).and_then(|user| user.mine.as_mut())
            && mine.run == run
            && mine.ending.take().is_some()
        {
            mine.is_alive = false;
        }
        self.settle(name, sight, out);
    }
}
