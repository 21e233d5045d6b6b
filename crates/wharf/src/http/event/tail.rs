//! The log as it grows, for one reader: what is there first, then what comes, with no seam between the two, because both are reads of the one
//! log. The bell only tells when to read.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;
use wharf_api::ErrorCode;
use wharf_core::event::feed::{BEHIND, LOOK, Seat, Told};
use wharf_core::event::token;
use wharf_core::store::EventFilter;

use crate::http::server::line::Left;
use crate::http::{Call, page};

/// What a reader is told next.
pub(super) enum News {
    Events(Vec<Arc<Told>>),
    /// Nothing for a while, or nothing that the reader asked for.
    Silence,
    /// Nothing more: the server stops, the key ends, or the log cannot be read. No code where the client has left.
    End(Option<ErrorCode>),
}

pub(super) struct Tail {
    /// With it goes the stream's place among the account's concurrent requests.
    call: Call,
    seat: Seat,
    position: i64,
    bell: watch::Receiver<()>,
    /// Something was told or is to be read: before that its turn has to come.
    waits_for_turn: bool,
    /// The client has ended its half. It may read on, or be gone.
    half: bool,
    /// When a silent stream says next that it lives, and moves its reader past what the filter left out.
    heartbeat: Instant,
    /// When it is looked next whether the session of a token is still there.
    look: Instant,
}

impl Tail {
    /// The log from a position on.
    pub fn new(call: Call, filter: EventFilter, position: i64) -> Self {
        let bell = call.services().store.bell().listen(&call.caller().account);
        let now = Instant::now();
        let heartbeat = now + call.http.limits.heartbeat;
        let services = call.services();
        let seat = services.feeds.sit(services.store.as_ref(), &call.caller().account, filter, position);
        Self { call, seat, position, bell, waits_for_turn: false, half: false, heartbeat, look: now + LOOK }
    }

    /// Where a reader goes on that was told all so far.
    pub fn place(&self) -> String {
        page::next(Some(self.position)).unwrap_or_default()
    }

    pub async fn next(&mut self) -> News {
        loop {
            if self.call.http.is_draining() {
                return News::End(Some(ErrorCode::ServiceUnavailable));
            }
            if std::mem::take(&mut self.waits_for_turn) {
                tokio::select! {
                    () = tokio::time::sleep(self.seat.turn()) => {}
                    () = self.call.http.drained() => return News::End(Some(ErrorCode::ServiceUnavailable)),
                }
            }
            self.bell.mark_unchanged();
            let found = match self.seat.after(self.call.services().store.as_ref(), self.position).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::warn!(%error, "an event stream ends because the log cannot be read");
                    return News::End(Some(ErrorCode::InternalServerError));
                }
            };
            // Asked after the log was read: nothing is told that came after the key's end.
            if let Err(failure) = self.call.still_good().await {
                return News::End(Some(failure.error.code));
            }
            if self.is_orphan().await {
                return News::End(Some(ErrorCode::SessionNotFound));
            }
            self.position = found.position;
            if !found.events.is_empty() {
                self.heartbeat = Instant::now() + self.call.http.limits.heartbeat;
                self.waits_for_turn = !found.more;
                return News::Events(found.events);
            }
            if found.more {
                continue;
            }
            let pause = if found.behind { BEHIND } else { LOOK };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = self.bell.changed() => self.waits_for_turn = true,
                () = self.call.http.drained() => return News::End(Some(ErrorCode::ServiceUnavailable)),
                () = tokio::time::sleep_until(self.heartbeat) => return self.silence(),
                left = self.call.left(), if !self.half => {
                    if left == Left::Gone {
                        return News::End(None);
                    }
                    // Who is gone refuses it.
                    self.half = true;
                    return self.silence();
                }
                () = self.call.gone(), if self.half => return News::End(None),
            }
        }
    }

    /// Whether the session of a token has gone meanwhile.
    async fn is_orphan(&mut self) -> bool {
        let Some(grant) = self.call.caller().by.grant().filter(|_| self.look <= Instant::now()) else { return false };
        self.look = Instant::now() + LOOK;
        token::is_orphan(self.call.services(), self.call.caller(), grant).await
    }

    fn silence(&mut self) -> News {
        self.heartbeat = Instant::now() + self.call.http.limits.heartbeat;
        News::Silence
    }
}
