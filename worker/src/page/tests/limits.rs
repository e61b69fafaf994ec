//! What an account is restricted in, in a real browser on the simulated page: read when the session is ready, when the page
//! says that it has changed, at its end and when somebody asks; and the sends that are refused for it.

use colmeia::operations::{GetCapping, GetTimelock};
use colmeia::protocol::{Call, CallError, CallErrorKind, Reply};
use colmeia::{MessageCapping, ReachoutTimelock, RestrictionName, Restrictions};
use serde_json::{Value, json};

use super::rig::{FRIEND, ME, Session, Simulator, chat, within};
use crate::engine::{Engine, PageView};
use crate::files::Body;

const STRANGER: &str = "5511955554444";
const LONG_MS: u64 = 30_000;

async fn lock(simulator: &Simulator, wish: Value) {
    let mut body = json!({ "number": ME });
    body.as_object_mut().expect("an object").extend(wish.as_object().expect("an object").clone());
    simulator.post("/phone/timelock", body).await;
}

async fn linked(switches: &str) -> (Simulator, Session) {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, switches).await;
    let incoming = json!({ "to": ME, "from": FRIEND, "name": "Bruno", "body": "oi" });
    simulator.post("/phone/message", incoming).await;
    session.message().await;
    (simulator, session)
}

/// What the page shows once it fits.
async fn shown(session: &Session, what: &str, fits: impl Fn(&Restrictions) -> bool) -> Restrictions {
    within(what, async {
        loop {
            let PageView { restrictions, .. } = session.engine.probe_page(LONG_MS).await.expect("it answers");
            if fits(&restrictions) {
                return *restrictions;
            }
        }
    })
    .await
}

async fn send(session: &Session, to: &str) -> Result<(Reply, Body), CallError> {
    session.engine.call(Call::text(chat(to), "oi"), Body::NONE, LONG_MS).await
}

fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_millis()).expect("a moment")
}

fn is_lock(error: &CallError, seconds: u64) -> bool {
    let end = error.restriction.filter(|one| one.name == RestrictionName::ReachoutTimelock);
    let left = end.and_then(|one| one.until_ms).map(|until| until.saturating_sub(now_ms()));
    error.kind == CallErrorKind::Refused
        && left.is_some_and(|left| left <= (seconds + 1) * 1000 && left > (seconds - 60) * 1000)
}

async fn sent_to(simulator: &Simulator, to: &str) -> usize {
    let to = format!("{to}@c.us");
    simulator.sent().await.iter().filter(|one| one["to"] == to).count()
}

#[tokio::test]
async fn both_are_read_when_the_session_is_ready_and_when_somebody_asks() {
    let (simulator, session) = linked("").await;
    let first = shown(&session, "both", |r| r.timelock.is_some() && r.capping.is_some()).await;
    let free = ReachoutTimelock { active: false, enforcement: "DEFAULT".into(), until_ms: None };
    assert_eq!(first.timelock, Some(free));
    let MessageCapping { status, total, .. } = first.capping.expect("told");
    assert_eq!((status.as_str(), total), ("NONE", -1));
    // Nobody tells the page; who asks hears it, and from then on it is shown.
    lock(
        &simulator,
        json!({ "active": true, "seconds": 3600, "enforcement": "WEB_COMPANION_ONLY", "told": false }),
    )
    .await;
    let quota = json!({ "number": ME, "status": "FIRST_WARNING", "total": 50, "used": 40, "told": false });
    simulator.post("/phone/capping", quota).await;
    let told = session.operate(GetTimelock {}).await.expect("told");
    assert_eq!((told.active, told.enforcement.as_str()), (true, "WEB_COMPANION_ONLY"));
    assert!(told.is_in_force(now_ms()) && told.until_ms.is_some_and(|until| until < now_ms() + 3_602_000));
    let quota = session.operate(GetCapping {}).await.expect("told");
    assert_eq!((quota.status.as_str(), quota.total, quota.used), ("FIRST_WARNING", 50, 40));
    assert!(quota.is_warned(now_ms()) && quota.cycle_start_ms < quota.cycle_end_ms);
    shown(&session, "what was asked", |r| {
        *r == Restrictions { timelock: Some(told.clone()), capping: Some(quota.clone()) }
    })
    .await;
    session.close().await;
}

#[tokio::test]
async fn what_the_page_says_is_shown_at_once_and_an_end_that_nobody_tells_is_noticed() {
    let (simulator, session) = linked("").await;
    let is_locked = |r: &Restrictions| r.timelock.as_ref().is_some_and(|lock| lock.active);
    lock(&simulator, json!({ "active": true, "seconds": 3600 })).await;
    shown(&session, "the lock", is_locked).await;
    lock(&simulator, json!({ "active": false })).await;
    shown(&session, "its lifting", |r| !is_locked(r)).await;
    lock(&simulator, json!({ "active": true, "seconds": 3 })).await;
    shown(&session, "the short one", is_locked).await;
    shown(&session, "its end", |r| !is_locked(r)).await;
    assert!(send(&session, STRANGER).await.is_ok(), "the page still has it stored, and it is over");
    let quota = json!({ "number": ME, "status": "SECOND_WARNING", "total": 50, "used": 49 });
    simulator.post("/phone/capping", quota).await;
    shown(&session, "the quota", |r| r.capping.as_ref().is_some_and(|quota| quota.is_warned(now_ms()))).await;
    session.close().await;
}

async fn who_never_wrote_is_not_written_to(switches: &str) {
    let (simulator, session) = linked(switches).await;
    // Nobody has told the page: the server refuses it, and is asked why.
    lock(&simulator, json!({ "active": true, "seconds": 7200, "told": false })).await;
    let error = send(&session, STRANGER).await.expect_err("refused by the server");
    assert!(is_lock(&error, 7200), "{error:?}");
    let model =
        "window.require('WAWebCollections').Msg.getModelsArray().filter((one) => one.isSendFailure).length";
    assert_eq!(session.engine.evaluate(model).await, Ok(json!(1)));
    // Told, the page's own screen would not let anybody send it: nothing is handed over.
    lock(&simulator, json!({ "active": true, "seconds": 3600 })).await;
    within("the page to know", async {
        let stored = "window.require('WAWebReachoutTimelockUtils').isUserReachoutTimelocked()";
        while session.engine.evaluate(stored).await != Ok(json!(true)) {}
    })
    .await;
    shown(&session, "the shorter one", |r| {
        r.timelock.as_ref().and_then(|lock| lock.until_ms).is_some_and(|until| until < now_ms() + 3_700_000)
    })
    .await;
    let media = json!({
        "op": "send_media", "chat": format!("{STRANGER}@c.us"), "mimetype": "text/plain", "filename": "a.txt",
        "as_document": true, "caption": null,
    });
    let media = serde_json::from_value(media).expect("a call");
    let media = session.engine.call(media, Body::Memory("x".into()), LONG_MS).await;
    for error in [send(&session, STRANGER).await.expect_err("refused"), media.expect_err("refused")] {
        assert!(is_lock(&error, 3600), "{error:?}");
    }
    assert_eq!(session.engine.evaluate(model).await, Ok(json!(1)), "none of them was handed over");
    assert_eq!(sent_to(&simulator, STRANGER).await, 0);
    // Who wrote is written to as ever.
    assert!(send(&session, FRIEND).await.is_ok());
    lock(&simulator, json!({ "active": false })).await;
    shown(&session, "its lifting", |r| r.timelock.as_ref().is_some_and(|lock| !lock.active)).await;
    assert!(send(&session, STRANGER).await.is_ok());
    assert_eq!(sent_to(&simulator, STRANGER).await, 1);
    session.close().await;
}

#[tokio::test]
async fn under_a_timelock_who_never_wrote_is_not_written_to_and_the_refusal_says_until_when() {
    who_never_wrote_is_not_written_to("").await;
}

#[tokio::test]
async fn nor_on_an_account_whose_chats_are_with_lids() {
    who_never_wrote_is_not_written_to("?lid=1").await;
}

#[tokio::test]
async fn over_the_quota_a_refusal_says_when_the_cycle_ends_and_another_refusal_says_nothing_of_it() {
    let (simulator, session) = linked("").await;
    let quota =
        json!({ "number": ME, "status": "CAPPED", "total": 50, "used": 50, "seconds": 7200, "told": false });
    simulator.post("/phone/capping", quota).await;
    let error = send(&session, STRANGER).await.expect_err("refused");
    let restriction = error.restriction.expect("named");
    assert_eq!((error.kind, restriction.name), (CallErrorKind::Refused, RestrictionName::MessageCapping));
    let until = restriction.until_ms.expect("told");
    assert!(until > now_ms() + 7_000_000 && until < now_ms() + 7_300_000, "{until}");
    assert!(send(&session, FRIEND).await.is_ok());
    // Whatever else the server refuses is no matter of restrictions, also while there is one.
    let refusal = json!({ "id": format!("{ME}/send"), "value": 500 });
    simulator.post("/phone/records/refusal", refusal).await;
    for to in [FRIEND, STRANGER] {
        let error = send(&session, to).await.expect_err("refused");
        assert_eq!((error.kind, error.restriction), (CallErrorKind::Refused, None));
    }
    session.close().await;
}

#[tokio::test]
async fn a_page_without_these_modules_says_so_when_it_is_asked_and_misses_nothing_else() {
    let modules = [
        "WAWebMexFetchReachoutTimelockJob",
        "WAWebMexFetchNewChatMessageCappingInfoJob",
        "WAWebReachoutTimelockUtils",
        "WAWebGetReachoutTimelockJob",
        "WAWebMexReachoutTimelockNotificationHandler",
    ];
    let (simulator, session) = linked(&format!("?rename={}", modules.join(","))).await;
    lock(&simulator, json!({ "active": true })).await;
    let refused = send(&session, STRANGER).await.expect_err("the server refuses");
    assert_eq!((refused.kind, refused.restriction), (CallErrorKind::Refused, None));
    let view = session.engine.probe_page(LONG_MS).await.expect("it answers");
    assert_eq!((view.degraded, view.lacks, view.restrictions.is_unknown()), (vec![], vec![], true));
    let error = session.operate(GetTimelock {}).await.expect_err("not possible");
    assert_eq!(error.kind, CallErrorKind::Unsupported);
    assert!(error.message.contains("WAWebMexFetchReachoutTimelockJob.mexFetchReachoutTimelock"), "{error}");
    assert_eq!(
        session.operate(GetCapping {}).await.expect_err("not possible").kind,
        CallErrorKind::Unsupported
    );
    let view = session.engine.probe_page(LONG_MS).await.expect("it answers");
    assert_eq!(colmeia::impossible(&view.lacks), ["get_capping", "get_timelock"]);
    assert!(send(&session, FRIEND).await.is_ok());
    session.close().await;
}
