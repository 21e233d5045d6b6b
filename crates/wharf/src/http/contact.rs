//! Contacts over HTTP, one operation a file.

mod check_contacts;

pub(super) use check_contacts::check_contacts;
