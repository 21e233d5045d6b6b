//! Accepting a message: claim, quota, row, payload, event and the longer life of its file in one commit.

use wharf_core::message::events_of;
use wharf_core::store::{Accepted, Error, NewEvent, NewMessage};
use wharf_core::usage;

use super::row::{Said, insert_args, message_insert, said};
use crate::event::{self, Draft};
use crate::sql::{Tx, args, statements};
use crate::store::SqlStore;
use crate::{account, idempotency, media};

statements! {
    /// Changes no row where the limit is reached.
    COUNT = "INSERT INTO usage (account_id, utc_day, messages) SELECT $1, $2, 1 WHERE CAST($3 AS BIGINT) > 0 \
        ON CONFLICT (account_id, utc_day) DO UPDATE SET messages = usage.messages + 1 WHERE usage.messages < CAST($3 AS BIGINT)",
        postgres " RETURNING messages, warned";
    COUNTED = "SELECT messages, warned FROM usage WHERE account_id = $1 AND utc_day = $2";
    COUNT_ALL = "INSERT INTO usage (account_id, utc_day, messages) VALUES ($1, $2, 1) \
        ON CONFLICT (account_id, utc_day) DO UPDATE SET messages = usage.messages + 1";
    WARNED = "UPDATE usage SET warned = $3 WHERE account_id = $1 AND utc_day = $2";
    INSERT = message_insert!(), postgres " RETURNING number";
    PAYLOAD = "INSERT INTO outgoing (message, payload, audience, attempts, claimed_at) VALUES ($1, $2, $3, $4, $5)";
}

impl SqlStore {
    pub(super) async fn accept(&self, message: &NewMessage) -> Result<Accepted, Error> {
        let new = message.clone();
        let (said, events) = (said(&new.row)?, event::drafts(events_of(&new.row)));
        self.write_shared(message.row.account.as_str(), message.row.session.as_str(), move |tx| {
            Box::pin(async move { accept(tx, &new, &said, &events).await })
        })
        .await
    }
}

async fn accept(tx: &mut Tx, new: &NewMessage, said: &Said, events: &[Draft]) -> Result<Accepted, Error> {
    let row = &new.row;
    if let Some(claim) = &new.claim
        && !idempotency::claim(tx, &row.account, claim, row.id.as_str(), row.created_at).await?
    {
        // Nothing was written.
        return Ok(Accepted::ClaimedBefore);
    }
    let day = row.created_at.utc_day();
    let mut of_limit = None;
    if let Some(limit) = new.daily_limit {
        let Some(mut counted) = tx.change(&COUNT, &COUNTED, args![&row.account, day, Some(limit)]).await? else {
            let used = tx.first(&account::USED_ON_DAY, args![&row.account, day]).await?;
            // The claim goes too: the same request may succeed tomorrow.
            tx.discard();
            return Ok(Accepted::DailyLimit { used: used.map_or(Ok(0), |mut row| row.count())? });
        };
        of_limit = Some((limit, counted.count()?, counted.count()?));
    } else {
        tx.execute(&COUNT_ALL, args![&row.account, day]).await?;
    }
    let mut numbers = event::reserve(tx, &row.account, &row.session, events.len()).await?;
    // The session was deleted a moment ago: nobody will send the message, so its time is over now and it fails soon.
    let expires_at = if numbers.deleted { row.created_at } else { new.expires_at };
    let number = tx.insert(&INSERT, insert_args!(row, said, expires_at)).await?;
    let claimed_at = new.claimed.then_some(row.created_at);
    let audience = (!new.audience.is_empty()).then(|| serde_json::json!(new.audience).to_string());
    tx.execute(&PAYLOAD, args![number, &new.payload, &audience, i64::from(new.claimed), claimed_at]).await?;
    event::insert(tx, &row.account, &row.session, &mut numbers, row.created_at, events).await?;
    if let Some((file, until)) = &new.keeps {
        media::send_on(tx, &row.account, file, *until).await?;
    }
    if let Some((limit, used, warned)) = of_limit {
        let warnings = usage::warnings(used, limit, warned, row.created_at);
        if let Some(last) = warnings.last() {
            tx.execute(&WARNED, args![&row.account, day, Some(last.percent)]).await?;
            let events = event::drafts(warnings.iter().map(NewEvent::from).collect());
            event::write_of_account(tx, &row.account, row.created_at, &events).await?;
        }
    }
    Ok(Accepted::Now)
}
