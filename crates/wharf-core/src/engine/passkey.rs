//! The ceremony in which the account's owner confirms a link with a passkey, as the engine sees it.

use std::sync::Arc;

use serde_json::Value;
use wharf_api::Timestamp;
use wharf_api::types::passkey::PasskeyStep;

/// A ceremony that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ceremony {
    pub step: PasskeyStep,
    /// What has to be signed, as WhatsApp sent it.
    pub options: Arc<Value>,
    /// What the phone has to show too, once that is known.
    pub code: Option<String>,
    pub since: Timestamp,
    /// When the step is given up.
    pub expires_at: Timestamp,
}

/// What a passkey signed, as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub credential_id: Vec<u8>,
    pub client_data: Vec<u8>,
    pub authenticator_data: Vec<u8>,
    pub signature: Vec<u8>,
    pub user_handle: Option<Vec<u8>>,
}
