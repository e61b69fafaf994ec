//! Chaos: eight users on the simulator, with real browsers and the real programs, and minutes of random trouble.
//! Afterwards every message and every user's readiness is accounted for.
//!
//! `make chaos SECONDS=300 SEED=1`; `make day` makes seldom trouble for an hour and looks whether anything grows (`day`).
//! What happens when follows from the seed; how the programs' own timing falls
//! does not. It is no test of `cargo test`, because of its length; the pure parts of it have tests there.

#![allow(clippy::disallowed_methods)] // no product: whoever runs it sees it fail

mod bounds;
mod day;
mod disk;
mod flips;
mod flood;
mod journal;
mod ledger;
mod names;
mod outages;
mod players;
mod pulse;
mod readiness;
mod report;
mod samples;
mod schedule;
mod sick;
mod stage;
mod trouble;

#[allow(dead_code, unused_imports, reason = "shared with the end-to-end tests, which need other parts of it")]
#[path = "../../e2e/harness/mod.rs"]
mod harness;

use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use futures::StreamExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use disk::Disk;
use harness::{Farm, LONG, Options, Process, Receiver, Service, descendants};
use names::Names;
use schedule::{Pace, USERS};
use sick::Sick;
use stage::{NAMED, Props, Stage, id, number};
use trouble::Order;

/// Short where a failure is waited for, long where a small machine is: nothing here is about speed.
const CONFIG: &str = "\
max_starting = 2
ping_interval_ms = 1000
ping_timeout_ms = 15000
hello_deadline_ms = 20000
restart = { base_ms = 200, cap_ms = 3000, stable_secs = 10, burst = 20, burst_window_secs = 30 }
memory = { mode = \"polling\", high_mb = 500, max_mb = 500, poll_ms = 500, admit_mb = 100 }
";
const DEADLINES: &str = "\
launch_ms = 30000
load_ms = 30000
sync_ms = 30000
logout_ms = 20000
probe_interval_ms = 1000
probe_timeout_ms = 15000
hang_ms = 5000
";
/// So that a journal that is full stays so for most of an hour.
const SMALL_JOURNAL: &str = "events = { keep_mb = 2 }\n";
/// The longest wait for a receiver that was down to be tried again (`delivery/policy.rs`).
const DELIVERY_CAP: Duration = Duration::from_secs(60);

/// Random trouble for eight sessions, and an account of what became of every message.
#[derive(Debug, Parser)]
struct Wishes {
    /// How long trouble is made.
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// What happens when follows from this.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Trouble comes seldom, and in the end nothing of what the programs have may have grown: a day in an hour.
    #[arg(long)]
    seldom: bool,
    /// Leaves out what takes root, because it mounts: the full disk, and the name server that goes away.
    #[arg(long)]
    no_full_disk: bool,
    /// Only this disturbance, as it is called in the figures; may be given several times.
    #[arg(long)]
    only: Vec<schedule::Kind>,
}

fn main() -> ExitCode {
    let wishes = Wishes::parse();
    let dir = harness::short_dir();
    let mounted = (!wishes.no_full_disk).then(|| Mounted::make(dir.path())).transpose();
    let mounted = match mounted {
        Ok(mounted) => mounted,
        Err(error) => {
            eprintln!("nothing can be mounted, which takes root ({error}); --no-full-disk does without");
            return ExitCode::from(2);
        }
    };
    let folder = dir.path().to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let kept = runtime.block_on(async {
        tokio::select! {
            kept = Box::pin(run(wishes, dir, mounted)) => Some(kept),
            () = interrupted() => None,
        }
    });
    // With the tasks that hold them, all processes and the small disk go.
    drop(runtime);
    if kept.is_none() {
        let _ = std::fs::remove_dir_all(folder);
    }
    if kept == Some(true) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Someone has seen enough. Nothing is left then, either.
async fn interrupted() {
    let mut terminate = signal(SignalKind::terminate()).expect("a signal");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// What is in a mount namespace of our own.
struct Mounted {
    disk: Disk,
    names: names::Place,
}

impl Mounted {
    fn make(folder: &Path) -> std::io::Result<Self> {
        disk::own_mounts()?;
        Ok(Self { names: names::Place::take(folder)?, disk: Disk::mount(&folder.join("state"))? })
    }
}

async fn run(wishes: Wishes, dir: tempfile::TempDir, mounted: Option<Mounted>) -> bool {
    let Wishes { seconds, seed, only, seldom, .. } = wishes;
    let length = Duration::from_secs(seconds);
    let pace = if seldom { Pace::Seldom { same_supervisor_from: length / 4 } } else { Pace::Often };
    let planned = schedule::of(seed, length, mounted.is_some(), &only, pace);
    println!("seed {seed}: {} disturbances in {seconds} s, logs in {}", planned.len(), dir.path().display());
    let (disk, place) = mounted.map(|mounted| (mounted.disk, mounted.names)).unzip();
    let names = place.map(Names::serve).transpose().expect("a name server");
    let sick = Sick::new(&dir.path().join("sick"), &dir.path().join("state")).expect("a file");
    let mut environment =
        vec![("COLMEIA_LOG", "info,colmeia_supervisor=debug,colmeia_worker=debug".to_owned())];
    environment.extend(sick.environment());
    let options = Options {
        config: if seldom { format!("{CONFIG}{SMALL_JOURNAL}") } else { CONFIG.into() },
        deadlines: DEADLINES.into(),
        log_to_file: true,
        environment,
        ..Options::default()
    };
    let farm = Farm::start_in(dir, options).await;
    let named = receiver(&farm.service, names.is_some()).await;
    pulse::prepare(&farm.service).await;
    futures::stream::iter(0..USERS)
        .for_each_concurrent(2, |user| {
            let farm = &farm;
            async move { farm.link(&id(user), &number(user)).await }
        })
        .await;
    let Farm { service, phone, webhook, dir } = farm;
    let state = dir.path().join("state");
    let config = std::fs::read_to_string(dir.path().join("colmeia.toml")).expect("the harness wrote it");
    let config = toml::from_str(&config).expect("the service takes it");
    let (address, followed) = watch::channel(service.address().to_owned());
    let props = Props { disk, sick, names, named, admin: dir.path().join("run/admin.sock") };
    let stage = Arc::new(Stage::new(phone, webhook, config, props, followed));
    let (manager, orders) = mpsc::channel(16);
    let managed = tokio::spawn(trouble::manage(Arc::clone(&stage), service, orders, address));

    let (mut talk, mut watchers) = (JoinSet::new(), JoinSet::new());
    watchers.spawn(players::witness(Arc::clone(&stage)));
    watchers.spawn(pulse::knock(Arc::clone(&stage)));
    watchers.spawn(pulse::scribble(Arc::clone(&stage)));
    if seldom {
        watchers.spawn(samples::take(Arc::clone(&stage), state));
    }
    for user in 0..USERS {
        talk.spawn(players::write(Arc::clone(&stage), user));
        talk.spawn(players::send(Arc::clone(&stage), user));
        watchers.spawn(players::own(Arc::clone(&stage), user));
    }
    for planned in planned {
        sleep(planned.at.saturating_sub(stage.now())).await;
        let was_there = trouble::make(&stage, &planned, &manager).await;
        println!(
            "{:8.2}: {planned}{}",
            stage.now().as_secs_f64(),
            if was_there { "" } else { " (nobody was there)" }
        );
        stage.notes().done.push((planned, was_there));
    }
    sleep(length.saturating_sub(stage.now())).await;

    if seldom {
        let mut notes = stage.notes();
        (notes.lines, notes.grown) = day::account(&notes.samples, length);
    }
    println!("{:8.2}: no more trouble; until everyone is ready again", stage.now().as_secs_f64());
    all_ready(&stage, &mut watchers).await;
    stage.over.send_replace(true);
    while let Some(ended) = talk.join_next().await {
        ended.expect("no panic");
    }
    all_arrived(&stage).await;
    watchers.shutdown().await;
    flips::account(&stage).await;
    assert!(stage.notes().flips.is_empty(), "nothing is done to the service any more");

    let mut left = surplus();
    manager.send(Order::Stop).await.expect("the manager goes on until it is told to stop");
    let service = managed.await.expect("no panic");
    let others = descendants(0).into_iter().filter(|process| !process.command.contains("colmeia-simulator"));
    left.extend(others.map(|process| format!("after the end: {}", process.command)));
    let kept = Box::pin(report::print(&stage, seed, &left)).await;
    drop(service);
    if !kept {
        println!("the service's log is kept: {}/log", dir.keep().display());
    }
    kept
}

/// A receiver that the first users have beside Flask's, by a name where there is a server for it.
async fn receiver(service: &Service, named: bool) -> Receiver {
    let receiver = Receiver::start().await;
    // So that each event takes a connection of its own, and each connection the name.
    receiver.close_each();
    for user in 0..NAMED {
        let url = if named { receiver.url().replace("127.0.0.1", &Names::of(user)) } else { receiver.url() };
        let retries = serde_json::json!({"policy": "constant", "delaySeconds": 1, "attempts": 100});
        let webhooks = serde_json::json!([{"url": url, "events": ["message"], "retries": retries}]);
        let session = serde_json::json!({"name": id(user), "config": {"webhooks": webhooks}});
        let made = service.post("/api/sessions", &session).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    receiver
}

/// Waits until nobody is recovering, or somebody took longer than is allowed, which the witness notes.
async fn all_ready(stage: &Stage, watchers: &mut JoinSet<()>) {
    loop {
        assert!(watchers.try_join_next().is_none(), "a watcher gave up");
        let excused = {
            let notes = stage.notes();
            let late = notes.users.iter().any(|user| user.readiness.is_late());
            !late && notes.users.iter().any(|user| user.readiness.is_excused())
        };
        if !excused {
            return;
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// Waits until the receiver has what was written. What has not come by then is missing.
async fn all_arrived(stage: &Stage) {
    stage.webhook.set_down(false);
    let until = stage.now() + DELIVERY_CAP + LONG;
    while stage.now() < until {
        if has_all(stage) {
            return;
        }
        sleep(Duration::from_millis(500)).await;
    }
}

/// Whether Flask has what was written to everyone, and the receiver with a name what was written to those who have it.
fn has_all(stage: &Stage) -> bool {
    let text = |message: &serde_json::Value| message["body"].as_str().unwrap_or_default().to_owned();
    let flask: HashSet<String> = stage.webhook.taken().iter().map(text).collect();
    let named: HashSet<String> =
        stage.props.named.taken().iter().map(|taken| taken.body().to_owned()).collect();
    let notes = stage.notes();
    notes.users.iter().enumerate().all(|(user, of)| {
        of.written.iter().all(|text| flask.contains(text) && (user >= NAMED || named.contains(text)))
    })
}

/// Workers and browsers beyond one of each for each user, while all are ready.
fn surplus() -> Vec<String> {
    let all = descendants(0);
    let workers = all.iter().filter(|process| process.is_worker()).count();
    let mut surplus: Vec<String> =
        (workers != USERS).then(|| format!("{workers} workers for {USERS} users")).into_iter().collect();
    for user in 0..USERS {
        let browsers: Vec<&Process> = all.iter().filter(|process| process.is_browser_of(&id(user))).collect();
        if browsers.len() != 1 {
            surplus.push(format!("{} browsers for user {}", browsers.len(), id(user)));
        }
    }
    if Service::workers().iter().any(|worker| !descendants(worker.pid).iter().any(Process::is_renderer)) {
        surplus.push("a worker without a renderer".into());
    }
    surplus
}
