//! What the network writes down about an account for the tests: the ciphertexts its devices put on the wire, and which inbound messages
//! they acknowledged. Bounded and in memory.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use wacore_libsignal::protocol::{PreKeySignalMessage, SenderKeyMessage, SignalMessage};

use crate::address::{Address, Number};
use crate::{clock, keys};

/// Ids kept per account and book.
const KEPT: usize = 500_000;

/// One ciphertext of one stanza.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ciphertext {
    /// Recipient device as `number:device`.
    to: String,
    /// The sending chain's ratchet key, hexadecimal.
    chain: String,
    counter: u32,
    prekey: bool,
    /// The first 16 hexadecimal digits of the ciphertext's SHA-256.
    digest: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SentRecord {
    id: String,
    device: u16,
    to: String,
    /// How many stanzas came with this id.
    stanzas: u32,
    acked: u32,
    nacked: u32,
    first_at_ms: u64,
    last_at_ms: u64,
    ciphertexts: Vec<Ciphertext>,
}

/// One (chain, counter) that came with two different ciphertexts.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reuse {
    to: String,
    chain: String,
    counter: u32,
    ids: [String; 2],
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InboundRecord {
    id: String,
    from: String,
    device: u16,
    /// Stanzas made with this id for this device; being sent again from the queue does not count.
    deliveries: u32,
    acked: bool,
    delivered_at_ms: u64,
    acked_at_ms: Option<u64>,
}

/// A map that forgets its oldest keys.
struct BoundedBook<V> {
    order: VecDeque<String>,
    values: HashMap<String, V>,
}

impl<V> Default for BoundedBook<V> {
    fn default() -> Self {
        Self { order: VecDeque::new(), values: HashMap::new() }
    }
}

impl<V> BoundedBook<V> {
    fn entry(&mut self, key: &str, make: impl FnOnce() -> V) -> &mut V {
        if !self.values.contains_key(key) {
            if self.order.len() == KEPT
                && let Some(oldest) = self.order.pop_front()
            {
                self.values.remove(&oldest);
            }
            self.order.push_back(key.to_owned());
        }
        self.values.entry(key.to_owned()).or_insert_with(make)
    }

    fn iter(&self) -> impl Iterator<Item = &V> {
        self.order.iter().filter_map(|key| self.values.get(key))
    }
}

#[derive(Default)]
pub(crate) struct Books {
    sent: BoundedBook<SentRecord>,
    inbound: BoundedBook<InboundRecord>,
    counters: BoundedBook<(String, String)>,
    reuses: Vec<Reuse>,
}

impl Books {
    /// Writes down one message stanza of one of the account's devices.
    pub(crate) fn sent(&mut self, id: &str, device: u16, to: &str, parts: &[(Address, bool, &[u8])]) {
        let now = clock::now_ms();
        let mut ciphertexts = Vec::with_capacity(parts.len());
        for (target, prekey, bytes) in parts {
            let Some((chain, counter)) = parse(*prekey, bytes) else {
                continue;
            };
            let digest = keys::hex(&Sha256::digest(bytes)[..8]);
            // A chain belongs to one sending device, so the sender is part of the key.
            let key = format!("{device}>{target} {chain} {counter}");
            let known = self.counters.entry(&key, || (digest.clone(), id.to_owned()));
            if known.0 != digest && self.reuses.len() < 1000 {
                self.reuses.push(Reuse { to: target.to_string(), chain: chain.clone(), counter, ids: [known.1.clone(), id.to_owned()] });
            }
            ciphertexts.push(Ciphertext { to: target.to_string(), chain, counter, prekey: *prekey, digest });
        }
        let entry = self.sent.entry(id, || SentRecord {
            id: id.to_owned(),
            device,
            to: to.to_owned(),
            stanzas: 0,
            acked: 0,
            nacked: 0,
            first_at_ms: now,
            last_at_ms: now,
            ciphertexts: Vec::new(),
        });
        entry.stanzas += 1;
        entry.last_at_ms = now;
        entry.ciphertexts.extend(ciphertexts);
    }

    /// Writes down the ciphertext for all members of a group, which came in a stanza that is written down already.
    pub(crate) fn sent_to_many(&mut self, id: &str, device: u16, chat: Number, bytes: &[u8]) {
        let Ok(message) = SenderKeyMessage::try_from(bytes) else { return };
        let (chain, counter) = (format!("many {}", message.chain_id()), message.iteration());
        let digest = keys::hex(&Sha256::digest(bytes)[..8]);
        let known = self.counters.entry(&format!("{device}>{chat} {chain} {counter}"), || (digest.clone(), id.to_owned()));
        if known.0 != digest && self.reuses.len() < 1000 {
            self.reuses.push(Reuse { to: chat.to_string(), chain: chain.clone(), counter, ids: [known.1.clone(), id.to_owned()] });
        }
        if let Some(entry) = self.sent.values.get_mut(id) {
            entry.ciphertexts.push(Ciphertext { to: chat.to_string(), chain, counter, prekey: false, digest });
        }
    }

    pub(crate) fn answered(&mut self, id: &str, refused: bool) {
        if let Some(entry) = self.sent.values.get_mut(id) {
            if refused {
                entry.nacked += 1;
            } else {
                entry.acked += 1;
            }
        }
    }

    /// A message was handed to a linked device.
    pub(crate) fn delivered(&mut self, id: &str, from: Address, device: u16) {
        let now = clock::now_ms();
        let entry = self.inbound.entry(&format!("{device} {from} {id}"), || InboundRecord {
            id: id.to_owned(),
            from: from.to_string(),
            device,
            deliveries: 0,
            acked: false,
            delivered_at_ms: now,
            acked_at_ms: None,
        });
        entry.deliveries += 1;
    }

    pub(crate) fn acknowledged(&mut self, id: &str, from: Address, device: u16) {
        if let Some(entry) = self.inbound.values.get_mut(&format!("{device} {from} {id}")) {
            entry.acked = true;
            entry.acked_at_ms.get_or_insert_with(clock::now_ms);
        }
    }

    pub(crate) fn all_sent(&self, id: Option<&str>) -> Vec<SentRecord> {
        match id {
            Some(id) => self.sent.values.get(id).cloned().into_iter().collect(),
            None => self.sent.iter().cloned().collect(),
        }
    }

    pub(crate) fn reuses(&self) -> Vec<Reuse> {
        self.reuses.clone()
    }

    pub(crate) fn all_inbound(&self) -> Vec<InboundRecord> {
        self.inbound.iter().cloned().collect()
    }
}

fn parse(prekey: bool, bytes: &[u8]) -> Option<(String, u32)> {
    let message =
        if prekey { PreKeySignalMessage::try_from(bytes).ok()?.message().clone() } else { SignalMessage::try_from(bytes).ok()? };
    Some((keys::hex(message.sender_ratchet_key().public_key_bytes()), message.counter()))
}
