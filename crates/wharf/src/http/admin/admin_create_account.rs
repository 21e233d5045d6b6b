use wharf_api::types::account::{Account, CreateAccount};
use wharf_core::account;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, idempotency};

pub(in crate::http) async fn admin_create_account(call: Call) -> Answer {
    let request: CreateAccount = call.json()?;
    let create = async { Reply::created(Account::from(&account::create(call.services(), &request.name, &request.plan).await?)) };
    idempotency::beforehand(&call, &request, create).await
}
