use wharf_api::types::account::UpdateAccount;
use wharf_core::account;

use super::named;
use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn admin_update_account(call: Call) -> Answer {
    let request: UpdateAccount = call.json()?;
    let row = account::update(call.services(), &named(&call)?, request.name.as_deref(), request.plan.as_deref()).await?;
    Reply::ok(account::show(call.services(), &row).await?)
}
