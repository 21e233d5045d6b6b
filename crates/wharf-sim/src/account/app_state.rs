//! What an account's devices share of its chats: patches in collections, sealed by the devices under a key that the phone gives them. The
//! server numbers and keeps the patches and cannot read them. There are no snapshots: who begins anew gets every patch.

pub(crate) mod phone;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use waproto::buffa::{Message as _, MessageField};
use waproto::whatsapp as wa;

use crate::keys;

/// The key and the collections, as they lie on disk too.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AppState {
    key_id: [u8; 6],
    key: [u8; 32],
    collections: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Default for AppState {
    fn default() -> Self {
        Self { key_id: keys::random_bytes(), key: keys::random_bytes(), collections: BTreeMap::new() }
    }
}

/// Why a patch is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PatchRefusal {
    /// Somebody was first.
    Conflict,
    Malformed,
}

impl AppState {
    /// The id of the key that all devices of the account use, and the key.
    pub(crate) fn key(&self) -> ([u8; 6], [u8; 32]) {
        (self.key_id, self.key)
    }

    /// How many patches there are.
    pub(crate) fn version(&self, collection: &str) -> usize {
        self.collections.get(collection).map_or(0, Vec::len)
    }

    /// The patches after a version, oldest first.
    pub(crate) fn since(&self, collection: &str, version: usize) -> Vec<Vec<u8>> {
        let patches = self.collections.get(collection).map(Vec::as_slice).unwrap_or_default();
        patches.get(version..).map(<[_]>::to_vec).unwrap_or_default()
    }

    /// Takes a patch that was made on top of `base`; gives the version that it makes.
    pub(crate) fn push(&mut self, collection: &str, base: usize, patch: &[u8]) -> Result<usize, PatchRefusal> {
        if base != self.version(collection) {
            return Err(PatchRefusal::Conflict);
        }
        let version = base + 1;
        let mut patch = wa::SyncdPatch::decode_from_slice(patch).map_err(|_| PatchRefusal::Malformed)?;
        patch.version = MessageField::some(wa::SyncdVersion { version: Some(version as u64) });
        self.collections.entry(collection.to_owned()).or_default().push(patch.encode_to_vec());
        Ok(version)
    }
}

/// A patch whose sums are no sums, under this key.
pub(crate) fn forged(version: u64, key_id: &[u8]) -> Vec<u8> {
    wa::SyncdPatch {
        version: MessageField::some(wa::SyncdVersion { version: Some(version) }),
        snapshot_mac: Some(keys::random_bytes::<32>().to_vec()),
        patch_mac: Some(keys::random_bytes::<32>().to_vec()),
        key_id: MessageField::some(wa::KeyId { id: Some(key_id.to_vec()) }),
        ..Default::default()
    }
    .encode_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_numbered_and_one_on_an_old_base_is_a_conflict() {
        let mut state = AppState::default();
        let patch = wa::SyncdPatch::default().encode_to_vec();
        assert_eq!(state.push("regular", 0, &patch), Ok(1));
        assert_eq!(state.push("regular", 0, &patch), Err(PatchRefusal::Conflict));
        assert_eq!(state.push("regular", 1, &patch), Ok(2));
        assert_eq!(state.push("regular", 2, &[0xff]), Err(PatchRefusal::Malformed));
        assert_eq!((state.version("regular"), state.version("critical_block")), (2, 0));
        assert_eq!((state.since("regular", 1).len(), state.since("regular", 7).len()), (1, 0));
    }
}
