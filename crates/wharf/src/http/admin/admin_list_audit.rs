use wharf_api::ids::AccountId;
use wharf_core::audit;

use crate::http::account::audit_filter;
use crate::http::envelope::{Reply, invalid};
use crate::http::{Answer, Call, page};

pub(in crate::http) async fn admin_list_audit(call: Call) -> Answer {
    let mut filter = audit_filter(&call.query)?;
    let account = |id: &str| AccountId::parse(id).ok_or_else(|| invalid("an account's id is expected").field("accountId"));
    filter.account = call.query.whose("accountId")?.map(account).transpose()?;
    let found = call.services().store.list_audit(&filter, page::wanted(&call.query)?).await?;
    let shown: Vec<_> = found.rows.iter().map(audit::full_view).collect();
    Reply::list(shown, page::next(found.next))
}
