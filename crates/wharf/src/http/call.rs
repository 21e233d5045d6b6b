//! One request on its way to its operation, through the checks in their fixed order: key, rate, permission, shape.
//! (Idempotency, ownership and state follow in the operation itself.)

use std::ops::{Deref, DerefMut};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::extract::Request;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{CACHE_CONTROL, RANGE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio::time::error::Elapsed;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, Span};
use wharf_api::ids::AccountId;
use wharf_api::ops::{Access, Body, Method, Operation, Patience};
use wharf_api::{ApiError, limits, openapi};
use wharf_core::caller::By;
use wharf_core::limit::{Permit, Standing};
use wharf_core::{Caller, Services, door};

use super::audit::Trace;
use super::envelope::{self, Failure, MadeResponse, Reply, invalid};
use super::noted::{self, AnswerNotes, Came, Way};
use super::query::Query;
use super::server::line::{Left, Line};
use super::{Http, auth, body, catch, event, json, limit, query};
use crate::traces;

/// How often a request that waits looks whether its key is still good.
const KEY_LOOK: Duration = Duration::from_secs(1);

/// For how many headers a request may have room that its answer takes over.
const HEADERS_KEPT: usize = 24;

/// What an operation says.
pub type Answer = Result<Reply, Failure>;

/// An operation's code.
pub(super) type Handler = fn(Call) -> BoxFuture<'static, Answer>;

/// The parts of a path that are the caller's own, with their names.
type OwnParts = Vec<(&'static str, String)>;

/// Boxes what is made, in the box itself. What is made before its box is moved there whole, with all the room that it will once need; what
/// a request comes by has kilobytes of that.
macro_rules! pinned {
    ($made:expr) => {{
        let place = Box::new_uninit();
        let made = Box::write(place, $made);
        Box::into_pin(made)
    }};
}
pub(super) use pinned;

/// A request whose key is good and whose bytes are all there. It is handed on often, and lies in one place.
pub struct Call(Box<CallParts>);

impl Deref for Call {
    type Target = CallParts;

    fn deref(&self) -> &CallParts {
        &self.0
    }
}

impl DerefMut for Call {
    fn deref_mut(&mut self) -> &mut CallParts {
        &mut self.0
    }
}

/// What a request is made of.
pub struct CallParts {
    pub(super) http: Arc<Http>,
    pub(super) operation: &'static Operation,
    pub(super) headers: HeaderMap,
    pub(super) query: Query,
    pub(super) way: Way,
    caller: Option<Box<Caller>>,
    path: OwnParts,
    body: Bytes,
    /// The body of an operation that reads it as it comes.
    stream: Option<body::Stream>,
    /// What a client offers that wants a WebSocket.
    offer: Option<WebSocketUpgrade>,
    /// The connection of a request that waits or streams: what changes something is done whether its client stays or not.
    line: Option<Arc<Line>>,
    /// Held with a body that is large.
    places: Vec<OwnedSemaphorePermit>,
    /// Held to the end of the work, also when the client has left.
    _permit: Option<Arc<Permit>>,
}

impl Call {
    pub(super) fn services(&self) -> &Services {
        &self.http.services
    }

    /// Who calls. Only operations with a key have a caller.
    pub(super) fn caller(&self) -> &Caller {
        self.caller.as_deref().expect("an operation with a key is called by a caller")
    }

    /// Waits for `work` as long as the caller's key is good. Whoever waits is told nothing that came after the key's end.
    pub(super) async fn while_key_lasts<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        let ended = async {
            loop {
                tokio::time::sleep(KEY_LOOK).await;
                if let Err(failure) = self.still_good().await {
                    return failure;
                }
            }
        };
        let done = tokio::select! {
            done = work => done,
            failure = ended => return Err(failure),
        };
        self.still_good().await?;
        Ok(done)
    }

    /// Refuses a caller whose key or log-in has ended since its request came, and whoever waits at a node that is unfit since.
    pub(super) async fn still_good(&self) -> Result<(), Failure> {
        door::known(self.services())?;
        auth::still_good(self.services(), &self.caller().by).await
    }

    /// Until nobody waits any more: the server stops, or the client has ended its half and wants to know what there is.
    pub(super) async fn waits_no_more(&self) {
        tokio::select! {
            () = self.http.drained() => {}
            _ = self.left() => {}
        }
    }

    /// Until the client has ended its half, or is gone.
    pub(super) async fn left(&self) -> Left {
        match &self.line {
            Some(line) => line.left().await,
            None => std::future::pending().await,
        }
    }

    /// Until a client that has ended its half is gone.
    pub(super) async fn gone(&self) {
        match &self.line {
            Some(line) => line.gone().await,
            None => std::future::pending().await,
        }
    }

    /// The part of the path that the operation's path names so.
    pub(super) fn path(&self, name: &str) -> &str {
        self.path.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// The body of an operation that reads it as it comes.
    pub(super) fn stream(&self) -> body::Stream {
        self.stream.clone().expect("the operation's row says that it is streamed")
    }

    /// The body as the operation's request.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        json::parse(&self.headers, &self.body, openapi::never_empty(self.operation))
    }

    /// The body as the operation's request, and its bytes are let go.
    pub(super) fn take_json<T: DeserializeOwned>(&mut self) -> Result<T, ApiError> {
        let body = std::mem::take(&mut self.body);
        json::parse(&self.headers, &body, openapi::never_empty(self.operation))
    }

    /// What a client offers that wants a WebSocket.
    pub(super) fn take_offer(&mut self) -> Option<WebSocketUpgrade> {
        self.offer.take()
    }

    /// The places that a large body holds, for who keeps what it brought.
    pub(super) fn take_places(&mut self) -> Vec<OwnedSemaphorePermit> {
        std::mem::take(&mut self.places)
    }

    /// The body as the operation's request, where it may be left out. Some write an empty list or null for that.
    pub(super) fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, ApiError> {
        let letters: Vec<u8> = self.body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(5).collect();
        if matches!(letters.as_slice(), b"" | b"[]" | b"null") { Ok(T::default()) } else { self.json() }
    }
}

/// What was found out about a request before its operation ran.
#[derive(Default)]
struct RequestFacts {
    key: Option<By>,
    by_login: bool,
    account: Option<AccountId>,
    standing: Option<Standing>,
    sends_until: Option<Instant>,
    permit: Option<Arc<Permit>>,
}

/// Runs one operation and makes its response. What is logged meanwhile names the request.
///
/// Who is refused before anything is waited for leaves no line and takes no span: strangers who try keys must not cost what a request does.
pub(super) async fn serve(
    http: &Arc<Http>,
    operation: &'static Operation,
    handler: Handler,
    request: Request,
    came: Came,
) -> (Response, AnswerNotes) {
    let request_id = Arc::clone(&came.id);
    let (mut parts, body) = request.into_parts();
    let began = came.at;
    let patience = patience(operation, http.limits.request_timeout, http.limits.file_timeout);
    let mut seen = RequestFacts { sends_until: Some(sends_until(began, patience)), ..RequestFacts::default() };
    let way = Way { peer: came.peer, origin: http.limits.trusted_proxies.origin(came.peer, &parts.headers) };
    // At the highest level, so that no filter takes the span from a line that passes.
    let named = || tracing::error_span!("request", id = &*request_id, operation = operation.id);
    let (entered, span) = {
        let entering = catch::panics(enter(http, operation, &parts, began, way, &mut seen));
        let mut entering = pin!(tokio::time::timeout_at(began + patience, entering));
        let at_once = if traces::are_on() { Poll::Pending } else { futures::poll!(entering.as_mut()) };
        match at_once {
            Poll::Ready(entered) => {
                let span = if is_refusal(&entered) { Span::none() } else { named() };
                (entered, span)
            }
            Poll::Pending => {
                let span = named();
                traces::request(&span, &parts, operation);
                (entering.instrument(span.clone()).await, span)
            }
        }
    };
    let done = |answered, seen, room| finish(&http.services, operation, &request_id, answered, seen, room);
    match entered {
        Ok(Ok(entered)) => {
            if operation.method == Method::Get {
                parts.extensions.insert(came);
            }
            // Boxed, so that those who do not come so far need no room for it.
            let work = pinned!(answer(Arc::clone(http), operation, handler, parts, body, way, entered));
            let work = tokio::time::timeout_at(began + patience, catch::panics(work));
            let whole = async { done(work.await.unwrap_or_else(|_| took_too_long()), seen, HeaderMap::new()) };
            whole.instrument(span).await
        }
        Ok(Err(failure)) => span.in_scope(|| done(Err(failure), seen, emptied(parts.headers))),
        Err(_) => span.in_scope(|| done(took_too_long(), seen, HeaderMap::new())),
    }
}

/// The room of a refused request's headers for those of its answer, unless it is much more than those need.
fn emptied(mut headers: HeaderMap) -> HeaderMap {
    if headers.capacity() > HEADERS_KEPT {
        return HeaderMap::new();
    }
    headers.clear();
    headers
}

/// Whether the request is refused for what its caller did, which nothing in the log tells of.
fn is_refusal<T>(entered: &Result<Result<T, Failure>, Elapsed>) -> bool {
    matches!(entered, Ok(Err(failure)) if failure.error.code.status() < 500)
}

fn took_too_long() -> Answer {
    Err(Failure::unavailable("the request took too long", 1))
}

/// Nobody keeps what was answered to a cookie. A file the browser may keep, but asks whether it may show it: nobody sees it who comes after the
/// log-out.
fn forget(headers: &mut HeaderMap) {
    let is_file = headers.get(CACHE_CONTROL).is_some_and(|value| value != "no-store");
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(if is_file { "private, no-cache" } else { "no-store" }));
}

/// Makes the response of what was answered, with what is said and counted beside it.
fn finish(
    services: &Services,
    operation: &'static Operation,
    request_id: &str,
    answered: Answer,
    seen: RequestFacts,
    room: HeaderMap,
) -> (Response, AnswerNotes) {
    let MadeResponse { mut response, body, code } = envelope::made(Some(operation), request_id, answered, room);
    if seen.by_login {
        forget(response.headers_mut());
    }
    traces::answered(response.status(), code, seen.account.as_ref());
    if let Some(account) = &seen.account {
        services.used.answer(account, code, services.clock.now());
    }
    if let Some(standing) = &seen.standing {
        limit::stamp(&mut response, standing);
    }
    (response, AnswerNotes { called: Some(operation), code, key: seen.key, permit: seen.permit, body })
}

/// Who calls, and the place among the requests of its account. Nobody is one, where anybody may.
type Entered = (Option<Box<Caller>>, Option<Arc<Permit>>);

/// Lets a request in whose key is good and whose account may call.
async fn enter(
    http: &Http,
    operation: &Operation,
    parts: &Parts,
    began: Instant,
    way: Way,
    seen: &mut RequestFacts,
) -> Result<Entered, Failure> {
    // Before anything is read of the caller: at another database its key would be none.
    if !is_page(operation) {
        door::pass_as_of(&http.services, began).await?;
    }
    if operation.access == Access::Open {
        return Ok((None, None));
    }
    let mut caller = auth::caller(http, operation, parts, way).await?;
    caller.sends_until = seen.sends_until;
    seen.key = noted::key_is_told().then(|| caller.by.clone());
    seen.by_login = caller.by.login().is_some();
    seen.account = Some(caller.account.clone());
    let permit = Arc::new(limit::admit(&http.services, &caller, &mut seen.standing).await?);
    seen.permit = Some(Arc::clone(&permit));
    Ok((Some(caller), Some(permit)))
}

/// Does what was asked for, for whoever was let in.
async fn answer(
    http: Arc<Http>,
    operation: &'static Operation,
    handler: Handler,
    parts: Parts,
    body: axum::body::Body,
    way: Way,
    (caller, permit): Entered,
) -> Answer {
    let path = own_parts(operation, parts.uri.path());
    let (tasks, services) = (http.tasks.clone(), Arc::clone(&http.services));
    let named = path.as_deref().unwrap_or_default();
    let trace = caller.as_ref().and_then(|caller| Trace::of(operation, caller, way.origin, named, &services));
    let call = match check(http, operation, parts, body, way, caller, permit, path).await {
        Ok(call) => call,
        Err(failure) => return left(trace, &services, Err(failure)).await,
    };
    let work = catch::panics(handler(call));
    match operation.method {
        Method::Get => work.await,
        Method::Post | Method::Put | Method::Patch | Method::Delete => {
            to_its_end(&tasks, pinned!(async move { left(trace, &services, work.await).await })).await
        }
    }
}

/// What changes something runs to its end, also when its client leaves or our patience is over.
async fn to_its_end(tasks: &TaskTracker, mut work: Pin<Box<impl Future<Output = Answer> + Send + 'static>>) -> Answer {
    // Nobody can leave before it waits for something: most refusals never do, and need no task of their own.
    if let Poll::Ready(answer) = futures::poll!(work.as_mut()) {
        return answer;
    }
    tasks.spawn(work.in_current_span()).await.unwrap_or_else(|error| Err(Failure::internal(error)))
}

/// Whether it tells of this process and of the API alone: our health, our metrics, the reference.
fn is_page(operation: &Operation) -> bool {
    operation.access == Access::Open && operation.method == Method::Get
}

/// What is checked before an operation runs, after the key and the limits: permission, then shape.
#[expect(clippy::too_many_arguments, reason = "what is known of a request so far")]
async fn check(
    http: Arc<Http>,
    operation: &'static Operation,
    mut parts: Parts,
    body: axum::body::Body,
    way: Way,
    mut caller: Option<Box<Caller>>,
    permit: Option<Arc<Permit>>,
    path: Result<OwnParts, ApiError>,
) -> Result<Call, Failure> {
    if let Some(caller) = &caller {
        caller.may_call(operation.access)?;
    }
    let path = path?;
    // Pages and probes know no parameters and are called by programs that add words of their own: those are not even read. A caller with
    // a key means what it says.
    let mut query = Query::default();
    if operation.access != Access::Open {
        query = Query::parse(parts.uri.query())?;
        if !query.is_empty() {
            query.only(openapi::query_names(operation))?;
        }
    }
    if let Some(caller) = caller.as_mut().filter(|_| operation.sends()) {
        caller.answer_by = answer_by(operation, &query)?;
    }
    let mut places = Vec::new();
    let (body, stream) = match operation.body {
        Body::None => (Bytes::new(), None),
        Body::Stream => (Bytes::new(), Some(body::Stream::new(body))),
        Body::Json(_) | Body::Optional => {
            let max = if let Body::Json(max) = operation.body { max } else { limits::JSON_BODY_BYTES };
            // Few large bodies are held at the same time; the others wait where they are.
            let room = async || {
                // An account waits for its own first, so that it takes nobody else's place.
                if let Some(caller) = &caller {
                    places.push(http.large_turns.enter(&caller.account).await);
                }
                places.extend(Arc::clone(&http.large_bodies).acquire_owned().await.ok());
            };
            (body::read(&parts.headers, body, max, room).await?, None)
        }
    };
    if parts.method == http::Method::HEAD {
        // A part is a matter of GET.
        parts.headers.remove(RANGE);
    }
    let offer = event::offered(operation, &mut parts).await?;
    // A WebSocket tells by itself that its client has left.
    let waits = operation.method == Method::Get && offer.is_none();
    let line = parts.extensions.get::<Came>().filter(|_| waits).map(|came| Arc::clone(&came.line));
    // A body takes its time to come.
    if !is_page(operation) {
        door::known(&http.services)?;
    }
    let place = Box::new_uninit();
    let headers = parts.headers;
    let parts = CallParts { http, operation, headers, query, way, caller, path, body, stream, offer, line, places, _permit: permit };
    Ok(Call(Box::write(place, parts)))
}

/// Passes the answer on, once the audit log has its row of it.
async fn left(trace: Option<Trace>, services: &Services, answer: Answer) -> Answer {
    if let Some(mut trace) = trace {
        trace.note(&answer);
        trace.write(services).await;
    }
    answer
}

fn own_parts(operation: &Operation, path: &str) -> Result<OwnParts, ApiError> {
    // Most that come by the thousand have none.
    if !operation.path.contains('{') {
        return Ok(Vec::new());
    }
    let parts = operation.path.split('/').zip(path.split('/'));
    let own = parts.filter_map(|(known, part)| Some((known.strip_prefix('{')?.strip_suffix('}')?, part)));
    let read = own.map(|(name, part)| Some((name, query::decode(part, false)?)));
    read.collect::<Option<_>>().ok_or_else(|| invalid("the path is not percent-encoded UTF-8"))
}

/// When an operation that waits for WhatsApp's word at its end must have begun to: an answer that it took too long must be true.
fn sends_until(began: Instant, patience: Duration) -> Instant {
    let end = limits::SEND_WAIT + Duration::from_secs(5);
    began + patience.saturating_sub(end).max(patience / 2)
}

/// When a send is answered whether WhatsApp has said something or not. Unless its caller said so, a file's own way is not counted.
fn answer_by(operation: &Operation, query: &Query) -> Result<Option<Instant>, ApiError> {
    let wait = match query.number("wait", 0, limits::SEND_WAIT_MAX_SECS)? {
        Some(wait) => Duration::from_secs(wait),
        None if operation.patience == Patience::Files => return Ok(None),
        None => limits::SEND_WAIT,
    };
    Ok(Some(Instant::now() + wait))
}

/// A long poll waits because its caller asked it to, and a file takes its time: that is not held against them.
fn patience(operation: &Operation, timeout: Duration, file_timeout: Duration) -> Duration {
    match operation.patience {
        Patience::Usual => timeout,
        Patience::Files => timeout.max(file_timeout),
        Patience::LongPoll => timeout + Duration::from_secs(limits::LONG_POLL_MAX_SECS),
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;
    use tokio::task;

    use super::*;

    #[tokio::test]
    async fn a_change_that_is_decided_at_once_takes_no_task_of_its_own() {
        let (tell, told) = oneshot::channel();
        let work = async move {
            tell.send(task::try_id()).unwrap();
            Err(Failure::unavailable("decided", 1))
        };
        assert!(to_its_end(&TaskTracker::new(), Box::pin(work)).await.is_err());
        assert_eq!(told.await.unwrap(), task::try_id());
    }

    #[tokio::test]
    async fn a_change_that_waits_goes_on_when_nobody_waits_for_it_any_more() {
        let tasks = TaskTracker::new();
        let ((go_on, waits), (tell, told)) = (oneshot::channel(), oneshot::channel());
        let work = async move {
            let word: &str = waits.await.unwrap();
            tell.send(word).unwrap();
            Err(Failure::unavailable("decided", 1))
        };
        {
            let asked = pin!(to_its_end(&tasks, Box::pin(work)));
            assert!(futures::poll!(asked).is_pending());
        }
        go_on.send("changed").expect("it waits, though nobody asks any more");
        assert_eq!(told.await, Ok("changed"));
    }

    #[test]
    fn the_callers_own_parts_of_a_path_are_decoded_strictly_and_have_their_names() {
        let own = |path: &str| own_parts(&wharf_api::ops::retry_delivery, path).ok();
        let named = |webhook: &str, delivery: &str| Some(vec![("webhookId", webhook.to_owned()), ("deliveryId", delivery.to_owned())]);
        assert_eq!(own("/v1/webhooks/whk_1/deliveries/a+b/retry"), named("whk_1", "a+b"));
        assert_eq!(own("/v1/webhooks//deliveries/%C3%A9%2F/retry"), named("", "é/"));
        for bad in ["%", "%zz", "%ff", "%00"] {
            assert_eq!(own(&format!("/v1/webhooks/whk_1/deliveries/{bad}/retry")), None, "{bad}");
        }
        assert_eq!(own_parts(&wharf_api::ops::get_account, "/v1/account").ok(), Some(Vec::new()));
    }
}
