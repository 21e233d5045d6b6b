//! Users and log-ins.

use serde_json::Value;

use super::super::schema::{about, always, answer, boolean, chars, id, list, maybe, pattern, reference, request, text, time, word};
use crate::ids::{AccountId, LoginId, UserId};
use crate::types::user::Role;
use crate::{Permission, limits};

fn user_name() -> Value {
    let sentence = "What it signs in with, in any case; one of a kind on the whole gateway.";
    about(pattern(&format!("^[A-Za-z0-9._@+-]{{1,{}}}$", limits::USER_NAME_CHARS)), sentence)
}

fn new_password() -> Value {
    let sentence = "No composition is asked for; what many people use, and the own name, are refused.";
    about(chars(*limits::PASSWORD_CHARS.start(), *limits::PASSWORD_CHARS.end()), sentence)
}

/// What the roles mean, each less than the one before.
const ROLE: &str = "`operator`: all, and what is the operator's alone. `owner`: all in the account. `member`: all but keys and users. \
    `read_only`: looks, and changes nothing.";

fn role(roles: &[Role]) -> Value {
    word(roles.iter().map(|role| role.as_str()))
}

fn account_id() -> Value {
    about(id(AccountId::PREFIX), "The account that it belongs to, an operator too.")
}

pub(super) fn user() -> Value {
    answer(vec![
        always("userId", id(UserId::PREFIX)),
        always("name", about(text(), "What it signs in with, in lower case.")),
        always("role", about(role(Role::ALL), ROLE)),
        always("accountId", account_id()),
        always("createdAt", time()),
        maybe("lastLoginAt", about(time(), "When it signed in last.")),
    ])
}

pub(super) fn create_user() -> Value {
    request(vec![always("name", user_name()), always("password", new_password()), always("role", about(role(Role::OF_ACCOUNT), ROLE))])
}

pub(super) fn admin_create_user() -> Value {
    request(vec![
        always("accountId", account_id()),
        always("name", user_name()),
        always("password", new_password()),
        always("role", about(role(Role::ALL), ROLE)),
    ])
}

pub(super) fn update_user() -> Value {
    request(vec![
        maybe("role", about(role(Role::ALL), "Only an operator makes an operator.")),
        maybe("password", about(new_password(), "A new password; it ends the user's log-ins.")),
    ])
}

pub(super) fn create_login() -> Value {
    request(vec![
        maybe("name", about(chars(1, limits::USER_NAME_CHARS), "With `password`, in any case.")),
        maybe("password", about(chars(1, *limits::PASSWORD_CHARS.end()), "With `name`.")),
        maybe("token", about(chars(1, limits::USER_NAME_CHARS), "In their place: what stands in a link that signs in once.")),
    ])
}

pub(super) fn set_password() -> Value {
    request(vec![
        always("password", about(chars(1, *limits::PASSWORD_CHARS.end()), "The one that holds.")),
        always("newPassword", new_password()),
    ])
}

pub(super) fn login() -> Value {
    answer(vec![
        always("loginId", id(LoginId::PREFIX)),
        always("user", about(reference("User"), "Who is signed in.")),
        always("permissions", about(list(&word(Permission::ALL.iter().map(|permission| permission.as_str()))), "What the role may do.")),
        always("createdAt", time()),
        always("expiresAt", about(time(), "In any case; earlier after twelve hours without a request.")),
    ])
}

pub(super) fn login_entry() -> Value {
    answer(vec![
        always("loginId", id(LoginId::PREFIX)),
        always("createdAt", time()),
        always("lastSeenAt", about(time(), "About a minute behind.")),
        always("expiresAt", about(time(), "In any case; earlier after twelve hours without a request.")),
        always("address", about(text(), "Where it came from.")),
        always("userAgent", about(text(), "What the browser called itself; empty where it said nothing.")),
        always("current", about(boolean(), "Whether it is the one that asks.")),
    ])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_password_is_asked_for_by_length_alone() {
        assert_eq!((&new_password()["minLength"], &new_password()["maxLength"]), (&json!(12), &json!(128)));
    }
}
