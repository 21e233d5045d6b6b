use wharf_api::types::key::Key;
use wharf_core::key;

use super::named;
use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn get_api_key(call: Call) -> Answer {
    let row = key::find(call.services(), call.caller(), &named(&call)?).await?;
    Reply::ok(Key::from(&row))
}
