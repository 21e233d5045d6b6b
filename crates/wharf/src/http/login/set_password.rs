use http::header::SET_COOKIE;
use wharf_api::types::login::{Login, SetPassword};
use wharf_core::login;

use super::origin;
use crate::http::auth::cookie;
use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn set_password(mut call: Call) -> Answer {
    let request: SetPassword = call.take_json()?;
    let (password, new) = (&request.password, &request.new_password);
    let (found, secret) = login::set_password(call.services(), call.caller(), password, new, origin(&call)).await?;
    let mut reply = Reply::ok(Login::from(&found))?.no_store();
    reply.headers.push((SET_COOKIE, cookie::given(&call.http, &call.headers, call.way, &secret)));
    Ok(reply)
}
