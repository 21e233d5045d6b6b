//! What the phone itself writes into what its devices share: the owner's name, contacts by their names, chats that are archived, muted or
//! pinned. Owns which collection and index each has, and the sums of a patch.

use std::collections::{BTreeMap, HashMap};

use wacore::appstate::hash::{HashState, generate_patch_mac};
use wacore::appstate::schemas::{ARCHIVE, CONTACT, MUTE, PIN, SETTING_PUSH_NAME, Schema};
use wacore::appstate::{encode_record, expand_app_state_keys};
use waproto::buffa::{Message as _, MessageField};
use waproto::whatsapp as wa;
use waproto::whatsapp::sync_action_value as action;
use waproto::whatsapp::syncd_mutation::SyncdOperation;

use super::AppState;
use crate::address::Number;
use crate::{clock, keys};

/// One thing that the owner does at the phone.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// Calls itself so.
    Name(String),
    /// Writes a person into the address book.
    Contact(Number, String),
    /// A chat with a person or a group goes out of sight, or comes back.
    Archive(Number, bool),
    /// For ever, or no more.
    Mute(Number, bool),
    Pin(Number, bool),
}

impl Deed {
    fn schema(&self) -> &'static Schema {
        match self {
            Self::Name(_) => &SETTING_PUSH_NAME,
            Self::Contact(..) => &CONTACT,
            Self::Archive(..) => &ARCHIVE,
            Self::Mute(..) => &MUTE,
            Self::Pin(..) => &PIN,
        }
    }

    /// The name under which a later deed takes the place of this one.
    fn index(&self) -> Vec<u8> {
        let name = self.schema().name;
        let index = match self {
            Self::Name(_) => vec![name.to_owned()],
            Self::Contact(of, _) | Self::Archive(of, _) | Self::Mute(of, _) | Self::Pin(of, _) => {
                vec![name.to_owned(), of.jid().to_string()]
            }
        };
        serde_json::to_vec(&index).expect("a list of texts can be written")
    }

    fn value(&self) -> wa::SyncActionValue {
        let mut value = wa::SyncActionValue { timestamp: i64::try_from(clock::now_ms()).ok(), ..Default::default() };
        match self {
            Self::Name(name) => {
                value.push_name_setting = MessageField::some(action::PushNameSetting { name: Some(name.clone()) });
            }
            Self::Contact(_, name) => {
                let first = name.split(' ').next().map(str::to_owned);
                let saved = action::ContactAction {
                    full_name: Some(name.clone()),
                    first_name: first,
                    save_on_primary_addressbook: Some(true),
                    ..Default::default()
                };
                value.contact_action = MessageField::some(saved);
            }
            Self::Archive(_, archived) => {
                value.archive_chat_action =
                    MessageField::some(action::ArchiveChatAction { archived: Some(*archived), ..Default::default() });
            }
            Self::Mute(_, muted) => {
                let until = muted.then_some(-1);
                value.mute_action =
                    MessageField::some(action::MuteAction { muted: Some(*muted), mute_end_timestamp: until, ..Default::default() });
            }
            Self::Pin(_, pinned) => value.pin_action = MessageField::some(action::PinAction { pinned: Some(*pinned) }),
        }
        value
    }
}

impl AppState {
    /// Writes the deeds, a patch for each collection that they touch. Gives the collections and their new versions.
    pub(crate) fn write(&mut self, deeds: &[Deed]) -> Vec<(String, usize)> {
        let mut touched: BTreeMap<&'static str, Vec<&Deed>> = BTreeMap::new();
        for deed in deeds {
            touched.entry(deed.schema().collection.as_str()).or_default().push(deed);
        }
        touched.into_iter().map(|(name, deeds)| (name.to_owned(), self.patch(name, &deeds))).collect()
    }

    fn patch(&mut self, collection: &str, deeds: &[&Deed]) -> usize {
        let (key_id, key) = self.key();
        let keys = expand_app_state_keys(&key);
        let mut sums = Sums::default();
        for patch in self.since(collection, 0) {
            sums.add(&wa::SyncdPatch::decode_from_slice(&patch).expect("it was read when it was taken").mutations);
        }
        let sealed = |deed: &&Deed| {
            let version = i32::try_from(deed.schema().version).expect("versions are small");
            encode_record(SyncdOperation::SET, &deed.index(), &deed.value(), &keys, &key_id, &keys::random_bytes(), version).0
        };
        let mutations: Vec<_> = deeds.iter().map(sealed).collect();
        sums.add(&mutations);
        let base = self.version(collection);
        sums.state.version = base as u64 + 1;
        let mut patch = wa::SyncdPatch {
            snapshot_mac: Some(sums.state.generate_snapshot_mac(collection, &keys.snapshot_mac)),
            key_id: MessageField::some(wa::KeyId { id: Some(key_id.to_vec()) }),
            mutations,
            ..Default::default()
        };
        patch.patch_mac = Some(generate_patch_mac(&patch, collection, &keys.patch_mac, sums.state.version));
        self.push(collection, base, &patch.encode_to_vec()).expect("nobody else writes meanwhile")
    }
}

/// What a collection adds up to, and the sum of each entry that stands.
#[derive(Default)]
struct Sums {
    state: HashState,
    standing: HashMap<Vec<u8>, Vec<u8>>,
}

impl Sums {
    fn add(&mut self, mutations: &[wa::SyncdMutation]) {
        let standing = &self.standing;
        let (_, done) = self.state.update_hash(mutations, |index, _| Ok(standing.get(index).cloned()));
        if let Err(error) = done {
            tracing::warn!(%error, "a device wrote what cannot be added up");
        }
        for mutation in mutations {
            let (Some(index), Some(value)) = (&mutation.record.index.blob, &mutation.record.value.blob) else { continue };
            if mutation.operation.is_some_and(|operation| operation == SyncdOperation::REMOVE) {
                self.standing.remove(index);
            } else if let Some(sum) = value.last_chunk::<32>() {
                self.standing.insert(index.clone(), sum.to_vec());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use wacore::appstate::process_patch;

    use super::*;

    #[test]
    fn what_the_phone_writes_adds_up_for_whoever_reads_it_from_the_beginning() {
        let (one, two) = (Number(15_550_000_001), Number(15_550_000_002));
        let mut shared = AppState::default();
        let written = shared.write(&[Deed::Archive(one, true), Deed::Pin(two, true), Deed::Mute(one, true)]);
        assert_eq!(written, [("regular_high".to_owned(), 1), ("regular_low".to_owned(), 1)]);
        shared.write(&[Deed::Archive(one, false)]);
        shared.write(&[Deed::Archive(two, true)]);
        let keys = Arc::new(expand_app_state_keys(&shared.key().1));
        let (mut state, mut standing) = (HashState::default(), HashMap::<Vec<u8>, Vec<u8>>::new());
        for patch in shared.since("regular_low", 0) {
            let patch = wa::SyncdPatch::decode_from_slice(&patch).unwrap();
            let known = |index: &[u8]| Ok(standing.get(index).cloned());
            let done = process_patch(&patch, &mut state, |_| Ok(Arc::clone(&keys)), known, true, "regular_low").unwrap();
            standing.extend(done.added_macs.into_iter().map(|sum| (sum.index_mac, sum.value_mac)));
        }
        assert_eq!((state.version, state.mac_mismatch_fatal, standing.len()), (3, false, 3));
    }
}
