//! Contacts over HTTP, one operation a file.

mod block_contact;
mod check_contacts;
mod get_contact;
mod get_contact_picture;
mod get_contact_presence;
mod list_blocked_contacts;
mod list_contacts;
mod unblock_contact;

pub(super) use block_contact::block_contact;
pub(super) use check_contacts::check_contacts;
pub(super) use get_contact::get_contact;
pub(super) use get_contact_picture::get_contact_picture;
pub(super) use get_contact_presence::get_contact_presence;
pub(super) use list_blocked_contacts::list_blocked_contacts;
pub(super) use list_contacts::list_contacts;
pub(super) use unblock_contact::unblock_contact;
