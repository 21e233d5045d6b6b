//! Pages of lists: one row more than asked for tells whether there is a next page.

use wharf_core::store::{Error, Page, PageRequest};

use super::Row;

/// How many rows to fetch for the page.
pub(crate) fn fetch(request: PageRequest) -> i64 {
    i64::from(request.limit) + 1
}

/// The page out of the fetched rows. `read` gives a row's number and the row.
pub(crate) fn cut<T>(rows: Vec<Row>, request: PageRequest, read: impl Fn(&mut Row) -> Result<(i64, T), Error>) -> Result<Page<T>, Error> {
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    let mut page = Page { rows: Vec::with_capacity(rows.len().min(limit)), next: None };
    for mut row in rows.into_iter().take(limit) {
        let (number, value) = read(&mut row)?;
        page.rows.push(value);
        if more {
            page.next = Some(number);
        }
    }
    Ok(page)
}
