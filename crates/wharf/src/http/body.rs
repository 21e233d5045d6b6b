//! Reading a request's body, never more of it than is allowed.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;
use tokio::sync::Mutex;
use tokio::time::Instant;
use wharf_api::{ApiError, limits};

use super::envelope::invalid;

/// The time in which a body must bring [`SLOWEST_BYTES`], unless it ends: who holds a place for a file uses it.
const LAP: Duration = Duration::from_secs(30);
const SLOWEST_BYTES: usize = 128 * 1024;
/// What a large body must bring in that time: it holds a place that others wait for.
const SLOWEST_LARGE_BYTES: usize = 1024 * 1024;

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok())
}

/// The whole body, which may be `max` bytes long. What arrives is counted; `Content-Length` is not believed. Before more than
/// [`limits::JSON_BODY_BYTES`] of it are held `room` is waited for: who announces much and brings nothing takes no place.
pub(super) async fn read(headers: &HeaderMap, body: Body, max: usize, room: impl AsyncFnOnce()) -> Result<Bytes, ApiError> {
    let mut body = Paced::new(body);
    if let Some(announced) = announced(headers).filter(|length| *length > max as u64) {
        return Err(too_large(max, announced));
    }
    let (mut read, mut room) = (BytesMut::new(), Some(room));
    while let Some(data) = body.next().await? {
        if read.is_empty() && data.len() <= max && body_is_over(&body.body) {
            return Ok(data);
        }
        let length = read.len() + data.len();
        if length > max {
            return Err(too_large(max, length as u64));
        }
        if length > limits::JSON_BODY_BYTES
            && let Some(room) = room.take()
        {
            room().await;
            body.hurry();
        }
        read.extend_from_slice(&data);
    }
    Ok(read.freeze())
}

fn body_is_over(body: &Body) -> bool {
    axum::body::HttpBody::is_end_stream(body)
}

fn too_large(max: usize, actual: u64) -> ApiError {
    invalid("the body is too large").limit(max as u64, actual)
}

/// A body that is read as it comes. Clones read from the same one.
#[derive(Clone)]
pub(super) struct Stream(Arc<Mutex<Paced>>);

/// A body that must not dawdle.
struct Paced {
    body: Body,
    lap: Duration,
    /// How much each lap must bring.
    slowest: usize,
    /// When the lap is over, and what it brought so far.
    end: Instant,
    brought: usize,
}

impl Paced {
    fn new(body: Body) -> Self {
        Self { body, lap: LAP, slowest: SLOWEST_BYTES, end: Instant::now() + LAP, brought: 0 }
    }

    /// From now on it must come at the pace of a large body; the wait for its place is not counted.
    fn hurry(&mut self) {
        (self.slowest, self.end, self.brought) = (SLOWEST_LARGE_BYTES, Instant::now() + self.lap, 0);
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            match tokio::time::timeout_at(self.end, self.body.frame()).await {
                Err(_) => return Err(invalid("the body comes too slowly")),
                Ok(None) => return Ok(None),
                Ok(Some(Err(_))) => return Err(invalid("the body ended before its time")),
                Ok(Some(Ok(frame))) => {
                    let Ok(data) = frame.into_data() else { continue };
                    self.brought += data.len();
                    if self.brought >= self.slowest {
                        (self.end, self.brought) = (Instant::now() + self.lap, 0);
                    }
                    return Ok(Some(data));
                }
            }
        }
    }
}

impl Stream {
    pub(super) fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(Paced::new(body))))
    }

    /// The next bytes; `None` at the end.
    pub(super) async fn next(&self) -> Result<Option<Bytes>, ApiError> {
        self.0.lock().await.next().await
    }

    /// The bytes as a stream.
    pub(super) fn bytes(self) -> impl futures::Stream<Item = std::io::Result<Bytes>> + Send + 'static {
        futures::stream::try_unfold(self, |stream| async move {
            let next = stream.next().await.map_err(|_| std::io::ErrorKind::UnexpectedEof)?;
            Ok(next.map(|bytes| (bytes, stream)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(sizes: &[usize]) -> Body {
        let chunks: Vec<_> = sizes.iter().map(|size| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; *size]))).collect();
        Body::from_stream(futures::stream::iter(chunks))
    }

    #[tokio::test]
    async fn a_place_is_waited_for_once_when_more_than_a_megabyte_has_come() {
        let small = limits::JSON_BODY_BYTES;
        for (sizes, waits) in [(vec![small - 1, 1], 0), (vec![small, 1], 1), (vec![small, 1, small], 1)] {
            let mut waited = 0;
            let bytes = read(&HeaderMap::new(), chunks(&sizes), 3 * small, async || waited += 1).await.unwrap();
            assert_eq!((bytes.len(), waited), (sizes.iter().sum(), waits));
        }
    }

    #[tokio::test]
    async fn a_body_of_the_limit_passes_and_one_byte_more_does_not_however_it_is_cut() {
        let max = limits::JSON_BODY_BYTES;
        for sizes in [vec![max], vec![max - 1, 1], vec![1; 3]] {
            let total: usize = sizes.iter().sum();
            assert_eq!(read(&HeaderMap::new(), chunks(&sizes), max, async || ()).await.unwrap().len(), total);
        }
        for sizes in [vec![max + 1], vec![max, 1], vec![max / 2, max / 2, 1]] {
            let error = read(&HeaderMap::new(), chunks(&sizes), max, async || ()).await.unwrap_err();
            assert_eq!(error.details.limit, Some(max as u64));
        }
    }

    #[tokio::test]
    async fn a_body_that_stops_or_drips_is_refused_when_its_lap_is_over() {
        for first in [0, 1, SLOWEST_BYTES - 1, SLOWEST_BYTES] {
            let bytes = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from(vec![b' '; first]))]);
            let silent = Body::from_stream(futures::StreamExt::chain(bytes, futures::stream::pending()));
            let mut body =
                Paced { body: silent, lap: Duration::from_millis(1), slowest: SLOWEST_BYTES, end: Instant::now() + LAP, brought: 0 };
            assert_eq!(body.next().await.unwrap().map(|data| data.len()), Some(first));
            // Who brought enough has a new lap of a millisecond, who did not has the rest of the first.
            assert_eq!(body.end > Instant::now() + Duration::from_secs(1), first < SLOWEST_BYTES);
            body.end = body.end.min(Instant::now());
            assert_eq!(body.next().await.unwrap_err().details.reason.as_deref(), Some("the body comes too slowly"));
        }
    }

    #[tokio::test]
    async fn a_body_that_announces_too_much_is_refused_with_what_it_announced() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, "1073741824".parse().unwrap());
        let error = read(&headers, chunks(&[1]), limits::JSON_BODY_BYTES, async || ()).await.unwrap_err();
        assert_eq!(error.details.actual, Some(1_073_741_824));
    }
}
