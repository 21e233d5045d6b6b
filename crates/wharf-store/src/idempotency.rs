//! Idempotency keys: claimed in the transaction of what they stand for.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::AccountId;
use wharf_core::store::{Answer, Claim, Error, IdempotencyRow, IdempotencyStore};

use crate::group_end::{self, GROUP_END, reclaims};
use crate::lane::Place;
use crate::sql::{KeptKey, Row, Tx, args, corrupt, statements};
use crate::store::SqlStore;

statements! {
    /// Changes no row where the key is claimed; an expired claim gives way.
    CLAIM = concat!(
        "INSERT INTO idempotency (account_id, operation, key, request_hash, resource_id, created_at, expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ", reclaims!()
    );
    /// Until when the key is claimed. Whoever claims has the account's place.
    CLAIMED_UNTIL = "SELECT expires_at, CAST(0 AS BIGINT), CAST(0 AS BIGINT) FROM idempotency \
        WHERE account_id = $1 AND operation = $2 AND key = $3", lock "FOR UPDATE";
    FIND = "SELECT request_hash, resource_id, created_at, answer_status, answer_body FROM idempotency \
        WHERE account_id = $1 AND operation = $2 AND key = $3 AND expires_at > $4";
    /// The first answer stays.
    ANSWER = "UPDATE idempotency SET answer_status = $4, answer_body = $5 \
        WHERE account_id = $1 AND operation = $2 AND key = $3 AND answer_status IS NULL";
    RELEASE = "DELETE FROM idempotency WHERE account_id = $1 AND operation = $2 AND key = $3 AND answer_status IS NULL";
    EXPIRE = "DELETE FROM idempotency WHERE (account_id, operation, key) IN \
        (SELECT account_id, operation, key FROM idempotency WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
}

/// How many rows one commit drops: others wait for it.
const DROPPED_AT_ONCE: u32 = 500;

/// Claims the key for `resource`, or for who takes it by itself; `false` where it was claimed before.
pub(crate) async fn claim(tx: &mut Tx, account: &AccountId, claim: &Claim, resource: &str, at: Timestamp) -> Result<bool, Error> {
    if tx.lists_rows() {
        return claim_with_group(tx, account, claim, resource, at).await;
    }
    let args = args![account, &claim.operation, &claim.key, &claim.request_hash, resource, at, claim.expires_at];
    Ok(tx.execute(&CLAIM, args).await? == 1)
}

/// For a write whose rows go with the end of its group: the claim goes with them, and who comes later in the group finds it claimed.
async fn claim_with_group(tx: &mut Tx, account: &AccountId, claim: &Claim, resource: &str, at: Timestamp) -> Result<bool, Error> {
    let key = args![account, &claim.operation, &claim.key];
    let kept = tx.keep(&CLAIMED_UNTIL, key, Some([i64::MIN, 0, 0])).await?.ok_or_else(|| corrupt("a claim without a row"))?;
    if kept.numbers[0] > at.as_millis() {
        return Ok(false);
    }
    kept.numbers[0] = claim.expires_at.as_millis();
    let row = args![account, &claim.operation, &claim.key, &claim.request_hash, resource, at, claim.expires_at];
    tx.list(&GROUP_END, group_end::CLAIMS, row);
    Ok(true)
}

/// The row by which a group of writes knows until when a key is claimed.
pub(crate) fn kept(account: &AccountId, claim: &Claim) -> Result<KeptKey, Error> {
    KeptKey::new(&CLAIMED_UNTIL, args![account, &claim.operation, &claim.key])
}

fn idempotency(row: &mut Row) -> Result<IdempotencyRow, Error> {
    let (request_hash, resource_id, created_at) = (row.bytes()?, row.text()?, row.time()?);
    let answer = match (row.opt_int()?, row.opt_bytes()?) {
        (Some(status), Some(body)) => {
            let status = u16::try_from(status).map_err(|_| corrupt(format!("the status {status}")))?;
            Some(Answer { status, body })
        }
        _ => None,
    };
    Ok(IdempotencyRow { request_hash, resource_id, created_at, answer })
}

#[async_trait]
impl IdempotencyStore for SqlStore {
    async fn find_idempotency(
        &self,
        account: &AccountId,
        operation: &str,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<IdempotencyRow>, Error> {
        let row = self.readers.first(&FIND, args![account, operation, key, now]).await?;
        row.map(|mut row| idempotency(&mut row)).transpose()
    }

    async fn claim_idempotency(&self, account: &AccountId, new: &Claim, taker: &str, at: Timestamp) -> Result<bool, Error> {
        let (owner, new, taker) = (account.clone(), new.clone(), taker.to_owned());
        self.write(Place::account(account), move |tx| Box::pin(async move { claim(tx, &owner, &new, &taker, at).await })).await
    }

    async fn release_idempotency(&self, account: &AccountId, operation: &str, key: &str) -> Result<(), Error> {
        let (owner, operation, key) = (account.clone(), operation.to_owned(), key.to_owned());
        self.write(Place::account(account), move |tx| {
            Box::pin(async move { tx.execute(&RELEASE, args![&owner, &operation, &key]).await.map(drop) })
        })
        .await
    }

    async fn answer_idempotency(&self, account: &AccountId, operation: &str, key: &str, answer: &Answer) -> Result<(), Error> {
        let (owner, operation, key, answer) = (account.clone(), operation.to_owned(), key.to_owned(), answer.clone());
        self.write(Place::account(account), move |tx| {
            Box::pin(
                async move { tx.execute(&ANSWER, args![&owner, &operation, &key, i64::from(answer.status), &answer.body]).await.map(drop) },
            )
        })
        .await
    }

    async fn expire_idempotency(&self, now: Timestamp) -> Result<u64, Error> {
        let mut total = 0;
        loop {
            let dropped = self
                .write(Place::gateway(), move |tx| Box::pin(async move { tx.execute(&EXPIRE, args![now, DROPPED_AT_ONCE]).await }))
                .await?;
            total += dropped;
            if dropped < u64::from(DROPPED_AT_ONCE) {
                return Ok(total);
            }
        }
    }
}
