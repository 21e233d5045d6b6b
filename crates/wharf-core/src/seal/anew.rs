//! Sealing anew what another key has sealed: the change of the master key.

use std::sync::Arc;

use super::{Seal, payload, place};
use crate::chance::Chance;

/// What became of one value.
#[derive(Debug, PartialEq, Eq)]
pub enum Again {
    Done(Vec<u8>),
    /// An earlier run, which was cut off, has done it.
    Already,
    /// Neither key opens it. It was of no use before, either.
    Unreadable,
}

/// The old key and the new one.
pub struct Anew {
    old: Seal,
    new: Seal,
}

impl Anew {
    pub fn new(old: &[u8; 32], new: &[u8; 32], chance: &Arc<dyn Chance>) -> Self {
        Self { old: Seal::new(old, Arc::clone(chance)), new: Seal::new(new, Arc::clone(chance)) }
    }

    pub fn again(&self, place: &[&str], sealed: &[u8]) -> Again {
        if self.new.open(place, sealed).is_ok() {
            return Again::Already;
        }
        match self.old.open(place, sealed) {
            Ok(plain) => Again::Done(self.new.close(place, &plain)),
            Err(_) => Again::Unreadable,
        }
    }

    /// The same for a payload, which an earlier release may have left unsealed.
    pub fn payload(&self, session: &str, wa_id: &str, stored: &[u8]) -> Again {
        if payload::is_sealed(stored) {
            return self.again(&place::payload(session, wa_id), stored);
        }
        Again::Done(payload::close(&self.new, session, wa_id, stored))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SystemChance;

    #[test]
    fn a_value_is_sealed_anew_once_and_what_neither_key_opens_is_left() {
        let chance: Arc<dyn Chance> = Arc::new(SystemChance);
        let seal = |key: u8| Seal::new(&[key; 32], Arc::clone(&chance));
        let (anew, place) = (Anew::new(&[1; 32], &[2; 32], &chance), ["ses_1", "device", "self"]);
        let Again::Done(value) = anew.again(&place, &seal(1).close(&place, b"secret")) else { panic!("the old key opens it") };
        assert_eq!(seal(2).open(&place, &value).unwrap(), b"secret");
        assert_eq!(anew.again(&place, &value), Again::Already);
        assert_eq!(anew.again(&place, &seal(3).close(&place, b"secret")), Again::Unreadable);
        assert_eq!(anew.again(&["ses_2", "device", "self"], &value), Again::Unreadable);
        let Again::Done(value) = anew.payload("ses_1", "3EB0", b"\x0a\x05hello") else { panic!("it was not sealed") };
        assert_eq!(payload::open(&seal(2), "ses_1", "3EB0", value).unwrap(), b"\x0a\x05hello");
    }
}
