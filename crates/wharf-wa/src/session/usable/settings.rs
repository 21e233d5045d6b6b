//! What follows where the account's critical settings do not come.

use std::sync::atomic::Ordering;

use wacore::types::events::AppStateSyncFailed;
use wharf_api::types::session::Degradation;

use crate::session::attendance::Attendance;

impl Attendance<'_> {
    /// The library is done with the settings, one way or the other, or they have had their time.
    pub(in crate::session) async fn settings_are(&mut self, missing: bool) {
        self.usable.until = None;
        self.usable.before |= missing;
        self.own.lacks_settings.store(missing, Ordering::Relaxed);
        if missing {
            tracing::warn!("the account's settings do not come; the session goes on without them");
            self.life.links.degraded(self.own, Some(Degradation::AppState)).await;
        }
    }

    /// The settings have had their time.
    pub(in crate::session) async fn on_unready(&mut self) {
        self.usable.until = None;
        let client = &self.running.client;
        if !self.connection.connected && client.is_connected() && client.is_logged_in() && self.running.is_linked() {
            self.on_connected().await;
            self.settings_are(true).await;
        }
    }

    /// Some settings did not come. Those that are not critical are the library's own affair.
    pub(in crate::session) async fn on_settings_failed(&mut self, failed: &AppStateSyncFailed) {
        let mut missing = failed.fatal.iter().chain(&failed.retryable).chain(&failed.skipped);
        if !missing.any(|name| name.starts_with("critical")) {
            return;
        }
        if self.connection.connected {
            self.settings_are(true).await;
        } else {
            self.on_unready().await;
        }
    }
}
