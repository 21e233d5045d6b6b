use wharf_api::limits;
use wharf_api::types::account::{Account, UpdateAccount};
use wharf_core::account;

use super::named;
use crate::http::envelope::Reply;
use crate::http::{Answer, Call, name};

pub(in crate::http) async fn admin_update_account(call: Call) -> Answer {
    let request: UpdateAccount = call.json()?;
    let name = request.name.as_deref().map(|text| name::checked(text, limits::ACCOUNT_NAME_CHARS)).transpose()?;
    let row = account::update(call.services(), &named(&call)?, name, request.plan.as_deref()).await?;
    Reply::ok(Account::from(&row))
}
