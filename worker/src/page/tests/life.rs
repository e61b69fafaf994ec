//! How a session comes, goes, and comes again.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use colmeia::protocol::{Call, CallErrorKind, Reply};
use serde_json::json;

use super::rig::{FRIEND, ME, Session, Simulator};
use crate::engine::{Engine, PageEvent, PagePhase};
use crate::spool::Marks;

// An event is taken whole, as the rig gives it.
#[allow(clippy::needless_pass_by_value)]
fn link_end(event: PageEvent) -> Option<()> {
    (event == PageEvent::LoggedOut).then_some(())
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
    session.event("end of the link", link_end).await;
    let mut told_again = false;
    let qr = session
        .event("QR", |event| match event {
            PageEvent::LoggedOut => {
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
async fn a_logout_is_done_when_the_server_was_told_and_ends_in_a_document_without_registration() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    assert_eq!(session.call(Call::Logout).await, Ok(Reply::Done));
    assert!(!simulator.is_listed(ME).await, "the phone knows before anybody is told so");
    session.event("end of the link", link_end).await;
    session
        .event("what a logout leaves", |event| match event {
            PageEvent::View(view) => (view.unlinked && view.me.is_none()).then_some(()),
            _ => None,
        })
        .await;
    assert_eq!(session.engine.evaluate("localStorage.getItem('post-logout')").await, Ok(json!(null)));
    session.qr().await;
    session.close().await;
}

#[tokio::test]
async fn a_logout_that_the_server_did_not_hear_says_so() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    simulator.fault("logout_delay", 60_000).await;
    assert_eq!(session.call(Call::Logout).await.expect_err("not told").kind, CallErrorKind::Refused);
    assert!(simulator.is_listed(ME).await);
    session.event("end of the link", link_end).await;
    session.close().await;
}

#[tokio::test]
async fn a_logout_in_the_moment_of_a_scan_tells_the_phone_or_links_nobody() {
    for ms in [0, 10, 50, 200] {
        let simulator = Simulator::start().await;
        let mut session = Session::open(&simulator, "").await;
        let qr = session.qr().await;
        // The code may show before the page's modules are there.
        session.settled().await;
        simulator.scan(&qr, ME).await;
        tokio::time::sleep(Duration::from_millis(ms)).await;
        let answer = session.call(Call::Logout).await;
        let told = match &answer {
            Ok(_) => true,
            Err(error) if error.kind == CallErrorKind::NotFound => true,
            Err(error) if error.kind == CallErrorKind::Refused => false,
            Err(_) => panic!("{ms}: {answer:?}"),
        };
        session.close().await;
        simulator.until_no_page().await;
        assert_eq!(simulator.is_listed(ME).await, !told, "{ms} ms after the scan: {answer:?}");
    }
}

#[tokio::test]
async fn linking_and_coming_back_are_told_apart() {
    let simulator = Simulator::start().await;
    let mut session = Session::open(&simulator, "").await;
    let qr = session.qr().await;
    simulator.scan(&qr, ME).await;
    let phases = session.phases_until(PagePhase::Main).await;
    let rest = phases.iter().filter(|phase| **phase != PagePhase::Qr);
    let expected = [PagePhase::Pairing, PagePhase::Syncing, PagePhase::Main];
    assert_eq!(rest.copied().collect::<Vec<_>>(), expected, "linking");
    simulator.fault("relogin", 1).await;
    session.phase(PagePhase::Offline).await;
    assert_eq!(session.phases_until(PagePhase::Main).await, [PagePhase::Main], "a lost connection");
    let url = session.page_url.clone();
    let dirs = session.close().await;
    let mut session = Session::open_in(dirs, url, None).await;
    let phases = session.phases_until(PagePhase::Main).await;
    let expected = [PagePhase::Loading, PagePhase::Syncing, PagePhase::Main];
    assert_eq!(phases, expected, "a start with a registration");
    session.close().await;
}

/// Whether such messages count as new is not certain; both ways each is told once, in order.
#[tokio::test]
async fn what_came_meanwhile_is_told_once_and_in_order_whether_it_counts_as_new_or_not() {
    for query in ["", "?missed=quiet"] {
        let simulator = Simulator::start().await;
        let mut session = Session::linked(&simulator, query).await;
        let say = |body: &str| {
            let message = json!({ "to": ME, "from": FRIEND, "name": "B", "body": body });
            simulator.post("/phone/message", message)
        };
        say("before").await;
        assert_eq!(session.message().await.body, "before");
        simulator.all_stored().await;
        simulator.fault("offline", 60_000).await;
        session.phase(PagePhase::Offline).await;
        for n in 0..5 {
            say(&format!("meanwhile {n}")).await;
        }
        simulator.fault("none", 0).await;
        let url = session.page_url.clone();
        for n in 0..5 {
            assert_eq!(session.message().await.body, format!("meanwhile {n}"), "{query}");
        }
        // And over a restart of the browser: what the page had no time to store would come again.
        simulator.all_stored().await;
        let dirs = session.close().await;
        say("later").await;
        let mut session = Session::open_in(dirs, url, None).await;
        // The one before was heard until a moment ago. What came since, and counts as nothing new, may be there before
        // the bridge listens.
        let heard = SystemTime::now() - Duration::from_secs(60);
        let from = heard.duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        session.marks = Some(Marks { from: from.try_into().expect("small"), chats: HashMap::new() });
        // A new document cannot tell what it missed quietly from what it had stored and nobody has read, where that is
        // read after the bridge has come: such a message is told again, and the journal knows it by its id.
        let told_before = |body: &str| body == "before" || body.starts_with("meanwhile ");
        for body in ["later", "last"] {
            if body == "last" {
                say(body).await;
            }
            let mut next = session.message().await.body;
            while told_before(&next) {
                next = session.message().await.body;
            }
            assert_eq!(next, body, "{query}");
        }
        session.close().await;
    }
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
async fn modules_that_come_late_are_waited_for_whatever_the_pauses_between_them() {
    // Longer than any quiet time that somebody might take for the end.
    let gaps = Simulator::start_with(&["--wave-gap-ms", "6000"]).await;
    for (simulator, query) in [(&gaps, ""), (&Simulator::start().await, "?late=2000")] {
        let mut session = Session::open(simulator, query).await;
        session.link(simulator).await;
        let view = session.engine.probe_page(3_000).await.expect("it answers");
        assert_eq!(view.degraded, Vec::<String>::new());
        assert_eq!(session.engine.evaluate("String(window.WPP)").await, Ok(json!("undefined")));
        let broken = "Object.values(require('__debug').modulesMap).filter((one) => one.error).length";
        assert_eq!(session.engine.evaluate(broken).await, Ok(json!(0)), "no factory ran too early");
        session.send_text(FRIEND, "olá").await.expect("sent");
        session.close().await;
    }
}
