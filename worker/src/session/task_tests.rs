//! The session's task with a page that the test plays. The clock is paused: time passes when everyone waits.

use colmeia::protocol::{Call, CallErrorKind, Reply};
use tokio::task::JoinHandle;

use super::*;
use crate::engine::PagePhase;
use crate::fake::{Director, message, view};
use crate::files::Body;
use crate::spool::{Outbox, Spool};

struct Fixture {
    page: Director,
    session: SessionHandle,
    ended: JoinHandle<ExitReason>,
    outbox: OutboxHandle,
    _dir: tempfile::TempDir,
}

impl Fixture {
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("temp dir");
        let (outbox, events) = Outbox::new(Spool::open(dir.path()).expect("opens"));
        tokio::spawn(outbox.run());
        let page = Director::default();
        let layout = colmeia::layout::StateLayout::new(dir.path(), "ylada_bot");
        let profile = crate::profile::start(&layout, &"7".parse().expect("valid")).expect("looked at");
        let (task, session) = SessionTask::new(page.clone(), Deadlines::default(), events.clone(), profile);
        Self { page, session, ended: tokio::spawn(task.run()), outbox: events, _dir: dir }
    }

    async fn until(&self, what: &str) {
        let mut report = self.session.report();
        let seen = report.wait_for(|report| report.state.name() == what);
        timeout(Duration::from_secs(600), seen).await.expect(what).expect("the session lives");
    }

    async fn ready() -> Self {
        let fixture = Self::start();
        fixture.until("loading").await;
        fixture.page.show(view(PagePhase::Main));
        fixture.until("ready").await;
        fixture
    }
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_their_state() {
    let fixture = Fixture::start();
    fixture.until("loading").await;
    let early = fixture.session.call(Call::Chats, Body::NONE, 1_000).await.expect_err("not ready");
    assert_eq!(early.kind, CallErrorKind::NotReady);
    fixture.page.show(view(PagePhase::Main));
    fixture.until("ready").await;
    let (reply, _) = fixture.session.call(Call::Chats, Body::NONE, 1_000).await.expect("ready");
    assert_eq!(reply, Reply::Done);
    assert_eq!(fixture.page.stage(|stage| stage.calls.clone()), ["chats"], "the early call reached no page");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_falls_silent_is_not_ready_and_is_replaced() {
    let fixture = Fixture::ready().await;
    fixture.page.hang();
    fixture.until("reconnecting").await;
    let page = fixture.page.clone();
    while page.stage(|stage| !stage.nudges.contains(&Nudge::Reload)) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    page.show(view(PagePhase::Main));
    fixture.until("ready").await;
}

#[tokio::test(start_paused = true)]
async fn a_page_that_has_come_up_is_asked_to_give_memory_back_and_later_now_and_then() {
    let fixture = Fixture::ready().await;
    assert!(fixture.page.stage(|stage| stage.nudges.is_empty()), "not while it still comes up");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(fixture.page.stage(|stage| stage.nudges.clone()), [Nudge::RelieveMemory]);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let nudges = fixture.page.stage(|stage| stage.nudges.clone());
    assert_eq!(nudges, [Nudge::RelieveMemory; 3], "each half an hour");
    assert!(fixture.session.report().borrow().state.is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_calm_session_is_probed_less_often_until_something_is_asked() {
    let fixture = Fixture::ready().await;
    let mut report = fixture.session.report();
    let mut probed = async || {
        report.mark_unchanged();
        report.changed().await.expect("the task lives");
        Instant::now()
    };
    let first = probed().await;
    assert_eq!(probed().await - first, Duration::from_secs(3));
    tokio::time::sleep(Duration::from_secs(120)).await;
    let calm = probed().await;
    assert_eq!(probed().await - calm, Duration::from_secs(10));
    let asked = Instant::now();
    fixture.session.call(Call::Chats, Body::NONE, 1_000).await.expect("ready");
    assert!(probed().await - asked <= Duration::from_secs(3));
    let again = probed().await;
    assert_eq!(probed().await - again, Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_confirmed_session_stays_ready_for_hours() {
    let fixture = Fixture::ready().await;
    let mut report = fixture.session.report();
    let left = report.wait_for(|report| !report.state.is_ready());
    assert!(timeout(Duration::from_secs(3 * 3600), left).await.is_err(), "it stayed ready");
}

#[tokio::test(start_paused = true)]
async fn a_stop_closes_the_browser_and_keeps_what_came() {
    let fixture = Fixture::ready().await;
    fixture.page.tell(message(1));
    fixture.session.stop(ExitReason::Stopped).await;
    assert_eq!(fixture.ended.await.expect("no panic"), ExitReason::Stopped);
    assert!(fixture.page.stage(|stage| stage.closed));
    fixture.outbox.flush().await;
    assert_eq!(fixture.outbox.read(0, 10).await.expect("readable").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_is_gone_ends_the_session_with_its_signal() {
    let fixture = Fixture::ready().await;
    fixture.page.tell(PageEvent::BrowserGone { signal: Some(9) });
    let reason = fixture.ended.await.expect("no panic");
    assert_eq!(reason, ExitReason::Crash { process: "browser".into(), signal: Some(9) });
}

#[tokio::test(start_paused = true)]
async fn what_a_probe_found_is_told_and_a_picture_needs_no_phone() {
    let fixture = Fixture::start();
    fixture.until("loading").await;
    let picture = fixture.session.call(Call::Screenshot, Body::NONE, 1_000).await;
    let (reply, png) = picture.expect("there is a page");
    assert!(matches!(reply, Reply::Media { .. }) && png.length() > 0);
    fixture.page.show(view(PagePhase::Main));
    let mut report = fixture.session.report();
    for page in [true, false] {
        let found = report.wait_for(|report| {
            report.probes.as_ref().is_some_and(|found| found.browser && found.page == page)
        });
        timeout(Duration::from_secs(600), found).await.expect("probed").expect("the session lives");
        fixture.page.hang();
    }
}
