//! Making, changing and deleting a webhook. What is new about an address is believed once it took a test.

use std::sync::Arc;

use wharf_api::types::webhook::{CreateWebhook, DisabledReason, UpdateWebhook};
use wharf_api::{Permission, limits};

use super::secret::seal_headers;
use super::{Error, Secret, check, find, may_see, test, unseal};
use crate::caller::Caller;
use crate::services::Services;
use crate::session;
use crate::settle::settled;
use crate::store::{self, Inserted, WebhookRow};

/// How many webhooks one run of the sweep deletes in one step.
const STEP: u32 = 50;

/// Makes a webhook. The secret is in the answer and nowhere else in clear.
pub async fn create(services: &Services, caller: &Caller, mut new: CreateWebhook) -> Result<(WebhookRow, Secret), Error> {
    let session = new.session_id.take();
    let (mut row, secret) = shape(services, caller, new)?;
    if let Some(id) = session {
        row.session = Some(session::find_row(services, caller, &id).await?.id);
    }
    if !may_see(caller, row.session.as_ref()) {
        return Err(Error::BeyondCaller);
    }
    test::send(services, caller, &row, &unseal(services, &row)?).await?;
    let there = || async { Ok(services.store.find_webhook(&caller.account, &row.id).await?.map(|_| Inserted::Now)) };
    match settled(services.store.insert_webhook(&row, limits::WEBHOOKS_PER_ACCOUNT), there).await? {
        Inserted::Now => Ok((row, secret)),
        Inserted::LimitReached { webhooks } => Err(Error::LimitReached { webhooks }),
    }
}

/// A webhook for all events of a session that is about to be made, after its address took a test. To be inserted with the
/// session.
pub async fn prepare(services: &Services, caller: &Caller, url: &str) -> Result<WebhookRow, Error> {
    if !caller.permissions.contains(&Permission::WebhooksManage) {
        return Err(Error::NotManager);
    }
    let new = CreateWebhook { url: url.to_owned(), events: vec![super::ALL_EVENTS.to_owned()], ..CreateWebhook::default() };
    let (row, _) = shape(services, caller, new)?;
    test::send(services, caller, &row, &unseal(services, &row)?).await?;
    Ok(row)
}

fn shape(services: &Services, caller: &Caller, new: CreateWebhook) -> Result<(WebhookRow, Secret), Error> {
    let kinds = check::kinds(&new.events)?;
    services.egress.check(&new.url)?;
    let (headers, enabled) = (new.headers.unwrap_or_default(), new.enabled.unwrap_or(true));
    check::headers(&headers)?;
    let (timeout_ms, description) = (check::timeout_ms(new.timeout_seconds)?, check::description(new.description.as_deref())?);
    let max_bytes = check::max_bytes(new.max_bytes)?;
    let (id, now) = (services.chance.webhook_id(), services.clock.now());
    let secret = match new.secret {
        Some(text) => Secret::parse(&text)?,
        None => Secret::generate(services),
    };
    let headers: Vec<_> = headers.into_iter().collect();
    let row = WebhookRow {
        number: 0,
        account: caller.account.clone(),
        session: None,
        url: new.url,
        kinds,
        description,
        timeout_ms,
        max_bytes,
        header_names: headers.iter().map(|(name, _)| name.clone()).collect(),
        headers: seal_headers(&services.seal, id.as_str(), &headers),
        secret: secret.seal(&services.seal, id.as_str()),
        old_secret: None,
        enabled,
        disabled_reason: (!enabled).then_some(DisabledReason::Requested),
        disabled_at: (!enabled).then_some(now),
        failing_since: None,
        created_at: now,
        updated_at: now,
        id,
    };
    Ok((row, secret))
}

/// Changes what is given. A new address must take a test first. Switching on lets go out what waited.
pub async fn update(services: &Services, caller: &Caller, id: &str, change: UpdateWebhook) -> Result<WebhookRow, Error> {
    let headers = change.headers.map(Option::unwrap_or_default);
    let kinds = change.events.as_deref().map(check::kinds).transpose()?;
    if let Some(url) = &change.url {
        services.egress.check(url)?;
    }
    if let Some(headers) = &headers {
        check::headers(headers)?;
    }
    let timeout_ms = change.timeout_seconds.map(|seconds| check::timeout_ms(Some(seconds))).transpose()?;
    let max_bytes = change.max_bytes.map(check::max_bytes).transpose()?;
    let description = change.description.map(|text| check::description(text.as_deref())).transpose()?;

    let seen = find(services, caller, id).await?;
    let now = services.clock.now();
    let headers = headers.map(|headers| {
        let headers: Vec<_> = headers.into_iter().collect();
        let names: Vec<_> = headers.iter().map(|(name, _)| name.clone()).collect();
        (names, seal_headers(&services.seal, seen.id.as_str(), &headers))
    });
    let (url, enabled) = (change.url, change.enabled);
    let moved = url.as_deref().is_some_and(|url| origin(url) != origin(&seen.url));
    // Made on the row as it is when it is written: others change it while its new address takes its test.
    let change = move |row: &mut WebhookRow| {
        set(&mut row.kinds, kinds.as_ref());
        set(&mut row.url, url.as_ref());
        set(&mut row.timeout_ms, timeout_ms.as_ref());
        set(&mut row.max_bytes, max_bytes.as_ref());
        set(&mut row.description, description.as_ref());
        match &headers {
            Some((names, sealed)) => (row.header_names, row.headers) = (names.clone(), sealed.clone()),
            // Nobody can read them here, and a server elsewhere would.
            None if moved => (row.header_names, row.headers) = (Vec::new(), None),
            None => {}
        }
        match enabled {
            Some(true) if !row.enabled => {
                (row.enabled, row.disabled_reason, row.disabled_at, row.failing_since) = (true, None, None, None);
            }
            Some(false) if row.enabled => {
                (row.enabled, row.disabled_reason, row.disabled_at) = (false, Some(DisabledReason::Requested), Some(now));
            }
            _ => {}
        }
        row.updated_at = now;
    };
    let mut wanted = seen.clone();
    change(&mut wanted);
    if wanted.url != seen.url {
        test::send(services, caller, &wanted, &unseal(services, &wanted)?).await?;
    }
    services.store.change_webhook(&caller.account, &seen.id, Arc::new(change)).await?.ok_or(Error::NotFound)
}

/// Scheme, host and port.
fn origin(url: &str) -> Option<url::Origin> {
    url::Url::parse(url).ok().map(|url| url.origin())
}

fn set<T: Clone>(value: &mut T, new: Option<&T>) {
    if let Some(new) = new {
        value.clone_from(new);
    }
}

/// Deletes webhooks whose session is gone; what they did not get stays in the event log.
pub async fn sweep(services: &Services) -> Result<(), store::Error> {
    loop {
        let orphaned = services.store.list_orphaned_webhooks(STEP).await?;
        for row in &orphaned {
            services.store.delete_webhook(&row.account, &row.id).await?;
        }
        if orphaned.len() < STEP as usize {
            break;
        }
    }
    let swept = services.store.sweep_deliveries().await?;
    tracing::debug!(swept, "deliveries of webhooks that are gone were dropped");
    Ok(())
}

/// Deletes a webhook; what it did not get is not delivered any more.
pub async fn delete(services: &Services, caller: &Caller, id: &str) -> Result<WebhookRow, Error> {
    let row = find(services, caller, id).await?;
    if services.store.delete_webhook(&caller.account, &row.id).await? { Ok(row) } else { Err(Error::NotFound) }
}
