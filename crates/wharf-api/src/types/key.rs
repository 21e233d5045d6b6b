//! API keys on the wire.

use serde::{Deserialize, Serialize};

use crate::ids::KeyId;
use crate::{Permission, Timestamp};

/// `POST /v1/api-keys`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateKey {
    /// What people call it; 1 to 100 characters.
    pub name: String,
    /// What it may do; at least one.
    pub permissions: Vec<String>,
    /// From when on it is refused.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// The only sessions that it may use; all of the account's where absent.
    #[serde(default)]
    pub session_ids: Option<Vec<String>>,
}

/// A key as lists and look-ups show it: never the secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    pub key_id: KeyId,
    pub name: String,
    pub permissions: Vec<Permission>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub session_ids: Option<Vec<String>>,
    pub created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, up to about a minute behind.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_used_at: Option<Timestamp>,
}

/// `POST /v1/api-keys/{keyId}/rotate`. The body may be left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RotateKey {
    /// How many seconds the old key goes on working; 0 to 604,800, a day unless said otherwise.
    #[serde(default)]
    pub overlap_seconds: Option<u64>,
}

/// A key on the one occasion that its secret is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedKey {
    #[serde(flatten)]
    pub key: Key,
    /// The key itself. It is stored only as a hash and cannot be shown again.
    pub api_key: String,
}
