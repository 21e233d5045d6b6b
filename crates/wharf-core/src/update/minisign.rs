//! Signatures as `minisign -S -l` makes them: Ed25519 over the file itself, and over the comment that goes with it.
//!
//! The tool's other kind, which signs a hash of the file, is for files that do not fit into memory; a notice does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};

const LEGACY: &[u8] = b"Ed";
const PREHASHED: &[u8] = b"ED";
const KEY_BYTES: usize = 2 + 8 + 32;
const SIGNATURE_BYTES: usize = 2 + 8 + 64;
const COMMENT: &str = "trusted comment: ";

/// A text that is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a minisign public key is expected: one line of Base64")]
pub struct BadKey;

/// The key that notices are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: [u8; 8],
    key: [u8; 32],
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({:02x?})", self.id)
    }
}

impl PublicKey {
    /// The key that a line of a `minisign.pub` spells.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| BadKey)?;
        if bytes.len() != KEY_BYTES || !bytes.starts_with(LEGACY) {
            return Err(BadKey);
        }
        let (id, key) = bytes[2..].split_at(8);
        Ok(Self { id: id.try_into().map_err(|_| BadKey)?, key: key.try_into().map_err(|_| BadKey)? })
    }

    /// Whether the signature file is this key's for that very body; says why not.
    pub(super) fn verify(&self, body: &[u8], signature: &[u8]) -> Result<(), &'static str> {
        const MALFORMED: &str = "the file with it is malformed";
        let text = std::str::from_utf8(signature).map_err(|_| MALFORMED)?;
        let mut lines = text.lines().skip(1);
        let signature = STANDARD.decode(lines.next().ok_or(MALFORMED)?.trim()).map_err(|_| MALFORMED)?;
        let comment = lines.next().and_then(|line| line.strip_prefix(COMMENT)).ok_or(MALFORMED)?;
        let global = STANDARD.decode(lines.next().ok_or(MALFORMED)?.trim()).map_err(|_| MALFORMED)?;
        if signature.len() != SIGNATURE_BYTES {
            return Err(MALFORMED);
        }
        let (head, signature) = signature.split_at(2 + 8);
        if head.starts_with(PREHASHED) {
            return Err("it is of the hashed kind; sign with `minisign -S -l`");
        }
        if !head.starts_with(LEGACY) {
            return Err(MALFORMED);
        }
        if head[2..] != self.id {
            return Err("another key made it");
        }
        let key = UnparsedPublicKey::new(&ED25519, &self.key);
        key.verify(body, signature).map_err(|_| "it is not of this file")?;
        key.verify(&[signature, comment.as_bytes()].concat(), &global).map_err(|_| "its comment is not of this signature")
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{Ed25519KeyPair, KeyPair as _};

    use super::*;

    fn pair() -> (Ed25519KeyPair, PublicKey) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let text = STANDARD.encode([LEGACY, &[9; 8], pair.public_key().as_ref()].concat());
        (pair, PublicKey::parse(&text).unwrap())
    }

    /// A signature file, as the tool writes it.
    fn signed(pair: &Ed25519KeyPair, body: &[u8], kind: &[u8], id: [u8; 8], comment: &str) -> String {
        let signature = pair.sign(body);
        let global = pair.sign(&[signature.as_ref(), comment.as_bytes()].concat());
        let head = STANDARD.encode([kind, &id, signature.as_ref()].concat());
        format!("untrusted comment: x\n{head}\n{COMMENT}{comment}\n{}\n", STANDARD.encode(global.as_ref()))
    }

    #[test]
    fn a_signature_is_of_one_key_one_body_and_one_comment() {
        let (pair, key) = pair();
        let good = signed(&pair, b"body", LEGACY, [9; 8], "of today");
        assert_eq!(key.verify(b"body", good.as_bytes()), Ok(()));
        assert_eq!(key.verify(b"bodY", good.as_bytes()), Err("it is not of this file"));
        let changed = good.replace("of today", "of another day");
        assert_eq!(key.verify(b"body", changed.as_bytes()), Err("its comment is not of this signature"));
        let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
        let forged = signed(&other, b"body", LEGACY, [9; 8], "of today");
        assert_eq!(key.verify(b"body", forged.as_bytes()), Err("it is not of this file"));
        let foreign = signed(&pair, b"body", LEGACY, [8; 8], "of today");
        assert_eq!(key.verify(b"body", foreign.as_bytes()), Err("another key made it"));
        let hashed = signed(&pair, b"body", PREHASHED, [9; 8], "of today");
        assert!(key.verify(b"body", hashed.as_bytes()).unwrap_err().contains("minisign -S -l"));
    }

    #[test]
    fn what_is_no_signature_or_no_key_is_told_apart_from_a_wrong_one() {
        let (pair, key) = pair();
        let good = signed(&pair, b"body", LEGACY, [9; 8], "c");
        for cut in 0..4 {
            let short: Vec<_> = good.lines().take(cut).collect();
            assert_eq!(key.verify(b"body", short.join("\n").as_bytes()), Err("the file with it is malformed"), "{cut} lines");
        }
        for text in ["", "x", "RWQ=", &STANDARD.encode([0; KEY_BYTES])] {
            assert_eq!(PublicKey::parse(text), Err(BadKey), "{text}");
        }
    }
}
