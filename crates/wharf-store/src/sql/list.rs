//! Rows of many writes that go to the server in one statement before the commit: one way there and back for all of them. PostgreSQL alone takes
//! lists.

use wharf_core::store::Error;

use super::{Arg, Conn, Row, Sql};

/// The rows that one statement takes, as a list of texts for each column.
pub(super) struct RowList {
    write: &'static Sql,
    columns: Vec<Vec<Option<String>>>,
}

impl RowList {
    pub fn of(write: &'static Sql, row: &[Arg<'_>]) -> Self {
        Self { write, columns: row.iter().map(|cell| vec![text(cell)]).collect() }
    }

    pub fn is(&self, write: &Sql) -> bool {
        self.write.name == write.name
    }

    pub fn push(&mut self, row: &[Arg<'_>]) {
        for (column, cell) in self.columns.iter_mut().zip(row) {
            column.push(text(cell));
        }
    }

    /// Writes them; gives what the statement returns.
    pub async fn write(&self, conn: &mut Conn) -> Result<Vec<Row>, Error> {
        let args: Vec<Arg<'_>> = self.columns.iter().map(|column| Arg::Cells(column)).collect();
        conn.fetch(self.write, &args).await
    }
}

/// A cell as the statement takes it: bytes in hexadecimal digits.
fn text(cell: &Arg<'_>) -> Option<String> {
    match *cell {
        Arg::Text(text) => text.map(str::to_owned),
        Arg::Int(int) => int.map(|int| int.to_string()),
        Arg::Bytes(bytes) => bytes.map(digits),
        // A cell is no list.
        Arg::Texts(_) | Arg::Blobs(_) | Arg::Cells(_) => None,
    }
}

fn digits(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.filter_map(|half| char::from_digit(half.into(), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::args;

    #[test]
    fn each_cell_of_a_row_is_a_text_or_nothing() {
        let row = args!["a", -7_i64, &[0x00_u8, 0x9f, 0xff][..], None::<i64>, Some(&[0x10_u8][..])];
        let cells: Vec<_> = row.iter().map(text).collect();
        assert_eq!(cells, [Some("a"), Some("-7"), Some("009fff"), None, Some("10")].map(|cell| cell.map(str::to_owned)));
    }
}
