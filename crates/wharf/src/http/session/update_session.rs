use wharf_api::types::session::UpdateSession;
use wharf_core::session::{self, update};

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn update_session(call: Call) -> Answer {
    let request: UpdateSession = call.json()?;
    let change = update::Change { name: request.name.as_deref(), proxy: request.proxy.as_ref().map(Option::as_deref) };
    let row = session::update(call.services(), call.caller(), call.path("sessionId"), change).await?;
    Reply::ok(session::show(call.services(), &row).await?)
}
