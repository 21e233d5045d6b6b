//! Pages of lists: one row more than asked for tells whether there is a next page.

use wharf_core::store::{Error, Page, PageRequest};

use super::Row;

/// How many rows to fetch for the page.
pub(crate) fn fetch(request: PageRequest) -> i64 {
    i64::from(request.limit) + 1
}

/// The page out of the fetched rows. `read` gives a row's number and the row. A row that cannot be read is one that is not there.
pub(crate) fn cut<T>(rows: Vec<Row>, request: PageRequest, read: impl Fn(&mut Row) -> Result<(i64, T), Error>) -> Result<Page<T>, Error> {
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    let mut page = Page { rows: Vec::with_capacity(rows.len().min(limit)), next: None };
    for mut row in rows.into_iter().take(limit) {
        // Most rows begin with it.
        let number = row.number();
        let last = match (read(&mut row), number) {
            (Ok((number, value)), _) => {
                page.rows.push(value);
                number
            }
            (Err(Error::Corrupt(why)), Some(number)) => {
                tracing::error!(number, why, "a row cannot be read and is left out of a list");
                number
            }
            (Err(error), _) => return Err(error),
        };
        if more {
            page.next = Some(last);
        }
    }
    Ok(page)
}
