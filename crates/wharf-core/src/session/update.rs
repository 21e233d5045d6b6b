//! Changing a session: its name, and its way to WhatsApp.

use super::create::proxied;
use super::link::settled;
use super::{Error, checked_name, find};
use crate::caller::Caller;
use crate::services::Services;
use crate::store::{SessionChange, SessionRow};

/// What is absent stays; a proxy that is none is taken away.
#[derive(Clone, Debug, Default)]
pub struct Change<'a> {
    pub name: Option<&'a str>,
    pub proxy: Option<Option<&'a str>>,
}

/// Changes the session. One that runs connects anew where a proxy was given, by that one or without; its link stays, and what waits is
/// sent then.
pub async fn update(services: &Services, caller: &Caller, id: &str, change: Change<'_>) -> Result<SessionRow, Error> {
    let name = change.name.map(checked_name).transpose()?.map(str::to_owned);
    let row = find(services, caller, id).await?;
    let sealed = |text: &str| proxied(services, &row.id, text);
    let change = SessionChange { name, proxy: change.proxy.map(|proxy| proxy.map(sealed).transpose()).transpose()? };
    if !services.store.update_session(&caller.account, &row.id, &change).await? {
        return Err(Error::NotFound);
    }
    if change.proxy.is_some() && runs(services, &row) {
        // The change is made: whatever keeps it from connecting now, it will by the new way.
        match services.engine.restart(&row.id).await {
            Ok(link) => settled(link).await,
            Err(error) => tracing::warn!(session = %row.id, %error, "a session with another proxy did not start at once"),
        }
    }
    find(services, caller, id).await
}

/// Whether the session is to have a connection. One that has none takes its proxy at its next start.
fn runs(services: &Services, row: &SessionRow) -> bool {
    use wharf_api::types::session::SessionStatus as S;
    let link = services.engine.link(&row.id).map(|link| link.borrow().clone());
    !matches!(super::current(link.as_ref(), row), S::Stopped | S::Disconnected | S::QrExpired)
}
