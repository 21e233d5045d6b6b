//! Webhooks: who is told of what, and how often it is tried.

pub mod attempt;
mod change;
mod check;
mod deliveries;
pub mod schedule;
mod secret;
mod test;
mod tried;

use std::time::Duration;

use wharf_api::ids::{SessionId, WebhookId};
use wharf_api::types::webhook::{DisabledReason, Webhook};
use wharf_api::{ApiError, ErrorCode, Permission, limits};

use crate::caller::Caller;
use crate::services::Services;
use crate::store::{self, NewEvent, Page, PageRequest, WebhookRow};
use crate::{egress, session};

pub use change::{create, delete, prepare, sweep, update};
pub use check::{headers, kinds};
pub use deliveries::{list as list_deliveries, recover, retry, view as view_delivery};
pub use schedule::Schedule;
pub use secret::{Secret, Unsealed, rotate, unseal};
pub use test::test;

/// The word for all kinds of events.
pub const ALL_EVENTS: &str = "*";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such webhook")]
    NotFound,
    #[error("no such delivery")]
    NoSuchDelivery,
    #[error("the URL is refused: {0}")]
    InvalidUrl(#[from] egress::Refused),
    #[error("the URL cannot be reached: {0}")]
    Unreachable(String),
    #[error("the URL took too long to answer")]
    Timeout,
    #[error("not a kind of event: {word}")]
    InvalidEvent { field: String, word: String },
    #[error("{field}: {reason}")]
    Invalid { field: String, reason: String },
    #[error("the account has {webhooks} webhooks")]
    LimitReached { webhooks: u64 },
    #[error("the key is bound to sessions, and the webhook would not be")]
    BeyondCaller,
    #[error("the key may not make webhooks")]
    NotManager,
    #[error("the webhook is switched off")]
    Disabled,
    #[error(transparent)]
    Unreadable(#[from] crate::seal::Unreadable),
    #[error(transparent)]
    Session(#[from] session::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        match error {
            Error::NotFound | Error::NoSuchDelivery => ErrorCode::ResourceNotFound.into(),
            Error::InvalidUrl(refused) => {
                let hint = if *refused == egress::NAMED { "; an Authorization header goes into headers" } else { "" };
                ApiError::new(ErrorCode::InvalidWebhookUrl).field("url").reason(format!("{refused}{hint}"))
            }
            Error::Unreachable(reason) => ApiError::new(ErrorCode::WebhookUrlUnreachable).field("url").reason(reason.clone()),
            Error::Timeout => ApiError::new(ErrorCode::WebhookResponseTimeout)
                .field("url")
                .reason(format!("no answer to webhook.test came within {} seconds", limits::WEBHOOK_TEST_SECS)),
            Error::InvalidEvent { field, word } => {
                ApiError::new(ErrorCode::InvalidWebhookEvent).field(field.clone()).reason(format!("there is no event {word}"))
            }
            Error::Invalid { field, reason } => ApiError::new(ErrorCode::InvalidRequest).field(field.clone()).reason(reason.clone()),
            Error::LimitReached { webhooks } => ApiError::new(ErrorCode::InvalidRequest)
                .reason("the account has as many webhooks as it may have; delete one")
                .limit(limits::WEBHOOKS_PER_ACCOUNT, *webhooks),
            Error::BeyondCaller => ApiError::new(ErrorCode::InsufficientPermissions)
                .reason("the key is bound to sessions: name one of them, or work on a webhook of one of them"),
            Error::NotManager => ApiError::new(ErrorCode::InsufficientPermissions)
                .reason(format!("the key lacks the permission {}", Permission::WebhooksManage.as_str())),
            Error::Disabled => ApiError::new(ErrorCode::Conflict).reason("the webhook is switched off: switch it on first"),
            Error::Unreadable(_) => ErrorCode::InternalServerError.into(),
            Error::Session(error) => error.into(),
            Error::Store(error) => error.into(),
        }
    }
}

/// The webhook that `id` spells, if the caller may know of it. A key that is bound to sessions knows the webhooks of these.
pub async fn find(services: &Services, caller: &Caller, id: &str) -> Result<WebhookRow, Error> {
    let id = WebhookId::parse(id).ok_or(Error::NotFound)?;
    let row = services.store.find_webhook(&caller.account, &id).await?;
    row.filter(|row| may_see(caller, row.session.as_ref())).ok_or(Error::NotFound)
}

/// The caller's webhooks, oldest first.
pub async fn list(services: &Services, caller: &Caller, page: PageRequest) -> Result<Page<WebhookRow>, Error> {
    let (mut rows, mut after) = (Vec::new(), page.after);
    loop {
        // What the caller may not see makes no page shorter.
        let limit = page.limit - u32::try_from(rows.len()).unwrap_or(page.limit);
        let part = services.store.list_webhooks(&caller.account, PageRequest { after, limit }).await?;
        rows.extend(part.rows.into_iter().filter(|row| may_see(caller, row.session.as_ref())));
        after = part.next;
        if after.is_none() || rows.len() >= page.limit as usize {
            return Ok(Page { rows, next: after });
        }
    }
}

fn may_see(caller: &Caller, session: Option<&SessionId>) -> bool {
    match session {
        Some(session) => caller.may_use(session),
        None => caller.sessions.is_none(),
    }
}

/// The webhook as the wire shows it.
pub fn view(services: &Services, row: &WebhookRow) -> Webhook {
    let now = services.clock.now();
    let events =
        if row.kinds.is_empty() { vec![ALL_EVENTS.to_owned()] } else { row.kinds.iter().map(|kind| kind.as_str().to_owned()).collect() };
    Webhook {
        webhook_id: row.id.clone(),
        url: row.url.clone(),
        events,
        session_id: row.session.clone(),
        description: row.description.clone(),
        timeout_seconds: timeout(row).as_secs(),
        max_bytes: row.max_bytes.and_then(|bytes| u64::try_from(bytes).ok()),
        header_names: row.header_names.clone(),
        enabled: row.enabled,
        disabled_reason: row.disabled_reason,
        disabled_at: row.disabled_at,
        failing_since: row.failing_since,
        old_secret_until: row.old_secret.as_ref().map(|(_, until)| *until).filter(|until| *until > now),
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

/// How long one delivery may take.
pub fn timeout(row: &WebhookRow) -> Duration {
    Duration::from_millis(u64::try_from(row.timeout_ms).unwrap_or_default())
}

/// The event that announces that a webhook was switched off by its own failures.
pub fn disabled_event(row: &WebhookRow, reason: DisabledReason) -> NewEvent {
    let data = serde_json::json!({"webhookId": row.id, "url": row.url, "reason": reason.as_str()});
    NewEvent::new(wharf_api::types::event::EventKind::WebhookDisabled, &data)
}
