//! What is done to the machine under the service, for a while: its names, its disk, its descriptors, its places for
//! connections. And the page that flips.
//!
//! Each outage notes when it was, so that what may follow from it is allowed and nothing else, and how much of it was felt.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::flips;
use crate::flood::Flood;
use crate::schedule::{Kind, Planned};
use crate::sick::Health;
use crate::stage::{Flips, Stage, number};

/// How often it is looked whether something is felt.
const LOOK: Duration = Duration::from_millis(50);
/// How much longer an outage may last where it takes long until it is felt.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long after an outage what was begun in it may still wait: a connection in the queue, a pause before another try.
const AFTER: Duration = Duration::from_secs(5);
/// How long one of the slow disk's calls takes, where it does not take all the time there is.
const SLOW_CALL: Duration = Duration::from_millis(400);
/// Milliseconds between two flips of a page.
const FLIP_MS: u64 = 10;
/// How long a page may take to hear that it is over.
const HEARING: Duration = Duration::from_secs(10);
/// How long it flips: longer than what its quota lets through at once takes.
const FLIPPING: Duration = Duration::from_secs(12);

/// Begins it; it ends by itself. `false` when there was nobody to do it to.
pub(crate) async fn begin(stage: &Arc<Stage>, planned: &Planned) -> bool {
    let Planned { kind, user, lasts, .. } = *planned;
    // By chance, as the seed has it.
    let stands_still = lasts.as_millis() % 2 == 0;
    match kind {
        Kind::NamesAway => names_away(stage, lasts),
        Kind::DiskSlow => {
            let call = if stands_still { Duration::ZERO } else { SLOW_CALL };
            sicken(stage, kind, Health::Slow(call), lasts)
        }
        Kind::DiskErrors => sicken(stage, kind, Health::Failing, lasts),
        Kind::FewDescriptors => few_descriptors(stage, lasts),
        Kind::Flood => flood(stage, lasts),
        Kind::Flip => flip(stage, user).await,
        _ => false,
    }
}

fn names_away(stage: &Arc<Stage>, lasts: Duration) -> bool {
    let Some(names) = stage.props.names.clone() else { return false };
    let (from, before) = (stage.now(), names.unanswered());
    names.set_away(true);
    let stage = Arc::clone(stage);
    tokio::spawn(async move {
        sleep(lasts).await;
        // Longer where nobody has asked yet: receivers that were away before are left alone for a while.
        while names.unanswered() == before && stage.now() < from + lasts + PATIENCE {
            sleep(LOOK).await;
        }
        names.set_away(false);
        stage.felt(Kind::NamesAway, names.unanswered() - before);
        let until = stage.now();
        stage.notes().silences.push((from, until));
    });
    true
}

fn sicken(stage: &Arc<Stage>, kind: Kind, health: Health, lasts: Duration) -> bool {
    stage.hinder(kind, lasts);
    let from = stage.now();
    let Ok(before) = stage.props.sick.felt() else { return false };
    stage.notes().unwell.push((from, from + lasts + AFTER));
    let begun = stage.props.sick.set(health).is_ok();
    let stage = Arc::clone(stage);
    tokio::spawn(async move {
        sleep(lasts).await;
        if let Err(error) = stage.props.sick.set(Health::Well) {
            let at = stage.now();
            stage.notes().wrong.push((at, format!("the disk cannot be made well: {error}")));
        }
        if let Ok(after) = stage.props.sick.felt() {
            stage.felt(kind, if kind == Kind::DiskSlow { after.0 - before.0 } else { after.1 - before.1 });
        }
    });
    begun
}

/// The supervisor may open no more files than it has open.
fn few_descriptors(stage: &Arc<Stage>, lasts: Duration) -> bool {
    let pid = stage.supervisor();
    let Some(few) = open_files(pid) else { return false };
    stage.hinder(Kind::FewDescriptors, lasts);
    let from = stage.now();
    stage.notes().closed.push((from, from + lasts + AFTER));
    let begun = limit(pid, Some(few)).is_ok();
    let stage = Arc::clone(stage);
    tokio::spawn(async move {
        let mut full = 0;
        // A supervisor that was started meanwhile has its own limit.
        while stage.now() < from + lasts && stage.supervisor() == pid {
            full += u64::from(open_files(pid).is_some_and(|open| open >= few));
            sleep(LOOK).await;
        }
        stage.felt(Kind::FewDescriptors, full);
        if stage.supervisor() == pid
            && let Err(error) = limit(pid, None)
        {
            let at = stage.now();
            stage.notes().wrong.push((at, format!("the limit cannot be lifted: {error}")));
        }
    });
    begun
}

/// How many files the process has open.
fn open_files(pid: i32) -> Option<u64> {
    std::fs::read_dir(format!("/proc/{pid}/fd")).ok().map(|open| open.count() as u64)
}

/// From now on the process may have so many files open, or as many as we may; children of ours may have no more.
fn limit(pid: i32, most: Option<u64>) -> rustix::io::Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    prlimit(Pid::from_raw(pid), Resource::Nofile, Rlimit { current: most.or(maximum), maximum }).map(drop)
}

fn flood(stage: &Arc<Stage>, lasts: Duration) -> bool {
    stage.hinder(Kind::Flood, lasts);
    let Ok(address) = stage.address.borrow().parse() else { return false };
    let stage = Arc::clone(stage);
    tokio::spawn(async move {
        let until = stage.now() + lasts;
        let Ok(flood) = timeout(PATIENCE, Flood::open(address)).await else { return };
        let mut streams = flood.streams().await;
        while stage.now() < until {
            sleep(LOOK).await;
            streams = streams.max(flood.streams().await);
        }
        drop(flood);
        stage.felt(Kind::Flood, streams);
    });
    true
}

async fn flip(stage: &Arc<Stage>, user: usize) -> bool {
    let pages = stage.phone.pages().await;
    if !pages.iter().any(|page| page["number"] == number(user) && page["state"] == "main") {
        return false;
    }
    stage.hit(Kind::Flip, Some(user), FLIPPING + HEARING);
    let (from, from_ms) = (stage.now(), now_ms());
    let begun = set_flips(stage, user, FLIP_MS).await;
    let stage = Arc::clone(stage);
    tokio::spawn(async move {
        sleep(FLIPPING).await;
        // Where the page is gone, another one flips no more.
        set_flips(&stage, user, 0).await;
        sleep(HEARING).await;
        let flips = Flips { user, from, until: stage.now(), from_ms, until_ms: now_ms() };
        stage.notes().flips.push(flips);
        // As long as the journal has its rows.
        flips::account(&stage).await;
    });
    begun
}

async fn set_flips(stage: &Stage, user: usize, every_ms: u64) -> bool {
    let fault = json!({"number": number(user), "fault": "flip", "value": every_ms});
    stage.phone.post("/phone/fault", fault).await.0 == 200
}

/// As events have it.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
