//! What the journal has of one user, as a program reads it. Never writes.

use serde_json::Value;

use crate::harness::Service;
use crate::stage::{Stage, id};

/// All events of one kind, the oldest first; `None` when they cannot be had now.
pub(crate) async fn rows(
    stage: &Stage,
    http: &reqwest::Client,
    user: usize,
    kind: &str,
) -> Option<Vec<Value>> {
    let (mut rows, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/events?session={}&events={kind}&limit=1000&after={after}", id(user));
        let answer = Service::answer(http.get(stage.url(&path))).await.ok()?;
        if answer.status != 200 {
            return None;
        }
        rows.extend(answer.json["events"].as_array().cloned().unwrap_or_default());
        match answer.json["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => return Some(rows),
        }
    }
}
