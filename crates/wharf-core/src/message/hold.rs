//! Why a queued message waits although its session is connected.

use wharf_api::Timestamp;
use wharf_api::types::hold::HoldReason;
use wharf_api::types::message::{Direction, Message, MessageStatus};

use crate::services::Services;
use crate::session;
use crate::store::{self, Held, HoldRow, MessageRow};

/// Until when, and why. At that time it is tried again, and may be held back anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Absent where nobody knows.
    pub until: Option<Timestamp>,
    pub reason: HoldReason,
}

/// The operator has paused.
pub const PAUSED: Hold = Hold { until: None, reason: HoldReason::Pause };

impl Hold {
    /// Shows the hold on the message.
    pub fn show(self, message: &mut Message) {
        message.held_until = self.until;
        message.held_reason = Some(self.reason);
    }
}

/// Whether the chat is a person's: for WhatsApp to write first to a group is no first contact.
pub fn is_personal(chat: &str) -> bool {
    chat.ends_with("@s.whatsapp.net") || chat.ends_with("@lid")
}

/// Whether first contacts that wait for this reason include the chat, where nobody wrote in it before: the pace counts groups too.
pub fn is_contact(chat: &str, reason: HoldReason) -> bool {
    is_personal(chat) || (reason == HoldReason::Pace && chat.ends_with("@g.us"))
}

/// What holds the message back at this moment.
pub async fn on(services: &Services, row: &MessageRow) -> Result<Option<Hold>, store::Error> {
    if row.direction != Direction::Outgoing || row.status != MessageStatus::Queued {
        return Ok(None);
    }
    if services.switches.sending_paused().or(services.switches.connecting_paused()).is_some() {
        return Ok(Some(PAUSED));
    }
    let now = services.clock.now();
    if let Some(hold) = session::hold(services, &row.session, now) {
        return Ok(Some(hold));
    }
    let mut holds = services.store.holds_on(&row.session, &row.chat).await?;
    holds.retain(|hold| hold.until > now);
    holds.retain(|hold| hold.what != Held::FirstContacts || is_contact(&row.chat, hold.reason));
    if holds.iter().any(|hold| hold.what == Held::FirstContacts) {
        let chats = std::slice::from_ref(&row.chat);
        let new = services.store.known_chats(&row.account, &row.session, chats).await?.is_empty();
        holds.retain(|hold| new || hold.what != Held::FirstContacts);
    }
    Ok(holds.into_iter().max_by_key(|hold| hold.until).map(|HoldRow { until, reason, .. }| Hold { until: Some(until), reason }))
}
