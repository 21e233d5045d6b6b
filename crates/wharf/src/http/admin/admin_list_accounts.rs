use wharf_api::types::account::Account;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, page};

pub(in crate::http) async fn admin_list_accounts(call: Call) -> Answer {
    let found = call.services().store.list_accounts(page::wanted(&call.query)?).await?;
    let shown: Vec<_> = found.rows.iter().map(Account::from).collect();
    Reply::list(shown, page::next(found.next))
}
