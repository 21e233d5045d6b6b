//! Messages over HTTP, one operation a file.

mod delete_message;
mod edit_message;
mod forward_message;
mod get_message;
mod list_messages;
mod read_message;
mod send_contact;
mod send_location;
mod send_media;
mod send_poll;
mod send_reaction;
mod send_text;
mod sending;

pub(super) use delete_message::delete_message;
pub(super) use edit_message::edit_message;
pub(super) use forward_message::forward_message;
pub(super) use get_message::get_message;
pub(super) use list_messages::list_messages;
pub(super) use read_message::read_message;
pub(super) use send_contact::send_contact;
pub(super) use send_location::send_location;
pub(super) use send_media::send_media;
pub(super) use send_poll::send_poll;
pub(super) use send_reaction::send_reaction;
pub(super) use send_text::{send, send_text};
