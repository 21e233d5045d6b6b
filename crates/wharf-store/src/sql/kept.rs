//! Rows that many writes of a group change: each is read once, changed in memory, and written once before the commit. On PostgreSQL the read
//! locks it, so that nobody else changes it meanwhile.

use wharf_core::store::Error;

use super::list::Joint;
use super::{Arg, Row, Sql, refused};

/// How many numbers of a row are kept.
const NUMBERS: usize = 3;

/// The numbers of one row.
pub(crate) struct Kept {
    key: KeptKey,
    pub numbers: [i64; NUMBERS],
    /// How it is written back; `None` where nothing changed.
    pub write: Option<KeptWrite>,
}

/// How a row is written back: by its key and so many of its numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeptWrite {
    pub sql: &'static Sql,
    pub numbers: usize,
    /// Where it is a part of a statement that takes lists.
    pub joint: &'static Joint,
    pub part: usize,
}

/// Which row is kept: the statement that reads it, and its arguments.
#[derive(Clone, Debug)]
pub(crate) struct KeptKey {
    read: &'static Sql,
    cells: Vec<KeyCell>,
}

impl KeptKey {
    pub fn new(read: &'static Sql, key: &[Arg<'_>]) -> Result<Self, Error> {
        let cells: Result<_, Error> = key.iter().map(KeyCell::of).collect();
        Ok(Self { read, cells: cells? })
    }

    pub(super) fn is(&self, read: &Sql, key: &[Arg<'_>]) -> bool {
        self.read.name == read.name && self.cells.len() == key.len() && self.cells.iter().zip(key).all(|(own, other)| own.is(other))
    }

    pub fn is_like(&self, other: &Self) -> bool {
        self.read.name == other.read.name && self.cells == other.cells
    }

    /// Whether it can stand in a question as it is.
    pub fn is_askable(&self) -> bool {
        self.cells.iter().all(KeyCell::is_askable)
    }
}

/// How PostgreSQL is asked for rows among other statements, once for each statement that reads some. An answer begins with the place of its
/// key. The connection has the statements since [`prepare`].
pub(crate) fn questions(keys: &[KeptKey]) -> Vec<String> {
    let mut reads: Vec<&Sql> = Vec::new();
    for key in keys {
        if !reads.iter().any(|read| read.name == key.read.name) {
            reads.push(key.read);
        }
    }
    let question = |read: &Sql| {
        let (mut columns, mut places): (Vec<Vec<&KeyCell>>, Vec<String>) = (Vec::new(), Vec::new());
        for (place, key) in keys.iter().enumerate().filter(|(_, key)| key.read.name == read.name) {
            columns.resize_with(key.cells.len(), Vec::new);
            for (column, cell) in columns.iter_mut().zip(&key.cells) {
                column.push(cell);
            }
            places.push(place.to_string());
        }
        let lists: String = columns.iter().map(|column| list(column) + ", ").collect();
        format!("EXECUTE {}({lists}ARRAY[{}]::BIGINT[])", prepared_name(read), places.join(", "))
    };
    reads.into_iter().map(question).collect()
}

/// The cells of one column as they stand in a question.
fn list(column: &[&KeyCell]) -> String {
    let cells: Vec<String> = column.iter().map(|cell| cell.literal()).collect();
    let kind = if matches!(column, [KeyCell::Int(_), ..]) { "BIGINT" } else { "TEXT" };
    format!("ARRAY[{}]::{kind}[]", cells.join(", "))
}

/// What PostgreSQL calls the statement that asks for such a row. The driver's own begin with other letters.
fn prepared_name(read: &Sql) -> String {
    format!("kept_{}", read.name)
}

/// How PostgreSQL is told, once on each connection, of the statement that asks for rows which are kept, by lists of cells of these types:
/// it is parsed and planned for the first groups then, and not for each. The last list has the places of the keys among others. What is
/// always true of the first cells has PostgreSQL take the lists for short ones, and one plan for good.
pub(crate) fn prepare((read, types): (&Sql, &[&str])) -> String {
    let one = (1..=types.len()).fold(read.postgres.to_owned(), |one, number| one.replace(&format!("${number}"), &format!("l.c{number}")));
    let lists: Vec<String> = (1..).zip(types).map(|(number, kind)| format!("${number}::{kind}[]")).collect();
    let cells: Vec<String> = (1..=types.len()).map(|number| format!("c{number}")).collect();
    format!(
        "PREPARE {} AS SELECT l.place, s.* FROM unnest({}, ${}::BIGINT[]) AS l({}, place), LATERAL ({one}) AS s WHERE l.c1 || '' = l.c1",
        prepared_name(read),
        lists.join(", "),
        types.len() + 1,
        cells.join(", ")
    )
}

/// Whether a text says nothing but itself between quotation marks in a statement.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte))
}

/// One cell of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
enum KeyCell {
    Text(String),
    Int(i64),
}

impl KeyCell {
    /// What is no text and no number finds no row to keep.
    fn of(arg: &Arg<'_>) -> Result<Self, Error> {
        match arg {
            Arg::Text(Some(text)) => Ok(Self::Text((*text).to_owned())),
            Arg::Int(Some(int)) => Ok(Self::Int(*int)),
            Arg::Text(None) | Arg::Int(None) | Arg::Bytes(_) | Arg::Texts(_) | Arg::Blobs(_) | Arg::Cells(_) => {
                Err(refused("a row is kept by texts and numbers alone"))
            }
        }
    }

    fn is(&self, arg: &Arg<'_>) -> bool {
        match (self, arg) {
            (Self::Text(own), Arg::Text(Some(other))) => own == other,
            (Self::Int(own), Arg::Int(Some(other))) => own == other,
            _ => false,
        }
    }

    /// Whether it can stand in a statement. A text of anything but letters of ASCII, digits and a few signs does not: ids have no others.
    fn is_askable(&self) -> bool {
        match self {
            Self::Text(text) => is_plain(text),
            Self::Int(_) => true,
        }
    }

    /// The cell as it stands in a statement, where it can.
    fn literal(&self) -> String {
        match self {
            Self::Text(text) => format!("'{text}'"),
            Self::Int(int) => int.to_string(),
        }
    }

    fn arg(&self) -> Arg<'_> {
        match self {
            Self::Text(text) => Arg::from(text),
            Self::Int(int) => Arg::from(*int),
        }
    }
}

impl Kept {
    pub(super) const fn new(key: KeptKey, numbers: [i64; NUMBERS]) -> Self {
        Self { key, numbers, write: None }
    }

    pub(super) fn is(&self, read: &Sql, key: &[Arg<'_>]) -> bool {
        self.key.is(read, key)
    }

    /// How it is written back, with the arguments of that.
    pub(super) fn written(&self) -> Option<(KeptWrite, Vec<Arg<'_>>)> {
        let write = self.write?;
        let numbers = self.numbers.iter().take(write.numbers).map(|number| Arg::from(*number));
        Some((write, self.key.cells.iter().map(KeyCell::arg).chain(numbers).collect()))
    }
}

/// The first numbers of a row.
pub(super) fn numbers(row: &mut Row) -> Result<[i64; NUMBERS], Error> {
    Ok([row.int()?, row.int()?, row.int()?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::args;

    const READ: Sql = Sql { name: "READ", sqlite: "", postgres: "SELECT a, $2 FROM t WHERE b = $1 AND c = $2 FOR UPDATE" };
    const OTHER: Sql = Sql { name: "OTHER", ..READ };
    const WRITE: Sql = Sql { name: "WRITE", sqlite: "", postgres: "" };
    const JOINT: Joint = Joint { sql: WRITE, parts: &[4], short: &[] };

    #[test]
    fn a_row_is_found_by_its_key_and_written_back_by_it_with_the_numbers_that_are_its_own() {
        let mut kept = Kept::new(KeptKey::new(&READ, args!["acc_1", 7_i64]).unwrap(), [1, 2, 3]);
        assert!(kept.is(&READ, args!["acc_1", 7_i64]));
        assert!(!kept.is(&OTHER, args!["acc_1", 7_i64]));
        for key in [args!["acc_2", 7_i64], args!["acc_1", 8_i64], args!["acc_1", "7"]] {
            assert!(!kept.is(&READ, key), "{key:?}");
        }
        assert!(!kept.is(&READ, args!["acc_1"]));
        assert!(kept.written().is_none(), "nothing changed");
        kept.numbers[1] = 9;
        kept.write = Some(KeptWrite { sql: &WRITE, numbers: 2, joint: &JOINT, part: 0 });
        let (write, args) = kept.written().unwrap();
        assert_eq!(write.sql.name, "WRITE");
        assert!(matches!(args[..], [Arg::Text(Some("acc_1")), Arg::Int(Some(7)), Arg::Int(Some(1)), Arg::Int(Some(9))]), "{args:?}");
    }

    #[test]
    fn rows_of_one_kind_are_asked_for_at_once_by_keys_that_say_nothing_but_themselves() {
        let key = |read, cells: &[Arg<'_>]| KeptKey::new(read, cells).unwrap();
        let keys = [key(&READ, args!["acc_1", -7_i64]), key(&OTHER, args!["x"]), key(&READ, args!["018f-a.b:c_D", 7_i64])];
        assert!(keys.iter().all(KeptKey::is_askable));
        let of_two = "EXECUTE kept_READ(ARRAY['acc_1', '018f-a.b:c_D']::TEXT[], ARRAY[-7, 7]::BIGINT[], ARRAY[0, 2]::BIGINT[])";
        let of_one = "EXECUTE kept_OTHER(ARRAY['x']::TEXT[], ARRAY[1]::BIGINT[])";
        assert_eq!(questions(&keys), [of_two, of_one]);
        assert!(questions(&[]).is_empty());
        for text in ["'", "a'b", "a\\b", "a b", "a$1", "\u{e9}", "a;b", "a/*b"] {
            assert!(!key(&READ, args![text, 7_i64]).is_askable(), "{text:?}");
        }
    }

    #[test]
    fn a_connection_is_told_of_the_question_with_the_places_as_its_last_argument() {
        let told = "PREPARE kept_READ AS SELECT l.place, s.* FROM unnest($1::TEXT[], $2::BIGINT[], $3::BIGINT[]) AS l(c1, c2, place), \
            LATERAL (SELECT a, l.c2 FROM t WHERE b = l.c1 AND c = l.c2 FOR UPDATE) AS s WHERE l.c1 || '' = l.c1";
        assert_eq!(prepare((&READ, &["TEXT", "BIGINT"])), told);
    }

    #[test]
    fn keys_are_alike_by_their_statement_and_all_of_their_cells() {
        let key = |read, cells: &[Arg<'_>]| KeptKey::new(read, cells).unwrap();
        let one = key(&READ, args!["acc_1", 7_i64]);
        assert!(one.is_like(&key(&READ, args!["acc_1", 7_i64])));
        for other in [key(&OTHER, args!["acc_1", 7_i64]), key(&READ, args!["acc_1", 8_i64]), key(&READ, args!["acc_1"])] {
            assert!(!one.is_like(&other), "{other:?}");
        }
    }

    #[test]
    fn what_finds_no_row_keeps_none() {
        for key in [args![None::<i64>], args![None::<&str>], args![b"bytes".as_slice()]] {
            assert!(matches!(KeptKey::new(&READ, key), Err(Error::Refused(_))), "{key:?}");
        }
    }
}
