//! Pages of lists: one row more than asked for tells whether there is a next page. A page of large rows has fewer than were asked for.

use wharf_api::limits;
use wharf_core::store::{Error, Page, PageRequest};

use super::Row;

/// How many rows to fetch for the page.
pub(crate) fn fetch(request: PageRequest) -> i64 {
    i64::from(request.limit) + 1
}

/// The page out of the fetched rows. `read` gives a row's number and the row. A row that cannot be read is one that is not there.
pub(crate) fn cut<T>(rows: Vec<Row>, request: PageRequest, read: impl Fn(&mut Row) -> Result<(i64, T), Error>) -> Result<Page<T>, Error> {
    let (fetched, taken) = (rows.len(), taken(&rows, request));
    let more = fetched > taken;
    let mut page = Page { rows: Vec::with_capacity(fetched.min(taken)), next: None };
    for mut row in rows.into_iter().take(taken) {
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

/// How many of the fetched rows the page takes, those that cannot be read among them.
pub(crate) fn taken(rows: &[Row], request: PageRequest) -> usize {
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    limit.min(within(rows.iter().map(Row::size)))
}

/// Reads rows for whoever works with them, and not with a page. One that cannot be read is as one that is not there, and holds none of the
/// others up.
pub(crate) fn each<T>(rows: Vec<Row>, what: &'static str, read: impl Fn(&mut Row) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    let mut all = Vec::with_capacity(rows.len());
    for mut row in rows {
        let number = row.number();
        match read(&mut row) {
            Ok(value) => all.push(value),
            Err(Error::Corrupt(why)) => tracing::error!(what, number, why, "a row cannot be read and is passed over"),
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// How many rows of those sizes make a page: the first, whatever it is, and those that fit behind it.
pub(crate) fn within(sizes: impl Iterator<Item = usize>) -> usize {
    let mut bytes = 0;
    let fits = |(place, size): &(usize, usize)| {
        bytes += size;
        *place == 0 || bytes <= limits::PAGE_BYTES
    };
    sizes.enumerate().take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_its_first_row_and_what_fits_behind_it_to_the_byte() {
        let of = |sizes: &[usize]| within(sizes.iter().copied());
        assert_eq!(of(&[]), 0);
        assert_eq!(of(&[limits::PAGE_BYTES * 2, 1]), 1);
        assert_eq!(of(&[limits::PAGE_BYTES - 1, 1, 1]), 2);
        assert_eq!(of(&[1, limits::PAGE_BYTES, 0]), 1);
        assert_eq!(of(&[1; 200]), 200);
    }
}
