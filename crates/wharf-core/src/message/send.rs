//! The send protocol of every kind: the checks in their order, the one commit, the wait for WhatsApp's word.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tracing::Instrument as _;
use wharf_api::ids::{MediaId, SessionId};
use wharf_api::types::message::{Content, Direction, DryRun, Marks, Message, MessageStatus};
use wharf_api::{Recipient, Timestamp, limits};

use super::audience::{self, Reached};
use super::manner::Manner;
use super::{Error, elsewhere, hold};
use crate::caller::Caller;
use crate::engine::Draft;
use crate::media::keep;
use crate::seal::payload;
use crate::services::Services;
use crate::session;
use crate::settle::settled;
use crate::store::{Accepted, Claim, MessageRow, NewMessage, Outcome, SessionRow};
use crate::traces;

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
    /// How long it may wait for its final state.
    pub ttl: Duration,
    /// Whether the plan's messages of the day bound it; it is counted in any case.
    pub bounded: bool,
    pub(super) manner: Manner,
}

impl Parcel {
    pub fn new(session: SessionRow, to: Recipient, draft: Draft, content: Content) -> Self {
        let (marks, audience) = (Marks::default(), Vec::new());
        Self {
            session,
            to,
            audience,
            draft,
            content,
            marks,
            file: None,
            ttl: limits::MESSAGE_TTL,
            bounded: true,
            manner: Manner::default(),
        }
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

    /// What was only asked for, and was not sent, as the wire shows it.
    pub fn foreseen(&self) -> DryRun {
        let Message { session_id, chat, status, held_until, held_reason, content, marks, .. } = self.view();
        let (kind, reference) = (content.kind().to_owned(), marks.reference);
        DryRun { dry_run: true, session_id, chat, kind, status, held_until, held_reason, reference }
    }
}

/// The account that sends, and whom the message reaches. A message that need not go at once waits for a session that is on its way, to
/// whom nobody can ask for then.
pub(super) async fn reach(
    services: &Services,
    session: &SessionRow,
    (to, people): (&Recipient, &[Recipient]),
    asynchronous: bool,
) -> Result<(String, Reached), Error> {
    if asynchronous && let Some(own_jid) = session::on_its_way(services, session) {
        return Ok((own_jid, audience::assumed(services, to, people)));
    }
    let own_jid = session::await_connected(services, session).await?;
    Ok((own_jid, audience::reached(services, session, to, people).await?))
}

/// What a send would do: it is counted nowhere, and nobody gets it.
pub(super) async fn foresee(
    services: &Services,
    caller: &Caller,
    session: &SessionId,
    reached: &Reached,
    (content, manner): (Content, Manner),
) -> Result<Sent, Error> {
    let now = services.clock.now();
    if let Some(limit) = caller.plan.messages_per_day {
        let used = services.store.messages_on_day(&caller.account, now.utc_day()).await?;
        if used >= limit {
            return Err(Error::DailyLimit { limit, used, reset_at: now.next_utc_day() });
        }
    }
    let marks = Marks { reference: manner.reference, ..Marks::default() };
    let mut row = outgoing(services, caller, session.clone(), reached, (content, marks), now);
    let hold = hold::on(services, &row).await?;
    if !manner.asynchronous && hold.is_none() {
        row.status = MessageStatus::Sent;
    }
    Ok(Sent { row, hold })
}

/// The row of a message that was not sent yet, and has no id on the wire.
fn outgoing(
    services: &Services,
    caller: &Caller,
    session: SessionId,
    reached: &Reached,
    (content, marks): (Content, Marks),
    now: Timestamp,
) -> MessageRow {
    MessageRow {
        id: services.chance.message_id(),
        account: caller.account.clone(),
        session,
        wa_id: String::new(),
        direction: Direction::Outgoing,
        status: MessageStatus::Queued,
        chat: reached.to.jid(),
        chat_phone: reached.to.phone().map(str::to_owned),
        chat_lid: reached.lid.clone(),
        sender: None,
        sender_phone: None,
        sender_lid: None,
        sender_name: None,
        content,
        marks,
        error: None,
        error_reason: None,
        created_at: now,
    }
}

/// Accepts a message and waits for WhatsApp's acknowledgement as long as the caller does. Once this returns `Ok`
/// the message reaches a final state whatever happens to the process.
pub fn send(services: &Services, caller: &Caller, parcel: Parcel, claim: Option<Claim>) -> impl Future<Output = Result<Sent, Error>> {
    let span = tracing::trace_span!(target: traces::TARGET, "send", wharf.session_id = parcel.session.id.as_str());
    accepted(services, caller, parcel, claim).instrument(span)
}

async fn accepted(services: &Services, caller: &Caller, parcel: Parcel, claim: Option<Claim>) -> Result<Sent, Error> {
    services.switches.require_message(&parcel.draft.body, &parcel.to)?;
    let manner = parcel.manner;
    let (own_jid, reached) = reach(services, &parcel.session, (&parcel.to, &parcel.audience), manner.asynchronous).await?;
    if manner.dry_run {
        // A send holds much while it waits.
        return Box::pin(foresee(services, caller, &parcel.session.id, &reached, (parcel.content, manner))).await;
    }

    if caller.is_late() {
        return Err(Error::TooLate);
    }
    let now = services.clock.now();
    let composed = services.engine.compose(&own_jid, &reached.to, &parcel.draft, now);
    let marks = Marks { reference: manner.reference, ..parcel.marks };
    let row = outgoing(services, caller, parcel.session.id.clone(), &reached, (parcel.content, marks), now);
    let row = MessageRow { wa_id: composed.wa_id, ..row };
    let frozen = if services.seals_payloads.load(Ordering::Relaxed) {
        payload::close(&services.seal, row.session.as_str(), &row.wa_id, &composed.payload)
    } else {
        composed.payload
    };
    let message = NewMessage {
        row,
        payload: frozen,
        audience: reached.audience.iter().map(Recipient::jid).collect(),
        expires_at: now + parcel.ttl,
        daily_limit: caller.plan.messages_per_day.filter(|_| parcel.bounded),
        claim,
        keeps: parcel.file.map(|file| (file, keep::until(&caller.plan, now))),
        claimed: services.engine.flows(&parcel.session.id) && services.switches.sending_paused().is_none(),
    };
    // Before the engine can know of the message.
    traces::note(&message.row.id);
    let expected = services.outcomes.expect(&message.row.id);
    if message.claimed {
        services.outcomes.claim(&message.row.id);
    }
    let there = || async { Ok(services.store.find_message(&caller.account, &message.row.id).await?.map(|_| Accepted::Now)) };
    let accepted = settled(services.store.accept_message(&message), there).await?;
    if !matches!(accepted, Accepted::Now) {
        // There is nothing to try: what is never taken up would crowd out what is.
        services.outcomes.take_claim(&message.row.id);
    }
    match accepted {
        Accepted::Now => {}
        Accepted::DailyLimit { used } => {
            let limit = caller.plan.messages_per_day.unwrap_or(used);
            return Err(Error::DailyLimit { limit, used, reset_at: now.next_utc_day() });
        }
        Accepted::ClaimedBefore => return Err(Error::ClaimedBefore),
        Accepted::NoSession => return Err(session::Error::NotFound.into()),
    }
    fail::fail_point!("S0-accepted");
    if !services.store.bell().handover().has_gone(&message.row.session, &message.row.id) {
        services.engine.wake(&caller.account, &message.row.session);
    }

    let mut row = message.row;
    if manner.asynchronous {
        return Ok(Sent { row, hold: None });
    }
    if services.switches.sending_paused().is_some() {
        // Nobody knows for how long: the request need not wait for it.
        return Ok(Sent { row, hold: Some(hold::PAUSED) });
    }
    let outcome = if services.engine.runs(&row.session) {
        expected.wait(caller.patience()).await
    } else {
        Box::pin(elsewhere::end(services, caller, &row, expected)).await
    };
    match outcome {
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
