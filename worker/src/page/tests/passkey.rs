//! Accounts that ask for a passkey: what the page asks of its browser, and what it gets.

use colmeia::passkey::{Assertion, Signed};
use colmeia::protocol::{Call, CallErrorKind, Reply};
use colmeia::{Me, Secret};
use serde_json::{Value, json};

use super::rig::{ME, Session, Simulator, within};
use crate::engine::{Engine, Nudge, PageEvent, PagePhase, PageView, PasskeyAt};

/// An account that asks for one, and a page whose code its phone has scanned.
async fn scanned(simulator: &Simulator, query: &str) -> Session {
    simulator.post("/phone/passkey", json!({ "number": ME, "id": "AAAA", "public_key": "BBBB" })).await;
    let mut session = Session::open(simulator, query).await;
    let qr = session.qr().await;
    simulator.scan(&qr, ME).await;
    session
}

async fn at(session: &mut Session, step: PasskeyAt) -> PageView {
    session
        .event(&format!("{step:?}"), |event| match event {
            PageEvent::View(view) if view.passkey.as_ref().is_some_and(|shown| shown.step == step) => {
                Some(view)
            }
            _ => None,
        })
        .await
}

fn assertion() -> Assertion {
    Assertion {
        id: Secret::new("AAAA"),
        raw_id: Secret::new("AAAA"),
        kind: "public-key".into(),
        response: Signed {
            client_data: Secret::new("e30"),
            authenticator_data: Secret::new("AAAA"),
            signature: Secret::new("AAAA"),
            user_handle: None,
        },
        client_extension_results: None,
    }
}

async fn refused(simulator: &Simulator) -> Value {
    let pages: Value = serde_json::from_slice(&simulator.get("/phone/pages").await).expect("JSON");
    pages["pages"][0]["passkey"]["refused"].clone()
}

#[tokio::test]
async fn the_pages_request_is_taken_answered_with_buffers_and_tried_again() {
    let simulator = Simulator::start().await;
    let mut session = scanned(&simulator, "?passkeyms=500&deferred=200").await;
    let view = at(&mut session, PasskeyAt::Prompt).await;
    assert_eq!((view.phase, view.qr, view.me), (PagePhase::Passkey, None, None::<Me>));
    session.engine.nudge(Nudge::PasskeyContinue).await.expect("asked");
    let view = at(&mut session, PasskeyAt::Signing).await;
    let request = view.passkey.and_then(|shown| shown.request).expect("a request");
    assert_eq!((request.rp_id.as_str(), request.user_verification.as_str()), ("whatsapp.com", "required"));
    assert_eq!((request.timeout, &request.extensions), (600_000, &Some(json!({ "uvm": true }))));
    assert_eq!(request.origin, "https://web.whatsapp.com");
    assert!(request.until_ms >= request.since_ms + request.timeout);
    let answer = Call::PasskeyAnswer { assertion: Box::new(assertion()) };
    assert_eq!(session.call(answer.clone()).await.expect("it waits for it"), Reply::Done);
    // The simulated page takes nothing but buffers, so its server had something to refuse.
    at(&mut session, PasskeyAt::Error).await;
    assert_eq!(refused(&simulator).await, "no client data");
    assert_eq!(session.call(answer).await.expect_err("none waits").kind, CallErrorKind::NotReady);
    session.engine.nudge(Nudge::PasskeyContinue).await.expect("asked");
    let view = at(&mut session, PasskeyAt::Signing).await;
    assert_ne!(view.passkey.and_then(|shown| shown.request).expect("a request").challenge, request.challenge);
    session.engine.nudge(Nudge::PasskeyCancel).await.expect("asked");
    session.qr().await;
    session.close().await;
}

#[tokio::test]
async fn the_override_looks_native_and_leaves_everything_else_alone() {
    let simulator = Simulator::start().await;
    let session = Session::open(&simulator, "").await;
    let look = "(() => { const { get, create } = CredentialsContainer.prototype;
        const own = Object.getOwnPropertyDescriptor(CredentialsContainer.prototype, 'get');
        return [/\\[native code\\]/.test(get.toString()), get.name, get.length, create.length,
            own.enumerable, own.writable, own.configurable].join(' '); })()";
    within("the page's document", async {
        while session.engine.evaluate(look).await.ok() != Some(json!("true get 0 0 true true true")) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    // Another's request is the browser's: it has no authenticator, and this is no page of theirs.
    let other =
        "navigator.credentials.get({ publicKey: { challenge: new Uint8Array(8), rpId: 'example.com' } })
        .then(() => 'taken', (error) => error.name)";
    let said = within("the browser's own answer", session.engine.evaluate(other)).await;
    assert_eq!(said.expect("an answer"), "SecurityError");
    session.close().await;
}

#[tokio::test]
async fn without_test_ids_the_action_is_the_way_and_a_restart_the_way_back() {
    let simulator = Simulator::start().await;
    let mut session = scanned(&simulator, "?testids=off&deferred=300").await;
    at(&mut session, PasskeyAt::Prompt).await;
    session.engine.nudge(Nudge::PasskeyContinue).await.expect("asked");
    at(&mut session, PasskeyAt::Signing).await;
    session.engine.nudge(Nudge::PasskeyCancel).await.expect("asked");
    session.qr().await;
    session.close().await;
}

#[tokio::test]
async fn switched_off_the_request_is_seen_and_the_browser_answers_it() {
    let simulator = Simulator::start().await;
    simulator.post("/phone/passkey", json!({ "number": ME, "id": "AAAA", "public_key": "BBBB" })).await;
    let mut session = Session::open_without_passkeys(&simulator).await;
    let qr = session.qr().await;
    simulator.scan(&qr, ME).await;
    let view = at(&mut session, PasskeyAt::Off).await;
    assert_eq!((view.phase, view.qr), (PagePhase::Passkey, None));
    assert_eq!(view.passkey.and_then(|shown| shown.request), None, "nothing is passed on");
    // Not told to go on, the page asks nobody; and what it asks its browser is the browser's.
    session.engine.nudge(Nudge::PasskeyContinue).await.expect("heard");
    let asked =
        "navigator.credentials.get({ publicKey: { challenge: new Uint8Array(8), rpId: 'whatsapp.com' } })
        .then(() => 'taken', (error) => error.name)";
    let said = within("the browser's own answer", session.engine.evaluate(asked)).await;
    assert_eq!(said.expect("an answer"), "SecurityError");
    let answer = Call::PasskeyAnswer { assertion: Box::new(assertion()) };
    assert_eq!(session.call(answer).await.expect_err("none waits").kind, CallErrorKind::NotReady);
    session.engine.nudge(Nudge::PasskeyCancel).await.expect("asked");
    session.qr().await;
    session.close().await;
}

#[tokio::test]
async fn switched_off_a_linked_session_that_has_to_prove_itself_says_so_and_stays_linked() {
    let simulator = Simulator::start().await;
    let mut session = Session::open_without_passkeys(&simulator).await;
    session.link(&simulator).await;
    simulator.post("/phone/passkey", json!({ "number": ME, "id": "AAAA", "public_key": "BBBB" })).await;
    simulator.post("/phone/passkey/checkpoint", json!({ "number": ME })).await;
    let view = at(&mut session, PasskeyAt::Off).await;
    assert_eq!((view.phase, view.me.is_some()), (PagePhase::PasskeyCheckpoint, true));
    session.close().await;
}
