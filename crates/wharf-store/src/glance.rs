//! A look at a database before anything is done with it: how far its schema is, whose it is, and which key sealed it. Reads only.

use wharf_core::store::Error;

use crate::account::{KEY_CHECK, MARKED, SEALED};
use crate::fitness;
use crate::inspect;
use crate::migrations;
use crate::open::error::OpenError;
use crate::readers::Readers;
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
    /// The check value of that key.
    pub key_check: Option<String>,
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
        return Ok(Glance { found: 0, own, world: None, installation: None, sealed: false, key_check: None });
    }
    let found = readers.first(&migrations::NEWEST, &[]).await?.map_or(Ok(0), |mut row| row.int())?;
    let marked = async |name: &str| readers.first(&MARKED, args![name]).await?.map(|mut row| row.text()).transpose();
    let (world, installation, key_check) = (marked("world").await?, marked("installation").await?, marked(KEY_CHECK).await?);
    // The first migrations knew no webhooks.
    let sealed = key_check.is_some() || (found >= own && readers.first(&SEALED, &[]).await?.is_some());
    Ok(Glance { found, own, world, installation, sealed, key_check })
}
