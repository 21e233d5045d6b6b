use wharf_core::queue;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, page};

pub(in crate::http) async fn admin_list_queues(call: Call) -> Answer {
    let found = queue::list(call.services(), page::wanted(&call.query)?).await?;
    Reply::list(found.rows, page::next(found.next))
}
