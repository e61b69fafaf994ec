//! Two who never stop: one asks the service's doors for a word and holds the time that it took against what is allowed, the
//! other writes a setting again and again and looks whether it is there.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};

use crate::harness::Service;
use crate::players::{PATIENCE, client};
use crate::stage::Stage;

/// How often the doors are knocked at, and a setting is written.
const EVERY: Duration = Duration::from_millis(500);
/// How long an answer may take that waits for nobody; and how many times the answer of somebody else it may take beside, on
/// two cores that eight browsers and builds may share.
const PROMPT: Duration = Duration::from_secs(8);
const SLOWER: u32 = 40;
/// The session whose configuration is written. It never runs.
const PAGE: &str = "notebook";

/// Asks `/health`, a status and the operators' socket, one after the other, as long as it is let.
pub(crate) async fn knock(stage: Arc<Stage>) {
    let http = client();
    loop {
        for path in ["/health", "/status?user_id=1"] {
            let ask = async {
                let answer = Service::answer(http.get(stage.url(path))).await;
                answer.map(|answer| answer.status).map_err(|error| format!("{error:?}"))
            };
            once(&stage, path, ask).await;
        }
        let ask = async {
            let answer = timeout(PATIENCE, admin(&stage)).await;
            answer.map_err(|late| late.to_string()).and_then(|told| told.map_err(|error| error.to_string()))
        };
        once(&stage, "the operators' socket", ask).await;
        sleep(EVERY).await;
    }
}

/// The status that operators are answered with.
async fn admin(stage: &Stage) -> std::io::Result<u16> {
    let mut socket = UnixStream::connect(&stage.props.admin).await?;
    socket.write_all(b"GET /v1/service HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| std::io::Error::other(format!("no HTTP: {answer:?}")))
}

/// Asks once, and somebody else of the same machine at the same time: who is slow because the machine is, is not slow.
async fn once(stage: &Stage, door: &str, ask: impl Future<Output = Result<u16, String>>) {
    let begun = stage.now();
    let since = || stage.now().saturating_sub(begun);
    let other = async {
        stage.phone.pages().await;
        since()
    };
    let ask = async { (ask.await, since()) };
    let ((told, took), other) = tokio::join!(ask, other);
    let mut notes = stage.notes();
    // Nobody is there, or nobody can be let in.
    if notes.may_be_closed(begun, begun + took) {
        return;
    }
    notes.knocks += 1;
    notes.slowest = notes.slowest.max(took);
    let allowed = PROMPT + other * SLOWER;
    if !matches!(told, Ok(200)) || took > allowed {
        let (took, allowed) = (took.as_secs_f64(), allowed.as_secs_f64());
        notes.slow.push((begun, format!("{door}: {told:?} after {took:.1} s of {allowed:.1} s")));
    }
}

/// Makes the session that [`scribble`] writes to.
pub(crate) async fn prepare(service: &Service) {
    let page = json!({"name": PAGE, "start": false, "config": config(0)});
    let made = service.post("/api/sessions", &page).await;
    assert_eq!(made.status, 201, "{made:?}");
}

fn config(n: u64) -> Value {
    json!({"metadata": {"n": n.to_string()}})
}

/// Writes numbers that grow, and reads what is there: nothing before the last that was acknowledged.
pub(crate) async fn scribble(stage: Arc<Stage>) {
    let http = client();
    let path = format!("/api/sessions/{PAGE}");
    let mut acknowledged = 0;
    for n in 1.. {
        sleep(EVERY).await;
        let begun = stage.now();
        if let Ok(answer) = Service::answer(http.get(stage.url(&path))).await
            && answer.status == 200
        {
            let there: u64 =
                answer.json["config"]["metadata"]["n"].as_str().map_or(0, |n| n.parse().unwrap_or(0));
            if there < acknowledged || there >= n {
                let what = format!("setting {there} was read, {acknowledged} had been acknowledged");
                stage.notes().forgotten.push((begun, what));
            }
        }
        let change = http.put(stage.url(&path)).json(&json!({"config": config(n)}));
        let answer = Service::answer(change).await;
        let now = stage.now();
        let mut notes = stage.notes();
        match answer {
            Ok(answer) if answer.status == 200 => {
                acknowledged = n;
                notes.kept += 1;
            }
            // The disk does not take it, and that is said.
            Ok(answer) if answer.status >= 500 && notes.may_refuse(begun, now) => notes.not_kept += 1,
            Ok(answer) => {
                let what = format!("a setting was answered with {} {}", answer.status, answer.text);
                notes.wrong.push((begun, what));
            }
            // `players` says who may not be answered at all.
            Err(_) => {}
        }
    }
}
