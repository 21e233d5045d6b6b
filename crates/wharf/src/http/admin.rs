//! What only an operator may do, over HTTP, one operation a file.

mod admin_create_account;
mod admin_create_api_key;
mod admin_create_user;
mod admin_delete_account;
mod admin_delete_user;
mod admin_drain_node;
mod admin_fetch_version;
mod admin_get_account;
mod admin_get_account_export;
mod admin_get_canary;
mod admin_get_switches;
mod admin_get_update_notice;
mod admin_get_user;
mod admin_get_whatsapp;
mod admin_list_accounts;
mod admin_list_audit;
mod admin_list_nodes;
mod admin_list_plans;
mod admin_list_queues;
mod admin_list_users;
mod admin_move_session;
mod admin_resume_account;
mod admin_set_plan;
mod admin_set_switches;
mod admin_suspend_account;
mod admin_undrain_node;
mod admin_update_account;
mod admin_update_user;

pub(super) use admin_create_account::admin_create_account;
pub(super) use admin_create_api_key::admin_create_api_key;
pub(super) use admin_create_user::admin_create_user;
pub(super) use admin_delete_account::admin_delete_account;
pub(super) use admin_delete_user::admin_delete_user;
pub(super) use admin_drain_node::admin_drain_node;
pub(super) use admin_fetch_version::admin_fetch_version;
pub(super) use admin_get_account::admin_get_account;
pub(super) use admin_get_account_export::admin_get_account_export;
pub(super) use admin_get_canary::admin_get_canary;
pub(super) use admin_get_switches::admin_get_switches;
pub(super) use admin_get_update_notice::admin_get_update_notice;
pub(super) use admin_get_user::admin_get_user;
pub(super) use admin_get_whatsapp::admin_get_whatsapp;
pub(super) use admin_list_accounts::admin_list_accounts;
pub(super) use admin_list_audit::admin_list_audit;
pub(super) use admin_list_nodes::admin_list_nodes;
pub(super) use admin_list_plans::admin_list_plans;
pub(super) use admin_list_queues::admin_list_queues;
pub(super) use admin_list_users::admin_list_users;
pub(super) use admin_move_session::admin_move_session;
pub(super) use admin_resume_account::admin_resume_account;
pub(super) use admin_set_plan::admin_set_plan;
pub(super) use admin_set_switches::admin_set_switches;
pub(super) use admin_suspend_account::admin_suspend_account;
pub(super) use admin_undrain_node::admin_undrain_node;
pub(super) use admin_update_account::admin_update_account;
pub(super) use admin_update_user::admin_update_user;

use wharf_api::ids::AccountId;
use wharf_core::account;

use super::Call;

/// The account that the path names; one that no account can be called by does not exist.
fn named(call: &Call) -> Result<AccountId, account::Error> {
    AccountId::parse(call.path("accountId")).ok_or(account::Error::NotFound)
}
