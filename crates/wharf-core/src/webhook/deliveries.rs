//! What became of each event on its way to a webhook, and how it is sent again.

use wharf_api::Timestamp;
use wharf_api::ids::DeliveryId;
use wharf_api::types::webhook::{Delivery, DeliveryStatus};

use super::{Error, find};
use crate::caller::Caller;
use crate::services::Services;
use crate::store::{DeliveryRow, Page, PageRequest};

/// The deliveries of a webhook, newest event first.
pub async fn list(
    services: &Services,
    caller: &Caller,
    id: &str,
    state: Option<DeliveryStatus>,
    page: PageRequest,
) -> Result<Page<DeliveryRow>, Error> {
    let webhook = find(services, caller, id).await?;
    Ok(services.store.list_deliveries(&webhook, state, page).await?)
}

/// Sends one event again, also one that was delivered.
pub async fn retry(services: &Services, caller: &Caller, id: &str, delivery: &str) -> Result<DeliveryRow, Error> {
    let webhook = find(services, caller, id).await?;
    let event = DeliveryId::parse(delivery).ok_or(Error::NoSuchDelivery)?.event();
    if services.store.find_delivery(&webhook, &event).await?.is_none() {
        return Err(Error::NoSuchDelivery);
    }
    if !webhook.enabled {
        return Err(Error::Disabled);
    }
    services.store.retry_delivery(&webhook, &event).await?;
    services.store.find_delivery(&webhook, &event).await?.ok_or(Error::NoSuchDelivery)
}

/// Sends everything that the webhook wants, was written since then and did not reach it. Tells how many events that are.
pub async fn recover(services: &Services, caller: &Caller, id: &str, since: Timestamp) -> Result<u64, Error> {
    let webhook = find(services, caller, id).await?;
    if !webhook.enabled {
        return Err(Error::Disabled);
    }
    Ok(services.store.recover_deliveries(&webhook, since).await?)
}

/// The delivery as the wire shows it.
pub fn view(row: &DeliveryRow) -> Delivery {
    Delivery {
        delivery_id: DeliveryId::of(&row.event.id),
        event_id: row.event.id.clone(),
        event: row.event.kind,
        session_id: row.event.session.clone(),
        sequence: row.event.sequence,
        created_at: row.event.at,
        status: row.state,
        next_attempt_at: row.next_at,
        attempts: row.attempts.clone(),
    }
}
