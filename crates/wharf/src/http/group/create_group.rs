use wharf_api::types::group::CreateGroup;
use wharf_core::group;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, idempotency};

pub(in crate::http) async fn create_group(call: Call) -> Answer {
    let request: CreateGroup = call.json()?;
    let create = async { Reply::created(group::create(call.services(), call.caller(), &request).await?) };
    idempotency::beforehand(&call, &request, create).await
}
