//! `GET /v1/events`: a part of the log as JSON, or the log as it grows, by `Accept` or by `Upgrade`.

use std::sync::Arc;
use std::time::Duration;

use http::header::VARY;
use tokio::time::Instant;
use wharf_api::ids::EventId;
use wharf_api::types::event::EventKind;
use wharf_api::{ApiError, ErrorCode, limits};
use wharf_core::event::feed::{BEHIND, LOOK};
use wharf_core::event::{self, Start};
use wharf_core::store::{EventFilter, EventPage};

use super::socket;
use super::stream::{self, Names};
use super::tail::Tail;
use crate::http::envelope::{Failure, Reply, invalid};
use crate::http::query::Query;
use crate::http::{Answer, Call, accept, page};

const JSON: &str = "application/json";
const SSE: &str = "text/event-stream";
/// How far from its end the log may be begun.
const LAST_MAX: u32 = 1_000;
const LAST_EVENT_ID: &str = "Last-Event-ID";
/// The id of the last event in the address, where readers put it that cannot set headers.
const IN_ADDRESS: [&str; 2] = ["lastEventId", "last_event_id"];

pub(in crate::http) async fn list_events(mut call: Call) -> Answer {
    let limit = call.query.number("limit", 1, u64::from(limits::PAGE_MAX))?;
    let limit = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(limits::PAGE_DEFAULT);
    let wait = Duration::from_secs(call.query.number("wait", 0, limits::LONG_POLL_MAX_SECS)?.unwrap_or(0));
    let filter = EventFilter { kinds: kinds(&call.query)?, each_step: call.query.get("events") == Some("*"), ..EventFilter::default() };
    let names = call.query.word("names", Names::parse, Names::WORDS)?;
    let offer = call.take_offer();
    let streams = offer.is_some() || accept::best(&call.headers, &[JSON, SSE]) == SSE;
    let grant = call.caller().by.grant();
    if grant.is_some() && !streams {
        let refusal = ApiError::new(ErrorCode::InsufficientPermissions);
        return Err(refusal.reason("a token opens a stream alone: an EventSource, or a WebSocket").into());
    }
    if offer.is_some() {
        socket::check_origin(&call)?;
    }
    let names = names.unwrap_or(if grant.is_some() { Names::Message } else { Names::Kind });
    let start = start(&call, streams)?;
    // A token is for one session, and says so once it is gone.
    let session = call.query.whose("sessionId")?.or(grant.map(|grant| grant.session.as_str()));
    let filter = event::filter(call.services(), call.caller(), filter, session).await?;
    let after = event::position(call.services(), call.caller(), &start).await?;
    if let Some(offer) = offer {
        let http = Arc::clone(&call.http);
        return Ok(socket::of(offer, &http, Tail::new(call, filter, after)));
    }
    if streams {
        let reply = Reply::streamed(SSE, stream::of(Tail::new(call, filter, after), names));
        return Ok(reply.no_store().header(VARY, "Accept").header(stream::X_ACCEL_BUFFERING, "no"));
    }
    let found = call.while_key_lasts(patiently(&call, &filter, after, limit, wait)).await??;
    let account = &call.caller().account;
    let shown: Vec<_> = found.rows.iter().map(|row| event::view(account, row)).collect();
    // A log has no end: the position is where it goes on, also while there is nothing more yet.
    Ok(Reply::list(shown, page::next(Some(found.position)))?.no_store().header(VARY, "Accept"))
}

/// The next events, or none once `wait` is over.
async fn patiently(call: &Call, filter: &EventFilter, mut after: i64, limit: u32, wait: Duration) -> Result<EventPage, Failure> {
    let until = Instant::now() + wait;
    let mut waits = true;
    let mut bell = call.services().store.bell().listen(&call.caller().account);
    loop {
        let found = event::list(call.services(), call.caller(), filter, after, limit).await?;
        let waited = !waits || Instant::now() >= until;
        if !found.rows.is_empty() || (waited && !found.more) {
            return Ok(found);
        }
        after = found.position;
        if !found.more {
            let pause = if found.behind { BEHIND } else { LOOK };
            let pause = pause.min(until.saturating_duration_since(Instant::now()));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = bell.changed() => {}
                () = call.waits_no_more() => waits = false,
            }
        }
    }
}

/// Where to begin. A list begins with the oldest event, a stream with what comes; whoever was here before says where it was.
fn start(call: &Call, streams: bool) -> Result<Start, ApiError> {
    if let Some(value) = call.headers.get(LAST_EVENT_ID).filter(|value| streams && !value.is_empty()) {
        return value.to_str().ok().and_then(read).ok_or_else(|| foreign(LAST_EVENT_ID));
    }
    for name in IN_ADDRESS {
        if let Some(id) = call.query.get(name).filter(|id| !id.is_empty()) {
            return read(id).ok_or_else(|| foreign(name));
        }
    }
    match call.query.get("cursor") {
        Some("oldest") => Ok(Start::Oldest),
        Some("latest") => Ok(Start::Latest),
        Some(text) => last(text).or_else(|| read(text)).ok_or_else(|| foreign("cursor")),
        None => Ok(if streams { Start::Latest } else { Start::Oldest }),
    }
}

fn read(text: &str) -> Option<Start> {
    match EventId::parse(text) {
        Some(id) => Some(Start::Event(id)),
        None => page::read(text).filter(|number| *number >= 0).map(Start::After),
    }
}

/// The last so many.
fn last(text: &str) -> Option<Start> {
    let count = text.strip_prefix('-')?.parse().ok()?;
    (1..=LAST_MAX).contains(&count).then_some(Start::Last(count))
}

fn foreign(field: &str) -> ApiError {
    invalid("the id of an event, the page.next of an answer, oldest, latest or the last so many (-1 to -1000) is expected").field(field)
}

/// The kinds that are asked for; none where all are, of which the star leaves out what the next one tells.
fn kinds(query: &Query) -> Result<Vec<EventKind>, ApiError> {
    let Some(text) = query.get("events").filter(|text| *text != "*") else { return Ok(Vec::new()) };
    let kind = |word: &str| {
        let known = || EventKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
        EventKind::parse(word).ok_or_else(|| invalid(format!("words out of {} with commas between are expected", known())).field("events"))
    };
    text.split(',').map(str::trim).map(kind).collect()
}
