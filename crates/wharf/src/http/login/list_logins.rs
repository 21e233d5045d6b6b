use wharf_core::login;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn list_logins(call: Call) -> Answer {
    Reply::whole(login::list(call.services(), call.caller()).await?)
}
