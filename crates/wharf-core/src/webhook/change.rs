//! Making, changing and deleting a webhook. What is new about an address is believed once it took a test.

use std::collections::BTreeMap;

use wharf_api::limits;
use wharf_api::types::webhook::DisabledReason;

use super::secret::seal_headers;
use super::{Error, Secret, check, find, may_see, test, unseal};
use crate::caller::Caller;
use crate::services::Services;
use crate::session;
use crate::store::{Inserted, WebhookRow};

/// A webhook as a caller wants it.
#[derive(Clone, Debug, Default)]
pub struct New {
    pub url: String,
    pub events: Vec<String>,
    pub session: Option<String>,
    pub description: Option<String>,
    pub timeout_seconds: Option<u64>,
    pub headers: BTreeMap<String, String>,
    pub enabled: bool,
    /// One of the caller's own; one is made where there is none.
    pub secret: Option<String>,
}

/// What is to be changed; `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub url: Option<String>,
    pub events: Option<Vec<String>>,
    pub description: Option<Option<String>>,
    pub timeout_seconds: Option<u64>,
    pub headers: Option<BTreeMap<String, String>>,
    pub enabled: Option<bool>,
}

/// Makes a webhook. The secret is in the answer and nowhere else in clear.
pub async fn create(services: &Services, caller: &Caller, new: New) -> Result<(WebhookRow, Secret), Error> {
    let session = new.session.clone();
    let (mut row, secret) = shape(services, caller, new)?;
    if let Some(id) = session {
        row.session = Some(session::find(services, caller, &id).await?.id);
    }
    if !may_see(caller, row.session.as_ref()) {
        return Err(Error::BeyondCaller);
    }
    test::send(services, caller, &row, &unseal(services, &row)?).await?;
    match services.store.insert_webhook(&row, limits::WEBHOOKS_PER_ACCOUNT).await? {
        Inserted::Now => Ok((row, secret)),
        Inserted::LimitReached { webhooks } => Err(Error::LimitReached { webhooks }),
    }
}

/// A webhook for all events of a session that is about to be made, after its address took a test. To be inserted with the
/// session.
pub async fn prepare(services: &Services, caller: &Caller, url: &str) -> Result<WebhookRow, Error> {
    let new = New { url: url.to_owned(), events: vec![super::ALL_EVENTS.to_owned()], enabled: true, ..New::default() };
    let (row, _) = shape(services, caller, new)?;
    test::send(services, caller, &row, &unseal(services, &row)?).await?;
    Ok(row)
}

fn shape(services: &Services, caller: &Caller, new: New) -> Result<(WebhookRow, Secret), Error> {
    let kinds = check::kinds(&new.events)?;
    services.egress.check(&new.url)?;
    check::headers(&new.headers)?;
    let (timeout_ms, description) = (check::timeout_ms(new.timeout_seconds)?, check::description(new.description.as_deref())?);
    let (id, now) = (services.chance.webhook_id(), services.clock.now());
    let secret = match new.secret {
        Some(text) => Secret::parse(&text)?,
        None => Secret::generate(services),
    };
    let headers: Vec<_> = new.headers.into_iter().collect();
    let row = WebhookRow {
        number: 0,
        account: caller.account.clone(),
        session: None,
        url: new.url,
        kinds,
        description,
        timeout_ms,
        header_names: headers.iter().map(|(name, _)| name.clone()).collect(),
        headers: seal_headers(&services.seal, id.as_str(), &headers),
        secret: secret.seal(&services.seal, id.as_str()),
        old_secret: None,
        enabled: new.enabled,
        disabled_reason: (!new.enabled).then_some(DisabledReason::Requested),
        disabled_at: (!new.enabled).then_some(now),
        failing_since: None,
        created_at: now,
        updated_at: now,
        id,
    };
    Ok((row, secret))
}

/// Changes what is given. A new address must take a test first. Switching on lets go out what waited.
pub async fn update(services: &Services, caller: &Caller, id: &str, change: Change) -> Result<WebhookRow, Error> {
    let kinds = change.events.as_deref().map(check::kinds).transpose()?;
    if let Some(url) = &change.url {
        services.egress.check(url)?;
    }
    if let Some(headers) = &change.headers {
        check::headers(headers)?;
    }
    let timeout_ms = change.timeout_seconds.map(|seconds| check::timeout_ms(Some(seconds))).transpose()?;
    let description = change.description.map(|text| check::description(text.as_deref())).transpose()?;

    let mut row = find(services, caller, id).await?;
    let (before, now) = (row.url.clone(), services.clock.now());
    row.kinds = kinds.unwrap_or(row.kinds);
    row.url = change.url.unwrap_or(row.url);
    row.timeout_ms = timeout_ms.unwrap_or(row.timeout_ms);
    row.description = description.unwrap_or(row.description);
    if let Some(headers) = change.headers {
        let headers: Vec<_> = headers.into_iter().collect();
        row.header_names = headers.iter().map(|(name, _)| name.clone()).collect();
        row.headers = seal_headers(&services.seal, row.id.as_str(), &headers);
    }
    match change.enabled {
        Some(true) if !row.enabled => {
            (row.enabled, row.disabled_reason, row.disabled_at, row.failing_since) = (true, None, None, None);
        }
        Some(false) if row.enabled => {
            (row.enabled, row.disabled_reason, row.disabled_at) = (false, Some(DisabledReason::Requested), Some(now));
        }
        _ => {}
    }
    row.updated_at = now;
    if row.url != before {
        test::send(services, caller, &row, &unseal(services, &row)?).await?;
    }
    if !services.store.update_webhook(&row).await? {
        return Err(Error::NotFound);
    }
    Ok(row)
}

/// Deletes a webhook; what it did not get is not delivered any more.
pub async fn delete(services: &Services, caller: &Caller, id: &str) -> Result<WebhookRow, Error> {
    let row = find(services, caller, id).await?;
    if services.store.delete_webhook(&caller.account, &row.id).await? { Ok(row) } else { Err(Error::NotFound) }
}
