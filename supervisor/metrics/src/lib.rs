//! [`Metrics`]: what is counted and timed, and how it is told to Prometheus.
//!
//! Owns the registry and every metric's name. Others get this handle and tell it what happened in one call; nobody
//! else knows the library. What can be read when someone asks (sessions, memory, queues) is not counted here but
//! read then ([`snapshot`]).
//!
//! **Labels are bounded**: operations, outcomes, reasons and states are fixed words, and `user` stands only on
//! sessions that have a worker, of which there are at most `max_users`. No label carries a number, an address or a
//! text of a message.

mod boot;
mod labels;
mod process;
mod snapshot;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use colmeia::admin::{EventQueue, Session};
use colmeia::errors::Lack;
use colmeia::{ExitReason, UserId};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use boot::Boot;
use colmeia::moment::now_ms;
pub use process::Process;

/// What [`Metrics::encode`] writes.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every name begins with this.
const PREFIX: &str = "colmeia";

type One = [(&'static str, &'static str); 1];
type Two = [(&'static str, &'static str); 2];

/// The handle; cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    calls: Family<Two, Counter>,
    call_seconds: Family<One, Histogram, fn() -> Histogram>,
    worker_ends: Family<One, Counter>,
    round_trip: Histogram,
    commit_seconds: Histogram,
    deliveries: Family<Two, Counter>,
    delivery_seconds: Family<One, Histogram, fn() -> Histogram>,
    dead_letters: Family<One, Counter>,
    memory_mode: Family<One, Gauge>,
    shortage: Family<One, Gauge>,
    passkey: Family<Two, Counter>,
    boot: Boot,
}

impl Default for Metrics {
    fn default() -> Self {
        let calls = Family::default();
        let call_seconds = Family::new_with_constructor(slow as fn() -> Histogram);
        let passkey: Family<Two, Counter> = Family::default();
        let (worker_ends, memory_mode) = (Family::default(), Family::default());
        let (round_trip, commit_seconds) = (fast(), fast());
        let (deliveries, dead_letters) = (Family::default(), Family::default());
        let delivery_seconds = Family::new_with_constructor(slow as fn() -> Histogram);
        let mut registry = Registry::with_prefix(PREFIX);
        let build: Family<One, Gauge> = Family::default();
        build.get_or_create(&[("version", env!("CARGO_PKG_VERSION"))]).set(1);
        registry.register("build_info", "The program's version", build);
        registry.register("calls", "Operations that sessions were asked for, by outcome", calls.clone());
        registry.register(
            "call_seconds",
            "How long whoever asked waited for the answer of an operation",
            call_seconds.clone(),
        );
        registry.register("worker_ends", "Workers that ended, by reason", worker_ends.clone());
        registry.register(
            "ipc_round_trip_seconds",
            "How long workers took to answer a ping on their socket",
            round_trip.clone(),
        );
        registry.register(
            "event_commit_seconds",
            "From an event's arrival in the supervisor until the journal had it on disk",
            commit_seconds.clone(),
        );
        registry.register(
            "deliveries",
            "Attempts to deliver an event, by receiver (flask, webhook) and outcome (delivered, handed_over, refused, \
             no_answer, closed, unsent, unreachable, untried)",
            deliveries.clone(),
        );
        registry.register(
            "delivery_seconds",
            "From when an event was on disk until its receiver had it",
            delivery_seconds.clone(),
        );
        registry.register("dead_letters", "Events that were given up, by receiver", dead_letters.clone());
        registry.register(
            "memory_mode",
            "1 for the way in which memory caps are kept (cgroup, polling, off)",
            memory_mode.clone(),
        );
        let shortage: Family<One, Gauge> = Family::default();
        for of in Lack::ALL {
            shortage.get_or_create(&[("of", of.name())]).set(0);
        }
        registry.register(
            "shortage",
            "1 while starts or deliveries wait because the machine has none left of this (descriptors, processes, memory, ports)",
            shortage.clone(),
        );
        registry.register(
            "passkey_steps",
            "Steps of accounts that ask for a passkey, by step (asked, answered, ended) and outcome",
            passkey.clone(),
        );
        Self(Arc::new(Inner {
            registry,
            calls,
            call_seconds,
            worker_ends,
            round_trip,
            commit_seconds,
            deliveries,
            delivery_seconds,
            dead_letters,
            memory_mode,
            shortage,
            passkey,
            boot: Boot::default(),
        }))
    }
}

/// From a tenth of a millisecond to a few seconds: what happens on this machine.
fn fast() -> Histogram {
    Histogram::new([0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5])
}

/// From some milliseconds to minutes: what takes a page, WhatsApp or a receiver.
fn slow() -> Histogram {
    Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0, 300.0])
}

impl Metrics {
    /// A session was asked for something, and this came of it after so long. The outcome is a fixed word.
    pub fn call(&self, operation: &'static str, outcome: &'static str, took: Duration) {
        self.0.calls.get_or_create(&[("operation", operation), ("outcome", outcome)]).inc();
        self.0.call_seconds.get_or_create(&[("operation", operation)]).observe(took.as_secs_f64());
    }

    /// A worker's process has ended.
    pub fn worker_ended(&self, reason: &ExitReason) {
        self.0.worker_ends.get_or_create(&[("reason", labels::reason(reason))]).inc();
    }

    /// A worker answered a ping.
    pub fn round_trip(&self, took: Duration) {
        self.0.round_trip.observe(took.as_secs_f64());
    }

    /// An event that came in so long ago is on disk.
    pub fn event_committed(&self, took: Duration) {
        self.0.commit_seconds.observe(took.as_secs_f64());
    }

    /// An event was offered to a receiver once, and this came of it.
    pub fn delivery(&self, receiver: &'static str, outcome: &'static str) {
        self.0.deliveries.get_or_create(&[("receiver", receiver), ("outcome", outcome)]).inc();
    }

    /// A receiver has an event that was on disk for so long.
    pub fn delivered(&self, receiver: &'static str, after: Duration) {
        self.0.delivery_seconds.get_or_create(&[("receiver", receiver)]).observe(after.as_secs_f64());
    }

    /// An event was given up.
    pub fn dead_letter(&self, receiver: &'static str) {
        self.0.dead_letters.get_or_create(&[("receiver", receiver)]).inc();
    }

    /// A passkey was asked for, answered, or is over, and this came of it.
    pub fn passkey(&self, (step, outcome): (&'static str, &'static str)) {
        self.0.passkey.get_or_create(&[("step", step), ("outcome", outcome)]).inc();
    }

    /// In which way memory caps are kept.
    pub fn memory_mode(&self, mode: &'static str) {
        self.0.memory_mode.get_or_create(&[("mode", mode)]).set(1);
    }

    /// What the machine has none left of, if there is such a thing.
    pub fn short_of(&self, lack: Option<Lack>) {
        for of in Lack::ALL {
            self.0.shortage.get_or_create(&[("of", of.name())]).set(i64::from(lack == Some(of)));
        }
    }

    /// This user's session was found when the service began, and is to be there again.
    pub fn boot_found(&self, user: &UserId) {
        self.0.boot.found(user);
    }

    /// The user's worker has said Hello.
    pub fn boot_started(&self, user: &UserId) {
        self.0.boot.started(user);
    }

    /// The user's session is ready.
    pub fn boot_ready(&self, user: &UserId) {
        self.0.boot.ready(user);
    }

    /// Everything in the text format of OpenMetrics, with the sessions and this process as they are now.
    pub fn encode(&self, sessions: &[Session], queues: &[EventQueue], process: Option<&Process>) -> String {
        let mut text = String::new();
        // Writing into a String does not fail.
        let _ = encode_registry(&mut text, &self.0.registry);
        let now = now_ms();
        let _ =
            encode_registry(&mut text, &snapshot::registry(sessions, queues, self.0.boot.progress(), now));
        let _ = encode_registry(&mut text, &snapshot::tasks(&colmeia_base::tasks::table()));
        if let Some(process) = process {
            let _ = encode_registry(&mut text, &process.registry());
        }
        let _ = encode_eof(&mut text);
        text
    }
}
