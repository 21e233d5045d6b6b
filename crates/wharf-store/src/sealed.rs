//! What is sealed with the master key: what the database says of that key, which nodes know it, and how all of it is sealed anew under
//! another one, a few rows a commit, while nodes run.

mod anew;
pub(crate) mod walk;

use wharf_api::Timestamp;
use wharf_core::store::{Error, KeyMarks};

use crate::database::{KEY_CHECK, MARK, MARKED};
use crate::lane::Place;
use crate::owner;
use crate::sql::{Row, Sql, args, corrupt, statements};
use crate::store::SqlStore;

pub use anew::Resealed;
pub use walk::{Kind, SealedBy};

statements! {
    /// Both in one statement: they change together.
    MARKS = "SELECT name, value FROM meta WHERE name IN ($1, $2)";
    /// Every start says it, and what stands there already is not written once more.
    NAME_KEY = "INSERT INTO meta (name, value) SELECT $1, $2 FROM meta WHERE name = $3 AND value = $4 \
        ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE meta.value <> excluded.value";
    PUT_MARK = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    DROP_MARK = "DELETE FROM meta WHERE name = $1";
    NODES = "SELECT node, version, knows_keys, seals_with FROM node_lease WHERE expires_at > $1 ORDER BY node";
    /// Whoever lost its lease has lost its sessions to whoever asks: what it still seals with the key that it knew is refused from now on.
    FENCE_OFF = "UPDATE session_owner SET epoch = epoch + 1 WHERE node IS NOT NULL AND NOT EXISTS \
        (SELECT 1 FROM node_lease l WHERE l.node = session_owner.node AND l.expires_at > $1)";
}

/// What the check value of the key that is on its way is called among the marks.
pub(crate) const TO_BE: &str = "master-key-to-be";
/// And what the ids of both keys are called there.
pub(crate) const KEY_ID: &str = "master-key-id";
pub(crate) const TO_BE_ID: &str = "master-key-to-be-id";

pub(crate) fn all() -> [&'static [Sql]; 2] {
    [ALL, walk::ALL]
}

/// A node with a lease, and what it tells of master keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeKeys {
    pub node: String,
    pub version: Option<String>,
    /// The ids of all that it knows; `None` where it is of a release that tells nothing.
    pub knows: Option<Vec<String>>,
    pub seals_with: Option<String>,
}

fn node(row: &mut Row) -> Result<NodeKeys, Error> {
    let (node, version, knows) = (row.text()?, row.opt_text()?, row.opt_text()?);
    let knows = knows.map(|ids| ids.split_whitespace().map(str::to_owned).collect());
    Ok(NodeKeys { node, version, knows, seals_with: row.opt_text()? })
}

impl SqlStore {
    pub(crate) async fn key_marks(&self) -> Result<KeyMarks, Error> {
        let mut marks = KeyMarks::default();
        for mut row in self.readers.few(&MARKS, args![KEY_CHECK, TO_BE]).await? {
            let (name, value) = (row.text()?, row.text()?);
            if name == TO_BE {
                marks.to_be = Some(value);
            } else {
                marks.in_force = Some(value);
            }
        }
        Ok(marks)
    }

    pub(crate) async fn name_key(&self, check: &str, id: &str) -> Result<(), Error> {
        let (check, id) = (check.to_owned(), id.to_owned());
        self.write(Place::gateway(), move |tx| {
            Box::pin(async move { tx.execute(&NAME_KEY, args![KEY_ID, &id, KEY_CHECK, &check]).await.map(drop) })
        })
        .await
    }

    /// The nodes that have a lease. A file's lease outlives a process that died: whether one runs tells [`crate::is_in_use`].
    pub async fn keys_of_nodes(&self, now: Timestamp) -> Result<Vec<NodeKeys>, Error> {
        let now = owner::now(self, now).await?;
        self.readers.fetch(&NODES, args![now]).await?.iter_mut().map(node).collect()
    }

    /// Refuses from now on what nodes without a lease still write for their sessions, as their next owner would.
    pub async fn fence_off_nodes(&self, now: Timestamp) -> Result<u64, Error> {
        let now = owner::now(self, now).await?;
        self.write(Place::gateway(), move |tx| Box::pin(async move { tx.execute(&FENCE_OFF, args![now]).await })).await
    }

    /// Begins to seal with the key of that check value and id, or tells with which check value an earlier run began. From now on no node
    /// starts that does not know both keys, and those that do seal with this one.
    pub async fn begin_change_of_key(&self, check: &str, id: &str) -> Result<String, Error> {
        let (check, id) = (check.to_owned(), id.to_owned());
        self.write(Place::gateway(), move |tx| {
            Box::pin(async move {
                tx.execute(&MARK, args![TO_BE, &check]).await?;
                let begun = tx.first(&MARKED, args![TO_BE]).await?.ok_or_else(|| corrupt("no mark of a key after it was made"))?.text()?;
                if begun == check {
                    tx.execute(&PUT_MARK, args![TO_BE_ID, &id]).await?;
                }
                Ok(begun)
            })
        })
        .await
    }

    /// The key of that check value, with which the change began, is the one in force from now on. `false` where it is not the one that is
    /// on its way: another run has ended the change, or nobody began it.
    pub async fn end_change_of_key(&self, check: &str, id: &str) -> Result<bool, Error> {
        let (check, id) = (check.to_owned(), id.to_owned());
        self.write(Place::gateway(), move |tx| {
            Box::pin(async move {
                let begun = tx.first(&MARKED, args![TO_BE]).await?.map(|mut row| row.text()).transpose()?;
                if begun.as_ref() != Some(&check) {
                    return Ok(false);
                }
                tx.execute(&PUT_MARK, args![KEY_CHECK, &check]).await?;
                tx.execute(&PUT_MARK, args![KEY_ID, &id]).await?;
                tx.execute(&DROP_MARK, args![TO_BE]).await?;
                tx.execute(&DROP_MARK, args![TO_BE_ID]).await?;
                Ok(true)
            })
        })
        .await
    }
}
