//! Messages over HTTP, one operation a file.

mod get_message;
mod list_messages;
mod send_media;
mod send_text;

pub(super) use get_message::get_message;
pub(super) use list_messages::list_messages;
pub(super) use send_media::send_media;
pub(super) use send_text::{send, send_text};
