//! The ids of events that stand in no row: made from the time of the event and its number.

use sha2::{Digest, Sha256};
use wharf_api::Timestamp;
use wharf_api::ids::{EventId, Uuid};
use wharf_core::store::Error;

use crate::readers::Readers;
use crate::sql::{corrupt, statements};

statements! {
    /// The database's own mask. PostgreSQL has every id in its row, and no mask.
    MASK = "SELECT value FROM meta WHERE name = 'event_ids'";
}

/// The bits of a number that an id can carry.
const NUMBER: u64 = (1 << 60) - 1;

/// Makes ids of events, and knows their numbers by them. Whoever does not know the mask reads no number in an id.
#[derive(Clone, Debug)]
pub(crate) struct EventIds(String);

impl EventIds {
    pub async fn read(readers: &Readers) -> Result<Self, Error> {
        let row = readers.first(&MASK, &[]).await?;
        row.map_or_else(|| Err(corrupt("what masks the ids of events is missing")), |mut row| row.text().map(Self))
    }

    /// The id of the event with this number, which was written at this time.
    pub fn id(&self, at: Timestamp, number: i64) -> EventId {
        let (millis, number) = (millis(at), number.cast_unsigned() & NUMBER);
        let bits = number ^ (self.mask(&[millis]) & NUMBER);
        // Of twelve bits beside: nobody makes an id of an event that there is by chance.
        let check = self.mask(&[millis, number]) & 0xfff;
        let uuid = u128::from(millis) << 80 | 0x7 << 76 | u128::from(check) << 64 | 0x2 << 62 | u128::from(bits);
        EventId::from_uuid(Uuid::from_u128(uuid))
    }

    /// The number of the event that has this id, if it has one that was made here.
    pub fn number(&self, id: &EventId) -> Option<i64> {
        let uuid = u128::from_str_radix(id.as_str().strip_prefix(EventId::PREFIX)?, 16).ok()?;
        let [millis, bits] = [uuid >> 80, uuid].map(|part| u64::try_from(part & u128::from(u64::MAX)).unwrap_or_default());
        let number = (bits & NUMBER) ^ (self.mask(&[millis]) & NUMBER);
        i64::try_from(number).ok().filter(|number| self.id(Timestamp::from_millis(millis.cast_signed()), *number) == *id)
    }

    fn mask(&self, parts: &[u64]) -> u64 {
        let mut hash = Sha256::new_with_prefix(&self.0);
        for part in parts {
            hash.update(part.to_be_bytes());
        }
        let hash = hash.finalize();
        hash.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
    }
}

fn millis(at: Timestamp) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(0) & 0xffff_ffff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_when_its_event_was_written_and_its_number_to_whom_knows_the_mask_alone() {
        let (ours, theirs) = (EventIds("a".to_owned()), EventIds("b".to_owned()));
        let at = Timestamp::from_millis(1_795_400_000_123);
        for number in [1, 2, 700, 1 << 40, (1 << 60) - 1] {
            let id = ours.id(at, number);
            assert_eq!(EventId::parse(id.as_str()), Some(id.clone()));
            assert!(EventId::first_at(at) < id && id < EventId::first_at(Timestamp::from_millis(1_795_400_000_124)), "{id}");
            assert_eq!(ours.number(&id), Some(number), "{id}");
            assert_eq!(theirs.number(&id), None, "{id}");
            assert_ne!(theirs.id(at, number), id);
        }
    }

    #[test]
    fn an_id_that_was_changed_or_made_by_others_has_no_number() {
        let ids = EventIds("a".to_owned());
        let id = ids.id(Timestamp::from_millis(1_795_400_000_123), 700).to_string();
        for place in EventId::PREFIX.len()..id.len() {
            let digit = if &id[place..=place] == "0" { "1" } else { "0" };
            let other = format!("{}{digit}{}", &id[..place], &id[place + 1..]);
            assert_eq!(ids.number(&EventId::parse(&other).unwrap()), None, "{other}");
        }
        assert_eq!(ids.number(&EventId::from_uuid(Uuid::from_u128(7))), None);
        assert_eq!(ids.number(&EventId::from_uuid(Uuid::from_u128(u128::MAX))), None);
    }

    #[test]
    fn events_of_one_time_have_ids_of_their_own() {
        let ids = EventIds("a".to_owned());
        let at = Timestamp::from_millis(1_795_400_000_123);
        let made: std::collections::HashSet<EventId> = (1..2_000).map(|number| ids.id(at, number)).collect();
        assert_eq!(made.len(), 1_999);
    }
}
