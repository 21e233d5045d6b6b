use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wharf_api::types::group::{GroupPicture, SetGroupPicture};
use wharf_core::group;

use crate::http::envelope::{Reply, invalid};
use crate::http::{Answer, Call};

pub(in crate::http) async fn set_group_picture(call: Call) -> Answer {
    let request: SetGroupPicture = call.json()?;
    let jpeg = STANDARD.decode(&request.data).map_err(|_| invalid("base64 is expected").field("data"))?;
    let (session, group) = (&request.session_id, call.path("groupId"));
    let picture_id = group::set_picture(call.services(), call.caller(), session, group, Some(jpeg)).await?;
    Reply::ok(GroupPicture { picture_id })
}
