use wharf_api::types::key::CreateKey;
use wharf_core::key::NewKey;
use wharf_core::{account, key};

use super::named;
use crate::http::{Answer, Call, api_key, idempotency};

pub(in crate::http) async fn admin_create_api_key(call: Call) -> Answer {
    let request: CreateKey = call.json()?;
    let permissions = api_key::permissions(&request.permissions)?;
    let sessions = api_key::sessions(request.session_ids.as_deref())?;
    let create = async {
        let account = account::find_active(call.services(), &named(&call)?).await?.id;
        let new = NewKey { account, name: request.name.clone(), permissions, expires_at: request.expires_at, sessions, operator: false };
        api_key::shown_once(key::create(call.services(), new).await?)
    };
    idempotency::beforehand(&call, &(call.path("accountId"), &request), create).await
}
