//! How a session comes, goes, and comes again.

use colmeia::protocol::{Call, CallErrorKind, Reply};
use colmeia::session::LogoutCause;
use serde_json::json;

use super::rig::{FRIEND, ME, Session, Simulator};
use crate::engine::{Engine, PageEvent, PagePhase};

fn link_end(event: &PageEvent) -> Option<LogoutCause> {
    match event {
        PageEvent::LoggedOut(cause) => Some(*cause),
        _ => None,
    }
}

#[tokio::test]
async fn from_the_first_code_to_main_and_back_without_a_code() {
    let simulator = Simulator::start().await;
    let mut session = Session::open(&simulator, "").await;
    assert_eq!(session.send_text(FRIEND, "?").await.expect_err("too soon").kind, CallErrorKind::NotReady);
    let qr = session.qr().await;
    simulator.scan(&qr, ME).await;
    let view = session.phase(PagePhase::Main).await;
    assert_eq!(view.me.as_ref().map(|me| me.wid.as_str()), Some(format!("{ME}@c.us").as_str()));
    assert_eq!(view.me.map(|me| me.pushname).as_deref(), Some("Ana"));
    assert_eq!(view.degraded, Vec::<String>::new());
    let probed = session.engine.probe_page(3_000).await.expect("it answers");
    assert_eq!(probed.phase, PagePhase::Main);
    session.engine.probe_browser(3_000).await.expect("it answers");

    let url = session.page_url.clone();
    let dirs = session.close().await;
    simulator
        .post("/phone/message", json!({ "to": ME, "from": FRIEND, "name": "B", "body": "meanwhile" }))
        .await;
    let mut session = Session::open_in(dirs, url, None).await;
    let mut codes = 0;
    session
        .event("Main", |event| match event {
            PageEvent::View(view) => {
                codes += usize::from(view.phase == PagePhase::Qr);
                (view.phase == PagePhase::Main).then_some(())
            }
            // It may come before the view says so.
            _ => None,
        })
        .await;
    assert_eq!(codes, 0, "registered sessions show no code");
    session.close().await;
}

#[tokio::test]
async fn what_came_while_nobody_listened_is_told() {
    let simulator = Simulator::start().await;
    let session = Session::linked(&simulator, "").await;
    let url = session.page_url.clone();
    let dirs = session.close().await;
    simulator
        .post("/phone/message", json!({ "to": ME, "from": FRIEND, "name": "B", "body": "meanwhile" }))
        .await;
    let mut session = Session::open_in(dirs, url, None).await;
    assert_eq!(session.message().await.body, "meanwhile");
    session.close().await;
}

#[tokio::test]
async fn codes_follow_each_other_without_anybody_asking() {
    let simulator = Simulator::start_with(&["--qr-ttl-ms", "400", "--qr-count", "2"]).await;
    let mut session = Session::open(&simulator, "").await;
    let mut codes = std::collections::HashSet::new();
    while codes.len() < 5 {
        codes.insert(session.qr().await);
    }
    session.close().await;
}

#[tokio::test]
async fn a_logout_by_the_phone_ends_in_a_new_code() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    simulator.post("/phone/logout", json!({ "number": ME })).await;
    assert_eq!(session.event("end of the link", |event| link_end(&event)).await, LogoutCause::Phone);
    let mut told_again = false;
    let qr = session
        .event("QR", |event| match event {
            PageEvent::LoggedOut(_) => {
                told_again = true;
                None
            }
            PageEvent::View(view) => view.qr,
            _ => None,
        })
        .await;
    simulator.scan(qr.expose(), ME).await;
    session.phase(PagePhase::Main).await;
    assert!(!told_again, "the end of a link is told once");
    session.close().await;
}

#[tokio::test]
async fn a_logout_on_request_is_told_as_such() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    assert_eq!(session.call(Call::Logout).await, Ok(Reply::Done));
    assert_eq!(session.event("end of the link", |event| link_end(&event)).await, LogoutCause::Request);
    session.qr().await;
    session.close().await;
}

#[tokio::test]
async fn a_phone_is_linked_by_a_code_that_is_typed() {
    let simulator = Simulator::start().await;
    let mut session = Session::open(&simulator, "").await;
    session.qr().await;
    // The code may show before the page's modules are there.
    let code = loop {
        match session.call(Call::PairingCode { phone: ME.to_owned() }).await {
            Ok(Reply::PairingCode { code }) => break code,
            Err(error) if error.kind == CallErrorKind::NotReady => tokio::task::yield_now().await,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code.expose().len(), 9, "ABCD-EFGH");
    // Whoever asks again while it is valid gets the one that is being typed, also at the same moment.
    let ask = async |phone: &str| match session.call(Call::PairingCode { phone: phone.to_owned() }).await {
        Ok(Reply::PairingCode { code }) => code,
        other => panic!("{other:?}"),
    };
    let (again, at_once) = tokio::join!(ask(ME), ask(ME));
    assert!(again == code && at_once == code, "another code would make the first one worthless");
    // Another phone's ends it, as on the page.
    assert!(ask(FRIEND).await != code);
    let code = ask(ME).await;
    assert!(code != again);
    simulator.pair(code.expose(), ME).await;
    session.phase(PagePhase::Main).await;
    session.close().await;
}

#[tokio::test]
async fn modules_that_come_late_are_waited_for() {
    let simulator = Simulator::start().await;
    let mut session = Session::open(&simulator, "?late=2000").await;
    session.link(&simulator).await;
    let view = session.engine.probe_page(3_000).await.expect("it answers");
    assert_eq!(view.degraded, Vec::<String>::new());
    session.send_text(FRIEND, "olá").await.expect("sent");
    session.close().await;
}
