use wharf_api::types::group::{GroupPicture, SetGroupPicture};
use wharf_core::group;
use wharf_core::media::base64;

use crate::http::envelope::{Reply, invalid};
use crate::http::{Answer, Call};

pub(in crate::http) async fn set_group_picture(call: Call) -> Answer {
    let request: SetGroupPicture = call.json()?;
    let jpeg = base64::decode(&request.data).map_err(|base64::Malformed(reason)| invalid(reason).field("data"))?;
    let (session, group) = (&request.session_id, call.path("groupId"));
    let picture_id = group::set_picture(call.services(), call.caller(), session, group, Some(jpeg)).await?;
    Reply::ok(GroupPicture { picture_id })
}
