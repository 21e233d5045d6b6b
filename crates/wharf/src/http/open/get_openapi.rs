use std::sync::LazyLock;

use bytes::Bytes;
use wharf_api::openapi;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| openapi::document().to_string().into());

pub(in crate::http) async fn get_openapi(_: Call) -> Answer {
    Ok(Reply::raw("application/json; charset=utf-8", DOCUMENT.clone()))
}
