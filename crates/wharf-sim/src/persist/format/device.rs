//! A linked device's shape on disk, with what it has not acknowledged.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wacore_binary::{Node, OwnedNodeRef};

use super::{Result, address, array, decode, encode, pair, text};
use crate::account::bundle::PublicKeys;
use crate::account::device::{Class, Device, Pending};
use crate::keys;

#[derive(Serialize, Deserialize)]
pub(super) struct DeviceFile {
    id: u16,
    key_index: u32,
    platform: String,
    noise: String,
    registration_id: u32,
    identity: String,
    signed_id: u32,
    signed_public: String,
    signed_signature: String,
    /// Four bytes of id and 32 of key, end to end.
    one_time: String,
    signed_identity: String,
    key_share_sent: bool,
    pending: Vec<PendingFile>,
}

#[derive(Serialize, Deserialize)]
struct PendingFile {
    class: String,
    id: String,
    from: Option<(u64, u16)>,
    node: String,
    urgent: bool,
}

pub(super) fn device_file(device: &Device) -> DeviceFile {
    let mut one_time = Vec::with_capacity(device.one_time.len() * 36);
    for (id, public) in &device.one_time {
        one_time.extend_from_slice(&id.to_be_bytes());
        one_time.extend_from_slice(public);
    }
    DeviceFile {
        id: device.id,
        key_index: device.key_index,
        platform: device.platform.clone(),
        noise: encode(device.noise_public),
        registration_id: device.keys.registration_id,
        identity: encode(device.keys.identity),
        signed_id: device.keys.signed_id,
        signed_public: encode(device.keys.signed_public),
        signed_signature: encode(&device.keys.signed_signature),
        one_time: encode(one_time),
        signed_identity: encode(&device.signed_identity),
        key_share_sent: device.key_share_sent,
        pending: device
            .pending
            .iter()
            .filter_map(|pending| {
                Some(PendingFile {
                    class: pending.class.tag().to_owned(),
                    id: pending.id.clone(),
                    from: pending.from.map(pair),
                    node: encode(wacore_binary::marshal(&pending.node).ok()?),
                    urgent: pending.urgent,
                })
            })
            .collect(),
    }
}

pub(super) fn restore_device(file: DeviceFile) -> Result<Device> {
    let one_time: VecDeque<(u32, [u8; 32])> = decode(&file.one_time)?
        .chunks_exact(36)
        .map(|key| {
            let (id, public) = key.split_at(4);
            let id = id.iter().fold(0, |value, byte| (value << 8) | u32::from(*byte));
            (id, keys::fixed(public))
        })
        .collect();
    let mut pending = VecDeque::new();
    for waiting in file.pending {
        pending.push_back(Pending {
            class: Class::from_tag(&waiting.class).ok_or("unknown class")?,
            id: waiting.id,
            from: waiting.from.map(address),
            node: Arc::new(node(&decode(&waiting.node)?)?),
            urgent: waiting.urgent,
        });
    }
    Ok(Device {
        id: file.id,
        key_index: file.key_index,
        platform: file.platform,
        noise_public: array(&file.noise)?,
        keys: PublicKeys {
            registration_id: file.registration_id,
            identity: array(&file.identity)?,
            signed_id: file.signed_id,
            signed_public: array(&file.signed_public)?,
            signed_signature: decode(&file.signed_signature)?,
        },
        one_time,
        signed_identity: decode(&file.signed_identity)?,
        key_share_sent: file.key_share_sent,
        pending,
        handle: None,
        active: false,
        available: false,
    })
}

fn node(bytes: &[u8]) -> Result<Node> {
    // The encoding starts with a byte of flags that the decoder does not take.
    let body = bytes.get(1..).ok_or("empty stanza")?.to_vec();
    OwnedNodeRef::new(body).map(|node| node.to_owned_node()).map_err(text)
}
