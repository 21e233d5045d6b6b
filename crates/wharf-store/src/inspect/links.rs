//! Rows that belong to other rows, and what should have gone on.

use std::time::Duration;

use wharf_api::Timestamp;
use wharf_core::store::Error;

use super::{Class, Inspection, PAGE, Report};
use crate::sql::{Sql, args, statements};
use crate::{owner, session};

/// A received file that is due for longer than this, in a session that is connected.
const DUE: Duration = Duration::from_hours(1);

macro_rules! parts {
    ($table:literal) => {
        concat!(
            "SELECT p.message, CAST(CASE WHEN EXISTS (SELECT 1 FROM messages m WHERE m.number = p.message) THEN 1 ELSE 0 END AS BIGINT) \
             FROM (SELECT DISTINCT message FROM ",
            $table,
            " WHERE message > $1 ORDER BY message LIMIT $2) p ORDER BY p.message"
        )
    };
}

statements! {
    RECEIPTS = parts!("message_receipts");
    PLACES = parts!("outgoing");
    STEPS = parts!("message_steps");
    ORIGINALS = parts!("originals");
    DELIVERIES = "SELECT d.webhook, d.event, \
        CAST(CASE WHEN EXISTS (SELECT 1 FROM webhooks w WHERE w.number = d.webhook) THEN 1 ELSE 0 END AS BIGINT), \
        CAST(CASE WHEN EXISTS (SELECT 1 FROM events e WHERE e.number = d.event) THEN 1 ELSE 0 END AS BIGINT) \
        FROM deliveries d WHERE (d.webhook, d.event) > ($1, $2) ORDER BY d.webhook, d.event LIMIT $3";
    FETCHES = "SELECT f.media_id, f.due_at, \
        CAST(CASE WHEN EXISTS (SELECT 1 FROM media m WHERE m.id = f.media_id) THEN 1 ELSE 0 END AS BIGINT), \
        CAST(CASE WHEN EXISTS (SELECT 1 FROM messages m WHERE m.id = f.message_id) THEN 1 ELSE 0 END AS BIGINT), \
        CAST(CASE WHEN EXISTS (SELECT 1 FROM sessions s WHERE s.id = f.session_id AND s.status = 'connected' AND s.deleted = 0) \
        THEN 1 ELSE 0 END AS BIGINT) FROM media_fetches f WHERE f.media_id > $1 ORDER BY f.media_id LIMIT $2";
    SESSIONS = concat!("SELECT number, id, ", session::columns!(), " FROM sessions WHERE number > $1 ORDER BY number LIMIT $2");
    /// Ended ones are left alone by everybody.
    UNATTENDED = "SELECT s.number, s.id FROM sessions s LEFT JOIN session_owner o ON o.session_id = s.id \
        WHERE s.number > $1 AND s.jid IS NOT NULL AND s.deleted = 0 AND s.status <> 'disconnected' AND s.status <> 'stopped' \
        AND (o.node IS NULL OR NOT EXISTS (SELECT 1 FROM node_lease l WHERE l.node = o.node AND l.expires_at > $3)) \
        ORDER BY s.number LIMIT $2";
}

const PARTS: [(&Sql, &str); 4] = [
    (&RECEIPTS, "receipts of members without their message"),
    (&PLACES, "places in the queue without their message"),
    (&STEPS, "steps without their message"),
    (&ORIGINALS, "first words of texts without their message"),
];

impl Inspection {
    pub(super) async fn links(&self, now: Timestamp, report: &mut Report) -> Result<(), Error> {
        for (sql, what) in PARTS {
            let mut after = 0;
            loop {
                let rows = self.readers.fetch(sql, args![after, PAGE]).await?;
                if rows.is_empty() {
                    break;
                }
                for mut row in rows {
                    after = row.int()?;
                    if !row.flag()? {
                        report.note(Class::Wrong, what, format!("number {after}"));
                    }
                }
            }
        }
        self.deliveries(report).await?;
        self.fetches(now, report).await?;
        self.sessions(report).await
    }

    async fn deliveries(&self, report: &mut Report) -> Result<(), Error> {
        let (mut webhook, mut event) = (0, 0);
        loop {
            let rows = self.readers.fetch(&DELIVERIES, args![webhook, event, PAGE]).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for mut row in rows {
                (webhook, event) = (row.int()?, row.int()?);
                let (has_webhook, has_event) = (row.flag()?, row.flag()?);
                let id = || format!("webhook {webhook}, event {event}");
                // One may commit just after its webhook was deleted, and is swept within the hour.
                if !has_webhook {
                    report.note(Class::Stale, "deliveries without their webhook", id());
                }
                if !has_event {
                    report.note(Class::Wrong, "deliveries without their event", id());
                }
            }
        }
    }

    async fn fetches(&self, now: Timestamp, report: &mut Report) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let rows = self.readers.fetch(&FETCHES, args![&after, PAGE]).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for mut row in rows {
                after = row.text()?;
                let (due_at, has_media, has_message, connected) = (row.time()?, row.flag()?, row.flag()?, row.flag()?);
                if !has_media || !has_message {
                    report.note(Class::Wrong, "files to be fetched without their row or their message", after.clone());
                }
                if connected && due_at < now - DUE {
                    report.note(Class::Stale, "files that should have been fetched long ago", after.clone());
                }
            }
        }
    }

    async fn sessions(&self, report: &mut Report) -> Result<(), Error> {
        let mut after = 0;
        loop {
            let rows = self.readers.fetch(&SESSIONS, args![after, PAGE]).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for mut row in rows {
                let id;
                (after, id) = (row.int()?, row.text()?);
                match session::session(&mut row) {
                    Ok(_) => {}
                    Err(Error::Corrupt(_)) => report.note(Class::Wrong, "sessions that cannot be read", id),
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Only where a gateway runs: without one nobody owns anything.
    pub(super) async fn unattended(&self, now: Timestamp, report: &mut Report) -> Result<(), Error> {
        let alive = owner::told(self.readers.first(&owner::CLOCK, args![now]).await?)?;
        let mut after = 0;
        loop {
            let rows = self.readers.fetch(&UNATTENDED, args![after, PAGE, alive]).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for mut row in rows {
                after = row.int()?;
                report.note(Class::Stale, "linked sessions that nobody owns", row.text()?);
            }
        }
    }
}
