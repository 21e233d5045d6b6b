use wharf_api::ids::AccountId;
use wharf_api::types::user::{AdminCreateUser, Role, User};
use wharf_core::user::{self, NewUser, Reach};

use crate::http::envelope::Reply;
use crate::http::user::role;
use crate::http::{Answer, Call, idempotency};

pub(in crate::http) async fn admin_create_user(mut call: Call) -> Answer {
    let AdminCreateUser { account_id, name, password, role: word } = call.take_json()?;
    let role = role(&word, Role::ALL)?;
    let request = (account_id.clone(), name.clone(), word);
    let create = async {
        let account = AccountId::parse(&account_id).ok_or(user::Error::NoSuchAccount)?;
        let new = NewUser { account, name, password, role };
        Reply::created(User::from(&user::create_for(call.services(), call.caller(), Reach::All, new).await?))
    };
    // Without the password: what is stored of the request would let it be guessed.
    idempotency::beforehand(&call, &request, create).await
}
