use wharf_core::group;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn list_groups(call: Call) -> Answer {
    let session = call.query.required("sessionId")?;
    Reply::whole(group::list(call.services(), call.caller(), session).await?)
}
