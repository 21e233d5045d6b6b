//! What a request leaves of its body. Whoever answers may let the body go at any time, read or not: it comes back here, and before the
//! answer is sent it is known whether the connection can be used once more.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use tokio::sync::Semaphore;
use wharf_api::limits;

/// How much of a body that nobody read is read all the same, and for how long, so that the connection need not end.
const SMALL: u64 = 64 * 1024;
const SOON: Duration = Duration::from_millis(100);
/// Between two parts of a body that a proxy passes on, and for all of it.
const PART: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_mins(1);
/// How many such bodies are read at the same time; the next one is treated like any other.
static FORWARDED: Semaphore = Semaphore::const_new(256);

/// The other end of a body that was lent.
pub(super) struct Rest(Mutex<RestState>);

enum RestState {
    Over,
    Lent,
    Back(Body),
}

/// Hands the body on as one that comes back. `None` where there is nothing of it that could.
pub(super) fn lend(body: Body) -> (Body, Option<Arc<Rest>>) {
    if body.is_end_stream() {
        return (body, None);
    }
    let rest = Arc::new(Rest(Mutex::new(RestState::Lent)));
    (Body::new(LentBody { body: Some(body), rest: Arc::clone(&rest) }), Some(rest))
}

impl Rest {
    /// Whether nothing more of the body comes.
    pub fn is_over(&self) -> bool {
        matches!(*self.state(), RestState::Over)
    }

    /// Whether nothing more of the body comes, now that the answer is known. A little that is there is read for that, but not
    /// where the client keeps it back until it is asked for. What a proxy passes on is read to its end: the answer comes to its client
    /// whole, but some proxies end that connection half a second after an early one, whatever the client still writes.
    pub async fn settle(&self, expects: bool, forwarded: bool) -> bool {
        let back = {
            let mut state = self.state();
            match std::mem::replace(&mut *state, RestState::Lent) {
                RestState::Back(body) => body,
                other => {
                    *state = other;
                    return matches!(*state, RestState::Over);
                }
            }
        };
        let place = forwarded.then(|| FORWARDED.try_acquire().ok()).flatten();
        let (whole, part, bytes) = if place.is_some() { (WHOLE, PART, limits::MEDIA_BODY_BYTES as u64) } else { (SOON, SOON, SMALL) };
        // Boxed: most requests have nothing left, and need no room for it.
        let over = !expects && Box::pin(tokio::time::timeout(whole, ends(back, bytes, part))).await.unwrap_or(false);
        if over {
            *self.state() = RestState::Over;
        }
        over
    }

    fn state(&self) -> MutexGuard<'_, RestState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the body ends within so many bytes, none of its parts later than that after the one before.
async fn ends(mut body: Body, mut left: u64, part: Duration) -> bool {
    if HttpBody::size_hint(&body).lower() > left {
        return false;
    }
    loop {
        let frame = match tokio::time::timeout(part, body.frame()).await {
            Ok(Some(frame)) => frame,
            Ok(None) => return true,
            Err(_) => return false,
        };
        let read = frame.as_ref().ok().map(|frame| frame.data_ref().map_or(0, Bytes::len) as u64);
        match read.and_then(|read| left.checked_sub(read)) {
            Some(rest) => left = rest,
            None => return false,
        }
    }
}

struct LentBody {
    body: Option<Body>,
    rest: Arc<Rest>,
}

impl HttpBody for LentBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if frame.is_none() {
            self.body = None;
            *self.rest.state() = RestState::Over;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for LentBody {
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            *self.rest.state() = if body.is_end_stream() { RestState::Over } else { RestState::Back(body) };
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;

    use super::*;

    /// A body of so many bytes, which ends, or does not.
    fn body(bytes: usize, ends: bool) -> Body {
        let data = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from(vec![b' '; bytes]))]);
        if ends { Body::from_stream(data) } else { Body::from_stream(data.chain(futures::stream::pending())) }
    }

    /// A body that was lent, and the other end of it.
    fn given(body: Body) -> (Body, Arc<Rest>) {
        let (lent, rest) = lend(body);
        (lent, rest.unwrap())
    }

    #[tokio::test]
    async fn what_was_read_or_is_small_and_there_is_over() {
        let (lent, rest) = given(body(9, true));
        lent.collect().await.unwrap();
        assert!(rest.is_over() && rest.settle(false, false).await);
        let small = usize::try_from(SMALL).unwrap();
        for (bytes, ends, over) in [(9, true, true), (small, true, true), (small + 1, true, false), (9, false, false)] {
            let (lent, rest) = given(body(bytes, ends));
            drop(lent);
            assert_eq!((rest.settle(false, false).await, rest.is_over()), (over, over), "{bytes} {ends}");
        }
        assert!(lend(Body::empty()).1.is_none(), "nothing of it can come back");
    }

    #[tokio::test]
    async fn what_a_proxy_passes_on_is_read_to_its_end() {
        let (lent, rest) = given(body(40 * usize::try_from(SMALL).unwrap(), true));
        drop(lent);
        assert!(rest.settle(false, true).await && rest.is_over());
    }

    #[tokio::test]
    async fn what_waits_to_be_asked_for_or_is_still_being_read_is_not_over() {
        let (lent, rest) = given(body(9, true));
        drop(lent);
        assert!(!rest.settle(true, true).await);
        let (lent, rest) = given(body(9, true));
        assert!(!rest.settle(false, false).await);
        lent.collect().await.unwrap();
        assert!(rest.is_over(), "whoever reads on reads it to its end");
    }
}
