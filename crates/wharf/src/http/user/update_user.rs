use wharf_core::user::Reach;

use crate::http::{Answer, Call};

pub(in crate::http) async fn update_user(mut call: Call) -> Answer {
    super::update(&mut call, Reach::Own).await
}
