use wharf_api::types::login::{Login, SetPassword};
use wharf_core::login;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn set_password(mut call: Call) -> Answer {
    let request: SetPassword = call.take_json()?;
    let changed = login::set_password(call.services(), call.caller(), &request.password, &request.new_password).await?;
    Ok(Reply::ok(Login::from(&changed))?.no_store())
}
