//! Rows of webhooks that cannot be read. What is sealed in them is looked at with all else that is.

use wharf_core::store::Error;

use super::{Class, Inspection, PAGE, Report};
use crate::sql::{args, statements};
use crate::webhook::{webhook, webhook_columns};

statements! {
    WEBHOOKS = concat!("SELECT ", webhook_columns!(), " FROM webhooks WHERE number > $1 ORDER BY number LIMIT $2");
}

impl Inspection {
    /// Looks whether every webhook can be read.
    pub(super) async fn webhooks(&self, report: &mut Report) -> Result<(), Error> {
        let mut after = 0;
        loop {
            let rows = self.readers.fetch(&WEBHOOKS, args![after, PAGE]).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for mut row in rows {
                after = row.number().unwrap_or(i64::MAX);
                match webhook(&mut row) {
                    Ok(_) => {}
                    Err(Error::Corrupt(_)) => report.note(Class::Wrong, "webhooks whose rows cannot be read", format!("number {after}")),
                    Err(error) => return Err(error),
                }
            }
        }
    }
}
