//! Who sees the session, and whom it sees: nobody, until somebody asks; and then after each connection again.

use colmeia::operations::{ListPresences, ReadChat, SetPresence, SubscribePresence};
use colmeia::protocol::{Call, Event};
use serde_json::{Value, json};

use super::received;
use crate::engine::{Engine as _, Nudge, PageEvent, PagePhase};
use crate::page::tests::rig::{FRIEND, ME, Session, Simulator, chat, within};

async fn actions(simulator: &Simulator, what: &str) -> Vec<Value> {
    let body = simulator.get(&format!("/phone/actions?number={ME}")).await;
    let all: Value = serde_json::from_slice(&body).expect("JSON");
    let mut all = all["actions"].as_array().expect("a list").clone();
    all.retain(|action| action["what"] == what);
    all
}

/// What the account has told of its presence, in order.
async fn told(simulator: &Simulator) -> Vec<String> {
    let all = actions(simulator, "presence").await;
    all.iter().map(|action| action["details"]["state"].as_str().expect("a state").to_owned()).collect()
}

/// A new connection, without a new document.
async fn connect_anew(session: &mut Session, simulator: &Simulator) {
    let before = told(simulator).await.len();
    simulator.post("/phone/fault", json!({ "number": ME, "fault": "relogin" })).await;
    session.phase(PagePhase::Main).await;
    within("the connection's first word", async { while told(simulator).await.len() == before {} }).await;
}

#[tokio::test]
async fn a_session_is_unavailable_until_it_is_asked_not_to_be() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    // As the real page is where its document has the focus.
    let before = told(&simulator).await.len();
    let focus = "void window.require('WAWebStreamModel').Stream.markAvailable()";
    session.engine.evaluate(focus).await.expect("done");
    within("its end", async { while told(&simulator).await.len() == before {} }).await;

    received(&mut session, &simulator, "oi").await;
    session.send_text(FRIEND, "olá").await.expect("sent");
    session.operate(ReadChat { chat: chat(FRIEND) }).await.expect("read");
    let typing = Call::Typing { chat: chat(FRIEND), state: colmeia::protocol::TypingState::Typing };
    session.call(typing).await.expect("shown");
    connect_anew(&mut session, &simulator).await;
    let words = told(&simulator).await;
    assert!(words.iter().all(|word| word == "unavailable"), "nobody asked to be seen: {words:?}");

    session.operate(SetPresence { online: true }).await.expect("set");
    connect_anew(&mut session, &simulator).await;
    assert_eq!(
        told(&simulator).await[words.len()..],
        ["available", "available"],
        "and so at each connection"
    );
    session.operate(SetPresence { online: false }).await.expect("set");
    connect_anew(&mut session, &simulator).await;
    assert_eq!(told(&simulator).await[words.len() + 2..], ["unavailable", "unavailable"]);
    session.close().await;
}

#[tokio::test]
async fn presences_are_subscribed_to_again_after_each_connection() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    session.operate(SubscribePresence { chat: chat(FRIEND) }).await.expect("subscribed");
    for times in [2, 3] {
        connect_anew(&mut session, &simulator).await;
        within("the subscription", async {
            while actions(&simulator, "subscribe_presence").await.len() < times {}
        })
        .await;
        assert_eq!(session.operate(ListPresences {}).await.expect("listed").len(), 1);
    }
    // Becoming unavailable forgets them, too.
    session.operate(SetPresence { online: true }).await.expect("set");
    session.operate(SetPresence { online: false }).await.expect("set");
    let subscribed = actions(&simulator, "subscribe_presence").await;
    let chats: Vec<_> = subscribed.iter().map(|action| action["details"]["chat"].clone()).collect();
    assert_eq!(chats, vec![json!(format!("{FRIEND}@c.us")); 4]);
    assert_eq!(session.operate(ListPresences {}).await.expect("listed").len(), 1);

    // A new document knows of nothing; the session does.
    session.operate(SetPresence { online: true }).await.expect("set");
    let (words, times) =
        (told(&simulator).await.len(), actions(&simulator, "subscribe_presence").await.len());
    session.engine.nudge(Nudge::Reload).await.expect("loaded anew");
    session.phase(PagePhase::Loading).await;
    session.phase(PagePhase::Main).await;
    within("the subscription", async {
        while actions(&simulator, "subscribe_presence").await.len() == times {}
    })
    .await;
    within("to be seen", async {
        while !told(&simulator).await[words..].iter().any(|word| word == "available") {}
    })
    .await;
    assert_eq!(session.operate(ListPresences {}).await.expect("listed").len(), 1);

    let there = json!({ "number": ME, "chat": FRIEND, "state": "available" });
    simulator.post("/phone/presence", there).await;
    let who = session.event("presence", |event| match event {
        PageEvent::Happened(event) => match *event {
            Event::Presence(presence) => Some(presence.participant),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(who.await, format!("{FRIEND}@c.us"));
    session.close().await;
}
