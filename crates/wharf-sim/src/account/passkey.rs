//! A passkey of an account's owner: the key that signs, as it lives on the person's phone or in the browser, and the check of what was
//! signed, as strict as the rules of `WebAuthn` that the real network goes by.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::keys;

/// The site that passkeys of this network are made for, and the page that asks for them.
pub(crate) const SITE: &str = "whatsapp.com";
pub(crate) const ORIGIN: &str = "https://web.whatsapp.com";
/// The owner was there, and proved to be who it is.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;

/// What goes wrong with links of this account, on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Conduct {
    /// How long the owner has to sign.
    pub(crate) timeout_ms: u64,
    /// The network asks and does not say what; the client has to ask back.
    pub(crate) bare_question: bool,
    /// The network refuses whatever was signed.
    pub(crate) refuses: bool,
    /// The phone never answers.
    pub(crate) silent: bool,
    /// The phone shows another code, as if somebody stood between.
    pub(crate) wrong_code: bool,
    /// The phone takes the device and does not link it.
    pub(crate) never_links: bool,
}

impl Default for Conduct {
    fn default() -> Self {
        Self { timeout_ms: 600_000, bare_question: false, refuses: false, silent: false, wrong_code: false, never_links: false }
    }
}

/// How the pretend browser may sign wrongly.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Ceremony {
    /// The page that asks.
    pub(crate) origin: Option<String>,
    /// The owner does not prove who it is.
    pub(crate) unverified: bool,
    /// Another key signs.
    pub(crate) forged: bool,
}

pub(crate) struct Passkey {
    pub(crate) conduct: Conduct,
    credential: [u8; 16],
    owner: [u8; 16],
    pair: EcdsaKeyPair,
    counter: u32,
    /// What the phone shows to be compared.
    pub(crate) shown: Option<String>,
    /// How many times a link was asked to be confirmed.
    pub(crate) asked: u32,
}

impl Passkey {
    pub(crate) fn create(conduct: Conduct) -> Result<Self, String> {
        let (credential, owner) = (keys::random_bytes(), keys::random_bytes());
        Ok(Self { conduct, credential, owner, pair: pair()?, counter: 0, shown: None, asked: 0 })
    }

    pub(crate) fn credential_id(&self) -> String {
        encode(self.credential)
    }

    /// What the owner is asked to sign, as a `PublicKeyCredentialRequestOptionsJSON`.
    pub(crate) fn options(&self, challenge: &[u8]) -> String {
        json!({
            "challenge": encode(challenge),
            "timeout": self.conduct.timeout_ms,
            "rpId": SITE,
            "allowCredentials": [],
            "userVerification": "required",
            "extensions": {"uvm": true},
        })
        .to_string()
    }

    /// The owner signs in a browser: what `PublicKeyCredential.toJSON()` gives there.
    pub(crate) fn sign(&mut self, options: &Value, ceremony: &Ceremony) -> Result<Value, String> {
        let challenge = options["challenge"].as_str().ok_or("the options have no challenge")?;
        let site = options["rpId"].as_str().unwrap_or(SITE);
        let origin = ceremony.origin.as_deref().unwrap_or(ORIGIN);
        let host = origin.strip_prefix("https://").unwrap_or_default();
        if host != site && !host.ends_with(&format!(".{site}")) {
            return Err(format!("SecurityError: {origin} may not ask for a passkey of {site}"));
        }
        let client = json!({"type": "webauthn.get", "challenge": challenge, "origin": origin, "crossOrigin": false}).to_string();
        self.counter += 1;
        let flags = if ceremony.unverified { PRESENT } else { PRESENT | VERIFIED };
        let data = [Sha256::digest(site).as_slice(), &[flags], &self.counter.to_be_bytes()].concat();
        let signed = [data.as_slice(), Sha256::digest(&client).as_slice()].concat();
        let forger = ceremony.forged.then(pair).transpose()?;
        let signature = forger.as_ref().unwrap_or(&self.pair).sign(&SystemRandom::new(), &signed).map_err(|error| error.to_string())?;
        Ok(json!({
            "id": encode(self.credential),
            "rawId": encode(self.credential),
            "type": "public-key",
            "authenticatorAttachment": "cross-platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encode(&client),
                "authenticatorData": encode(&data),
                "signature": encode(signature),
                "userHandle": encode(self.owner),
            },
        }))
    }

    /// Whether this was signed by the owner, now, for this question, on WhatsApp's page.
    pub(crate) fn verify(&self, credential: &[u8], assertion: &[u8], challenge: &[u8]) -> Result<(), &'static str> {
        let assertion: Value = serde_json::from_slice(assertion).map_err(|_| "the assertion is no JSON")?;
        let bytes = |part: &Value| part.as_str().and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok()).unwrap_or_default();
        let response = &assertion["response"];
        if assertion["type"] != "public-key" || bytes(&assertion["rawId"]) != credential || credential != self.credential {
            return Err("not the credential of this account");
        }
        if response["userHandle"].is_string() && bytes(&response["userHandle"]) != self.owner {
            return Err("another owner's");
        }
        let client_bytes = bytes(&response["clientDataJSON"]);
        let client: Value = serde_json::from_slice(&client_bytes).map_err(|_| "the client data are no JSON")?;
        if client["type"] != "webauthn.get" || bytes(&client["challenge"]) != challenge || challenge.is_empty() {
            return Err("another challenge");
        }
        if client["origin"] != ORIGIN {
            return Err("another page");
        }
        let data = bytes(&response["authenticatorData"]);
        if data.len() < 37 || data[..32] != Sha256::digest(SITE)[..] {
            return Err("another site");
        }
        if data[32] & PRESENT == 0 || data[32] & VERIFIED == 0 {
            return Err("the owner was not verified");
        }
        let signed = [data.as_slice(), Sha256::digest(&client_bytes).as_slice()].concat();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.pair.public_key().as_ref())
            .verify(&signed, &bytes(&response["signature"]))
            .map_err(|_| "the signature is not of this key")
    }
}

fn pair() -> Result<EcdsaKeyPair, String> {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).map_err(|error| error.to_string())?;
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random).map_err(|error| error.to_string())
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &[u8] = b"prove that it is you";

    /// Signs under `ceremony`, lets `spoil` change the answer, and verifies it.
    fn verified(ceremony: &Ceremony, spoil: impl FnOnce(&mut Value)) -> Result<(), &'static str> {
        let mut passkey = Passkey::create(Conduct::default()).unwrap();
        let options = serde_json::from_str(&passkey.options(CHALLENGE)).unwrap();
        let mut answer = passkey.sign(&options, ceremony).unwrap();
        spoil(&mut answer);
        let credential = BASE64_URL_SAFE_NO_PAD.decode(answer["rawId"].as_str().unwrap()).unwrap();
        passkey.verify(&credential, answer.to_string().as_bytes(), CHALLENGE)
    }

    #[test]
    fn what_the_owner_signs_on_whatsapp_s_page_is_taken() {
        verified(&Ceremony::default(), |_| {}).unwrap();
    }

    #[test]
    fn everything_else_is_refused() {
        let honest = Ceremony::default();
        assert_eq!(verified(&Ceremony { forged: true, ..Ceremony::default() }, |_| {}), Err("the signature is not of this key"));
        assert_eq!(verified(&Ceremony { unverified: true, ..Ceremony::default() }, |_| {}), Err("the owner was not verified"));
        let elsewhere = Ceremony { origin: Some("https://evil.whatsapp.com".to_owned()), ..Ceremony::default() };
        assert_eq!(verified(&elsewhere, |_| {}), Err("another page"));
        assert_eq!(verified(&honest, |answer| answer["response"]["userHandle"] = json!("AAAA")), Err("another owner's"));
        assert_eq!(verified(&honest, |answer| answer["rawId"] = json!("AAAA")), Err("not the credential of this account"));
        assert_eq!(verified(&honest, |answer| answer["response"]["signature"] = json!("AAAA")), Err("the signature is not of this key"));
        assert_eq!(verified(&honest, |answer| answer["response"]["authenticatorData"] = json!("AAAA")), Err("another site"));
        assert_eq!(verified(&honest, |answer| answer["response"]["clientDataJSON"] = json!(encode("{}"))), Err("another challenge"));
    }

    #[test]
    fn a_browser_does_not_sign_for_another_site() {
        let mut passkey = Passkey::create(Conduct::default()).unwrap();
        let options = serde_json::from_str(&passkey.options(CHALLENGE)).unwrap();
        let refused = passkey.sign(&options, &Ceremony { origin: Some("https://gateway.example".to_owned()), ..Ceremony::default() });
        assert!(refused.unwrap_err().starts_with("SecurityError"));
    }
}
