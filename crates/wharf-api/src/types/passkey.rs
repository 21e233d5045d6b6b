//! The passkey that WhatsApp asks for before it links some accounts.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Timestamp;
use crate::ids::SessionId;

/// How far the ceremony has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasskeyStep {
    /// The account's owner has to sign the challenge.
    Assertion,
    /// WhatsApp took the signature; the phone has to answer.
    Phone,
    /// A person has to compare the code on the phone with ours.
    Confirmation,
    /// The codes are the same; the phone links the device.
    Linking,
    /// It is over without a link. Only events say so.
    Failed,
}

impl PasskeyStep {
    pub const ALL: &'static [Self] = &[Self::Assertion, Self::Phone, Self::Confirmation, Self::Linking, Self::Failed];
    /// Those of a ceremony that runs.
    pub const RUNNING: &'static [Self] = &[Self::Assertion, Self::Phone, Self::Confirmation, Self::Linking];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Assertion => "assertion",
            Self::Phone => "phone",
            Self::Confirmation => "confirmation",
            Self::Linking => "linking",
            Self::Failed => "failed",
        }
    }
}

/// Why a ceremony ended without a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasskeyFailure {
    /// WhatsApp or the phone said no.
    Refused,
    /// Nobody signed, answered or confirmed in time.
    Expired,
    /// The phone shows another code: somebody may stand between.
    CodeMismatch,
    /// The connection that it ran on is gone.
    ConnectionLost,
    /// The session was restarted, or its process ended.
    Interrupted,
    /// The operator has switched links by passkey off.
    SwitchedOff,
}

impl PasskeyFailure {
    pub const ALL: &'static [Self] =
        &[Self::Refused, Self::Expired, Self::CodeMismatch, Self::ConnectionLost, Self::Interrupted, Self::SwitchedOff];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::CodeMismatch => "code_mismatch",
            Self::ConnectionLost => "connection_lost",
            Self::Interrupted => "interrupted",
            Self::SwitchedOff => "switched_off",
        }
    }
}

/// `GET /v1/sessions/{sessionId}/passkey`: a ceremony that runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Passkey {
    pub session_id: SessionId,
    pub step: PasskeyStep,
    /// What has to be signed, as WhatsApp sent it: a `PublicKeyCredentialRequestOptionsJSON`. While `step` is `assertion`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub public_key: Option<Value>,
    /// What the phone has to show too. While `step` is `confirmation`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    pub since: Timestamp,
    /// When this step is given up.
    pub expires_at: Timestamp,
}

/// `POST /v1/sessions/{sessionId}/passkey`: what `PublicKeyCredential.toJSON()` gives.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasskeyAssertion {
    /// Base64url, as all bytes here.
    pub id: String,
    pub raw_id: String,
    pub r#type: String,
    pub response: PasskeySignature,
    /// Browsers add it; it is not passed on.
    #[serde(default)]
    pub authenticator_attachment: Option<String>,
    /// Browsers add them; they are not passed on.
    #[serde(default)]
    pub client_extension_results: Option<Map<String, Value>>,
}

/// What the passkey signed. Browsers may add members that nobody here reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PasskeySignature {
    #[serde(rename = "clientDataJSON")]
    pub client_data_json: String,
    pub authenticator_data: String,
    pub signature: String,
    #[serde(default)]
    pub user_handle: Option<String>,
}

/// `POST /v1/sessions/{sessionId}/passkey/confirm`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfirmPasskey {
    /// What the phone shows, with or without the dash.
    pub code: String,
}
