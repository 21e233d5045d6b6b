use serde::Serialize;
use wharf_api::ids::WebhookId;
use wharf_api::types::session::{CreateSession, SessionWithQr};
use wharf_core::session::{self, Fresh};
use wharf_core::webhook;

use super::with_qr;
use crate::http::envelope::{Failure, Reply};
use crate::http::{Answer, Call, idempotency};

pub(in crate::http) async fn create_session(call: Call) -> Answer {
    let request: CreateSession = call.json()?;
    create_as(&call, &request.name, request.webhook.as_deref(), request.proxy.as_deref(), &request, |shown| shown).await
}

/// Creates a session for `request` and answers with what `show` makes of it.
pub(in crate::http) async fn create_as<T: Serialize>(
    call: &Call,
    name: &str,
    webhook: Option<&str>,
    proxy: Option<&str>,
    request: &impl Serialize,
    show: impl Fn(SessionWithQr) -> T,
) -> Answer {
    // Before the test of its webhook: nothing is sent to anybody for a session that cannot be.
    let name = session::checked_name(name)?;
    let reply = |fresh: &Fresh, webhook_id: Option<WebhookId>| -> Answer {
        let shown = SessionWithQr { webhook_id, ..with_qr(call.services(), fresh)? };
        Ok(Reply::created(show(shown))?.no_store())
    };
    let created = async |claim| {
        // A session is not made for a webhook that does not answer.
        let hook = match webhook {
            None => None,
            Some(url) => Some(webhook::prepare(call.services(), call.caller(), url).await.map_err(|error| in_its_words(error.into()))?),
        };
        let id = hook.as_ref().map(|row| row.id.clone());
        let fresh = session::create_hooked(call.services(), call.caller(), name, hook, proxy, claim).await?;
        reply(&fresh, id)
    };
    let resumed = async |id: String| {
        let row = session::find(call.services(), call.caller(), &id).await?;
        let qr = call.services().engine.link(&row.id).and_then(|link| link.borrow().qr.clone());
        reply(&Fresh { row, qr }, None)
    };
    idempotency::once(call, request, created, resumed).await
}

/// A failure that names the member of a webhook, by the name that the caller used.
fn in_its_words(mut failure: Failure) -> Failure {
    failure.error.details.field = Some("webhook".to_owned());
    failure
}
