//! The send protocol of every kind: the checks in their order, the one commit, the wait for WhatsApp's word.

use std::sync::atomic::Ordering;

use wharf_api::ids::MediaId;
use wharf_api::types::message::{Content, Direction, Marks, Message, MessageStatus};
use wharf_api::{Recipient, limits};

use super::{Error, audience, hold};
use crate::caller::Caller;
use crate::engine::Draft;
use crate::media::keep;
use crate::seal::payload;
use crate::services::Services;
use crate::session;
use crate::settle::settled;
use crate::store::{Accepted, Claim, MessageRow, NewMessage, Outcome, SessionRow};

/// What is to be sent, after its shape was checked and its session was found.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub session: SessionRow,
    pub to: Recipient,
    /// Of a status: whom it is for.
    pub audience: Vec<Recipient>,
    pub draft: Draft,
    /// What the row shows of the draft.
    pub content: Content,
    pub marks: Marks,
    /// The stored file that it sends.
    pub file: Option<MediaId>,
    /// How long it may wait for its final state, in milliseconds.
    pub ttl_ms: i64,
    /// Whether the plan's messages of the day bound it; it is counted in any case.
    pub bounded: bool,
    /// Answer as soon as the message is durable.
    pub asynchronous: bool,
}

impl Parcel {
    pub fn new(session: SessionRow, to: Recipient, draft: Draft, content: Content) -> Self {
        let ttl_ms = limits::MESSAGE_TTL_MS;
        let (marks, audience) = (Marks::default(), Vec::new());
        Self { session, to, audience, draft, content, marks, file: None, ttl_ms, bounded: true, asynchronous: false }
    }
}

/// An accepted message with the status it has so far: `queued` or `sent`.
#[derive(Clone, Debug)]
pub struct Sent {
    pub row: MessageRow,
    /// What holds it back, where that is known.
    pub hold: Option<hold::Hold>,
}

impl Sent {
    /// The message as the wire shows it, without its time line.
    pub fn view(&self) -> Message {
        let mut message = super::view(&self.row);
        if let Some(hold) = self.hold {
            hold.show(&mut message);
        }
        message
    }
}

/// Accepts a message and waits for WhatsApp's acknowledgement as long as the caller does. Once this returns `Ok`
/// the message reaches a final state whatever happens to the process.
pub async fn send(services: &Services, caller: &Caller, parcel: Parcel, claim: Option<Claim>) -> Result<Sent, Error> {
    services.switches.require_message(&parcel.draft.body, &parcel.to)?;
    let own_jid = session::await_connected(services, &parcel.session).await?;
    let reached = audience::reached(services, &parcel.session.id, &parcel.to, &parcel.audience).await?;

    if caller.is_late() {
        return Err(Error::TooLate);
    }
    let now = services.clock.now();
    let (session, to) = (parcel.session.id, reached.to);
    let composed = services.engine.compose(&own_jid, &to, &parcel.draft, now);
    let row = MessageRow {
        id: services.chance.message_id(),
        account: caller.account.clone(),
        session,
        wa_id: composed.wa_id,
        direction: Direction::Outgoing,
        status: MessageStatus::Queued,
        chat: to.jid(),
        chat_phone: to.phone().map(str::to_owned),
        chat_lid: reached.lid,
        sender: None,
        sender_phone: None,
        sender_lid: None,
        sender_name: None,
        content: parcel.content,
        marks: parcel.marks,
        error: None,
        error_reason: None,
        created_at: now,
    };
    let frozen = if services.seals_payloads.load(Ordering::Relaxed) {
        payload::close(&services.seal, row.session.as_str(), &row.wa_id, &composed.payload)
    } else {
        composed.payload
    };
    let message = NewMessage {
        row,
        payload: frozen,
        audience: reached.audience.iter().map(Recipient::jid).collect(),
        expires_at: now.plus_millis(parcel.ttl_ms),
        daily_limit: caller.plan.messages_per_day.filter(|_| parcel.bounded),
        claim,
        keeps: parcel.file.map(|file| (file, keep::until(&caller.plan, now))),
    };
    let expected = services.outcomes.expect(&message.row.id);
    let there = || async { Ok(services.store.find_message(&caller.account, &message.row.id).await?.map(|_| Accepted::Now)) };
    match settled(services.store.accept_message(&message), there).await? {
        Accepted::Now => {}
        Accepted::DailyLimit { used } => {
            let limit = caller.plan.messages_per_day.unwrap_or(used);
            return Err(Error::DailyLimit { limit, used, reset_at: now.next_utc_day() });
        }
        Accepted::ClaimedBefore => return Err(Error::ClaimedBefore),
    }
    fail::fail_point!("S0-accepted");
    services.engine.wake(&caller.account, &message.row.session);

    let mut row = message.row;
    if parcel.asynchronous {
        return Ok(Sent { row, hold: None });
    }
    if services.switches.sending_paused().is_some() {
        // Nobody knows for how long: the request need not wait for it.
        return Ok(Sent { row, hold: Some(hold::PAUSED) });
    }
    match expected.wait(caller.patience()).await {
        None => {
            // Also where WhatsApp wants a pause: the wait ends then before its time.
            let hold = hold::on(services, &row).await.unwrap_or_default();
            Ok(Sent { row, hold })
        }
        Some(Outcome::Sent) => {
            row.status = MessageStatus::Sent;
            Ok(Sent { row, hold: None })
        }
        Some(Outcome::Failed { reason, .. } | Outcome::Unknown { reason, .. }) => Err(Error::Failed { id: row.id, reason }),
    }
}
