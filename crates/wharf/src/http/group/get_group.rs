use wharf_core::group;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn get_group(call: Call) -> Answer {
    let session = call.query.required("sessionId")?;
    Reply::ok(group::find(call.services(), call.caller(), session, call.path("groupId")).await?)
}
