use wharf_core::account;

use super::named;
use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn admin_suspend_account(call: Call) -> Answer {
    let row = account::suspend(call.services(), call.caller(), &named(&call)?).await?;
    Reply::ok(account::show(call.services(), &row).await?)
}
