//! Ownership of sessions: leases, epochs and the fence.

use std::time::Duration;

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, SessionId};
use wharf_core::store::{Error, Fence, OwnerStore, Renewed, SessionRow};

use crate::lane::Place;
use crate::session::row::{columns as session_columns, is_awake, session};
use crate::sql::{KeptKey, Row, Sql, Tx, args, corrupt, page, statements};
use crate::store::SqlStore;

statements! {
    /// The lock is shared: it lets the owner's writes run beside each other and holds a take-over until they are
    /// committed. A plain read would let them land after it.
    FENCE = "SELECT 1 FROM session_owner WHERE session_id = $1 AND epoch = $2 AND node IS NOT NULL", lock "FOR SHARE";
    /// The lock for a group of writes in which nobody takes the session over.
    HELD = "SELECT epoch, epoch, epoch FROM session_owner WHERE session_id = $1 AND epoch = $2 AND node IS NOT NULL", lock "FOR SHARE";
    RENEW_LEASE = "INSERT INTO node_lease (node, renewed_at, expires_at, reads_sealed) VALUES ($1, $2, $3, 1) \
        ON CONFLICT (node) DO UPDATE SET renewed_at = excluded.renewed_at, expires_at = excluded.expires_at, reads_sealed = 1";
    /// How many of them are of releases that cannot read what is sealed, and how many other nodes there are, or were lately.
    LEASED = "SELECT COUNT(CASE WHEN reads_sealed = 0 AND expires_at > $1 THEN 1 END), COUNT(CASE WHEN node <> $2 THEN 1 END) \
        FROM node_lease WHERE expires_at > $3";
    ACCOUNT_OF = "SELECT account_id FROM sessions WHERE id = $1 AND deleted = 0";
    /// Looked at once more here: a list of sessions that are to run may be minutes old when its last one is begun.
    TAKE = concat!(
        "INSERT INTO session_owner (session_id, node, epoch) \
        SELECT id, $2, 1 FROM sessions WHERE id = $1 AND deleted = 0 AND ", is_awake!("sessions"),
        " ON CONFLICT (session_id) DO UPDATE SET node = excluded.node, epoch = session_owner.epoch + 1 \
        WHERE session_owner.node IS NULL OR session_owner.node = excluded.node OR NOT EXISTS \
        (SELECT 1 FROM node_lease WHERE node_lease.node = session_owner.node AND node_lease.expires_at > $3) \
        RETURNING epoch"
    );
    /// Who had it before; nobody takes it in between.
    FORMER = "SELECT node FROM session_owner WHERE session_id = $1", lock "FOR UPDATE";
    OWNER_OF = "SELECT o.node FROM session_owner o JOIN node_lease l ON l.node = o.node \
        WHERE o.session_id = $1 AND l.expires_at > $2";
    RELEASE = "UPDATE session_owner SET node = NULL WHERE session_id = $1 AND epoch = $2";
    /// A session that was cut off, or that another program uses, stays so until somebody asks for it.
    LIST_UNATTENDED = concat!(
        "SELECT s.id FROM sessions s LEFT JOIN session_owner o ON o.session_id = s.id \
        WHERE s.jid IS NOT NULL AND s.deleted = 0 AND s.status <> 'disconnected' AND s.status <> 'stopped' \
        AND (o.node IS NULL OR o.node = $2 OR NOT EXISTS (SELECT 1 FROM node_lease l WHERE l.node = o.node AND l.expires_at > $1)) AND ",
        is_awake!("s"), " ORDER BY s.number"
    );
    /// A ban may have an end; then the session is tried again without being asked for.
    LIST_BANNED = concat!(
        "SELECT ", session_columns!(), " FROM sessions LEFT JOIN session_owner o ON o.session_id = sessions.id \
        WHERE jid IS NOT NULL AND deleted = 0 AND status = 'disconnected' AND reason = 'banned' AND refusal IS NOT NULL \
        AND (o.node IS NULL OR NOT EXISTS (SELECT 1 FROM node_lease l WHERE l.node = o.node AND l.expires_at > $1)) AND ",
        is_awake!("sessions"), " ORDER BY number"
    );
    MARK_STALE = "UPDATE session_owner SET stale = 1, node = NULL, epoch = epoch + 1";
    IS_STALE = "SELECT stale FROM session_owner WHERE session_id = $1";
    CLEAR_STALE = "UPDATE session_owner SET stale = 0 WHERE session_id = $1 AND epoch = $2";
    /// For a session that is deleted: no fence that was ever given out passes again.
    RETIRE = "UPDATE session_owner SET node = NULL, epoch = epoch + 1 WHERE session_id = $1";
}

/// A node whose lease ended so long ago is gone. One that was cut off or frozen may be back at any moment, and take what it finds.
const GONE: Duration = Duration::from_hours(24);

/// The time by which leases are judged. The nodes that share a server share its clock; a file has one process, which brings its own.
pub(crate) const CLOCK: Sql = Sql {
    name: "CLOCK",
    sqlite: "SELECT CAST(?1 AS INTEGER)",
    postgres: "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) WHERE CAST($1 AS BIGINT) IS NOT NULL",
};

/// What the database has numbered its messages with so far; deleting them takes nothing back.
const HIGH_WATER: Sql = Sql {
    name: "HIGH_WATER",
    sqlite: "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'messages'",
    postgres: "SELECT COALESCE(pg_sequence_last_value(pg_get_serial_sequence('messages', 'number')::regclass), 0)",
};

pub(crate) fn all() -> [&'static [Sql]; 2] {
    [ALL, &[CLOCK, HIGH_WATER]]
}

pub(crate) fn told(row: Option<Row>) -> Result<Timestamp, Error> {
    row.ok_or_else(|| corrupt("a clock tells no time".to_owned()))?.time()
}

/// The time by which leases are judged.
pub(crate) async fn now(store: &SqlStore, now: Timestamp) -> Result<Timestamp, Error> {
    told(store.readers.first(&CLOCK, args![now]).await?)
}

/// Refuses a write whose maker does not own the session any more.
pub(crate) async fn check(tx: &mut Tx, fence: &Fence) -> Result<(), Error> {
    if tx.keeps_rows() {
        let held = tx.keep(&HELD, args![&fence.session, fence.epoch], None).await?;
        return held.map(drop).ok_or(Error::Fenced);
    }
    let held = tx.first(&FENCE, args![&fence.session, fence.epoch]).await?;
    held.map(drop).ok_or(Error::Fenced)
}

/// The row by which a group of writes knows that the session is the caller's.
pub(crate) fn kept(fence: &Fence) -> Result<KeptKey, Error> {
    KeptKey::new(&HELD, args![&fence.session, fence.epoch])
}

/// Ends every ownership of a session.
pub(crate) async fn retire(tx: &mut Tx, session: &SessionId) -> Result<(), Error> {
    tx.execute(&RETIRE, args![session]).await.map(drop)
}

#[async_trait]
impl OwnerStore for SqlStore {
    async fn renew_lease(&self, node: &str, now: Timestamp, ttl_ms: i64) -> Result<Renewed, Error> {
        let owned = node.to_owned();
        let renewal = self.lease.as_ref().unwrap_or(&self.lanes).write(Place::node(node), move |tx| {
            Box::pin(async move {
                let now = told(tx.first(&CLOCK, args![now]).await?)?;
                tx.execute(&RENEW_LEASE, args![&owned, now, now.plus_millis(ttl_ms)]).await?;
                let leased = tx.first(&LEASED, args![now, &owned, now - GONE]).await?;
                let mut leased = leased.ok_or_else(|| corrupt("a count counts nothing".to_owned()))?;
                Ok(Renewed { all_read_sealed: leased.int()? == 0, alone: leased.int()? == 0 })
            })
        });
        renewal.await
    }

    async fn take_session(&self, session: &SessionId, node: &str, now: Timestamp) -> Result<Option<Fence>, Error> {
        // Read first: the take runs in the lane of the account's other writes, which may hold the owner's row.
        let Some(account) = self.account_of(session).await? else { return Ok(None) };
        let (id, node) = (session.clone(), node.to_owned());
        let taken = self
            .write(Place::session(&account, session), move |tx| {
                Box::pin(async move {
                    let now = told(tx.first(&CLOCK, args![now]).await?)?;
                    let former = tx.first(&FORMER, args![&id]).await?.map(|mut row| row.opt_text()).transpose()?.flatten();
                    let Some(mut row) = tx.first(&TAKE, args![&id, &node, now]).await? else { return Ok(None) };
                    Ok(Some((row.int()?, former.is_some_and(|former| former != node))))
                })
            })
            .await?;
        Ok(taken.map(|(epoch, taken_over)| Fence { account, session: session.clone(), epoch, taken_over }))
    }

    async fn owner_of(&self, session: &SessionId, now: Timestamp) -> Result<Option<String>, Error> {
        let now = self::now(self, now).await?;
        Ok(self.readers.first(&OWNER_OF, args![session, now]).await?.map(|mut row| row.opt_text()).transpose()?.flatten())
    }

    async fn account_of(&self, session: &SessionId) -> Result<Option<AccountId>, Error> {
        let row = self.readers.first(&ACCOUNT_OF, args![session]).await?;
        row.map(|mut row| row.parsed("an account's id", AccountId::parse)).transpose()
    }

    async fn release_session(&self, fence: &Fence) -> Result<(), Error> {
        let owned = fence.clone();
        self.write(Place::fenced(fence), move |tx| {
            Box::pin(async move { tx.execute(&RELEASE, args![&owned.session, owned.epoch]).await.map(drop) })
        })
        .await
    }

    async fn high_water(&self) -> Result<i64, Error> {
        self.readers.first(&HIGH_WATER, &[]).await?.map_or(Ok(0), |mut row| row.int())
    }

    async fn mark_stale(&self) -> Result<u64, Error> {
        self.write(Place::gateway(), move |tx| Box::pin(async move { tx.execute(&MARK_STALE, args![]).await })).await
    }

    async fn is_stale(&self, session: &SessionId) -> Result<bool, Error> {
        Ok(self.readers.first(&IS_STALE, args![session]).await?.map(|mut row| row.int()).transpose()? == Some(1))
    }

    async fn clear_stale(&self, fence: &Fence) -> Result<(), Error> {
        let owned = fence.clone();
        self.write(Place::fenced(fence), move |tx| {
            Box::pin(async move { tx.execute(&CLEAR_STALE, args![&owned.session, owned.epoch]).await.map(drop) })
        })
        .await
    }

    async fn list_unattended_sessions(&self, node: &str, now: Timestamp) -> Result<Vec<SessionId>, Error> {
        let now = self::now(self, now).await?;
        let rows = self.readers.fetch(&LIST_UNATTENDED, args![now, node]).await?;
        rows.into_iter().map(|mut row| row.parsed("a session's id", SessionId::parse)).collect()
    }

    async fn list_banned_sessions(&self, now: Timestamp) -> Result<Vec<SessionRow>, Error> {
        let now = self::now(self, now).await?;
        let rows = self.readers.fetch(&LIST_BANNED, args![now]).await?;
        page::each(rows, "a banned session", |row| session(row).map(|(_, session)| session))
    }
}
