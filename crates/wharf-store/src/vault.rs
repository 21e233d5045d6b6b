//! The engine's key vault.
//!
//! A group of a thousand brings thousands of changes that belong into one commit. PostgreSQL takes them as lists, so that their number is not
//! the number of ways there and back.

mod changes;

use async_trait::async_trait;
use wharf_api::ids::SessionId;
use wharf_core::store::{Error, Fence, VaultOp, VaultStore};

use crate::dialect::Dialect;
use crate::lane::Place;
use crate::owner;
use crate::sql::{Arg, Row, Sql, Tx, args, statements};
use crate::store::SqlStore;

pub(crate) use changes::apply;

statements! {
    GET = "SELECT value FROM vault WHERE session_id = $1 AND space = $2 AND key = $3";
    GET_MANY = "SELECT key, value FROM vault WHERE session_id = $1 AND space = $2 AND key IN \
        ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    LIST = "SELECT key, value FROM vault WHERE session_id = $1 AND space = $2 AND key >= $3 ORDER BY key LIMIT $4";
    LIST_UP_TO = "SELECT key, value FROM vault WHERE session_id = $1 AND space = $2 AND key >= $3 AND key < $4 \
        ORDER BY key LIMIT $5";
    PAGE = "SELECT key, value FROM vault WHERE session_id = $1 AND space = $2 AND key > $3 ORDER BY key LIMIT $4";
    WIPE = "DELETE FROM vault WHERE session_id = $1";
}

/// How many keys one statement of [`GET_MANY`] takes.
const AT_ONCE: usize = 16;
/// How many entries are read without another thread: mostly that is all there are.
const SHORT: u32 = 32;
/// A list has no limit.
const ALL_OF_THEM: u32 = u32::MAX;

/// Deletes everything that the session has in the vault.
pub(crate) async fn wipe(tx: &mut Tx, session: &SessionId) -> Result<(), Error> {
    tx.execute(&WIPE, args![session]).await.map(drop)
}

pub(crate) fn all() -> [&'static [Sql]; 3] {
    [ALL, changes::ALL, changes::LISTS]
}

fn pairs(rows: Vec<Row>) -> Result<Vec<(String, Vec<u8>)>, Error> {
    rows.into_iter().map(|mut row| Ok((row.text()?, row.bytes()?))).collect()
}

/// The first text after all that begin with `prefix`, in the order of bytes; `None` where no text comes after them.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut rest = prefix.to_owned();
    while let Some(last) = rest.pop() {
        // Some numbers after a character are no characters.
        if let Some(next) = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32) {
            rest.push(next);
            return Some(rest);
        }
    }
    None
}

impl SqlStore {
    /// Reads up to `limit` entries, in their order; the statement's last argument is the limit. On SQLite a few of them are read where they
    /// are asked for, and where there are more all of them aside: one read sees one state of the space.
    async fn entries(&self, sql: &Sql, args: &[Arg<'_>], limit: u32) -> Result<Vec<(String, Vec<u8>)>, Error> {
        if self.readers.dialect() == Dialect::Sqlite {
            let short = limit.min(SHORT);
            let few = self.readers.few(sql, &with(args, short)).await?;
            if short == limit || few.len() < short as usize {
                return pairs(few);
            }
        }
        pairs(self.readers.fetch(sql, &with(args, limit)).await?)
    }
}

fn with<'a>(args: &[Arg<'a>], limit: u32) -> Vec<Arg<'a>> {
    args.iter().copied().chain([limit.into()]).collect()
}

#[async_trait]
impl VaultStore for SqlStore {
    async fn vault_get(&self, session: &SessionId, space: &'static str, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let row = self.readers.first(&GET, args![session, space, key]).await?;
        row.map(|mut row| row.bytes()).transpose()
    }

    async fn vault_get_many(&self, session: &SessionId, space: &'static str, keys: &[String]) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let mut found = Vec::new();
        for keys in keys.chunks(AT_ONCE) {
            // A short list repeats its last key, so that one statement serves every length.
            let key = |place: usize| keys.get(place).or(keys.last()).map(String::as_str);
            let args = args![
                session,
                space,
                key(0),
                key(1),
                key(2),
                key(3),
                key(4),
                key(5),
                key(6),
                key(7),
                key(8),
                key(9),
                key(10),
                key(11),
                key(12),
                key(13),
                key(14),
                key(15)
            ];
            found.extend(pairs(self.readers.few(&GET_MANY, args).await?)?);
        }
        Ok(found)
    }

    async fn vault_list(&self, session: &SessionId, space: &'static str, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        match after_prefix(prefix) {
            Some(end) => self.entries(&LIST_UP_TO, args![session, space, prefix, &end], ALL_OF_THEM).await,
            None => self.entries(&LIST, args![session, space, prefix], ALL_OF_THEM).await,
        }
    }

    async fn vault_page(&self, session: &SessionId, space: &'static str, after: &str, limit: u32) -> Result<Vec<(String, Vec<u8>)>, Error> {
        self.entries(&PAGE, args![session, space, after], limit).await
    }

    async fn vault_apply(&self, fence: &Fence, ops: Vec<VaultOp>) -> Result<(), Error> {
        let owned = fence.clone();
        self.write_light(Place::fenced(fence), vec![owner::kept(fence)?], move |tx| {
            Box::pin(async move {
                owner::check(tx, &owned).await?;
                apply(tx, &owned.session, &ops).await
            })
        })
        .await
    }

    async fn vault_wipe(&self, fence: &Fence) -> Result<(), Error> {
        let owned = fence.clone();
        self.write(Place::fenced(fence), move |tx| {
            Box::pin(async move {
                owner::check(tx, &owned).await?;
                wipe(tx, &owned.session).await
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_the_next_text_that_does_not_begin_with_it() {
        assert_eq!(after_prefix("a").as_deref(), Some("b"));
        assert_eq!(after_prefix("49:").as_deref(), Some("49;"));
        assert_eq!(after_prefix("").as_deref(), None);
        assert_eq!(after_prefix("x\u{D7FF}").as_deref(), Some("x\u{E000}"));
        assert_eq!(after_prefix("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{10FFFF}").as_deref(), None);
    }
}
