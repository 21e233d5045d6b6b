use wharf_core::user::Reach;

use crate::http::{Answer, Call};

pub(in crate::http) async fn delete_user(call: Call) -> Answer {
    super::delete(&call, Reach::Own).await
}
