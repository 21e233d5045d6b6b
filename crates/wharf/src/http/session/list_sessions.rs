use wharf_core::session;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, page};

pub(in crate::http) async fn list_sessions(call: Call) -> Answer {
    call.query.only(page::PARAMETERS)?;
    let found = session::list(call.services(), call.caller(), page::wanted(&call.query)?).await?;
    let shown: Vec<_> = found.rows.iter().map(|row| session::view(call.services(), row)).collect();
    Reply::list(shown, page::next(found.next))
}
