//! What is kept is there after a restart, and only what may be kept is.

use std::collections::BTreeSet;

use colmeia::config::{Proxy, SessionSettings};
use colmeia::{Secret, UserId};

use super::*;

/// A store in a folder of its own, which is returned too.
pub(crate) fn store() -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("folder");
    let store = Store::open(&folder.path().join("settings.db")).expect("opens");
    (store, folder)
}

fn user(id: &str) -> UserId {
    id.parse().expect("valid")
}

fn grants() -> NewKey {
    let sessions = BTreeSet::from([user("1")]);
    let actions = Actions { read: true, ..Actions::default() };
    NewKey { name: "n8n".into(), active: true, admin: false, sessions, actions }
}

#[tokio::test]
async fn a_key_is_found_by_its_digest_and_its_text_is_nowhere() {
    let (store, folder) = store();
    let (key, secret) = store.add_key(None, grants()).await.expect("made");
    assert_eq!(store.keys().as_slice(), std::slice::from_ref(&key));
    assert_eq!(key.digest, digest(secret.expose().as_bytes()));
    let again = Store::open(&folder.path().join("settings.db")).expect("opens");
    assert_eq!(again.keys().as_slice(), std::slice::from_ref(&key));
    for file in std::fs::read_dir(folder.path()).expect("folder").flatten() {
        let bytes = std::fs::read(file.path()).expect("readable");
        let needle = secret.expose().as_bytes();
        assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{file:?} holds the key");
    }
    let closed = NewKey { active: false, ..grants() };
    assert_eq!(
        store.update_key(&key.id, closed.clone()).await.expect("works").expect("there").grants,
        closed
    );
    assert!(store.remove_key(&key.id).await.expect("works") && store.keys().is_empty());
    assert!(!store.remove_key(&key.id).await.expect("works"));
    assert_eq!(store.update_key(&key.id, grants()).await.expect("works"), None);
}

#[tokio::test]
async fn a_key_with_a_name_of_its_own_replaces_the_earlier_one() {
    let (store, _folder) = store();
    let (_, first) = store.add_key(Some("media_1".into()), grants()).await.expect("made");
    let (second, text) = store.add_key(Some("media_1".into()), grants()).await.expect("made");
    assert_eq!(store.keys().as_slice(), [second]);
    assert!(!first.matches(&text));
}

#[tokio::test]
async fn a_configuration_is_there_after_a_restart() {
    let (store, folder) = store();
    let proxy = Proxy { server: "a:1".into(), username: Some("me".into()), password: Some(Secret::new("p")) };
    let settings = SessionSettings { proxy: Some(proxy), debug: true, ..SessionSettings::default() };
    store.keep_session(&user("1"), settings.clone()).await.expect("kept");
    store.keep_session(&user("2"), SessionSettings::default()).await.expect("kept");
    let again = Store::open(&folder.path().join("settings.db")).expect("opens");
    assert_eq!(again.session(&user("1")), Some(settings));
    again.forget_session(&user("1")).await.expect("forgotten");
    assert_eq!(again.session(&user("1")), None);
    assert!(again.sessions().contains_key(&user("2")));
}

#[tokio::test]
async fn the_first_answer_is_given_again_also_after_a_restart() {
    let (store, folder) = store();
    let (one, two) = ([1; 32], [2; 32]);
    let answer = FirstAnswer { status: 201, body: b"{}".to_vec() };
    assert_eq!(store.claim(&user("1"), "k", one).await.expect("works"), Claim::New);
    assert_eq!(store.claim(&user("1"), "k", one).await.expect("works"), Claim::UnderWay);
    assert_eq!(store.claim(&user("1"), "k", two).await.expect("works"), Claim::Different);
    assert_eq!(store.claim(&user("2"), "k", two).await.expect("works"), Claim::New, "another session's");
    store.settle_claim(&user("1"), "k", answer.clone()).await.expect("kept");
    assert_eq!(store.claim(&user("1"), "k", one).await.expect("works"), Claim::Answered(answer.clone()));
    store.release_claim(&user("1"), "k").await.expect("works");
    let again = Store::open(&folder.path().join("settings.db")).expect("opens");
    assert_eq!(again.claim(&user("1"), "k", one).await.expect("works"), Claim::Answered(answer));
    let unknown = FirstAnswer { status: 500, body: Vec::new() };
    assert_eq!(again.claim(&user("2"), "k", two).await.expect("works"), Claim::Answered(unknown));
}

#[tokio::test]
async fn a_forgotten_sessions_answers_are_nobodys() {
    let (store, _folder) = store();
    for of in ["1", "2"] {
        assert_eq!(store.claim(&user(of), "k", [1; 32]).await.expect("works"), Claim::New);
        let answer = FirstAnswer { status: 201, body: b"{}".to_vec() };
        store.settle_claim(&user(of), "k", answer).await.expect("kept");
    }
    store.forget_session(&user("1")).await.expect("forgotten");
    assert_eq!(store.claim(&user("1"), "k", [2; 32]).await.expect("works"), Claim::New);
    assert!(matches!(store.claim(&user("2"), "k", [1; 32]).await.expect("works"), Claim::Answered(_)));
}

#[tokio::test]
async fn a_claim_that_was_given_back_is_free() {
    let (store, _folder) = store();
    assert_eq!(store.claim(&user("1"), "k", [1; 32]).await.expect("works"), Claim::New);
    store.release_claim(&user("1"), "k").await.expect("works");
    assert_eq!(store.claim(&user("1"), "k", [2; 32]).await.expect("works"), Claim::New);
}

#[tokio::test]
async fn so_many_answers_of_a_session_are_kept_and_the_oldest_make_room() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("settings.db");
    let store = Store::open_with(&path, Answers { most: 20, ..Answers::default() }).expect("opens");
    let answer = FirstAnswer { status: 200, body: b"{}".to_vec() };
    for of in ["2", "1"] {
        for n in 0..if of == "1" { 200 } else { 10 } {
            let key = format!("k{n}");
            assert_eq!(store.claim(&user(of), &key, [1; 32]).await.expect("works"), Claim::New);
            store.settle_claim(&user(of), &key, answer.clone()).await.expect("kept");
        }
    }
    let kept = |of: &'static str| {
        store.run(move |thread| {
            let sql = "SELECT count(*) FROM answers WHERE user = ?1";
            Ok(thread.connection.query_row(sql, [of], |row| row.get::<_, u32>(0))?)
        })
    };
    let of_one = kept("1").await.expect("read");
    assert!((20..=40).contains(&of_one), "{of_one}");
    assert_eq!(kept("2").await.expect("read"), 10, "another session's are its own");
    assert!(matches!(store.claim(&user("1"), "k199", [1; 32]).await.expect("works"), Claim::Answered(_)));
}

#[tokio::test]
async fn keys_end_with_the_session_they_are_for() {
    let (store, _folder) = store();
    let with =
        |sessions: &[&str]| NewKey { sessions: sessions.iter().map(|id| user(id)).collect(), ..grants() };
    let (only, _) = store.add_key(None, with(&["1"])).await.expect("made");
    let (both, _) = store.add_key(None, with(&["1", "2"])).await.expect("made");
    let (other, _) = store.add_key(None, with(&["2"])).await.expect("made");
    let (all, _) = store.add_key(None, with(&[])).await.expect("made");
    store.forget_keys_of(&user("1")).await.expect("ended");
    let keys = store.keys();
    let grants = |key: &ApiKey| {
        keys.iter().find(|known| known.id == key.id).map(|known| known.grants.sessions.clone())
    };
    assert_eq!(grants(&only), None);
    assert_eq!(grants(&both), Some(BTreeSet::from([user("2")])), "it goes on for the other one");
    assert_eq!(grants(&other), Some(BTreeSet::from([user("2")])));
    assert_eq!(grants(&all), Some(BTreeSet::new()), "one for all sessions is not this session's");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_set_aside_by_name_and_keeps_nobody_else_out() {
    let (store, folder) = store();
    let settings = SessionSettings { debug: true, ..SessionSettings::default() };
    store.keep_session(&user("1"), settings.clone()).await.expect("kept");
    store.keep_session(&user("2"), settings.clone()).await.expect("kept");
    let (key, _) = store.add_key(None, grants()).await.expect("made");
    drop(store);
    let path = folder.path().join("settings.db");
    let broken = Connection::open(&path).expect("opens");
    broken
        .execute("UPDATE sessions SET settings = '{\"debug\":\"hunter2' WHERE user = '2'", [])
        .expect("broken");
    broken.execute("INSERT INTO sessions VALUES ('../3', '{}')", []).expect("broken");
    broken.execute("UPDATE keys SET grants = '[]'", []).expect("broken");
    drop(broken);

    let store = Store::open(&path).expect("opens");
    assert_eq!(store.session(&user("1")), Some(settings.clone()));
    assert_eq!(store.session(&user("2")), None);
    let aside = store.unreadable_sessions();
    assert_eq!(aside.keys().map(String::as_str).collect::<Vec<_>>(), ["../3", "2"]);
    assert!(aside["2"].contains("column") && !aside["2"].contains("hunter2"), "{}", aside["2"]);
    let keys = store.keys();
    assert_eq!(
        (keys.len(), &keys[0].id, keys[0].grants.active),
        (1, &key.id, false),
        "still a key, which allows nothing"
    );

    let label = |settings: &mut SessionSettings| settings.label = Some("Loja".into());
    let refused = store.change_session(&user("2"), label).await;
    assert!(matches!(refused, Err(StoreError::SetAside)), "a part of it would be written over the rest");
    let changed = store.change_session(&user("1"), label).await.expect("changed");
    assert_eq!(changed, SessionSettings { label: Some("Loja".into()), ..settings.clone() });
    assert_eq!(store.session(&user("1")), Some(changed));

    store.keep_session(&user("2"), settings.clone()).await.expect("set anew");
    assert_eq!(store.session(&user("2")), Some(settings));
    assert!(!store.unreadable_sessions().contains_key("2"));
    assert!(store.remove_key(&key.id).await.expect("works"));
}
