//! An export as it goes out: lines of JSON, as fast as their reader takes them.

use bytes::Bytes;
use futures::stream::unfold;
use http::header::CONTENT_DISPOSITION;
use wharf_core::Caller;
use wharf_core::account::export::Export;

use crate::http::Call;
use crate::http::envelope::Reply;

/// Ends without its last line where the key ends, the server stops or the database does not answer: who reads it knows that it is not whole.
pub(in crate::http) fn streamed(call: Call, caller: Caller) -> Reply {
    let lines = unfold((call, Export::of(caller)), |(call, mut export)| async move {
        if call.http.is_draining() || call.still_good().await.is_err() {
            return None;
        }
        match export.next(call.services()).await {
            Ok(lines) => Some((Bytes::from(lines?), (call, export))),
            Err(error) => {
                tracing::warn!(%error, "an export ends before its end");
                None
            }
        }
    });
    Reply::streamed("application/x-ndjson", lines).no_store().header(CONTENT_DISPOSITION, "attachment; filename=\"export.ndjson\"")
}
