//! API keys over HTTP, one operation a file.

mod create_api_key;
mod get_api_key;
mod list_api_keys;
mod revoke_api_key;
mod rotate_api_key;

pub(super) use create_api_key::{create_api_key, permissions, sessions};
pub(super) use get_api_key::get_api_key;
pub(super) use list_api_keys::list_api_keys;
pub(super) use revoke_api_key::revoke_api_key;
pub(super) use rotate_api_key::rotate_api_key;

use wharf_api::ids::KeyId;
use wharf_api::types::key::{CreatedKey, Key};
use wharf_core::key::{self, Secret};
use wharf_core::store::KeyRow;

use super::envelope::Reply;
use super::{Answer, Call};

/// The key that the path names; one that no key can be called by does not exist.
fn named(call: &Call) -> Result<KeyId, key::Error> {
    KeyId::parse(call.path("keyId")).ok_or(key::Error::NotFound)
}

/// A new key, on the one occasion that it is shown.
pub(super) fn shown_once((row, secret): (KeyRow, Secret)) -> Answer {
    Ok(Reply::created(CreatedKey { key: Key::from(&row), api_key: secret.reveal().to_owned() })?.no_store())
}
