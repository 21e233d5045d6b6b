//! `wharf migrate`: brings the database's schema up to date without a gateway, as the next start would; or only looks whether there is
//! anything to do.

use std::io::ErrorKind;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use tokio::time::Instant;
use wharf_core::Chance;
use wharf_core::chance::SystemChance;
use wharf_core::store::DatabaseStore as _;
use wharf_store::{Glance, OpenError};

use crate::config::Config;
use crate::world::World;
use crate::{identity, partners};

#[derive(Args)]
pub struct Migrate {
    /// Only looks, changes nothing, and ends with 1 where the schema is not the one that this release works with.
    #[arg(long)]
    check: bool,
}

impl Migrate {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let url = config.database_url();
        let seen = seen(&url).await?;
        if let Some(Glance { found, own, .. }) = seen {
            if found > own {
                return Err(OpenError::Newer { found, own }.into());
            }
            if found == own {
                println!("The database is at migration {own}, as this release needs it. Nothing is to be done.");
                return Ok(());
            }
        }
        let from = seen.as_ref().map_or(0, |seen| seen.found);
        if self.check {
            let Some(seen) = seen else {
                bail!("there is no database yet: `wharf migrate` makes it, and so does the gateway's start");
            };
            bail!(
                "the database is at migration {from}, and this release needs {}: make a backup, then run `wharf migrate` or start the \
                 gateway",
                seen.own
            );
        }
        let began = Instant::now();
        bring_up_to_date(&config).await?;
        let took = began.elapsed();
        let now = wharf_store::glance(&url).await?;
        println!("The database was at migration {from} and is at {} now; that took {:.3} seconds.", now.found, took.as_secs_f64());
        if from > 0 {
            println!("An older release refuses it from now on.");
        }
        Ok(())
    }
}

/// What the database says of itself; `None` where its file is not there.
async fn seen(url: &str) -> Result<Option<Glance>, OpenError> {
    match wharf_store::glance(url).await {
        Err(OpenError::File { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        seen => seen.map(Some),
    }
}

/// Refused as a start is, and before anything is changed: where world, folder or key are another's.
async fn bring_up_to_date(config: &Config) -> anyhow::Result<()> {
    let chance: Arc<dyn Chance> = Arc::new(SystemChance);
    identity::make_data_dir(&config.data_dir)?;
    partners::check_older(config, &World::Production, &chance).await?;
    let settings = wharf_store::Config::new(config.database_url(), Arc::clone(&chance));
    let store = wharf_store::open(settings).await.context("the database cannot be brought up to date")?;
    let checked = async {
        World::Production.check_database(&store.claim_world(World::Production.name()).await?)?;
        partners::check_database(&config.data_dir, &*store, &*chance).await?;
        anyhow::Ok(())
    };
    let checked = checked.await;
    store.close().await;
    checked
}
