//! Both grounds keep the same contract: SQLite in a file, and three real nodes of the engine.

mod leader;
mod nodes;
mod suite;

use async_nats::jetstream::stream::Config;
use bytes::Bytes;
use colmeia_cluster::ground::check::Fault;
use colmeia_cluster::ground::embedded::Embedded;
use colmeia_cluster::ground::nats::{Nats, NatsSettings};
use colmeia_cluster::ground::{Ground as _, GroundError, Sequence, Watched};
use nodes::{Engine, until_done};
use suite::{key, next};

fn embedded(folder: &tempfile::TempDir) -> Embedded {
    Embedded::open(&folder.path().join("cluster.db")).expect("opens")
}

#[tokio::test]
async fn embedded_keeps_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    suite::all(&embedded(&folder)).await;
}

#[tokio::test]
async fn what_is_embedded_is_there_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let (record, log) = (key("user.1"), key("log"));
    let before = embedded(&folder);
    let revision = before.create(&record, Bytes::from_static(b"a")).await.expect("created");
    let appended = before.append(&log, "1", Sequence::default(), Bytes::new()).await.expect("appended");
    drop(before);
    let after = embedded(&folder);
    let found = after.get(&record).await.expect("read").expect("there");
    assert_eq!((found.revision, &found.value[..]), (revision, &b"a"[..]));
    assert_eq!(after.last(&log).await.expect("read").expect("there").sequence, appended.sequence);
    let newer = after.compare_and_set(&record, revision, Bytes::new()).await.expect("written");
    assert!(newer > revision);
    let mut watch = after.watch(None).await.expect("watched");
    assert!(matches!(next(&mut watch).await, Watched::Changed(entry) if entry.revision == newer));
}

#[tokio::test]
async fn two_users_of_one_file_are_one_ground() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, other) = (embedded(&folder), embedded(&folder));
    let record = key("user.1");
    let revision = one.create(&record, Bytes::new()).await.expect("created");
    let twice = other.create(&record, Bytes::new()).await;
    assert!(matches!(twice, Err(GroundError::Exists)), "{twice:?}");
    other.compare_and_set(&record, revision, Bytes::new()).await.expect("written");
    let stale = one.compare_and_set(&record, revision, Bytes::new()).await;
    assert!(matches!(stale, Err(GroundError::Stale)), "{stale:?}");
}

#[tokio::test]
async fn nats_keeps_the_contract() {
    let engine = Engine::start();
    let ground = engine.ground("suite").await;
    assert_eq!(ground.warnings(), [], "three nodes said how they are set up");
    suite::all(&ground).await;
    // Two clusters on one engine know nothing of each other.
    let other = engine.ground("other").await;
    assert_eq!(other.get(&key("user.race")).await.expect("read"), None);
    suite::records(&other).await;
}

#[tokio::test]
async fn values_survive_that_every_node_is_killed_and_a_watch_goes_on() {
    let mut engine = Engine::start();
    let ground = engine.impatient("restart").await;
    let (record, log) = (key("user.1"), key("log"));
    let revision = ground.create(&record, Bytes::from_static(b"a")).await.expect("created");
    let appended = ground.append(&log, "1", Sequence::default(), Bytes::new()).await.expect("appended");
    let mut watch = ground.watch(None).await.expect("watched");
    assert!(matches!(next(&mut watch).await, Watched::Changed(entry) if entry.revision == revision));
    assert_eq!(next(&mut watch).await, Watched::Listed);
    engine.kill_all();
    let away = ground.compare_and_set(&record, revision, Bytes::from_static(b"b")).await;
    assert!(matches!(away, Err(GroundError::Unreachable(_))), "{away:?}");
    engine.start_again();
    let found = until_done(async || ground.get(&record).await).await.expect("there");
    assert!(found.revision >= revision && !found.value.is_empty());
    let newest = until_done(async || {
        let found = ground.get(&record).await?.expect("there");
        match ground.compare_and_set(&record, found.revision, Bytes::from_static(b"c")).await {
            // What had no answer is written when the engine is back, and may be so at any moment.
            Err(error @ GroundError::Stale) => Err(GroundError::Unreachable(Box::new(error))),
            outcome => outcome,
        }
    })
    .await;
    let last = until_done(async || ground.last(&log).await).await.expect("there");
    assert_eq!((last.sequence, last.id.as_str()), (appended.sequence, "1"));
    let mut told = Vec::new();
    while told.last() != Some(&newest) {
        match next(&mut watch).await {
            Watched::Changed(entry) => told.push(entry.revision),
            other => panic!("{other:?}"),
        }
    }
    assert!(told.is_sorted() && told[0] > revision, "nothing twice: {told:?}");
}

/// Each stream as somebody else made it.
async fn refused(engine: &Engine, cluster: &str, change: impl FnOnce(&mut Config)) -> Vec<Fault> {
    let client = engine.client().await;
    let mut config = Config {
        name: format!("{}_OWN", cluster.to_uppercase()),
        subjects: vec![format!("{cluster}.own.>")],
        max_messages_per_subject: 1,
        num_replicas: 3,
        discard: async_nats::jetstream::stream::DiscardPolicy::New,
        ..Config::default()
    };
    change(&mut config);
    client.create_stream(config).await.expect("made");
    match Nats::open(&engine.settings(cluster)).await {
        Err(GroundError::Unsafe(findings)) => findings.into_iter().map(|one| one.fault).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn unsafe_set_ups_are_refused_by_name() {
    let engine = Engine::start_with("2m");
    let lazy = engine.judged("lazy").await;
    let Err(GroundError::Unsafe(findings)) = lazy else { panic!("{lazy:?}") };
    let faults: Vec<_> = findings.iter().map(|one| &one.fault).collect();
    assert_eq!(faults, [&Fault::LosesAcknowledged; 3], "each node");
    let lost = Fault::LosesAcknowledged;
    let alone = refused(&engine, "alone", |config| config.num_replicas = 1).await;
    assert_eq!(alone[3..], [Fault::Replicas(1)]);
    assert_eq!(alone[0], lost);
    assert_eq!(refused(&engine, "direct", |config| config.allow_direct = true).await[3..], [Fault::Direct]);
    let deep = refused(&engine, "deep", |config| config.max_messages_per_subject = 64).await;
    assert_eq!(deep[3..], [Fault::History(64, 1)]);
    let aging = refused(&engine, "aging", |config| config.allow_message_ttl = true).await;
    assert_eq!(aging[3..], [Fault::Ages]);
    // Without a user of the system account nobody can see it, and people are told so.
    let settings = NatsSettings { system: None, ..engine.settings("lazy") };
    let blind = Nats::open(&settings).await.expect("a warning is no refusal");
    assert!(matches!(blind.warnings(), [one] if one.fault == Fault::UnknownSync));
}
