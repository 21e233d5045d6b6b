//! Users.

pub(crate) mod login;

use async_trait::async_trait;
use wharf_api::ids::{AccountId, LoginId, UserId};
use wharf_api::types::user::Role;
use wharf_core::store::{Error, Page, PageRequest, UserRow, UserStore};

use crate::lane::Place;
use crate::sql::{Row, args, page, statements};
use crate::store::SqlStore;

/// The cells that [`user`] reads.
macro_rules! user_columns {
    () => {
        "u.number, u.id, u.account_id, u.name, u.role, u.password, u.created_at, u.last_login_at"
    };
}
pub(crate) use user_columns;

statements! {
    INSERT = "INSERT INTO users (id, account_id, name, role, password, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (name) DO NOTHING";
    FIND = concat!(
        "SELECT ", user_columns!(), " FROM users u WHERE u.id = $1 AND (CAST($2 AS TEXT) IS NULL OR u.account_id = $2)"
    );
    FIND_NAMED = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.name = $1");
    LIST = concat!(
        "SELECT ", user_columns!(), " FROM users u WHERE (CAST($1 AS TEXT) IS NULL OR u.account_id = $1) AND u.number > $2 \
         AND ($3 = 1 OR u.role <> 'operator') ORDER BY u.number LIMIT $4"
    );
    UPDATE = "UPDATE users SET role = COALESCE(CAST($2 AS TEXT), role), password = COALESCE(CAST($3 AS TEXT), password) WHERE id = $1";
    DELETE = "DELETE FROM users WHERE id = $1";
    END_LOGINS = "DELETE FROM logins WHERE user_id = $1 AND (CAST($2 AS TEXT) IS NULL OR id <> $2)";
    END_TOKENS = "DELETE FROM login_tokens WHERE user_id = $1";
}

pub(crate) fn user(row: &mut Row) -> Result<(i64, UserRow), Error> {
    let number = row.int()?;
    let user = UserRow {
        id: row.parsed("a user's id", UserId::parse)?,
        account: row.parsed("an account's id", AccountId::parse)?,
        name: row.text()?,
        role: row.parsed("a role", Role::parse)?,
        password: row.text()?,
        created_at: row.time()?,
        last_login_at: row.opt_time()?,
    };
    Ok((number, user))
}

fn one(row: Option<Row>) -> Result<Option<UserRow>, Error> {
    row.map(|mut row| user(&mut row).map(|(_, user)| user)).transpose()
}

#[async_trait]
impl UserStore for SqlStore {
    async fn insert_user(&self, user: &UserRow) -> Result<bool, Error> {
        let row = user.clone();
        self.write(Place::account(&user.account), move |tx| {
            Box::pin(async move {
                let args = args![&row.id, &row.account, &row.name, row.role.as_str(), &row.password, row.created_at];
                Ok(tx.execute(&INSERT, args).await? == 1)
            })
        })
        .await
    }

    async fn find_user(&self, account: Option<&AccountId>, id: &UserId) -> Result<Option<UserRow>, Error> {
        one(self.readers.first(&FIND, args![id, account.map(AccountId::as_str)]).await?)
    }

    async fn find_user_named(&self, name: &str) -> Result<Option<UserRow>, Error> {
        one(self.readers.first(&FIND_NAMED, args![name]).await?)
    }

    async fn list_users(&self, account: Option<&AccountId>, operators: bool, request: PageRequest) -> Result<Page<UserRow>, Error> {
        let args = args![account.map(AccountId::as_str), request.after.unwrap_or(0), operators, page::fetch(request)];
        page::cut(self.readers.fetch(&LIST, args).await?, request, user)
    }

    async fn update_user(
        &self,
        id: &UserId,
        role: Option<Role>,
        password: Option<&str>,
        keep: Option<&LoginId>,
    ) -> Result<Option<UserRow>, Error> {
        let (id, password, keep) = (id.clone(), password.map(str::to_owned), keep.cloned());
        self.write(Place::gateway(), move |tx| {
            Box::pin(async move {
                tx.execute(&UPDATE, args![&id, role.map(Role::as_str), &password]).await?;
                if role.is_some() || password.is_some() {
                    tx.execute(&END_LOGINS, args![&id, keep.as_ref().map(LoginId::as_str)]).await?;
                    tx.execute(&END_TOKENS, args![&id]).await?;
                }
                one(tx.first(&FIND, args![&id, None::<&str>]).await?)
            })
        })
        .await
    }

    async fn delete_user(&self, id: &UserId) -> Result<bool, Error> {
        let id = id.clone();
        self.write(Place::gateway(), move |tx| {
            Box::pin(async move {
                tx.execute(&END_LOGINS, args![&id, None::<&str>]).await?;
                tx.execute(&END_TOKENS, args![&id]).await?;
                Ok(tx.execute(&DELETE, args![&id]).await? == 1)
            })
        })
        .await
    }
}
