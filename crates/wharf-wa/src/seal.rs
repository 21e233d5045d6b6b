//! Sealing of what stands in the vault: a dump of the database without the master key holds no usable session.
//!
//! A sealed value is one byte that names the key, a random nonce of 12 bytes, and the ciphertext with its tag. Session,
//! space and key of the value are bound in, so that a value moved to another place does not open.

use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use wharf_api::ids::SessionId;
use wharf_core::Chance;

/// The number of the only key so far. Another one gets another number, and old values stay readable.
const KEY_ID: u8 = 1;
const NONCE_LEN: usize = 12;

/// It was sealed under another key, for another place, or it is damaged.
#[derive(Debug, thiserror::Error)]
#[error("a sealed value does not open: another master key, or a damaged row")]
pub(crate) struct Unreadable;

pub(crate) struct Seal {
    cipher: ChaCha20Poly1305,
    chance: Arc<dyn Chance>,
}

impl Seal {
    pub(crate) fn new(master_key: &[u8; 32], chance: Arc<dyn Chance>) -> Self {
        Self { cipher: ChaCha20Poly1305::new(&Key::from(*master_key)), chance }
    }

    pub(crate) fn close(&self, session: &SessionId, space: &str, key: &str, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        self.chance.fill(&mut nonce);
        let place = place(session, space, key);
        let payload = Payload { msg: plain, aad: &place };
        let body = self.cipher.encrypt(&Nonce::from(nonce), payload).expect("a value is far shorter than the cipher's limit of 256 GiB");
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + body.len());
        sealed.push(KEY_ID);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&body);
        sealed
    }

    pub(crate) fn open(&self, session: &SessionId, space: &str, key: &str, sealed: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let (&[KEY_ID], rest) = sealed.split_first_chunk::<1>().ok_or(Unreadable)? else { return Err(Unreadable) };
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(Unreadable)?;
        let place = place(session, space, key);
        self.cipher.decrypt(&Nonce::from(*nonce), Payload { msg: body, aad: &place }).map_err(|_| Unreadable)
    }
}

/// The place of a value. Neither a session's id nor a space holds the separator.
fn place(session: &SessionId, space: &str, key: &str) -> Vec<u8> {
    [session.as_str(), space, key].join("\0").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wharf_core::chance::SystemChance;

    fn seal(key: u8) -> Seal {
        Seal::new(&[key; 32], Arc::new(SystemChance))
    }

    fn session(n: u128) -> SessionId {
        SessionId::from_uuid(wharf_api::ids::Uuid::from_u128(n))
    }

    #[test]
    fn a_value_opens_in_its_place_under_its_key_only() {
        let sealed = seal(1).close(&session(1), "device", "self", b"secret");
        assert_eq!(seal(1).open(&session(1), "device", "self", &sealed).unwrap(), b"secret");
        assert!(seal(2).open(&session(1), "device", "self", &sealed).is_err());
        assert!(seal(1).open(&session(2), "device", "self", &sealed).is_err());
        assert!(seal(1).open(&session(1), "session", "self", &sealed).is_err());
        assert!(seal(1).open(&session(1), "device", "other", &sealed).is_err());
    }

    #[test]
    fn a_value_that_was_cut_or_changed_anywhere_does_not_open() {
        let sealed = seal(1).close(&session(1), "device", "self", b"secret");
        for len in 0..sealed.len() {
            assert!(seal(1).open(&session(1), "device", "self", &sealed[..len]).is_err(), "{len} bytes");
        }
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(seal(1).open(&session(1), "device", "self", &changed).is_err(), "byte {place}");
        }
    }

    #[test]
    fn the_same_value_never_looks_the_same_and_never_shows_itself() {
        let one = seal(1).close(&session(1), "device", "self", b"a secret of some length");
        let two = seal(1).close(&session(1), "device", "self", b"a secret of some length");
        assert_ne!(one, two);
        assert!(!one.windows(6).any(|part| part == b"secret"));
        assert!(seal(1).open(&session(1), "device", "self", &seal(1).close(&session(1), "device", "self", b"")).unwrap().is_empty());
    }
}
