//! Chats: the list that the message log makes, and what a person at a phone would do in one.

use std::collections::{BTreeMap, HashMap};

use wharf_api::recipient::{is_group, is_shared};
use wharf_api::types::chat::{Chat, ChatKind, ChatRead, PresenceStatus, TypingShown, TypingStatus};
use wharf_api::types::group::Group;
use wharf_api::types::message::ChatName;
use wharf_api::types::switches::Feature;
use wharf_api::{ApiError, ErrorCode, Recipient, limits};

use crate::caller::Caller;
use crate::group::known;
use crate::services::Services;
use crate::store::{ChatRow, Page, PageRequest, SessionRow};
use crate::{contact, engine, message, session, store, switches};

/// How many messages are told as read with one call.
const READ_AT_ONCE: u32 = 1000;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("not a chat: {0}")]
    InvalidId(&'static str),
    #[error("the person is not on WhatsApp")]
    NotOnWhatsapp,
    #[error(transparent)]
    Session(#[from] session::Error),
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
            Error::InvalidId(reason) => ApiError::new(ErrorCode::InvalidPhoneNumber).field("chatId").reason(*reason),
            Error::NotOnWhatsapp => ApiError::new(ErrorCode::RecipientNotOnWhatsapp).field("chatId"),
            Error::Session(error) => error.into(),
            Error::Off(off) => off.into(),
            Error::Engine(error) => error.into(),
            Error::Store(error) => error.into(),
        }
    }
}

/// A connected session of the caller, for a feature that is not switched off.
async fn connected(services: &Services, caller: &Caller, session: &str, feature: Feature) -> Result<SessionRow, Error> {
    let row = session::find(services, caller, session).await?;
    services.switches.require(feature)?;
    session::require_answering(services, &row)?;
    Ok(row)
}

/// `GET /v1/chats`. Names of groups are asked of WhatsApp where the session is connected.
pub async fn list(services: &Services, caller: &Caller, session: &str, page: PageRequest) -> Result<Page<Chat>, Error> {
    let row = session::find_row(services, caller, session).await?;
    let found = services.store.list_chats(&caller.account, &row.id, page).await?;
    let mut groups = HashMap::new();
    let some_group = found.rows.iter().any(|chat| is_group(&chat.last.chat));
    if some_group && services.engine.attend(&row).await.is_ok() && session::require_connected(services, &row).is_ok() {
        // A list without names is better than none.
        if let Ok(told) = services.engine.groups(&row.id).await {
            let of_page = |group: &Group| found.rows.iter().any(|chat| chat.last.chat == group.group_id);
            let mut told: Vec<Group> = told.into_iter().filter(of_page).collect();
            known::keep(services, &row, &told).await;
            for chat in found.rows.iter().filter(|chat| is_group(&chat.last.chat) && chat.left_at.is_none()) {
                if !told.iter().any(|group| group.group_id == chat.last.chat) {
                    told.extend(known::left(services, &row, &chat.last.chat).await?);
                }
            }
            groups.extend(told.into_iter().map(|group| (group.group_id.clone(), group)));
        }
    }
    Ok(Page { rows: found.rows.iter().map(|chat| shown(chat, &mut groups)).collect(), next: found.next })
}

/// A chat as it is known without asking WhatsApp.
pub(crate) fn view(chat: &ChatRow) -> Chat {
    shown(chat, &mut HashMap::new())
}

fn shown(chat: &ChatRow, groups: &mut HashMap<String, Group>) -> Chat {
    let row = &chat.last;
    let (kind, name, left_at) = match groups.remove(&row.chat) {
        Some(group) => (ChatKind::Group, Some(group.subject), group.left_at),
        None if is_group(&row.chat) => (ChatKind::Group, chat.called.clone(), chat.left_at),
        None => (ChatKind::Person, chat.called.clone(), None),
    };
    let named = ChatName { id: row.chat.clone(), phone_number: row.chat_phone.clone(), lid: row.chat_lid.clone(), name };
    Chat { named, kind, unread_count: chat.unread, left_at, last_message: message::view(row) }
}

fn recipient(chat: &str) -> Result<Recipient, Error> {
    Recipient::parse(chat).map_err(Error::InvalidId)
}

/// `POST /v1/chats/{chatId}/typing`.
pub async fn typing(services: &Services, caller: &Caller, session: &str, chat: &str, state: TypingStatus) -> Result<TypingShown, Error> {
    let chat = recipient(chat)?;
    if chat == Recipient::Status {
        return Err(Error::InvalidId("nobody sees anyone type a status"));
    }
    let row = connected(services, caller, session, Feature::Typing).await?;
    let mut chat = contact::by_number(services, &row.id, chat).await;
    // Nobody would see it, and a success would say that somebody does.
    if let Some(phone) = chat.phone() {
        let numbers = [phone.to_owned()];
        // Its caller is no more patient than one that sends.
        let asked = tokio::time::timeout(caller.patience(), contact::registrations(services, &row.id, &numbers)).await;
        let found = asked.unwrap_or(Err(engine::Error::Timeout))?;
        let found = found.into_iter().find(|found| found.registered).ok_or(Error::NotOnWhatsapp)?;
        chat = Recipient::Phone(found.known);
    }
    services.engine.show_typing(&row.id, &chat.jid(), state).await?;
    let ends = services.clock.now() + limits::TYPING;
    Ok(TypingShown { status: state, expires_at: (state != TypingStatus::Paused).then_some(ends) })
}

/// `POST /v1/chats/{chatId}/read`: what came in is read, and whoever sent it is told.
pub async fn read(services: &Services, caller: &Caller, session: &str, chat: &str) -> Result<ChatRead, Error> {
    let chat = recipient(chat)?;
    let row = connected(services, caller, session, Feature::Receipts).await?;
    let key = contact::by_number(services, &row.id, chat).await.jid();
    let unread = services.store.unread(&caller.account, &row.id, &key, READ_AT_ONCE).await?;
    // In a group every sender is told by itself.
    let mut told: BTreeMap<(String, Option<String>), Vec<String>> = BTreeMap::new();
    for message in &unread.rows {
        let sender = is_shared(&message.chat).then(|| message.sender_lid.clone().or_else(|| message.sender.clone())).flatten();
        told.entry((message.chat.clone(), sender)).or_default().push(message.wa_id.clone());
    }
    for ((chat, sender), wa_ids) in told {
        services.engine.tell_read(&row.id, &chat, sender.as_deref(), &wa_ids).await?;
    }
    if unread.until > 0 {
        services.store.mark_read(&caller.account, &row.id, &key, unread.until).await?;
    }
    Ok(ChatRead { read: unread.rows.len() as u64 })
}

/// `POST /v1/presence`.
pub async fn presence(services: &Services, caller: &Caller, session: &str, state: PresenceStatus) -> Result<(), Error> {
    let row = connected(services, caller, session, Feature::Presence).await?;
    Ok(services.engine.set_presence(&row.id, state).await?)
}
