use wharf_core::usage;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn get_usage(call: Call) -> Answer {
    Reply::ok(usage::report(call.services(), &call.caller().account).await?)
}
