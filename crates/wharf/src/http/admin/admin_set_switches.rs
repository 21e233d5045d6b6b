use wharf_api::types::switches::PutSwitches;
use wharf_core::switches;

use crate::http::envelope::{Reply, invalid};
use crate::http::{Answer, Call};

pub(in crate::http) async fn admin_set_switches(call: Call) -> Answer {
    let request: PutSwitches = call.json()?;
    if request == PutSwitches::default() {
        return Err(invalid("nothing is to be changed").into());
    }
    let services = call.services();
    Reply::ok(switches::set(&*services.store, &*services.clock, &services.switches, &request).await?)
}
