use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn admin_fetch_version(call: Call) -> Answer {
    let engine = &call.services().engine;
    engine.fetch_version().await;
    Reply::ok(engine.whatsapp())
}
