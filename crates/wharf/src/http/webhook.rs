//! Webhooks over HTTP, one operation a file.

mod create_webhook;
mod delete_webhook;
mod get_webhook;
mod list_deliveries;
mod list_webhooks;
mod recover_webhook;
mod retry_delivery;
mod rotate_webhook_secret;
mod test_webhook;
mod update_webhook;

pub(super) use create_webhook::create_webhook;
pub(super) use delete_webhook::delete_webhook;
pub(super) use get_webhook::get_webhook;
pub(super) use list_deliveries::list_deliveries;
pub(super) use list_webhooks::list_webhooks;
pub(super) use recover_webhook::recover_webhook;
pub(super) use retry_delivery::retry_delivery;
pub(super) use rotate_webhook_secret::rotate_webhook_secret;
pub(super) use test_webhook::test_webhook;
pub(super) use update_webhook::update_webhook;
