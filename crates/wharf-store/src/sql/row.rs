//! Rows, read cell by cell from the left.

use rusqlite::types::Value;
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row as _, Type};
use wharf_api::Timestamp;
use wharf_core::store::Error;

use super::{classify, corrupt};

pub(super) enum Cells {
    Sqlite(Vec<Value>),
    Postgres(PgRow),
}

/// What a cell can hold.
trait Cell: Sized + for<'r> Decode<'r, Postgres> + Type<Postgres> {
    fn from_sqlite(value: Value) -> Option<Self>;
}

impl Cell for String {
    fn from_sqlite(value: Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text) } else { None }
    }
}

impl Cell for i64 {
    fn from_sqlite(value: Value) -> Option<Self> {
        if let Value::Integer(int) = value { Some(int) } else { None }
    }
}

impl Cell for Vec<u8> {
    fn from_sqlite(value: Value) -> Option<Self> {
        if let Value::Blob(bytes) = value { Some(bytes) } else { None }
    }
}

impl<T: Cell> Cell for Option<T>
where
    Self: for<'r> Decode<'r, Postgres> + Type<Postgres>,
{
    fn from_sqlite(value: Value) -> Option<Self> {
        if matches!(value, Value::Null) { Some(None) } else { T::from_sqlite(value).map(Some) }
    }
}

/// A cell that holds the one or the other.
pub(crate) enum TextOrBytes {
    Text(String),
    Bytes(Vec<u8>),
}

/// One row of a result. Every getter reads the next cell.
pub(crate) struct Row {
    cells: Cells,
    next: usize,
}

impl Row {
    pub(super) fn new(cells: Cells) -> Self {
        Self { cells, next: 0 }
    }

    /// The first cell once more, where it is a number; lists are paged by it.
    pub fn number(&self) -> Option<i64> {
        match &self.cells {
            Cells::Sqlite(cells) => cells.first().and_then(|cell| if let Value::Integer(int) = cell { Some(*int) } else { None }),
            Cells::Postgres(row) => row.try_get(0).ok(),
        }
    }

    /// The first cell once more, where it is a text.
    pub fn first_text(&self) -> Option<String> {
        match &self.cells {
            Cells::Sqlite(cells) => cells.first().and_then(|cell| if let Value::Text(text) = cell { Some(text.clone()) } else { None }),
            Cells::Postgres(row) => row.try_get(0).ok(),
        }
    }

    /// How many bytes its texts and bytes have.
    pub fn size(&self) -> usize {
        let of_value = |value: &Value| match value {
            Value::Text(text) => text.len(),
            Value::Blob(bytes) => bytes.len(),
            _ => 0,
        };
        match &self.cells {
            Cells::Sqlite(cells) => cells.iter().map(of_value).sum(),
            Cells::Postgres(row) => {
                let of_cell = |place| row.try_get_raw(place).ok().and_then(|cell| cell.as_bytes().ok()).map_or(0, <[u8]>::len);
                (0..row.len()).map(of_cell).sum()
            }
        }
    }

    fn cell<T: Cell>(&mut self) -> Result<T, Error> {
        let place = self.next;
        self.next += 1;
        match &mut self.cells {
            Cells::Sqlite(cells) => {
                let value = cells.get_mut(place).map(|value| std::mem::replace(value, Value::Null));
                value.and_then(T::from_sqlite).ok_or_else(|| corrupt(format!("cell {place} is missing or of another kind")))
            }
            Cells::Postgres(row) => row.try_get(place).map_err(classify),
        }
    }

    pub fn text(&mut self) -> Result<String, Error> {
        self.cell()
    }

    pub fn opt_text(&mut self) -> Result<Option<String>, Error> {
        self.cell()
    }

    pub fn int(&mut self) -> Result<i64, Error> {
        self.cell()
    }

    pub fn opt_int(&mut self) -> Result<Option<i64>, Error> {
        self.cell()
    }

    pub fn bytes(&mut self) -> Result<Vec<u8>, Error> {
        self.cell()
    }

    pub fn opt_bytes(&mut self) -> Result<Option<Vec<u8>>, Error> {
        self.cell()
    }

    /// The next cell where it is a number, which stands there instead of a text, on SQLite alone.
    pub fn int_for_text(&mut self) -> Option<i64> {
        let Cells::Sqlite(cells) = &self.cells else { return None };
        let Some(Value::Integer(int)) = cells.get(self.next) else { return None };
        self.next += 1;
        Some(*int)
    }

    /// PostgreSQL has texts alone here.
    pub fn opt_text_or_bytes(&mut self) -> Result<Option<TextOrBytes>, Error> {
        if let Cells::Sqlite(cells) = &self.cells
            && matches!(cells.get(self.next), Some(Value::Blob(_)))
        {
            return self.opt_bytes().map(|bytes| bytes.map(TextOrBytes::Bytes));
        }
        self.opt_text().map(|text| text.map(TextOrBytes::Text))
    }

    pub fn flag(&mut self) -> Result<bool, Error> {
        Ok(self.int()? != 0)
    }

    /// A number that is never negative.
    pub fn count(&mut self) -> Result<u64, Error> {
        whole(self.int()?)
    }

    pub fn opt_count(&mut self) -> Result<Option<u64>, Error> {
        self.opt_int()?.map(whole).transpose()
    }

    pub fn time(&mut self) -> Result<Timestamp, Error> {
        self.int().map(Timestamp::from_millis)
    }

    pub fn opt_time(&mut self) -> Result<Option<Timestamp>, Error> {
        Ok(self.opt_int()?.map(Timestamp::from_millis))
    }

    /// A text that spells an id, a status or another word of a closed set.
    pub fn parsed<T>(&mut self, what: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, Error> {
        let text = self.text()?;
        parse(&text).ok_or_else(|| corrupt(format!("{what} {text:?}")))
    }

    pub fn opt_parsed<T>(&mut self, what: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Error> {
        let text = self.opt_text()?;
        text.map(|text| parse(&text).ok_or_else(|| corrupt(format!("{what} {text:?}")))).transpose()
    }
}

fn whole(int: i64) -> Result<u64, Error> {
    u64::try_from(int).map_err(|_| corrupt(format!("the count {int}")))
}
