//! The operations beyond the everyday calls, on a real browser; what comes of each is asked of the phone. One browser
//! serves many of them: it is its start that costs.

mod cases;
mod every;
mod groups;
mod marks;
mod outcomes;
mod people;
mod presence;
mod sends;
mod stage;
mod wide;

use colmeia::operations::MessageRef;
use serde_json::json;

use super::rig::{FRIEND, ME, Session, Simulator};

const OTHER: &str = "5511955554444";

/// A picture that a browser can read: one grey pixel.
const PIXEL: &[u8] = b"GIF87a\x01\x00\x01\x00\x80\x01\x00\x80\x80\x80\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

fn key(id: &str) -> MessageRef {
    MessageRef::try_from(id.to_owned()).expect("a message's id")
}

/// A message from the friend, and its id.
async fn received(session: &mut Session, simulator: &Simulator, body: &str) -> MessageRef {
    let incoming = json!({ "to": ME, "from": FRIEND, "name": "Bruno", "body": body });
    simulator.post("/phone/message", incoming).await;
    key(&session.message().await.id)
}
