//! Rows that many writes of a group change: each is read once, changed in memory, and written once before the commit. On PostgreSQL the read
//! locks it, so that nobody else changes it meanwhile.

use wharf_core::store::Error;

use super::list::Joint;
use super::{Arg, Row, Sql, refused};

/// How many numbers of a row are kept.
const NUMBERS: usize = 3;
/// How many cells the key of a row has at most.
const CELLS: usize = 8;

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

    /// How PostgreSQL is asked for the row among other statements, with `place` as the first cell of the answer; `None` where the key
    /// cannot stand there as it is. The connection has the statement since [`prepare`].
    pub fn question(&self, place: usize) -> Option<String> {
        let mut text = format!("EXECUTE {}(", prepared_name(self.read));
        for cell in &self.cells {
            text.push_str(&cell.literal()?);
            text.push_str(", ");
        }
        Some(format!("{text}{place})"))
    }
}

/// What PostgreSQL calls the statement that asks for such a row. The driver's own begin with other letters.
fn prepared_name(read: &Sql) -> String {
    format!("kept_{}", read.name)
}

/// How PostgreSQL is told, once on each connection, of the statement that asks for rows which are kept: it is parsed and planned for the
/// first groups then, and not for each. Its last argument is the place of the key among others.
pub(crate) fn prepare(read: &Sql) -> String {
    let last = 1 + (1..=CELLS).take_while(|number| read.postgres.contains(&format!("${number}"))).count();
    let asked = read.postgres.replacen("SELECT ", &format!("SELECT CAST(${last} AS BIGINT), "), 1);
    format!("PREPARE {} AS {asked}", prepared_name(read))
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

    /// The cell as it stands in a statement. A text of anything but letters of ASCII, digits and these signs does not: ids have no others.
    fn literal(&self) -> Option<String> {
        match self {
            Self::Text(text) if is_plain(text) => Some(format!("'{text}'")),
            Self::Text(_) => None,
            Self::Int(int) => Some(int.to_string()),
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
    fn a_row_is_asked_for_by_a_key_that_says_nothing_but_itself() {
        let question = |key: &[Arg<'_>]| KeptKey::new(&READ, key).unwrap().question(3);
        assert_eq!(question(args!["acc_1", -7_i64]).as_deref(), Some("EXECUTE kept_READ('acc_1', -7, 3)"));
        assert_eq!(question(args!["018f-a.b:c_D", 7_i64]).as_deref(), Some("EXECUTE kept_READ('018f-a.b:c_D', 7, 3)"));
        for text in ["'", "a'b", "a\\b", "a b", "a$1", "\u{e9}", "a;b", "a/*b"] {
            assert_eq!(question(args![text, 7_i64]), None, "{text:?}");
        }
    }

    #[test]
    fn a_connection_is_told_of_the_question_with_the_place_as_its_last_argument() {
        assert_eq!(prepare(&READ), "PREPARE kept_READ AS SELECT CAST($3 AS BIGINT), a, $2 FROM t WHERE b = $1 AND c = $2 FOR UPDATE");
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
