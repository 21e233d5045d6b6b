//! A look at a database before anything is done with it: how far its schema is, whose it is, and which key sealed it. Reads only.

use wharf_core::store::{Error, KeyMarks};

use crate::database::{KEY_CHECK, MARKED, SEALED};
use crate::fitness;
use crate::inspect;
use crate::migrations;
use crate::open::error::OpenError;
use crate::readers::Readers;
use crate::sealed::{KEY_ID, TO_BE, TO_BE_ID};
use crate::sql::args;

/// What a database says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    /// Its newest migration; 0 where it has no schema.
    pub found: i64,
    /// This program's newest.
    pub own: i64,
    /// `None` where nobody has marked it.
    pub world: Option<String>,
    /// The id of the installation that it belongs to.
    pub installation: Option<String>,
    /// Whether anything in it is sealed with a master key.
    pub sealed: bool,
    /// The check value of that key, and of the next one while it is being changed.
    pub keys: KeyMarks,
    /// The ids of both, as far as they are written down.
    pub key_ids: Vec<String>,
}

/// Looks at the database as it is. A file that is not there is not made.
pub async fn glance(url: &str) -> Result<Glance, OpenError> {
    let readers = Readers::new(inspect::connect(url)?, 1);
    let failed = |error| if fitness::tells_of_a_pooler(&error) { OpenError::Pooler } else { OpenError::Connect(error) };
    let seen = look(&readers).await.map_err(failed);
    readers.close().await;
    seen
}

async fn look(readers: &Readers) -> Result<Glance, Error> {
    let own = migrations::newest();
    let has_history = readers.first(&migrations::HAS_HISTORY, &[]).await?.map_or(Ok(0), |mut row| row.int())? > 0;
    if !has_history {
        let keys = KeyMarks::default();
        return Ok(Glance { found: 0, own, world: None, installation: None, sealed: false, keys, key_ids: Vec::new() });
    }
    let found = readers.first(&migrations::NEWEST, &[]).await?.map_or(Ok(0), |mut row| row.int())?;
    let marked = async |name: &str| readers.first(&MARKED, args![name]).await?.map(|mut row| row.text()).transpose();
    let (world, installation) = (marked("world").await?, marked("installation").await?);
    let keys = KeyMarks { in_force: marked(KEY_CHECK).await?, to_be: marked(TO_BE).await? };
    let key_ids = [marked(KEY_ID).await?, marked(TO_BE_ID).await?].into_iter().flatten().collect();
    // The first migrations knew no webhooks.
    let sealed = keys.in_force.is_some() || (found >= own && readers.first(&SEALED, &[]).await?.is_some());
    Ok(Glance { found, own, world, installation, sealed, keys, key_ids })
}
