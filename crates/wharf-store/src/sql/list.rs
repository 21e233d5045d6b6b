//! Rows of many writes that go to the server in one statement before the commit: one way there and back for all of them. PostgreSQL alone takes
//! lists.

use wharf_core::store::Error;

use super::{Arg, Conn, Row, Sql};

/// A statement that writes rows of several kinds, and takes a list of texts for each column of each of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Joint {
    pub sql: Sql,
    /// How many columns each kind has, in the order of the statement's arguments.
    pub parts: &'static [usize],
    /// Statements for so many of the first kinds, where there is nothing of the others: the shortest first.
    pub short: &'static [(Sql, usize)],
}

/// The rows that one statement takes.
pub(super) struct RowList {
    joint: &'static Joint,
    columns: Vec<Vec<Option<String>>>,
}

impl RowList {
    pub fn of(joint: &'static Joint) -> Self {
        Self { joint, columns: vec![Vec::new(); joint.parts.iter().sum()] }
    }

    pub fn is(&self, joint: &Joint) -> bool {
        self.joint.sql.name == joint.sql.name
    }

    pub fn is_empty(&self) -> bool {
        self.columns.iter().all(Vec::is_empty)
    }

    /// Adds a row of that part.
    pub fn push(&mut self, part: usize, row: &[Arg<'_>]) {
        let before = self.joint.parts.iter().take(part).sum();
        for (column, cell) in self.columns.iter_mut().skip(before).zip(row) {
            column.push(text(cell));
        }
    }

    /// Adds a row of that part, or has it take the place of the one that begins with the same cells, as many as make its key.
    pub fn put(&mut self, part: usize, key: usize, row: &[Arg<'_>]) {
        let before: usize = self.joint.parts.iter().take(part).sum();
        let cells: Vec<Option<String>> = row.iter().map(text).collect();
        let columns = self.columns.get_mut(before..before + cells.len()).unwrap_or_default();
        let rows = columns.first().map_or(0, Vec::len);
        let same = |place: &usize| columns.iter().zip(&cells).take(key).all(|(column, cell)| column.get(*place) == Some(cell));
        let place = (0..rows).find(same);
        for (column, cell) in columns.iter_mut().zip(cells) {
            if let Some(place) = place {
                column[place] = cell;
            } else {
                column.push(cell);
            }
        }
    }

    /// Writes them; gives what the statement returns.
    pub async fn write(&self, conn: &mut Conn) -> Result<Vec<Row>, Error> {
        let (sql, columns) = self.statement();
        let args: Vec<Arg<'_>> = columns.iter().map(|column| Arg::Cells(column)).collect();
        conn.fetch(sql, &args).await
    }

    /// The statement that has a part for all that there is, with its columns.
    fn statement(&self) -> (&'static Sql, &[Vec<Option<String>>]) {
        for (sql, parts) in self.joint.short {
            let (columns, others) = self.columns.split_at(self.joint.parts.iter().take(*parts).sum());
            if others.iter().all(Vec::is_empty) {
                return (sql, columns);
            }
        }
        (&self.joint.sql, self.columns.as_slice())
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
    fn a_row_stands_in_the_columns_of_its_part_and_in_no_others() {
        const JOINT: Joint = Joint { sql: Sql { name: "JOINT", sqlite: "", postgres: "" }, parts: &[2, 1, 2], short: &[] };
        let mut list = RowList::of(&JOINT);
        list.push(2, args!["a", 1_i64]);
        list.push(1, args!["b"]);
        list.push(2, args!["c", None::<i64>]);
        let text = |text: &str| Some(text.to_owned());
        let (none, b) = (Vec::new(), vec![text("b")]);
        assert_eq!(list.columns, [none.clone(), none, b, vec![text("a"), text("c")], vec![text("1"), None]]);
    }

    #[test]
    fn a_row_takes_the_place_of_the_one_with_its_key() {
        const JOINT: Joint = Joint { sql: Sql { name: "JOINT", sqlite: "", postgres: "" }, parts: &[1, 3], short: &[] };
        let mut list = RowList::of(&JOINT);
        for row in [["a", "b", "1"], ["a", "c", "2"], ["a", "b", "3"], ["b", "b", "4"]] {
            list.put(1, 2, args![row[0], row[1], row[2]]);
        }
        list.put(1, 2, args!["a", "c", None::<&str>]);
        let column = |place: usize| list.columns[place].iter().map(Option::as_deref).collect::<Vec<_>>();
        assert!(column(0).is_empty());
        assert_eq!(column(1), [Some("a"), Some("a"), Some("b")]);
        assert_eq!(column(2), [Some("b"), Some("c"), Some("b")]);
        assert_eq!(column(3), [Some("3"), None, Some("4")]);
    }

    #[test]
    fn the_short_statement_is_for_rows_of_its_parts_alone() {
        const SHORT: Sql = Sql { name: "SHORT", sqlite: "", postgres: "" };
        const LONGER: Sql = Sql { name: "LONGER", ..SHORT };
        const JOINT: Joint = Joint { sql: Sql { name: "JOINT", ..SHORT }, parts: &[2, 1, 1], short: &[(SHORT, 1), (LONGER, 2)] };
        let mut list = RowList::of(&JOINT);
        list.push(0, args!["a", 1_i64]);
        let short = |list: &RowList| (list.statement().0.name, list.statement().1.len());
        assert_eq!(short(&list), ("SHORT", 2));
        list.push(1, args!["b"]);
        assert_eq!(short(&list), ("LONGER", 3));
        list.push(2, args!["c"]);
        assert_eq!(short(&list), ("JOINT", 4));
    }

    #[test]
    fn each_cell_of_a_row_is_a_text_or_nothing() {
        let row = args!["a", -7_i64, &[0x00_u8, 0x9f, 0xff][..], None::<i64>, Some(&[0x10_u8][..])];
        let cells: Vec<_> = row.iter().map(text).collect();
        assert_eq!(cells, [Some("a"), Some("-7"), Some("009fff"), None, Some("10")].map(|cell| cell.map(str::to_owned)));
    }
}
