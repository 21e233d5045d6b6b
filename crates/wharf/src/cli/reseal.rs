//! `wharf reseal`: changes the master key. Everything that is sealed in the database is sealed anew with another key, while no gateway
//! runs on it. A run that is cut off is begun again with the same words and goes on.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use wharf_core::chance::SystemChance;
use wharf_core::clock::SystemClock;
use wharf_core::seal::anew::Anew;
use wharf_core::seal::{Seal, place};
use wharf_core::store::AccountStore as _;
use wharf_core::{Chance, Clock as _};
use wharf_store::{OpenError, Resealed, SqlStore};

use crate::config::Config;
use crate::{identity, partners};

#[derive(Args)]
pub struct Reseal {
    /// The file of the new master key; it is made where there is none.
    #[arg(long, value_name = "FILE")]
    new_key_file: PathBuf,
}

impl Reseal {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let path = config.master_key_path();
        if config.master_key.is_none() && !path.exists() {
            return Err(partners::Error::KeyIsGone(path).into());
        }
        let seen = wharf_store::glance(&config.database_url()).await?;
        if seen.found != seen.own {
            bail!("the database is at migration {}, and this release needs {}: let the gateway start on it once", seen.found, seen.own);
        }
        let chance: Arc<dyn Chance> = Arc::new(SystemChance);
        let store = match wharf_store::open(wharf_store::Config::new(config.database_url(), Arc::clone(&chance))).await {
            Ok(store) => store,
            Err(OpenError::InUse(path)) => bail!("{} is in use: stop the gateway, and run this again", path.display()),
            Err(error) => return Err(error).context("the database cannot be opened"),
        };
        let done = self.change(&config, &store, &chance).await;
        store.close().await;
        let place = self.new_key_file.display();
        match done? {
            None => println!("Everything is sealed with the key of {place} already."),
            Some(told) => {
                println!("{} values are sealed anew, {} were so before.", told.done, told.already);
                if told.unreadable_count > 0 {
                    println!("{} open with neither key and were left as they are: {}", told.unreadable_count, told.unreadable.join(", "));
                }
            }
        }
        println!(
            "Put the key of {place} in the place of the old one (master_key_file, WHARF_MASTER_KEY) before the gateway starts, on every node."
        );
        println!("Keep the old key with the backups from before: no other one opens them.");
        Ok(())
    }

    async fn change(&self, config: &Config, store: &SqlStore, chance: &Arc<dyn Chance>) -> anyhow::Result<Option<Resealed>> {
        // A file has one process, which is this one.
        let shared = !config.database_url().starts_with("sqlite:");
        let nodes = if shared { store.living_nodes(SystemClock.now()).await? } else { 0 };
        if nodes > 0 {
            bail!("{nodes} nodes run on the database, or ran a moment ago: stop them all, and run this again after 15 seconds");
        }
        let old = identity::master_key(config, &**chance)?;
        let new = identity::key_of_file(&self.new_key_file, &**chance)?;
        let seen = wharf_store::glance(&config.database_url()).await?;
        match &seen.key_check {
            Some(check) if partners::is_of(&new, check) => return Ok(None),
            Some(check) if !partners::is_of(&old, check) => return Err(partners::Error::AnotherKey.into()),
            _ => {}
        }
        let installation = store.claim_installation(&chance.uuid().to_string()).await?;
        let check = STANDARD.encode(Seal::new(&new, Arc::clone(chance)).close(&place::KEY_CHECK, installation.as_bytes()));
        let begun = store.begin_reseal(&check).await?;
        if !partners::is_of(&new, &begun) {
            bail!("an earlier run that was cut off began with another new key: name the file of that one");
        }
        let told = store.reseal(&Anew::new(&old, &new, chance)).await?;
        store.end_reseal(&check).await?;
        Ok(Some(told))
    }
}
