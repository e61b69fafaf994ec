//! [`probe`]: whether a webhook takes what it is sent, asked by a person who configures it. One request, in the form of every
//! other delivery (signature and headers too), and nothing of it is kept or repeated.

use colmeia::UserId;
use colmeia::config::WebhookConfig;
use colmeia_host::dns::Resolver;
use colmeia_host::ssrf::Home;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use ulid::Ulid;

use super::client::Client;
use super::webhook;
use crate::journal::now_ms;

/// The event's name: none that a session publishes, so that no receiver takes it for one.
const NAME: &str = "colmeia.test";

/// Sends a test event of this session, once. `home` is where we listen ourselves.
///
/// # Errors
/// Why the receiver did not take it, in words without a secret.
pub async fn probe(
    webhook: &WebhookConfig,
    user: &UserId,
    home: Home,
    names: Resolver,
    shutdown: &CancellationToken,
) -> Result<(), String> {
    let body = json!({
        "id": format!("evt_{}", Ulid::generate().to_string().to_ascii_lowercase()),
        "timestamp": now_ms(),
        "event": NAME,
        "session": user.as_str(),
        "payload": {"test": true},
    });
    let unusable = || "the address cannot be used".to_owned();
    let post = webhook::request(webhook, body.to_string()).ok_or_else(unusable)?;
    let client = Client::new(home, names).map_err(|error| error.to_string())?;
    let outcome = client.send(&post, shutdown).await;
    if outcome.is_success() { Ok(()) } else { Err(outcome.reason()) }
}
