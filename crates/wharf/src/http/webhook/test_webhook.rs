use wharf_core::webhook;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn test_webhook(call: Call) -> Answer {
    Reply::ok(webhook::test(call.services(), call.caller(), call.path("webhookId")).await?)
}
