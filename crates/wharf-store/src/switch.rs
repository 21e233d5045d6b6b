//! The operator's switches.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_core::store::{Error, SwitchRow, SwitchStore};

use crate::lane::Place;
use crate::sql::{Row, args, statements};
use crate::store::SqlStore;

statements! {
    LIST = "SELECT name, position, since, degraded_since FROM whatsapp_switches ORDER BY name";
    SET = "INSERT INTO whatsapp_switches (name, position, since, degraded_since) VALUES ($1, $2, $3, NULL) \
        ON CONFLICT (name) DO UPDATE SET \
        since = CASE WHEN whatsapp_switches.position = excluded.position AND whatsapp_switches.since IS NOT NULL \
        THEN whatsapp_switches.since ELSE excluded.since END, \
        position = excluded.position, degraded_since = NULL";
    DEGRADE = "INSERT INTO whatsapp_switches (name, position, since, degraded_since) VALUES ($1, $2, NULL, $3) \
        ON CONFLICT (name) DO UPDATE SET degraded_since = excluded.degraded_since WHERE whatsapp_switches.degraded_since IS NULL";
}

fn read(row: &mut Row) -> Result<SwitchRow, Error> {
    Ok(SwitchRow { name: row.text()?, position: row.text()?, since: row.opt_time()?, degraded_since: row.opt_time()? })
}

#[async_trait]
impl SwitchStore for SqlStore {
    async fn list_switches(&self) -> Result<Vec<SwitchRow>, Error> {
        self.readers.few(&LIST, &[]).await?.iter_mut().map(read).collect()
    }

    async fn set_switches(&self, switches: &[(String, String)], at: Timestamp) -> Result<(), Error> {
        let switches = switches.to_vec();
        self.write(Place::gateway(), move |tx| {
            Box::pin(async move {
                for (name, position) in &switches {
                    tx.execute(&SET, args![name, position, at]).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn degrade_switch(&self, name: &str, position: &str, at: Timestamp) -> Result<bool, Error> {
        let (name, position) = (name.to_owned(), position.to_owned());
        self.write(Place::gateway(), move |tx| Box::pin(async move { Ok(tx.execute(&DEGRADE, args![&name, &position, at]).await? == 1) }))
            .await
    }
}
