//! The log as Server-Sent Events: what is there first, then what comes, with no seam between the two, because both are reads of
//! the one log. The bell only tells when to read.

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use futures::stream::unfold;
use http::HeaderName;
use tokio::sync::watch;
use tokio::time::Instant;
use wharf_core::event::feed::{BEHIND, LOOK, Part, Seat};
use wharf_core::store::EventFilter;

use crate::http::server::line::Left;
use crate::http::{Call, page};

/// Has proxies pass on what comes as it comes.
pub(super) const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How often a silent stream says that it lives, and moves its reader past what the filter left out.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a reader waits before it connects again, in milliseconds.
const RETRY_MS: u32 = 1_000;

struct Reader {
    /// With it goes the stream's place among the account's concurrent requests.
    call: Call,
    seat: Seat,
    position: i64,
    bell: watch::Receiver<()>,
    opening: bool,
    /// Something was written or is to be read: before that its turn has to come.
    waits_for_turn: bool,
    /// The client has ended its half. It may read on, or be gone.
    half: bool,
    heartbeat: Instant,
}

/// The stream from a position on. It ends when the server stops, when the key ends, or when the log cannot be read; a reader then
/// comes again with the id that it saw last.
pub(super) fn of(call: Call, filter: EventFilter, position: i64) -> impl Stream<Item = Bytes> {
    let bell = call.services().store.bell().listen(&call.caller().account);
    let heartbeat = Instant::now() + HEARTBEAT;
    let seat = call.services().feeds.sit(call.services(), &call.caller().account, filter, position);
    let reader = Reader { call, seat, position, bell, opening: true, waits_for_turn: false, half: false, heartbeat };
    unfold(reader, |mut reader| async move { reader.next().await.map(|bytes| (bytes, reader)) })
}

impl Reader {
    async fn next(&mut self) -> Option<Bytes> {
        if std::mem::take(&mut self.opening) {
            // A reader that is cut off before its first event knows where it was too.
            return Some(format!("retry: {RETRY_MS}\nid: {}\n\n", self.place()).into());
        }
        loop {
            if self.call.http.is_draining() {
                return None;
            }
            if std::mem::take(&mut self.waits_for_turn) {
                tokio::select! {
                    () = tokio::time::sleep(self.seat.turn()) => {}
                    () = self.call.http.drained() => return None,
                }
            }
            self.bell.mark_unchanged();
            let found = match self.seat.after(self.call.services(), self.position).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::warn!(%error, "an event stream ends because the log cannot be read");
                    return None;
                }
            };
            // Asked after the log was read: nothing is told that came after the key's end.
            if self.call.still_good().await.is_err() {
                return None;
            }
            self.position = found.position;
            if !found.events.is_empty() {
                self.heartbeat = Instant::now() + HEARTBEAT;
                self.waits_for_turn = !found.more;
                return Some(written(&found));
            }
            if found.more {
                continue;
            }
            let pause = if found.behind { BEHIND } else { LOOK };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = self.bell.changed() => self.waits_for_turn = true,
                () = self.call.http.drained() => return None,
                () = tokio::time::sleep_until(self.heartbeat) => return Some(self.beat()),
                left = self.call.left(), if !self.half => {
                    if left == Left::Gone {
                        return None;
                    }
                    // Who is gone refuses it.
                    self.half = true;
                    return Some(self.beat());
                }
                () = self.call.gone(), if self.half => return None,
            }
        }
    }

    fn beat(&mut self) -> Bytes {
        self.heartbeat = Instant::now() + HEARTBEAT;
        format!(":\nid: {}\n\n", self.place()).into()
    }

    fn place(&self) -> String {
        page::next(Some(self.position)).unwrap_or_default()
    }
}

fn written(part: &Part) -> Bytes {
    let mut text = String::new();
    for told in &part.events {
        // JSON holds no line break, so one line is the whole event.
        write!(text, "id: {}\nevent: {}\ndata: {}\n\n", told.id, told.kind.as_str(), told.body)
            .expect("a string takes what is written to it");
    }
    text.into()
}
