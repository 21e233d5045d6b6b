use wharf_core::account;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, page};

pub(in crate::http) async fn admin_list_accounts(call: Call) -> Answer {
    let found = call.services().store.list_accounts(page::wanted(&call.query)?).await?;
    let mut shown = Vec::with_capacity(found.rows.len());
    for row in &found.rows {
        shown.push(account::show(call.services(), row).await?);
    }
    Reply::list(shown, page::next(found.next))
}
