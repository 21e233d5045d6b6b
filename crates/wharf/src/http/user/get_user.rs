use wharf_core::user::Reach;

use crate::http::{Answer, Call};

pub(in crate::http) async fn get_user(call: Call) -> Answer {
    super::get(&call, Reach::Own).await
}
