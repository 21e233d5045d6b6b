//! A phone's shape on disk.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use wacore_libsignal::protocol::{IdentityKey, IdentityKeyPair, SenderKeyRecord, SessionRecord};

use super::{Result, address, array, decode, encode, pair, text};
use crate::address::Number;
use crate::keys;
use crate::phone::keyring::{Identities, Keyring, OneTimeKeys, Sealed, Sessions, SignedKey};
use crate::phone::sender_keys::{Records, SenderKeys};
use crate::phone::{InGroup, Parcel, Phone};

#[derive(Serialize, Deserialize)]
pub(super) struct PhoneFile {
    awake: bool,
    identity: String,
    registration_id: u32,
    signed_id: u32,
    signed_private: String,
    signed_signature: String,
    next_one_time: u32,
    one_time: BTreeMap<u32, String>,
    sessions: BTreeMap<String, String>,
    known: BTreeMap<String, String>,
    inbox: Vec<ParcelFile>,
    #[serde(default)]
    sender_keys: BTreeMap<String, String>,
    #[serde(default)]
    told: BTreeMap<u64, Vec<(u64, u16)>>,
}

#[derive(Serialize, Deserialize)]
struct ParcelFile {
    from: (u64, u16),
    id: String,
    sent_at_secs: u64,
    prekey: bool,
    bytes: String,
    #[serde(default)]
    recipient: Option<u64>,
    peer: bool,
    #[serde(default)]
    group: Option<InGroupFile>,
}

#[derive(Serialize, Deserialize)]
struct InGroupFile {
    id: u64,
    /// Whether it opens a session, and the ciphertext.
    key: Option<(bool, String)>,
    shared: bool,
}

pub(super) fn phone_file(phone: &Phone) -> PhoneFile {
    let keyring = &phone.keyring;
    PhoneFile {
        awake: phone.awake,
        identity: encode(keyring.identities.own.private_key().serialize()),
        registration_id: keyring.identities.registration_id,
        signed_id: keyring.signed.id,
        signed_private: encode(keyring.signed.pair.private_key.serialize()),
        signed_signature: encode(keyring.signed.signature),
        next_one_time: keyring.next_one_time,
        one_time: keyring.one_time.0.iter().map(|(id, pair)| (*id, encode(pair.private_key.serialize()))).collect(),
        sessions: keyring.sessions.0.iter().filter_map(|(name, record)| Some((name.clone(), encode(record.serialize().ok()?)))).collect(),
        known: keyring.identities.known.iter().map(|(name, key)| (name.clone(), encode(key.serialize()))).collect(),
        inbox: phone
            .inbox
            .iter()
            .map(|parcel| ParcelFile {
                from: pair(parcel.from),
                id: parcel.id.clone(),
                sent_at_secs: parcel.sent_at_secs,
                prekey: parcel.sealed.prekey,
                bytes: encode(&parcel.sealed.bytes),
                recipient: parcel.recipient.map(|number| number.0),
                peer: parcel.peer,
                group: parcel.group.as_ref().map(|place| InGroupFile {
                    id: place.id.0,
                    key: place.key.as_ref().map(|key| (key.prekey, encode(&key.bytes))),
                    shared: place.shared,
                }),
            })
            .collect(),
        sender_keys: keyring
            .groups
            .records
            .0
            .iter()
            .filter_map(|(name, record)| Some((name.clone(), encode(record.serialize().ok()?))))
            .collect(),
        told: keyring.groups.told.iter().map(|(group, devices)| (group.0, devices.iter().copied().map(pair).collect())).collect(),
    }
}

pub(super) fn restore_phone(number: Number, file: PhoneFile) -> Result<Phone> {
    let own = keys::restore(&decode(&file.identity)?).map_err(text)?;
    let mut one_time = HashMap::new();
    for (id, private) in file.one_time {
        one_time.insert(id, keys::restore(&decode(&private)?).map_err(text)?);
    }
    let mut sessions = HashMap::new();
    for (name, record) in file.sessions {
        let record = SessionRecord::deserialize(&decode(&record)?).map_err(text)?;
        sessions.insert(name, record);
    }
    let mut known = HashMap::new();
    for (name, key) in file.known {
        known.insert(name, IdentityKey::decode(&decode(&key)?).map_err(text)?);
    }
    let mut records = HashMap::new();
    for (name, record) in file.sender_keys {
        records.insert(name, SenderKeyRecord::deserialize(&decode(&record)?).map_err(text)?);
    }
    let told = file.told.into_iter().map(|(group, devices)| (Number(group), devices.into_iter().map(address).collect::<HashSet<_>>()));
    let groups = SenderKeys { records: Records(records), told: told.collect() };
    let keyring = Keyring {
        groups,
        sessions: Sessions(sessions),
        identities: Identities {
            own: IdentityKeyPair::new(IdentityKey::new(own.public_key), own.private_key),
            registration_id: file.registration_id,
            known,
        },
        one_time: OneTimeKeys(one_time),
        signed: SignedKey {
            id: file.signed_id,
            pair: keys::restore(&decode(&file.signed_private)?).map_err(text)?,
            signature: array(&file.signed_signature)?,
        },
        next_one_time: file.next_one_time,
    };
    let mut phone = Phone::new(number, keyring, file.awake);
    for parcel in file.inbox {
        let group = match parcel.group {
            None => None,
            Some(place) => Some(InGroup {
                id: Number(place.id),
                key: match place.key {
                    None => None,
                    Some((prekey, bytes)) => Some(Sealed { prekey, bytes: decode(&bytes)? }),
                },
                shared: place.shared,
            }),
        };
        phone.inbox.push_back(Parcel {
            from: address(parcel.from),
            id: parcel.id,
            sent_at_secs: parcel.sent_at_secs,
            sealed: Sealed { prekey: parcel.prekey, bytes: decode(&parcel.bytes)? },
            recipient: parcel.recipient.map(Number),
            peer: parcel.peer,
            group,
        });
    }
    Ok(phone)
}
