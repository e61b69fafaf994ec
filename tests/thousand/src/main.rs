//! A thousand users: a real supervisor, and for each user a process of the stand-in worker, which speaks the protocol
//! and has no browser. What grows with the number of users is measured, and what must not be left behind is looked for.
//!
//! `make thousand USERS=1000`. Times are printed, as multiples of what they were with ten users, and never judged. It
//! is no test of `cargo test`, because it fills a machine; the pure parts of it have tests there.

#![allow(clippy::disallowed_methods)] // no product: whoever runs it sees it fail

mod figures;
mod house;

#[allow(dead_code, reason = "shared with the end-to-end tests, which need other parts of it")]
#[path = "../../e2e/harness/processes.rs"]
mod processes;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use colmeia::admin::Session;
use futures::StreamExt as _;
use nix::sys::signal::Signal;
use tokio::signal::unix::{SignalKind, signal};

use figures::Waits;
use house::{House, until};

/// How many requests a figure stands on.
const SAMPLES: usize = 400;
/// How many users are asked for, or ended, at once.
const BATCH: usize = 16;

/// A real supervisor with many stand-in workers.
#[derive(Debug, Parser)]
struct Wishes {
    /// How many users.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=1000))]
    users: u64,
}

/// What was promised, and whether it held.
#[derive(Default)]
struct Checks(Vec<(String, Result<(), String>)>);

impl Checks {
    fn check(&mut self, promise: &str, kept: bool, otherwise: impl FnOnce() -> String) {
        let result = if kept { Ok(()) } else { Err(otherwise()) };
        println!("  {} {promise}", if result.is_ok() { "ok    " } else { "FAILED" });
        if let Err(why) = &result {
            println!("         {why}");
        }
        self.0.push((promise.into(), result));
    }
}

fn main() -> ExitCode {
    let wishes = Wishes::parse();
    processes::prepare();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let kept = runtime.expect("a runtime").block_on(async {
        tokio::select! {
            kept = Box::pin(run(usize::try_from(wishes.users).unwrap_or(1000))) => kept,
            () = interrupted() => false,
        }
    });
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Someone has seen enough. All processes are ended then, too.
async fn interrupted() {
    let mut terminate = signal(SignalKind::terminate()).expect("a signal");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

async fn run(users: usize) -> bool {
    let mut house = House::start().await;
    let mut checks = Checks::default();
    // What is opened once and for all is open after one user has come and gone.
    wake(&house, 0..1).await;
    house.send(&name(0)).await;
    all_gone(&house, 0..1).await;
    house.list().await;
    let before = settled(&house).await;
    let rss = house.status("VmRSS");
    println!("no user: {} descriptors, {rss} kB", before.len());

    let mut first: Option<(Waits, Waits)> = None;
    let mut there = 0;
    for count in [10, 100, 1000].map(|count| users.min(count)) {
        if count == there {
            continue;
        }
        let begun = Instant::now();
        wake(&house, there..count).await;
        println!("{} more users were ready after {:.1} s", count - there, begun.elapsed().as_secs_f64());
        there = count;
        let (status, send, wrong) = route(&house, count).await;
        let (status_then, send_then) = *first.get_or_insert((status, send));
        println!("{count:5} users: /status {}", status.beside(status_then));
        println!("{count:5} users: /send   {}", send.beside(send_then));
        let kb = house.status("VmRSS").saturating_sub(rss);
        println!("{count:5} users: {} kB of the supervisor's memory for each", kb / count as u64);
        checks.check(&format!("with {count} users everyone is answered"), wrong.is_empty(), || {
            wrong.join(", ")
        });
    }
    println!(
        "{users:5} users: {} descriptors, {} threads",
        house.descriptors().len(),
        house.status("Threads")
    );
    let listed = lists(&house, users, &mut checks).await;
    storm(&house, users, &listed, &mut checks).await;
    leftovers(&mut house, users, &before, rss, &mut checks).await;

    let failed = checks.0.iter().filter(|(_, result)| result.is_err()).count();
    if failed > 0 {
        println!("the supervisor's log is kept: {}/log", house.keep().display());
    }
    println!("\n{} passed, {failed} failed", checks.0.len() - failed);
    failed == 0
}

fn name(user: usize) -> String {
    format!("u{user}")
}

/// Asks for these users, in batches, and waits until all up to the last of them are ready.
async fn wake(house: &House, users: std::ops::Range<usize>) {
    let all = users.end;
    futures::stream::iter(users)
        .for_each_concurrent(BATCH, |user| async move {
            house.get(&format!("/qr?user_id={}", name(user))).await;
        })
        .await;
    house.ready(all).await;
}

/// Asks users in turn, one request after the other: a status, which the supervisor answers itself, and a text through
/// the worker. Returns both waits and who was answered wrongly.
async fn route(house: &House, users: usize) -> (Waits, Waits, Vec<String>) {
    let (mut statuses, mut sends, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for sample in 0..SAMPLES {
        // A step without a common divisor with 10, 100 and 1000 comes by everyone.
        let user = name(sample * 7 % users);
        let begun = Instant::now();
        let status = house.get(&format!("/status?user_id={user}")).await;
        statuses.push(begun.elapsed());
        let begun = Instant::now();
        let sent = house.send(&user).await;
        sends.push(begun.elapsed());
        if !sent || status["ready"] != true {
            wrong.push(format!("{user}: sent {sent}, {status}"));
        }
    }
    (Waits::of(statuses), Waits::of(sends), wrong)
}

/// The list and the metrics, with how long they took.
async fn lists(house: &House, users: usize, checks: &mut Checks) -> Vec<Session> {
    let (listed, metrics) = (timed(house.list()).await, timed(house.text("/metrics")).await);
    println!("{users:5} users: list --json {:.0} ms, /metrics {:.0} ms", ms(listed.1), ms(metrics.1));
    let sessions = listed.0.sessions;
    let ready = sessions.iter().filter(|session| session.ready).count();
    checks.check("the list has everyone, ready", ready == users && sessions.len() == users, || {
        format!("{ready} ready of {}", sessions.len())
    });
    let told = metrics.0.lines().filter(|line| line.starts_with("colmeia_session_ready{")).count();
    checks.check("the metrics have everyone", told == users, || format!("{told}"));
    let pids: BTreeSet<u32> = sessions.iter().filter_map(|session| session.pid).collect();
    let alive = House::workers().len();
    checks.check(
        "everyone has a process, and there is no other",
        pids.len() == users && alive == users,
        || format!("{} pids, {alive} processes", pids.len()),
    );
    sessions
}

/// Kills all workers at once and waits until all are back.
async fn storm(house: &House, users: usize, before: &[Session], checks: &mut Checks) {
    let begun = Instant::now();
    for worker in House::workers() {
        worker.signal(Signal::SIGKILL);
    }
    let old: BTreeMap<_, _> = before.iter().map(|session| (session.user.clone(), session.pid)).collect();
    // Ready and with another process: right after the blow the list still shows the dead.
    let after = until("everyone is back", async || {
        let sessions = house.list().await.sessions;
        let back = |session: &&Session| {
            session.ready && session.pid.is_some() && old.get(&session.user) != Some(&session.pid)
        };
        (sessions.iter().filter(back).count() == users).then_some(sessions)
    })
    .await;
    println!(
        "{users:5} workers killed at once: all ready again after {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    let odd: Vec<String> = after
        .iter()
        .filter(|session| session.restarts != 1)
        .map(|session| format!("{}: {} restarts", session.user, session.restarts))
        .collect();
    checks.check("a restart storm of everyone settles with one restart each", odd.is_empty(), || {
        odd.join(", ")
    });
    let wrong = route(house, users).await.2;
    checks.check("after the storm everyone is answered", wrong.is_empty(), || wrong.join(", "));
}

/// Ends every session, then the supervisor, and looks for what is left.
async fn leftovers(house: &mut House, users: usize, before: &[String], rss: u64, checks: &mut Checks) {
    all_gone(house, 0..users).await;
    let left = House::workers().len();
    checks.check("without users there is no worker", left == 0, || format!("{left} workers"));
    let now = settled(house).await;
    let more = surplus(before, &now);
    checks.check(
        "the supervisor has no more descriptors than before the first of them",
        more.is_empty(),
        || format!("{} instead of {}: {}", now.len(), before.len(), more.join(", ")),
    );
    println!("  no user again: {} descriptors, {} kB ({rss} before)", now.len(), house.status("VmRSS"));
    let clean = house.end().await;
    checks.check("the supervisor ends cleanly", clean, || "see its log".into());
    let left = processes::descendants(0);
    checks.check("no process is left", left.is_empty(), || format!("{left:?}"));
}

/// Disconnects these users and waits until nothing of them runs.
async fn all_gone(house: &House, users: std::ops::Range<usize>) {
    futures::stream::iter(users)
        .for_each_concurrent(BATCH, |user| async move {
            house.disconnect(&name(user)).await;
        })
        .await;
    until("no worker runs", async || House::workers().is_empty().then_some(())).await;
}

/// The descriptors once they stay the same: ends of connections and folders that are being deleted come and go.
async fn settled(house: &House) -> Vec<String> {
    let mut last = 0;
    let mut same = 0;
    until("the descriptors stay the same", async || {
        let now = house.descriptors();
        same = if now.len() == last { same + 1 } else { 0 };
        last = now.len();
        (same >= 8).then_some(now)
    })
    .await
}

/// What is open now and was not, by kind: numbers of sockets and pipes are always new.
fn surplus(before: &[String], now: &[String]) -> Vec<String> {
    let kind = |target: &String| target.split(":[").next().unwrap_or_default().to_owned();
    let mut had: BTreeMap<String, usize> = BTreeMap::new();
    for target in before {
        *had.entry(kind(target)).or_default() += 1;
    }
    let is_new = |target: &&String| match had.get_mut(&kind(target)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    now.iter().filter(is_new).cloned().collect()
}

async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let begun = Instant::now();
    (work.await, begun.elapsed())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_opened_since_is_found_whatever_its_number() {
        let list = |targets: &[&str]| targets.iter().map(|target| (*target).to_owned()).collect::<Vec<_>>();
        let before = list(&["socket:[1]", "pipe:[2]", "/x/journal"]);
        assert_eq!(surplus(&before, &list(&["socket:[9]", "/x/journal"])), list(&[]));
        let now = list(&["socket:[9]", "socket:[10]", "pipe:[2]", "/x/journal", "/x/lock"]);
        assert_eq!(surplus(&before, &now), list(&["socket:[10]", "/x/lock"]));
    }
}
