use wharf_core::canary;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn admin_get_canary(call: Call) -> Answer {
    Reply::ok(canary::show(call.services()).await?)
}
