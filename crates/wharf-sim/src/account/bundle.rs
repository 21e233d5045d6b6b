//! Public keys of a device, as the server hands them out. Owns their conversion to stanzas and to Signal bundles.

use wacore::iq::prekeys::{OneTimePreKeyNode, PreKeyBundleUserNode, SignedPreKeyNode};
use wacore::protocol::ProtocolNode as _;
use wacore_binary::{Jid, Node};
use wacore_libsignal::protocol::{DeviceId, IdentityKey, PreKeyBundle, PreKeyId, PublicKey, SignalProtocolError, SignedPreKeyId};

/// The long-term and medium-term keys a device registered.
#[derive(Debug, Clone)]
pub(crate) struct PublicKeys {
    pub(crate) registration_id: u32,
    pub(crate) identity: [u8; 32],
    pub(crate) signed_id: u32,
    pub(crate) signed_public: [u8; 32],
    pub(crate) signed_signature: Vec<u8>,
}

/// What one fetch gives: the keys and at most one one-time key.
#[derive(Debug, Clone)]
pub(crate) struct Bundle {
    pub(crate) keys: PublicKeys,
    pub(crate) one_time: Option<(u32, [u8; 32])>,
    /// The signed identity of a linked device; phones have none.
    pub(crate) device_identity: Option<Vec<u8>>,
}

impl Bundle {
    pub(crate) fn into_node(self, jid: Jid) -> Node {
        PreKeyBundleUserNode {
            jid,
            registration_id: self.keys.registration_id,
            identity_key: self.keys.identity.to_vec(),
            signed_pre_key: SignedPreKeyNode::new(self.keys.signed_id, self.keys.signed_public.to_vec(), self.keys.signed_signature),
            one_time_pre_key: self.one_time.map(|(id, public)| OneTimePreKeyNode::new(id, public.to_vec())),
            device_identity: self.device_identity,
        }
        .into_node()
    }

    pub(crate) fn to_signal(&self) -> Result<PreKeyBundle, SignalProtocolError> {
        let one_time = match &self.one_time {
            Some((id, public)) => Some((PreKeyId::from(*id), PublicKey::from_djb_public_key_bytes(public)?)),
            None => None,
        };
        PreKeyBundle::new(
            self.keys.registration_id,
            DeviceId::new(0),
            one_time,
            SignedPreKeyId::from(self.keys.signed_id),
            PublicKey::from_djb_public_key_bytes(&self.keys.signed_public)?,
            self.keys.signed_signature.clone(),
            IdentityKey::new(PublicKey::from_djb_public_key_bytes(&self.keys.identity)?),
        )
    }
}
