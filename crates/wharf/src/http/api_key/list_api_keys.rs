use wharf_api::types::key::Key;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, page};

pub(in crate::http) async fn list_api_keys(call: Call) -> Answer {
    let found = call.services().store.list_keys(&call.caller().account, page::wanted(&call.query)?).await?;
    let shown: Vec<_> = found.rows.iter().map(Key::from).collect();
    Reply::list(shown, page::next(found.next))
}
