//! The audit log.

use async_trait::async_trait;
use wharf_api::ids::{AccountId, KeyId, UserId};
use wharf_api::types::audit::Actor;
use wharf_api::{ErrorCode, Timestamp};
use wharf_core::store::{AuditFilter, AuditRow, AuditStore, Error, Page, PageRequest};

use crate::lane::Place;
use crate::sql::{Row, args, corrupt, page, statements};
use crate::store::SqlStore;

/// What every list has after its first condition.
macro_rules! list {
    ($first:literal) => {
        concat!(
            "SELECT number, at, account_id, actor, key_id, user_id, address, action, target, created, code, times FROM audit WHERE ",
            $first,
            " AND number < $2 AND (CAST($3 AS TEXT) IS NULL OR key_id = $3) AND (CAST($4 AS TEXT) IS NULL OR action = $4) \
             AND (CAST($5 AS TEXT) IS NULL OR target = $5) ORDER BY number DESC LIMIT $6"
        )
    };
}

statements! {
    APPEND = "INSERT INTO audit (at, account_id, actor, key_id, address, action, target, created, code, times, user_id) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    OF_ACCOUNT = list!("account_id = $1");
    OF_ALL = list!("CAST($1 AS TEXT) IS NULL");
    EXPIRE = "DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE at < $1 ORDER BY at LIMIT $2)";
}

fn row(row: &mut Row) -> Result<(i64, AuditRow), Error> {
    let number = row.int()?;
    let read = AuditRow {
        at: row.time()?,
        account: row.opt_parsed("an account's id", AccountId::parse)?,
        actor: row.parsed("an actor", Actor::parse)?,
        key: row.opt_parsed("a key's id", KeyId::parse)?,
        user: row.opt_parsed("a user's id", UserId::parse)?,
        address: row.opt_text()?,
        action: row.text()?,
        target: row.opt_text()?,
        created: row.opt_text()?,
        code: code(&row.text()?)?,
        times: row.count()?,
    };
    Ok((number, read))
}

/// The empty text is success.
fn code(name: &str) -> Result<Option<ErrorCode>, Error> {
    if name.is_empty() {
        return Ok(None);
    }
    ErrorCode::parse(name).map(Some).ok_or_else(|| corrupt(format!("the code {name:?}")))
}

#[async_trait]
impl AuditStore for SqlStore {
    async fn append_audit(&self, rows: &[AuditRow]) -> Result<(), Error> {
        let rows = rows.to_vec();
        let place = rows.first().and_then(|row| row.account.clone());
        self.write(place.as_ref().map_or_else(Place::gateway, Place::account), move |tx| {
            Box::pin(async move {
                for row in &rows {
                    let args = args![
                        row.at,
                        row.account.as_ref().map(AccountId::as_str),
                        row.actor.as_str(),
                        row.key.as_ref().map(KeyId::as_str),
                        &row.address,
                        &row.action,
                        &row.target,
                        &row.created,
                        row.code.map_or("", ErrorCode::name),
                        Some(row.times),
                        row.user.as_ref().map(UserId::as_str),
                    ];
                    tx.execute(&APPEND, args).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn list_audit(&self, filter: &AuditFilter, request: PageRequest) -> Result<Page<AuditRow>, Error> {
        let sql = if filter.account.is_some() { &OF_ACCOUNT } else { &OF_ALL };
        let args = args![
            filter.account.as_ref().map(AccountId::as_str),
            request.after.unwrap_or(i64::MAX),
            filter.key.as_ref().map(KeyId::as_str),
            &filter.action,
            &filter.target,
            page::fetch(request),
        ];
        page::cut(self.readers.fetch(sql, args).await?, request, row)
    }

    async fn expire_audit(&self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        self.write(Place::gateway(), move |tx| Box::pin(async move { tx.execute(&EXPIRE, args![before, limit]).await })).await
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_statement_changes_a_row_of_the_log_and_two_drop_some_that_are_old_or_of_a_deleted_account() {
        let about: Vec<_> = crate::statements::all().filter(|sql| sql.sqlite.contains(" audit")).collect();
        assert!(about.iter().all(|sql| !sql.sqlite.starts_with("UPDATE") && !sql.sqlite.contains("DO UPDATE")));
        assert_eq!(about.iter().filter(|sql| sql.sqlite.starts_with("DELETE")).count(), 2);
    }
}
