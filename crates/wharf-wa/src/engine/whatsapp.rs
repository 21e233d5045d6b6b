//! What the process claims to be towards WhatsApp, and who waits: shown, and kept current.

use std::sync::Arc;

use wharf_api::types::session::WaitingFor;
use wharf_api::types::whatsapp::{SessionsWaiting, Whatsapp, spell};

use super::WaEngine;
use crate::version;

impl WaEngine {
    /// Keeps the claimed version current, and lets one of the sessions that wait try now and then. Never ends. Connections that are
    /// begun after the call wait a little for the first version where the known one is old.
    pub fn keep_version(self: &Arc<Self>) -> impl Future<Output = ()> + Send + use<> {
        self.ctx.version.begin(self.ctx.clock.now());
        version::keep(Arc::clone(&self.ctx))
    }

    pub(super) fn show_whatsapp(&self) -> Whatsapp {
        let known = self.ctx.version.known();
        let seen: Vec<WaitingFor> =
            self.sessions().values().filter_map(|handle| handle.link.borrow().waiting.map(|(waiting, _)| waiting)).collect();
        let count = |waiting: WaitingFor| seen.iter().filter(|seen| **seen == waiting).count() as u64;
        let waiting = WaitingFor::ALL.iter().map(|waiting| SessionsWaiting { waiting_for: *waiting, sessions: count(*waiting) });
        Whatsapp {
            claimed: spell(known.revision),
            source: known.source,
            current_at: known.current_at,
            served: known.served.map(|served| spell(served.revision)),
            fetched_at: known.served.map(|served| served.at),
            refused: known.refused.map(|(refused, _)| spell(refused)),
            refused_at: known.refused.map(|(_, at)| at),
            expires_at: known.expires_at,
            next_try_at: self.ctx.standing.next_turn(),
            waiting: waiting.filter(|waiting| waiting.sessions > 0).collect(),
        }
    }
}
