//! Webhooks: their rows, which node delivers to them, and what is delivered.

mod deliveries;
mod row;

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, EventId, WebhookId};
use wharf_api::types::webhook::{DeliveryStatus, DisabledReason};
use wharf_core::store::{
    DeliveryRow, DueDeliveries, DueWebhook, Error, Health, Inserted, Page, PageRequest, TryRecord, WebhookChange, WebhookRow, WebhookStore,
};

use crate::lane::Place;
use crate::sql::{Sql, Tx, args, corrupt, page, statements};
use crate::store::SqlStore;
pub(crate) use row::{webhook, webhook_columns};

statements! {
    /// Two requests for the last place wait for each other.
    LOCK_ACCOUNT = "SELECT 1 FROM accounts WHERE id = $1", lock "FOR UPDATE";
    COUNT = "SELECT COUNT(*) FROM webhooks WHERE account_id = $1";
    FIND = concat!("SELECT ", webhook_columns!(), " FROM webhooks WHERE account_id = $1 AND id = $2");
    FIND_LOCKED = concat!("SELECT ", webhook_columns!(), " FROM webhooks WHERE account_id = $1 AND id = $2"), lock "FOR UPDATE";
    ORPHANED = concat!("SELECT ", webhook_columns!(), " FROM webhooks w WHERE session_id IS NOT NULL \
        AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = w.session_id AND s.deleted = 0) ORDER BY number LIMIT $1");
    FIND_NUMBERED = concat!("SELECT ", webhook_columns!(), " FROM webhooks WHERE number = $1");
    LIST = concat!("SELECT ", webhook_columns!(), " FROM webhooks WHERE account_id = $1 AND number > $2 ORDER BY number LIMIT $3");
    UPDATE = "UPDATE webhooks SET url = $3, events = $4, description = $5, timeout_ms = $6, header_names = $7, headers = $8, \
        secret = $9, old_secret = $10, old_secret_until = $11, enabled = $12, disabled_reason = $13, disabled_at = $14, \
        failing_since = $15, updated_at = $16, max_bytes = $17 WHERE account_id = $1 AND id = $2";
    SWITCH_OFF = "UPDATE webhooks SET enabled = 0 WHERE account_id = $1 AND id = $2 RETURNING number";
    DELETE = "DELETE FROM webhooks WHERE account_id = $1 AND id = $2";
    DROP_DELIVERIES = "DELETE FROM deliveries WHERE webhook = $1 AND event IN \
        (SELECT event FROM deliveries WHERE webhook = $1 ORDER BY event LIMIT $2)";
    /// Webhooks that have deliveries and are not there: an event may have been on its way to its commit while the webhook went.
    /// Goes from one webhook to the next by the key, past the deliveries of each.
    GONE = "WITH RECURSIVE owed (webhook) AS (SELECT MIN(webhook) FROM deliveries UNION ALL \
        SELECT (SELECT MIN(d.webhook) FROM deliveries d WHERE d.webhook > owed.webhook) FROM owed WHERE owed.webhook IS NOT NULL) \
        SELECT webhook FROM owed WHERE webhook IS NOT NULL AND NOT EXISTS (SELECT 1 FROM webhooks w WHERE w.number = owed.webhook)";
    DUE = "SELECT w.number, w.account_id FROM webhooks w WHERE w.enabled = 1 AND w.number > $4 \
        AND (w.courier IS NULL OR w.courier = $1 OR w.courier_until <= $2) \
        AND EXISTS (SELECT 1 FROM deliveries d WHERE d.webhook = w.number AND d.state = 'pending' AND d.next_at <= $2) \
        ORDER BY w.number LIMIT $3";
    /// Skips a webhook that another node is taking at this moment.
    FREE = "SELECT number FROM webhooks WHERE number = $1 AND enabled = 1 AND (courier IS NULL OR courier = $2 OR courier_until <= $3)",
        lock "FOR UPDATE SKIP LOCKED";
    CLAIM = concat!("UPDATE webhooks SET courier = $2, courier_until = $3 WHERE number = $1 RETURNING ", webhook_columns!());
    RELEASE = "UPDATE webhooks SET courier = NULL, courier_until = NULL WHERE number = $1 AND courier = $2";
}

/// How many deliveries one commit drops: others wait for it.
const DROPPED_AT_ONCE: u32 = 500;

pub(crate) fn all() -> [&'static [Sql]; 4] {
    [ALL, row::ALL, deliveries::ALL, deliveries::BY_HAND]
}

#[async_trait]
impl WebhookStore for SqlStore {
    async fn insert_webhook(&self, webhook: &WebhookRow, limit: u64) -> Result<Inserted, Error> {
        let row = webhook.clone();
        self.write(Place::account(&webhook.account), move |tx| Box::pin(async move { insert(tx, &row, limit).await })).await
    }

    async fn find_webhook(&self, account: &AccountId, id: &WebhookId) -> Result<Option<WebhookRow>, Error> {
        let row = self.readers.first(&FIND, args![account, id]).await?;
        row.map(|mut row| webhook(&mut row).map(|(_, webhook)| webhook)).transpose()
    }

    async fn list_webhooks(&self, account: &AccountId, request: PageRequest) -> Result<Page<WebhookRow>, Error> {
        let rows = self.readers.fetch(&LIST, args![account, request.after.unwrap_or(0), page::fetch(request)]).await?;
        page::cut(rows, request, webhook)
    }

    async fn change_webhook(&self, account: &AccountId, id: &WebhookId, change: WebhookChange) -> Result<Option<WebhookRow>, Error> {
        let (owner, id) = (account.clone(), id.clone());
        self.write(Place::account(account), move |tx| {
            Box::pin(async move {
                let Some(mut found) = tx.first(&FIND_LOCKED, args![&owner, &id]).await? else { return Ok(None) };
                let (_, mut row) = webhook(&mut found)?;
                change(&mut row);
                update(tx, &row).await?;
                Ok(Some(row))
            })
        })
        .await
    }

    async fn list_orphaned_webhooks(&self, limit: u32) -> Result<Vec<WebhookRow>, Error> {
        let rows = self.readers.fetch(&ORPHANED, args![limit]).await?;
        page::each(rows, "a webhook without its session", |row| webhook(row).map(|(_, webhook)| webhook))
    }

    async fn sweep_deliveries(&self) -> Result<u64, Error> {
        let mut swept = 0;
        for mut row in self.readers.fetch(&GONE, &[]).await? {
            swept += self.drop_deliveries(Place::gateway(), row.int()?).await?;
        }
        Ok(swept)
    }

    async fn delete_webhook(&self, account: &AccountId, id: &WebhookId) -> Result<bool, Error> {
        let (owner, named) = (account.clone(), id.clone());
        // Off first, so that nothing is added while its deliveries go.
        let off = self.write(Place::account(account), move |tx| {
            Box::pin(async move { tx.first(&SWITCH_OFF, args![&owner, &named]).await?.map(|mut row| row.int()).transpose() })
        });
        let Some(number) = off.await? else { return Ok(false) };
        self.drop_deliveries(Place::account(account), number).await?;
        let (owner, named) = (account.clone(), id.clone());
        let deleted = self.write(Place::account(account), move |tx| {
            Box::pin(async move {
                tx.ring_webhook(number);
                tx.execute(&DELETE, args![&owner, &named]).await
            })
        });
        Ok(deleted.await? == 1)
    }

    async fn list_deliveries(
        &self,
        webhook: &WebhookRow,
        state: Option<DeliveryStatus>,
        request: PageRequest,
    ) -> Result<Page<DeliveryRow>, Error> {
        self.list_deliveries(webhook, state, request).await
    }

    async fn find_delivery(&self, webhook: &WebhookRow, event: &EventId) -> Result<Option<DeliveryRow>, Error> {
        self.find_delivery(webhook, event).await
    }

    async fn retry_delivery(&self, webhook: &WebhookRow, event: &EventId) -> Result<bool, Error> {
        self.retry_delivery(webhook, event).await
    }

    async fn recover_deliveries(&self, webhook: &WebhookRow, since: Timestamp) -> Result<u64, Error> {
        self.recover_deliveries(webhook, since).await
    }

    async fn due_webhooks(&self, node: &str, now: Timestamp, after: i64, limit: u32) -> Result<Vec<DueWebhook>, Error> {
        let rows = self.readers.fetch(&DUE, args![node, now, limit, after]).await?;
        page::each(rows, "a webhook that is due", |row| {
            Ok(DueWebhook { number: row.int()?, account: row.parsed("an account's id", AccountId::parse)? })
        })
    }

    async fn find_webhook_numbered(&self, number: i64) -> Result<Option<WebhookRow>, Error> {
        let row = self.readers.first(&FIND_NUMBERED, args![number]).await?;
        row.map(|mut row| webhook(&mut row).map(|(_, webhook)| webhook)).transpose()
    }

    async fn claim_webhook(&self, due: &DueWebhook, node: &str, now: Timestamp, until: Timestamp) -> Result<Option<WebhookRow>, Error> {
        let (number, node) = (due.number, node.to_owned());
        self.write(Place::account(&due.account), move |tx| {
            Box::pin(async move {
                if tx.first(&FREE, args![number, &node, now]).await?.is_none() {
                    return Ok(None);
                }
                let row = tx.first(&CLAIM, args![number, &node, until]).await?;
                row.map(|mut row| webhook(&mut row).map(|(_, webhook)| webhook)).transpose()
            })
        })
        .await
    }

    async fn release_webhook(&self, due: &DueWebhook, node: &str) -> Result<(), Error> {
        let (number, node) = (due.number, node.to_owned());
        self.write(Place::account(&due.account), move |tx| {
            Box::pin(async move { tx.execute(&RELEASE, args![number, &node]).await.map(drop) })
        })
        .await
    }

    async fn due_deliveries(&self, webhook: i64, now: Timestamp, after: i64, first: u32, repeats: u32) -> Result<DueDeliveries, Error> {
        self.due_deliveries(webhook, now, after, first, repeats).await
    }

    async fn next_delivery_at(&self, webhook: i64) -> Result<Option<Timestamp>, Error> {
        self.next_delivery_at(webhook).await
    }

    async fn record_tries(&self, due: &DueWebhook, tries: Vec<TryRecord>, health: Health, under: Timestamp) -> Result<(), Error> {
        self.record_tries(due, tries, health, under).await
    }
}

impl SqlStore {
    /// Drops all deliveries of a webhook, some at a time; tells how many.
    async fn drop_deliveries(&self, place: Place, webhook: i64) -> Result<u64, Error> {
        let mut all = 0;
        loop {
            let part =
                self.write(place, move |tx| Box::pin(async move { tx.execute(&DROP_DELIVERIES, args![webhook, DROPPED_AT_ONCE]).await }));
            let dropped = part.await?;
            all += dropped;
            if dropped < u64::from(DROPPED_AT_ONCE) {
                return Ok(all);
            }
        }
    }
}

/// Inserts a webhook, if the account has fewer than `limit`.
pub(crate) async fn insert(tx: &mut Tx, row: &WebhookRow, limit: u64) -> Result<Inserted, Error> {
    tx.fetch(&LOCK_ACCOUNT, args![&row.account]).await?;
    let count = tx.first(&COUNT, args![&row.account]).await?;
    let webhooks = count.ok_or_else(|| corrupt("a count without a row"))?.count()?;
    if webhooks >= limit {
        return Ok(Inserted::LimitReached { webhooks });
    }
    row::insert(tx, row).await?;
    Ok(Inserted::Now)
}

async fn update(tx: &mut Tx, row: &WebhookRow) -> Result<(), Error> {
    let (events, names) = (row::kinds_text(&row.kinds), row::json(&row.header_names)?);
    let args = args![
        &row.account,
        &row.id,
        &row.url,
        &events,
        &row.description,
        row.timeout_ms,
        &names,
        row.headers.as_deref(),
        &row.secret,
        row.old_secret.as_ref().map(|(secret, _)| secret.as_slice()),
        row.old_secret.as_ref().map(|(_, until)| *until),
        row.enabled,
        row.disabled_reason.map(DisabledReason::as_str),
        row.disabled_at,
        row.failing_since,
        row.updated_at,
        row.max_bytes,
    ];
    tx.execute(&UPDATE, args).await?;
    tx.ring_webhook(row.number);
    Ok(())
}
