//! An account with a session, and the values that the tests fill the store with.

use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, MessageId, SessionId};
use wharf_api::types::message::{Content, Direction, Marks, MessageStatus};
use wharf_core::Chance;
use wharf_core::chance::SystemChance;
use wharf_core::store::{
    Accepted, AccountStore, Claim, Created, Fence, MessageRow, MessageStore, NewMessage, NewSession, Outcome, OwnerStore, PageRequest,
    SessionStore, StatusChange,
};

use crate::harness::Db;

/// Some moment on some day.
pub const NOW: Timestamp = Timestamp::from_millis(1_795_400_000_000);
pub const ALL: PageRequest = PageRequest { after: None, limit: 1_000 };

pub fn chance() -> &'static dyn Chance {
    &SystemChance
}

pub struct Tenant {
    pub account: AccountId,
    pub session: SessionId,
    pub fence: Fence,
}

impl Tenant {
    pub async fn new(db: &Db) -> Self {
        let account = chance().account_id();
        assert!(db.store.insert_account(&account, account.as_str(), "enterprise", NOW).await.unwrap());
        let session = session(db, &account).await;
        let fence = db.store.take_session(&session, "node", NOW).await.unwrap().unwrap();
        Self { account, session, fence }
    }

    /// Another session of the same account.
    pub async fn beside(&self, db: &Db) -> Self {
        let session = session(db, &self.account).await;
        let fence = db.store.take_session(&session, "node", NOW).await.unwrap().unwrap();
        Self { account: self.account.clone(), session, fence }
    }

    /// An outgoing message to be accepted.
    pub fn outgoing(&self, text: &str) -> NewMessage {
        let wa_id = format!("3EB0{}", chance().base62(18));
        let row = MessageRow {
            id: chance().message_id(),
            account: self.account.clone(),
            session: self.session.clone(),
            wa_id,
            direction: Direction::Outgoing,
            status: MessageStatus::Queued,
            chat: "491701234567@s.whatsapp.net".to_owned(),
            chat_phone: Some("491701234567".to_owned()),
            chat_lid: None,
            sender: None,
            sender_phone: None,
            sender_lid: None,
            sender_name: None,
            content: Content::text(text),
            marks: Marks::default(),
            error: None,
            error_reason: None,
            created_at: NOW,
        };
        NewMessage {
            row,
            payload: text.as_bytes().to_vec(),
            audience: Vec::new(),
            expires_at: NOW.plus_millis(1_000),
            daily_limit: None,
            claim: None,
            keeps: None,
            claimed: false,
        }
    }

    /// An incoming message from `sender` with this id on the wire.
    pub fn incoming(&self, sender: &str, wa_id: &str) -> MessageRow {
        MessageRow {
            wa_id: wa_id.to_owned(),
            direction: Direction::Incoming,
            status: MessageStatus::Received,
            chat: "77700012345@lid".to_owned(),
            chat_phone: Some("491709999999".to_owned()),
            chat_lid: Some("77700012345@lid".to_owned()),
            sender: Some(sender.to_owned()),
            sender_name: Some("Ada".to_owned()),
            ..self.outgoing("hello back").row
        }
    }

    /// Accepts a message and returns its row.
    pub async fn send(&self, db: &Db, text: &str) -> MessageRow {
        let message = self.outgoing(text);
        assert_eq!(db.store.accept_message(&message).await.unwrap(), Accepted::Now);
        message.row
    }

    pub async fn status(&self, db: &Db, id: &MessageId) -> MessageStatus {
        db.store.find_message(&self.account, id).await.unwrap().unwrap().status
    }

    /// The statuses of the time line.
    pub async fn line(&self, db: &Db, id: &MessageId) -> Vec<MessageStatus> {
        db.store.timeline(&self.account, id).await.unwrap().into_iter().map(|entry| entry.status).collect()
    }
}

pub async fn session(db: &Db, account: &AccountId) -> SessionId {
    let new = new_session(account, None);
    assert_eq!(db.store.insert_session(&new).await.unwrap(), Created::Now);
    new.id
}

pub fn new_session(account: &AccountId, limit: Option<u64>) -> NewSession {
    NewSession {
        id: chance().session_id(),
        account: account.clone(),
        name: "shop".to_owned(),
        at: NOW,
        limit,
        claim: None,
        proxy: None,
        webhook: None,
        webhook_limit: 0,
    }
}

pub fn claim(key: &str) -> Claim {
    Claim { operation: "send_text".to_owned(), key: key.to_owned(), request_hash: vec![7; 32], expires_at: NOW.plus_millis(500) }
}

pub fn sent(id: &MessageId) -> StatusChange {
    StatusChange { id: id.clone(), outcome: Outcome::Sent, at: NOW.plus_millis(5) }
}

pub fn failed(id: &MessageId) -> StatusChange {
    let outcome = Outcome::Failed { code: wharf_api::ErrorCode::MessageSendingFailed, reason: "nack 479".to_owned() };
    StatusChange { id: id.clone(), outcome, at: NOW.plus_millis(6) }
}
