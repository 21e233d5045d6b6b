use wharf_api::types::group::BySession;
use wharf_core::group;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn revoke_group_invite(call: Call) -> Answer {
    let request: BySession = call.json()?;
    Reply::ok(group::invite(call.services(), call.caller(), &request.session_id, call.path("groupId"), true).await?)
}
