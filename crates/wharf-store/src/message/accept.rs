//! Accepting a message: claim, quota, row, payload, event and the longer life of its file in one commit.

use wharf_api::ids::AccountId;
use wharf_core::message::handover::NewlyAccepted;
use wharf_core::store::{Accepted, Error, NewEvent, NewMessage, Outgoing};
use wharf_core::usage;

use super::row::{Said, insert_args, message_insert, said};
use crate::event::{self, Draft};
use crate::group_end::{self, GROUP_END};
use crate::lane::Place;
use crate::sql::{KeptKey, KeptWrite, Sql, Tx, args, corrupt, statements};
use crate::store::SqlStore;
use crate::{account, idempotency, media};

statements! {
    /// Changes no row where the limit is reached.
    COUNT = "INSERT INTO usage (account_id, utc_day, messages) SELECT $1, $2, 1 WHERE CAST($3 AS BIGINT) > 0 \
        ON CONFLICT (account_id, utc_day) DO UPDATE SET messages = usage.messages + 1 WHERE usage.messages < CAST($3 AS BIGINT)",
        postgres " RETURNING messages, warned";
    COUNTED = "SELECT messages, warned FROM usage WHERE account_id = $1 AND utc_day = $2";
    COUNT_ALL = "INSERT INTO usage (account_id, utc_day, messages) VALUES ($1, $2, 1) \
        ON CONFLICT (account_id, utc_day) DO UPDATE SET messages = usage.messages + 1";
    /// The same for a group of writes. All who count for the account have its place; the lock is for a stranger's: it is met as the group
    /// begins, or by the write that counts, and not by the group when it writes back.
    OF_DAY = "SELECT messages, warned, CAST(0 AS BIGINT) FROM usage WHERE account_id = $1 AND utc_day = $2", lock "FOR UPDATE";
    SET_DAY = "INSERT INTO usage (account_id, utc_day, messages, warned) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (account_id, utc_day) DO UPDATE SET messages = excluded.messages, warned = excluded.warned";
    WARNED = "UPDATE usage SET warned = $3 WHERE account_id = $1 AND utc_day = $2";
    INSERT = message_insert!();
    PAYLOAD = "INSERT INTO outgoing (message, payload, audience, attempts, claimed_at) VALUES ($1, $2, $3, $4, $5)";
}

/// Both at once: one way to the server instead of two. SQLite's statements go nowhere.
const INSERT_WITH_PAYLOAD: Sql = Sql {
    name: "INSERT_WITH_PAYLOAD",
    sqlite: INSERT.sqlite,
    postgres: concat!(
        "WITH message AS (",
        message_insert!(),
        " RETURNING number) INSERT INTO outgoing (message, payload, audience, attempts, claimed_at) \
         SELECT number, CAST($21 AS BYTEA), CAST($22 AS TEXT), CAST($23 AS BIGINT), CAST($24 AS BIGINT) FROM message"
    ),
};

pub(super) const BY_HAND: &[Sql] = &[INSERT_WITH_PAYLOAD];

/// Writes the count back.
const COUNTED_DAY: KeptWrite = KeptWrite { sql: &SET_DAY, numbers: 2, joint: &GROUP_END, part: group_end::DAYS };

impl SqlStore {
    pub(super) async fn accept_message(&self, message: &NewMessage) -> Result<Accepted, Error> {
        let new = message.clone();
        let (said, events) = (said(&new.row)?, event::drafts_of(&new.row));
        let place = Place::shared(&message.row.account, &message.row.session);
        let row = &message.row;
        let mut keys = Vec::with_capacity(3);
        if let Some(claim) = &message.claim {
            keys.push(idempotency::kept(&row.account, claim)?);
        }
        keys.push(KeptKey::new(&OF_DAY, args![&row.account, row.created_at.utc_day()])?);
        keys.push(event::kept(&row.account, &row.session)?);
        self.write_light(place, keys, move |tx| Box::pin(async move { accept(tx, &new, &said, &events).await })).await
    }
}

async fn accept(tx: &mut Tx, new: &NewMessage, said: &Said, events: &[Draft]) -> Result<Accepted, Error> {
    let row = &new.row;
    if let Some(claim) = &new.claim
        && !idempotency::claim(tx, &row.account, claim, row.id.as_str(), row.created_at).await?
    {
        // Nothing was written.
        return Ok(Accepted::ClaimedBefore);
    }
    let day = row.created_at.utc_day();
    let counted = count(tx, &row.account, day, new.daily_limit).await?;
    let of_limit = match counted {
        Counted::Over { used } => {
            // The claim goes too: the same request may succeed tomorrow.
            tx.discard();
            return Ok(Accepted::DailyLimit { used });
        }
        Counted::Within { limit, used, warned } => Some((limit, used, warned)),
        Counted::Unlimited => None,
    };
    let mut numbers = event::reserve(tx, &row.account, &row.session, events.len()).await?;
    if numbers.deleted {
        // Whoever asked saw it a moment ago, or recalled it. Nobody would send the message.
        tx.discard();
        return Ok(Accepted::NoSession);
    }
    let claimed_at = new.claimed.then_some(row.created_at);
    let audience = (!new.audience.is_empty()).then(|| serde_json::json!(new.audience).to_string());
    let (message, payload) = (insert_args!(row, said, new.expires_at), args![&new.payload, &audience, i64::from(new.claimed), claimed_at]);
    if tx.lists_rows() {
        tx.list(&GROUP_END, group_end::MESSAGES, &[message.as_slice(), payload.as_slice()].concat());
    }
    let number = if tx.lists_rows() { None } else { tx.insert_with([&INSERT, &PAYLOAD, &INSERT_WITH_PAYLOAD], message, payload).await? };
    event::insert(tx, row, number, &mut numbers, row.created_at, events).await?;
    if tx.keeps_rows() {
        tx.accepted(newly_accepted(new));
    }
    if let Some((file, until)) = &new.keeps {
        media::send_on(tx, &row.account, file, *until).await?;
    }
    if let Some((limit, used, warned)) = of_limit {
        let warnings = usage::warnings(used, limit, warned, row.created_at);
        if let Some(last) = warnings.last() {
            warned_of(tx, &row.account, day, last.percent).await?;
            let events = event::drafts(warnings.iter().map(NewEvent::from).collect());
            event::write_of_account(tx, &row.account, row.created_at, &events).await?;
        }
    }
    Ok(Accepted::Now)
}

/// The message as the queue has it from now on, where it goes at once.
fn newly_accepted(new: &NewMessage) -> NewlyAccepted {
    if !new.claimed {
        return NewlyAccepted::Waits;
    }
    let row = &new.row;
    NewlyAccepted::Goes(Outgoing {
        id: row.id.clone(),
        wa_id: row.wa_id.clone(),
        chat: row.chat.clone(),
        payload: new.payload.clone(),
        audience: new.audience.clone(),
        attempts: 1,
        accepted_at: row.created_at,
        expires_at: new.expires_at,
    })
}

/// What counting a message found.
enum Counted {
    Unlimited,
    /// With this one.
    Within {
        limit: u64,
        used: u64,
        warned: u64,
    },
    /// It was not counted.
    Over {
        used: u64,
    },
}

/// Counts a message of the day, unless that would be one too many.
async fn count(tx: &mut Tx, account: &AccountId, day: i64, limit: Option<u64>) -> Result<Counted, Error> {
    if tx.keeps_rows() {
        return count_kept(tx, account, day, limit).await;
    }
    let Some(limit) = limit else {
        tx.execute(&COUNT_ALL, args![account, day]).await?;
        return Ok(Counted::Unlimited);
    };
    if let Some(mut counted) = tx.change(&COUNT, &COUNTED, args![account, day, Some(limit)]).await? {
        return Ok(Counted::Within { limit, used: counted.count()?, warned: counted.count()? });
    }
    let used = tx.first(&account::USED_ON_DAY, args![account, day]).await?;
    Ok(Counted::Over { used: used.map_or(Ok(0), |mut row| row.count())? })
}

/// The same where the day's row is kept for a group.
async fn count_kept(tx: &mut Tx, account: &AccountId, day: i64, limit: Option<u64>) -> Result<Counted, Error> {
    let Some(kept) = tx.keep(&OF_DAY, args![account, day], Some([0, 0, 0])).await? else { return Err(corrupt("a count without a row")) };
    let [messages, warned, _] = &mut kept.numbers;
    let negative = |_| corrupt("a count below nothing");
    let (used, warned) = (u64::try_from(*messages).map_err(negative)?, u64::try_from(*warned).map_err(negative)?);
    if limit.is_some_and(|limit| used >= limit) {
        return Ok(Counted::Over { used });
    }
    *messages += 1;
    kept.write = Some(COUNTED_DAY);
    Ok(limit.map_or(Counted::Unlimited, |limit| Counted::Within { limit, used: used + 1, warned }))
}

/// Notes the last warning that was given of a day's messages.
async fn warned_of(tx: &mut Tx, account: &AccountId, day: i64, percent: u64) -> Result<(), Error> {
    if tx.keeps_rows() {
        if let Some(kept) = tx.keep(&OF_DAY, args![account, day], None).await? {
            kept.numbers[1] = i64::try_from(percent).unwrap_or(i64::MAX);
        }
        return Ok(());
    }
    tx.execute(&WARNED, args![account, day, Some(percent)]).await.map(drop)
}
