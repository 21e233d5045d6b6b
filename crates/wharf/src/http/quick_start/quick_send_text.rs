use wharf_api::types::message::SendText;
use wharf_api::types::quick_start::QuickMessage;

use crate::http::envelope::Failure;
use crate::http::{Answer, Call, message};

pub(in crate::http) async fn quick_send_text(call: Call) -> Answer {
    let QuickMessage { to, message: text } = call.json()?;
    let request = SendText::plain(call.path("sessionId"), to, text);
    message::send(&call, &request).await.map_err(in_its_words)
}

/// A failure that names a member of [`SendText`], by the name that the caller used.
fn in_its_words(mut failure: Failure) -> Failure {
    if failure.error.details.field.as_deref() == Some("text") {
        failure.error.details.field = Some("message".to_owned());
    }
    failure
}
