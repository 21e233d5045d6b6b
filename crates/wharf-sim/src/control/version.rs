//! The versions that the network lets in, over HTTP.

use std::sync::Arc;

use axum::extract::State;

use super::answer::{self, Answer};
use crate::network::Net;
use crate::version::Change;

pub(super) async fn show(State(net): State<Arc<Net>>) -> Answer {
    answer::ok(net.versions.report())
}

pub(super) async fn change(State(net): State<Arc<Net>>, text: String) -> Answer {
    let change: Change = answer::body(&text)?;
    answer::ok(net.versions.change(&change))
}

/// Where a redirect leads to: nobody is to come here.
pub(super) async fn elsewhere(State(net): State<Arc<Net>>) -> Answer {
    net.versions.went_elsewhere();
    answer::ok("elsewhere")
}
