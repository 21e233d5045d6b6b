use wharf_api::types::user::{CreateUser, Role, User};
use wharf_core::user::{self, NewUser, Reach};

use super::role;
use crate::http::envelope::Reply;
use crate::http::{Answer, Call, idempotency};

pub(in crate::http) async fn create_user(mut call: Call) -> Answer {
    let CreateUser { name, password, role: word } = call.take_json()?;
    let role = role(&word, Role::OF_ACCOUNT)?;
    let new = NewUser { account: call.caller().account.clone(), name: name.clone(), password, role };
    let create = async { Reply::created(User::from(&user::create_for(call.services(), call.caller(), Reach::Own, new).await?)) };
    // Without the password: what is stored of the request would let it be guessed.
    idempotency::beforehand(&call, &(&name, &word), create).await
}
