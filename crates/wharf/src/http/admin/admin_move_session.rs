use wharf_api::ids::SessionId;
use wharf_api::types::node::MoveSession;
use wharf_core::node;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn admin_move_session(call: Call) -> Answer {
    let request: MoveSession = call.json_or_default()?;
    let session = SessionId::parse(call.path("sessionId")).ok_or(node::Error::NoSuchSession)?;
    let to = request.node_id.as_deref().filter(|node| !node.is_empty());
    Reply::ok(node::move_session(call.services(), &session, to).await?)
}
