use wharf_api::types::message::{PreviewChoice, SendText};
use wharf_api::types::quick_start::QuickMessage;

use crate::http::envelope::Failure;
use crate::http::{Answer, Call, message};

pub(in crate::http) async fn quick_send_text(call: Call) -> Answer {
    let QuickMessage { to, message: text } = call.json()?;
    let request = SendText {
        session_id: call.path("sessionId").to_owned(),
        to,
        text,
        audience: Vec::new(),
        background_color: None,
        reply_to: None,
        mentions: Vec::new(),
        link_preview: PreviewChoice::default(),
        asynchronous: false,
        reference: None,
        dry_run: false,
    };
    message::send(&call, &request).await.map_err(in_its_words)
}

/// A failure that names a member of [`SendText`], by the name that the caller used.
fn in_its_words(mut failure: Failure) -> Failure {
    if failure.error.details.field.as_deref() == Some("text") {
        failure.error.details.field = Some("message".to_owned());
    }
    failure
}
