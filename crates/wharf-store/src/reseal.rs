//! All that is sealed, sealed anew under another key, a few rows a commit: a run that is cut off is begun again and goes on.

use wharf_core::seal::anew::{Again, Anew};
use wharf_core::seal::place;
use wharf_core::store::Error;

use crate::account::{KEY_CHECK, MARKED};
use crate::sql::{Arg, Row, Sql, args, statements};
use crate::store::SqlStore;

statements! {
    VAULT = "SELECT session_id, space, key, value FROM vault WHERE (session_id, space, key) > ($1, $2, $3) \
        ORDER BY session_id, space, key LIMIT $4";
    PUT_VAULT = "UPDATE vault SET value = $4 WHERE session_id = $1 AND space = $2 AND key = $3";
    PROXIES = "SELECT number, id, proxy FROM sessions WHERE number > $1 AND proxy IS NOT NULL ORDER BY number LIMIT $2";
    PUT_PROXY = "UPDATE sessions SET proxy = $2 WHERE number = $1";
    WEBHOOKS = "SELECT number, id, secret, old_secret, headers FROM webhooks WHERE number > $1 ORDER BY number LIMIT $2";
    PUT_WEBHOOK = "UPDATE webhooks SET secret = COALESCE($2, secret), old_secret = COALESCE($3, old_secret), \
        headers = COALESCE($4, headers) WHERE number = $1";
    ANSWERS = "SELECT account_id, operation, key, answer_body FROM idempotency WHERE answer_body IS NOT NULL \
        AND (account_id, operation, key) > ($1, $2, $3) ORDER BY account_id, operation, key LIMIT $4";
    PUT_ANSWER = "UPDATE idempotency SET answer_body = $4 WHERE account_id = $1 AND operation = $2 AND key = $3";
    SOURCES = "SELECT media_id, session_id, source FROM media_fetches WHERE media_id > $1 ORDER BY media_id LIMIT $2";
    PUT_SOURCE = "UPDATE media_fetches SET source = $2 WHERE media_id = $1";
    PAYLOADS = "SELECT o.message, m.session_id, m.wa_id, o.payload FROM outgoing o JOIN messages m ON m.number = o.message \
        WHERE o.message > $1 ORDER BY o.message LIMIT $2";
    PUT_PAYLOAD = "UPDATE outgoing SET payload = $2 WHERE message = $1";
    LIVING = "SELECT COUNT(*) FROM node_lease WHERE expires_at > $1";
    CHANGE_MARK = "UPDATE meta SET value = $2 WHERE name = $1";
    DROP_MARK = "DELETE FROM meta WHERE name = $1";
}

/// What the check value of the key that is on its way is called among the marks.
pub(crate) const RESEALING: &str = "master-key-to-be";
/// How many rows one commit changes: a statement each, and payloads may be large.
const PAGE: u32 = 50;

/// How many values there were.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    pub done: u64,
    /// By an earlier run.
    pub already: u64,
    /// What neither key opens, by its place; the first few.
    pub unreadable: Vec<String>,
    pub unreadable_count: u64,
}

impl Resealed {
    fn take(&mut self, place: &[&str], again: Again) -> Option<Vec<u8>> {
        match again {
            Again::Done(value) => {
                self.done += 1;
                return Some(value);
            }
            Again::Already => self.already += 1,
            Again::Unreadable => {
                self.unreadable_count += 1;
                if self.unreadable.len() < 5 {
                    self.unreadable.push(place.join(" "));
                }
            }
        }
        None
    }
}

/// A value that a statement takes, its own.
#[derive(Clone)]
enum OwnedArg {
    Text(String),
    Int(i64),
    Bytes(Option<Vec<u8>>),
}

impl OwnedArg {
    fn arg(&self) -> Arg<'_> {
        match self {
            Self::Text(text) => Arg::Text(Some(text)),
            Self::Int(int) => Arg::Int(Some(*int)),
            Self::Bytes(bytes) => Arg::Bytes(bytes.as_deref()),
        }
    }
}

impl SqlStore {
    /// The check value of a key that everything is being sealed with, where a run has begun and not ended.
    pub async fn resealing(&self) -> Result<Option<String>, Error> {
        self.readers.first(&MARKED, args![RESEALING]).await?.map(|mut row| row.text()).transpose()
    }

    /// How many nodes have a lease: none may run meanwhile.
    pub async fn living_nodes(&self, now: wharf_api::Timestamp) -> Result<i64, Error> {
        let now = crate::owner::now(self, now).await?;
        self.readers.first(&LIVING, args![now]).await?.map_or(Ok(0), |mut row| row.int())
    }

    /// Begins with the new key's check value, or tells with which one an earlier run began. From now on no gateway starts.
    pub async fn begin_reseal(&self, check: &str) -> Result<String, Error> {
        self.mark(RESEALING, check).await
    }

    /// All is sealed with the new key, which is the one from now on.
    pub async fn end_reseal(&self, check: &str) -> Result<(), Error> {
        let check = check.to_owned();
        self.write("", "", move |tx| {
            Box::pin(async move {
                tx.execute(&CHANGE_MARK, args![KEY_CHECK, &check]).await?;
                tx.execute(&DROP_MARK, args![RESEALING]).await.map(drop)
            })
        })
        .await
    }

    /// Seals everything anew.
    pub async fn reseal(&self, anew: &Anew) -> Result<Resealed, Error> {
        let mut told = Resealed::default();
        let by_three = |row: &mut Row| Ok::<_, Error>([row.text()?, row.text()?, row.text()?]);
        for (list, put, is_vault) in [(&VAULT, &PUT_VAULT, true), (&ANSWERS, &PUT_ANSWER, false)] {
            let mut after = [String::new(), String::new(), String::new()];
            while let Some(rows) = self.some(list, args![&after[0], &after[1], &after[2], PAGE]).await? {
                let mut changes = Vec::new();
                for mut row in rows {
                    after = by_three(&mut row)?;
                    let ([a, b, c], value) = (&after, row.bytes()?);
                    let (vault, answer) = (place::vault(a, b, c), place::answer(a, b, c));
                    let place: &[&str] = if is_vault { &vault } else { &answer };
                    if let Some(value) = told.take(place, anew.again(place, &value)) {
                        changes.push(vec![
                            OwnedArg::Text(a.clone()),
                            OwnedArg::Text(b.clone()),
                            OwnedArg::Text(c.clone()),
                            OwnedArg::Bytes(Some(value)),
                        ]);
                    }
                }
                self.put(put, changes).await?;
            }
        }
        self.reseal_webhooks(anew, &mut told).await?;
        self.reseal_by_number(&PROXIES, &PUT_PROXY, &mut told, |row, told| {
            let (session, sealed) = (row.text()?, row.bytes()?);
            let place = place::proxy(&session);
            Ok(told.take(&place, anew.again(&place, &sealed)))
        })
        .await?;
        self.reseal_by_number(&PAYLOADS, &PUT_PAYLOAD, &mut told, |row, told| {
            let (session, wa_id, stored) = (row.text()?, row.text()?, row.bytes()?);
            Ok(told.take(&place::payload(&session, &wa_id), anew.payload(&session, &wa_id, &stored)))
        })
        .await?;
        let mut after = String::new();
        while let Some(rows) = self.some(&SOURCES, args![&after, PAGE]).await? {
            let mut changes = Vec::new();
            for mut row in rows {
                after = row.text()?;
                let (session, sealed) = (row.text()?, row.bytes()?);
                let place = place::source(&session, &after);
                if let Some(value) = told.take(&place, anew.again(&place, &sealed)) {
                    changes.push(vec![OwnedArg::Text(after.clone()), OwnedArg::Bytes(Some(value))]);
                }
            }
            self.put(&PUT_SOURCE, changes).await?;
        }
        Ok(told)
    }

    async fn reseal_webhooks(&self, anew: &Anew, told: &mut Resealed) -> Result<(), Error> {
        let mut after = 0;
        while let Some(rows) = self.some(&WEBHOOKS, args![after, PAGE]).await? {
            let mut changes = Vec::new();
            for mut row in rows {
                after = row.int()?;
                let (id, secret, old, headers) = (row.text()?, row.bytes()?, row.opt_bytes()?, row.opt_bytes()?);
                let mut again =
                    |place: [&str; 3], sealed: Option<Vec<u8>>| sealed.and_then(|it| told.take(&place, anew.again(&place, &it)));
                let secrets = [again(place::webhook_secret(&id), Some(secret)), again(place::webhook_secret(&id), old)];
                let headers = again(place::webhook_headers(&id), headers);
                let cells = secrets.into_iter().chain([headers]).map(OwnedArg::Bytes);
                changes.push([OwnedArg::Int(after)].into_iter().chain(cells).collect());
            }
            self.put(&PUT_WEBHOOK, changes).await?;
        }
        Ok(())
    }

    async fn reseal_by_number(
        &self,
        list: &Sql,
        put: &'static Sql,
        told: &mut Resealed,
        again: impl Fn(&mut Row, &mut Resealed) -> Result<Option<Vec<u8>>, Error>,
    ) -> Result<(), Error> {
        let mut after = 0;
        while let Some(rows) = self.some(list, args![after, PAGE]).await? {
            let mut changes = Vec::new();
            for mut row in rows {
                after = row.int()?;
                if let Some(value) = again(&mut row, told)? {
                    changes.push(vec![OwnedArg::Int(after), OwnedArg::Bytes(Some(value))]);
                }
            }
            self.put(put, changes).await?;
        }
        Ok(())
    }

    /// `None` at the end.
    async fn some(&self, sql: &Sql, args: &[Arg<'_>]) -> Result<Option<Vec<Row>>, Error> {
        let rows = self.readers.fetch(sql, args).await?;
        Ok((!rows.is_empty()).then_some(rows))
    }

    async fn put(&self, sql: &'static Sql, changes: Vec<Vec<OwnedArg>>) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        self.write("", "", move |tx| {
            Box::pin(async move {
                for cells in &changes {
                    let args: Vec<Arg<'_>> = cells.iter().map(OwnedArg::arg).collect();
                    tx.execute(sql, &args).await?;
                }
                Ok(())
            })
        })
        .await
    }
}
