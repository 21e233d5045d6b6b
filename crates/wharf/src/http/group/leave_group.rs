use wharf_api::types::group::{BySession, LeftGroup};
use wharf_core::group;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn leave_group(call: Call) -> Answer {
    let request: BySession = call.json()?;
    let group_id = group::leave(call.services(), call.caller(), &request.session_id, call.path("groupId")).await?;
    Reply::ok(LeftGroup { group_id })
}
