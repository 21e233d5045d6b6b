//! Rows that many writes of a group change: each is read once, changed in memory, and written once before the commit. On PostgreSQL the read
//! locks it, so that nobody else changes it meanwhile.

use rusqlite::types::Value;
use wharf_core::store::Error;

use super::{Arg, Row, Sql};

/// How many numbers of a row are kept.
const NUMBERS: usize = 3;

/// The numbers of one row.
pub(crate) struct Kept {
    /// The statement that reads it, by its name.
    read: &'static str,
    key: Vec<Value>,
    pub numbers: [i64; NUMBERS],
    /// Writes it back, by its key and so many of its numbers; `None` where nothing changed.
    pub write: Option<(&'static Sql, usize)>,
}

impl Kept {
    pub(super) fn new(read: &Sql, key: Vec<Value>, numbers: [i64; NUMBERS]) -> Self {
        Self { read: read.name, key, numbers, write: None }
    }

    pub(super) fn is(&self, read: &Sql, key: &[Arg<'_>]) -> bool {
        self.read == read.name && self.key.len() == key.len() && self.key.iter().zip(key).all(|(own, other)| equals(own, other))
    }

    /// The statement that writes it back, with its arguments.
    pub(super) fn written(&self) -> Option<(&'static Sql, Vec<Arg<'_>>)> {
        let (write, numbers) = self.write?;
        let key = self.key.iter().map(|value| match value {
            Value::Text(text) => Arg::from(text),
            Value::Integer(int) => Arg::from(*int),
            Value::Null | Value::Real(_) | Value::Blob(_) => Arg::Int(None),
        });
        Some((write, key.chain(self.numbers.iter().take(numbers).map(|number| Arg::from(*number))).collect()))
    }
}

fn equals(own: &Value, other: &Arg<'_>) -> bool {
    match (own, other) {
        (Value::Text(own), Arg::Text(Some(other))) => own == other,
        (Value::Integer(own), Arg::Int(Some(other))) => own == other,
        _ => false,
    }
}

/// The first numbers of a row.
pub(super) fn numbers(row: &mut Row) -> Result<[i64; NUMBERS], Error> {
    Ok([row.int()?, row.int()?, row.int()?])
}
