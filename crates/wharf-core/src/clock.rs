//! The port for time. Only an implementation of it asks the machine what time it is.

use std::sync::OnceLock;
use std::time::Instant;

use wharf_api::Timestamp;

/// Where the rules read the time.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;

    /// A time for what lives in memory only: it runs like the clock, begins anywhere, and nobody sets it.
    fn steady(&self) -> Timestamp {
        self.now()
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the port that everything else reads the time through")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the port that everything else reads the time through")]
    fn steady(&self) -> Timestamp {
        static BEGAN: OnceLock<(Instant, Timestamp)> = OnceLock::new();
        let (began, at) = BEGAN.get_or_init(|| (Instant::now(), self.now()));
        *at + began.elapsed()
    }
}
