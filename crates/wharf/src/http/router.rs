//! Mounts the operations that the contract declares, and answers for everything that it does not.

use std::future::ready;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::{MethodFilter, MethodRouter};
use http::HeaderValue;
use http::header::ALLOW;
use wharf_api::ErrorCode;
use wharf_api::ops::{self, Method, Operation};

use super::call::{self, Handler};
use super::envelope::{self, Failure};
use super::{
    Http, account, admin, api_key, chat, contact, event, front, group, login, meant, media, message, open, quick_start, session, user,
    webhook,
};

/// Each handler under its own name, which is its operation's.
macro_rules! handlers {
    ($($module:ident::$operation:ident),+ $(,)?) => {
        const HANDLERS: &[(&str, Handler)] = &[$((stringify!($operation), |call| Box::pin($module::$operation(call)))),+];
    };
}

handlers! {
    session::create_session,
    session::list_sessions,
    session::get_session,
    session::update_session,
    session::delete_session,
    session::get_session_qr,
    session::create_pairing_code,
    session::get_session_passkey,
    session::submit_session_passkey,
    session::confirm_session_passkey,
    session::restart_session,
    session::logout_session,
    message::send_text,
    message::send_media,
    message::send_location,
    message::send_contact,
    message::send_poll,
    message::send_reaction,
    message::forward_message,
    message::edit_message,
    message::delete_message,
    message::read_message,
    message::get_message,
    message::list_messages,
    media::upload_media,
    media::get_media,
    contact::check_contacts,
    event::list_events,
    contact::list_contacts,
    contact::get_contact,
    contact::get_contact_picture,
    contact::get_contact_presence,
    contact::list_blocked_contacts,
    contact::block_contact,
    contact::unblock_contact,
    chat::list_chats,
    chat::set_typing,
    chat::read_chat,
    chat::set_presence,
    group::create_group,
    group::list_groups,
    group::get_group,
    group::update_group,
    group::change_group_participants,
    group::set_group_picture,
    group::delete_group_picture,
    group::get_group_invite,
    group::revoke_group_invite,
    group::join_group,
    group::leave_group,
    group::list_group_requests,
    group::decide_group_requests,
    webhook::create_webhook,
    webhook::list_webhooks,
    webhook::get_webhook,
    webhook::update_webhook,
    webhook::delete_webhook,
    webhook::test_webhook,
    webhook::rotate_webhook_secret,
    webhook::list_deliveries,
    webhook::retry_delivery,
    webhook::recover_webhook,
    api_key::create_api_key,
    api_key::list_api_keys,
    api_key::get_api_key,
    api_key::revoke_api_key,
    api_key::rotate_api_key,
    login::create_login,
    login::get_current_login,
    login::delete_current_login,
    login::set_password,
    login::list_logins,
    login::delete_login,
    user::create_user,
    user::list_users,
    user::get_user,
    user::update_user,
    user::delete_user,
    account::get_account,
    account::get_usage,
    account::list_audit,
    admin::admin_list_audit,
    admin::admin_list_nodes,
    admin::admin_list_plans,
    admin::admin_list_queues,
    admin::admin_set_plan,
    admin::admin_list_accounts,
    admin::admin_create_account,
    admin::admin_get_account,
    admin::admin_get_canary,
    admin::admin_get_switches,
    admin::admin_get_update_notice,
    admin::admin_set_switches,
    admin::admin_update_account,
    admin::admin_create_api_key,
    admin::admin_create_user,
    admin::admin_list_users,
    admin::admin_get_user,
    admin::admin_update_user,
    admin::admin_delete_user,
    admin::admin_get_whatsapp,
    admin::admin_fetch_version,
    open::list_errors,
    quick_start::quick_create_session,
    quick_start::quick_send_text,
    open::get_openapi,
    open::get_docs,
    open::get_metrics,
    open::get_health,
    open::get_readiness,
}

/// The whole API, and what a program serves beside it. Fails at once where the table of operations and the handlers differ.
pub fn router(http: &Arc<Http>, beside: Router) -> Router {
    let operations = pairs().unwrap_or_else(|odd| panic!("the operation {odd} is declared or handled, but not both"));
    let mut router = Router::new();
    for path in paths() {
        let mut methods: MethodRouter = MethodRouter::new().fallback(move |request: Request| ready(wrong_method(&allowed(path), &request)));
        for (operation, handler) in operations.iter().filter(|(operation, _)| operation.path == path) {
            let (operation, handler, http) = (*operation, *handler, Arc::clone(http));
            methods =
                methods.on(filter(operation.method), move |request: Request| call::serve(Arc::clone(&http), operation, handler, request));
        }
        router = router.route(path, methods);
    }
    #[cfg(feature = "dashboard")]
    let router = router.merge(super::dashboard::router(http));
    router.merge(beside).fallback(unknown_path).layer(axum::middleware::from_fn_with_state(Arc::clone(http), front::pass))
}

/// Every operation with its handler, or the name of one that lacks the other.
fn pairs() -> Result<Vec<(&'static Operation, Handler)>, &'static str> {
    if let Some((odd, _)) = HANDLERS.iter().find(|(name, _)| ops::ALL.iter().all(|operation| operation.id != *name)) {
        return Err(odd);
    }
    let handler = |operation: &'static Operation| HANDLERS.iter().find(|(name, _)| *name == operation.id).map(|(_, handler)| *handler);
    ops::ALL.iter().map(|operation| handler(operation).map(|handler| (*operation, handler)).ok_or(operation.id)).collect()
}

/// Every path, once.
fn paths() -> Vec<&'static str> {
    let mut paths: Vec<_> = ops::ALL.iter().map(|operation| operation.path).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

fn filter(method: Method) -> MethodFilter {
    match method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Patch => MethodFilter::PATCH,
        Method::Delete => MethodFilter::DELETE,
    }
}

/// The methods that a path knows, as `Allow` lists them. Where there is GET there is HEAD.
fn allowed(path: &str) -> String {
    let methods = ops::ALL.iter().filter(|operation| operation.path == path).map(|operation| operation.method);
    let names = methods.flat_map(|method| if method == Method::Get { vec!["GET", "HEAD"] } else { vec![method.as_str()] });
    names.collect::<Vec<_>>().join(", ")
}

pub(super) fn wrong_method(allow: &str, request: &Request) -> axum::response::Response {
    let mut failure = Failure::from(ErrorCode::MethodNotAllowed);
    let allow = HeaderValue::from_str(allow).expect("names of methods are visible ASCII");
    failure.headers.push((ALLOW, allow));
    envelope::respond(None, &front::request_id(request), Err(failure))
}

pub(super) async fn unknown_path(request: Request) -> axum::response::Response {
    envelope::respond(None, &front::request_id(&request), Err(meant::refusal(request.uri().path()).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_declared_operation_has_a_handler_and_the_reverse() {
        assert_eq!(pairs().map(|pairs| pairs.len()), Ok(ops::ALL.len()));
    }

    #[test]
    fn a_path_lists_the_methods_that_it_knows() {
        assert_eq!(allowed("/v1/sessions"), "POST, GET, HEAD");
        assert_eq!(allowed("/v1/messages/text"), "POST");
    }
}
