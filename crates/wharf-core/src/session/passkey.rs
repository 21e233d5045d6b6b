//! The passkey that WhatsApp asks for before it links some accounts: what it wants signed, what was signed, and the code that the
//! phone has to show too. Only the account's owner can sign; nothing here tries to.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use wharf_api::types::passkey::{ConfirmPasskey, Passkey, PasskeyAssertion, PasskeyStep};
use wharf_api::types::switches::Feature;
use wharf_api::{ApiError, ErrorCode, limits};

use super::find;
use crate::caller::Caller;
use crate::engine::{self, Ceremony, Signed};
use crate::services::Services;
use crate::store::SessionRow;
use crate::switches;

/// The bytes of authenticator data up to and with the counter, and two of the flags among them.
const AUTHENTICATOR_DATA_BYTES: usize = 37;
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
/// What codes are made of: neither 0 nor the letters that look like digits.
const ALPHABET: &str = "123456789ABCDEFGHJKLMNPQRSTVWXYZ";
const CODE_CHARS: usize = 8;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no passkey is asked for")]
    NotAsked,
    #[error("the ceremony is not at this step")]
    WrongStep(&'static str),
    #[error("{field}: {reason}")]
    Shape { field: &'static str, reason: &'static str },
    #[error("WhatsApp refused what was signed: {0}")]
    Refused(String),
    #[error("the phone shows another code")]
    AnotherCode,
    #[error(transparent)]
    Off(#[from] switches::Off),
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        let conflict = |reason: String| ApiError::new(ErrorCode::Conflict).reason(reason);
        match error {
            Error::Off(off) => off.into(),
            Error::NotAsked => conflict("no passkey is asked for".to_owned()),
            Error::WrongStep(reason) => conflict((*reason).to_owned()),
            Error::Shape { field, reason } => ApiError::new(ErrorCode::InvalidRequest).field(*field).reason(*reason),
            Error::Refused(text) => conflict(format!("WhatsApp refused what was signed ({text}); the session shows a fresh QR code soon")),
            Error::AnotherCode => conflict(
                "the phone shows another code: somebody may stand between; nothing was linked, and the session shows a fresh QR code soon"
                    .to_owned(),
            ),
        }
    }
}

/// What WhatsApp wants signed, or how far that has come.
pub async fn passkey(services: &Services, caller: &Caller, id: &str) -> Result<Passkey, super::Error> {
    let row = find(services, caller, id).await?;
    Ok(shown(&row, running(services, &row)?))
}

/// Passes on what the passkey signed.
pub async fn submit_passkey(services: &Services, caller: &Caller, id: &str, asked: &PasskeyAssertion) -> Result<Passkey, super::Error> {
    let signed = decode(asked)?;
    let row = find(services, caller, id).await?;
    services.switches.require(Feature::Passkey).map_err(Error::from)?;
    let ceremony = running(services, &row)?;
    if ceremony.step != PasskeyStep::Assertion {
        return Err(Error::WrongStep("the passkey has signed already").into());
    }
    check(&signed, &ceremony.options)?;
    services.engine.submit_passkey(&row.id, signed).await.map_err(failed)?;
    Ok(shown(&row, running(services, &row)?))
}

/// Compares the code that the phone shows with ours. The same one links the phone, another one ends the attempt.
pub async fn confirm_passkey(services: &Services, caller: &Caller, id: &str, asked: &ConfirmPasskey) -> Result<Passkey, super::Error> {
    let theirs = plain_code(&asked.code).ok_or(Error::Shape { field: "code", reason: "not a code: eight letters and digits" })?;
    let row = find(services, caller, id).await?;
    services.switches.require(Feature::Passkey).map_err(Error::from)?;
    let ceremony = running(services, &row)?;
    let Some(ours) = ceremony.code.as_deref().filter(|_| ceremony.step == PasskeyStep::Confirmation) else {
        return Err(Error::WrongStep("there is no code to confirm at this step").into());
    };
    let same = plain_code(ours).as_ref() == Some(&theirs);
    services.engine.confirm_passkey(&row.id, same).await.map_err(failed)?;
    if !same {
        return Err(Error::AnotherCode.into());
    }
    // It may be linked by now; what was done is the answer all the same.
    Ok(shown(&row, running(services, &row).unwrap_or(Ceremony { step: PasskeyStep::Linking, code: None, ..ceremony })))
}

fn running(services: &Services, row: &SessionRow) -> Result<Ceremony, Error> {
    services.engine.link(&row.id).and_then(|link| link.borrow().passkey.clone()).ok_or(Error::NotAsked)
}

fn shown(row: &SessionRow, ceremony: Ceremony) -> Passkey {
    Passkey {
        session_id: row.id.clone(),
        step: ceremony.step,
        public_key: (ceremony.step == PasskeyStep::Assertion).then(|| ceremony.options.as_ref().clone()),
        code: ceremony.code.filter(|_| ceremony.step == PasskeyStep::Confirmation),
        since: ceremony.since,
        expires_at: ceremony.expires_at,
    }
}

fn failed(error: engine::Error) -> super::Error {
    match error {
        engine::Error::Refused(text) => Error::Refused(text).into(),
        // The session ended meanwhile, and what was asked for with it.
        engine::Error::NotConnected => Error::NotAsked.into(),
        other => other.into(),
    }
}

/// Letters and digits alone, in capitals.
fn plain_code(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect::<String>().to_uppercase();
    (plain.chars().count() == CODE_CHARS && plain.chars().all(|c| ALPHABET.contains(c))).then_some(plain)
}

fn bytes(field: &'static str, text: &str) -> Result<Vec<u8>, Error> {
    if text.len() > limits::PASSKEY_FIELD_CHARS {
        return Err(Error::Shape { field, reason: "too long" });
    }
    match BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')) {
        Ok(bytes) if bytes.is_empty() => Err(Error::Shape { field, reason: "it is empty" }),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(Error::Shape { field, reason: "not base64url" }),
    }
}

fn decode(asked: &PasskeyAssertion) -> Result<Signed, Error> {
    if asked.r#type != "public-key" {
        return Err(Error::Shape { field: "type", reason: "only public-key is known" });
    }
    let credential_id = bytes("rawId", &asked.raw_id)?;
    if bytes("id", &asked.id)? != credential_id {
        return Err(Error::Shape { field: "id", reason: "id and rawId are not the same" });
    }
    let response = &asked.response;
    Ok(Signed {
        credential_id,
        client_data: bytes("response.clientDataJSON", &response.client_data_json)?,
        authenticator_data: bytes("response.authenticatorData", &response.authenticator_data)?,
        signature: bytes("response.signature", &response.signature)?,
        user_handle: response.user_handle.as_deref().map(|handle| bytes("response.userHandle", handle)).transpose()?,
    })
}

/// Refuses what WhatsApp would refuse, as far as that can be known without its keys: a wrong answer ends the attempt there.
fn check(signed: &Signed, options: &Value) -> Result<(), Error> {
    let refuse = |field, reason| Err(Error::Shape { field, reason });
    let same = |text: &Value, bytes: &[u8]| {
        text.as_str().and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()).is_some_and(|wanted| wanted == bytes)
    };
    let client: Value = serde_json::from_slice(&signed.client_data).unwrap_or_default();
    if client["type"] != "webauthn.get" {
        return refuse("response.clientDataJSON", "it is not what a browser writes for `navigator.credentials.get`");
    }
    let answered = client["challenge"].as_str().and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok());
    if !answered.is_some_and(|answered| same(&options["challenge"], &answered)) {
        return refuse("response.clientDataJSON", "it answers another challenge");
    }
    let field = "response.authenticatorData";
    let data = &signed.authenticator_data;
    if data.len() < AUTHENTICATOR_DATA_BYTES {
        return refuse(field, "too short");
    }
    if options["rpId"].as_str().is_some_and(|site| data[..32] != Sha256::digest(site)[..]) {
        return refuse(field, "signed for another site");
    }
    let flags = data[32];
    if flags & PRESENT == 0 || (options["userVerification"] == "required" && flags & VERIFIED == 0) {
        return refuse(field, "the passkey did not check its owner");
    }
    let allowed = options["allowCredentials"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !allowed.is_empty() && !allowed.iter().any(|one| same(&one["id"], &signed.credential_id)) {
        return refuse("rawId", "not one of the passkeys that WhatsApp takes");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
