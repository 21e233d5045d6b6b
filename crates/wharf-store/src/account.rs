//! Accounts, plans and usage.

pub(crate) mod row;

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::AccountId;
use wharf_core::store::{AccountRow, AccountStore, Answers, Error, Page, PageRequest, Plan};

use crate::lane::Place;
use crate::sql::{Sql, args, statements};
use crate::store::SqlStore;

pub(crate) use row::{account, account_columns};

statements! {
    INSERT = "INSERT INTO accounts (id, name, plan, created_at) SELECT $1, $2, name, $4 FROM plans WHERE name = $3";
    FIND_NAMED = concat!(
        "SELECT ", account_columns!(),
        " FROM accounts a JOIN plans p ON p.name = a.plan WHERE a.name = $1 AND a.deleting_at IS NULL ORDER BY a.created_at, a.id LIMIT 1"
    );
    USED_ON_DAY = "SELECT messages FROM usage WHERE account_id = $1 AND utc_day = $2";
}

pub(crate) fn all() -> [&'static [Sql]; 2] {
    [ALL, row::ALL]
}

impl SqlStore {
    async fn read_account(&self, id: &AccountId) -> Result<Option<AccountRow>, Error> {
        self.readers.first(&row::FIND, args![id]).await?.map(|mut row| account(&mut row)).transpose()
    }
}

#[async_trait]
impl AccountStore for SqlStore {
    async fn insert_account(&self, id: &AccountId, name: &str, plan: &str, at: Timestamp) -> Result<bool, Error> {
        let (account, name, plan) = (id.clone(), name.to_owned(), plan.to_owned());
        self.write(Place::account(id), move |tx| {
            Box::pin(async move { Ok(tx.execute(&INSERT, args![&account, &name, &plan, at]).await? == 1) })
        })
        .await
    }

    async fn find_account(&self, id: &AccountId) -> Result<Option<AccountRow>, Error> {
        let Some(known) = &self.accounts else { return self.read_account(id).await };
        match known.find(id) {
            Ok(row) => Ok(Some(row)),
            Err(changes) => {
                let row = self.read_account(id).await?;
                if let Some(row) = &row {
                    known.keep(id.clone(), row.clone(), changes);
                }
                Ok(row)
            }
        }
    }

    async fn find_account_named(&self, name: &str) -> Result<Option<AccountRow>, Error> {
        self.readers.first(&FIND_NAMED, args![name]).await?.map(|mut row| account(&mut row)).transpose()
    }

    async fn messages_on_day(&self, account: &AccountId, utc_day: i64) -> Result<u64, Error> {
        let row = self.readers.first(&USED_ON_DAY, args![account, utc_day]).await?;
        row.map_or(Ok(0), |mut row| row.count())
    }

    async fn messages_since(&self, account: &AccountId, utc_day: i64) -> Result<Vec<(i64, u64)>, Error> {
        self.messages_since(account, utc_day).await
    }

    async fn add_answers(&self, account: &AccountId, answers: &[Answers]) -> Result<(), Error> {
        self.add_answers(account, answers).await
    }

    async fn answers_since(&self, account: &AccountId, utc_day: i64) -> Result<Vec<Answers>, Error> {
        self.answers_since(account, utc_day).await
    }

    async fn list_accounts(&self, page: PageRequest) -> Result<Page<AccountRow>, Error> {
        self.list_accounts(page).await
    }

    async fn update_account(&self, id: &AccountId, name: Option<&str>, plan: Option<&str>) -> Result<Option<AccountRow>, Error> {
        self.update_account(id, name, plan).await
    }

    async fn list_plans(&self) -> Result<Vec<Plan>, Error> {
        self.list_plans().await
    }

    async fn put_plan(&self, plan: &Plan) -> Result<(), Error> {
        self.put_plan(plan).await
    }
}
