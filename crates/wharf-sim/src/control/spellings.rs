//! How the network writes numbers, set by hand.

use std::sync::Arc;

use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::json;

use super::answer::{self, Answer};
use crate::network::Net;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSpelling {
    known: String,
}

pub(super) async fn put(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let wanted: NewSpelling = answer::body(&text)?;
    let (written, known) = (answer::number(&number)?, net.owner(answer::number(&wanted.known)?).number);
    net.spellings.put(written, known);
    answer::ok(json!({"written": written.to_string(), "known": known.to_string()}))
}
