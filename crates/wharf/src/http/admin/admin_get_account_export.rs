use wharf_api::Permission;
use wharf_core::{Caller, account};

use super::named;
use crate::http::account::streamed;
use crate::http::{Answer, Call};

pub(in crate::http) async fn admin_get_account_export(call: Call) -> Answer {
    let row = account::find(call.services(), &named(&call)?).await?;
    let caller = Caller { account: row.id, plan: row.plan, permissions: Permission::ALL.to_vec(), sessions: None, ..call.caller().clone() };
    Ok(streamed(call, caller))
}
