use wharf_api::types::group::UpdateGroup;
use wharf_core::group;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn update_group(call: Call) -> Answer {
    let request: UpdateGroup = call.json()?;
    Reply::ok(group::update(call.services(), call.caller(), call.path("groupId"), &request).await?)
}
