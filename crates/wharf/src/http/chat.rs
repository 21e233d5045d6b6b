//! Chats over HTTP, one operation a file.

mod list_chats;
mod read_chat;
mod set_presence;
mod set_typing;

pub(super) use list_chats::list_chats;
pub(super) use read_chat::read_chat;
pub(super) use set_presence::set_presence;
pub(super) use set_typing::set_typing;
