use wharf_core::user::Reach;

use crate::http::{Answer, Call, user};

pub(in crate::http) async fn admin_update_user(mut call: Call) -> Answer {
    user::update(&mut call, Reach::All).await
}
