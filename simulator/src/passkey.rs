//! Owns the server's side of a passkey: the challenge that counts once, and whether what was signed is right.
//! The signature is really verified; knows nothing of how the page or the user's browser come to it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom as _, SystemRandom},
    signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    clock::now_ms,
    wire::{Assertion, Contact},
};

const CODE_LETTERS: &[u8; 31] = b"123456789ABCDEFGHJKLMNPQRSTVWXY";
/// Flags of authenticator data.
const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 4;

/// A passkey that an account has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Passkey {
    /// The credential's id, base64url.
    pub(crate) id: String,
    /// The P-256 key as an uncompressed point of 65 bytes, base64url.
    pub(crate) public_key: String,
    /// `whatsapp.com`, or `localhost`.
    pub(crate) rp_id: String,
    /// Where it has to be signed.
    pub(crate) origin: String,
    /// Whether the page hears of a refusal, or waits in vain.
    pub(crate) tells_refusals: bool,
    /// Whether the code has to be compared however early the answer comes.
    #[serde(default)]
    pub(crate) compare: bool,
}

/// What the page was asked for.
#[derive(Debug)]
pub(crate) struct Ceremony {
    number: String,
    passkey: Passkey,
    /// The phone's name and address book, when it is about linking; `None` for a linked session.
    linking: Option<(String, Vec<Contact>)>,
    /// Until it was answered.
    challenge: Option<String>,
    /// The code that phone and page show.
    code: Option<String>,
    since: u64,
    /// Why the last answer was refused.
    refused: Option<&'static str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

impl Ceremony {
    pub(crate) fn of(number: &str, passkey: &Passkey, linking: Option<(String, Vec<Contact>)>) -> Self {
        let (number, passkey, since) = (number.to_owned(), passkey.clone(), now_ms());
        Self { number, passkey, linking, challenge: Some(random()), code: None, since, refused: None }
    }

    /// As they go to the browser, with the challenge in base64url.
    pub(crate) fn options(&self) -> Value {
        let checkpoint = self.linking.is_none();
        let extensions = if checkpoint {
            json!({ "prf": { "eval": { "first": BASE64URL.encode(b"checkpoint") } } })
        } else {
            json!({ "uvm": true })
        };
        json!({
            "challenge": self.challenge, "rpId": self.passkey.rp_id, "timeout": 600_000, "allowCredentials": [],
            "userVerification": if checkpoint { "preferred" } else { "required" }, "extensions": extensions,
        })
    }

    /// What a phone shows of it, and what a test wants to know.
    pub(crate) fn look(&self) -> Value {
        json!({
            "number": self.number, "code": self.code, "since": self.since, "refused": self.refused,
            "asks": "continue on WhatsApp Web", "pending": self.challenge.is_some(),
        })
    }

    /// Fresh options.
    pub(crate) fn renew(&mut self) -> Value {
        self.challenge = Some(random());
        self.options()
    }

    /// What the page hears to what was signed.
    pub(crate) fn prove(&mut self, assertion: &Assertion, handoff: bool) -> Value {
        self.refused = self.check(assertion).err();
        if self.refused.is_some() {
            return json!({ "ok": false, "silent": !self.passkey.tells_refusals });
        }
        if self.linking.is_none() {
            return json!({ "ok": true });
        }
        let code = code();
        self.code = Some(code.clone());
        json!({ "ok": true, "code": code, "skip": handoff && !self.passkey.compare })
    }

    /// Whether there is nothing more to come: a linked session has answered.
    pub(crate) fn is_over(&self) -> bool {
        self.linking.is_none() && self.challenge.is_none() && self.refused.is_none()
    }

    /// The number, the phone's name and its address book, once both codes were found to be the same.
    pub(crate) fn confirmed(self) -> Option<(String, String, Vec<Contact>)> {
        self.code?;
        let (owner, contacts) = self.linking?;
        Some((self.number, owner, contacts))
    }

    fn check(&mut self, assertion: &Assertion) -> Result<(), &'static str> {
        // Whatever comes of it, it is used.
        let challenge = self.challenge.take().ok_or("the challenge was used")?;
        if assertion.id != self.passkey.id {
            return Err("another credential");
        }
        let read = |text: &str| BASE64URL.decode(text).map_err(|_| "no base64url");
        let raw = read(&assertion.client_data)?;
        let client: ClientData = serde_json::from_slice(&raw).map_err(|_| "no client data")?;
        if client.kind != "webauthn.get" {
            return Err("another type");
        }
        if client.challenge != challenge {
            return Err("another challenge");
        }
        if client.origin != self.passkey.origin || client.cross_origin {
            return Err("another origin");
        }
        let data = read(&assertion.authenticator_data)?;
        if data.len() < 37 || data[..32] != *digest(&SHA256, self.passkey.rp_id.as_bytes()).as_ref() {
            return Err("another relying party");
        }
        let wanted = if self.linking.is_some() { USER_PRESENT | USER_VERIFIED } else { USER_PRESENT };
        if data[32] & wanted != wanted {
            return Err("the user was not verified");
        }
        let signed = [data.as_slice(), digest(&SHA256, &raw).as_ref()].concat();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, read(&self.passkey.public_key)?);
        key.verify(&signed, &read(&assertion.signature)?).map_err(|_| "another key")
    }
}

fn random() -> String {
    let mut bytes = [0; 32];
    // It fails only on systems without randomness; then no answer fits.
    let _ = SystemRandom::new().fill(&mut bytes);
    BASE64URL.encode(bytes)
}

fn code() -> String {
    let mut bytes = [0; 8];
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes.iter().map(|byte| char::from(CODE_LETTERS[usize::from(*byte) % CODE_LETTERS.len()])).collect()
}
