use wharf_api::types::login::Login;
use wharf_core::login;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn get_current_login(call: Call) -> Answer {
    Reply::ok(Login::from(&login::current(call.services(), call.caller()).await?))
}
