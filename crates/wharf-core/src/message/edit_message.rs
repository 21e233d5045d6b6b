//! Editing a text or the words under a file, as long as WhatsApp lets one.

use std::time::Duration;

use wharf_api::limits;
use wharf_api::types::message::Content;

use super::{Changed, Error, on_message, send_media, send_text};
use crate::caller::Caller;
use crate::engine::Body;
use crate::services::Services;

/// How much later than the window an edit may still reach WhatsApp.
const GRACE: Duration = Duration::from_mins(1);

/// Checks the shape of an edit.
pub fn check(text: &str) -> Result<(), Error> {
    send_text::words(text)
}

/// Puts `text` in the place of what an own text or caption says; see [`super::send()`].
pub async fn edit_message(services: &Services, caller: &Caller, id: &str, text: String) -> Result<Changed, Error> {
    check(&text)?;
    let target = on_message::target(services, caller, id).await?;
    if !target.is_own() {
        return Err(Error::Unsupported("only own messages can be edited"));
    }
    let captioned = target.0.content.media_kind().filter(|kind| kind.has_caption());
    match (&target.0.content, captioned) {
        (Content::Text { .. } | Content::Deleted {}, _) => {}
        (_, Some(_)) if target.0.marks.view_once => return Err(Error::Unsupported("what can be opened once cannot be edited")),
        (_, Some(_)) => send_media::words("text", &text)?,
        _ => return Err(Error::Unsupported("only texts and captions can be edited")),
    }
    let (ends, now) = (target.0.created_at + limits::EDIT_WINDOW, services.clock.now());
    if now > ends {
        return Err(Error::Unsupported("a message can be edited for 15 minutes"));
    }
    let body = Body::Edit { target: target.key(), text: text.clone(), captioned };
    let mut parcel = target.parcel(services, caller, body, Content::Edit { text, target: target.reference() }).await?;
    parcel.ttl = parcel.ttl.min(ends.since(now) + GRACE);
    let sent = super::send(services, caller, parcel, None).await?;
    Changed::after(services, caller, &target, sent).await
}
