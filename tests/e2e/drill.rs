//! The events drill: how long an event takes from the page to a receiver, and what becomes of very many of them while
//! the receiver is away and the supervisor dies. `make events-drill` runs it and prints the figures; the other tests
//! leave it out, because it measures.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::harness::{Farm, Options, Receiver, ctl, program, until};

const NUMBER: &str = "5511900000001";
const FRIEND: &str = "5511988887777";

/// The receiver is away for ten of these: six seconds each, or what `DRILL_MINUTE_SECONDS` says.
fn minute() -> Duration {
    let seconds = std::env::var("DRILL_MINUTE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(6))
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
}

/// A thousand messages, one after the other, from the phone through the real page to a webhook.
#[tokio::test]
async fn latency_from_the_phone_to_the_receiver() {
    const MESSAGES: usize = 1000;
    let receiver = Receiver::start().await;
    let config = format!("[[webhooks]]\nurl = '{}'\nevents = ['message']\n", receiver.url());
    let farm = Farm::start_with(Options { config, ..Options::default() }).await;
    farm.link("1", NUMBER).await;
    let mut sent = HashMap::new();
    for n in 0..MESSAGES {
        let text = format!("n {n}");
        sent.insert(text.clone(), Instant::now());
        farm.phone.message(NUMBER, FRIEND, &text).await;
        // The next one when this one is there: a latency and not a queue is measured.
        while receiver.count() <= n {
            assert!(sent[&text].elapsed() < crate::harness::LONG, "{text} did not come");
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    }
    let mut took: Vec<Duration> =
        receiver.taken().iter().map(|taken| taken.at.saturating_duration_since(sent[taken.body()])).collect();
    took.sort_unstable();
    println!(
        "latency phone -> page -> spool -> journal -> webhook over {MESSAGES} messages: median {:?}, p99 {:?}, max {:?}",
        percentile(&took, 50),
        percentile(&took, 99),
        percentile(&took, 100),
    );
}

/// Ten thousand messages while one receiver is away and the supervisor is killed twice; Flask is there all the time.
#[tokio::test]
async fn ten_thousand_events_while_the_receiver_is_away_and_the_supervisor_dies_twice() {
    const EVENTS: usize = 10_000;
    let mut receiver = Receiver::away().await;
    let config = format!(
        "worker = '{}'\n[[webhooks]]\nurl = '{}'\nevents = ['message']\n",
        program("examples/fake-worker").display(),
        receiver.url()
    );
    let page_query = format!("messages-{EVENTS}");
    let mut farm = Farm::start_with(Options { config, page_query, ..Options::default() }).await;
    let begun = Instant::now();
    farm.service.get("/qr?user_id=1").await;
    // Once while events are still coming, once when all are there.
    for least in [1_000, EVENTS as u64] {
        until(&format!("{least} events wait"), || async { (waiting(&farm).await >= least).then_some(()) })
            .await;
        farm.service.signal(Signal::SIGKILL);
        farm.service.ended().await;
        farm.service.start_again().await;
    }
    println!("journal: {EVENTS} events, with one death in between, after {:?}", begun.elapsed());
    tokio::time::sleep((minute() * 10).saturating_sub(begun.elapsed())).await;

    receiver.come_back().await;
    let back = Instant::now();
    until("the first one came", || async { (receiver.count() > 0).then_some(()) }).await;
    let first = back.elapsed();
    until("all came", || async { (receiver.count() >= EVENTS && waiting(&farm).await == 0).then_some(()) })
        .await;
    let (drained, taken) = (back.elapsed(), receiver.taken());
    let texts: Vec<&str> = taken.iter().map(|taken| taken.body()).collect();
    let expected: Vec<String> = (1..=EVENTS).map(|n| format!("n {n}")).collect();
    let mut once = texts.clone();
    once.dedup();
    let (_, dead) = ctl(&farm, &["--json", "events", "dead"]).await;
    let dead: Value = serde_json::from_str(&dead).expect("JSON");
    let flask = farm.webhook.bodies("1");
    println!(
        "receiver away for {:?}, supervisor killed twice: {} of {EVENTS} delivered, {} twice, {} dead letters, in \
         order: {}; the first one {first:?} after it was back, all after {drained:?} ({:.0} events/s); Flask had {}",
        begun.elapsed() - drained,
        once.len(),
        texts.len() - once.len(),
        dead["letters"].as_array().map_or(0, Vec::len),
        once == expected,
        EVENTS as f64 / (drained - first).as_secs_f64(),
        flask.len(),
    );
    assert_eq!(once, expected);
    assert_eq!(dead["letters"], Value::Array(Vec::new()));
    let mut flask_once = flask.clone();
    flask_once.dedup();
    assert_eq!(flask_once, expected);
}

/// How many events wait for the webhook.
async fn waiting(farm: &Farm) -> u64 {
    let (_, queues) = ctl(farm, &["--json", "events", "queues"]).await;
    let queues: Value = serde_json::from_str(&queues).unwrap_or_default();
    let of_webhook = |queue: &&Value| queue["receiver"] != "Flask";
    queues["queues"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(of_webhook)
        .filter_map(|q| q["pending"].as_u64())
        .sum()
}
