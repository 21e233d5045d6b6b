//! The keys that a process knows, which of them seals, and what the database says of them.
//!
//! Which key seals is decided by the database and not by a configuration: nodes that are started one after the other with both keys go on
//! sealing with the one in force, and begin with the next one when the database says so.

use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::LessSafeKey;
use ring::hmac;
use sha2::{Digest as _, Sha256};

use super::{Seal, cipher, marks, place};
use crate::media::intake::hex;
use crate::store::KeyMarks;

/// How long a master key is.
pub const KEY_BYTES: usize = 32;

/// The keys that this process knows do not do for the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// None of them is the one in force.
    #[error("the master key is another one than the one that sealed what is in the database: put that one back (no other one opens it)")]
    Another,
    /// The key is being changed, and only one of the two is known.
    #[error(
        "the master key is being changed, and this process knows only one of the two: it needs the one in force (master_key_file) and the \
         next one (next_master_key_file) until `wharf keys rotate-master` has ended"
    )]
    Half,
}

/// What a key is called where it must not be shown: the first eight bytes of its SHA-256, in hexadecimal digits. Nothing leads back to it.
pub fn id(master_key: &[u8; KEY_BYTES]) -> String {
    let digest = Sha256::new().chain_update(b"wharf master key\0").chain_update(master_key).finalize();
    hex(digest.first_chunk::<8>().expect("it has thirty-two bytes"))
}

pub(super) struct MasterKey {
    pub(super) id: String,
    pub(super) cipher: LessSafeKey,
    pub(super) marks: hmac::Key,
}

pub(super) struct Keys {
    /// Each key once.
    all: Vec<MasterKey>,
    state: RwLock<KeysState>,
}

#[derive(Clone, Copy, Default)]
struct KeysState {
    /// Which of all seals.
    closing: usize,
    /// All are needed: what one sealed is being sealed with the other.
    changing: bool,
}

impl Keys {
    pub(super) fn new(master_keys: &[[u8; KEY_BYTES]]) -> Self {
        let mut all: Vec<MasterKey> = Vec::new();
        for key in master_keys {
            let id = id(key);
            if all.iter().all(|known| known.id != id) {
                all.push(MasterKey { id, cipher: cipher(key), marks: marks(key) });
            }
        }
        Self { all, state: RwLock::default() }
    }

    fn state(&self) -> KeysState {
        *self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn closing(&self) -> Option<&MasterKey> {
        self.all.get(self.state().closing)
    }

    /// All of them, first the one that has most likely sealed a value.
    pub(super) fn likely_first(&self) -> impl Iterator<Item = &MasterKey> {
        let closing = self.state().closing;
        let others = self.all.iter().enumerate().filter(move |(place, _)| *place != closing).map(|(_, key)| key);
        self.all.get(closing).into_iter().chain(others)
    }
}

impl Seal {
    /// The ids of all keys that this process knows, as they were given.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.all.iter().map(|key| key.id.as_str())
    }

    /// The id of the key that seals; none where there is none.
    pub fn closing_id(&self) -> Option<&str> {
        self.keys.closing().map(|key| key.id.as_str())
    }

    /// The ids of the keys without which the next start would be refused.
    pub fn needed(&self) -> Vec<&str> {
        if self.keys.state().changing { self.ids().collect() } else { self.closing_id().into_iter().collect() }
    }

    /// What tells in an installation's database whether a key is the one that seals there.
    pub fn check_value(&self, installation: &str) -> String {
        STANDARD.encode(self.close(&place::KEY_CHECK, installation.as_bytes()))
    }

    /// The id of the key that made a check value.
    pub fn maker(&self, check: &str) -> Option<&str> {
        let check = STANDARD.decode(check).ok()?;
        self.open_by(&place::KEY_CHECK, &check).ok().map(|(id, _)| id)
    }

    /// Seals from now on with the key that the database says. A database that says nothing yet changes nothing.
    pub fn follow(&self, marks: &KeyMarks) -> Result<(), Unfit> {
        let Some(check) = &marks.in_force else { return Ok(()) };
        let in_force = self.maker(check);
        let (closing, changing) = match &marks.to_be {
            None => (in_force.ok_or(Unfit::Another)?, false),
            Some(to_be) => match (in_force, self.maker(to_be)) {
                (Some(_), Some(next)) => (next, true),
                (None, None) => return Err(Unfit::Another),
                _ => return Err(Unfit::Half),
            },
        };
        let closing = self.ids().position(|id| id == closing).unwrap_or_default();
        *self.keys.state.write().unwrap_or_else(PoisonError::into_inner) = KeysState { closing, changing };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::chance::SystemChance;

    const PLACE: &[&str] = &["ses_1", "device", "self"];
    const OLD: [u8; KEY_BYTES] = [1; KEY_BYTES];
    const NEW: [u8; KEY_BYTES] = [2; KEY_BYTES];

    fn seal(keys: &[[u8; KEY_BYTES]]) -> Seal {
        Seal::of(keys, Arc::new(SystemChance))
    }

    fn marks(in_force: &[u8; KEY_BYTES], to_be: Option<&[u8; KEY_BYTES]>) -> KeyMarks {
        let check = |key: &[u8; KEY_BYTES]| seal(&[*key]).check_value("installation");
        KeyMarks { in_force: Some(check(in_force)), to_be: to_be.map(check) }
    }

    #[test]
    fn a_process_with_two_keys_opens_what_either_sealed_and_says_which() {
        let both = seal(&[OLD, NEW]);
        for key in [OLD, NEW] {
            let sealed = seal(&[key]).close(PLACE, b"secret");
            let (by, plain) = both.open_by(PLACE, &sealed).unwrap();
            assert_eq!((by, plain.as_slice()), (id(&key).as_str(), b"secret".as_slice()));
        }
        assert!(both.open(PLACE, &seal(&[[3; KEY_BYTES]]).close(PLACE, b"secret")).is_err());
        assert!(seal(&[]).open(PLACE, &both.close(PLACE, b"secret")).is_err());
    }

    #[test]
    fn the_database_says_which_key_seals_whatever_their_order_is() {
        for keys in [[OLD, NEW], [NEW, OLD]] {
            let both = seal(&keys);
            let clone = both.clone();
            let sealed_by = || seal(&[OLD, NEW]).open_by(PLACE, &clone.close(PLACE, b"x")).unwrap().0.to_owned();
            for (marks, by, needed) in
                [(marks(&OLD, None), OLD, 1), (marks(&OLD, Some(&NEW)), NEW, 2), (marks(&NEW, None), NEW, 1), (KeyMarks::default(), NEW, 1)]
            {
                both.follow(&marks).unwrap();
                assert_eq!((sealed_by(), both.needed().len()), (id(&by), needed));
            }
        }
    }

    #[test]
    fn keys_that_do_not_do_are_refused_and_the_one_that_sealed_goes_on() {
        for (keys, marks, unfit) in [
            (vec![NEW], marks(&OLD, None), Unfit::Another),
            (vec![OLD], marks(&NEW, None), Unfit::Another),
            (vec![OLD], marks(&OLD, Some(&NEW)), Unfit::Half),
            (vec![NEW], marks(&OLD, Some(&NEW)), Unfit::Half),
            (vec![[3; KEY_BYTES]], marks(&OLD, Some(&NEW)), Unfit::Another),
        ] {
            let known = seal(&keys);
            assert_eq!(known.follow(&marks), Err(unfit));
            assert_eq!(known.closing_id(), known.ids().next());
        }
    }

    #[test]
    fn a_key_that_is_given_twice_is_one_and_its_id_does_not_show_it() {
        let twice = seal(&[OLD, OLD]);
        assert_eq!(twice.ids().collect::<Vec<_>>(), [id(&OLD)]);
        assert_eq!(id(&OLD).len(), 16);
        assert_ne!(id(&OLD), id(&NEW));
        assert!(!id(&OLD).contains("0101"));
    }
}
