//! What is told, and that what watches it knows its names.

use std::collections::BTreeSet;
use std::path::Path;

use colmeia::admin::{Merged, QueueHead};
use colmeia::session::LaunchCause;
use colmeia::{MessageCapping, ReachoutTimelock, Restrictions};

use super::*;

fn session(user: &str, state: &str, pid: Option<u32>) -> Session {
    Session {
        user: user.parse().expect("valid"),
        label: None,
        tags: Vec::new(),
        phase: "running".into(),
        state: state.into(),
        ready: state == "ready",
        since_ms: None,
        pid,
        browser_pid: None,
        memory: pid.map(|_| 300 << 20),
        memory_cap: Some(1 << 30),
        merged: pid.map(|_| Merged { bytes: 130 << 20, profit: 100 << 20, unseen: 0 }),
        cpu_seconds: pid.map(|_| 1.5),
        restarts: 2,
        attempts: 0,
        last_exit: None,
        queue: 3,
        restrictions: restrictions(),
    }
}

/// Locked for an hour, and warned.
fn restrictions() -> Restrictions {
    let now = now_ms();
    let timelock =
        ReachoutTimelock { active: true, enforcement: "secret_word".into(), until_ms: Some(now + 3_600_000) };
    let capping = MessageCapping {
        status: "SECOND_WARNING".into(),
        total: 50,
        used: 49,
        cycle_start_ms: None,
        cycle_end_ms: Some(now + 3_600_000),
        mv_status: String::new(),
        ote_status: String::new(),
    };
    Restrictions { timelock: Some(timelock), capping: Some(capping) }
}

fn queue() -> EventQueue {
    let user = "1".parse().expect("valid");
    let head = QueueHead {
        id: "evt_01".into(),
        since_ms: now_ms() - 90_500,
        attempts: 1,
        error: Some("answered 500".into()),
        next_ms: None,
    };
    EventQueue {
        id: 1,
        user,
        receiver: "https://secret.example".into(),
        pending: 6,
        dead: 2,
        head: Some(head),
    }
}

/// One of everything, so that every metric has a sample.
fn busy() -> Metrics {
    let metrics = Metrics::default();
    metrics.call("send_text", "ok", Duration::from_millis(30));
    metrics.worker_ended(&ExitReason::LaunchFailed { cause: LaunchCause::Other, why: "/secret/path".into() });
    metrics.round_trip(Duration::from_millis(1));
    metrics.event_committed(Duration::from_millis(2));
    metrics.passkey(("asked", "to_link"));
    metrics.delivery("webhook", "delivered");
    metrics.delivered("webhook", Duration::from_millis(3));
    metrics.dead_letter("webhook");
    metrics.memory_mode("polling");
    metrics
}

#[test]
fn everything_is_told_once_and_without_details() {
    let metrics = busy();
    let user: UserId = "1".parse().expect("valid");
    metrics.boot_ready(&user);
    metrics.boot_found(&user);
    metrics.boot_started(&user);
    let text = metrics.encode(
        &[session("1", "ready", Some(7)), session("2", "never heard of", None)],
        &[queue()],
        None,
    );
    for line in [
        "colmeia_calls_total{operation=\"send_text\",outcome=\"ok\"} 1",
        "colmeia_call_seconds_count{operation=\"send_text\"} 1",
        "colmeia_worker_ends_total{reason=\"launch_failed\"} 1",
        "colmeia_deliveries_total{receiver=\"webhook\",outcome=\"delivered\"} 1",
        "colmeia_delivery_seconds_count{receiver=\"webhook\"} 1",
        "colmeia_dead_letters_total{receiver=\"webhook\"} 1",
        "colmeia_dead_letters_waiting 2",
        "colmeia_memory_mode{mode=\"polling\"} 1",
        "colmeia_sessions{state=\"ready\"} 1",
        "colmeia_sessions{state=\"unknown\"} 1",
        "colmeia_sessions{state=\"failed\"} 0",
        "colmeia_sessions_restricted{restriction=\"message_capping\"} 0",
        "colmeia_session_memory_bytes{user=\"1\"} 314572800",
        "colmeia_session_merged_bytes{user=\"1\"} 136314880",
        "colmeia_session_cpu_seconds_total{user=\"1\"} 1.5",
        "colmeia_boot_sessions{stage=\"found\"} 1",
        "colmeia_boot_sessions{stage=\"started\"} 1",
        "colmeia_boot_sessions{stage=\"ready\"} 0",
        "colmeia_queue_events 6",
        "colmeia_receiver_queue_events{receiver=\"webhook\"} 6",
        "colmeia_receiver_queue_events{receiver=\"flask\"} 0",
        "colmeia_receiver_oldest_seconds{receiver=\"flask\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing:\n{text}");
    }
    let oldest = "colmeia_receiver_oldest_seconds{receiver=\"webhook\"} ";
    let oldest = text.lines().find_map(|line| line.strip_prefix(oldest)?.parse::<u64>().ok()).expect("told");
    assert!((90..150).contains(&oldest), "{oldest}");
    assert!(!text.contains("user=\"2\""), "no series for who has no worker");
    assert!(!text.contains("secret") && text.ends_with("# EOF\n"));
    assert_eq!(text.matches("# EOF").count(), 1);
}

/// The names in a text that begin as ours do.
fn names(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("colmeia_"))
        .collect()
}

#[test]
fn dashboards_and_alerts_name_only_what_there_is() {
    let told = busy().encode(&[session("1", "ready", Some(7))], &[queue()], None);
    let known: BTreeSet<&str> = told
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let contrib = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contrib");
    for file in ["grafana/colmeia.json", "prometheus/alerts.yml", "prometheus/alerts_test.yml"] {
        let text = std::fs::read_to_string(contrib.join(file)).expect(file);
        let named = names(&text);
        assert!(!named.is_empty(), "{file}");
        for name in named {
            assert!(known.contains(name), "{file} names {name}, which nobody tells:\n{told}");
        }
    }
}

#[test]
fn what_fails_in_this_process_is_told_by_name() {
    let row = colmeia_base::tasks::TaskCounts { running: 2, failed: 1 };
    let mut text = String::new();
    encode_registry(&mut text, &snapshot::tasks(&[("queue", row)])).expect("a string takes it");
    assert!(text.contains("colmeia_tasks{task=\"queue\"} 2"), "{text}");
    assert!(text.contains("colmeia_task_failures_total{task=\"queue\"} 1"), "{text}");
}

#[test]
fn this_process_is_told_under_the_usual_names() {
    let process = Process::look().expect("our own");
    let text = Metrics::default().encode(&[], &[], Some(&process));
    let value = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} in {text}"))
    };
    assert!(value("process_open_fds") >= 3.0 && value("process_open_fds") <= value("process_max_fds"));
    assert!(value("process_threads") >= 1.0);
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert!(value("process_cpu_seconds_total") >= 0.0);
    let age = Duration::from_millis(now_ms()).as_secs_f64() - value("process_start_time_seconds");
    assert!((-1.0..600.0).contains(&age), "{age}");
}
