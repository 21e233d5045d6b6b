use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn admin_get_whatsapp(call: Call) -> Answer {
    Reply::ok(call.services().engine.whatsapp())
}
