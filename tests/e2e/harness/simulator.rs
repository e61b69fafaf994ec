//! The simulator's process, and the phone that it plays.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::{program, terrain, until};

/// A running simulator.
pub(crate) struct Simulator {
    child: Child,
    /// `http://127.0.0.1:<port>`.
    pub(crate) address: String,
    http: reqwest::Client,
}

impl Simulator {
    /// Starts one on a free port.
    pub(crate) async fn start(args: &[&str]) -> Self {
        let mut child = Command::new(program("colmeia-simulator"))
            .args(["--listen", "127.0.0.1:0"])
            .args(terrain::arguments(args))
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the simulator starts");
        let stdout = child.stdout.take().expect("it is piped");
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).map(|_| line)
        });
        let line = line.await.expect("no panic").expect("a line");
        let address = line.trim().strip_prefix("listening on ").expect("its address").to_owned();
        Self { child, address, http: reqwest::Client::new() }
    }

    /// Answers nobody any more, as a host whose connections are accepted and lead nowhere.
    pub(crate) fn stand_still(&self) {
        let pid = i32::try_from(self.child.id()).expect("a pid");
        kill(Pid::from_raw(pid), Signal::SIGSTOP).expect("it lives");
    }

    /// Asks the phone for something that it may refuse.
    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}{path}", self.address);
        let answer = self.http.post(url).json(&body).send().await.expect("the simulator answers");
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}{path}", self.address)).send().await;
        answer.expect("the simulator answers").json().await.expect("JSON")
    }

    /// The bytes of a sent message.
    pub(crate) async fn media(&self, message: &str) -> Vec<u8> {
        let answer = self.http.get(format!("{}/phone/media/{message}", self.address)).send().await;
        answer.expect("the simulator answers").bytes().await.expect("a body").to_vec()
    }

    /// Scans a code; `false` when it is unknown or expired.
    pub(crate) async fn scan(&self, qr: &str, number: &str) -> bool {
        let contacts = json!([{"number": "5511988887777", "name": "Ana"}]);
        let body =
            json!({"qr": qr, "number": number, "name": format!("Dono {number}"), "contacts": contacts});
        let (status, answer) = self.post("/phone/scan", body).await;
        assert!(status == 200 || status == 404, "{status} {answer}");
        status == 200
    }

    /// Types a pairing code; `false` when no page shows it.
    pub(crate) async fn pair(&self, code: &str, number: &str) -> bool {
        let body = json!({"code": code, "number": number, "name": format!("Dono {number}")});
        self.post("/phone/pair", body).await.0 == 200
    }

    /// A message from `from` to the linked `to`; returns its id.
    pub(crate) async fn message(&self, to: &str, from: &str, body: &str) -> String {
        self.message_with(json!({"to": to, "from": from, "name": "Ana", "body": body})).await
    }

    /// A message with everything that the simulator's API takes.
    pub(crate) async fn message_with(&self, message: Value) -> String {
        let (status, answer) = self.post("/phone/message", message).await;
        assert_eq!(status, 200, "{answer}");
        answer["id"].as_str().expect("an id").to_owned()
    }

    /// What the page of this number has sent, in order.
    pub(crate) async fn sent(&self, number: &str) -> Vec<Value> {
        let answer = self.get(&format!("/phone/sent?number={number}")).await;
        answer["sent"].as_array().expect("a list").clone()
    }

    /// How many events the linked browsers of this number have not stored yet.
    pub(crate) async fn queued(&self, number: &str) -> u64 {
        let answer = self.get("/phone/numbers").await;
        let numbers = answer["numbers"].as_array().expect("a list").iter();
        let devices =
            numbers.filter(|entry| entry["number"] == number).flat_map(|entry| entry["devices"].as_array());
        let linked = devices.flatten().filter(|device| device["logged_out"] != true);
        linked.filter_map(|device| device["queued"].as_u64()).sum()
    }

    /// Whether the phone of this number lists a linked device.
    pub(crate) async fn is_listed(&self, number: &str) -> bool {
        let answer = self.get("/phone/numbers").await;
        let mut numbers = answer["numbers"].as_array().expect("a list").iter();
        let own = numbers.find(|entry| entry["number"] == number);
        let devices = own.and_then(|entry| entry["devices"].as_array());
        devices.is_some_and(|devices| devices.iter().any(|device| device["logged_out"] == false))
    }

    /// The pages that are open.
    pub(crate) async fn pages(&self) -> Vec<Value> {
        self.get("/phone/pages").await["pages"].as_array().expect("a list").clone()
    }

    /// The phone's owner removes the device.
    pub(crate) async fn log_out(&self, number: &str) {
        let (status, answer) = self.post("/phone/logout", json!({"number": number})).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// Makes something go wrong.
    pub(crate) async fn fault(&self, number: &str, fault: &str, value: Value) {
        let body = json!({"number": number, "fault": fault, "value": value});
        let (status, answer) = self.post("/phone/fault", body).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// Makes something go wrong on the page that shows this code.
    pub(crate) async fn fault_at_code(&self, qr: &str, fault: &str, value: Value) -> bool {
        let (status, _) = self.post("/phone/fault", json!({"qr": qr, "fault": fault, "value": value})).await;
        status == 200
    }

    /// Waits until the number's page is gone.
    pub(crate) async fn page_gone(&self, number: &str) {
        until(&format!("the page of {number} is gone"), || async {
            (!self.pages().await.iter().any(|page| page["number"] == number)).then_some(())
        })
        .await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
