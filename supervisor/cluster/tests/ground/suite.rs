//! What every ground promises.

use std::time::Duration;

use bytes::Bytes;
use colmeia_cluster::ground::{Appended, Entry, Ground, GroundError, Sequence, Watch, Watched};
use colmeia_cluster::names::Key;
use colmeia_cluster::records::Revision;
use futures::future::join_all;

/// For what hangs.
const LIMIT: Duration = Duration::from_secs(120);

pub(crate) fn key(text: &str) -> Key {
    text.parse().expect("a key")
}

fn value(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// The next thing that is told, without those that say that nothing is heard for now.
pub(crate) async fn next(watch: &mut Watch) -> Watched {
    let told = async {
        loop {
            match watch.next().await.expect("it goes on") {
                Watched::Lost => {}
                told => return told,
            }
        }
    };
    tokio::time::timeout(LIMIT, told).await.expect("something is told")
}

pub(crate) async fn all(ground: &dyn Ground) {
    records(ground).await;
    races(ground).await;
    watches(ground).await;
    logs(ground).await;
}

pub(crate) async fn records(ground: &dyn Ground) {
    let one = key("user.records");
    assert_eq!(ground.get(&one).await.expect("read"), None);
    let missing = ground.compare_and_set(&one, Revision(7), value("x")).await;
    assert!(matches!(missing, Err(GroundError::Stale)), "{missing:?}");
    let none = ground.compare_and_set(&one, Revision(0), value("x")).await;
    assert!(matches!(none, Err(GroundError::Stale)), "this creates nothing: {none:?}");
    let first = ground.create(&one, value("a")).await.expect("created");
    let again = ground.create(&one, value("b")).await;
    assert!(matches!(again, Err(GroundError::Exists)), "{again:?}");
    let second = ground.compare_and_set(&one, first, value("c")).await.expect("written");
    assert!(second > first);
    let stale = ground.compare_and_set(&one, first, value("d")).await;
    assert!(matches!(stale, Err(GroundError::Stale)), "{stale:?}");
    let other = ground.create(&key("user.records-2"), value("")).await.expect("created");
    assert!(other > second, "one order for all records");
    let read = ground.get(&one).await.expect("read");
    assert_eq!(read, Some(Entry { key: one, revision: second, value: value("c") }));
    let empty = ground.get(&key("user.records-2")).await.expect("read").expect("there");
    assert!(empty.value.is_empty());
}

/// Of those who expect the same revision one wins, and the record says what that one wrote.
pub(crate) async fn races(ground: &dyn Ground) {
    let one = key("user.race");
    let mut at: Option<Revision> = None;
    for round in 0..20 {
        let tries = (0..8).map(|racer| {
            let (one, value) = (&one, value(&format!("{round}/{racer}")));
            async move {
                let outcome = match at {
                    None => ground.create(one, value.clone()).await,
                    Some(at) => ground.compare_and_set(one, at, value.clone()).await,
                };
                (value, outcome)
            }
        });
        let mut won = Vec::new();
        for (value, outcome) in join_all(tries).await {
            match outcome {
                Ok(revision) => won.push((value, revision)),
                Err(GroundError::Exists) => assert!(at.is_none()),
                Err(GroundError::Stale) => assert!(at.is_some()),
                Err(error) => panic!("{error}"),
            }
        }
        let [(value, revision)] = &won[..] else { panic!("round {round}: {won:?}") };
        let found = ground.get(&one).await.expect("read").expect("there");
        assert_eq!((&found.value, found.revision), (value, *revision));
        at = Some(*revision);
    }
}

pub(crate) async fn watches(ground: &dyn Ground) {
    let (host, other) = (key("host.watched"), key("user.watched"));
    let mut before = ground.watch(Some(&key("host"))).await.expect("watched");
    assert_eq!(next(&mut before).await, Watched::Listed, "there is none");
    let first = ground.create(&host, value("0")).await.expect("created");
    ground.create(&other, value("0")).await.expect("created");
    let mut after = ground.watch(Some(&key("host"))).await.expect("watched");
    let mut all = ground.watch(None).await.expect("watched");
    let entry =
        |revision, text: &str| Watched::Changed(Entry { key: host.clone(), revision, value: value(text) });
    assert_eq!(next(&mut before).await, entry(first, "0"));
    assert_eq!(next(&mut after).await, entry(first, "0"));
    assert_eq!(next(&mut after).await, Watched::Listed);
    let mut at = first;
    for round in 1..=30 {
        let text = round.to_string();
        at = ground.compare_and_set(&host, at, value(&text)).await.expect("written");
        assert_eq!(next(&mut after).await, entry(at, &text), "each change once, and none of others");
        assert_eq!(next(&mut before).await, entry(at, &text));
    }
    // Whoever comes late is told what is there, in the order of the changes, and may miss what was overtaken.
    let (mut last, mut listed) = (Revision(0), false);
    loop {
        match next(&mut all).await {
            Watched::Changed(entry) => {
                assert!(entry.revision > last, "in order");
                last = entry.revision;
                if entry.key == host && entry.revision == at {
                    break;
                }
            }
            Watched::Listed => assert!(!std::mem::replace(&mut listed, true), "once"),
            Watched::Lost => {}
        }
    }
}

pub(crate) async fn logs(ground: &dyn Ground) {
    let (one, other) = (key("log-1"), key("log-2"));
    assert_eq!(ground.last(&one).await.expect("read"), None);
    let wrong = ground.append(&one, "a", Sequence(9), value("a")).await;
    assert!(matches!(wrong, Err(GroundError::Stale)), "{wrong:?}");
    let a = ground.append(&one, "a", Sequence::default(), value("a")).await.expect("appended");
    assert!(!a.is_repeated);
    let repeated = Appended { is_repeated: true, ..a };
    let again = ground.append(&one, "a", Sequence::default(), value("a")).await.expect("known");
    assert_eq!(again, repeated);
    let stale = ground.append(&one, "b", Sequence::default(), value("b")).await;
    assert!(matches!(stale, Err(GroundError::Stale)), "an old owner's: {stale:?}");
    let elsewhere = ground.append(&other, "a", Sequence::default(), value("a")).await.expect("appended");
    assert!(!elsewhere.is_repeated, "an id is its log's own");
    let b = ground.append(&one, "b", a.sequence, value("b")).await.expect("another log does not count");
    assert!(b.sequence > a.sequence && !b.is_repeated);
    let earlier = ground.append(&one, "a", b.sequence, value("a")).await.expect("known");
    assert_eq!(earlier, repeated, "also when others came after it");
    let last = ground.last(&one).await.expect("read").expect("there");
    assert_eq!((last.sequence, last.id.as_str(), last.value), (b.sequence, "b", value("b")));
}
