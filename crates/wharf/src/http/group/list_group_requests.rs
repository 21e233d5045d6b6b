use wharf_core::group;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn list_group_requests(call: Call) -> Answer {
    let session = call.query.required("sessionId")?;
    Reply::whole(group::requests(call.services(), call.caller(), session, call.path("groupId")).await?)
}
