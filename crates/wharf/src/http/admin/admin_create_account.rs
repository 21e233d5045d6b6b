use wharf_api::limits;
use wharf_api::types::account::{Account, CreateAccount};
use wharf_core::account;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, name};

pub(in crate::http) async fn admin_create_account(call: Call) -> Answer {
    let request: CreateAccount = call.json()?;
    let name = name::checked(&request.name, limits::ACCOUNT_NAME_CHARS)?;
    let row = account::create(call.services(), name, &request.plan).await?;
    Reply::created(Account::from(&row))
}
