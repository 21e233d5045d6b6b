//! `wharf restored`: says that the database was put back to an older day. A gateway notices that by itself where only the database
//! was; where its data folder went back with it (a snapshot of the machine), nothing but a person knows.

use super::offline;
use crate::config::Config;

pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    let (services, store) = offline::open(&config).await?;
    let marked = services.store.mark_stale().await;
    store.close().await;
    println!("{} sessions begin their keys anew when the gateway starts. Their links stay.", marked?);
    Ok(())
}
