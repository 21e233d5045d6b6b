//! Random identifiers, and keys as bytes. Owns no state.

use rand::RngExt as _;
use wacore_libsignal::protocol::{CurveError, KeyPair, PrivateKey};

/// Keys of a network that plays a stranger's part are never repeated, so nothing seeds them.
#[expect(clippy::disallowed_methods, reason = "the one place of this crate that draws")]
pub(crate) fn chance() -> rand::rngs::ThreadRng {
    rand::rng()
}

pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    chance().fill(&mut bytes);
    bytes
}

/// A message id in the shape web clients use.
pub(crate) fn message_id() -> String {
    format!("3EB0{}", hex_upper(&random_bytes::<9>()))
}

pub(crate) fn stanza_id() -> String {
    hex(&random_bytes::<6>())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

fn hex_upper(bytes: &[u8]) -> String {
    hex(bytes).to_uppercase()
}

pub(crate) fn generate() -> KeyPair {
    KeyPair::generate(&mut chance())
}

pub(crate) fn restore(private: &[u8]) -> Result<KeyPair, CurveError> {
    let private = PrivateKey::deserialize(private)?;
    Ok(KeyPair::new(private.public_key()?, private))
}

/// The 32 bytes of a public key without its type byte.
pub(crate) fn public_bytes(pair: &KeyPair) -> [u8; 32] {
    fixed(pair.public_key.public_key_bytes())
}

/// Copies what is a key by construction; a wrong length gives zeros, which no peer accepts.
pub(crate) fn fixed(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap_or([0; 32])
}
