use wharf_api::ids::LoginId;
use wharf_core::login;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn delete_login(call: Call) -> Answer {
    let id = LoginId::parse(call.path("loginId")).ok_or(login::Error::NotFound)?;
    Reply::ok(login::end(call.services(), call.caller(), &id).await?)
}
