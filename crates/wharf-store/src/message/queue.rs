//! What waits to be sent.

use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, MessageId, SessionId};
use wharf_core::store::{CLAIM_LIMIT, Error, Fence, Outgoing, Overdue, TRY_LIMIT};

use super::row::{message_columns, readable, still_queued};
use crate::lane::Place;
use crate::owner;
use crate::sql::{Row, Sql, Tx, args, corrupt, page, spelled, statements};
use crate::store::SqlStore;

/// The log, where a session's queue is looked for. SQLite would go through all that the session ever sent, by an index that looks as good.
macro_rules! queue {
    (sqlite) => {
        "messages m INDEXED BY messages_queued"
    };
    (postgres) => {
        "messages m"
    };
}

/// What waits in a session.
macro_rules! queued {
    ($database:ident) => {
        concat!(
            "SELECT m.number, m.id, m.wa_id, m.chat, o.payload, o.attempts, m.created_at, m.expires_at, o.audience FROM ",
            queue!($database),
            " JOIN outgoing o ON o.message = m.number WHERE m.session_id = $1 AND m.status = 'queued' AND m.number > $2 \
             ORDER BY m.number LIMIT $3"
        )
    };
}

/// What of it has not been given up. `COALESCE` keeps PostgreSQL from the index of what ends, as [`GIVE_UP`] says.
macro_rules! next {
    ($database:ident, $more:literal) => {
        concat!(
            "SELECT m.number FROM ",
            queue!($database),
            " WHERE m.account_id = $1 AND m.session_id = $2 AND m.status = 'queued' AND m.number > $3 \
             AND COALESCE(m.expires_at, m.created_at) > m.created_at",
            $more,
            " ORDER BY m.number LIMIT $4"
        )
    };
}

/// The sessions behind a session that have a queue, in the order of their ids. Goes from one to the next by the index, past each queue.
macro_rules! with_queued {
    ($database:ident) => {
        concat!(
            "WITH RECURSIVE waiting (session) AS (SELECT CAST($1 AS TEXT) UNION ALL SELECT (SELECT MIN(m.session_id) FROM ",
            queue!($database),
            " WHERE m.status = 'queued' AND m.session_id > waiting.session) FROM waiting WHERE waiting.session IS NOT NULL) \
             SELECT s.account_id, s.id FROM waiting CROSS JOIN sessions s WHERE s.id = waiting.session AND waiting.session > $1 \
             ORDER BY waiting.session LIMIT $2"
        )
    };
}

const WITH_QUEUED: Sql = spelled!("WITH_QUEUED", with_queued);
const QUEUED: Sql = spelled!("QUEUED", queued);
const NEXT: Sql = spelled!("NEXT", next, "");
const NEXT_OF_OTHERS: Sql = spelled!("NEXT_OF_OTHERS", next, " AND (SELECT jid FROM sessions WHERE id = $2) IS DISTINCT FROM $5");

/// The tries of many at once. SQLite has no lists, and needs none: its statement goes nowhere.
const COUNT_TRIES: Sql = Sql {
    name: "COUNT_TRIES",
    sqlite: COUNT_TRY.sqlite,
    postgres: concat!(
        "UPDATE outgoing SET attempts = attempts + 1, claimed_at = $3 WHERE message IN \
         (SELECT number FROM messages WHERE id = ANY($1::TEXT[]) AND ",
        still_queued!("session_id", "$2"),
        ")"
    ),
};
pub(super) const BY_HAND: &[Sql] = &[WITH_QUEUED, QUEUED, NEXT, NEXT_OF_OTHERS, COUNT_TRIES];

statements! {
    COUNT_TRY = concat!(
        "UPDATE outgoing SET attempts = attempts + 1, claimed_at = $3 WHERE message = (SELECT number FROM messages WHERE id = $1 AND ",
        still_queued!("session_id", "$2"), ")"
    );
    WITH_OVERDUE = "SELECT id FROM accounts WHERE EXISTS \
        (SELECT 1 FROM messages m WHERE m.account_id = accounts.id AND m.status = 'queued' AND m.expires_at <= $1)";
    OVERDUE = concat!(
        "SELECT expires_at, COALESCE((SELECT attempts FROM outgoing o WHERE o.message = messages.number), 1), ", message_columns!(),
        " FROM messages WHERE account_id = $1 AND status = 'queued' AND expires_at <= $2 \
        AND (expires_at <= $5 OR expires_at <= created_at OR NOT EXISTS \
        (SELECT 1 FROM outgoing o JOIN session_owner s ON s.session_id = messages.session_id JOIN node_lease l ON l.node = s.node \
        WHERE o.message = messages.number AND o.claimed_at > $6 AND l.expires_at > $7)) ORDER BY expires_at, number LIMIT $3 OFFSET $4"
    );
    /// The recipient may ask by any of the chat's ids.
    PAYLOAD = "SELECT o.payload FROM messages m JOIN outgoing o ON o.message = m.number \
        WHERE m.session_id = $1 AND m.wa_id = $2 AND m.direction = 'outgoing' \
        AND (m.chat = $3 OR m.chat_lid = $3 OR m.chat_phone || '@s.whatsapp.net' = $3)";
    AUDIENCE = "SELECT o.audience FROM messages m JOIN outgoing o ON o.message = m.number \
        WHERE m.session_id = $1 AND m.wa_id = $2 AND m.direction = 'outgoing'";
    /// Their time is over, so that the worker fails them. Whoever compares the end itself lets PostgreSQL take the index of what ends, that
    /// leads through the queues of all accounts: where its statistics know of no queue, it looks as short.
    GIVE_UP = "UPDATE messages SET expires_at = created_at WHERE session_id = $1 AND status = 'queued' \
        AND COALESCE(expires_at, created_at) > created_at";
    /// The same where the session's account is another one than before.
    GIVE_UP_OF_OTHERS = "UPDATE messages SET expires_at = created_at WHERE session_id = $1 AND status = 'queued' \
        AND COALESCE(expires_at, created_at) > created_at AND (SELECT jid FROM sessions WHERE id = $1) IS DISTINCT FROM $2";
    GIVE_UP_PART = "UPDATE messages SET expires_at = created_at WHERE account_id = $1 AND session_id = $2 AND status = 'queued' \
        AND number > $3 AND number <= $4";
    WITH_PAYLOAD = "SELECT m.number FROM messages m JOIN outgoing o ON o.message = m.number \
        WHERE m.session_id = $1 AND m.number > $2 ORDER BY m.number LIMIT $3";
    DROP_PAYLOADS = "DELETE FROM outgoing WHERE message IN \
        (SELECT number FROM messages WHERE session_id = $1 AND number > $2 AND number <= $3)";
}

fn audience(json: Option<&str>) -> Result<Vec<String>, Error> {
    let read = json.map(serde_json::from_str).transpose();
    Ok(read.map_err(|_| corrupt("whom a status is for"))?.unwrap_or_default())
}

/// How many messages are read without another thread.
const SHORT_PAGE: u32 = 32;

/// How many payloads one commit drops, and how many messages it gives up: others wait for it, and a statement has its time.
const DROPPED_AT_ONCE: u32 = 500;

/// How many tries one commit counts, on SQLite each by a statement. A try that is counted and not made costs one of five.
const CLAIMED_AT_ONCE: usize = 100;

/// Which messages of a session end early.
#[derive(Clone, Copy)]
pub(crate) enum Ending<'a> {
    /// All: the session is being deleted.
    All,
    /// Those of another account than this one, to which its owner links the session.
    OfOthers(&'a Fence, Option<&'a String>),
}

/// Ends the time of the queued messages of a session that is being deleted.
pub(crate) async fn give_up(tx: &mut Tx, session: &SessionId) -> Result<(), Error> {
    tx.execute(&GIVE_UP, args![session]).await.map(drop)
}

/// The same for a session that will be linked to `jid`, unless it is that already: what is queued was said by another account.
pub(crate) async fn give_up_of_others(tx: &mut Tx, session: &SessionId, jid: Option<&String>) -> Result<(), Error> {
    tx.execute(&GIVE_UP_OF_OTHERS, args![session, &jid.cloned()]).await.map(drop)
}

/// What [`QUEUED`] gives, with its number.
fn queued_message(row: &mut Row) -> Result<(i64, Outgoing), Error> {
    let number = row.int()?;
    let outgoing = Outgoing {
        id: row.parsed("a message's id", MessageId::parse)?,
        wa_id: row.text()?,
        chat: row.text()?,
        payload: row.bytes()?,
        attempts: u32::try_from(row.int()?).map_err(|_| corrupt("the count of a message's tries"))?,
        accepted_at: row.time()?,
        expires_at: row.time()?,
        audience: audience(row.opt_text()?.as_deref())?,
    };
    Ok((number, outgoing))
}

impl SqlStore {
    pub(super) async fn queued_messages(&self, session: &SessionId, after: i64, limit: u32) -> Result<Vec<(i64, Outgoing)>, Error> {
        let (mut after, mut read) = (after, Vec::new());
        loop {
            // A page that was written a moment ago.
            let left = limit.saturating_sub(u32::try_from(read.len()).unwrap_or(u32::MAX));
            let (args, short) = (args![session, after, left], limit <= SHORT_PAGE);
            let rows = if short { self.readers.few(&QUEUED, args).await? } else { self.readers.fetch(&QUEUED, args).await? };
            let (is_full, last) = (rows.len() == left as usize, rows.last().and_then(Row::number));
            read.extend(page::each(rows, "a queued message", queued_message)?);
            match last {
                // Who gets fewer than he asked for takes them for the last: what cannot be read takes nobody's place.
                Some(last) if is_full && read.len() < limit as usize => after = last,
                _ => return Ok(read),
            }
        }
    }

    pub(super) async fn sessions_with_queued(&self, after: Option<&SessionId>, limit: u32) -> Result<Vec<(AccountId, SessionId)>, Error> {
        let rows = self.readers.fetch(&WITH_QUEUED, args![after.map_or("", SessionId::as_str), limit]).await?;
        page::each(rows, "a session with a queue", |row| {
            Ok((row.parsed("an account's id", AccountId::parse)?, row.parsed("a session's id", SessionId::parse)?))
        })
    }

    pub(super) async fn claim_messages(&self, fence: &Fence, ids: &[MessageId], at: Timestamp) -> Result<(), Error> {
        for part in ids.chunks(CLAIMED_AT_ONCE) {
            let (owned, ids) = (fence.clone(), part.to_vec());
            let counted = self.write_light(Place::fenced(fence), vec![owner::kept(fence)?], move |tx| {
                Box::pin(async move {
                    owner::check(tx, &owned).await?;
                    if tx.takes_lists() && ids.len() > 1 {
                        let ids: Vec<&str> = ids.iter().map(MessageId::as_str).collect();
                        return tx.execute(&COUNT_TRIES, args![&*ids, &owned.session, at]).await.map(drop);
                    }
                    for id in &ids {
                        tx.execute(&COUNT_TRY, args![id, &owned.session, at]).await?;
                    }
                    Ok(())
                })
            });
            counted.await?;
        }
        Ok(())
    }

    pub(super) async fn overdue_messages(&self, now: Timestamp, of_account: u32) -> Result<Vec<Overdue>, Error> {
        let (began, claimed, alive) = (now - TRY_LIMIT, now - CLAIM_LIMIT, owner::now(self, now).await?);
        let mut overdue = Vec::new();
        for mut row in self.readers.fetch(&WITH_OVERDUE, args![now]).await? {
            let account: AccountId = row.parsed("an account's id", AccountId::parse)?;
            let (before, mut passed_over) = (overdue.len(), 0);
            loop {
                let rows = self.readers.fetch(&OVERDUE, args![&account, now, of_account, passed_over, began, claimed, alive]).await?;
                let shown = u32::try_from(rows.len()).unwrap_or(u32::MAX);
                for mut row in rows {
                    let (expires_at, attempts) = (row.time()?, row.int()?);
                    let read = readable(&mut row)?;
                    overdue.extend(read.map(|(_, row)| Overdue { given_up: expires_at <= row.created_at, doubtful: attempts > 0, row }));
                }
                // What cannot be read takes nobody's place.
                if overdue.len() > before || shown < of_account {
                    break;
                }
                passed_over += shown;
            }
        }
        Ok(overdue)
    }

    /// Ends the time of a long queue before the commit that ends the rest of it: one statement for all of it would take longer than a
    /// statement may. What is given up stays so where that commit fails, and is not looked at again.
    pub(crate) async fn give_up_in_parts(&self, account: &AccountId, session: &SessionId, ending: Ending<'_>) -> Result<(), Error> {
        let mut after = 0;
        loop {
            let next = match ending {
                Ending::All => self.readers.fetch(&NEXT, args![account, session, after, DROPPED_AT_ONCE]).await?,
                Ending::OfOthers(_, jid) => {
                    let jid = jid.map(String::as_str);
                    self.readers.fetch(&NEXT_OF_OTHERS, args![account, session, after, DROPPED_AT_ONCE, jid]).await?
                }
            };
            if next.len() < DROPPED_AT_ONCE as usize {
                return Ok(());
            }
            let Some(mut last) = next.into_iter().next_back() else { return Ok(()) };
            let (from, to) = (after, last.int()?);
            after = to;
            let (whose, id) = (account.clone(), session.clone());
            let fence = match ending {
                Ending::All => None,
                Ending::OfOthers(fence, _) => Some(fence.clone()),
            };
            let part = self.write(Place::session(account, session), move |tx| {
                Box::pin(async move {
                    if let Some(fence) = &fence {
                        owner::check(tx, fence).await?;
                    }
                    tx.execute(&GIVE_UP_PART, args![&whose, &id, from, to]).await.map(drop)
                })
            });
            part.await?;
        }
    }

    pub(super) async fn sent_payload(&self, session: &SessionId, chat: &str, wa_id: &str) -> Result<Option<Vec<u8>>, Error> {
        let row = self.readers.first(&PAYLOAD, args![session, wa_id, chat]).await?;
        row.map(|mut row| row.bytes()).transpose()
    }

    pub(super) async fn audience(&self, session: &SessionId, wa_id: &str) -> Result<Vec<String>, Error> {
        let row = self.readers.first(&AUDIENCE, args![session, wa_id]).await?;
        row.map_or(Ok(Vec::new()), |mut row| audience(row.opt_text()?.as_deref()))
    }

    /// Drops the payloads of a deleted session, some at a time. What a crash leaves behind is never read, but stays, unsealed.
    pub(crate) async fn drop_payloads(&self, account: &AccountId, session: &SessionId) -> Result<(), Error> {
        let mut after = 0;
        loop {
            let rows = self.readers.fetch(&WITH_PAYLOAD, args![session, after, DROPPED_AT_ONCE]).await?;
            let Some(mut last) = rows.into_iter().next_back() else { return Ok(()) };
            let (from, to) = (after, last.int()?);
            after = to;
            let id = session.clone();
            self.write(Place::session(account, session), move |tx| {
                Box::pin(async move { tx.execute(&DROP_PAYLOADS, args![&id, from, to]).await })
            })
            .await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{change, inbound};
    use crate::migrations::{sqlite_plan_on, sqlite_schema};

    #[test]
    fn what_waits_and_what_is_repaired_or_changed_is_found_however_long_the_log_is() {
        let conn = sqlite_schema();
        for (sql, index) in [
            (&QUEUED, "messages_queued"),
            (&NEXT, "messages_queued"),
            (&NEXT_OF_OTHERS, "messages_queued"),
            (&GIVE_UP, "messages_queued"),
            (&GIVE_UP_OF_OTHERS, "messages_queued"),
            (&GIVE_UP_PART, "messages_queued"),
            (&WITH_OVERDUE, "messages_expiring"),
            (&OVERDUE, "messages_expiring"),
            (&inbound::UNREAD_INCOMING, "messages_incoming"),
            (&inbound::UNREAD_OUTGOING, "messages_outgoing"),
            (&inbound::UNDECRYPTED, "messages_undecryptable"),
            (&inbound::HAS_UNDECRYPTED, "messages_undecryptable"),
            (&change::CHANGES, "messages_by_target"),
            (&change::EDITS, "messages_by_target"),
            (&change::LATER_VOTE, "messages_by_target"),
            (&change::LATER_REACTION, "messages_by_target"),
        ] {
            let plan = sqlite_plan_on(&conn, sql).join("; ");
            let walks = ["messages_by_session", "messages_by_account", "TEMP B-TREE"].iter().any(|step| plan.contains(step));
            assert!(plan.contains(index) && !walks, "{}: {plan}", sql.name);
        }
        let queue = sqlite_plan_on(&conn, &WITH_QUEUED);
        let of_queue: Vec<_> = queue.iter().filter(|step| step.split(' ').nth(1) == Some("m")).collect();
        assert!(of_queue.len() == 1 && of_queue[0].ends_with(" INDEX messages_queued (session_id>?)"), "{queue:#?}");
    }
}
