//! The disturbances themselves, and the service manager that starts a supervisor again which has ended.

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::bounds::{self, LEAK, RESTART_SEC};
use crate::harness::{Process, Service, descendants};
use crate::journal;
use crate::outages;
use crate::players::client;
use crate::schedule::{Kind, Planned, USERS};
use crate::stage::{Stage, id, number};

/// How long a phone that wants to log out waits until its browser has everything.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long after the others the last one may be replaced that need not have been.
const LAST_TURN: Duration = Duration::from_secs(10);
/// How long after a full disk something may still be refused that was begun in it.
const AFTER: Duration = Duration::from_secs(5);
/// How often it is looked who was replaced.
const LOOK: Duration = Duration::from_millis(200);

/// What the service manager is asked to do.
#[derive(Debug)]
pub(crate) enum Order {
    Kill,
    Reload,
    /// Stop, and stay stopped.
    Stop,
}

/// Does what was planned; `false` when there was nobody to do it to.
pub(crate) async fn make(stage: &Arc<Stage>, planned: &Planned, manager: &mpsc::Sender<Order>) -> bool {
    let Planned { kind, user, lasts, .. } = *planned;
    match kind {
        Kind::KillWorker | Kind::KillBrowser | Kind::KillRenderer => kill(stage, kind, user),
        Kind::Hang => fault(stage, kind, user, "hang", 600_000).await,
        Kind::Leak => fault(stage, kind, user, "leak", LEAK).await,
        Kind::LogOut => log_out(stage, user).await,
        Kind::KillSupervisor => manager.send(Order::Kill).await.is_ok(),
        Kind::Reload => manager.send(Order::Reload).await.is_ok(),
        Kind::ReceiverDown => {
            stage.webhook.set_down(true);
            let stage = Arc::clone(stage);
            tokio::spawn(async move {
                sleep(lasts).await;
                stage.webhook.set_down(false);
            });
            true
        }
        Kind::DiskFull => fill_disk(stage, lasts).await,
        Kind::Flip
        | Kind::NamesAway
        | Kind::DiskSlow
        | Kind::DiskErrors
        | Kind::FewDescriptors
        | Kind::Flood => outages::begin(stage, planned).await,
    }
}

fn kill(stage: &Stage, kind: Kind, user: usize) -> bool {
    let own = Service::workers().into_iter().find_map(|worker| {
        let below = descendants(worker.pid);
        let browser = below.iter().find(|process| process.is_browser_of(&id(user)))?.clone();
        Some((worker, browser, below.into_iter().find(Process::is_renderer)))
    });
    let target = match (kind, own) {
        (Kind::KillWorker, Some((worker, ..))) => worker,
        (Kind::KillBrowser, Some((_, browser, _))) => browser,
        (_, Some((.., Some(renderer)))) => renderer,
        _ => return false,
    };
    stage.hit(kind, Some(user), Duration::ZERO);
    target.signal(Signal::SIGKILL);
    true
}

async fn fault(stage: &Stage, kind: Kind, user: usize, fault: &str, value: u64) -> bool {
    let number = number(user);
    let pages = stage.phone.pages().await;
    if !pages.iter().any(|page| page["number"] == number && page["state"] == "main") {
        return false;
    }
    stage.hit(kind, Some(user), Duration::ZERO);
    let fault = json!({"number": number, "fault": fault, "value": value});
    stage.phone.post("/phone/fault", fault).await.0 == 200
}

/// A phone logs its browser out after everything that the browser has got is in the journal, for what is still on its way,
/// also within the page, is lost with the link, here as on the real network.
async fn log_out(stage: &Stage, user: usize) -> bool {
    let _pen = stage.pens[user].lock().await;
    let until = stage.now() + PATIENCE;
    let http = client();
    while stage.phone.queued(&number(user)).await > 0 || !is_kept(stage, &http, user).await {
        if stage.now() >= until {
            return false;
        }
        sleep(Duration::from_millis(100)).await;
    }
    stage.hit(Kind::LogOut, Some(user), Duration::ZERO);
    stage.notes().users[user].unlinked = true;
    stage.phone.post("/phone/logout", json!({"number": number(user)})).await.0 == 200
}

/// Whether the journal has the last message that was written to the user, and so all of them.
async fn is_kept(stage: &Stage, http: &reqwest::Client, user: usize) -> bool {
    let last = stage.notes().users[user].written.last().cloned();
    let Some(last) = last else { return true };
    let rows = journal::rows(stage, http, user, "message").await.unwrap_or_default();
    rows.iter().any(|row| row["payload"]["body"] == last)
}

async fn fill_disk(stage: &Arc<Stage>, lasts: Duration) -> bool {
    if stage.props.disk.is_none() {
        return false;
    }
    stage.hit(Kind::DiskFull, None, lasts);
    let from = stage.now();
    stage.notes().full.push((from, Duration::MAX));
    let of = Arc::clone(stage);
    let filled = spawn_blocking(move || of.props.disk.as_ref().map(crate::disk::Disk::fill)).await;
    let stage = Arc::clone(stage);
    tokio::spawn(async move {
        sleep(lasts).await;
        // Whoever lives now had a browser on a full disk.
        let met = living();
        let allowance = bounds::allowance(&stage.config, Kind::DiskFull, USERS, Duration::ZERO);
        let fills = {
            let mut notes = stage.notes();
            // And whoever is just starting may have had one by the supervisor's looks.
            notes.users.iter_mut().for_each(|user| user.readiness.await_replacement(allowance));
            notes.fills += 1;
            notes.fills
        };
        let freed = stage.props.disk.as_ref().map(crate::disk::Disk::free);
        let over = stage.now() + AFTER;
        if let Some((_, until)) = stage.notes().full.last_mut() {
            *until = over;
        }
        if let Some(Err(error)) = freed {
            let at = stage.now();
            stage.notes().wrong.push((at, format!("the disk cannot be emptied: {error}")));
        }
        all_replaced(&stage, met).await;
        sleep(LAST_TURN).await;
        let mut notes = stage.notes();
        if notes.fills == fills {
            notes.users.iter_mut().for_each(|user| user.readiness.was_not_replaced());
        }
    });
    matches!(filled, Ok(Some(Ok(()))))
}

/// The workers that have a browser, and whose they are.
fn living() -> Vec<(usize, Process)> {
    let mut living = Vec::new();
    for worker in Service::workers() {
        let below = descendants(worker.pid);
        let of = (0..USERS).find(|user| below.iter().any(|process| process.is_browser_of(&id(*user))));
        living.extend(of.map(|user| (user, worker)));
    }
    living
}

/// Sees to it that none of these workers goes on for ever.
async fn all_replaced(stage: &Stage, mut met: Vec<(usize, Process)>) {
    let until = stage.now() + bounds::replacement(&stage.config);
    while !met.is_empty() {
        sleep(LOOK).await;
        let there: Vec<i32> = Service::workers().iter().map(|worker| worker.pid).collect();
        let (at, mut notes) = (stage.now(), stage.notes());
        met.retain(|(user, worker)| {
            let late = at >= until;
            if late {
                let what = format!("the session of user {} was not replaced after a full disk", id(*user));
                notes.wrong.push((at, what));
            }
            let over = late || !there.contains(&worker.pid);
            if over {
                notes.users[*user].readiness.replaced(at);
            }
            !over
        });
    }
}

/// Keeps the supervisor running until it is told to stop it, and then gives it back, ended.
pub(crate) async fn manage(
    stage: Arc<Stage>,
    mut service: Service,
    mut orders: mpsc::Receiver<Order>,
    address: watch::Sender<String>,
) -> Service {
    let mut killed = false;
    stage.set_supervisor(service.pid());
    loop {
        tokio::select! {
            status = service.ended() => {
                let ended = stage.now();
                if !killed {
                    ended_by_itself(&stage, ended, status);
                }
                loop {
                    sleep(RESTART_SEC).await;
                    let begun = stage.now();
                    let Err(status) = service.start_or_end().await else {
                        stage.notes().starts.push(begun);
                        break;
                    };
                    // As a service manager does it, which asks for no reason.
                    let now = stage.now();
                    if !stage.notes().may_refuse(begun, now) {
                        let what = format!("a supervisor could not start: {status}");
                        stage.notes().wrong.push((now, what));
                    }
                }
                stage.set_supervisor(service.pid());
                address.send_replace(service.address().to_owned());
                killed = false;
                let back = stage.now();
                if let Some((_, until)) = stage.notes().kills.last_mut() {
                    *until = back;
                }
            }
            order = orders.recv() => match order {
                Some(Order::Kill) => {
                    stage.hit(Kind::KillSupervisor, None, Duration::ZERO);
                    let at = stage.now();
                    stage.notes().killed(at);
                    killed = true;
                    service.signal(Signal::SIGKILL);
                }
                Some(Order::Reload) => {
                    stage.hit(Kind::Reload, None, Duration::ZERO);
                    let (at, reload) = (stage.now(), bounds::reload(&stage.config));
                    let mut notes = stage.notes();
                    notes.reloads.push((at, at + reload));
                    notes.starts.push(at);
                    drop(notes);
                    service.signal(Signal::SIGHUP);
                }
                Some(Order::Stop) | None => {
                    service.signal(Signal::SIGTERM);
                    service.ended().await;
                    return service;
                }
            }
        }
    }
}

/// With its disk out of order it may: what it cannot write down, another one can.
fn ended_by_itself(stage: &Stage, at: Duration, status: ExitStatus) {
    stage.hit(Kind::KillSupervisor, None, Duration::ZERO);
    let mut notes = stage.notes();
    if !notes.is_unwell(at, at) {
        notes.wrong.push((at, format!("the supervisor ended by itself: {status}")));
    }
    notes.killed(at);
    notes.own_ends += 1;
}
