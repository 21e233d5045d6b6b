//! Sessions: what may be done with them, and what their states mean for a send.

pub mod create;
pub mod events;
pub mod link;
pub mod passkey;
pub mod refusal;
pub mod update;
mod waiting;

use std::time::Duration;

use wharf_api::ids::SessionId;
use wharf_api::types::session::{DisconnectReason, NewContactsHeld, Session, SessionStatus, WaitingFor};
use wharf_api::{ApiError, ErrorCode, Timestamp, limits};

use crate::caller::Caller;
use crate::proxy::Proxy;
use crate::seal::{Seal, Unreadable, place};
use crate::services::Services;
use crate::store::{self, Page, PageRequest, SessionRow};
use crate::{engine, idempotency, name, proxy};

pub use create::{Fresh, create, create_hooked};
pub use link::{delete, end, logout, pairing_code, qr, restart};
pub use update::update;
pub use waiting::{hold, require_answering};

pub use passkey::{confirm_passkey, passkey, submit_passkey};

/// How long a send waits for a session that is on its way.
const CONNECT_WAIT: Duration = Duration::from_secs(3);
/// How often it is looked whether its engine has begun.
const LINK_LOOK: Duration = Duration::from_millis(50);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such session")]
    NotFound,
    /// It cannot send, and it was not linked before.
    #[error("the session is not connected")]
    NotConnected { status: SessionStatus, waiting: Option<WaitingFor> },
    /// What was asked needs a connection, and somebody else has to bring what that waits for.
    #[error("the session waits: {}", waiting.as_str())]
    Waiting { waiting: WaitingFor, retry_after_secs: u64 },
    /// It is linked, and one of several nodes begins it.
    #[error("the session moves from one node to another")]
    Moving,
    /// It was linked and no longer is.
    #[error("the session has been disconnected")]
    Disconnected { reason: Option<DisconnectReason> },
    #[error("the QR code has expired")]
    QrExpired,
    #[error(transparent)]
    Proxy(#[from] proxy::Error),
    #[error("nothing of a sandbox leaves the machine: its sessions have no proxy")]
    NoProxyHere,
    #[error("the plan allows {limit} sessions")]
    LimitReached { limit: u64, sessions: u64 },
    #[error("the account has {webhooks} webhooks")]
    WebhookLimitReached { webhooks: u64 },
    #[error("the key is bound to other sessions")]
    BoundCaller,
    #[error("the session's state forbids it: {0}")]
    Conflict(&'static str),
    #[error("not a phone number: {0}")]
    InvalidPhone(&'static str),
    #[error(transparent)]
    Name(#[from] name::Bad),
    #[error("the idempotency key was claimed before")]
    ClaimedBefore,
    #[error(transparent)]
    Passkey(#[from] passkey::Error),
    #[error(transparent)]
    Idempotency(#[from] idempotency::Error),
    #[error(transparent)]
    Engine(#[from] engine::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        match error {
            Error::NotFound => ErrorCode::SessionNotFound.into(),
            Error::NotConnected { status, waiting: None } => {
                ApiError::new(ErrorCode::SessionNotConnected).reason(format!("the session is {}", status.as_str()))
            }
            Error::NotConnected { status, waiting: Some(waiting) } => ApiError::new(ErrorCode::SessionNotConnected).reason(format!(
                "the session is {} and waits for {}: {}",
                status.as_str(),
                waiting.as_str(),
                in_words(*waiting)
            )),
            Error::Waiting { waiting, retry_after_secs } => {
                ApiError::new(ErrorCode::ServiceUnavailable).reason(in_words(*waiting)).retry_after(*retry_after_secs)
            }
            Error::Moving => ApiError::new(ErrorCode::ServiceUnavailable).reason(error.to_string()).retry_after(waiting::MOVE_SECS),
            Error::Disconnected { reason } => {
                let error = ApiError::new(ErrorCode::SessionDisconnected);
                match reason {
                    Some(reason) => error.reason(reason.as_str()),
                    None => error,
                }
            }
            Error::QrExpired => ErrorCode::QrCodeExpired.into(),
            Error::LimitReached { limit, sessions } => ApiError::new(ErrorCode::SessionLimitReached).limit(*limit, *sessions),
            Error::BoundCaller => {
                ApiError::new(ErrorCode::InsufficientPermissions).reason("the key is bound to sessions and could not use another one")
            }
            Error::WebhookLimitReached { webhooks } => ApiError::new(ErrorCode::InvalidRequest)
                .field("webhook")
                .reason("the account has as many webhooks as it may have; delete one")
                .limit(limits::WEBHOOKS_PER_ACCOUNT, *webhooks),
            Error::Proxy(error) => ApiError::new(ErrorCode::InvalidRequest).field("proxy").reason(error.to_string()),
            Error::NoProxyHere => ApiError::new(ErrorCode::InvalidRequest).field("proxy").reason(error.to_string()),
            Error::Conflict(reason) => ApiError::new(ErrorCode::Conflict).reason(*reason),
            Error::InvalidPhone(reason) => ApiError::new(ErrorCode::InvalidPhoneNumber).field("phoneNumber").reason(*reason),
            Error::Name(bad) => bad.into(),
            Error::ClaimedBefore => (&idempotency::Error::InUse).into(),
            Error::Passkey(error) => error.into(),
            Error::Idempotency(error) => error.into(),
            Error::Engine(error) => error.into(),
            Error::Store(error) => error.into(),
        }
    }
}

/// What a session waits for, in words for customers.
const fn in_words(waiting: WaitingFor) -> &'static str {
    match waiting {
        WaitingFor::ClientUpdate => {
            "WhatsApp does not take this version of the client any more; the operator has to update, links and messages are kept"
        }
        WaitingFor::Passkey => "the account's owner has to confirm the link with a passkey",
        WaitingFor::Pause => "the operator has paused all connections; links and messages are kept",
        WaitingFor::Overload => "WhatsApp turns everybody away for the moment; links and messages are kept",
    }
}

/// What a session may be called, without the spaces around it.
pub fn checked_name(text: &str) -> Result<&str, Error> {
    Ok(name::checked(text, limits::SESSION_NAME_CHARS)?)
}

/// The session that `id` spells, if the caller may know of it, and its link as it is now, whichever node has it.
pub async fn find(services: &Services, caller: &Caller, id: &str) -> Result<SessionRow, Error> {
    let row = find_row(services, caller, id).await?;
    services.engine.attend(&row).await?;
    Ok(row)
}

/// The session that `id` spells, for a message to be accepted for it. One that runs here may be recalled: only its owner changes what a
/// send goes by, and whoever accepts the message looks whether the session is still there.
pub async fn recall(services: &Services, caller: &Caller, id: &str) -> Result<SessionRow, Error> {
    match SessionId::parse(id).filter(|id| caller.may_use(id) && services.engine.runs(id)) {
        Some(id) => {
            let row = services.store.recall_session(&caller.account, &id).await?.ok_or(Error::NotFound)?;
            services.engine.attend(&row).await?;
            Ok(row)
        }
        None => find(services, caller, id).await,
    }
}

/// The session that `id` spells as the database has it, for whoever asks for nothing of its link.
pub async fn find_row(services: &Services, caller: &Caller, id: &str) -> Result<SessionRow, Error> {
    let id = SessionId::parse(id).filter(|id| caller.may_use(id)).ok_or(Error::NotFound)?;
    services.store.find_session(&caller.account, &id).await?.ok_or(Error::NotFound)
}

/// Which sessions a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In its name, letter case apart.
    pub name: Option<String>,
    /// As it is at this moment, which the engine knows better than the row.
    pub status: Option<SessionStatus>,
}

impl Filter {
    fn passes(&self, services: &Services, row: &SessionRow) -> bool {
        let named = self.name.as_ref().is_none_or(|name| row.name.to_lowercase().contains(&name.to_lowercase()));
        let link = || services.engine.link(&row.id).map(|link| link.borrow().clone());
        named && self.status.is_none_or(|status| current(link().as_ref(), row) == status)
    }
}

/// The caller's sessions, oldest first.
pub async fn list(services: &Services, caller: &Caller, filter: &Filter, page: PageRequest) -> Result<Page<SessionRow>, Error> {
    let (mut rows, mut after) = (Vec::new(), page.after);
    loop {
        let limit = page.limit - u32::try_from(rows.len()).unwrap_or(page.limit);
        let part = services.store.list_sessions(&caller.account, PageRequest { after, limit }).await?;
        // A list shows what is known: it does not fail for one node that does not answer.
        let _ = futures::future::join_all(part.rows.iter().map(|row| services.engine.attend(row))).await;
        rows.extend(part.rows.into_iter().filter(|row| caller.may_use(&row.id) && filter.passes(services, row)));
        after = part.next;
        if after.is_none() || rows.len() >= page.limit as usize {
            return Ok(Page { rows, next: after });
        }
    }
}

/// The session as it is at this moment: the engine's word counts more than the row's.
pub fn view(services: &Services, row: &SessionRow) -> Session {
    let link = services.engine.link(&row.id).map(|link| link.borrow().clone());
    let jid = link.as_ref().and_then(|link| link.jid.clone()).or_else(|| row.jid.clone());
    let waiting = waiting(services, link.as_ref(), row);
    Session {
        session_id: row.id.clone(),
        name: row.name.clone(),
        status: current(link.as_ref(), row),
        reason: match &link {
            Some(link) => link.reason,
            None => row.reason,
        },
        waiting_for: waiting.map(|(waiting, _)| waiting),
        since: waiting.map(|(_, since)| since),
        refusal: match &link {
            Some(link) => link.refusal.clone(),
            None => row.refusal.clone(),
        },
        degraded: link.as_ref().and_then(|link| link.degraded),
        new_contacts_held: None,
        phone_number: jid.as_deref().map(user_part).map(str::to_owned),
        number_since: row.number_since,
        lid: row.lid.clone(),
        proxy: row
            .proxy
            .as_ref()
            .map(|sealed| open_proxy(&services.seal, &row.id, sealed).map_or_else(|_| "***".to_owned(), |it| it.to_string())),
        created_at: row.created_at,
        status_at: row.status_at,
        last_seen_at: services.engine.last_seen(&row.id),
    }
}

/// The proxy behind its seal. `Err` where it was sealed under another key.
pub fn open_proxy(seal: &Seal, session: &SessionId, sealed: &[u8]) -> Result<Proxy, Unreadable> {
    let plain = seal.open(&place::proxy(session.as_str()), sealed)?;
    std::str::from_utf8(&plain).ok().and_then(|text| text.parse().ok()).ok_or(Unreadable)
}

/// The session as the wire shows it, with what only the store knows.
pub async fn show(services: &Services, row: &SessionRow) -> Result<Session, Error> {
    let now = services.clock.now();
    let holds = services.store.list_holds(&row.id).await?;
    let held = holds.into_iter().find(|hold| hold.what == store::Held::FirstContacts && hold.until > now);
    let held = held.map(|hold| NewContactsHeld { until: hold.until, reason: hold.reason });
    Ok(Session { new_contacts_held: held, ..view(services, row) })
}

/// A row that claims a running state without a running engine only says what was true when its process died.
fn current(link: Option<&engine::Link>, row: &SessionRow) -> SessionStatus {
    match (link, row.status) {
        (Some(link), _) => link.status,
        (None, SessionStatus::Disconnected | SessionStatus::QrExpired | SessionStatus::Stopped) => row.status,
        (None, _) if row.jid.is_some() => SessionStatus::Reconnecting,
        (None, _) => SessionStatus::Stopped,
    }
}

/// What it waits for, and since when. Of a session that runs elsewhere it is known only that a pause is for all.
fn waiting(services: &Services, link: Option<&engine::Link>, row: &SessionRow) -> Option<(WaitingFor, Timestamp)> {
    match link {
        Some(link) => link.waiting,
        None if current(None, row) == SessionStatus::Reconnecting => {
            services.switches.connecting_paused().map(|since| (WaitingFor::Pause, since))
        }
        None => None,
    }
}

/// Refuses a session that cannot send at this moment; otherwise tells the linked account's id.
pub fn require_connected(services: &Services, row: &SessionRow) -> Result<String, Error> {
    let link = services.engine.link(&row.id).map(|link| link.borrow().clone());
    match current(link.as_ref(), row) {
        SessionStatus::Connected => {
            let jid = link.and_then(|link| link.jid).or_else(|| row.jid.clone());
            jid.ok_or(Error::NotConnected { status: SessionStatus::Connecting, waiting: None })
        }
        SessionStatus::Disconnected => Err(Error::Disconnected { reason: link.map_or(row.reason, |link| link.reason) }),
        status => match waiting(services, link.as_ref(), row) {
            None if waiting::is_moving(services, link.as_ref(), row, status) => Err(Error::Moving),
            waiting => Err(Error::NotConnected { status, waiting: waiting.map(|(waiting, _)| waiting) }),
        },
    }
}

/// Waits for a session that is on its way: whoever has scanned its code sends at once, and so does whoever sent before a restart.
pub async fn await_connected(services: &Services, row: &SessionRow) -> Result<String, Error> {
    let settled = async {
        let mut link = loop {
            match services.engine.link(&row.id) {
                Some(link) => break link,
                // Its engine begins in a moment, where this process has just started.
                None if current(None, row) == SessionStatus::Reconnecting && waiting(services, None, row).is_none() => {
                    tokio::time::sleep(LINK_LOOK).await;
                    // Or it is on its way from one node to another. Whoever cannot be asked now may be a moment later.
                    let _ = services.engine.attend(row).await;
                }
                None => return,
            }
        };
        let is_linked = |link: &engine::Link| link.jid.is_some() || row.jid.is_some();
        let _ = link.wait_for(|link| !is_on_its_way(link.status, is_linked(link)) || link.waiting.is_some()).await;
    };
    // What it is by then is the answer.
    let _ = tokio::time::timeout(CONNECT_WAIT, Box::pin(settled)).await;
    require_connected(services, row)
}

/// A linked session starts for a moment where its process, or its place in a fleet, is a new one.
const fn is_on_its_way(status: SessionStatus, is_linked: bool) -> bool {
    matches!(status, SessionStatus::Connecting | SessionStatus::Reconnecting) || (is_linked && matches!(status, SessionStatus::Starting))
}

/// The linked account of a session that is not connected and will be again by itself.
pub fn on_its_way(services: &Services, row: &SessionRow) -> Option<String> {
    let link = services.engine.link(&row.id).map(|link| link.borrow().clone());
    let status = current(link.as_ref(), row);
    let jid = link.and_then(|link| link.jid).or_else(|| row.jid.clone());
    jid.filter(|_| is_on_its_way(status, true))
}

/// The part of a WhatsApp id before the server, without a device.
pub fn user_part(jid: &str) -> &str {
    let user = jid.split('@').next().unwrap_or(jid);
    user.split(':').next().unwrap_or(user)
}

#[cfg(test)]
mod tests;
