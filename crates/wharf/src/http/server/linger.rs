//! The end of a connection whose client still writes. Closed at once it would be reset, and the answer with it; so the writing half is
//! ended and what comes is dropped, within bounds.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};
use wharf_api::limits;

/// How many connections may end so at the same time; the next one is closed at once.
pub(super) const CONNECTIONS: usize = 256;

/// How much is dropped at the most, for how long, and how much each lap must bring.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    bytes: usize,
    whole: Duration,
    lap: Duration,
    lap_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        // The largest body of any operation, at the pace of a poor line.
        Self { bytes: limits::MEDIA_BODY_BYTES, whole: Duration::from_mins(1), lap: Duration::from_secs(5), lap_bytes: 64 * 1024 }
    }
}

const PART: usize = 16 * 1024;

pub(super) struct Linger {
    bounds: Bounds,
    until: Instant,
    lap: Pin<Box<Sleep>>,
    brought: usize,
    left: usize,
    _place: OwnedSemaphorePermit,
}

impl Linger {
    pub fn new(bounds: Bounds, place: OwnedSemaphorePermit) -> Self {
        let lap = Box::pin(tokio::time::sleep(bounds.lap));
        Self { bounds, until: Instant::now() + bounds.whole, lap, brought: 0, left: bounds.bytes, _place: place }
    }

    /// Until the client has ended its half, or a bound is met.
    pub fn poll<S: AsyncRead + Unpin>(&mut self, stream: &mut S, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut bytes = [0; PART];
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() && buffer.filled().len() <= self.left => {
                    self.left -= buffer.filled().len();
                    self.brought += buffer.filled().len();
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending if self.lap.as_mut().poll(context).is_pending() => return Poll::Pending,
                Poll::Pending => {}
            }
            if self.lap.as_mut().poll(context).is_ready() {
                if self.brought < self.bounds.lap_bytes || Instant::now() >= self.until {
                    return Poll::Ready(());
                }
                self.brought = 0;
                self.lap.as_mut().reset((Instant::now() + self.bounds.lap).min(self.until));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::AsyncWriteExt as _;
    use tokio::sync::Semaphore;

    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    /// Lingers on a stream from which so much comes, and which then ends, or does not. Answers how much is left.
    async fn linger(bounds: Bounds, bytes: usize, ends: bool) -> usize {
        let (mut near, mut far) = tokio::io::duplex(bytes + 1);
        far.write_all(&vec![b' '; bytes]).await.unwrap();
        let _open = (!ends).then_some(far);
        let place = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let mut linger = Linger::new(bounds, place);
        std::future::poll_fn(|context| linger.poll(&mut near, context)).await;
        linger.left
    }

    #[tokio::test]
    async fn it_lasts_until_the_client_ends() {
        let bounds = Bounds { bytes: 100_000, whole: LONG, lap: LONG, lap_bytes: 1 };
        assert_eq!(linger(bounds, 70_000, true).await, 30_000);
    }

    #[tokio::test]
    async fn it_ends_with_its_bytes_its_time_and_a_lap_that_brings_too_little() {
        let short = Duration::from_millis(1);
        let bounds = Bounds { bytes: 100_000, whole: LONG, lap: LONG, lap_bytes: 1 };
        linger(Bounds { bytes: 10, ..bounds }, 70_000, false).await;
        linger(Bounds { lap: short, lap_bytes: 70_001, ..bounds }, 70_000, false).await;
        linger(Bounds { lap: short, whole: Duration::ZERO, ..bounds }, 70_000, false).await;
    }
}
