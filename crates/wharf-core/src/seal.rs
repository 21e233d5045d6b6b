//! Sealing of what nobody may read in the database: a dump of it without the master key holds no usable session and no secret.
//!
//! A sealed value is one byte that names the form, a random nonce of 12 bytes, and the ciphertext with its tag. The place of the
//! value is bound in, so that a value moved to another place does not open. It does not say which key sealed it: while the master key is
//! being changed there are two, and a value that one of them does not open is tried with the other.

pub mod anew;
mod keys;
pub mod payload;
pub mod place;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;

use crate::chance::Chance;
use keys::Keys;

pub use keys::{KEY_BYTES, Unfit, id};

/// The number of the only form so far. Another one gets another number, and old values stay readable.
const FORM: u8 = 1;
const NONCE_LEN: usize = 12;

/// It was sealed under another key, for another place, or it is damaged.
#[derive(Debug, thiserror::Error)]
#[error("a sealed value does not open: another master key, or a damaged row")]
pub struct Unreadable;

/// The keys of this process. Clones share which of them seals.
#[derive(Clone)]
pub struct Seal {
    /// Without any nothing is sealed and nothing opens.
    keys: Arc<Keys>,
    chance: Arc<dyn Chance>,
}

impl Seal {
    pub fn new(master_key: &[u8; KEY_BYTES], chance: Arc<dyn Chance>) -> Self {
        Self::of(std::slice::from_ref(master_key), chance)
    }

    /// With all keys that this process knows. The first one seals, until [`Seal::follow`] hears otherwise.
    pub fn of(master_keys: &[[u8; KEY_BYTES]], chance: Arc<dyn Chance>) -> Self {
        Self { keys: Arc::new(Keys::new(master_keys)), chance }
    }

    /// For commands that work on rows without the master key: nothing opens, and what they sealed by another key nobody could read.
    pub fn none(chance: Arc<dyn Chance>) -> Self {
        Self::of(&[], chance)
    }

    /// Seals a value for its place. No part of a place holds a NUL.
    pub fn close(&self, place: &[&str], plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        self.chance.fill(&mut nonce);
        let key = self.keys.closing().expect("who works without the master key seals nothing");
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + plain.len() + CHACHA20_POLY1305.tag_len());
        sealed.push(FORM);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let (nonce, body) = (Nonce::assume_unique_for_key(nonce), &mut sealed[1 + NONCE_LEN..]);
        let tag = key.cipher.seal_in_place_separate_tag(nonce, Aad::from(bytes(place)), body);
        sealed.extend_from_slice(tag.expect("a value is far shorter than the cipher's limit of 256 GiB").as_ref());
        sealed
    }

    /// A word that stands for a value on every node with the master key, and from which nobody without it learns the value.
    pub fn mark(&self, parts: &[&str]) -> String {
        let key = self.keys.closing().expect("who works without the master key marks nothing");
        URL_SAFE_NO_PAD.encode(hmac::sign(&key.marks, &bytes(parts)))
    }

    pub fn open(&self, place: &[&str], sealed: &[u8]) -> Result<Vec<u8>, Unreadable> {
        self.open_by(place, sealed).map(|(_, plain)| plain)
    }

    /// What is behind the seal, with the id of the key that opens it.
    pub fn open_by(&self, place: &[&str], sealed: &[u8]) -> Result<(&str, Vec<u8>), Unreadable> {
        let (&[FORM], rest) = sealed.split_first_chunk::<1>().ok_or(Unreadable)? else { return Err(Unreadable) };
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(Unreadable)?;
        let place = bytes(place);
        let mut opened = self.keys.likely_first().filter_map(|key| {
            let (nonce, mut plain) = (Nonce::assume_unique_for_key(*nonce), body.to_vec());
            let length = key.cipher.open_in_place(nonce, Aad::from(&place), &mut plain).ok()?.len();
            plain.truncate(length);
            Some((key.id.as_str(), plain))
        });
        opened.next().ok_or(Unreadable)
    }
}

/// A key as a cipher.
fn cipher(master_key: &[u8; KEY_BYTES]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, master_key).expect("a key of the cipher has thirty-two bytes"))
}

/// A key of its own for marks, so that none of them says anything of what is sealed.
fn marks(master_key: &[u8; KEY_BYTES]) -> hmac::Key {
    let own = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, master_key), b"marks");
    hmac::Key::new(hmac::HMAC_SHA256, own.as_ref())
}

fn bytes(place: &[&str]) -> Vec<u8> {
    place.join("\0").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SystemChance;

    const PLACE: &[&str] = &["ses_1", "device", "self"];

    fn seal(key: u8) -> Seal {
        Seal::new(&[key; 32], Arc::new(SystemChance))
    }

    #[test]
    fn a_value_opens_in_its_place_under_its_key_only() {
        let sealed = seal(1).close(PLACE, b"secret");
        assert_eq!(seal(1).open(PLACE, &sealed).unwrap(), b"secret");
        assert!(seal(2).open(PLACE, &sealed).is_err());
        for other in [["ses_2", "device", "self"], ["ses_1", "session", "self"], ["ses_1", "device", "other"]] {
            assert!(seal(1).open(&other, &sealed).is_err(), "{other:?}");
        }
        assert!(seal(1).open(&["ses_1", "device"], &sealed).is_err());
    }

    /// Draws the nonce of the value that another program sealed.
    struct GivenNonce;

    impl Chance for GivenNonce {
        fn fill(&self, bytes: &mut [u8]) {
            for (byte, value) in bytes.iter_mut().zip(1..) {
                *byte = value;
            }
        }

        fn uuid(&self) -> wharf_api::ids::Uuid {
            SystemChance.uuid()
        }
    }

    #[test]
    fn what_another_program_sealed_by_the_book_opens_and_what_is_sealed_here_is_the_same_to_the_byte() {
        // By OpenSSL: the form, the nonce, the six bytes, the tag.
        let mut sealed = vec![FORM, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        sealed.extend([0xc1, 0xd0, 0xfe, 0x7e, 0xdb, 0xf1]);
        sealed.extend([0xc2, 0x87, 0xc0, 0x2d, 0x19, 0x4f, 0xcf, 0xb7, 0x95, 0xeb, 0x85, 0x76, 0xbb, 0x2a, 0x16, 0xae]);
        assert_eq!(seal(1).open(PLACE, &sealed).unwrap(), b"secret");
        assert_eq!(Seal::new(&[1; 32], Arc::new(GivenNonce)).close(PLACE, b"secret"), sealed);
    }

    #[test]
    fn a_mark_is_the_same_under_one_key_and_another_under_another_and_shows_nothing() {
        let mark = |key: u8, name: &str| seal(key).mark(&["login", name]);
        assert_eq!(mark(1, "ada"), mark(1, "ada"));
        assert_ne!(mark(1, "ada"), mark(1, "bob"));
        assert_ne!(mark(1, "ada"), mark(2, "ada"));
        assert_eq!(mark(1, "ada").len(), mark(1, "a name that is much longer").len());
    }

    #[test]
    fn a_value_that_was_cut_or_changed_anywhere_does_not_open() {
        let sealed = seal(1).close(PLACE, b"secret");
        for len in 0..sealed.len() {
            assert!(seal(1).open(PLACE, &sealed[..len]).is_err(), "{len} bytes");
        }
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(seal(1).open(PLACE, &changed).is_err(), "byte {place}");
        }
    }

    #[test]
    fn the_same_value_never_looks_the_same_and_never_shows_itself() {
        let one = seal(1).close(PLACE, b"a secret of some length");
        let two = seal(1).close(PLACE, b"a secret of some length");
        assert_ne!(one, two);
        assert!(!one.windows(6).any(|part| part == b"secret"));
        assert!(seal(1).open(PLACE, &seal(1).close(PLACE, b"")).unwrap().is_empty());
    }
}
