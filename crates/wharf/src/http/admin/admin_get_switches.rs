use wharf_core::switches;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn admin_get_switches(call: Call) -> Answer {
    let services = call.services();
    switches::refresh(&*services.store, &services.switches).await?;
    Reply::ok(services.switches.state())
}
