//! Rows of many writes that go to the server in one statement before the commit: one way there and back for all of them. PostgreSQL alone takes
//! lists.

use wharf_core::store::Error;

use super::{Arg, Conn, Row, Sql};

/// The rows that one statement takes, as a list of texts for each column.
pub(super) struct List {
    write: &'static Sql,
    columns: Vec<Vec<String>>,
}

impl List {
    pub fn of<const COLUMNS: usize>(write: &'static Sql, row: [String; COLUMNS]) -> Self {
        Self { write, columns: row.into_iter().map(|cell| vec![cell]).collect() }
    }

    pub fn is(&self, write: &Sql) -> bool {
        self.write.name == write.name
    }

    pub fn push<const COLUMNS: usize>(&mut self, row: [String; COLUMNS]) {
        for (column, cell) in self.columns.iter_mut().zip(row) {
            column.push(cell);
        }
    }

    /// Writes them; gives what the statement returns.
    pub async fn write(&self, conn: &mut Conn) -> Result<Vec<Row>, Error> {
        let columns: Vec<Vec<&str>> = self.columns.iter().map(|column| column.iter().map(String::as_str).collect()).collect();
        let args: Vec<Arg<'_>> = columns.iter().map(|column| Arg::Texts(column)).collect();
        conn.fetch(self.write, &args).await
    }
}
