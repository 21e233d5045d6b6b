//! Accounts that are deleted: everything that hangs on them goes, a few rows a commit, and the account's own row last.
//!
//! Every table has its place here or among those that belong to nobody: a test compares both with the schema.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, MediaId};
use wharf_core::store::{AccountRow, EraseStore, Error, Remains};

use crate::account::row::{FIND, account, account_columns};
use crate::event::of_account_in_log;
use crate::lane::Place;
use crate::sql::{Sql, Tx, args, page, spelled, statements};
use crate::store::SqlStore;

/// Drops some of what the account's sessions have in a table; `$key` is what a row's key has besides the session.
macro_rules! of_sessions {
    ($table:literal, $key:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE (session_id, ",
            $key,
            ") IN (SELECT session_id, ",
            $key,
            " FROM ",
            $table,
            " WHERE session_id IN (SELECT id FROM sessions WHERE account_id = $1) LIMIT $2)"
        )
    };
}

/// Drops what hangs on the account's oldest messages, those that go next.
macro_rules! of_messages {
    ($table:literal) => {
        concat!("DELETE FROM ", $table, " WHERE message IN (SELECT number FROM messages WHERE account_id = $1 ORDER BY number LIMIT $2)")
    };
}

/// How many rows of the account's there are; whoever asks waits for the count.
macro_rules! counted {
    ($from:literal) => {
        concat!("(SELECT COUNT(*) FROM (SELECT 1 FROM ", $from, " WHERE account_id = $1 LIMIT 100000) part)")
    };
}

macro_rules! remains {
    ($database:ident) => {
        concat!(
            "SELECT (SELECT COUNT(*) FROM sessions WHERE account_id = $1 AND deleted = 0), ",
            counted!("messages"),
            ", (SELECT COUNT(*) FROM (SELECT 1 FROM events WHERE ",
            of_account_in_log!($database, "$1"),
            " LIMIT 100000) part), ",
            counted!("media")
        )
    };
}
const REMAINS: Sql = spelled!("REMAINS", remains);

macro_rules! events {
    ($database:ident) => {
        concat!(
            "DELETE FROM events WHERE number IN (SELECT number FROM events WHERE ",
            of_account_in_log!($database, "$1"),
            " ORDER BY number LIMIT $2)"
        )
    };
}
const EVENTS: Sql = spelled!("EVENTS", events);
pub(crate) const BY_HAND: &[Sql] = &[REMAINS, EVENTS];

statements! {
    /// A suspension ends with it: sessions that rested come once more, to tell their phones.
    BEGIN = "UPDATE accounts SET deleting_at = COALESCE(deleting_at, $2), suspended_at = NULL WHERE id = $1";
    /// Older releases ask the keys and not the account.
    END_KEYS = "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $2) WHERE account_id = $1";
    END_WEBHOOKS = "UPDATE webhooks SET enabled = 0 WHERE account_id = $1";
    LOGINS = "DELETE FROM logins WHERE user_id IN (SELECT id FROM users WHERE account_id = $1)";
    TOKENS = "DELETE FROM login_tokens WHERE user_id IN (SELECT id FROM users WHERE account_id = $1)";
    USERS = "DELETE FROM users WHERE account_id = $1";
    LIST = concat!(
        "SELECT ", account_columns!(),
        " FROM accounts a JOIN plans p ON p.name = a.plan WHERE a.deleting_at IS NOT NULL ORDER BY a.deleting_at, a.id LIMIT $1"
    );
    FILES = "SELECT id FROM media WHERE account_id = $1 ORDER BY id LIMIT $2";
    DELIVERIES = "DELETE FROM deliveries WHERE (webhook, event) IN (SELECT webhook, event FROM deliveries \
        WHERE webhook IN (SELECT number FROM webhooks WHERE account_id = $1) LIMIT $2)";
    /// A message to a large group has a thousand of them: those of the messages that go next go before, some at a time.
    RECEIPTS = "DELETE FROM message_receipts WHERE (message, person) IN (SELECT message, person FROM message_receipts \
        WHERE message IN (SELECT number FROM messages WHERE account_id = $1 ORDER BY number LIMIT $2) LIMIT $2)";
    PAYLOADS = of_messages!("outgoing");
    STEPS = of_messages!("message_steps");
    ORIGINALS = of_messages!("originals");
    MESSAGES = "DELETE FROM messages WHERE number IN (SELECT number FROM messages WHERE account_id = $1 ORDER BY number LIMIT $2)";
    VAULT = of_sessions!("vault", "space, key");
    NOTICES = of_sessions!("notices", "name");
    READS = of_sessions!("chat_reads", "chat_key");
    NAMES = of_sessions!("chat_names", "chat");
    FIRST_CONTACTS = of_sessions!("first_contacts", "chat");
    HOLDS = of_sessions!("holds", "chat");
    FETCHES = of_sessions!("media_fetches", "media_id");
    CANARY = of_sessions!("canary_steps", "step");
    OWNERS = "DELETE FROM session_owner WHERE session_id IN (SELECT session_id FROM session_owner \
        WHERE session_id IN (SELECT id FROM sessions WHERE account_id = $1) LIMIT $2)";
    CLAIMS = "DELETE FROM idempotency WHERE (account_id, operation, key) IN \
        (SELECT account_id, operation, key FROM idempotency WHERE account_id = $1 LIMIT $2)";
    ANSWERS = "DELETE FROM usage_answers WHERE (account_id, utc_day, code) IN \
        (SELECT account_id, utc_day, code FROM usage_answers WHERE account_id = $1 LIMIT $2)";
    USAGE = "DELETE FROM usage WHERE (account_id, utc_day) IN (SELECT account_id, utc_day FROM usage WHERE account_id = $1 LIMIT $2)";
    /// That an operator deleted it stays, as the log keeps everything: it names nobody of the account.
    LOG = "DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE account_id = $1 \
        AND NOT (action = 'admin_delete_account' AND actor IN ('operator', 'cli')) ORDER BY number LIMIT $2)";
    /// What the account's row cannot go before.
    HOLDERS = "SELECT 1 FROM media WHERE account_id = $1 UNION ALL SELECT 1 FROM sessions WHERE account_id = $1 AND deleted = 0 LIMIT 1";
    WEBHOOKS = "DELETE FROM webhooks WHERE account_id = $1";
    KEYS = "DELETE FROM api_keys WHERE account_id = $1";
    SESSIONS = "DELETE FROM sessions WHERE account_id = $1";
    ACCOUNT = "DELETE FROM accounts WHERE id = $1 AND deleting_at IS NOT NULL";
}

/// How many rows of a table one commit drops: others wait for it.
const AT_ONCE: u32 = 200;

/// What goes in parts, in this order: nothing is left behind whose owner is gone. What stands together goes together.
const PARTS: &[&[&Sql]] = &[
    &[&DELIVERIES],
    &[&EVENTS],
    &[&RECEIPTS],
    &[&PAYLOADS, &STEPS, &ORIGINALS, &MESSAGES],
    &[&VAULT],
    &[&NOTICES],
    &[&READS],
    &[&NAMES],
    &[&FIRST_CONTACTS],
    &[&HOLDS],
    &[&FETCHES],
    &[&CANARY],
    &[&OWNERS],
    &[&CLAIMS],
    &[&ANSWERS],
    &[&USAGE],
    &[&LOG],
];

/// What goes with the account's own row: there are few of them.
const LAST: &[&Sql] = &[&LOGINS, &TOKENS, &USERS, &WEBHOOKS, &KEYS, &SESSIONS, &ACCOUNT];

/// Drops some rows; tells how many. None where nothing is left but what goes last.
async fn part(tx: &mut Tx, id: &AccountId) -> Result<u64, Error> {
    let mut dropped = 0;
    for together in PARTS {
        for sql in *together {
            dropped += tx.execute(sql, args![id, AT_ONCE]).await?;
        }
        if dropped >= AT_ONCE.into() {
            break;
        }
    }
    Ok(dropped)
}

#[async_trait]
impl EraseStore for SqlStore {
    async fn begin_erasure(&self, id: &AccountId, at: Timestamp) -> Result<Option<AccountRow>, Error> {
        let id = id.clone();
        self.write(Place::account(&id), move |tx| {
            Box::pin(async move {
                for sql in [&BEGIN, &END_KEYS] {
                    tx.execute(sql, args![&id, at]).await?;
                }
                for sql in [&END_WEBHOOKS, &LOGINS, &TOKENS, &USERS] {
                    tx.execute(sql, args![&id]).await?;
                }
                tx.first(&FIND, args![&id]).await?.map(|mut row| account(&mut row)).transpose()
            })
        })
        .await
    }

    async fn list_erasures(&self, limit: u32) -> Result<Vec<AccountRow>, Error> {
        page::each(self.readers.fetch(&LIST, args![limit]).await?, "an account that is deleted", account)
    }

    async fn remains(&self, id: &AccountId) -> Result<Remains, Error> {
        let Some(mut row) = self.readers.fetch(&REMAINS, args![id]).await?.into_iter().next() else { return Ok(Remains::default()) };
        Ok(Remains { sessions: row.count()?, messages: row.count()?, events: row.count()?, media: row.count()? })
    }

    async fn media_of_account(&self, id: &AccountId, limit: u32) -> Result<Vec<MediaId>, Error> {
        let mut rows = self.readers.fetch(&FILES, args![id, limit]).await?;
        rows.iter_mut().map(|row| row.parsed("the media id", MediaId::parse)).collect()
    }

    async fn erase_some(&self, id: &AccountId) -> Result<u64, Error> {
        let id = id.clone();
        self.write(Place::account(&id), move |tx| Box::pin(async move { part(tx, &id).await })).await
    }

    async fn erase_account(&self, id: &AccountId) -> Result<bool, Error> {
        let id = id.clone();
        self.write(Place::account(&id), move |tx| {
            Box::pin(async move {
                if part(tx, &id).await? > 0 || tx.first(&HOLDERS, args![&id]).await?.is_some() {
                    return Ok(false);
                }
                for sql in LAST {
                    tx.execute(sql, args![&id]).await?;
                }
                Ok(true)
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::migrations;

    /// What belongs to the installation, whoever its accounts are.
    const NOBODYS: &[&str] = &["meta", "plans", "node_lease", "whatsapp_version", "whatsapp_switches", "update_notice"];

    #[test]
    fn every_table_is_emptied_of_an_account_that_is_deleted_or_belongs_to_none() {
        let emptied = PARTS.iter().flat_map(|together| together.iter()).chain(LAST).map(|sql| {
            let rest = sql.sqlite.strip_prefix("DELETE FROM ").expect("they all delete");
            rest.split(' ').next().expect("a text has a first word")
        });
        // Files go before their rows, by the rules.
        let known: BTreeSet<_> = emptied.chain(NOBODYS.iter().copied()).chain(["media"]).collect();
        let all: BTreeSet<_> = migrations::tables().map(|table| table.name).collect();
        assert_eq!(known, all, "say in erase.rs what becomes of a new table's rows, or that they are nobody's");
    }

    #[test]
    fn what_stays_in_the_log_is_what_the_operation_is_called_there() {
        assert!(LOG.sqlite.contains(&format!("'{}'", wharf_api::ops::admin_delete_account.id)));
    }
}
