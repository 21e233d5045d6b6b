//! Answers that hold the places of their request until they are sent or their client has left: who does not read takes room as long as it
//! does not.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http::header::CONTENT_TYPE;
use hyper::body::{Frame, SizeHint};

/// How much is handed on at a time. The connection takes a part whole, and would be done with an answer of one part before a byte is sent.
const PART: usize = 64 * 1024;

/// Has the answer hold `places`; `first` is sent before its own body. A stream of events lasts as long as its client likes, and is no
/// request that runs.
pub(super) fn hold<P: Send + Unpin + 'static>(response: Response, first: Bytes, places: P) -> Response {
    if response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream") {
        return response;
    }
    response.map(|body| Body::new(Held { body, rest: first, _places: places }))
}

struct Held<P> {
    body: Body,
    /// What is left of what was there before, or of the frame that came last.
    rest: Bytes,
    _places: P,
}

impl<P: Unpin> HttpBody for Held<P> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                ended => return Poll::Ready(ended),
            }
        }
        let part = self.rest.len().min(PART);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(part)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (of_body, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(of_body.lower() + rest);
        if let Some(upper) = of_body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn an_answer_is_the_same_in_parts_and_holds_its_places_until_the_last() {
        let (whole, place) = (vec![7_u8; 3 * PART + 1], Arc::new(()));
        let (first, then) = whole.split_at(PART + 1);
        let held = hold(Response::new(Body::from(then.to_vec())), Bytes::copy_from_slice(first), Arc::clone(&place));
        assert_eq!(HttpBody::size_hint(held.body()).exact(), Some(whole.len() as u64));
        let (mut body, mut seen) = (held.into_body(), Vec::new());
        while let Some(frame) = body.frame().await {
            assert_eq!(Arc::strong_count(&place), 2);
            seen.extend_from_slice(&frame.unwrap().into_data().unwrap());
        }
        assert_eq!(seen, whole);
        drop(body);
        assert_eq!(Arc::strong_count(&place), 1);
        assert!(hold(Response::new(Body::empty()), Bytes::new(), ()).body().is_end_stream());
    }
}
