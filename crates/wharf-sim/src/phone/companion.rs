//! The phone's signatures over its linked devices. Owns the byte prefixes that keep the kinds of signature apart.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use wacore_libsignal::protocol::PublicKey;
use waproto::buffa::Message as _;
use waproto::whatsapp as wa;

use super::Phone;
use crate::{clock, keys};

const ACCOUNT_SIGNATURE: [u8; 2] = [6, 0];
const DEVICE_SIGNATURE: [u8; 2] = [6, 1];
const KEY_INDEX_SIGNATURE: [u8; 2] = [6, 2];
const HOSTED_SEAL: [u8; 2] = [6, 5];

/// Whose account a phone belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hosting {
    Ordinary,
    /// A business that Meta's platform serves too. What the phone seals says so; its ordinary devices are signed like all others.
    Hosted,
}

/// What the phone tells a new device: its identity signed with the account key, sealed with the secret from the QR or the code.
pub(crate) fn introduce(
    phone: &Phone,
    (raw_id, key_index): (u32, u32),
    device_identity: &[u8; 32],
    secret: &[u8],
    hosting: Hosting,
) -> Vec<u8> {
    let hosted = (hosting == Hosting::Hosted).then_some(wa::ADVEncryptionType::HOSTED);
    let details = wa::ADVDeviceIdentity {
        raw_id: Some(raw_id),
        timestamp: Some(clock::now_secs()),
        key_index: Some(key_index),
        account_type: hosted,
        device_type: hosted.map(|_| wa::ADVEncryptionType::E2EE),
    }
    .encode_to_vec();
    let signed = [&ACCOUNT_SIGNATURE, details.as_slice(), device_identity].concat();
    let identity = wa::ADVSignedDeviceIdentity {
        account_signature_key: Some(account_key(phone)),
        account_signature: Some(sign(phone, &signed)),
        details: Some(details),
        ..Default::default()
    }
    .encode_to_vec();
    let seal = Hmac::<Sha256>::new_from_slice(secret).map(|mut mac| {
        if hosted.is_some() {
            mac.update(&HOSTED_SEAL);
        }
        mac.update(&identity);
        mac.finalize().into_bytes().to_vec()
    });
    wa::ADVSignedDeviceIdentityHMAC { details: Some(identity), hmac: seal.ok(), account_type: hosted }.encode_to_vec()
}

/// Whether the device has signed what the phone told it, with the key that it registers.
pub(crate) fn is_signed(phone: &Phone, signed_identity: &[u8], device_identity: &[u8; 32]) -> bool {
    let Ok(identity) = wa::ADVSignedDeviceIdentity::decode_from_slice(signed_identity) else { return false };
    let (Some(details), Some(signature)) = (identity.details, identity.device_signature) else { return false };
    let signed = [&DEVICE_SIGNATURE, details.as_slice(), device_identity, &account_key(phone)].concat();
    PublicKey::from_djb_public_key_bytes(device_identity).is_ok_and(|key| key.verify_signature(&signed, &signature))
}

/// The signed list of device generations that are valid now; `forged` is one whose signature the phone never made.
pub(crate) fn key_index_list(phone: &Phone, raw_id: u32, indexes: Vec<u32>, forged: bool) -> Node {
    let timestamp = clock::now_secs();
    let details = wa::ADVKeyIndexList {
        raw_id: Some(raw_id),
        timestamp: Some(timestamp),
        current_index: indexes.iter().max().copied(),
        valid_indexes: indexes,
        ..Default::default()
    }
    .encode_to_vec();
    let mut signature = sign(phone, &[&KEY_INDEX_SIGNATURE, details.as_slice()].concat());
    if forged {
        for byte in &mut signature {
            *byte ^= 0x55;
        }
    }
    let list = wa::ADVSignedKeyIndexList {
        details: Some(details),
        account_signature: Some(signature),
        account_signature_key: Some(account_key(phone)),
    }
    .encode_to_vec();
    NodeBuilder::new("key-index-list").attr("ts", timestamp).bytes(list).build()
}

fn account_key(phone: &Phone) -> Vec<u8> {
    let identity = &phone.keyring.identities.own;
    identity.public_key().public_key_bytes().to_vec()
}

fn sign(phone: &Phone, bytes: &[u8]) -> Vec<u8> {
    phone
        .keyring
        .identities
        .own
        .private_key()
        .calculate_signature(bytes, &mut keys::chance())
        .map(|signature| signature.to_vec())
        .unwrap_or_default()
}
