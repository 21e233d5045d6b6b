use wharf_api::ids::AccountId;
use wharf_core::user::Reach;

use crate::http::envelope::invalid;
use crate::http::{Answer, Call, user};

pub(in crate::http) async fn admin_list_users(call: Call) -> Answer {
    let account = |id: &str| AccountId::parse(id).ok_or_else(|| invalid("an account's id is expected").field("accountId"));
    let account = call.query.whose("accountId")?.map(account).transpose()?;
    user::list(&call, Reach::All, account.as_ref()).await
}
