//! SIGHUP: the supervisor goes on as a newer image of its program, and nobody notices.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::harness::{Farm, LONG, Options, Service, until};

const USERS: [(&str, &str); 2] = [("1", "5511900000001"), ("2", "5511900000002")];
const ANA: &str = "5511988887777";

/// Asks for a status every few milliseconds, each time on a connection of its own; returns how many were answered
/// and how long the slowest took.
async fn ask_all_the_while(url: String, mut stop: tokio::sync::watch::Receiver<bool>) -> (u32, Duration) {
    let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client");
    let (mut answered, mut slowest) = (0, Duration::ZERO);
    while !*stop.borrow_and_update() {
        let begun = Instant::now();
        let answer = http.get(&url).send().await.expect("nobody is refused");
        assert_eq!(answer.status(), 200);
        let status: Value = answer.json().await.expect("JSON");
        assert_eq!(status["ready"], true, "a session stopped being ready: {status}");
        answered += 1;
        slowest = slowest.max(begun.elapsed());
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    (answered, slowest)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_under_load_refuses_nobody_drops_no_session_and_loses_no_message() {
    let farm = Farm::start_with(Options { installed: true, ..Options::default() }).await;
    for (user, number) in USERS {
        farm.link(user, number).await;
    }
    let workers: Vec<i32> = Service::workers().iter().map(|worker| worker.pid).collect();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let callers: Vec<_> = USERS
        .iter()
        .map(|(user, _)| {
            let url = format!("http://{}/status?user_id={user}", farm.service.address());
            tokio::spawn(ask_all_the_while(url, stopped.clone()))
        })
        .collect();

    // Messages both ways, with three upgrades in between.
    let rounds = 12;
    for round in 0..rounds {
        if round % 4 == 1 {
            farm.service.install();
            farm.service.signal(Signal::SIGHUP);
        }
        for (user, number) in USERS {
            farm.phone.message(number, ANA, &format!("chega {round}")).await;
            let body = json!({"user_id": user, "phone": ANA, "message": format!("sai {round}")});
            let sent = farm.service.post("/send", &body).await;
            assert_eq!(sent.status, 200, "{sent:?}");
        }
        if round % 4 == 3 {
            goes_on_as_the_next_image(&farm).await;
        }
    }
    let expected = |what: &str| (0..rounds).map(|round| format!("{what} {round}")).collect::<Vec<_>>();
    for (user, number) in USERS {
        farm.webhook.has(user, &expected("chega")).await;
        let sent = farm.phone.sent(number).await;
        let sent: Vec<_> = sent.iter().map(|message| message["body"].as_str().expect("text")).collect();
        assert_eq!(sent, expected("sai"));
    }
    let _ = stop.send(true);
    for caller in callers {
        let (answered, slowest) = caller.await.expect("nobody is refused");
        eprintln!("{answered} answers, the slowest took {slowest:?}");
        assert!(answered > 10 && slowest < LONG, "{answered}, {slowest:?}");
    }
    assert_eq!(Service::workers().iter().map(|worker| worker.pid).collect::<Vec<_>>(), workers);
}

/// Waits until the process runs the file that was installed last, and serves.
async fn goes_on_as_the_next_image(farm: &Farm) {
    until("the next image runs", || async { farm.service.runs_what_is_installed().then_some(()) }).await;
    for (user, _) in USERS {
        farm.ready(user).await;
    }
}

#[tokio::test]
async fn a_send_under_way_is_finished_before_the_upgrade() {
    let farm = Farm::start_with(Options { installed: true, ..Options::default() }).await;
    let (user, number) = USERS[0];
    farm.link(user, number).await;
    let worker = Service::processes_of(user).await.0.pid;
    // The server has the message, and says so only later.
    farm.phone.fault(number, "ack_delay", json!(1500)).await;
    let body = json!({"user_id": user, "phone": ANA, "message": "a caminho"});
    let answered = AtomicBool::new(false);
    let (sent, ()) = tokio::join!(
        async {
            let sent = farm.service.post("/send", &body).await;
            answered.store(true, Ordering::SeqCst);
            sent
        },
        async {
            until("the server has the message", || async {
                (farm.phone.sent(number).await.len() == 1).then_some(())
            })
            .await;
            farm.service.install();
            farm.service.signal(Signal::SIGHUP);
            assert!(!answered.load(Ordering::SeqCst), "or the test proves nothing");
        }
    );
    assert_eq!(sent.status, 200, "{sent:?}");
    until("the next image runs", || async { farm.service.runs_what_is_installed().then_some(()) }).await;
    farm.ready(user).await;
    assert_eq!(farm.phone.sent(number).await.len(), 1);
    assert_eq!(Service::processes_of(user).await.0.pid, worker);
}
