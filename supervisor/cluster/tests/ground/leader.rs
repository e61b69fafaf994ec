//! The stream's leader is killed while several write: what was acknowledged stays, and no revision is followed twice.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_nats::jetstream::stream::LastRawMessageErrorKind;
use bytes::Bytes;
use colmeia_cluster::ground::nats::{Nats, NatsSettings};
use colmeia_cluster::ground::{Ground as _, GroundError, Sequence};
use colmeia_cluster::ownership::times::TRY;
use colmeia_cluster::records::Revision;
use futures::future::join_all;

use super::nodes::{Engine, until_done};
use super::suite::key;

const RECORDS: usize = 3;
const WRITERS: usize = 6;
/// So many acknowledged writes before the leader is killed, and after.
const BEFORE: usize = 150;
const AFTER: usize = 150;

/// A write that was acknowledged: which record, what it expected, where it is, what it said.
type Acknowledged = (usize, Revision, Revision, Bytes);

/// Writes by compare-and-set until it is enough.
async fn write(ground: &Nats, writer: usize, seen: &RefCell<Vec<Acknowledged>>, is_enough: &Cell<bool>) {
    for round in 0.. {
        if is_enough.get() {
            return;
        }
        let record = round % RECORDS;
        let name = key(&format!("user.{record}"));
        let found = until_done(async || ground.get(&name).await).await.expect("there");
        let value = Bytes::from(format!("{writer}/{round}"));
        match ground.compare_and_set(&name, found.revision, value.clone()).await {
            Ok(revision) => seen.borrow_mut().push((record, found.revision, revision, value)),
            // Another was faster, or nobody can say: what is there is read again.
            Err(GroundError::Stale | GroundError::Unreachable(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Appends to a log of its own, and tries each entry until it is acknowledged.
async fn append(ground: &Nats, writer: usize, is_enough: &Cell<bool>) -> BTreeMap<Sequence, String> {
    let (log, mut entries, mut last) = (key(&format!("log-{writer}")), BTreeMap::new(), Sequence::default());
    for number in 0.. {
        if is_enough.get() {
            return entries;
        }
        let id = number.to_string();
        let value = Bytes::from(format!("{writer}/{id}"));
        let appended = until_done(async || ground.append(&log, &id, last, value.clone()).await).await;
        last = appended.sequence;
        entries.insert(last, id);
    }
    entries
}

async fn leader(engine: &Engine) -> String {
    let stream = engine.client().await.get_stream("KILLED_OWN").await.expect("there");
    let cluster = stream.cached_info().cluster.clone().expect("replicated");
    cluster.leader.expect("a leader")
}

#[tokio::test]
async fn the_leader_is_killed_and_no_acknowledged_write_is_lost_or_made_twice() {
    let mut engine = Engine::start();
    let ground = engine.impatient("killed").await;
    for record in 0..RECORDS {
        ground.create(&key(&format!("user.{record}")), Bytes::new()).await.expect("created");
    }
    let (seen, is_enough) = (RefCell::new(Vec::new()), Cell::new(false));
    let leader = leader(&engine).await;
    let disturb = async {
        let reached = async |count: usize| {
            while seen.borrow().len() < count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        reached(BEFORE).await;
        engine.kill(&leader);
        let at = seen.borrow().len();
        reached(at + AFTER).await;
        is_enough.set(true);
    };
    let writers = join_all((0..WRITERS).map(|writer| write(&ground, writer, &seen, &is_enough)));
    let appenders = join_all((0..2).map(|writer| append(&ground, writer, &is_enough)));
    let (_, _, logs) = tokio::join!(disturb, writers, appenders);

    let mut seen = seen.into_inner();
    seen.sort_unstable_by_key(|(record, _, revision, _)| (*record, *revision));
    for record in 0..RECORDS {
        let own: Vec<_> = seen.iter().filter(|(one, ..)| *one == record).collect();
        let expected: BTreeSet<_> = own.iter().map(|(_, expected, ..)| *expected).collect();
        assert_eq!(expected.len(), own.len(), "no revision was followed twice");
        // Had one been lost, the next would have been written over what was there before it.
        for pair in own.windows(2) {
            assert!(pair[1].1 >= pair[0].2, "lost: {pair:?}");
        }
        let (_, _, newest, value) = own.last().expect("some");
        let found =
            until_done(async || ground.get(&key(&format!("user.{record}"))).await).await.expect("there");
        assert!(found.revision >= *newest);
        assert!(found.revision > *newest || found.value == value, "{found:?} and not {value:?}");
    }
    let client = engine.client().await;
    let stream = client.get_stream_no_info("KILLED_EVENTS").await.expect("a name");
    for (writer, entries) in logs.iter().enumerate() {
        assert!(!entries.is_empty());
        for (sequence, id) in entries {
            // Only that there is none is an answer; the engine may still be finding itself.
            let read = async || match stream.get_raw_message(sequence.0).await {
                Ok(message) => Ok(message),
                Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => panic!("lost: {id}"),
                Err(error) => Err(GroundError::Unreachable(Box::new(error))),
            };
            let message = until_done(read).await;
            assert_eq!(message.payload, format!("{writer}/{id}"), "at its place");
        }
    }
    let info = async || stream.get_info().await.map_err(|error| GroundError::Unreachable(Box::new(error)));
    let count = until_done(info).await.state.messages;
    assert_eq!(count, logs.iter().map(|entries| entries.len() as u64).sum::<u64>(), "none twice");
    println!("{} acknowledged writes, {count} entries, {leader} killed", seen.len());
}

#[tokio::test]
async fn what_is_tried_again_while_it_is_under_way_is_appended_once() {
    let engine = Engine::start();
    drop(engine.ground("frozen").await);
    let stream = engine.client().await.get_stream("FROZEN_EVENTS").await.expect("there");
    let leader = stream.cached_info().cluster.clone().and_then(|cluster| cluster.leader).expect("a leader");
    // Whoever talks to a frozen node hears nothing.
    let settings = NatsSettings { patience: TRY, ..engine.settings_of("frozen", &leader) };
    let ground = Nats::open(&settings).await.expect("there");
    let (log, value) = (key("log"), Bytes::from_static(b"a"));
    let before = ground.append(&log, "before", Sequence::default(), value.clone()).await.expect("appended");

    engine.freeze_others(&leader);
    for _ in 0..2 {
        let outcome = ground.append(&log, "again", before.sequence, value.clone()).await;
        assert!(matches!(outcome, Err(GroundError::Unreachable(_))), "nobody can say: {outcome:?}");
    }
    engine.thaw();
    let append = async || ground.append(&log, "again", before.sequence, value.clone()).await;
    let appended = until_done(append).await;
    let last = until_done(async || ground.last(&log).await).await.expect("there");
    assert_eq!((last.sequence, last.id.as_str()), (appended.sequence, "again"));
    let again = until_done(append).await;
    assert_eq!((again.sequence, again.is_repeated), (appended.sequence, true), "once");
}
