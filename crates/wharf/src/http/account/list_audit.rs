use wharf_api::ApiError;
use wharf_api::ids::KeyId;
use wharf_api::ops;
use wharf_core::audit;
use wharf_core::store::AuditFilter;

use crate::http::envelope::{Reply, invalid};
use crate::http::query::Query;
use crate::http::{Answer, Call, page};

pub(in crate::http) async fn list_audit(call: Call) -> Answer {
    let (filter, page) = (filter(&call.query)?, page::wanted(&call.query)?);
    let found = audit::list(call.services(), call.caller(), filter, page).await?;
    let shown: Vec<_> = found.rows.iter().map(audit::view).collect();
    Reply::list(shown, page::next(found.next))
}

pub(in crate::http) fn filter(query: &Query) -> Result<AuditFilter, ApiError> {
    let key = |id: &str| KeyId::parse(id).ok_or_else(|| invalid("a key's id is expected").field("keyId"));
    Ok(AuditFilter {
        account: None,
        key: query.whose("keyId")?.map(key).transpose()?,
        action: action(query)?,
        target: query.whose("target")?.map(str::to_owned),
    })
}

/// The id of an operation that the log tells of. Another word would find nothing, and say nothing of why.
fn action(query: &Query) -> Result<Option<String>, ApiError> {
    let Some(word) = query.get("action") else { return Ok(None) };
    let is_told = ops::ALL.iter().any(|operation| operation.audited() && operation.id == word);
    // Signing in takes nothing that is good yet, and is told of all the same.
    if is_told || word == audit::AUTHENTICATE || word == ops::create_login.id {
        return Ok(Some(word.to_owned()));
    }
    Err(invalid("the id of an operation that changes something is expected, or authenticate").field("action"))
}
