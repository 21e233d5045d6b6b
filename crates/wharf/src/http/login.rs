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

use http::header::USER_AGENT;
use wharf_core::login::Origin;

use super::Call;
use super::front::FORWARDED;

/// Where whoever signs in is.
fn origin(call: &Call) -> Origin {
    let address = call.way.origin.to_canonical();
    let user_agent = call.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let forwarded = FORWARDED.into_iter().any(|name| call.headers.contains_key(name));
    Origin { address, user_agent, local: address.is_loopback() && !forwarded }
}
