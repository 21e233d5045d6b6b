//! `webhook.test`: the signed request that a webhook must take before it is believed.

use std::time::Duration;

use serde_json::json;
use wharf_api::ids::{EventId, SessionId};
use wharf_api::limits;
use wharf_api::types::event::EventKind;
use wharf_api::types::webhook::{NoAnswer, WebhookTested};

use super::attempt::{self, Outcome};
use super::{Error, Unsealed, find, unseal};
use crate::caller::Caller;
use crate::event;
use crate::services::Services;
use crate::store::{EventRow, WebhookRow};

/// Sends a `webhook.test` to a webhook that is there.
pub async fn test(services: &Services, caller: &Caller, id: &str) -> Result<WebhookTested, Error> {
    let row = find(services, caller, id).await?;
    send(services, caller, &row, &unseal(services, &row)?).await
}

/// Sends a `webhook.test`; anything but 2xx in time is an error.
pub(super) async fn send(services: &Services, caller: &Caller, row: &WebhookRow, unsealed: &Unsealed) -> Result<WebhookTested, Error> {
    let event = example(services, row.session.clone(), row);
    let body = event::body(&caller.account, &event).expect("its data were written a moment ago");
    let patience = Duration::from_secs(limits::WEBHOOK_TEST_SECS);
    let tried = attempt::once(services, unsealed, event.id.as_str(), body, patience).await;
    match tried.outcome {
        Outcome::Answer { status: status @ 200..=299, .. } => {
            Ok(WebhookTested { event_id: event.id, http_status: status, duration_ms: tried.duration_ms })
        }
        Outcome::Answer { status: status @ 300..=399, .. } => {
            Err(Error::Unreachable(format!("the server answered {status}; redirects are not followed")))
        }
        Outcome::Answer { status, .. } => Err(Error::Unreachable(format!("the server answered {status}; 2xx is expected"))),
        Outcome::None(NoAnswer::Timeout) => Err(Error::Timeout),
        Outcome::None(NoAnswer::Tls) => {
            let reason = "the server's certificate is not trusted, or it does not speak TLS at that port";
            Err(Error::Unreachable(reason.to_owned()))
        }
        Outcome::None(NoAnswer::Refused | NoAnswer::Unreachable) | Outcome::Offline => {
            Err(Error::Unreachable("no connection could be made".to_owned()))
        }
        Outcome::None(NoAnswer::Broken | NoAnswer::Unreadable) => {
            Err(Error::Unreachable("the connection ended before the answer did".to_owned()))
        }
    }
}

/// An event that stands in no log.
fn example(services: &Services, session: Option<SessionId>, row: &WebhookRow) -> EventRow {
    let id: EventId = services.chance.event_id();
    let data = json!({"webhookId": row.id, "message": "This is a test. Answer it with any 2xx status."});
    EventRow { number: 0, id, session, sequence: 0, kind: EventKind::WebhookTest, at: services.clock.now(), data: data.to_string() }
}
