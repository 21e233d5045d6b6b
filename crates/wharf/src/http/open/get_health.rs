use wharf_api::types::health::Health;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn get_health(_: Call) -> Answer {
    Ok(Reply::ok(Health { status: "ok".to_owned() })?.no_store())
}
