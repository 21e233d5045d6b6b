use http::header::SET_COOKIE;
use wharf_api::types::login::Login;
use wharf_core::login;

use crate::http::auth::cookie;
use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn delete_current_login(call: Call) -> Answer {
    let found = login::current(call.services(), call.caller()).await?;
    login::end(call.services(), call.caller(), &found.login.id).await?;
    let mut reply = Reply::ok(Login::from(&found))?.no_store();
    reply.headers.push((SET_COOKIE, cookie::taken(&call.http, &call.headers, call.way)));
    Ok(reply)
}
