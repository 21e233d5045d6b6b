//! What every send has in common over HTTP: it happens once for each `Idempotency-Key`.

use serde::Serialize;
use wharf_api::types::message::MessageStatus;
use wharf_core::message::{self, Sent};
use wharf_core::store::Claim;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, idempotency};

/// Sends by `work`, or answers as it was answered before. The shape of the request is checked by then: a request that cannot
/// be does not use up a key, nor does one that only asks what would happen.
pub(super) async fn once<W>(call: &Call, request: &impl Serialize, dry_run: bool, work: impl FnOnce(Option<Claim>) -> W) -> Answer
where
    W: Future<Output = Result<Sent, message::Error>>,
{
    if dry_run {
        return Reply::ok(Box::pin(work(None)).await?.foreseen());
    }
    // A send holds much while it waits.
    let sent = async |claim| Reply::created(Box::pin(work(claim)).await?.view());
    let resumed = async |id: String| {
        let row = message::find_row(call.services(), call.caller(), &id).await?;
        if row.status == MessageStatus::Failed {
            let reason = row.error_reason.unwrap_or_default();
            return Err(message::Error::Failed { id: row.id, reason }.into());
        }
        Reply::created(message::view(&row))
    };
    idempotency::once(call, request, sent, resumed).await
}
