//! Who goes on whatever happens: those who write messages, those who send them, the owner of each phone, and the
//! witness who asks for every user's status all the time.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{interval, sleep};

use crate::harness::Service;
use crate::ledger::{Outcome, Sent};
use crate::readiness::Seen;
use crate::schedule::USERS;
use crate::stage::{ANA, Stage, id, is_of, number, text};

/// How often somebody writes to each user, and each user writes to somebody.
const EVERY: Duration = Duration::from_millis(1_500);
/// How often everyone's status is asked for.
const LOOK: Duration = Duration::from_millis(150);
/// How often a person who is asked to scan looks at the screen.
const GLANCE: Duration = Duration::from_secs(1);
/// How often each user's chat is read.
const READ: Duration = Duration::from_secs(5);

/// Longer than any deadline of the service.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A client that keeps no connection, so that a killed supervisor's are not used again.
pub(crate) fn client() -> reqwest::Client {
    let builder = reqwest::Client::builder().pool_max_idle_per_host(0).timeout(PATIENCE);
    builder.build().expect("a client")
}

/// Somebody writes to this user.
pub(crate) async fn write(stage: Arc<Stage>, user: usize) {
    let mut turns = interval(EVERY);
    for n in 0.. {
        turns.tick().await;
        if *stage.over.borrow() {
            return;
        }
        let _pen = stage.pens[user].lock().await;
        let text = text("entra", user, n);
        let message = json!({"to": number(user), "from": ANA, "name": "Ana", "body": text});
        let (status, answer) = stage.phone.post("/phone/message", message).await;
        match status {
            200 => stage.notes().users[user].written.push(text),
            // No linked device: nobody is written to.
            404 => {}
            _ => panic!("the simulator says {status} {answer}"),
        }
    }
}

/// This user writes to somebody.
pub(crate) async fn send(stage: Arc<Stage>, user: usize) {
    let http = client();
    let mut turns = interval(EVERY);
    for n in 0.. {
        turns.tick().await;
        if *stage.over.borrow() {
            return;
        }
        let (at, text) = (stage.now(), text("sai", user, n));
        let body = json!({"user_id": id(user), "phone": ANA, "message": text});
        let answer = Service::answer(http.post(stage.url("/send")).json(&body)).await;
        let (outcome, told) = match answer {
            Ok(answer) => {
                let told = answer.json["error"].as_str().unwrap_or(&answer.text).to_owned();
                (outcome(answer.status, &told), format!("{} {told}", answer.status))
            }
            Err(error) if error.is_connect() => {
                if !stage.is_dead() {
                    stage.notes().refused_callers.push((at, format!("a send: {error:?}")));
                }
                (Outcome::Refused, "nobody listened".into())
            }
            Err(error) => {
                if !stage.is_dead() {
                    stage.notes().refused_callers.push((at, format!("a send was not answered: {error:?}")));
                }
                (Outcome::Unknown, error.to_string())
            }
        };
        stage.notes().users[user].sent.push(Sent { at, text, outcome, told });
    }
}

fn outcome(status: u16, told: &str) -> Outcome {
    match status {
        200 => Outcome::Accepted,
        _ if told.contains("Não se sabe") => Outcome::Unknown,
        _ => Outcome::Refused,
    }
}

/// The owner of this user's phone: links it again after it was logged out, and reads the chat now and then.
pub(crate) async fn own(stage: Arc<Stage>, user: usize) {
    let http = client();
    let get = async |path: String| Service::answer(http.get(stage.url(&path))).await.ok();
    let mut scanned = false;
    let mut next_read = stage.now();
    loop {
        sleep(GLANCE).await;
        if stage.notes().users[user].unlinked {
            // As a person does who looks at the page with the code.
            let Some(answer) = get(format!("/qr?user_id={}", id(user))).await else { continue };
            if let Some(qr) = answer.json["qr"].as_str() {
                scanned |= stage.phone.scan(qr, &number(user)).await;
            } else if scanned && answer.json["ready"] == true {
                scanned = false;
                stage.notes().users[user].unlinked = false;
            }
        } else if stage.now() >= next_read {
            next_read = stage.now() + READ;
            let path = format!("/chats/{ANA}@c.us/messages?user_id={}&limit=20", id(user));
            let Some(answer) = get(path).await else { continue };
            let messages = answer.json["messages"].as_array().cloned().unwrap_or_default();
            for message in messages {
                let body = message["body"].as_str().unwrap_or_default();
                if !is_of(body, user) {
                    let at = stage.now();
                    stage.notes().mixed_up.push((at, format!("user {} reads {body:?}", id(user))));
                }
            }
        }
    }
}

/// Asks for everyone's status and holds it against what was done.
pub(crate) async fn witness(stage: Arc<Stage>) {
    let http = client();
    loop {
        for user in 0..USERS {
            let url = stage.url(&format!("/status?user_id={}", id(user)));
            let answer = Service::answer(http.get(url)).await;
            let at = stage.now();
            match answer {
                Ok(answer) if answer.status == 200 => look(&stage, user, &answer.json, at),
                Ok(answer) => {
                    let what = format!("a status was answered with {} {}", answer.status, answer.text);
                    stage.notes().wrong.push((at, what));
                }
                Err(error) => {
                    if !stage.is_dead() {
                        stage.notes().refused_callers.push((at, format!("a status: {error:?}")));
                    }
                    stage.notes().users[user].readiness.saw(Seen::NotReady, at);
                }
            }
        }
        sleep(LOOK).await;
    }
}

fn look(stage: &Stage, user: usize, status: &Value, at: Duration) {
    let mut notes = stage.notes();
    notes.asked += 1;
    if let Some(wid) = status["clientInfo"]["wid"].as_str()
        && !wid.starts_with(&number(user))
    {
        notes.mixed_up.push((at, format!("user {} is told to be {wid}", id(user))));
    }
    let one = &mut notes.users[user];
    one.readiness.saw(if status["ready"] == true { Seen::Ready } else { Seen::NotReady }, at);
    if status["hasQr"] == true && !one.unlinked {
        // Linked again, so that the rest of the time tells something too.
        one.unlinked = true;
        let what = format!("user {} is asked to scan although the phone did not log out", id(user));
        notes.wrong.push((at, what));
    }
}
