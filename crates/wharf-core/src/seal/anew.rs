//! Sealing anew what another key has sealed: the change of the master key.

use super::{Seal, payload, place};

/// What becomes of one value.
#[derive(Debug, PartialEq, Eq)]
pub enum Again {
    /// Another key has sealed it, or nobody: this is what stands in its place from now on.
    Done(Vec<u8>),
    /// The key that seals has sealed it.
    Already,
    /// No key opens it. It was of no use before, either.
    Unreadable,
}

/// Seals with one key what any of the keys opens.
pub struct Anew(Seal);

impl Anew {
    /// With the keys of `seal`; the one that seals is the new one.
    pub fn new(seal: Seal) -> Self {
        Self(seal)
    }

    pub fn again(&self, place: &[&str], sealed: &[u8]) -> Again {
        match self.0.open_by(place, sealed) {
            Ok((by, _)) if Some(by) == self.0.closing_id() => Again::Already,
            Ok((_, plain)) => Again::Done(self.0.close(place, &plain)),
            Err(_) => Again::Unreadable,
        }
    }

    /// What becomes of a payload, which an earlier release may have left unsealed.
    pub fn payload(&self, session: &str, wa_id: &str, stored: &[u8]) -> Again {
        if payload::is_sealed(stored) {
            return self.again(&place::payload(session, wa_id), stored);
        }
        Again::Done(payload::close(&self.0, session, wa_id, stored))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::chance::SystemChance;

    #[test]
    fn a_value_is_sealed_anew_once_and_what_neither_key_opens_is_left() {
        let seal = |keys: &[u8]| Seal::of(&keys.iter().map(|key| [*key; 32]).collect::<Vec<_>>(), Arc::new(SystemChance));
        let (anew, place) = (Anew::new(seal(&[2, 1])), ["ses_1", "device", "self"]);
        let Again::Done(value) = anew.again(&place, &seal(&[1]).close(&place, b"secret")) else { panic!("the old key opens it") };
        assert_eq!(seal(&[2]).open(&place, &value).unwrap(), b"secret");
        assert_eq!(anew.again(&place, &value), Again::Already);
        assert_eq!(anew.again(&place, &seal(&[3]).close(&place, b"secret")), Again::Unreadable);
        assert_eq!(anew.again(&["ses_2", "device", "self"], &value), Again::Unreadable);
        let Again::Done(value) = anew.payload("ses_1", "3EB0", b"\x0a\x05hello") else { panic!("it was not sealed") };
        assert_eq!(payload::open(&seal(&[2]), "ses_1", "3EB0", value).unwrap(), b"\x0a\x05hello");
    }
}
