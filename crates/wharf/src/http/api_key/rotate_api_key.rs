use std::time::Duration;

use wharf_api::limits;
use wharf_api::types::key::RotateKey;
use wharf_core::key;

use super::{named, shown_once};
use crate::http::envelope::invalid;
use crate::http::{Answer, Call, idempotency};

pub(in crate::http) async fn rotate_api_key(call: Call) -> Answer {
    let request: RotateKey = call.json_or_default()?;
    let (overlap, max) = (request.overlap_seconds.unwrap_or(limits::KEY_OVERLAP_SECS), limits::KEY_OVERLAP_MAX_SECS);
    if overlap > max {
        return Err(invalid(format!("an overlap has 0 to {max} seconds")).field("overlapSeconds").limit(max, overlap).into());
    }
    let overlap = Duration::from_secs(overlap);
    let rotate = async { shown_once(key::rotate(call.services(), call.caller(), &named(&call)?, overlap).await?) };
    idempotency::beforehand(&call, &(call.path("keyId"), &request), rotate).await
}
