use wharf_core::user::Reach;

use crate::http::{Answer, Call, user};

pub(in crate::http) async fn admin_delete_user(call: Call) -> Answer {
    user::delete(&call, Reach::All).await
}
