//! A connection that can be used although the library does not call it connected: after the first login it waits for the critical settings
//! of the account, and where they do not come it says so at most, and connects again after three minutes, for ever. Messages need none of
//! them. So a login that goes on without them for a while counts as connected, and the session shows what it lacks.

mod settings;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use tracing::Instrument as _;
use wacore::runtime::{AbortHandle, Runtime};
use whatsapp_rust::TokioRuntime;

use super::passkey::qr_clock::{Clocked, QrClock};
use super::turns::Turns;
use crate::beat::CommonBeat;

/// How long the settings may take to come after what waited at the server.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the settings may take where they did not come before.
const LITTLE_PATIENCE: Duration = Duration::from_secs(2);
/// The library's own patience, to the second: nothing else tells this pause of its from others.
const WATCHDOG: Duration = Duration::from_mins(3);
/// After so long the library tries again to save what it could not save at once, to the second: mostly all is saved.
const SAVER: Duration = Duration::from_secs(30);
/// By how much the saver of a session may wait for those of the others.
const SAVERS_APART: Duration = Duration::from_secs(1);
/// How long a connection that works is left alone before the library begins anew to get the settings.
const LEFT_ALONE: Duration = Duration::from_mins(30);

/// What is known of a login that is not called connected.
#[derive(Default)]
pub(super) struct Usable {
    /// When it counts as connected.
    pub(super) until: Option<Instant>,
    before: bool,
}

impl Usable {
    /// Everything that waited has come: from here on nothing but the settings is missing.
    pub(super) fn caught_up(&mut self, connected: bool) {
        let patience = if self.before { LITTLE_PATIENCE } else { PATIENCE };
        self.until = (!connected).then(|| Instant::now() + patience);
    }
}

/// The library's clock, but for two pauses. The one after which it gives up a connection that lacks settings is longer while that
/// connection is used. That of its saver ends on the common beat: each session has a saver, which mostly finds nothing to do.
pub(super) struct Patient {
    lacks_settings: Arc<AtomicBool>,
    beat: CommonBeat,
    watchdog: Duration,
    qr_codes: Clocked,
    turns: Turns,
}

impl Patient {
    pub(super) fn new(lacks_settings: Arc<AtomicBool>, qr_clock: Arc<QrClock>, beat: CommonBeat) -> Self {
        Self { lacks_settings, beat, watchdog: WATCHDOG, qr_codes: Clocked(qr_clock), turns: Turns::default() }
    }
}

impl Runtime for Patient {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send + 'static>>) -> AbortHandle {
        TokioRuntime.spawn(Box::pin(future.in_current_span()))
    }

    fn spawn_detached(&self, future: Pin<Box<dyn Future<Output = ()> + Send + 'static>>) {
        TokioRuntime.spawn_detached(self.turns.in_turn(Box::pin(future.in_current_span())));
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        if duration == SAVER {
            return Box::pin(tokio::time::sleep_until(self.beat.after(duration, SAVERS_APART)));
        }
        if duration != self.watchdog {
            return self.qr_codes.sleep(duration);
        }
        let lacks_settings = Arc::clone(&self.lacks_settings);
        Box::pin(async move {
            tokio::time::sleep(duration).await;
            if lacks_settings.load(Ordering::Relaxed) {
                tokio::time::sleep(LEFT_ALONE.saturating_sub(duration)).await;
            }
        })
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let span = tracing::Span::current();
        TokioRuntime.spawn_blocking(Box::new(move || span.in_scope(work)))
    }

    fn yield_now(&self) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        TokioRuntime.yield_now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_library_gives_a_connection_up_after_its_own_time_but_for_one_that_is_used_without_settings() {
        let (lacks, short) = (Arc::new(AtomicBool::new(false)), Duration::from_millis(10));
        let patient = Patient { watchdog: short, ..Patient::new(Arc::clone(&lacks), Arc::default(), CommonBeat::new()) };
        patient.sleep(short).await;
        lacks.store(true, Ordering::Relaxed);
        patient.sleep(short * 2).await;
        assert!(tokio::time::timeout(short * 4, patient.sleep(short)).await.is_err(), "half an hour is left");
    }
}
