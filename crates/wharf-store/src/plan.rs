//! Plans as data, and the list of all accounts: what an operator works on.

pub(crate) mod row;

use wharf_api::ids::AccountId;
use wharf_core::store::{AccountRow, Error, Page, PageRequest, Plan};

use crate::account::row::{FIND, account, account_columns};
use crate::lane::Place;
use crate::sql::{Row, Tx, args, page, statements};
use crate::store::SqlStore;

use row::plan;

statements! {
    LIST = "SELECT name, messages_per_day, calls_per_minute, sessions, concurrent_requests, event_days, media_days, media_bytes, pace, \
        keep_deleted, message_days FROM plans ORDER BY calls_per_minute, name";
    PUT = "INSERT INTO plans (name, messages_per_day, calls_per_minute, sessions, concurrent_requests, event_days, media_days, pace, media_bytes, \
        keep_deleted, message_days) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
        ON CONFLICT (name) DO UPDATE SET messages_per_day = excluded.messages_per_day, calls_per_minute = excluded.calls_per_minute, \
        sessions = excluded.sessions, concurrent_requests = excluded.concurrent_requests, \
        event_days = excluded.event_days, media_days = excluded.media_days, pace = excluded.pace, \
        media_bytes = excluded.media_bytes, keep_deleted = excluded.keep_deleted, message_days = excluded.message_days";
    KEEPS_DELETED = "SELECT p.keep_deleted FROM accounts a JOIN plans p ON p.name = a.plan WHERE a.id = $1";
    LIST_ACCOUNTS = concat!(
        "SELECT a.created_at, ", account_columns!(), " FROM accounts a JOIN plans p ON p.name = a.plan WHERE a.created_at >= $1 \
         ORDER BY a.created_at, a.id LIMIT $2 OFFSET $3"
    );
    UPDATE_ACCOUNT = "UPDATE accounts SET name = COALESCE($2, name), plan = COALESCE($3, plan) WHERE id = $1 AND deleting_at IS NULL";
}

/// A cursor of the list of accounts is the moment at which the last one was made, and how many of that moment were shown.
const OF_A_MOMENT: i64 = 1_000_000;

/// Whether an account's plan keeps what was deleted for everyone.
pub(crate) async fn keeps_deleted(tx: &mut Tx, account: &AccountId) -> Result<bool, Error> {
    match tx.first(&KEEPS_DELETED, args![account]).await? {
        Some(mut row) => row.flag(),
        None => Ok(false),
    }
}

impl SqlStore {
    pub(crate) async fn list_plans(&self) -> Result<Vec<Plan>, Error> {
        page::each(self.readers.fetch(&LIST, &[]).await?, "a plan", plan)
    }

    pub(crate) async fn put_plan(&self, new: &Plan) -> Result<(), Error> {
        let new = new.clone();
        self.write(Place::gateway(), move |tx| {
            Box::pin(async move {
                let (calls, concurrent) = (Some(new.calls_per_minute), Some(new.concurrent_requests));
                let (events, media) = (Some(new.event_days), Some(new.media_days));
                let pace = serde_json::to_string(&new.pace).expect("a pace is plain data");
                let (bytes, kept, days) = (new.media_bytes, new.keep_deleted, new.message_days);
                let limits =
                    args![&new.name, new.messages_per_day, calls, new.sessions, concurrent, events, media, &pace, bytes, kept, days];
                tx.execute(&PUT, limits).await.map(drop)
            })
        })
        .await
    }

    pub(crate) async fn list_accounts(&self, request: PageRequest) -> Result<Page<AccountRow>, Error> {
        let after = request.after.unwrap_or(0).max(0);
        let (from, passed) = (after / OF_A_MOMENT, after % OF_A_MOMENT);
        let rows = self.readers.fetch(&LIST_ACCOUNTS, args![from, page::fetch(request), passed]).await?;
        let moments: Vec<i64> = rows.iter().take(page::taken(&rows, request)).filter_map(Row::number).collect();
        let mut found = page::cut(rows, request, |row| Ok((row.int()?, account(row)?)))?;
        // By the moments of all: one that cannot be read is left out, and passed.
        let last = moments.last().copied().unwrap_or(from);
        let shown = moments.iter().filter(|at| **at == last).count();
        let shown = i64::try_from(shown).unwrap_or(0) + if last == from { passed } else { 0 };
        found.next = found.next.map(|_| last.saturating_mul(OF_A_MOMENT).saturating_add(shown));
        Ok(found)
    }

    pub(crate) async fn update_account(&self, id: &AccountId, name: Option<&str>, plan: Option<&str>) -> Result<Option<AccountRow>, Error> {
        let (id, name, plan) = (id.clone(), name.map(str::to_owned), plan.map(str::to_owned));
        self.write(Place::account(&id), move |tx| {
            Box::pin(async move {
                if tx.execute(&UPDATE_ACCOUNT, args![&id, &name, &plan]).await? == 0 {
                    return Ok(None);
                }
                tx.first(&FIND, args![&id]).await?.map(|mut row| account(&mut row)).transpose()
            })
        })
        .await
    }
}
