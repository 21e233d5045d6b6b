use wharf_api::types::group::JoinGroup;
use wharf_core::group;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn join_group(call: Call) -> Answer {
    let request: JoinGroup = call.json()?;
    Reply::ok(group::join(call.services(), call.caller(), &request.session_id, &request.code).await?)
}
