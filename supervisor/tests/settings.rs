//! A row of the settings that cannot be read: its session does not start and says why, and everybody else's does.

mod house;

use house::{House, alive, ask, signal, until};
use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::Value;

#[test]
fn a_session_whose_configuration_cannot_be_read_says_so_until_it_is_set_anew() {
    let house = House::new();
    std::fs::create_dir_all(house.path(".wwebjs_auth_user_8/session-ylada_bot_user_8")).expect("made");
    let mut first = house.start();
    let worker = house.worker();
    signal(first.id(), Signal::TERM);
    assert_eq!(first.wait().expect("ends").code(), Some(0));
    assert!(!alive(worker));
    let settings = Connection::open(house.path("colmeia-settings.db")).expect("opens");
    let broken = r#"INSERT INTO sessions VALUES ('7', '{"proxy": {"server": "hunter2')"#;
    settings.execute(broken, []).expect("written");
    drop(settings);

    let mut second = house.start();
    house.worker_of("8");
    let address = std::fs::read_to_string(house.path("run/http.addr")).expect("address");
    let told = |path: &str| {
        let answer = ask(&address, path).expect("answered");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        serde_json::from_str::<Value>(body).expect("JSON")
    };
    until("it has failed", || told("/api/sessions/7")["status"] == "FAILED");
    let last = || told("/api/events?session=7")["events"].as_array().and_then(|all| all.last().cloned());
    until("that is told", || last().is_some_and(|event| event["payload"]["status"] == "FAILED"));
    let said = last().expect("just seen").to_string();
    assert!(said.contains("its configuration cannot be read; set it anew or delete the session"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    assert!(!house.path("run/v1/7/worker.sock").exists(), "without its proxy it goes nowhere");

    let put = r#"{"config":{"proxy":null}}"#;
    let answer = house::send(&address, "PUT", "/api/sessions/7", put).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let answer = house::send(&address, "POST", "/api/sessions/7/start", "").expect("answered");
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    house.worker();
    signal(second.id(), Signal::TERM);
    assert_eq!(second.wait().expect("ends").code(), Some(0));
}
