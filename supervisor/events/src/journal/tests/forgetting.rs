//! What is forgotten of a session that is deleted, and what is never kept of one that ignores it.

use colmeia::config::IgnoreConfig;
use colmeia::protocol::{MessageRecord, OtherNames, ReactionNotice};

use super::*;

/// As [`Everyone`], and one session ignores groups.
#[derive(Debug)]
struct WithoutGroups;

impl Addressees for WithoutGroups {
    fn of(&self, user: &UserId, kind: Kind) -> Vec<Arc<str>> {
        Everyone.of(user, kind)
    }

    fn metadata(&self, _: &UserId) -> Option<Value> {
        None
    }

    fn ignored(&self, of: &UserId) -> IgnoreConfig {
        IgnoreConfig { groups: (*of == user("1")).then_some(true), ..IgnoreConfig::default() }
    }
}

fn in_group(id: &str) -> (u64, Event) {
    let record =
        MessageRecord { chat: "120363@g.us".into(), from: "120363@g.us".into(), ..message(id, "oi") };
    (1, Event::Message(Box::new(record)))
}

/// Everything of a user that any of the ways out reads: replays and streams, queues and dead letters.
async fn seen(journal: &Journal, of: &str) -> (usize, i64, usize) {
    let page = journal.events(0, Some(user(of)), |_, _| true, 1000).await.expect("read");
    let which = Which { user: Some(user(of)), rows: None };
    let dead = journal.dead(which, 100).await.expect("read").len();
    (page.events.len(), waiting(journal, &user(of)).await, dead)
}

#[tokio::test]
async fn what_a_session_ignores_is_on_no_way_out_and_others_have_it() {
    let folder = tempfile::tempdir().expect("folder");
    let journal = open(&folder, Arc::new(WithoutGroups));
    let reaction = || {
        let record: ReactionNotice = serde_json::from_value(serde_json::json!({
            "id": "r", "message": "false_120363@g.us_m_1@c.us", "chat": "120363@g.us", "sender": "1@c.us",
            "from_me": false, "text": "x", "timestamp_ms": 1,
        }))
        .expect("a reaction");
        (2, Event::Reaction(Box::new(record)))
    };
    for of in ["1", "2"] {
        let ack = (
            3,
            Event::Ack { message: "true_120363@g.us_m".into(), ack: 3, other_names: OtherNames::default() },
        );
        let events = vec![in_group("g"), reaction(), ack];
        journal.append(&user(of), events).await.expect("written");
    }
    assert_eq!(seen(&journal, "1").await, (0, 0, 0));
    // A message twice (as `message` to two addresses and Flask, as `message.any` to one), a reaction, an acknowledgement.
    assert_eq!(seen(&journal, "2").await, (4, 6, 0));
    journal.append(&user("1"), vec![incoming("a")]).await.expect("written");
    assert_eq!(seen(&journal, "1").await, (2, 4, 0), "what is in no group is told as ever");
}

#[tokio::test]
async fn a_forgotten_session_has_left_nothing_and_nobody_else_has_lost_anything() {
    let folder = tempfile::tempdir().expect("folder");
    let journal = open(&folder, Arc::new(Everyone));
    let ids: Vec<String> = (0..1500).map(|number| format!("m{number}")).collect();
    for of in ["1", "2"] {
        let events = ids.iter().map(|id| incoming(id)).collect();
        journal.append(&user(of), events).await.expect("written");
        let me =
            Some(Me { wid: "5511@c.us".into(), lid: None, pushname: "Ana".into(), platform: String::new() });
        journal
            .append_statuses(vec![(user(of), StatusChange { me, ..said("WORKING") })])
            .await
            .expect("written");
        let queue = flask(&journal, &user(of)).await;
        let first = head(&journal, queue).await.event.row;
        let dead = Settlement::Dead { error: "answered 422".into() };
        journal.settle(first, queue, dead).await.expect("written");
    }
    let before = seen(&journal, "2").await;
    assert!(before.1 > 0 && before.2 == 1);
    let old_queue = flask(&journal, &user("1")).await;
    let in_hand = head(&journal, old_queue).await;
    assert!(journal.waits(in_hand.event.row, old_queue).await.expect("read"));

    journal.forget(&user("1")).await.expect("forgotten");
    assert_eq!(seen(&journal, "1").await, (0, 0, 0));
    assert_eq!(seen(&journal, "2").await, before);
    assert!(!journal.waits(in_hand.event.row, old_queue).await.expect("read"), "whoever has it lets it go");
    assert_eq!(journal.queue(old_queue).await.expect("read"), None);
    assert_eq!(journal.replay(Which { user: Some(user("1")), rows: None }).await.expect("done"), 0);

    // The next session of the name: the same messages are news, and the account is not known.
    journal.append_statuses(vec![(user("1"), said("WORKING"))]).await.expect("written");
    journal.append(&user("1"), vec![incoming("m0")]).await.expect("written");
    let page = journal.events(0, Some(user("1")), |_, _| true, 1000).await.expect("read");
    assert_eq!(page.events.len(), 3);
    assert!(page.events.iter().all(|event| event.me.is_none()), "the account of the one before");
    let status: StatusRecord = serde_json::from_str(&page.events[0].payload).expect("a status");
    assert_eq!(status.statuses.len(), 1);
    assert_ne!(flask(&journal, &user("1")).await, old_queue, "its queue is another one");
    journal.forget(&user("nobody")).await.expect("nothing to forget");
}

#[tokio::test]
async fn another_code_is_told_although_the_status_is_the_same() {
    let (_folder, journal) = journal();
    for again in [false, true, false, true] {
        let change = StatusChange { again, ..said("SCAN_QR_CODE") };
        journal.append_statuses(vec![(user("1"), change)]).await.expect("written");
    }
    assert_eq!(kinds(&journal).await.len(), 3);
}
