//! The payloads of accepted messages: links to files with the keys that open them, and the secrets that votes and likes are read with.
//!
//! Earlier releases kept them as they are, so both are read. No message begins as a sealed value does: its first byte would be the
//! field of number 0, which there is none of.

use super::{Seal, Unreadable, place};

/// No message's first byte is below this.
const FIRST_FIELD: u8 = 8;

/// Seals the payload of a session's message for its id on the wire.
pub fn close(seal: &Seal, session: &str, wa_id: &str, plain: &[u8]) -> Vec<u8> {
    seal.close(&place::payload(session, wa_id), plain)
}

/// What the engine froze, from a row of this release or of an earlier one.
pub fn open(seal: &Seal, session: &str, wa_id: &str, stored: Vec<u8>) -> Result<Vec<u8>, Unreadable> {
    if is_sealed(&stored) { seal.open(&place::payload(session, wa_id), &stored) } else { Ok(stored) }
}

pub fn is_sealed(stored: &[u8]) -> bool {
    stored.first().is_some_and(|first| *first < FIRST_FIELD)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::chance::SystemChance;

    #[test]
    fn a_payload_is_read_sealed_for_its_message_alone_and_as_earlier_releases_left_it() {
        let seal = Seal::new(&[1; 32], Arc::new(SystemChance));
        let plain = b"\x0a\x05hello".to_vec();
        let sealed = close(&seal, "ses_1", "3EB0", &plain);
        assert!(is_sealed(&sealed) && !is_sealed(&plain) && !is_sealed(b""));
        assert_eq!(open(&seal, "ses_1", "3EB0", sealed.clone()).unwrap(), plain);
        assert!(open(&seal, "ses_1", "3EB1", sealed.clone()).is_err() && open(&seal, "ses_2", "3EB0", sealed).is_err());
        assert_eq!(open(&seal, "ses_1", "3EB0", plain.clone()).unwrap(), plain);
    }
}
