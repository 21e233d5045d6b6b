use wharf_core::account;

use super::named;
use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn admin_resume_account(call: Call) -> Answer {
    let row = account::resume(call.services(), &named(&call)?).await?;
    Reply::ok(account::show(call.services(), &row).await?)
}
