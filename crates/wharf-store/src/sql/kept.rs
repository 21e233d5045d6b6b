//! Rows that many writes of a group change: each is read once, changed in memory, and written once before the commit. On PostgreSQL the read
//! locks it, so that nobody else changes it meanwhile.

use wharf_core::store::Error;

use super::{Arg, Row, Sql, refused};

/// How many numbers of a row are kept.
const NUMBERS: usize = 3;

/// The numbers of one row.
pub(crate) struct Kept {
    /// The statement that reads it, by its name.
    read: &'static str,
    key: Vec<KeyCell>,
    pub numbers: [i64; NUMBERS],
    /// Writes it back, by its key and so many of its numbers; `None` where nothing changed.
    pub write: Option<(&'static Sql, usize)>,
}

/// One cell of a key.
#[derive(Debug, PartialEq, Eq)]
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

    fn arg(&self) -> Arg<'_> {
        match self {
            Self::Text(text) => Arg::from(text),
            Self::Int(int) => Arg::from(*int),
        }
    }
}

impl Kept {
    pub(super) fn new(read: &Sql, key: &[Arg<'_>], numbers: [i64; NUMBERS]) -> Result<Self, Error> {
        let key: Result<_, Error> = key.iter().map(KeyCell::of).collect();
        Ok(Self { read: read.name, key: key?, numbers, write: None })
    }

    pub(super) fn is(&self, read: &Sql, key: &[Arg<'_>]) -> bool {
        self.read == read.name && self.key.len() == key.len() && self.key.iter().zip(key).all(|(own, other)| own.is(other))
    }

    /// The statement that writes it back, with its arguments.
    pub(super) fn written(&self) -> Option<(&'static Sql, Vec<Arg<'_>>)> {
        let (write, numbers) = self.write?;
        let numbers = self.numbers.iter().take(numbers).map(|number| Arg::from(*number));
        Some((write, self.key.iter().map(KeyCell::arg).chain(numbers).collect()))
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

    const READ: Sql = Sql { name: "READ", sqlite: "", postgres: "" };
    static WRITE: Sql = Sql { name: "WRITE", sqlite: "", postgres: "" };

    #[test]
    fn a_row_is_found_by_its_key_and_written_back_by_it_with_the_numbers_that_are_its_own() {
        let mut kept = Kept::new(&READ, args!["acc_1", 7_i64], [1, 2, 3]).unwrap();
        assert!(kept.is(&READ, args!["acc_1", 7_i64]));
        let other = Sql { name: "OTHER", ..READ };
        assert!(!kept.is(&other, args!["acc_1", 7_i64]));
        for key in [args!["acc_2", 7_i64], args!["acc_1", 8_i64], args!["acc_1", "7"]] {
            assert!(!kept.is(&READ, key), "{key:?}");
        }
        assert!(!kept.is(&READ, args!["acc_1"]));
        assert!(kept.written().is_none(), "nothing changed");
        kept.numbers[1] = 9;
        kept.write = Some((&WRITE, 2));
        let (write, args) = kept.written().unwrap();
        assert_eq!(write.name, "WRITE");
        assert!(matches!(args[..], [Arg::Text(Some("acc_1")), Arg::Int(Some(7)), Arg::Int(Some(1)), Arg::Int(Some(9))]), "{args:?}");
    }

    #[test]
    fn what_finds_no_row_keeps_none() {
        for key in [args![None::<i64>], args![None::<&str>], args![b"bytes".as_slice()]] {
            assert!(matches!(Kept::new(&READ, key, [0; NUMBERS]), Err(Error::Refused(_))), "{key:?}");
        }
    }
}
