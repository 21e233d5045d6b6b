//! A webhook's secret: made here, sealed in the database, shown once, replaced with an overlap.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use wharf_api::{Timestamp, limits};

use super::{Error, find};
use crate::caller::Caller;
use crate::seal::{Seal, Unreadable, place};
use crate::services::Services;
use crate::store::WebhookRow;

const SECRET_BYTES: usize = 32;
/// What the scheme says of the length of a key.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
const PREFIX: &str = "whsec_";

/// A secret on the one occasion that it is known in clear.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub(super) fn generate(services: &Services) -> Self {
        let mut bytes = [0; SECRET_BYTES];
        services.chance.fill(&mut bytes);
        Self(format!("{PREFIX}{}", STANDARD.encode(bytes)))
    }

    /// One that somebody else made.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let key = text.strip_prefix(PREFIX).and_then(|key| STANDARD.decode(key).ok());
        if key.is_some_and(|key| KEY_BYTES.contains(&key.len())) {
            return Ok(Self(text.to_owned()));
        }
        let reason = "whsec_ and 24 to 64 bytes in Base64 are expected".to_owned();
        Err(Error::Invalid { field: "secret".to_owned(), reason })
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn seal(&self, seal: &Seal, id: &str) -> Vec<u8> {
        seal.close(&place::webhook_secret(id), self.0.as_bytes())
    }
}

/// What a request to a webhook needs, in clear.
#[derive(Clone)]
pub struct Unsealed {
    pub url: String,
    /// The customer's own.
    pub headers: Vec<(String, String)>,
    /// The newest first, each with the time at which it ends: whoever delivers may keep this for longer. They are made ready here once, and
    /// not for each request.
    pub keys: Vec<(hmac::Key, Option<Timestamp>)>,
}

/// What signs with a secret. Of a secret that is no Base64 nothing can be made, and nothing is signed with it.
pub(super) fn key(secret: &str) -> Option<hmac::Key> {
    let key = STANDARD.decode(secret.strip_prefix(PREFIX).unwrap_or(secret)).ok()?;
    Some(hmac::Key::new(hmac::HMAC_SHA256, &key))
}

pub(super) fn seal_headers(seal: &Seal, id: &str, headers: &[(String, String)]) -> Option<Vec<u8>> {
    let json = serde_json::to_vec(headers).ok()?;
    (!headers.is_empty()).then(|| seal.close(&place::webhook_headers(id), &json))
}

/// Opens what is sealed. An old secret whose time is over stays shut.
pub fn unseal(services: &Services, row: &WebhookRow) -> Result<Unsealed, Unreadable> {
    let (seal, id, now) = (&services.seal, row.id.as_str(), services.clock.now());
    let text = |sealed: &[u8]| -> Result<String, Unreadable> {
        String::from_utf8(seal.open(&place::webhook_secret(id), sealed)?).map_err(|_| Unreadable)
    };
    let mut keys: Vec<_> = key(&text(&row.secret)?).map(|key| (key, None)).into_iter().collect();
    if let Some((old, until)) = &row.old_secret
        && *until > now
    {
        keys.extend(key(&text(old)?).map(|key| (key, Some(*until))));
    }
    let headers = match &row.headers {
        None => Vec::new(),
        Some(sealed) => serde_json::from_slice(&seal.open(&place::webhook_headers(id), sealed)?).map_err(|_| Unreadable)?,
    };
    Ok(Unsealed { url: row.url.clone(), headers, keys })
}

/// Replaces the secret. The old one signs too for the overlap.
pub async fn rotate(services: &Services, caller: &Caller, id: &str, overlap_seconds: Option<u64>) -> Result<(WebhookRow, Secret), Error> {
    let overlap = overlap_seconds.unwrap_or(limits::WEBHOOK_OVERLAP_SECS);
    if overlap > limits::WEBHOOK_OVERLAP_MAX_SECS {
        let reason = format!("a number from 0 to {} is expected", limits::WEBHOOK_OVERLAP_MAX_SECS);
        return Err(Error::Invalid { field: "overlapSeconds".to_owned(), reason });
    }
    let seen = find(services, caller, id).await?;
    let now = services.clock.now();
    let secret = Secret::generate(services);
    let sealed = secret.seal(&services.seal, seen.id.as_str());
    let until = now + Duration::from_secs(overlap);
    let change = move |row: &mut WebhookRow| {
        let old = std::mem::replace(&mut row.secret, sealed.clone());
        row.old_secret = (overlap > 0).then_some((old, until));
        row.updated_at = now;
    };
    let row = services.store.change_webhook(&caller.account, &seen.id, Arc::new(change)).await?.ok_or(Error::NotFound)?;
    Ok((row, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_of_ones_own_has_24_to_64_bytes() {
        let of = |len: usize| Secret::parse(&format!("whsec_{}", STANDARD.encode(vec![7; len]))).is_ok();
        assert!(of(24) && of(64) && !of(23) && !of(65));
        for odd in ["", "whsec_", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", "whsec_not base64 at all, whatever its length is"] {
            assert!(Secret::parse(odd).is_err(), "{odd}");
        }
    }
}
