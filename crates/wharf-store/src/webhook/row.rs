//! The row of a webhook.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wharf_api::ids::{AccountId, SessionId, WebhookId};
use wharf_api::types::event::EventKind;
use wharf_api::types::webhook::DisabledReason;
use wharf_core::store::{Error, WebhookRow};

use crate::sql::{Row, Tx, args, corrupt, listed, statements};

/// The cells that [`webhook`] reads.
macro_rules! webhook_columns {
    () => {
        "number, id, account_id, session_id, url, events, description, timeout_ms, header_names, headers, secret, old_secret, \
         old_secret_until, enabled, disabled_reason, disabled_at, failing_since, created_at, updated_at, max_bytes"
    };
}
pub(crate) use webhook_columns;

statements! {
    INSERT = "INSERT INTO webhooks (id, account_id, session_id, url, events, description, timeout_ms, header_names, headers, secret, \
        enabled, disabled_reason, disabled_at, created_at, updated_at, max_bytes) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15)";
}

/// A list of kinds, or of the star alone. In the row a statement looks for a word with its quotation marks, so that a damaged row wants
/// nothing and stops nobody.
pub(super) fn kinds_text(kinds: &[EventKind]) -> String {
    if kinds.is_empty() { listed(["*"].into_iter()) } else { listed(kinds.iter().map(|kind| kind.as_str())) }
}

fn kinds(text: &str) -> Result<Vec<EventKind>, Error> {
    let words: Vec<String> = parse(text)?;
    let kind = |word: &String| EventKind::parse(word).ok_or_else(|| corrupt(format!("the event {word:?}")));
    words.iter().filter(|word| *word != "*").map(kind).collect()
}

pub(super) fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| corrupt(error.to_string()))
}

pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| corrupt(error.to_string()))
}

pub(crate) fn webhook(row: &mut Row) -> Result<(i64, WebhookRow), Error> {
    let number = row.int()?;
    let (id, account) = (row.parsed("a webhook's id", WebhookId::parse)?, row.parsed("an account's id", AccountId::parse)?);
    let session = row.opt_parsed("a session's id", SessionId::parse)?;
    let (url, kinds, description) = (row.text()?, kinds(&row.text()?)?, row.opt_text()?);
    let (timeout_ms, header_names, headers) = (row.int()?, parse(&row.text()?)?, row.opt_bytes()?);
    let (secret, old, until) = (row.bytes()?, row.opt_bytes()?, row.opt_time()?);
    let webhook = WebhookRow {
        number,
        id,
        account,
        session,
        url,
        kinds,
        description,
        timeout_ms,
        header_names,
        headers,
        secret,
        old_secret: old.zip(until),
        enabled: row.flag()?,
        disabled_reason: row.opt_parsed("a reason", DisabledReason::parse)?,
        disabled_at: row.opt_time()?,
        failing_since: row.opt_time()?,
        created_at: row.time()?,
        updated_at: row.time()?,
        max_bytes: row.opt_int()?,
    };
    Ok((number, webhook))
}

pub(crate) async fn insert(tx: &mut Tx, row: &WebhookRow) -> Result<(), Error> {
    let (events, names) = (kinds_text(&row.kinds), json(&row.header_names)?);
    let args = args![
        &row.id,
        &row.account,
        row.session.as_ref().map(SessionId::as_str),
        &row.url,
        &events,
        &row.description,
        row.timeout_ms,
        &names,
        row.headers.as_deref(),
        &row.secret,
        row.enabled,
        row.disabled_reason.map(DisabledReason::as_str),
        row.disabled_at,
        row.created_at,
        row.max_bytes,
    ];
    tx.execute(&INSERT, args).await.map(drop)
}
