use wharf_api::ErrorCode;
use wharf_api::types::group::NameParticipants;
use wharf_core::engine::Act;
use wharf_core::group;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn decide_group_requests(call: Call) -> Answer {
    let act = match call.path("decision") {
        "approve" => Act::Approve,
        "reject" => Act::Reject,
        _ => return Err(ErrorCode::ResourceNotFound.into()),
    };
    let request: NameParticipants = call.json()?;
    let (session, group) = (&request.session_id, call.path("groupId"));
    Reply::whole(group::act(call.services(), call.caller(), session, group, act, &request.participants).await?)
}
