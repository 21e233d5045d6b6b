use wharf_core::node;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn admin_list_nodes(call: Call) -> Answer {
    Reply::whole(node::list(call.services()).await?)
}
