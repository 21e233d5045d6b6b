use wharf_api::types::account::{Plan, PutPlan};
use wharf_core::{account, store};

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn admin_set_plan(call: Call) -> Answer {
    let request: PutPlan = call.json()?;
    let plan = store::Plan::wanted(call.path("name"), request);
    account::put_plan(call.services(), &plan).await?;
    Reply::ok(Plan::from(&plan))
}
