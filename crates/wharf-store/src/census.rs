//! Sizes and ages for the operator.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, SessionId, WebhookId};
use wharf_api::types::hold::HoldReason;
use wharf_api::types::queue::{HeldType, QueueHeld};
use wharf_api::types::webhook::DisabledReason;
use wharf_core::store::{Backlog, CensusStore, DeliveryQueue, Error, MessageQueue, Page, PageRequest};

use crate::session;
use crate::sql::{Row, Sql, args, page, statements};
use crate::store::SqlStore;

statements! {
    DELIVERIES = "SELECT COUNT(*), MIN(e.at) FROM deliveries d JOIN webhooks w ON w.number = d.webhook AND w.enabled = 1 \
        JOIN events e ON e.number = d.event WHERE d.state = 'pending'";
    /// What waits in a suspended account waits because an operator wants it so.
    QUEUED = "SELECT COUNT(*), MIN(created_at) FROM messages WHERE status = 'queued' \
        AND account_id NOT IN (SELECT id FROM accounts WHERE suspended_at IS NOT NULL)";
    /// Of a long queue no more than so many rows of its index are read. The oldest is found by that index alone: for what is not in it,
    /// SQLite would look by that of the session's whole log.
    MESSAGE_QUEUES = concat!(
        "SELECT ", session::columns!(), ", \
         (SELECT COUNT(*) FROM (SELECT 1 FROM messages m WHERE m.session_id = sessions.id AND m.status = 'queued' LIMIT 10000) part), \
         (SELECT o.created_at FROM messages o WHERE o.number = \
         (SELECT MIN(m.number) FROM messages m WHERE m.session_id = sessions.id AND m.status = 'queued')) \
         FROM sessions WHERE deleted = 0 AND number > $1 \
         AND (EXISTS (SELECT 1 FROM messages m WHERE m.session_id = sessions.id AND m.status = 'queued') \
         OR EXISTS (SELECT 1 FROM holds h WHERE h.session_id = sessions.id AND h.held_until > $2)) ORDER BY number LIMIT $3"
    );
    HELD = "SELECT CASE WHEN chat = '' THEN 'session' WHEN chat = '*' THEN 'first_contacts' ELSE 'chats' END, reason, MAX(held_until), COUNT(*) \
        FROM holds WHERE session_id = $1 AND held_until > $2 GROUP BY 1, 2 ORDER BY 1, 2";
    DELIVERY_QUEUES = "SELECT w.number, w.id, w.account_id, w.session_id, w.enabled, w.disabled_reason, w.failing_since, \
        (SELECT COUNT(*) FROM (SELECT 1 FROM deliveries d WHERE d.webhook = w.number AND d.state = 'pending' LIMIT 10000) part), \
        (SELECT e.at FROM events e WHERE e.number = (SELECT MIN(part.event) FROM \
        (SELECT d.event FROM deliveries d WHERE d.webhook = w.number AND d.state = 'pending' ORDER BY d.next_at, d.event LIMIT 10000) part)), \
        (SELECT COUNT(*) FROM (SELECT 1 FROM deliveries d WHERE d.webhook = w.number AND d.state = 'pending' AND d.next_at <= $2 LIMIT 10000) part), \
        (SELECT MIN(d.next_at) FROM deliveries d WHERE d.webhook = w.number AND d.state = 'pending') \
        FROM webhooks w WHERE w.number > $1 \
        AND EXISTS (SELECT 1 FROM deliveries d WHERE d.webhook = w.number AND d.state = 'pending') ORDER BY w.number LIMIT $3";
}

fn backlog(row: &mut Row) -> Result<Backlog, Error> {
    Ok(Backlog { waiting: row.count()?, oldest_at: row.opt_time()? })
}

fn message_queue(row: &mut Row) -> Result<(i64, MessageQueue), Error> {
    let (number, session) = session::session(row)?;
    Ok((number, MessageQueue { session, backlog: backlog(row)? }))
}

fn held(row: &mut Row) -> Result<QueueHeld, Error> {
    let held = row.parsed("what is held back", HeldType::parse)?;
    let (reason, until, rows) = (row.parsed("a hold's reason", HoldReason::parse)?, row.time()?, row.count()?);
    Ok(QueueHeld { held, reason, until: Some(until), chats: Some(rows).filter(|_| held == HeldType::Chats) })
}

fn delivery_queue(row: &mut Row) -> Result<(i64, DeliveryQueue), Error> {
    let number = row.int()?;
    let queue = DeliveryQueue {
        webhook: row.parsed("a webhook's id", WebhookId::parse)?,
        account: row.parsed("an account's id", AccountId::parse)?,
        session: row.opt_parsed("a session's id", SessionId::parse)?,
        enabled: row.flag()?,
        disabled_reason: row.opt_parsed("a reason", DisabledReason::parse)?,
        failing_since: row.opt_time()?,
        backlog: backlog(row)?,
        due: row.count()?,
        next_at: row.opt_time()?,
    };
    Ok((number, queue))
}

impl SqlStore {
    async fn backlog(&self, sql: &Sql) -> Result<Backlog, Error> {
        // Counts are long reads where much waits.
        let row = self.readers.fetch(sql, &[]).await?.into_iter().next();
        row.map_or(Ok(Backlog::default()), |mut row| backlog(&mut row))
    }
}

#[async_trait]
impl CensusStore for SqlStore {
    fn waiting_writes(&self) -> usize {
        self.lanes.waiting()
    }

    async fn queued_backlog(&self) -> Result<Backlog, Error> {
        self.backlog(&QUEUED).await
    }

    async fn delivery_backlog(&self) -> Result<Backlog, Error> {
        self.backlog(&DELIVERIES).await
    }

    async fn message_queues(&self, now: Timestamp, request: PageRequest) -> Result<Page<MessageQueue>, Error> {
        let rows = self.readers.fetch(&MESSAGE_QUEUES, args![request.after.unwrap_or(0), now, page::fetch(request)]).await?;
        page::cut(rows, request, message_queue)
    }

    async fn held_of(&self, session: &SessionId, now: Timestamp) -> Result<Vec<QueueHeld>, Error> {
        self.readers.fetch(&HELD, args![session, now]).await?.iter_mut().map(held).collect()
    }

    async fn delivery_queues(&self, now: Timestamp, request: PageRequest) -> Result<Page<DeliveryQueue>, Error> {
        let rows = self.readers.fetch(&DELIVERY_QUEUES, args![request.after.unwrap_or(0), now, page::fetch(request)]).await?;
        page::cut(rows, request, delivery_queue)
    }
}
