//! Sessions over HTTP, one operation a file.

mod confirm_session_passkey;
mod create_pairing_code;
mod create_session;
mod delete_session;
mod get_session;
mod get_session_passkey;
mod get_session_qr;
mod list_sessions;
mod logout_session;
mod restart_session;
mod submit_session_passkey;
mod update_session;

pub(super) use confirm_session_passkey::confirm_session_passkey;
pub(super) use create_pairing_code::create_pairing_code;
pub(super) use create_session::{create_as, create_session};
pub(super) use delete_session::delete_session;
pub(super) use get_session::get_session;
pub(super) use get_session_passkey::get_session_passkey;
pub(super) use get_session_qr::get_session_qr;
pub(super) use list_sessions::list_sessions;
pub(super) use logout_session::logout_session;
pub(super) use restart_session::restart_session;
pub(super) use submit_session_passkey::submit_session_passkey;
pub(super) use update_session::update_session;

use wharf_api::types::session::SessionWithQr;
use wharf_core::Services;
use wharf_core::session::{self, Fresh};

use super::envelope::Failure;
use super::picture;

fn with_qr(services: &Services, fresh: &Fresh) -> Result<SessionWithQr, Failure> {
    let qr = fresh.qr.as_ref().map(picture::on_the_wire).transpose().map_err(Failure::internal)?;
    Ok(SessionWithQr { session: session::view(services, &fresh.row), qr, webhook_id: None })
}
