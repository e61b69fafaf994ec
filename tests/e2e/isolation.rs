//! Many users, one port: each has its own code, process, directory and phone.

use std::collections::BTreeSet;

use crate::harness::{Farm, Options, Service, descendants, until};

#[tokio::test]
async fn four_users_are_four_sealed_cells() {
    let farm = Farm::start().await;
    let port = farm.service.address().rsplit(':').next().expect("a port").to_owned();
    let nameless = format!("port_{port}");
    let users = ["1", "2", "2_1", nameless.as_str()];

    // The call without a user id is the port's own user.
    let first = farm.service.get("/qr").await;
    assert_eq!(first.status, 200);
    let mut codes = BTreeSet::new();
    for user in users {
        codes.insert(farm.qr(user).await);
    }
    assert_eq!(codes.len(), 4, "four different codes");

    let mut workers = BTreeSet::new();
    for user in users {
        let (worker, _) = Service::processes_of(user).await;
        let others: Vec<_> = users.iter().filter(|other| **other != user).collect();
        for process in descendants(worker.pid) {
            for other in &others {
                let theirs = format!("_user_{other} ");
                assert!(!format!("{} ", process.command).contains(&theirs), "{process:?} knows user {other}");
            }
        }
        workers.insert(worker.pid);
        let profile = farm.auth_dir(user).join(format!("session-ylada_bot_user_{user}"));
        assert!(profile.is_dir(), "{} is missing", profile.display());
    }
    assert_eq!(workers.len(), 4, "four worker processes");

    let numbers = ["5511900000001", "5511900000002", "5511900000003", "5511900000004"];
    for (user, number) in users.iter().zip(numbers) {
        farm.link(user, number).await;
    }
    for (user, number) in users.iter().zip(numbers) {
        let status = farm.status(user).await;
        assert_eq!(status["clientInfo"]["wid"], format!("{number}@c.us"), "{user}");
        let shown = format!("+55 (11) 9{}-{}", &number[5..9], &number[9..]);
        assert_eq!(status["phone_number"], shown, "{user}");
    }
    assert_eq!(farm.service.get("/status").await.json["clientInfo"]["wid"], "5511900000004@c.us");
    assert_eq!(farm.service.get("/health").await.json["activeClients"], 4);

    // A message to one phone is seen by its user, and by nobody else.
    for (index, number) in numbers.iter().enumerate() {
        farm.phone.message(number, "5511988887777", &format!("para {index}")).await;
    }
    for (index, user) in users.iter().enumerate() {
        farm.webhook.has(user, &[format!("para {index}")]).await;
    }
    assert_eq!(farm.webhook.taken().len(), 4);
}

#[tokio::test]
async fn the_phones_own_page_lists_only_devices_of_their_users() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    farm.qr("2").await;
    let pages = farm.phone.pages().await;
    let linked: Vec<_> = pages.iter().filter(|page| page["number"].is_string()).collect();
    assert_eq!(linked.len(), 1, "{pages:?}");
    assert_eq!(farm.status("2").await["ready"], false);
}

#[tokio::test]
async fn whoever_comes_after_the_last_place_is_told_so_and_gets_it_when_it_is_free() {
    let options = Options { config: "max_users = 1\n".into(), ..Options::default() };
    let farm = Farm::start_with(options).await;
    farm.qr("1").await;
    until("user 2 is told that there is no room", || async {
        let answer = farm.service.get("/qr?user_id=2").await;
        assert_eq!((answer.status, &answer.json["ready"]), (200, &serde_json::json!(false)), "{answer:?}");
        answer.json["message"].as_str()?.contains("capacidade").then_some(())
    })
    .await;
    assert!(!farm.auth_dir("2").exists(), "nothing is made for a user that waits");
    let gone = farm.service.post("/disconnect?user_id=1", &serde_json::json!({})).await;
    assert_eq!(gone.status, 200, "{gone:?}");
    farm.qr("2").await;
}
