use wharf_api::limits;
use wharf_api::types::event::{CreateEventToken, EventToken};
use wharf_core::event::token;

use crate::http::envelope::{Reply, invalid};
use crate::http::{Answer, Call, page};

pub(in crate::http) async fn create_event_token(call: Call) -> Answer {
    let request: CreateEventToken = call.json()?;
    let (seconds, range) = (request.expires_in_seconds.unwrap_or(limits::EVENT_TOKEN_SECS), limits::EVENT_TOKEN_RANGE_SECS);
    if !range.contains(&seconds) {
        let (min, max) = (*range.start(), *range.end());
        let refusal = invalid(format!("a token is good for {min} to {max} seconds"));
        return Err(refusal.field("expiresInSeconds").limit(max, seconds).into());
    }
    let made = token::make(call.services(), call.caller(), &request.session_id, seconds).await?;
    let cursor = page::next(Some(made.position)).unwrap_or_default();
    let shown = EventToken { token: made.token, session_id: made.grant.session, expires_at: made.grant.until, cursor };
    Ok(Reply::ok(shown)?.no_store())
}
