//! A try to pair that failed: the reason is shown beside the next QR code.

use tokio::time::Instant;
use wacore::types::events::PairingCodeError;
use wharf_api::types::session::Refusal;

use super::of_code;
use crate::session::attendance::Attendance;

impl Attendance<'_> {
    /// A try to pair failed. The QR codes go on; the next is shown beside the reason.
    pub(in crate::session) async fn on_pairing_refused(&mut self, code: u16, text: &'static str) {
        self.own.ctx.meter().refusals.one(code);
        tracing::warn!(code, text, "a pairing was refused");
        let refusal = Refusal { code, text: Some(text.to_owned()), at: self.own.ctx.clock.now(), until: None };
        self.life.links.pairing_refused(self.own, refusal).await;
    }

    /// There will be no link by a code: none was given, or the one that was typed is not taken.
    pub(in crate::session) async fn on_code_refused(&mut self, error: &PairingCodeError) {
        let typed = std::mem::take(&mut self.pairing.code_shown);
        // Without one, and before anything was typed, nothing was refused: the asker hears why.
        if error.rejection.is_none() && !typed {
            return;
        }
        if typed {
            self.forget_code();
        }
        let code = error.rejection.map_or(0, |rejection| u16::try_from(rejection.code()).unwrap_or(0));
        self.on_pairing_refused(code, of_code(error.rejection, typed)).await;
    }

    /// The code was typed, and the phone has gone quiet, or WhatsApp wants another one.
    pub(in crate::session) async fn on_code_void(&mut self) {
        if std::mem::take(&mut self.pairing.code_shown) {
            self.forget_code();
            self.on_pairing_refused(0, "the code did not link the phone and is void; ask for another one").await;
        }
    }

    /// Nobody waits for a code any more: where no QR code is left either, the pairing is over.
    fn forget_code(&mut self) {
        self.pairing_until = self.pairing.qr_exhausted.then(Instant::now);
    }
}
