use wharf_api::types::group::GroupPicture;
use wharf_core::group;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn delete_group_picture(call: Call) -> Answer {
    let session = call.query.required("sessionId")?;
    let picture_id = group::set_picture(call.services(), call.caller(), session, call.path("groupId"), None).await?;
    Reply::ok(GroupPicture { picture_id })
}
