use wharf_api::types::account::CreateAccount;
use wharf_core::account;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, idempotency};

pub(in crate::http) async fn admin_create_account(call: Call) -> Answer {
    let request: CreateAccount = call.json()?;
    let create = async {
        let row = account::create(call.services(), &request.name, &request.plan).await?;
        Reply::created(account::show(call.services(), &row).await?)
    };
    idempotency::beforehand(&call, &request, create).await
}
