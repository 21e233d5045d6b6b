use wharf_core::account;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn get_account(call: Call) -> Answer {
    let row = account::find(call.services(), &call.caller().account).await?;
    Reply::ok(account::show(call.services(), &row).await?)
}
