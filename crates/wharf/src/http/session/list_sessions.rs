use wharf_api::limits;
use wharf_api::types::session::SessionStatus;
use wharf_core::session::{self, Filter};

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, page};

pub(in crate::http) async fn list_sessions(call: Call) -> Answer {
    let statuses: Vec<_> = SessionStatus::ALL.iter().map(|status| status.as_str()).collect();
    let filter = Filter {
        name: call.query.text("name", limits::SESSION_NAME_CHARS)?,
        status: call.query.word("status", SessionStatus::parse, &statuses)?,
    };
    let found = session::list(call.services(), call.caller(), &filter, page::wanted(&call.query)?).await?;
    let shown: Vec<_> = found.rows.iter().map(|row| session::view(call.services(), row)).collect();
    Reply::list(shown, page::next(found.next))
}
