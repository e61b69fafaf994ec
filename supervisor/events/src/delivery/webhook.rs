//! What a webhook's receiver is sent: the envelope, WAHA's headers, the signatures and its own headers.
//!
//! Owns the form of the request. Keys and values of headers are read here and nowhere else.

use std::time::Duration;

use bytes::Bytes;
use colmeia::Secret;
use colmeia::config::WebhookConfig;
use hmac::{Hmac, Mac};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::Url;
use serde_json::Value;
use sha2::{Sha256, Sha512};
use ulid::Ulid;

use super::client::Post;
use super::media::Media;
use crate::envelope::Envelope;
use crate::journal::{Recorded, now_ms};

/// What is sent: the event with what was configured of its session, and with its message's file if that is no larger
/// than these bytes. `None` when the event cannot be read.
pub(super) async fn body(
    event: &Recorded,
    metadata: Option<Value>,
    media: &Media,
    inline: Option<u64>,
) -> Option<String> {
    let mut envelope = Envelope::of(event, metadata, media.origin())?;
    media.put_status_data(&mut envelope);
    if let Some(most) = inline.filter(|most| *most > 0) {
        media.put_in(&mut envelope, most).await;
    }
    envelope.to_json().ok()
}

/// How long a webhook may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The request, signed now. `None` when the address cannot be used.
pub(super) fn request(webhook: &WebhookConfig, body: String) -> Option<Post> {
    let mut headers = HeaderMap::new();
    for header in webhook.headers() {
        let name = HeaderName::from_bytes(header.name.as_bytes());
        if let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_str(header.value.expose())) {
            value.set_sensitive(true);
            headers.append(name, value);
        }
    }
    let mut own = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    };
    own("content-type", "application/json");
    own("x-webhook-request-id", &Ulid::generate().to_string().to_ascii_lowercase());
    own("x-webhook-timestamp", &now_ms().to_string());
    if let Some(key) = webhook.hmac_key() {
        own("x-webhook-hmac", &sha512(key, &body));
        own("x-webhook-hmac-algorithm", "sha512");
        own("x-hub-signature-256", &format!("sha256={}", sha256(key, &body)));
    }
    let url = Url::parse(&webhook.url).ok()?;
    Some(Post { url, headers, body: Bytes::from(body), patience: PATIENCE, alone: false })
}

fn sha512(key: &Secret, body: &str) -> String {
    signature::<Hmac<Sha512>>(key, body)
}

fn sha256(key: &Secret, body: &str) -> String {
    signature::<Hmac<Sha256>>(key, body)
}

/// In hexadecimal digits.
fn signature<M: Mac + hmac::digest::KeyInit>(key: &Secret, body: &str) -> String {
    // A key of any length is one to HMAC; the error is of other constructions.
    let Ok(mac) = <M as Mac>::new_from_slice(key.expose().as_bytes()) else { return String::new() };
    hex::encode(mac.chain_update(body).finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::media::tests::NoFiles;
    use super::*;
    use crate::envelope::Origin;
    use crate::journal::testing::{message, recorded};
    use colmeia::protocol::Event;

    /// The example of WAHA's own documentation.
    #[test]
    fn the_signature_is_the_one_that_is_documented() {
        let body = r#"{"event":"message","session":"default","engine":"WEBJS"}"#;
        assert_eq!(
            sha512(&Secret::new("my-secret-key"), body),
            "208f8a55dde9e05519e898b10b89bf0d0b3b0fdf11fdbf09b6b90476301b98d8097c462b2b17a6ce93b6b47a136cf2e78a33a63f6752c2c1631777076153fa89"
        );
    }

    #[tokio::test]
    async fn a_request_has_its_headers_and_shows_no_secret() {
        let webhook: WebhookConfig = serde_json::from_value(serde_json::json!({
            "url": "http://x.example/hook", "events": ["*"], "hmac": { "key": "hunter2" },
            "customHeaders": [
                { "name": "Authorization", "value": "Bearer hunter3" },
                { "name": "X-Webhook-Timestamp", "value": "0" },
            ],
        }))
        .expect("a webhook");
        let mut event = recorded("1", 1, "m1");
        event.payload =
            serde_json::to_string(&Event::Message(Box::new(message("m1", "oi")))).expect("plain data");
        let media = Media::new(Origin::test("http://h:1"), std::sync::Arc::new(NoFiles));
        let body = body(&event, None, &media, None).await.expect("readable");
        let request = request(&webhook, body.clone()).expect("a request");
        assert_eq!(request.body, body.as_bytes());
        let text = |name: &str| request.headers[name].to_str().expect("text").to_owned();
        assert_eq!(text("x-webhook-hmac"), sha512(&Secret::new("hunter2"), &body));
        assert_eq!(text("x-webhook-hmac-algorithm"), "sha512");
        let signature = format!("sha256={}", sha256(&Secret::new("hunter2"), &body));
        assert_eq!(text("x-hub-signature-256"), signature);
        assert_eq!(
            (text("authorization"), text("content-type")),
            ("Bearer hunter3".into(), "application/json".into())
        );
        assert_eq!(text("x-webhook-request-id").len(), 26);
        assert!(!format!("{:?}{webhook:?}", request.headers).contains("hunter"));
    }
}
