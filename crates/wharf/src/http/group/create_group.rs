use wharf_api::types::group::CreateGroup;
use wharf_core::group;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn create_group(call: Call) -> Answer {
    let request: CreateGroup = call.json()?;
    Reply::created(group::create(call.services(), call.caller(), &request).await?)
}
