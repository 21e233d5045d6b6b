//! Messages that writes of a group move: they are found as the group begins, by one question for all that are looked for in the same way,
//! moved in memory, and written with the group's end. The question locks them, so that nobody else moves them meanwhile. SQLite has none.

use wharf_api::Timestamp;
use wharf_api::ids::SessionId;
use wharf_api::types::message::MessageStatus;
use wharf_core::store::{Error, MessageRow};

use super::kept::is_plain;
use super::{Arg, Row, Sql, corrupt};
use crate::message::message;

/// When a message was sent, delivered, read and played.
pub(crate) type StepTimes = [Option<Timestamp>; 4];

/// Which message: the statement that finds it among others, its session, and the id that it is looked for by.
#[derive(Clone, Debug)]
pub(crate) struct FoundKey {
    read: &'static Sql,
    session: String,
    id: String,
}

impl FoundKey {
    /// `None` where an id cannot stand in a question as it is: the write asks by itself.
    pub fn new(read: &'static Sql, session: &SessionId, id: &str) -> Option<Self> {
        let session = session.as_str();
        (is_plain(session) && is_plain(id)).then(|| Self { read, session: session.to_owned(), id: id.to_owned() })
    }

    pub fn is_like(&self, other: &Self) -> bool {
        self.is(other.read, &other.session, &other.id)
    }

    fn is(&self, read: &Sql, session: &str, id: &str) -> bool {
        self.id == id && self.session == session && self.read.name == read.name
    }
}

/// How PostgreSQL is asked for them among other statements, once for each statement that finds some. An answer begins with the place of its
/// key, counted down from -1. The connection has the statements since [`prepare`].
pub(crate) fn questions(keys: &[FoundKey]) -> Vec<String> {
    let mut reads: Vec<&Sql> = Vec::new();
    for key in keys {
        if !reads.iter().any(|read| read.name == key.read.name) {
            reads.push(key.read);
        }
    }
    let question = |read: &Sql| {
        let (mut sessions, mut ids, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (place, key) in keys.iter().enumerate().filter(|(_, key)| key.read.name == read.name) {
            sessions.push(format!("'{}'", key.session));
            ids.push(format!("'{}'", key.id));
            places.push(format!("-{}", place + 1));
        }
        let [sessions, ids, places] = [sessions, ids, places].map(|cells| cells.join(", "));
        format!("EXECUTE {}(ARRAY[{sessions}], ARRAY[{ids}], ARRAY[{places}]::BIGINT[])", prepared_name(read))
    };
    reads.into_iter().map(question).collect()
}

/// What PostgreSQL calls the statement that finds such messages. The driver's own begin with other letters.
fn prepared_name(read: &Sql) -> String {
    format!("found_{}", read.name)
}

/// How PostgreSQL is told, once on each connection, of a statement that finds messages.
pub(crate) fn prepare(read: &Sql) -> String {
    format!("PREPARE {} AS {}", prepared_name(read), read.postgres)
}

/// A message as the writes of its group have left it.
#[derive(Clone, Debug)]
pub(crate) struct FoundMessage {
    pub number: i64,
    /// Nobody knows whether its failure was one.
    pub doubtful: bool,
    pub row: MessageRow,
    /// When it reached its steps in this group; `None` where it stands where it stood.
    moved: Option<StepTimes>,
}

/// What is known of a message that a write of the group is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sought<'f> {
    /// Nobody asked for it as the group began, or it cannot be read.
    Unknown,
    Absent,
    There(&'f FoundMessage),
}

#[derive(Clone, Copy, Debug)]
enum FoundAt {
    /// Not yet, or there is none.
    Absent,
    Unreadable,
    Place(usize),
}

/// The messages that a group has found.
#[derive(Default)]
pub(super) struct FoundMessages {
    asked: Vec<(FoundKey, FoundAt)>,
    /// Each once, by however many ids it was looked for.
    messages: Vec<FoundMessage>,
}

impl FoundMessages {
    pub fn asked(keys: Vec<FoundKey>) -> Self {
        Self { asked: keys.into_iter().map(|key| (key, FoundAt::Absent)).collect(), messages: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    /// Takes the rest of an answer in, that began with this place.
    pub fn answer(&mut self, place: i64, answer: &mut Row) -> Result<(), Error> {
        let place = usize::try_from(-1 - place).map_err(|_| corrupt("the place of a message"))?;
        let Some((_, answered)) = self.asked.get_mut(place) else { return Err(corrupt("a message that nobody asked for")) };
        let doubtful = answer.flag()?;
        *answered = match message(answer) {
            Ok((number, row)) => {
                let known = self.messages.iter().position(|found| found.number == number);
                FoundAt::Place(known.unwrap_or_else(|| {
                    self.messages.push(FoundMessage { number, doubtful, row, moved: None });
                    self.messages.len() - 1
                }))
            }
            Err(Error::Corrupt(_)) => FoundAt::Unreadable,
            Err(error) => return Err(error),
        };
        Ok(())
    }

    pub fn get(&self, read: &Sql, session: &SessionId, id: &str) -> Sought<'_> {
        match self.asked.iter().find(|(key, _)| key.is(read, session.as_str(), id)) {
            Some((_, FoundAt::Absent)) => Sought::Absent,
            Some((_, FoundAt::Place(place))) => self.messages.get(*place).map_or(Sought::Unknown, Sought::There),
            Some((_, FoundAt::Unreadable)) | None => Sought::Unknown,
        }
    }

    /// Moves the message with this number. It keeps the times that it has.
    pub fn advance(&mut self, number: i64, to: MessageStatus, times: StepTimes) {
        let Some(found) = self.messages.iter_mut().find(|found| found.number == number) else { return };
        found.row.status = to;
        found.row.error = None;
        found.row.error_reason = None;
        found.doubtful = false;
        let mut moved = found.moved.unwrap_or_default();
        for (own, new) in moved.iter_mut().zip(times) {
            *own = own.or(new);
        }
        found.moved = Some(moved);
    }

    /// Those that were moved, as they are written.
    pub fn moved(&self) -> impl Iterator<Item = [Arg<'_>; 6]> {
        self.messages.iter().filter_map(|found| {
            let [sent, delivered, read, played] = found.moved?.map(Arg::from);
            Some([Arg::from(found.number), Arg::from(found.row.status.as_str()), sent, delivered, read, played])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Sql = Sql { name: "ONE", sqlite: "", postgres: "SELECT 1" };
    const OTHER: Sql = Sql { name: "OTHER", ..ONE };

    fn session() -> SessionId {
        SessionId::parse("ses_00000000000000000000000000000000").unwrap()
    }

    fn key(read: &'static Sql, id: &str) -> FoundKey {
        FoundKey::new(read, &session(), id).unwrap()
    }

    #[test]
    fn all_that_are_looked_for_in_one_way_are_asked_for_at_once_each_with_its_place() {
        let session = session();
        let of_two = format!("EXECUTE found_ONE(ARRAY['{session}', '{session}'], ARRAY['a', 'c'], ARRAY[-1, -3]::BIGINT[])");
        let of_one = format!("EXECUTE found_OTHER(ARRAY['{session}'], ARRAY['b'], ARRAY[-2]::BIGINT[])");
        assert_eq!(questions(&[key(&ONE, "a"), key(&OTHER, "b"), key(&ONE, "c")]), [of_two, of_one]);
        assert!(questions(&[]).is_empty());
    }

    #[test]
    fn what_says_more_than_itself_is_not_asked_for() {
        for id in ["'", "a'b", "a\\b", "a b", "a$1", "\u{e9}", "a;b"] {
            assert!(FoundKey::new(&ONE, &session(), id).is_none(), "{id:?}");
        }
    }

    #[test]
    fn what_was_asked_for_and_not_found_is_not_there_and_of_all_else_nothing_is_known() {
        let found = FoundMessages::asked(vec![key(&ONE, "a")]);
        assert!(matches!(found.get(&ONE, &session(), "a"), Sought::Absent));
        assert!(matches!(found.get(&OTHER, &session(), "a"), Sought::Unknown));
        assert!(matches!(found.get(&ONE, &session(), "b"), Sought::Unknown));
        assert_eq!(found.moved().count(), 0);
    }
}
