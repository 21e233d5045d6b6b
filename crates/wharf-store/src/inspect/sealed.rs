//! What is sealed with the master key, and whether that opens it.

use wharf_core::store::{Error, WebhookRow};

use super::{Class, Inspection, PAGE, Report};
use crate::sql::{args, statements};
use crate::webhook::{webhook, webhook_columns};

statements! {
    VAULT = "SELECT session_id, space, key, value FROM vault WHERE (session_id, space, key) > ($1, $2, $3) \
        ORDER BY session_id, space, key LIMIT $4";
    WEBHOOKS = concat!("SELECT ", webhook_columns!(), " FROM webhooks WHERE number > $1 ORDER BY number LIMIT $2");
}

/// Opens what is sealed, and forgets it.
pub trait Opener {
    /// What an engine keeps of a session under a space and a key.
    fn opens(&self, session: &str, space: &str, key: &str, sealed: &[u8]) -> bool;

    /// Secrets and headers of a webhook.
    fn opens_webhook(&self, row: &WebhookRow) -> bool;
}

impl Inspection {
    /// Looks whether everything that is sealed can be opened.
    pub async fn sealed(&self, opener: &impl Opener, report: &mut Report) -> Result<(), Error> {
        self.vault(opener, report).await?;
        self.webhooks(opener, report).await
    }

    async fn vault(&self, opener: &impl Opener, report: &mut Report) -> Result<(), Error> {
        let (mut session, mut space, mut key) = (String::new(), String::new(), String::new());
        loop {
            let rows = self.readers.fetch(&VAULT, args![&session, &space, &key, PAGE]).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for mut row in rows {
                (session, space, key) = (row.text()?, row.text()?, row.text()?);
                if !opener.opens(&session, &space, &key, &row.bytes()?) {
                    report.note(Class::Wrong, "values of sessions that the master key does not open", format!("{session} {space}"));
                }
            }
        }
    }

    async fn webhooks(&self, opener: &impl Opener, report: &mut Report) -> Result<(), Error> {
        let mut after = 0;
        loop {
            let rows = self.readers.fetch(&WEBHOOKS, args![after, PAGE]).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for mut row in rows {
                after = row.number().unwrap_or(i64::MAX);
                match webhook(&mut row) {
                    Ok((_, row)) if opener.opens_webhook(&row) => {}
                    Ok((_, row)) => report.note(Class::Wrong, "webhooks whose secret the master key does not open", row.id.as_str()),
                    Err(Error::Corrupt(_)) => report.note(Class::Wrong, "webhooks whose rows cannot be read", format!("number {after}")),
                    Err(error) => return Err(error),
                }
            }
        }
    }
}
