use wharf_core::user::Reach;

use crate::http::{Answer, Call};

pub(in crate::http) async fn list_users(call: Call) -> Answer {
    super::list(&call, Reach::Own, None).await
}
