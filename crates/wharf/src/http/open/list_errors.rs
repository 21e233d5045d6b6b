use wharf_api::ErrorCode;
use wharf_api::types::error::ErrorEntry;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn list_errors(_: Call) -> Answer {
    let entries: Vec<_> = ErrorCode::ALL.iter().map(|code| ErrorEntry::from(code.row())).collect();
    Reply::list(entries, None)
}
