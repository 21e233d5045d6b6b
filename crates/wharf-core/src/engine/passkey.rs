//! The ceremony in which the account's owner confirms a link with a passkey, as the engine sees it.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use wharf_api::Timestamp;
use wharf_api::types::passkey::PasskeyStep;

/// A ceremony that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ceremony {
    pub step: PasskeyStep,
    /// What has to be signed, as WhatsApp sent it.
    #[serde(serialize_with = "write_shared", deserialize_with = "read_shared")]
    pub options: Arc<Value>,
    /// What the phone has to show too, once that is known.
    pub code: Option<String>,
    pub since: Timestamp,
    /// When the step is given up.
    pub expires_at: Timestamp,
}

/// What a passkey signed, as bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    pub credential_id: Vec<u8>,
    pub client_data: Vec<u8>,
    pub authenticator_data: Vec<u8>,
    pub signature: Vec<u8>,
    pub user_handle: Option<Vec<u8>>,
}

fn write_shared<S: Serializer>(value: &Arc<Value>, to: S) -> Result<S::Ok, S::Error> {
    value.as_ref().serialize(to)
}

fn read_shared<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<Value>, D::Error> {
    Value::deserialize(from).map(Arc::new)
}
