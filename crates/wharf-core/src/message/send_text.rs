//! Sending a text: the checks in their order, the one commit, the wait for WhatsApp's word.

use std::time::Duration;

use wharf_api::types::message::{Content, Direction, MessageStatus};
use wharf_api::{Recipient, limits};

use super::Error;
use crate::caller::Caller;
use crate::services::Services;
use crate::store::{Accepted, Claim, MessageRow, NewMessage, Outcome};
use crate::{contact, session};

/// A text as the caller wants it sent.
#[derive(Clone, Debug)]
pub struct Command {
    pub session: String,
    pub to: String,
    pub text: String,
    /// Answer as soon as the message is durable.
    pub asynchronous: bool,
}

/// An accepted message with the status it has so far: `queued` or `sent`.
#[derive(Clone, Debug)]
pub struct Sent {
    pub row: MessageRow,
}

/// Checks the shape of a command: what can be said without looking anything up.
pub fn check(command: &Command) -> Result<Recipient, Error> {
    let recipient = Recipient::parse(&command.to).map_err(Error::InvalidRecipient)?;
    if command.text.is_empty() {
        return Err(Error::EmptyText);
    }
    let chars = command.text.chars().count();
    if chars > limits::TEXT_CHARS {
        return Err(Error::TooLong { chars });
    }
    Ok(recipient)
}

/// Accepts a text and waits for WhatsApp's acknowledgement, at most [`limits::SEND_WAIT_MS`]. Once this returns `Ok`
/// the message reaches a final state whatever happens to the process.
pub async fn send_text(services: &Services, caller: &Caller, command: Command, claim: Option<Claim>) -> Result<Sent, Error> {
    let recipient = check(&command)?;
    let session = session::find(services, caller, &command.session).await?;
    let own_jid = session::require_connected(services, &session)?;
    if let Some(phone) = recipient.phone() {
        let found = contact::registrations(services, &session.id, &[phone.to_owned()]).await?;
        if !found.iter().any(|registration| registration.registered) {
            return Err(Error::NotOnWhatsapp);
        }
    }

    let now = services.clock.now();
    let composed = services.engine.compose_text(&own_jid, &recipient, &command.text, now);
    let row = MessageRow {
        id: services.chance.message_id(),
        account: caller.account.clone(),
        session: session.id.clone(),
        wa_id: composed.wa_id,
        direction: Direction::Outgoing,
        status: MessageStatus::Queued,
        chat: recipient.jid(),
        chat_phone: recipient.phone().map(str::to_owned),
        chat_lid: matches!(recipient, Recipient::Lid(_)).then(|| recipient.jid()),
        sender: None,
        sender_phone: None,
        sender_lid: None,
        sender_name: None,
        content: Content::Text { text: command.text },
        error: None,
        error_reason: None,
        created_at: now,
    };
    let message = NewMessage {
        row,
        payload: composed.payload,
        expires_at: now.plus_millis(limits::MESSAGE_TTL_MS),
        daily_limit: caller.plan.messages_per_day,
        claim,
    };
    let expected = services.outcomes.expect(&message.row.id);
    match services.store.accept_message(&message).await? {
        Accepted::Now => {}
        Accepted::DailyLimit { used } => {
            let limit = caller.plan.messages_per_day.unwrap_or(used);
            return Err(Error::DailyLimit { limit, used, reset_at: now.next_utc_day() });
        }
        Accepted::ClaimedBefore => return Err(Error::ClaimedBefore),
    }
    fail::fail_point!("S0-accepted");
    services.engine.wake(&caller.account, &session.id);

    let mut row = message.row;
    if command.asynchronous {
        return Ok(Sent { row });
    }
    match expected.wait(Duration::from_millis(limits::SEND_WAIT_MS)).await {
        None => Ok(Sent { row }),
        Some(Outcome::Sent) => {
            row.status = MessageStatus::Sent;
            Ok(Sent { row })
        }
        Some(Outcome::Failed { reason, .. }) => Err(Error::Failed { id: row.id, reason }),
    }
}
