//! Creating a session, up to its first QR code.

use tokio::sync::watch;
use wharf_api::ids::SessionId;
use wharf_api::limits;
use wharf_api::types::session::SessionStatus;

use super::{Error, checked_name};
use crate::caller::Caller;
use crate::engine::{Link, QrCode};
use crate::proxy::Proxy;
use crate::seal::place;
use crate::services::Services;
use crate::settle::settled;
use crate::store::{Claim, Created, NewSession, SessionRow, WebhookRow};

/// A session with the QR code that links it, while there is one.
pub struct Fresh {
    pub row: SessionRow,
    pub qr: Option<QrCode>,
}

/// Creates a session and waits for its first QR code, as [`create_hooked`] does.
pub async fn create(services: &Services, caller: &Caller, name: &str, claim: Option<Claim>) -> Result<Fresh, Error> {
    create_hooked(services, caller, name, None, None, claim).await
}

/// Creates a session, with a webhook for its events and a proxy of its own where they are given, and waits for its first QR code, at most [`limits::QR_WAIT`]. Where none came in time the
/// session exists all the same and shows its code later.
pub async fn create_hooked(
    services: &Services,
    caller: &Caller,
    name: &str,
    webhook: Option<WebhookRow>,
    proxy: Option<&str>,
    claim: Option<Claim>,
) -> Result<Fresh, Error> {
    let name = checked_name(name)?;
    if caller.sessions.is_some() {
        return Err(Error::BoundCaller);
    }
    let id = services.chance.session_id();
    let session = NewSession {
        proxy: proxy.map(|text| proxied(services, &id, text)).transpose()?,
        id,
        account: caller.account.clone(),
        name: name.to_owned(),
        at: services.clock.now(),
        limit: caller.plan.sessions,
        claim,
        webhook,
        webhook_limit: limits::WEBHOOKS_PER_ACCOUNT,
    };
    let there = || async { Ok(services.store.find_session(&caller.account, &session.id).await?.map(|_| Created::Now)) };
    match settled(services.store.insert_session(&session), there).await? {
        Created::Now => {}
        Created::LimitReached { sessions } => {
            return Err(Error::LimitReached { limit: caller.plan.sessions.unwrap_or(u64::MAX), sessions });
        }
        Created::WebhookLimitReached { webhooks } => return Err(Error::WebhookLimitReached { webhooks }),
        Created::ClaimedBefore => return Err(Error::ClaimedBefore),
    }
    // The session is there: whatever fails from now on, its caller must learn its id.
    let qr = match services.engine.start(&session.id).await {
        Ok(link) => first_qr(link).await,
        Err(error) => {
            tracing::warn!(session = %session.id, %error, "a new session has no code yet");
            None
        }
    };
    let row = match services.store.find_session(&caller.account, &session.id).await {
        Ok(row) => row.ok_or(Error::NotFound)?,
        Err(error) => {
            tracing::warn!(session = %session.id, %error, "a new session is shown as it was made");
            as_made(session)
        }
    };
    Ok(Fresh { row, qr })
}

/// The address of a session's own proxy as it is stored.
pub(super) fn proxied(services: &Services, session: &SessionId, text: &str) -> Result<Vec<u8>, Error> {
    let proxy: Proxy = text.parse()?;
    if services.stays_on_loopback {
        return Err(Error::NoProxyHere);
    }
    Ok(services.seal.close(&place::proxy(session.as_str()), proxy.secret_url().as_str().as_bytes()))
}

fn as_made(new: NewSession) -> SessionRow {
    SessionRow {
        id: new.id,
        account: new.account,
        name: new.name,
        status: SessionStatus::Starting,
        reason: None,
        refusal: None,
        jid: None,
        lid: None,
        push_name: None,
        proxy: new.proxy,
        created_at: new.at,
        status_at: new.at,
        number_since: None,
    }
}

/// The next QR code that the link shows, or `None` where it shows none in time or cannot any more.
pub(super) async fn first_qr(mut link: watch::Receiver<Link>) -> Option<QrCode> {
    let shown = link.wait_for(|link| {
        !matches!(link.status, SessionStatus::Starting | SessionStatus::Stopped) || link.qr.is_some() || link.waiting.is_some()
    });
    let link = tokio::time::timeout(limits::QR_WAIT, shown).await.ok()?.ok()?;
    link.qr.clone()
}
