//! Passkeys: what WhatsApp's page asks a browser for, what its user's own browser answers, and whether that may be
//! handed to the page.
//!
//! Owns the shapes and the checks; decides nothing about a session. Both are secrets: neither shows in `Debug`, and no
//! error repeats anything of them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::Secret;

/// The relying party of WhatsApp's accounts, and the only origin on which browsers sign for it here.
pub const WHATSAPP: (&str, &str) = ("whatsapp.com", "https://web.whatsapp.com");

/// Until so long after the request began, in milliseconds, the link is confirmed by itself; later a code has to be
/// compared. Read in the page's modules.
pub const URGENT_MS: u64 = 300_000;

/// Authenticator data is at least this long: the relying party's digest, the flags and a counter (WebAuthn, 6.1).
const SHORTEST_DATA: usize = 37;
const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 4;
/// More than any of the parts of an assertion takes.
const LONGEST: usize = 64 * 1024;

/// What the page asks for: the options of its request, with bytes in base64url.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What has to be signed.
    pub challenge: Secret,
    /// How long the page waits, in milliseconds.
    pub timeout: u64,
    /// For whom, `whatsapp.com`.
    pub rp_id: String,
    /// Where it has to be signed, `https://web.whatsapp.com`.
    pub origin: String,
    /// Which credentials fit; empty for any of the user's.
    #[serde(default)]
    pub allow_credentials: Vec<Credential>,
    /// `required`, `preferred` or `discouraged`.
    pub user_verification: String,
    /// The options' extensions, as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Value>,
    /// When the phone asked for it, in milliseconds since the epoch.
    pub since_ms: u64,
    /// Until when it can be answered, in milliseconds since the epoch.
    pub until_ms: u64,
}

/// A credential that fits.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Its id in base64url.
    pub id: Secret,
    /// `public-key`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How its authenticator is reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transports: Vec<String>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[passkey request]")
    }
}

/// What the user's browser signed, as `PublicKeyCredential.toJSON()` writes it; what else that says is left out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assertion {
    /// The credential's id in base64url.
    pub id: Secret,
    /// The same.
    pub raw_id: Secret,
    /// `public-key`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What was signed, and the signature.
    pub response: Signed,
    /// What the extensions gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_extension_results: Option<Outcome>,
}

/// The parts of an assertion, in base64url.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signed {
    /// What the browser says of the page that asked.
    #[serde(rename = "clientDataJSON")]
    pub client_data: Secret,
    /// What the authenticator says of itself and its user.
    pub authenticator_data: Secret,
    /// The signature over both.
    pub signature: Secret,
    /// Whose credential it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_handle: Option<Secret>,
}

/// What extensions gave; keys may be among it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Outcome(pub Value);

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[passkey assertion]")
    }
}

/// Why an assertion is not handed to the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} {rule}")]
pub struct Wrong {
    /// The field that is wrong.
    pub field: &'static str,
    /// What it has to be.
    pub rule: &'static str,
}

/// What is read of the client data.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: Secret,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

/// Whether an assertion answers this request. The signature is WhatsApp's to verify: it knows the key.
///
/// # Errors
/// The first field that is wrong.
pub fn check(assertion: &Assertion, request: &Request) -> Result<(), Wrong> {
    let wrong = |field, rule| Err(Wrong { field, rule });
    if assertion.kind != "public-key" {
        return wrong("type", "has to be public-key");
    }
    bytes("id", &assertion.id)?;
    if bytes("rawId", &assertion.raw_id)? != bytes("id", &assertion.id)? {
        return wrong("rawId", "has to be the same as id");
    }
    let allowed = &request.allow_credentials;
    if !allowed.is_empty() && !allowed.iter().any(|credential| credential.id == assertion.id) {
        return wrong("id", "is none of the credentials that were asked for");
    }
    const CLIENT: &str = "response.clientDataJSON";
    let client = bytes(CLIENT, &assertion.response.client_data)?;
    let Ok(client) = serde_json::from_slice::<ClientData>(&client) else {
        return wrong(CLIENT, "is no client data of a browser");
    };
    if client.kind != "webauthn.get" {
        return wrong(CLIENT, "has to be of the type webauthn.get");
    }
    if !client.challenge.matches(&request.challenge) {
        return wrong(CLIENT, "answers another challenge than the one that is pending");
    }
    if client.origin != request.origin {
        return wrong(CLIENT, "was signed on another origin than WhatsApp Web's");
    }
    if client.cross_origin {
        return wrong(CLIENT, "was signed in a frame of another origin");
    }
    const DATA: &str = "response.authenticatorData";
    let data = bytes(DATA, &assertion.response.authenticator_data)?;
    if data.len() < SHORTEST_DATA {
        return wrong(DATA, "is too short");
    }
    if data[..32] != *Sha256::digest(request.rp_id.as_bytes()) {
        return wrong(DATA, "is for another relying party than WhatsApp");
    }
    if data[32] & USER_PRESENT == 0 {
        return wrong(DATA, "does not say that the user was there");
    }
    if request.user_verification == "required" && data[32] & USER_VERIFIED == 0 {
        return wrong(DATA, "does not say that the user was verified (PIN, fingerprint or face)");
    }
    bytes("response.signature", &assertion.response.signature)?;
    match &assertion.response.user_handle {
        Some(handle) => bytes("response.userHandle", handle).map(drop),
        None => Ok(()),
    }
}

/// Reads base64url, padded or not; nothing is in no field of an assertion.
fn bytes(field: &'static str, text: &Secret) -> Result<Vec<u8>, Wrong> {
    let text = text.expose().trim_end_matches('=');
    if text.is_empty() {
        return Err(Wrong { field, rule: "is empty" });
    }
    if text.len() > LONGEST {
        return Err(Wrong { field, rule: "is too long" });
    }
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Wrong { field, rule: "has to be base64url" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ORIGIN: &str = WHATSAPP.1;

    fn encode(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn request() -> Request {
        Request {
            challenge: Secret::new(encode(b"a challenge")),
            timeout: 600_000,
            rp_id: WHATSAPP.0.into(),
            origin: ORIGIN.into(),
            allow_credentials: Vec::new(),
            user_verification: "required".into(),
            extensions: None,
            since_ms: 0,
            until_ms: 600_000,
        }
    }

    fn client(kind: &str, challenge: &[u8], origin: &str, cross: bool) -> String {
        let data =
            json!({ "type": kind, "challenge": encode(challenge), "origin": origin, "crossOrigin": cross });
        encode(data.to_string().as_bytes())
    }

    fn data(rp_id: &str, flags: u8) -> String {
        let mut data = Sha256::digest(rp_id.as_bytes()).to_vec();
        data.extend([flags, 0, 0, 0, 1]);
        encode(&data)
    }

    /// What a browser posts, with what WebAuthn adds and nobody needs.
    fn posted() -> Value {
        json!({
            "id": encode(b"credential"), "rawId": encode(b"credential"), "type": "public-key",
            "authenticatorAttachment": "platform", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": client("webauthn.get", b"a challenge", ORIGIN, false),
                "authenticatorData": data("whatsapp.com", 5),
                "signature": encode(b"signature"), "userHandle": encode(b"user"),
            },
        })
    }

    fn read(posted: Value) -> Assertion {
        serde_json::from_value(posted).expect("an assertion")
    }

    #[test]
    fn a_whole_to_json_is_taken_with_and_without_padding_or_user() {
        assert_eq!(check(&read(posted()), &request()), Ok(()));
        let mut other = posted();
        other["response"]["userHandle"] = Value::Null;
        other["rawId"] = json!(encode(b"credential") + "==");
        assert_eq!(check(&read(other), &request()), Ok(()));
    }

    #[test]
    fn each_refusal_names_its_field() {
        const CLIENT: &str = "response.clientDataJSON";
        const DATA: &str = "response.authenticatorData";
        let cases: [(&str, Value, &str); 19] = [
            ("/type", json!("password"), "type"),
            ("/id", json!("a b"), "id"),
            ("/id", json!(""), "id"),
            ("/rawId", json!(encode(b"another")), "rawId"),
            ("/response/clientDataJSON", json!(encode(b"{}")), CLIENT),
            ("/response/clientDataJSON", json!("*"), CLIENT),
            (
                "/response/clientDataJSON",
                json!(client("webauthn.create", b"a challenge", ORIGIN, false)),
                CLIENT,
            ),
            ("/response/clientDataJSON", json!(client("webauthn.get", b"another", ORIGIN, false)), CLIENT),
            ("/response/clientDataJSON", json!(client("webauthn.get", b"a challeng", ORIGIN, false)), CLIENT),
            (
                "/response/clientDataJSON",
                json!(client("webauthn.get", b"a challenge", "https://whatsapp.com", false)),
                CLIENT,
            ),
            (
                "/response/clientDataJSON",
                json!(client("webauthn.get", b"a challenge", "https://web.whatsapp.com.evil.example", false)),
                CLIENT,
            ),
            ("/response/clientDataJSON", json!(client("webauthn.get", b"a challenge", ORIGIN, true)), CLIENT),
            ("/response/authenticatorData", json!(encode(&[0; 36])), DATA),
            ("/response/authenticatorData", json!(data("web.whatsapp.com", 5)), DATA),
            ("/response/authenticatorData", json!(data("whatsapp.com", 4)), DATA),
            ("/response/authenticatorData", json!(data("whatsapp.com", 1)), DATA),
            ("/response/signature", json!(""), "response.signature"),
            ("/response/signature", json!("A".repeat(LONGEST + 1)), "response.signature"),
            ("/response/userHandle", json!("*"), "response.userHandle"),
        ];
        for (place, value, field) in cases {
            let mut posted = posted();
            *posted.pointer_mut(place).expect(place) = value.clone();
            let wrong = check(&read(posted), &request()).expect_err(place);
            assert_eq!(wrong.field, field, "{place} {wrong}");
            assert!(wrong.to_string().starts_with(field));
        }
    }

    #[test]
    fn a_credential_that_was_not_asked_for_is_refused() {
        let credential = |id: &[u8]| Credential {
            id: Secret::new(encode(id)),
            kind: "public-key".into(),
            transports: Vec::new(),
        };
        let asked = |id| Request { allow_credentials: vec![credential(id)], ..request() };
        assert_eq!(check(&read(posted()), &asked(b"credential")), Ok(()));
        assert_eq!(check(&read(posted()), &asked(b"other")).expect_err("refused").field, "id");
    }

    #[test]
    fn a_checkpoint_prefers_verification_and_does_not_demand_it() {
        let preferred = Request { user_verification: "preferred".into(), ..request() };
        let mut posted = posted();
        posted["response"]["authenticatorData"] = json!(data("whatsapp.com", 1));
        assert_eq!(check(&read(posted), &preferred), Ok(()));
    }

    #[test]
    fn nothing_of_it_shows_in_debug() {
        let shown = format!("{:?} {:?}", request(), read(posted()));
        assert_eq!(shown, "[passkey request] [passkey assertion]");
    }
}
