use wharf_core::node;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn admin_undrain_node(call: Call) -> Answer {
    Reply::ok(node::drain(call.services(), call.path("nodeId"), false).await?)
}
