use wharf_core::update;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn admin_get_update_notice(call: Call) -> Answer {
    Reply::ok(update::show(call.services()).await?)
}
