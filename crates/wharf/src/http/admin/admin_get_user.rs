use wharf_core::user::Reach;

use crate::http::{Answer, Call, user};

pub(in crate::http) async fn admin_get_user(call: Call) -> Answer {
    user::get(&call, Reach::All).await
}
