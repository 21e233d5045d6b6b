use std::sync::LazyLock;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, VARY};
use wharf_api::openapi;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, zip};

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| openapi::document().to_string().into());
/// A twelfth of it, for the reference's page reads all of it.
static ZIPPED: LazyLock<Bytes> = LazyLock::new(|| zip::zipped(&DOCUMENT));

pub(in crate::http) async fn get_openapi(call: Call) -> Answer {
    let is_zipped = zip::takes(&call.headers);
    let document = if is_zipped { ZIPPED.clone() } else { DOCUMENT.clone() };
    let reply = Reply::raw("application/json; charset=utf-8", document).header(VARY, "Accept-Encoding");
    Ok(if is_zipped { reply.header(CONTENT_ENCODING, "gzip") } else { reply })
}
