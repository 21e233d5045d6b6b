use wharf_api::types::account::Plan;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn admin_list_plans(call: Call) -> Answer {
    let plans = call.services().store.list_plans().await?;
    Reply::whole(plans.iter().map(Plan::from).collect::<Vec<_>>())
}
