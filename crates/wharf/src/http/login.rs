//! Log-ins over HTTP, one operation a file.

mod create_login;
mod delete_current_login;
mod delete_login;
mod get_current_login;
mod list_logins;
mod set_password;

pub(super) use create_login::create_login;
pub(super) use delete_current_login::delete_current_login;
pub(super) use delete_login::delete_login;
pub(super) use get_current_login::get_current_login;
pub(super) use list_logins::list_logins;
pub(super) use set_password::set_password;
