//! API keys.

use async_trait::async_trait;
use wharf_api::ids::{AccountId, KeyId, SessionId};
use wharf_api::{Permission, Timestamp};
use wharf_core::store::{Error, KeyRow, KeyStore, KeyWithAccount, Page, PageRequest};

use crate::account::{account, account_columns};
use crate::lane::Place;
use crate::sql::{Row, Tx, args, corrupt, page, statements};
use crate::store::SqlStore;

/// The cells that [`key`] reads.
macro_rules! key_columns {
    ($($of:literal)?) => {
        concat!(
            $($of,)? "number, ", $($of,)? "id, ", $($of,)? "account_id, ", $($of,)? "name, ", $($of,)? "secret_hash, ",
            $($of,)? "permissions, ", $($of,)? "sessions, ", $($of,)? "operator, ", $($of,)? "created_at, ",
            $($of,)? "expires_at, ", $($of,)? "revoked_at, ", $($of,)? "last_used_at"
        )
    };
}

statements! {
    INSERT = "INSERT INTO api_keys (id, account_id, name, secret_hash, permissions, sessions, operator, created_at, expires_at, revoked_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    GOOD = "SELECT COUNT(*) FROM api_keys WHERE account_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
    DROP_ENDED = "DELETE FROM api_keys WHERE number IN \
        (SELECT number FROM api_keys WHERE revoked_at < $1 OR expires_at < $1 ORDER BY number LIMIT $2)";
    FIND_ANY_ACCOUNT = concat!(
        "SELECT ", key_columns!("k."), ", ", account_columns!(),
        " FROM api_keys k JOIN accounts a ON a.id = k.account_id JOIN plans p ON p.name = a.plan WHERE k.id = $1"
    );
    FIND = concat!("SELECT ", key_columns!(), " FROM api_keys WHERE account_id = $1 AND id = $2");
    LIST = concat!("SELECT ", key_columns!(), " FROM api_keys WHERE account_id = $1 AND number > $2 ORDER BY number LIMIT $3");
    END = "UPDATE api_keys SET expires_at = CASE WHEN expires_at IS NOT NULL AND expires_at < $3 THEN expires_at ELSE $3 END \
        WHERE account_id = $1 AND id = $2 AND revoked_at IS NULL";
    TOUCH = "UPDATE api_keys SET last_used_at = $3 WHERE account_id = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at < $3)";
    REVOKE = concat!(
        "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $3) WHERE account_id = $1 AND id = $2 RETURNING ", key_columns!()
    );
}

/// How many keys one commit touches, each by a statement.
const TOUCHED_AT_ONCE: usize = 100;

/// How many one commit drops.
const DROPPED_AT_ONCE: u32 = 100;

fn key(row: &mut Row) -> Result<(i64, KeyRow), Error> {
    let number = row.int()?;
    let key = KeyRow {
        id: row.parsed("a key's id", KeyId::parse)?,
        account: row.parsed("an account's id", AccountId::parse)?,
        name: row.text()?,
        secret_hash: row.bytes()?,
        permissions: permissions(&row.text()?)?,
        sessions: row.opt_text()?.map(|text| json(&text)).transpose()?,
        operator: row.flag()?,
        created_at: row.time()?,
        expires_at: row.opt_time()?,
        revoked_at: row.opt_time()?,
        last_used_at: row.opt_time()?,
    };
    Ok((number, key))
}

fn permissions(text: &str) -> Result<Vec<Permission>, Error> {
    let words: Vec<String> = json(text)?;
    words.iter().map(|word| Permission::parse(word).ok_or_else(|| corrupt(format!("the permission {word:?}")))).collect()
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| corrupt(format!("a list of a key: {error}")))
}

fn to_json(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| corrupt(error.to_string()))
}

async fn insert(tx: &mut Tx, row: &KeyRow) -> Result<(), Error> {
    let permissions = to_json(&row.permissions)?;
    let sessions = row.sessions.as_ref().map(|ids: &Vec<SessionId>| to_json(ids)).transpose()?;
    let args = args![
        &row.id,
        &row.account,
        &row.name,
        &row.secret_hash,
        &permissions,
        &sessions,
        row.operator,
        row.created_at,
        row.expires_at,
        row.revoked_at,
    ];
    tx.execute(&INSERT, args).await.map(drop)
}

#[async_trait]
impl KeyStore for SqlStore {
    async fn insert_key(&self, key: &KeyRow) -> Result<(), Error> {
        let row = key.clone();
        self.write(Place::account(&key.account), move |tx| Box::pin(async move { insert(tx, &row).await })).await
    }

    async fn insert_key_within(&self, key: &KeyRow, limit: Option<u64>) -> Result<bool, Error> {
        let row = key.clone();
        self.write(Place::account(&key.account), move |tx| {
            Box::pin(async move {
                if let Some(limit) = limit {
                    let good = tx.first(&GOOD, args![&row.account, row.created_at]).await?.map_or(Ok(0), |mut row| row.count())?;
                    if good >= limit {
                        return Ok(false);
                    }
                }
                insert(tx, &row).await?;
                Ok(true)
            })
        })
        .await
    }

    async fn count_good_keys(&self, account: &AccountId, now: Timestamp) -> Result<u64, Error> {
        self.readers.first(&GOOD, args![account, now]).await?.map_or(Ok(0), |mut row| row.count())
    }

    async fn drop_ended_keys(&self, before: Timestamp) -> Result<u64, Error> {
        let mut dropped = 0;
        loop {
            let some = self
                .write(Place::gateway(), move |tx| Box::pin(async move { tx.execute(&DROP_ENDED, args![before, DROPPED_AT_ONCE]).await }))
                .await?;
            dropped += some;
            if some < DROPPED_AT_ONCE.into() {
                return Ok(dropped);
            }
        }
    }

    async fn find_key_any_account(&self, id: &KeyId) -> Result<Option<KeyWithAccount>, Error> {
        let Some(mut row) = self.readers.first(&FIND_ANY_ACCOUNT, args![id]).await? else { return Ok(None) };
        Ok(Some(KeyWithAccount { key: key(&mut row)?.1, account: account(&mut row)? }))
    }

    async fn find_key(&self, account: &AccountId, id: &KeyId) -> Result<Option<KeyRow>, Error> {
        let row = self.readers.first(&FIND, args![account, id]).await?;
        row.map(|mut row| key(&mut row).map(|(_, key)| key)).transpose()
    }

    async fn list_keys(&self, account: &AccountId, request: PageRequest) -> Result<Page<KeyRow>, Error> {
        let rows = self.readers.fetch(&LIST, args![account, request.after.unwrap_or(0), page::fetch(request)]).await?;
        page::cut(rows, request, key)
    }

    async fn revoke_key(&self, account: &AccountId, id: &KeyId, at: Timestamp) -> Result<Option<KeyRow>, Error> {
        let (owner, id) = (account.clone(), id.clone());
        self.write(Place::account(account), move |tx| {
            Box::pin(async move {
                let row = tx.first(&REVOKE, args![&owner, &id, at]).await?;
                row.map(|mut row| key(&mut row).map(|(_, key)| key)).transpose()
            })
        })
        .await
    }

    async fn rotate_key(&self, old: &KeyId, new: &KeyRow, ends_at: Timestamp) -> Result<bool, Error> {
        let (old, new) = (old.clone(), new.clone());
        self.write(Place::account(&new.account), move |tx| {
            Box::pin(async move {
                if tx.execute(&END, args![&new.account, &old, ends_at]).await? == 0 {
                    return Ok(false);
                }
                insert(tx, &new).await?;
                Ok(true)
            })
        })
        .await
    }

    async fn touch_keys(&self, account: &AccountId, used: &[(KeyId, Timestamp)]) -> Result<(), Error> {
        for part in used.chunks(TOUCHED_AT_ONCE) {
            let (owner, used) = (account.clone(), part.to_vec());
            let touched = self.write(Place::account(account), move |tx| {
                Box::pin(async move {
                    for (id, at) in &used {
                        tx.execute(&TOUCH, args![&owner, id, *at]).await?;
                    }
                    Ok(())
                })
            });
            touched.await?;
        }
        Ok(())
    }
}
