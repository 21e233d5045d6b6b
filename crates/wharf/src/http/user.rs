//! Users over HTTP, one operation a file; the operator's, which do the same in all accounts, stand beside what only an operator may do.

mod create_user;
mod delete_user;
mod get_user;
mod list_users;
mod update_user;

pub(super) use create_user::create_user;
pub(super) use delete_user::delete_user;
pub(super) use get_user::get_user;
pub(super) use list_users::list_users;
pub(super) use update_user::update_user;

use wharf_api::ApiError;
use wharf_api::ids::{AccountId, UserId};
use wharf_api::types::user::{Role, UpdateUser, User};
use wharf_core::user::{self, Reach};

use super::envelope::{Reply, invalid};
use super::query::EMPTY;
use super::{Answer, Call, page};

/// The user whom the path names; one whom no user can be called by does not exist.
fn named(call: &Call) -> Result<UserId, user::Error> {
    UserId::parse(call.path("userId")).ok_or(user::Error::NotFound)
}

pub(super) fn role(word: &str, known: &[Role]) -> Result<Role, ApiError> {
    let names: Vec<_> = known.iter().map(|role| role.as_str()).collect();
    let role = Role::parse(word).filter(|role| known.contains(role));
    role.ok_or_else(|| invalid(format!("one of {} is expected", names.join(", "))).field("role"))
}

pub(super) async fn get(call: &Call, reach: Reach) -> Answer {
    Reply::ok(User::from(&user::find(call.services(), call.caller(), reach, &named(call)?).await?))
}

pub(super) async fn list(call: &Call, reach: Reach, account: Option<&AccountId>) -> Answer {
    let found = user::list(call.services(), call.caller(), reach, account, page::wanted(&call.query)?).await?;
    let shown: Vec<_> = found.rows.iter().map(User::from).collect();
    Reply::list(shown, page::next(found.next))
}

pub(super) async fn update(call: &mut Call, reach: Reach) -> Answer {
    let request: UpdateUser = call.take_json()?;
    let known = if reach == Reach::All { Role::ALL } else { Role::OF_ACCOUNT };
    if request.role.as_deref() == Some("") {
        return Err(invalid(EMPTY).field("role").into());
    }
    let role = request.role.as_deref().map(|word| role(word, known)).transpose()?;
    let (id, password) = (named(call)?, request.password.as_deref());
    Reply::ok(User::from(&user::update(call.services(), call.caller(), reach, &id, role, password).await?))
}

pub(super) async fn delete(call: &Call, reach: Reach) -> Answer {
    Reply::ok(User::from(&user::delete(call.services(), call.caller(), reach, &named(call)?).await?))
}
