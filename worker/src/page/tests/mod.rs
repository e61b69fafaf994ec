//! The engine on real Chromium, with the simulator as its page. Needs the binary of `colmeia-simulator` beside
//! this test's target directory, or in `COLMEIA_SIMULATOR`.

mod rig;

use colmeia::protocol::CallErrorKind;

use crate::engine::PagePhase;
use rig::{FRIEND, ME, Session, Simulator};

#[tokio::test]
async fn from_the_first_code_to_a_sent_text() {
    let simulator = Simulator::start().await;
    let mut session = Session::open(&simulator, "").await;
    let qr = session.qr().await;
    simulator.scan(&qr, ME).await;
    let view = session.phase(PagePhase::Main).await;
    assert_eq!(view.me.expect("an account").wid, format!("{ME}@c.us"));
    assert_eq!(view.degraded, Vec::<String>::new());

    let id = session.send_text(FRIEND, "olá").await.expect("sent");
    assert!(id.starts_with(&format!("true_{FRIEND}@c.us_")), "{id}");
    let sent = simulator.sent().await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["body"], "olá");

    let error = session.send_text("5511900000000", "?").await.expect_err("not there");
    assert_eq!(error.kind, CallErrorKind::NotOnWhatsapp);
    session.close().await;
}
