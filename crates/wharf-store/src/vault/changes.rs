//! Changes of a vault, in as few statements as the database can.

use std::collections::BTreeMap;

use wharf_api::ids::SessionId;
use wharf_core::store::{Error, VaultOp};

use crate::group_end::{self, GROUP_END};
use crate::sql::{Sql, Tx, args, statements};

statements! {
    PUT = "INSERT INTO vault (session_id, space, key, value) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (session_id, space, key) DO UPDATE SET value = excluded.value";
    DELETE = "DELETE FROM vault WHERE session_id = $1 AND space = $2 AND key = $3";
    CLEAR = "DELETE FROM vault WHERE session_id = $1 AND space = $2";
}

/// Many entries at once, by lists. SQLite has none, and needs none: its statements go nowhere.
const PUT_ALL: Sql = Sql {
    name: "PUT_ALL",
    sqlite: PUT.sqlite,
    postgres: "INSERT INTO vault (session_id, space, key, value) \
        SELECT $1, l.space, l.key, l.value FROM unnest($2::TEXT[], $3::TEXT[], $4::BYTEA[]) AS l(space, key, value) \
        ON CONFLICT (session_id, space, key) DO UPDATE SET value = excluded.value",
};
const DELETE_ALL: Sql = Sql {
    name: "DELETE_ALL",
    sqlite: DELETE.sqlite,
    postgres: "DELETE FROM vault v USING unnest($2::TEXT[], $3::TEXT[]) AS l(space, key) \
        WHERE v.session_id = $1 AND v.space = l.space AND v.key = l.key",
};
pub(super) const LISTS: &[Sql] = &[PUT_ALL, DELETE_ALL];

/// How many keys one statement takes: a list is one message to the server, and values have their size.
const AT_ONCE: usize = 500;

/// How many keys one write leaves for the end of its group: others have theirs in that statement too. A message changes one or two.
const LEFT_AT_ONCE: usize = 8;

/// What becomes of each key: its value, or nothing.
type Ends<'a> = BTreeMap<(&'static str, &'a str), Option<&'a [u8]>>;

/// Makes the changes as if one after the other: of several of one key the last one counts.
pub(crate) async fn apply(tx: &mut Tx, session: &SessionId, ops: &[VaultOp]) -> Result<(), Error> {
    if tx.lists_rows() {
        if ops.len() <= LEFT_AT_ONCE && !ops.iter().any(|op| matches!(op, VaultOp::Clear { .. })) {
            leave(tx, session, ops);
            return Ok(());
        }
        // What others of the group have left is older than this.
        tx.settle().await?;
    }
    let mut ends = Ends::new();
    for op in ops {
        match op {
            VaultOp::Put { space, key, value } => {
                ends.insert((*space, key.as_str()), Some(value.as_slice()));
            }
            VaultOp::Delete { space, key } => {
                ends.insert((*space, key.as_str()), None);
            }
            VaultOp::Clear { space } => {
                ends.retain(|(of, _), _| of != space);
                tx.execute(&CLEAR, args![session, *space]).await?;
            }
        }
    }
    let (puts, deletes): (Vec<_>, Vec<_>) = ends.into_iter().partition(|(_, value)| value.is_some());
    if tx.takes_lists() && puts.len() + deletes.len() > 1 {
        for part in puts.chunks(AT_ONCE) {
            let ((spaces, keys), values): ((Vec<_>, Vec<_>), Vec<_>) =
                part.iter().map(|(key, value)| (*key, value.unwrap_or_default())).unzip();
            tx.execute(&PUT_ALL, args![session, &*spaces, &*keys, &*values]).await?;
        }
        for part in deletes.chunks(AT_ONCE) {
            let (spaces, keys): (Vec<_>, Vec<_>) = part.iter().map(|(key, _)| *key).unzip();
            tx.execute(&DELETE_ALL, args![session, &*spaces, &*keys]).await?;
        }
        return Ok(());
    }
    for ((space, key), value) in puts {
        tx.execute(&PUT, args![session, space, key, value.unwrap_or_default()]).await?;
    }
    for ((space, key), _) in deletes {
        tx.execute(&DELETE, args![session, space, key]).await?;
    }
    Ok(())
}

/// Leaves the changes for the end of the group: the last one of a key counts there too, whichever write it is of.
fn leave(tx: &mut Tx, session: &SessionId, ops: &[VaultOp]) {
    for op in ops {
        let (space, key, value) = match op {
            VaultOp::Put { space, key, value } => (*space, key, Some(value.as_slice())),
            VaultOp::Delete { space, key } => (*space, key, None),
            VaultOp::Clear { .. } => continue,
        };
        tx.list_instead(&GROUP_END, group_end::KEYS, 3, args![session, space, key, value]);
    }
}
