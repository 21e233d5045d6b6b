use serde::Serialize;
use wharf_api::limits;
use wharf_api::types::session::{CreateSession, SessionWithQr};
use wharf_core::session::{self, Fresh};

use super::with_qr;
use crate::http::envelope::Reply;
use crate::http::{Answer, Call, idempotency, name};

pub(in crate::http) async fn create_session(call: Call) -> Answer {
    let request: CreateSession = call.json()?;
    create_as(&call, &request.name, &request, |shown| shown).await
}

/// Creates a session for `request` and answers with what `show` makes of it.
pub(in crate::http) async fn create_as<T: Serialize>(
    call: &Call,
    name: &str,
    request: &impl Serialize,
    show: impl Fn(SessionWithQr) -> T,
) -> Answer {
    let name = name::checked(name, limits::SESSION_NAME_CHARS)?;
    let reply = |fresh: &Fresh| Ok(Reply::created(show(with_qr(call.services(), fresh)?))?.no_store());
    let created = async |claim| {
        let fresh = session::create(call.services(), call.caller(), name, claim).await?;
        Ok(reply(&fresh))
    };
    let resumed = async |id: String| {
        let row = session::find(call.services(), call.caller(), &id).await?;
        let qr = call.services().engine.link(&row.id).and_then(|link| link.borrow().qr.clone());
        reply(&Fresh { row, qr })
    };
    idempotency::once::<session::Error, _, _>(call, request, created, resumed).await
}
