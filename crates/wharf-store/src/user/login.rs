//! Log-ins, and the tokens of links.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{LoginId, UserId};
use wharf_core::store::{Error, LoginRow, LoginStore, LoginWithUser, UserRow};

use super::{user, user_columns};
use crate::account::{account, account_columns};
use crate::lane::Place;
use crate::sql::{Row, args, page, statements};
use crate::store::SqlStore;

/// The cells that [`login`] reads.
macro_rules! login_columns {
    () => {
        "l.id, l.user_id, l.secret_hash, l.created_at, l.last_seen_at, l.expires_at, l.address, l.user_agent"
    };
}

statements! {
    INSERT = "INSERT INTO logins (id, user_id, secret_hash, created_at, last_seen_at, expires_at, address, user_agent) \
        SELECT $1, id, $3, $4, $5, $6, $7, $8 FROM users WHERE id = $2";
    // Ids grow with the time of their making.
    END_OLDEST = "DELETE FROM logins WHERE user_id = $1 AND id NOT IN \
        (SELECT id FROM logins WHERE user_id = $1 ORDER BY id DESC LIMIT $2)";
    NOTE = "UPDATE users SET last_login_at = $2 WHERE id = $1";
    FIND = concat!(
        "SELECT ", login_columns!(), ", ", user_columns!(), ", ", account_columns!(),
        " FROM logins l JOIN users u ON u.id = l.user_id JOIN accounts a ON a.id = u.account_id JOIN plans p ON p.name = a.plan \
         WHERE l.secret_hash = $1"
    );
    FIND_BY_ID = concat!("SELECT ", login_columns!(), " FROM logins l WHERE l.id = $1");
    LIST = concat!("SELECT ", login_columns!(), " FROM logins l WHERE l.user_id = $1 ORDER BY l.id DESC");
    TOUCH = "UPDATE logins SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2";
    DELETE = "DELETE FROM logins WHERE id = $1";
    EXPIRE = "DELETE FROM logins WHERE id IN (SELECT id FROM logins WHERE last_seen_at < $1 OR expires_at < $2 LIMIT $3)";
    EXPIRE_TOKENS = "DELETE FROM login_tokens WHERE secret_hash IN (SELECT secret_hash FROM login_tokens WHERE expires_at < $1 LIMIT $2)";
    INSERT_TOKEN = "INSERT INTO login_tokens (secret_hash, user_id, expires_at) VALUES ($1, $2, $3)";
    FIND_TOKEN = concat!(
        "SELECT ", user_columns!(), " FROM login_tokens t JOIN users u ON u.id = t.user_id WHERE t.secret_hash = $1 AND t.expires_at > $2"
    );
    TAKE_TOKEN = "DELETE FROM login_tokens WHERE secret_hash = $1 RETURNING user_id, expires_at";
    FIND_USER = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.id = $1");
}

fn login(row: &mut Row) -> Result<LoginRow, Error> {
    Ok(LoginRow {
        id: row.parsed("a log-in's id", LoginId::parse)?,
        user: row.parsed("a user's id", UserId::parse)?,
        secret_hash: row.bytes()?,
        created_at: row.time()?,
        last_seen_at: row.time()?,
        expires_at: row.time()?,
        address: row.text()?,
        user_agent: row.text()?,
    })
}

#[async_trait]
impl LoginStore for SqlStore {
    async fn insert_login(&self, login: &LoginRow, most: u32) -> Result<(), Error> {
        let row = login.clone();
        self.write(Place::user(&login.user), move |tx| {
            Box::pin(async move {
                let args = args![
                    &row.id,
                    &row.user,
                    &row.secret_hash,
                    row.created_at,
                    row.last_seen_at,
                    row.expires_at,
                    &row.address,
                    &row.user_agent,
                ];
                tx.execute(&INSERT, args).await?;
                tx.execute(&END_OLDEST, args![&row.user, most]).await?;
                tx.execute(&NOTE, args![&row.user, row.created_at]).await.map(drop)
            })
        })
        .await
    }

    async fn find_login(&self, secret_hash: &[u8]) -> Result<Option<LoginWithUser>, Error> {
        let Some(mut row) = self.readers.first(&FIND, args![secret_hash]).await? else { return Ok(None) };
        Ok(Some(LoginWithUser { login: login(&mut row)?, user: user(&mut row)?.1, account: account(&mut row)? }))
    }

    async fn find_login_by_id(&self, id: &LoginId) -> Result<Option<LoginRow>, Error> {
        self.readers.first(&FIND_BY_ID, args![id]).await?.map(|mut row| login(&mut row)).transpose()
    }

    async fn list_logins(&self, user: &UserId) -> Result<Vec<LoginRow>, Error> {
        page::each(self.readers.fetch(&LIST, args![user]).await?, "a log-in", login)
    }

    async fn touch_login(&self, id: &LoginId, at: Timestamp) -> Result<(), Error> {
        let id = id.clone();
        self.write(Place::gateway(), move |tx| Box::pin(async move { tx.execute(&TOUCH, args![&id, at]).await.map(drop) })).await
    }

    async fn delete_login(&self, user: &UserId, id: &LoginId) -> Result<Option<LoginRow>, Error> {
        let (user, id) = (user.clone(), id.clone());
        self.write(Place::user(&user), move |tx| {
            Box::pin(async move {
                let found = tx.first(&FIND_BY_ID, args![&id]).await?.map(|mut row| login(&mut row)).transpose()?;
                let Some(found) = found.filter(|login| login.user == user) else { return Ok(None) };
                tx.execute(&DELETE, args![&id]).await?;
                Ok(Some(found))
            })
        })
        .await
    }

    async fn expire_logins(&self, idle: Timestamp, now: Timestamp, limit: u32) -> Result<u64, Error> {
        self.write(Place::gateway(), move |tx| {
            Box::pin(async move {
                let tokens = tx.execute(&EXPIRE_TOKENS, args![now, limit]).await?;
                Ok(tokens + tx.execute(&EXPIRE, args![idle, now, limit]).await?)
            })
        })
        .await
    }

    async fn insert_login_token(&self, secret_hash: &[u8], user: &UserId, expires_at: Timestamp) -> Result<(), Error> {
        let (hash, user) = (secret_hash.to_vec(), user.clone());
        self.write(Place::gateway(), move |tx| {
            Box::pin(async move { tx.execute(&INSERT_TOKEN, args![&hash, &user, expires_at]).await.map(drop) })
        })
        .await
    }

    async fn find_login_token(&self, secret_hash: &[u8], now: Timestamp) -> Result<Option<UserRow>, Error> {
        let found = self.readers.first(&FIND_TOKEN, args![secret_hash, now]).await?;
        found.map(|mut row| user(&mut row).map(|(_, user)| user)).transpose()
    }

    async fn take_login_token(&self, secret_hash: &[u8], now: Timestamp) -> Result<Option<UserRow>, Error> {
        let hash = secret_hash.to_vec();
        self.write(Place::gateway(), move |tx| {
            Box::pin(async move {
                let Some(mut taken) = tx.first(&TAKE_TOKEN, args![&hash]).await? else { return Ok(None) };
                let (id, end) = (taken.parsed("a user's id", UserId::parse)?, taken.time()?);
                if end <= now {
                    return Ok(None);
                }
                tx.first(&FIND_USER, args![&id]).await?.map(|mut row| user(&mut row).map(|(_, user)| user)).transpose()
            })
        })
        .await
    }
}
