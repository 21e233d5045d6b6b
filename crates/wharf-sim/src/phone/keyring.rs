//! A phone's Signal keys and sessions, in memory. Owns encryption and decryption; every store answers at once, so nothing here waits.

use std::collections::HashMap;

use async_trait::async_trait;
use wacore_libsignal::protocol::error::Result;
use wacore_libsignal::protocol::{
    CiphertextMessage, DeviceId, Direction, GenericSignedPreKey as _, IdentityChange, IdentityKey, IdentityKeyPair, IdentityKeyStore,
    KeyPair, PreKeyBundle, PreKeyId, PreKeyRecord, PreKeySignalMessage, PreKeyStore, ProtocolAddress, SessionRecord, SessionStore,
    SignalMessage, SignalProtocolError, SignedPreKeyId, SignedPreKeyRecord, SignedPreKeyStore, Timestamp, UsePQRatchet, message_decrypt,
    message_encrypt, process_prekey_bundle,
};

use super::sender_keys::{SenderKeys, ready};
use crate::account::bundle::{Bundle, PublicKeys};
use crate::address::Address;
use crate::{clock, keys};

/// One-time keys handed out and not used yet; older ones are forgotten.
const ONE_TIME_KEPT: usize = 2000;

/// A Signal ciphertext as it travels.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    /// Opens a session.
    pub(crate) prekey: bool,
    pub(crate) bytes: Vec<u8>,
}

impl Sealed {
    /// Damages what is sealed, and nothing of what names the keys: whoever gets it finds that it does not open.
    pub(crate) fn garble(&mut self) {
        // The message within one that opens a session is not at its end.
        let end = if self.prekey {
            let inner = PreKeySignalMessage::try_from(self.bytes.as_slice()).ok().map(|whole| whole.message().serialized().to_vec());
            inner.and_then(|inner| Some(self.bytes.windows(inner.len()).position(|part| part == inner)? + inner.len()))
        } else {
            Some(self.bytes.len())
        };
        if let Some(last) = end.and_then(|end| self.bytes.get_mut(end.checked_sub(1)?)) {
            *last ^= 1;
        }
    }
}

#[derive(Default)]
pub(crate) struct Sessions(pub(crate) HashMap<String, SessionRecord>);

pub(crate) struct Identities {
    pub(crate) own: IdentityKeyPair,
    pub(crate) registration_id: u32,
    pub(crate) known: HashMap<String, IdentityKey>,
}

#[derive(Default)]
pub(crate) struct OneTimeKeys(pub(crate) HashMap<u32, KeyPair>);

pub(crate) struct SignedKey {
    pub(crate) id: u32,
    pub(crate) pair: KeyPair,
    pub(crate) signature: [u8; 64],
}

pub(crate) struct Keyring {
    pub(crate) sessions: Sessions,
    pub(crate) identities: Identities,
    pub(crate) one_time: OneTimeKeys,
    pub(crate) signed: SignedKey,
    pub(crate) next_one_time: u32,
    pub(crate) groups: SenderKeys,
}

impl Keyring {
    pub(crate) fn generate() -> Self {
        let own = IdentityKeyPair::generate(&mut keys::chance());
        let registration_id = u32::from(u16::from_be_bytes(keys::random_bytes()) & 0x3fff) + 1;
        let pair = keys::generate();
        let signature = own
            .private_key()
            .calculate_signature(&pair.public_key.serialize(), &mut keys::chance())
            .map_or([0; 64], |signature| signature.as_ref().try_into().unwrap_or([0; 64]));
        Self {
            sessions: Sessions::default(),
            identities: Identities { own, registration_id, known: HashMap::new() },
            one_time: OneTimeKeys::default(),
            signed: SignedKey { id: 1, pair, signature },
            next_one_time: 1,
            groups: SenderKeys::default(),
        }
    }

    /// A bundle with a fresh one-time key, made when it is asked for: an idle phone holds none.
    pub(crate) fn bundle(&mut self) -> Bundle {
        let id = self.next_one_time;
        self.next_one_time = if id >= 0x00ff_ffff { 1 } else { id + 1 };
        let pair = keys::generate();
        let public = keys::public_bytes(&pair);
        if self.one_time.0.len() >= ONE_TIME_KEPT
            && let Some(oldest) = self.one_time.0.keys().min().copied()
        {
            self.one_time.0.remove(&oldest);
        }
        self.one_time.0.insert(id, pair);
        Bundle {
            keys: PublicKeys {
                registration_id: self.identities.registration_id,
                identity: keys::fixed(self.identities.own.public_key().public_key_bytes()),
                signed_id: self.signed.id,
                signed_public: keys::public_bytes(&self.signed.pair),
                signed_signature: self.signed.signature.to_vec(),
            },
            one_time: Some((id, public)),
            device_identity: None,
        }
    }

    pub(crate) fn has_session(&self, with: Address) -> bool {
        self.sessions.0.get(name(with).as_str()).is_some_and(|record| record.session_state().is_some())
    }

    pub(crate) fn forget_session(&mut self, with: Address) {
        self.sessions.0.remove(name(with).as_str());
    }

    /// After an unclean stop the saved chains may be behind what was sent.
    pub(crate) fn forget_all_sessions(&mut self) {
        self.sessions.0.clear();
    }

    pub(crate) fn start_session(&mut self, with: Address, bundle: &PreKeyBundle) -> Result<()> {
        ready(process_prekey_bundle(&name(with), &mut self.sessions, &mut self.identities, bundle, &mut keys::chance(), UsePQRatchet::No))
            .map(|_| ())
    }

    pub(crate) fn encrypt(&mut self, to: Address, padded: &[u8]) -> Result<Sealed> {
        let message = ready(message_encrypt(padded, &name(to), &mut self.sessions, &mut self.identities))?;
        Ok(Sealed { prekey: matches!(message, CiphertextMessage::PreKeySignalMessage(_)), bytes: message.serialize().to_vec() })
    }

    pub(crate) fn decrypt(&mut self, from: Address, sealed: &Sealed) -> Result<Vec<u8>> {
        let bytes = sealed.bytes.as_slice();
        let message = if sealed.prekey {
            CiphertextMessage::PreKeySignalMessage(PreKeySignalMessage::try_from(bytes)?)
        } else {
            CiphertextMessage::SignalMessage(SignalMessage::try_from(bytes)?)
        };
        let opened = ready(message_decrypt(
            &message,
            &name(from),
            &mut self.sessions,
            &mut self.identities,
            &mut self.one_time,
            &self.signed,
            &mut keys::chance(),
            UsePQRatchet::No,
        ))?;
        if let Some(used) = opened.consumed_prekey_id {
            self.one_time.0.remove(&u32::from(used));
        }
        Ok(opened.plaintext)
    }
}

/// One name per device whatever namespace the wire used.
fn name(address: Address) -> ProtocolAddress {
    ProtocolAddress::new(&address.to_string(), DeviceId::new(0))
}

#[async_trait]
impl SessionStore for Sessions {
    async fn load_session(&self, address: &ProtocolAddress) -> Result<Option<SessionRecord>> {
        Ok(self.0.get(address.as_str()).cloned())
    }

    async fn has_session(&self, address: &ProtocolAddress) -> Result<bool> {
        Ok(self.0.contains_key(address.as_str()))
    }

    async fn store_session(&mut self, address: &ProtocolAddress, record: SessionRecord) -> Result<()> {
        match self.0.get_mut(address.as_str()) {
            Some(slot) => *slot = record,
            None => {
                self.0.insert(address.as_str().to_owned(), record);
            }
        }
        Ok(())
    }
}

#[async_trait]
impl IdentityKeyStore for Identities {
    async fn get_identity_key_pair(&self) -> Result<IdentityKeyPair> {
        Ok(self.own.clone())
    }

    async fn get_local_registration_id(&self) -> Result<u32> {
        Ok(self.registration_id)
    }

    async fn save_identity(&mut self, address: &ProtocolAddress, identity: &IdentityKey) -> Result<IdentityChange> {
        let changed = match self.known.get_mut(address.as_str()) {
            Some(known) if known == identity => false,
            Some(known) => {
                *known = *identity;
                true
            }
            None => {
                self.known.insert(address.as_str().to_owned(), *identity);
                false
            }
        };
        Ok(IdentityChange::from_changed(changed))
    }

    /// Like official phones: a changed identity is accepted and only shown to the person.
    async fn is_trusted_identity(&self, _address: &ProtocolAddress, _identity: &IdentityKey, _direction: Direction) -> Result<bool> {
        Ok(true)
    }

    async fn get_identity(&self, address: &ProtocolAddress) -> Result<Option<IdentityKey>> {
        Ok(self.known.get(address.as_str()).copied())
    }
}

#[async_trait]
impl PreKeyStore for OneTimeKeys {
    async fn get_pre_key(&self, id: PreKeyId) -> Result<PreKeyRecord> {
        self.0.get(&u32::from(id)).map(|pair| PreKeyRecord::new(id, pair)).ok_or(SignalProtocolError::InvalidPreKeyId)
    }

    async fn save_pre_key(&mut self, id: PreKeyId, record: &PreKeyRecord) -> Result<()> {
        self.0.insert(u32::from(id), record.key_pair()?);
        Ok(())
    }

    async fn remove_pre_key(&mut self, id: PreKeyId) -> Result<()> {
        self.0.remove(&u32::from(id));
        Ok(())
    }
}

#[async_trait]
impl SignedPreKeyStore for SignedKey {
    async fn get_signed_pre_key(&self, id: SignedPreKeyId) -> Result<SignedPreKeyRecord> {
        if u32::from(id) != self.id {
            return Err(SignalProtocolError::InvalidSignedPreKeyId);
        }
        Ok(SignedPreKeyRecord::new(id, Timestamp::from_epoch_millis(clock::now_ms()), &self.pair, &self.signature))
    }

    async fn save_signed_pre_key(&mut self, _id: SignedPreKeyId, _record: &SignedPreKeyRecord) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_garbled_does_not_open_and_spoils_nothing_that_comes_after_it() {
        let [us, them] = [15_550_000_001, 15_550_000_002].map(|number| Address::phone(crate::address::Number(number)));
        let (mut ours, mut theirs) = (Keyring::generate(), Keyring::generate());
        ours.start_session(them, &theirs.bundle().to_signal().unwrap()).unwrap();
        for prekey in [true, false] {
            let mut garbled = ours.encrypt(them, b"first").unwrap();
            assert_eq!(garbled.prekey, prekey);
            garbled.garble();
            assert!(theirs.decrypt(us, &garbled).is_err());
            let good = ours.encrypt(them, b"second").unwrap();
            assert_eq!(theirs.decrypt(us, &good).unwrap(), b"second");
            // An answer, after which we open no session any more.
            let answer = theirs.encrypt(us, b"third").unwrap();
            assert_eq!(ours.decrypt(them, &answer).unwrap(), b"third");
        }
    }
}
