use wharf_api::types::session::{CreatePairingCode, PairingCode};
use wharf_core::session;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, idempotency};

pub(in crate::http) async fn create_pairing_code(call: Call) -> Answer {
    let request: CreatePairingCode = call.json()?;
    let make = async {
        let (session_id, code) =
            session::pairing_code(call.services(), call.caller(), call.path("sessionId"), &request.phone_number).await?;
        Ok(Reply::created(PairingCode { session_id, pairing_code: code.code, expires_at: code.expires_at })?.no_store())
    };
    idempotency::beforehand(&call, &(call.path("sessionId"), &request), make).await
}
