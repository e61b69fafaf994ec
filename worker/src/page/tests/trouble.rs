//! A page that has changed, hangs, crashes or is opened elsewhere; a browser that dies; a profile in use.

use std::time::Duration;

use colmeia::protocol::CallErrorKind;
use serde_json::json;

use super::rig::{FRIEND, ME, Session, Simulator, config, launcher, within};
use crate::engine::{Engine, Launcher, Nudge, OpenError, PageEvent, PagePhase};

#[tokio::test]
async fn wa_js_stands_in_for_a_renamed_module() {
    let simulator = Simulator::start().await;
    let mut session = Session::open(&simulator, "?rename=WAWebSendMsgChatAction").await;
    session.link(&simulator).await;
    session.send_text(FRIEND, "olá").await.expect("sent");
    let view = session.engine.probe_page(3_000).await.expect("it answers");
    assert_eq!(view.degraded, ["WAWebSendMsgChatAction.addAndSendMsgToChat"]);
    let [lack] = &view.lacks[..] else { panic!("{:?}", view.lacks) };
    assert_eq!((lack.module_absent, lack.stand_in), (Some(true), true));
    assert!(lack.operations.contains(&"send_text".to_owned()), "{lack:?}");
    assert!(colmeia::impossible(&view.lacks).is_empty(), "wa-js does it");
    assert_eq!(simulator.sent().await.len(), 1);
    simulator
        .post("/phone/message", json!({ "to": ME, "from": FRIEND, "name": "Bruno", "body": "oi" }))
        .await;
    assert_eq!(session.message().await.body, "oi");
    session.close().await;
}

#[tokio::test]
async fn wa_js_stands_in_for_the_state_too() {
    let simulator = Simulator::start().await;
    let mut session = Session::open(&simulator, "?rename=WAWebSocketModel,WAWebCollections").await;
    session.link(&simulator).await;
    let view = session.engine.probe_page(3_000).await.expect("it answers");
    assert!(view.degraded.contains(&"WAWebSocketModel.Socket".to_owned()), "{:?}", view.degraded);
    session.send_text(FRIEND, "olá").await.expect("sent");
    session.close().await;
}

#[tokio::test]
async fn without_wa_js_a_changed_page_says_what_it_lacks() {
    let simulator = Simulator::start().await;
    let dirs = tempfile::tempdir().expect("temporary directory");
    let url = simulator.url("?rename=WAWebSendMsgChatAction");
    let mut session = Session::open_in(dirs, url, None).await;
    session.link(&simulator).await;
    let error = session.send_text(FRIEND, "olá").await.expect_err("impossible");
    assert_eq!(error.kind, CallErrorKind::Unsupported);
    let dirs = session.close().await;

    let url = simulator.url("?rename=WAWebSocketModel");
    let mut session = Session::open_in(dirs, url, None).await;
    session
        .event("what is missing", |event| match event {
            PageEvent::View(view) if view.degraded == ["WAWebSocketModel.Socket"] => {
                assert_eq!(view.phase, PagePhase::Loading);
                Some(())
            }
            _ => None,
        })
        .await;
    session.close().await;
}

#[tokio::test]
async fn a_hung_page_is_replaced() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    // The answer of a send that is under way when the page hangs is that nobody knows.
    simulator.fault("send_delay", 60_000).await;
    let send = session.send_text(FRIEND, "olá");
    let hang = async {
        simulator.until_page("sending", &json!(1)).await;
        session.engine.evaluate("void setTimeout(() => { for (;;); })").await.expect("it begins");
        within("the hang", async { while session.engine.probe_page(300).await.is_ok() {} }).await;
        session.engine.probe_browser(3_000).await.expect("the browser answers all the while");
        within("the reload", session.engine.nudge(Nudge::Reload)).await.expect("it ends in a page");
    };
    let (sent, ()) = tokio::join!(send, hang);
    assert_eq!(sent.expect_err("unknown").kind, CallErrorKind::OutcomeUnknown);
    session
        .event("Main", |event| match event {
            PageEvent::PageCrashed => panic!("replaced on purpose is no crash"),
            PageEvent::View(view) => (view.phase == PagePhase::Main).then_some(()),
            _ => None,
        })
        .await;
    session.close().await;
}

#[tokio::test]
async fn a_crashed_renderer_is_told_and_comes_back() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    let browser = session.engine.pid().expect("it runs");
    assert_eq!(crate::browser::kill_renderers(browser), 1);
    session.event("crash", |event| (event == PageEvent::PageCrashed).then_some(())).await;
    session.engine.nudge(Nudge::Reload).await.expect("it reloads");
    session.phase(PagePhase::Main).await;
    session.send_text(FRIEND, "olá").await.expect("sent");
    session.close().await;
}

/// Whether the stream shows it is not certain; both ways it is seen, and a reload takes the session back.
#[tokio::test]
async fn a_session_opened_elsewhere_is_taken_back_by_a_reload() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    for how in [1, 2] {
        simulator.fault("conflict", how).await;
        session.phase(PagePhase::Conflict).await;
        assert_eq!(session.send_text(FRIEND, "?").await.expect_err("no").kind, CallErrorKind::NotReady);
        session.engine.nudge(Nudge::Reload).await.expect("asked");
        session.phase(PagePhase::Main).await;
    }
    simulator.fault("offline", 300).await;
    assert_eq!(session.phases_until(PagePhase::Main).await, [PagePhase::Offline, PagePhase::Main]);
    session.close().await;
}

#[tokio::test]
async fn an_outage_of_the_service_and_one_of_the_line_are_told_apart() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    simulator.fault("refuse", 503).await;
    session.phase(PagePhase::Unavailable).await;
    simulator.fault("refuse", 0).await;
    session.engine.nudge(Nudge::Reconnect).await.expect("asked");
    session.phase(PagePhase::Main).await;
    session.close().await;
}

#[tokio::test]
async fn a_temporary_ban_is_told_with_its_end() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    let now =
        || u64::try_from(std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis()).expect("fits");
    simulator.fault("temporary_ban", 3600).await;
    let until = session.phase(PagePhase::TemporarilyBanned).await.until_ms.expect("its end");
    assert!(until.abs_diff(now() + 3_600_000) < 60_000, "{until}");
    simulator.fault("temporary_ban", 0).await;
    session.engine.nudge(Nudge::Reload).await.expect("asked");
    assert_eq!(session.phase(PagePhase::Main).await.until_ms, None);
    session.close().await;
}

#[tokio::test]
async fn a_page_that_is_let_in_no_more_is_seen_although_it_says_nothing() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    simulator.fault("refuse", 405).await;
    session.phase(PagePhase::Outdated).await;
    session.engine.nudge(Nudge::Reload).await.expect("asked");
    session.phase(PagePhase::Main).await;
    session.close().await;
}

#[tokio::test]
async fn refused_credentials_end_the_link_and_a_locked_account_is_named() {
    let simulator = Simulator::start().await;
    for (code, last) in [(401, PagePhase::Qr), (406, PagePhase::Qr), (403, PagePhase::Banned)] {
        let mut session = Session::linked(&simulator, "").await;
        simulator.fault("refuse", code).await;
        session.event("end of the link", |event| (event == PageEvent::LoggedOut).then_some(())).await;
        session.phase(last).await;
        session.close().await;
    }
}

#[tokio::test]
async fn what_comes_only_on_request_is_asked_for() {
    let simulator = Simulator::start().await;
    let session = Session::linked(&simulator, "?prefetch=off").await;
    let name = colmeia::operations::SetProfileName { profile_name: "Outra".into() };
    session.operate(name).await.expect("done");
    let view = session.engine.probe_page(3_000).await.expect("it answers");
    assert_eq!(view.degraded, Vec::<String>::new(), "absent was not changed");
    session.close().await;
}

#[tokio::test]
async fn the_browsers_death_is_told_once_and_ends_what_is_under_way() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    let pid = i32::try_from(session.engine.pid().expect("it runs")).expect("a pid");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL)
        .expect("killed");
    let signal = session.event("end", |event| match event {
        PageEvent::BrowserGone { signal } => Some(signal),
        _ => None,
    });
    assert_eq!(signal.await, Some(9));
    assert!(session.engine.probe_browser(2_000).await.is_err());
    assert!(session.send_text(FRIEND, "?").await.is_err());
    session.engine.close(5_000).await;
    assert!(session.events.try_recv().is_err(), "nothing comes after the end");
}

#[tokio::test]
async fn a_profile_that_somebody_uses_is_left_alone() {
    let simulator = Simulator::start().await;
    let session = Session::open(&simulator, "").await;
    let config = config(&session.dirs, &session.page_url, None);
    // A browser that no worker has started: it carries no marker.
    let profile = session.dirs.path().join("other");
    let mut foreign = tokio::process::Command::new("sh")
        .args(["-c", "read line", "sh"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .stdin(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("starts");
    let error = crate::browser::prepare(&profile).await.expect_err("in use");
    assert!(matches!(error, OpenError::ProfileInUse(pid) if Some(pid) == foreign.id()));
    foreign.kill().await.expect("ended");
    crate::browser::prepare(&profile).await.expect("free");

    // A browser of this very worker is a leftover: a session has one at a time.
    let (sender, _events) = tokio::sync::mpsc::unbounded_channel();
    let second = within("the browser", Box::pin(launcher(&config).open(sender))).await.expect("opens");
    assert!(session.engine.probe_browser(2_000).await.is_err(), "the first one was ended");
    second.close(5_000).await;
    session.close().await;
}

#[tokio::test]
async fn dropping_the_engine_leaves_no_process() {
    let simulator = Simulator::start().await;
    let session = Session::open(&simulator, "").await;
    let pid = session.engine.pid().expect("it runs");
    drop(session);
    within("the end of the browser", async {
        while std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| !s.contains(") Z ")) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}
