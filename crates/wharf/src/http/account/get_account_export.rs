use super::streamed;
use crate::http::{Answer, Call};

pub(in crate::http) async fn get_account_export(call: Call) -> Answer {
    let caller = call.caller().clone();
    Ok(streamed(call, caller))
}
