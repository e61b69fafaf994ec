//! What happens beside the messages: told in the protocol's words, once, by a page that is not degraded for it.

use colmeia::protocol::Event;
use serde_json::{Value, json};

use super::rig::{FRIEND, ME, Session, Simulator};
use crate::engine::{Engine, PageEvent};

/// The next event of another kind than messages and acknowledgements.
async fn happened(session: &mut Session) -> Event {
    session
        .event("something beside the messages", |event| match event {
            PageEvent::Happened(event) => Some(*event),
            _ => None,
        })
        .await
}

async fn message(simulator: &Simulator, session: &mut Session, body: &str) -> String {
    let message = json!({ "to": ME, "from": FRIEND, "name": "B", "body": body });
    simulator.post("/phone/message", message).await;
    session.message().await.id
}

async fn about(simulator: &Simulator, path: &str, id: &str, more: Value) {
    let mut body = json!({ "number": ME, "id": id });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    simulator.post(path, body).await;
}

#[tokio::test]
async fn real_chromium_tells_reactions_changes_and_revocations() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked(&simulator, "").await;
    let id = message(&simulator, &mut session, "oi").await;
    let friend = format!("{FRIEND}@c.us");

    for text in ["🙏", ""] {
        about(&simulator, "/phone/react", &id, json!({ "from": FRIEND, "reaction": text })).await;
        let Event::Reaction(reaction) = happened(&mut session).await else { panic!("a reaction") };
        assert_eq!((reaction.message.as_str(), reaction.text.as_str()), (id.as_str(), text));
        assert_eq!((reaction.sender.as_str(), reaction.chat.as_str()), (friend.as_str(), friend.as_str()));
        assert!(!reaction.from_me && reaction.timestamp_ms > 1_700_000_000_000 && reaction.id != id);
    }

    about(&simulator, "/phone/edit", &id, json!({ "body": "olá" })).await;
    let Event::Edited { message: edited, at_ms } = happened(&mut session).await else { panic!("a change") };
    assert_eq!((edited.id.as_str(), edited.body.as_str()), (id.as_str(), "olá"));
    assert!(at_ms > 1_700_000_000_000);

    about(&simulator, "/phone/revoke", &id, json!({})).await;
    let Event::Revoked { message: after, before } = happened(&mut session).await else {
        panic!("a revocation")
    };
    assert_eq!((after.id.as_str(), after.kind.as_str(), after.body.as_str()), (id.as_str(), "revoked", ""));
    assert_eq!(before.expect("it was seen").body, "oi");

    let view = session.engine.probe_page(3_000).await.expect("it answers");
    assert_eq!(view.degraded, Vec::<String>::new());
    session.close().await;
}
