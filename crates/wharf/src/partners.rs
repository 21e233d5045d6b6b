//! What belongs together: a database, the data folder that was used with it, and the master key that seals what stands in it. Where one of
//! them is missing or another one, the start is refused by name: none is made anew beside its partners. While the key is being changed, both
//! belong to it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wharf_core::Chance;
use wharf_core::seal::{Seal, Unfit};
use wharf_core::store::{self, DatabaseStore, OwnerStore};
use wharf_store::OpenError;

use crate::config::Config;
use crate::identity;
use crate::world::{self, World};

/// Beside the database: which one the folder was used with.
const FILE: &str = "database-id";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("the database cannot be looked at before it is brought up to date")]
    Look(#[from] OpenError),
    #[error(transparent)]
    World(#[from] world::Error),
    #[error(transparent)]
    Identity(#[from] identity::Error),
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error(
        "the database is empty or another one than the one that {} was used with: a wrong address, a volume that is not mounted, or a \
         restore that is not done. If the new one is meant, remove {}",
        folder.display(),
        mark.display()
    )]
    AnotherDatabase { folder: PathBuf, mark: PathBuf },
    #[error("the master key {} is not there, and the database holds what it sealed: put the key back (no other one opens it)", .0.display())]
    KeyIsGone(PathBuf),
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

/// Looks at an older release's database before it is brought up to date: a start that is refused leaves it to that release.
pub async fn check_older(config: &Config, world: &World, chance: &Arc<dyn Chance>) -> Result<(), Error> {
    let seen = match wharf_store::glance(&config.database_url()).await {
        // Whoever opens it makes it.
        Err(OpenError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(()),
        // One that cannot be looked at now, and could be in a moment, would be changed unseen.
        seen => seen?,
    };
    if seen.found == 0 || seen.found >= seen.own {
        return Ok(());
    }
    if let Some(found) = &seen.world {
        world.check_database(found)?;
    }
    let mark = config.data_dir.join(FILE);
    if let (Some(known), Some(found)) = (folder_of(&mark)?, &seen.installation)
        && known != *found
    {
        return Err(Error::AnotherDatabase { folder: config.data_dir.clone(), mark });
    }
    let path = config.master_key_path();
    if seen.sealed && config.master_key.is_none() && !path.exists() {
        return Err(Error::KeyIsGone(path));
    }
    // No key is made here: where nothing is sealed that is for the start itself.
    if seen.keys.in_force.is_some() {
        identity::seal(config, chance)?.follow(&seen.keys)?;
    }
    Ok(())
}

/// The database that the folder was used with.
fn folder_of(mark: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(mark) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|id| !id.is_empty())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::File { path: mark.to_owned(), error }),
    }
}

/// Refuses a folder that was used with another installation's database.
pub fn check_folder(data_dir: &Path, installation: Option<&str>) -> Result<(), Error> {
    let mark = data_dir.join(FILE);
    match folder_of(&mark)? {
        Some(known) if Some(known.as_str()) != installation => Err(Error::AnotherDatabase { folder: data_dir.to_owned(), mark }),
        _ => Ok(()),
    }
}

/// Whether the folder was used with this database. A folder that was used with none remembers this one.
pub async fn check_database<S>(data_dir: &Path, store: &S, chance: &dyn Chance) -> Result<(), Error>
where
    S: DatabaseStore + OwnerStore + ?Sized,
{
    let mark = data_dir.join(FILE);
    let failed = |error| Error::File { path: mark.clone(), error };
    if let Some(known) = folder_of(&mark)? {
        // Asked before anything is written into a database that may be somebody else's. A used one without an id is a backup from before
        // there were any.
        let found = match store.installation().await? {
            None if store.is_sealed().await? || store.high_water().await? > 0 => Some(store.claim_installation(&known).await?),
            found => found,
        };
        let same = found.is_some_and(|found| found == known);
        return if same { Ok(()) } else { Err(Error::AnotherDatabase { folder: data_dir.to_owned(), mark }) };
    }
    let id = store.claim_installation(&chance.uuid().to_string()).await?;
    let fresh = mark.with_extension("new");
    fs::write(&fresh, id + "\n").and_then(|()| fs::rename(&fresh, &mark)).map_err(failed)
}

/// The keys that open what is in the database, and seal with the one that it says. A key is made where none has sealed anything yet, and
/// only there.
pub async fn seal<S>(config: &Config, store: &S, chance: &Arc<dyn Chance>) -> Result<Seal, Error>
where
    S: DatabaseStore + ?Sized,
{
    let path = config.master_key_path();
    let is_missing = config.master_key.is_none() && !path.exists();
    if is_missing && store.is_sealed().await? {
        return Err(Error::KeyIsGone(path));
    }
    let seal = identity::seal(config, chance)?;
    let installation = store.claim_installation(&chance.uuid().to_string()).await?;
    let check = store.claim_key_check(&seal.check_value(&installation)).await?;
    seal.follow(&store.key_marks().await?)?;
    if let Some(id) = seal.maker(&check) {
        store.name_key(&check, id).await?;
    }
    Ok(seal)
}
