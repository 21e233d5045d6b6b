//! Messages: what is accepted, what their states mean, what is shown of them.

mod audience;
pub mod change;
mod changed;
pub mod delete_message;
pub mod edit_message;
mod elsewhere;
mod emoji;
mod finished;
pub mod forward_message;
pub mod handover;
mod heading;
pub mod hold;
mod manner;
mod on_message;
pub mod outcomes;
pub mod overdue;
pub mod read_message;
pub mod retain;
mod send;
pub mod send_contact;
pub mod send_location;
pub mod send_media;
pub mod send_poll;
pub mod send_reaction;
pub mod send_text;
mod shape;
pub mod vcard;

use wharf_api::ids::MessageId;
use wharf_api::recipient::{STATUS_CHAT, is_shared};
use wharf_api::types::event::EventKind;
use wharf_api::types::message::{ChatName, Content, Direction, MemberReceipt, Message, MessageError, MessageStatus, Party};
use wharf_api::{ApiError, ErrorCode, Recipient, Timestamp, limits};

use crate::caller::Caller;
use crate::services::Services;
use crate::store::{self, MessageFilter, MessageRow, NewEvent, Page, PageRequest};
use crate::{contact, engine, idempotency, media, session, switches};

pub use changed::Changed;
pub use delete_message::delete_message;
pub use edit_message::edit_message;
pub use finished::{Finished, post};
pub use forward_message::forward_message;
pub(crate) use heading::Heading;
pub(crate) use manner::Manner;
pub use read_message::read_message;
pub use send::{Parcel, Sent, send};
pub use send_reaction::send_reaction;
pub use send_text::send_text;
pub use shape::Shape;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such message")]
    NotFound,
    #[error("not a recipient: {0}")]
    InvalidRecipient(&'static str),
    #[error("{field} is not on WhatsApp")]
    NotOnWhatsapp { field: String },
    #[error("the text is empty")]
    EmptyText,
    #[error("the text has {chars} characters")]
    TooLong { chars: usize },
    #[error("the caption has {chars} characters")]
    CaptionTooLong { field: &'static str, chars: usize },
    /// A field that does not go with the others.
    #[error("{field}: {reason}")]
    Unfit { field: &'static str, reason: &'static str },
    /// A phone number or a LID that is none, beside the recipient.
    #[error("{field} is no phone number: {reason}")]
    InvalidNumber { field: String, reason: &'static str },
    #[error(transparent)]
    Shape(#[from] Shape),
    /// What WhatsApp does not let one do with this message.
    #[error("unsupported: {0}")]
    Unsupported(&'static str),
    /// What can be done with the message later.
    #[error("the message's state forbids it: {0}")]
    Conflict(&'static str),
    #[error("the plan's {limit} messages of today are used up")]
    DailyLimit { limit: u64, used: u64, reset_at: Timestamp },
    /// It was accepted, and WhatsApp refused it.
    #[error("the message failed")]
    Failed { id: MessageId, reason: String },
    /// Nothing was sent, and nothing will be.
    #[error("what comes before the send took too long")]
    TooLate,
    #[error("the idempotency key was claimed before")]
    ClaimedBefore,
    #[error(transparent)]
    Idempotency(#[from] idempotency::Error),
    #[error(transparent)]
    Session(#[from] session::Error),
    #[error(transparent)]
    Media(#[from] media::Error),
    #[error(transparent)]
    Off(#[from] switches::Off),
    #[error(transparent)]
    Engine(#[from] engine::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        match error {
            Error::NotFound => ErrorCode::MessageNotFound.into(),
            Error::InvalidRecipient(reason) => ApiError::new(ErrorCode::InvalidPhoneNumber).field("to").reason(*reason),
            Error::NotOnWhatsapp { field } => ApiError::new(ErrorCode::RecipientNotOnWhatsapp).field(field.clone()),
            Error::EmptyText => ApiError::new(ErrorCode::InvalidRequest).field("text").reason("the text is empty"),
            Error::TooLong { chars } => {
                ApiError::new(ErrorCode::MessageTooLong).field("text").limit(limits::TEXT_CHARS as u64, *chars as u64)
            }
            Error::CaptionTooLong { field, chars } => {
                ApiError::new(ErrorCode::MessageTooLong).field(*field).limit(limits::CAPTION_CHARS as u64, *chars as u64)
            }
            Error::Unfit { field, reason } => ApiError::new(ErrorCode::InvalidRequest).field(*field).reason(*reason),
            Error::InvalidNumber { field, reason } => ApiError::new(ErrorCode::InvalidPhoneNumber).field(field.clone()).reason(*reason),
            Error::Shape(shape) => shape.into(),
            Error::Unsupported(reason) => ApiError::new(ErrorCode::UnsupportedOperation).reason(*reason),
            Error::Conflict(reason) => ApiError::new(ErrorCode::Conflict).reason(*reason),
            Error::DailyLimit { limit, used, reset_at } => {
                ApiError::new(ErrorCode::DailyMessageLimitReached).limit(*limit, *used).reset_at(*reset_at)
            }
            Error::Failed { id, reason } => ApiError::new(ErrorCode::MessageSendingFailed).message(id.clone()).reason(reason.clone()),
            Error::TooLate => ApiError::new(ErrorCode::ServiceUnavailable).reason("this took too long; nothing was sent").retry_after(5),
            Error::ClaimedBefore => (&idempotency::Error::InUse).into(),
            Error::Idempotency(error) => error.into(),
            Error::Session(error) => error.into(),
            Error::Media(error) => error.into(),
            Error::Off(off) => off.into(),
            Error::Engine(error) => error.into(),
            Error::Store(error) => error.into(),
        }
    }
}

/// The message that `id` spells, with its time line, if the caller may know of it.
pub async fn find(services: &Services, caller: &Caller, id: &str) -> Result<Message, Error> {
    let row = find_row(services, caller, id).await?;
    let mut message = view(&row);
    message.timeline = Some(services.store.timeline(&caller.account, &row.id).await?);
    if let Some(hold) = hold::on(services, &row).await? {
        hold.show(&mut message);
    }
    if row.direction == Direction::Outgoing && is_shared(&row.chat) {
        let states = services.store.member_states(&caller.account, &row.id).await?;
        message.receipts = Some(states.into_iter().map(member_receipt).collect());
    }
    Ok(message)
}

fn member_receipt(state: store::MemberState) -> MemberReceipt {
    let member = state.member;
    MemberReceipt {
        participant: Party { id: member.id, phone_number: member.phone, lid: member.lid, name: None },
        delivered_at: state.delivered_at,
        read_at: state.read_at,
        played_at: state.played_at,
    }
}

/// The row that `id` spells, if the caller may know of it.
pub async fn find_row(services: &Services, caller: &Caller, id: &str) -> Result<MessageRow, Error> {
    let id = MessageId::parse(id).ok_or(Error::NotFound)?;
    let row = services.store.find_message(&caller.account, &id).await?;
    row.filter(|row| caller.may_use(&row.session)).ok_or(Error::NotFound)
}

/// The row of a message that something is to be done to: what another number of the session said is history.
async fn find_living_row(services: &Services, caller: &Caller, id: &str) -> Result<MessageRow, Error> {
    let row = find_row(services, caller, id).await?;
    if services.store.is_of_another_number(&row.account, &row.id).await? {
        return Err(Error::Unsupported("the message is from when the session was linked to another number"));
    }
    Ok(row)
}

/// The caller's messages that pass the filter, newest first.
pub async fn list(services: &Services, caller: &Caller, mut filter: MessageFilter, page: PageRequest) -> Result<Page<MessageRow>, Error> {
    filter.sessions.clone_from(&caller.sessions);
    if let Some(chat) = filter.chat.as_deref().and_then(|chat| Recipient::parse(chat).ok()) {
        let chat = match &filter.session {
            Some(session) => contact::by_number(services, session, chat).await,
            None => contact::remembered(services, chat),
        };
        filter.chat = Some(chat.jid());
    }
    Ok(services.store.list_messages(&caller.account, &filter, page).await?)
}

/// The message as the wire shows it, without its time line.
pub fn view(row: &MessageRow) -> Message {
    let incoming = row.direction == Direction::Incoming;
    Message {
        message_id: row.id.clone(),
        session_id: row.session.clone(),
        whatsapp_id: row.wa_id.clone(),
        direction: row.direction,
        status: row.status,
        chat: ChatName { id: row.chat.clone(), phone_number: row.chat_phone.clone(), lid: row.chat_lid.clone(), name: None },
        from: row.sender.clone().filter(|_| incoming).map(|id| Party {
            id,
            phone_number: row.sender_phone.clone(),
            lid: row.sender_lid.clone(),
            name: row.sender_name.clone(),
        }),
        content: row.content.clone(),
        marks: row.marks.clone(),
        error: row.error.map(|code| MessageError { code: code.name().to_owned(), reason: row.error_reason.clone() }),
        held_until: None,
        held_reason: None,
        created_at: row.created_at,
        timeline: None,
        receipts: None,
        change: None,
    }
}

/// The event of a message that came in, could not be decrypted, and is asked for no more.
pub fn given_up_event(row: &MessageRow) -> NewEvent {
    let kind = if row.chat == STATUS_CHAT { EventKind::StatusReceived } else { EventKind::MessageReceived };
    NewEvent::new(kind, &view(row))
}

/// The events that announce that a message reached the status it now has. The store writes them with the status. A change
/// is announced when it takes effect, by a kind of its own. What cannot be read yet is announced when it can.
pub fn events_of(row: &MessageRow) -> Vec<NewEvent> {
    let kinds = kinds_of(row);
    if kinds.is_empty() { Vec::new() } else { NewEvent::each(kinds, &view(row)) }
}

/// The kinds of these events.
pub fn kinds_of(row: &MessageRow) -> Vec<EventKind> {
    let mut kinds: Vec<EventKind> = match row.status {
        MessageStatus::Received if matches!(row.content, Content::Undecryptable {}) => vec![],
        MessageStatus::Received if change::event(&row.content).is_some() => vec![],
        MessageStatus::Received if row.chat == STATUS_CHAT => vec![EventKind::StatusReceived],
        MessageStatus::Received => vec![EventKind::MessageReceived],
        MessageStatus::Queued | MessageStatus::Played => vec![EventKind::MessageStatus],
        MessageStatus::Sent => vec![EventKind::MessageStatus, EventKind::MessageSent],
        MessageStatus::Delivered => vec![EventKind::MessageStatus, EventKind::MessageDelivered],
        MessageStatus::Read => vec![EventKind::MessageStatus, EventKind::MessageRead],
        MessageStatus::Failed => vec![EventKind::MessageStatus, EventKind::MessageFailed],
    };
    if matches!(row.status, MessageStatus::Received | MessageStatus::Sent) {
        kinds.extend(change::event(&row.content));
    }
    kinds
}

#[cfg(test)]
mod tests;
