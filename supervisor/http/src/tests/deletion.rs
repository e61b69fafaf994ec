//! Deleting a session: it is finished whoever hangs up, it leaves nothing, and it says when it could not.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request};
use colmeia::Secret;
use colmeia::config::ServiceConfig;
use serde_json::{Value, json};

use super::stage::*;
use colmeia_events::journal::testing::{incoming, user, waiting};
use colmeia_session::{Phase, UserView};
use colmeia_store::{Actions, Claim, NewKey};

fn delete(path: &str) -> Request<Body> {
    Request::delete(path).body(Body::empty()).expect("request")
}

/// A session with everything that one can leave behind: a configuration, events that wait for Flask and for a webhook, an
/// answer to a repeated request.
async fn lived_in(stage: &Stage) {
    let config = json!({
        "metadata": {"owner": "the one before"},
        "webhooks": [{"url": "http://127.0.0.1:9/old", "events": ["message"]}],
        "proxy": {"server": "proxy.example:3128"},
        "ignore": {"groups": true},
    });
    let config = serde_json::from_value(config).expect("a configuration");
    stage.store.keep_session(&user("1"), config).await.expect("kept");
    stage.journal.append(&user("1"), vec![incoming("old")]).await.expect("written");
    stage.journal.append(&user("2"), vec![incoming("another's")]).await.expect("written");
    assert_eq!(stage.store.claim(&user("1"), "k", [1; 32]).await.expect("works"), Claim::New);
    assert_eq!(waiting(&stage.journal, &user("1")).await, 2);
}

async fn is_gone(stage: &Stage) -> bool {
    let marks = stage.folder.path().join("colmeia-deleting");
    let marked = std::fs::read_dir(marks).is_ok_and(|mut entries| entries.next().is_some());
    let page = stage.journal.events(0, Some(user("1")), |_, _| true, 10).await.expect("read");
    !marked && page.events.is_empty() && stage.store.session(&user("1")).is_none()
}

async fn until_gone(stage: &Stage) {
    let gone = async {
        while !is_gone(stage).await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("it goes on to its end");
}

#[tokio::test]
async fn a_deletion_is_finished_however_soon_the_caller_hangs_up() {
    for patience in [1, 20, 1000] {
        // The session's task is busy with the phone for as long as the caller waits.
        let stage = Cast::new(nobody).held().with("1", ready()).on_stage();
        lived_in(&stage).await;
        let asked = stage.ask(delete("/api/sessions/1"));
        let hung_up = tokio::time::timeout(Duration::from_millis(patience), asked).await;
        assert!(hung_up.is_err(), "{patience} ms");
        stage.cast.noted(&["1 delete"]).await;
        assert!(!is_gone(&stage).await);
        stage.cast.release();
        until_gone(&stage).await;
        assert_eq!(stage.cast.notes(), ["1 delete"], "{patience} ms");
    }
}

#[tokio::test]
async fn the_next_session_of_the_name_finds_nothing_of_the_one_before() {
    let stage = Cast::new(nobody).with("1", ready()).with("2", ready()).on_stage();
    lived_in(&stage).await;
    let seen: Value = serde_json::from_str(&stage.get("/api/events?session=1").await.body).expect("JSON");
    let old = seen["events"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(stage.ask(delete("/api/sessions/1")).await.status, 200);
    assert!(is_gone(&stage).await, "before it is said");

    stage.cast.set("1", view(Phase::Stopped));
    let wish = json!({"name": "1", "start": false}).to_string();
    let made: Value = serde_json::from_str(&stage.post("/api/sessions", wish).await.body).expect("JSON");
    assert_eq!((&made["name"], &made["config"]), (&json!("1"), &json!({})), "{made}");
    for query in ["session=1".to_owned(), format!("session=1&after={old}")] {
        let page = stage.get(&format!("/api/events?{query}")).await;
        assert_eq!(page.body, r#"{"events":[],"next":null}"#, "{query}");
    }
    let dead = stage.get("/api/events/dead?session=1").await;
    assert_eq!(dead.body, r#"{"dead":[]}"#);
    assert_eq!(waiting(&stage.journal, &user("1")).await, 0);
    assert_eq!(stage.store.claim(&user("1"), "k", [2; 32]).await.expect("works"), Claim::New);
    // Its own messages are told, also one that the owner before had.
    stage.journal.append(&user("1"), vec![incoming("old")]).await.expect("written");
    let page: Value = serde_json::from_str(&stage.get("/api/events?session=1").await.body).expect("JSON");
    assert_eq!(page["events"].as_array().map(Vec::len), Some(2));
    assert_eq!(page["events"][0]["metadata"], Value::Null, "{page}");
    // The neighbour has lost nothing.
    assert_eq!(waiting(&stage.journal, &user("2")).await, 1);
}

#[tokio::test]
async fn a_key_for_the_session_ends_with_it_and_one_for_several_keeps_the_others() {
    let config = ServiceConfig { api_keys: vec![Secret::new("0123456789abcdef")], ..Default::default() };
    let cast = Cast::new(nobody).with("1", ready()).with("2", ready());
    let stage = cast.on_stage_at("0.0.0.0:5001", config);
    let ask = async |key: &str, method: Method, path: &str| {
        let request = Request::builder().method(method).uri(path).header("x-api-key", key);
        stage.ask_from("203.0.113.9:4000", request.body(Body::empty()).expect("request")).await
    };
    let made = async |sessions: &[&str]| {
        let actions = Actions { read: true, ..Default::default() };
        let sessions = sessions.iter().map(|name| user(name)).collect();
        let grants = NewKey { name: String::new(), active: true, admin: false, sessions, actions };
        stage.store.add_key(None, grants).await.expect("made").1
    };
    let (own, both) = (made(&["1"]).await, made(&["1", "2"]).await);
    for key in [&own, &both] {
        assert_eq!(ask(key.expose(), Method::GET, "/api/sessions/1").await.status, 200);
    }
    assert_eq!(ask("0123456789abcdef", Method::DELETE, "/api/sessions/1").await.status, 200);
    // The name's next owner.
    stage.cast.set("1", ready());
    assert_eq!(ask(own.expose(), Method::GET, "/api/sessions/1").await.status, 401, "there is no such key");
    assert_eq!(ask(both.expose(), Method::GET, "/api/sessions/1").await.status, 403, "not this session's");
    assert_eq!(ask(both.expose(), Method::GET, "/api/sessions/2").await.status, 200);
}

#[tokio::test]
async fn the_old_words_for_it_delete_as_much() {
    for (path, body) in [
        ("/api/sessions/logout", json!({"name": "1"})),
        ("/api/sessions/stop", json!({"name": "1", "logout": true})),
    ] {
        let stage = Cast::new(nobody).with("1", ready()).on_stage();
        lived_in(&stage).await;
        let answer = stage.post(path, body.to_string()).await;
        assert_eq!(answer.status, 201, "{path}: {}", answer.body);
        assert!(is_gone(&stage).await, "{path}");
    }
}

#[tokio::test]
async fn a_phone_that_was_not_told_is_said_and_one_that_is_not_there_is_not_missed() {
    let untold =
        "The session is deleted, but the phone could not be told: if it lists this device, remove it there";
    let untold = json!({"phoneTold": false, "message": untold});
    let told = json!({});
    let cast = || Cast::new(nobody);
    for (cast, view, said) in [
        (cast(), ready(), &told),
        (cast().only_here(), ready(), &untold),
        (cast().only_here(), code(), &untold),
        (cast().nobody_linked(), code(), &told),
        (cast().only_here(), view(Phase::Stopped), &told),
        (cast().only_here(), UserView { was_linked: true, ..view(Phase::Stopped) }, &untold),
    ] {
        let stage = cast.with("1", view).on_stage();
        for (method, path, body) in [
            (Method::DELETE, "/api/sessions/1", json!({})),
            (Method::POST, "/api/sessions/logout", json!({"name": "1"})),
            (Method::POST, "/api/sessions/stop", json!({"name": "1", "logout": true})),
        ] {
            lived_in(&stage).await;
            let request =
                Request::builder().method(method).uri(path).header("content-type", "application/json");
            let answer = stage.ask(request.body(Body::from(body.to_string())).expect("request")).await;
            assert!(answer.status.is_success(), "{path}: {}", answer.body);
            assert_eq!(&serde_json::from_str::<Value>(&answer.body).expect("JSON"), said, "{path}");
            assert!(is_gone(&stage).await, "{path}");
        }
    }
}

#[tokio::test]
async fn what_could_not_be_deleted_is_no_success_and_can_be_asked_for_again() {
    let stage = Cast::new(nobody).stuck().with("1", ready()).on_stage();
    lived_in(&stage).await;
    for _ in 0..2 {
        let answer = stage.ask(delete("/api/sessions/1")).await;
        assert_eq!(answer.status, 500);
        assert!(answer.body.contains("cannot be deleted"), "{}", answer.body);
        assert!(
            stage.folder.path().join("colmeia-deleting/1").exists(),
            "the next supervisor goes on with it"
        );
    }
    let answer = stage.post("/api/sessions/1/logout", "").await;
    assert_eq!(answer.status, 500, "{}", answer.body);
    let answer = stage.post("/disconnect?user_id=1", "").await;
    assert_eq!(answer.status, 500);
    assert!(answer.error().contains("Não foi possível apagar"), "{}", answer.body);
}

#[tokio::test]
async fn what_the_last_supervisor_could_not_finish_is_finished() {
    let stage = Cast::new(nobody).with("1", view(Phase::Stopped)).on_stage();
    lived_in(&stage).await;
    std::fs::create_dir_all(stage.folder.path().join("colmeia-deleting")).expect("made");
    std::fs::write(stage.folder.path().join("colmeia-deleting/1"), b"").expect("written");
    let state = colmeia::layout::StateLayout::new(stage.folder.path(), "ylada_bot");
    stage.deletions.resume(colmeia_host::folders::users_being_deleted(&state).expect("read"));
    until_gone(&stage).await;
    assert_eq!(stage.cast.notes(), ["1 delete"]);
}

/// A logout is no deletion: the session stays, with its configuration, and asks for a phone again.
#[tokio::test]
async fn a_logout_runs_to_its_end_too_and_keeps_the_session() {
    let stage = Cast::new(nobody).with("1", ready()).on_stage_at("127.0.0.1:5001", ServiceConfig::default());
    lived_in(&stage).await;
    let asked = stage.post("/api/sessions/1/logout", "");
    let _ = tokio::time::timeout(Duration::from_millis(1), asked).await;
    stage.cast.noted(&["1 disconnect", "1 start"]).await;
    assert!(stage.store.session(&user("1")).is_some());
    assert_eq!(stage.post("/disconnect?user_id=1", "").await.status, 200);
    let page = stage.journal.events(0, Some(user("1")), |_, _| true, 10).await.expect("read");
    assert_eq!(page.events.len(), 2);
}
