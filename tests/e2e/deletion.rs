//! Deleting a session: it is finished whoever hangs up and whoever dies, and the next owner of its name finds nothing.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::harness::{Farm, until};

const FRIEND: &str = "5511988887777";

async fn lived_in(farm: &Farm, user: &str, number: &str) {
    let config = json!({ "name": user, "config": { "metadata": { "owner": "the one before" } } });
    let made = farm.service.post("/api/sessions", &config).await;
    assert_eq!(made.status, 201, "{made:?}");
    farm.link(user, number).await;
    farm.phone.message(number, FRIEND, "antigo").await;
    farm.webhook.has(user, &["antigo".to_owned()]).await;
}

async fn events(farm: &Farm, user: &str) -> usize {
    let page: Value = farm.service.get(&format!("/api/events?session={user}&limit=1000")).await.json;
    page["events"].as_array().expect("a list").len()
}

async fn until_gone(farm: &Farm, user: &str) {
    until(&format!("everything of {user} is gone"), || async {
        let mark = farm.auth_dir(user).with_file_name("colmeia-deleting").join(user);
        let known = farm.service.get(&format!("/api/sessions/{user}")).await.status != 404;
        let left = known || mark.exists() || farm.auth_dir(user).exists() || events(farm, user).await > 0;
        (!left).then_some(())
    })
    .await;
}

/// The request has arrived as a whole when the caller goes.
async fn ask_and_hang_up(farm: &Farm, user: &str, patience: Duration) {
    let url = farm.service.url("");
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let request = format!("DELETE /api/sessions/{user} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    tokio::time::sleep(patience).await;
}

#[tokio::test]
async fn a_deleted_session_leaves_nothing_however_soon_its_caller_hangs_up() {
    let farm = Farm::start().await;
    let users = [("1", "5511900000001", 1), ("2", "5511900000002", 20), ("3", "5511900000003", 1000)];
    let all = users.map(|(user, number, _)| lived_in(&farm, user, number));
    futures::future::join_all(all).await;
    for (user, number, patience) in users {
        assert!(events(&farm, user).await > 0);
        ask_and_hang_up(&farm, user, Duration::from_millis(patience)).await;
        until_gone(&farm, user).await;
        // The next owner of the name.
        let made = farm.service.post("/api/sessions", &json!({ "name": user, "start": false })).await;
        assert_eq!((made.status, &made.json["config"]), (201, &json!({})), "{made:?}");
        let code = farm.qr(user).await;
        assert!(farm.phone.scan(&code, number).await, "the phone knows that it is linked no more");
        farm.ready(user).await;
        farm.phone.message(number, FRIEND, "novo").await;
        farm.webhook.has(user, &["antigo".to_owned(), "novo".to_owned()]).await;
        let page = farm.service.get(&format!("/api/events?session={user}&events=message")).await.json;
        let texts: Vec<_> = page["events"].as_array().expect("a list").iter().collect();
        assert_eq!(texts.len(), 1, "{page}");
        assert_eq!((&texts[0]["payload"]["body"], &texts[0]["metadata"]), (&json!("novo"), &Value::Null));
    }
}

#[tokio::test]
async fn a_deletion_that_the_supervisor_dies_over_is_finished_by_the_next_one() {
    let mut farm = Farm::start().await;
    lived_in(&farm, "1", "5511900000001").await;
    let request = farm.service.request("DELETE", "/api/sessions/1");
    let mark = farm.auth_dir("1").with_file_name("colmeia-deleting").join("1");
    let begun = async {
        while !mark.exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        answer = farm.service.send(request) => panic!("it was quicker than we could look: {answer:?}"),
        () = begun => farm.service.signal(Signal::SIGKILL),
    }
    farm.service.ended().await;
    farm.service.start_again().await;
    until_gone(&farm, "1").await;
}
