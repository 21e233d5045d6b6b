use wharf_api::types::account::{Plan, PutPlan};
use wharf_api::{ApiError, limits};
use wharf_core::{account, store};

use crate::http::envelope::{Reply, invalid};
use crate::http::{Answer, Call, name};

pub(in crate::http) async fn admin_set_plan(call: Call) -> Answer {
    let request: PutPlan = call.json()?;
    let name = name::plan(call.path("name"))?.to_owned();
    bounded("messagesPerDay", 0, request.messages_per_day)?;
    bounded("callsPerMinute", 1, Some(request.calls_per_minute))?;
    bounded("sessions", 0, request.sessions)?;
    bounded("concurrentRequests", 1, Some(request.concurrent_requests))?;
    within("mediaBytes", 0, limits::PLAN_BYTES_MAX, request.media_bytes)?;
    let pace = request.pace.unwrap_or_default();
    bounded("pace.messagesPerMinute", 1, pace.messages_per_minute)?;
    bounded("pace.newContactsPerHour", 1, pace.new_contacts_per_hour)?;
    bounded("pace.newContactsPerDay", 1, pace.new_contacts_per_day)?;
    from_to("pace.strangerJitterSeconds", pace.stranger_jitter_seconds)?;
    from_to("pace.typingSeconds", pace.typing_seconds)?;
    let plan = store::Plan {
        name,
        messages_per_day: request.messages_per_day,
        calls_per_minute: request.calls_per_minute,
        sessions: request.sessions,
        concurrent_requests: request.concurrent_requests,
        event_days: days("eventDays", request.event_days, limits::EVENT_DAYS, limits::EVENT_DAYS_MAX)?,
        media_days: days("mediaDays", request.media_days, limits::MEDIA_DAYS, limits::MEDIA_DAYS_MAX)?,
        media_bytes: request.media_bytes,
        pace,
    };
    account::put_plan(call.services(), &plan).await?;
    Reply::ok(Plan::from(&plan))
}

fn days(field: &str, days: Option<u64>, default: u64, max: u64) -> Result<u64, ApiError> {
    let days = days.unwrap_or(default);
    if (1..=max).contains(&days) {
        return Ok(days);
    }
    Err(invalid(format!("a number from 1 to {max} is expected")).field(field).limit(max, days))
}

fn from_to(field: &str, seconds: Option<[u64; 2]>) -> Result<(), ApiError> {
    let max = limits::PACE_SECONDS_MAX;
    match seconds {
        Some([from, to]) if from > to || to > max => {
            Err(invalid(format!("two numbers from 0 to {max} are expected, the smaller one first")).field(field).limit(max, from.max(to)))
        }
        _ => Ok(()),
    }
}

fn bounded(field: &str, min: u64, limit: Option<u64>) -> Result<(), ApiError> {
    within(field, min, limits::PLAN_LIMIT_MAX, limit)
}

fn within(field: &str, min: u64, max: u64, limit: Option<u64>) -> Result<(), ApiError> {
    match limit {
        Some(limit) if !(min..=max).contains(&limit) => {
            Err(invalid(format!("a number from {min} to {max} is expected")).field(field).limit(max, limit))
        }
        _ => Ok(()),
    }
}
