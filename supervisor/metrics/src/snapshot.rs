//! What is read when someone asks: the sessions as they are now. Pure: a registry for one answer is made of what
//! was read, so that a user who is gone leaves no series behind.

use std::sync::atomic::AtomicU64;

use colmeia::Restrictions;
use colmeia::admin::{EventQueue, FLASK_RECEIVER, Session};
use colmeia_base::tasks::TaskCounts;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::PREFIX;
use super::boot::Progress;

/// All states, so that one in which nobody is says 0 and an alert on it can be silent.
const STATES: [&str; 21] = [
    "awaiting_scan",
    "backing_off",
    "disconnected",
    "failed",
    "launching",
    "loading",
    "logged_out",
    "pairing",
    "passkey",
    "passkey_checkpoint",
    "passkey_confirm",
    "passkey_off",
    "queued",
    "ready",
    "reconnecting",
    "starting",
    "stopped",
    "stopping",
    "syncing",
    "unresponsive",
    "unknown",
];

type OfReceiver = [(&'static str, &'static str); 1];
type OfTask = [(&'static str, &'static str); 1];
type OfUser = [(&'static str, String); 1];
type Seconds = Counter<f64, AtomicU64>;

/// The metrics of one moment.
pub(super) fn registry(sessions: &[Session], queues: &[EventQueue], boot: Progress, now_ms: u64) -> Registry {
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register("sessions", "Sessions, by state", states(sessions));
    registry.register(
        "sessions_restricted",
        "Sessions that WhatsApp restricts, by restriction (reachout_timelock, message_capping, and \
         message_capping_warning: few new chats are left)",
        restricted(sessions, now_ms),
    );
    let stages: Family<[(&str, &str); 1], Gauge> = Family::default();
    for (stage, count) in [("found", boot.found), ("started", boot.started), ("ready", boot.ready)] {
        stages.get_or_create(&[("stage", stage)]).set(count);
    }
    registry.register("boot_sessions", "Sessions found at the service's start, by how far they got", stages);
    let waiting: Gauge = Gauge::default();
    waiting.set(queues.iter().map(|queue| whole(queue.pending)).sum());
    registry.register("queue_events", "Deliveries that wait: one event may have several receivers", waiting);
    let (waiting, oldest): (Family<OfReceiver, Gauge>, Family<OfReceiver, Gauge>) = Default::default();
    for receiver in ["flask", "webhook"] {
        let own = || queues.iter().filter(|queue| receiver == kind(queue));
        waiting.get_or_create(&[("receiver", receiver)]).set(own().map(|queue| whole(queue.pending)).sum());
        let since = own().filter_map(|queue| Some(queue.head.as_ref()?.since_ms)).min();
        let age = since.map_or(0, |since| now_ms.saturating_sub(since) / 1000);
        oldest.get_or_create(&[("receiver", receiver)]).set(whole(age));
    }
    registry.register("receiver_queue_events", "Deliveries that wait, by receiver (flask, webhook)", waiting);
    registry.register(
        "receiver_oldest_seconds",
        "How long the delivery waits that has waited longest, by receiver (flask, webhook)",
        oldest,
    );
    let dead: Gauge = Gauge::default();
    dead.set(queues.iter().map(|queue| whole(queue.dead)).sum());
    registry.register("dead_letters_waiting", "Deliveries that were given up and wait for an operator", dead);

    let memory: Family<OfUser, Gauge> = Family::default();
    let cap: Family<OfUser, Gauge> = Family::default();
    let merged: Family<OfUser, Gauge> = Family::default();
    let cpu: Family<OfUser, Seconds> = Family::default();
    let restarts: Family<OfUser, Counter> = Family::default();
    let queue: Family<OfUser, Gauge> = Family::default();
    let ready: Family<OfUser, Gauge> = Family::default();
    for session in sessions.iter().filter(|session| session.pid.is_some()) {
        let user = [("user", session.user.as_str().to_owned())];
        if let Some(bytes) = session.memory {
            memory.get_or_create(&user).set(whole(bytes));
        }
        if let Some(bytes) = session.memory_cap {
            cap.get_or_create(&user).set(whole(bytes));
        }
        if let Some(of_session) = session.merged {
            merged.get_or_create(&user).set(whole(of_session.bytes));
        }
        if let Some(seconds) = session.cpu_seconds {
            cpu.get_or_create(&user).inc_by(seconds);
        }
        restarts.get_or_create(&user).inc_by(u64::from(session.restarts));
        queue.get_or_create(&user).set(whole(session.queue));
        ready.get_or_create(&user).set(i64::from(session.ready));
    }
    registry.register("session_memory_bytes", "What the session's processes take", memory);
    registry.register("session_memory_cap_bytes", "What they may take", cap);
    registry.register(
        "session_merged_bytes",
        "What the kernel merged of their pages, as far as it may be read",
        merged,
    );
    registry.register("session_cpu_seconds", "CPU time of the session's present processes", cpu);
    registry.register("session_restarts", "How often the session's worker was started again", restarts);
    registry.register("session_queue_events", "Events of the session that wait to be delivered", queue);
    registry.register("session_ready", "1 while messages can be sent", ready);
    registry
}

/// How many sessions WhatsApp restricts at this moment; all restrictions, so that an alert on one can be silent.
fn restricted(sessions: &[Session], now_ms: u64) -> Family<[(&'static str, &'static str); 1], Gauge> {
    let counted = Family::default();
    let count = |name, is_so: &dyn Fn(&Restrictions) -> bool| {
        let sessions = sessions.iter().filter(|session| is_so(&session.restrictions)).count();
        let gauge: &Family<_, Gauge> = &counted;
        gauge.get_or_create(&[("restriction", name)]).set(i64::try_from(sessions).unwrap_or(i64::MAX));
    };
    count("reachout_timelock", &|told| told.timelock.as_ref().is_some_and(|lock| lock.is_in_force(now_ms)));
    count("message_capping", &|told| told.capping.as_ref().is_some_and(|quota| quota.is_capped(now_ms)));
    count("message_capping_warning", &|told| {
        told.capping.as_ref().is_some_and(|quota| quota.is_warned(now_ms))
    });
    counted
}

/// What runs in this process, and what of it has failed. The names are ours.
pub(super) fn tasks(table: &[(&'static str, TaskCounts)]) -> Registry {
    let mut registry = Registry::with_prefix(PREFIX);
    let (running, failed): (Family<OfTask, Gauge>, Family<OfTask, Counter>) = Default::default();
    for (name, row) in table {
        running.get_or_create(&[("task", name)]).set(whole(row.running));
        failed.get_or_create(&[("task", name)]).inc_by(row.failed);
    }
    registry.register("tasks", "Tasks and threads of the supervisor that run now, by name", running);
    registry.register(
        "task_failures",
        "Tasks and threads of the supervisor that have failed, by name",
        failed,
    );
    registry
}

fn states(sessions: &[Session]) -> Family<[(&'static str, &'static str); 1], Gauge> {
    let family = Family::default();
    for state in STATES {
        let count = sessions.iter().filter(|session| known(&session.state) == state).count();
        let gauge: Gauge = family.get_or_create_owned(&[("state", state)]);
        gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
    family
}

/// Never its address: strangers choose those.
fn kind(queue: &EventQueue) -> &'static str {
    if queue.receiver == FLASK_RECEIVER { "flask" } else { "webhook" }
}

fn known(state: &str) -> &'static str {
    STATES.into_iter().find(|known| *known == state).unwrap_or("unknown")
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
