//! What tests of several rules begin with: rows and callers of which nothing is special.

use wharf_api::ids::{AccountId, KeyId, MessageId, SessionId, Uuid};
use wharf_api::types::account::Pace;
use wharf_api::types::message::{Content, Direction, Marks, MessageStatus};
use wharf_api::types::session::SessionStatus;
use wharf_api::{Permission, Timestamp};

use crate::caller::{By, Caller};
use crate::store::{AccountRow, KeyRow, KeyWithAccount, MessageRow, Plan, SessionRow};

/// Ada, whom the session writes with.
pub(crate) const ADA: &str = "15550000001@s.whatsapp.net";

/// So many milliseconds after a day in the year 2027.
pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000).plus_millis(millis)
}

pub(crate) fn account(number: u128) -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn session(number: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn message(number: u128) -> MessageId {
    MessageId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn plan() -> Plan {
    Plan {
        name: "test".into(),
        messages_per_day: None,
        calls_per_minute: 100,
        sessions: None,
        concurrent_requests: 10,
        event_days: 30,
        media_days: 30,
        media_bytes: None,
        pace: Pace::default(),
        keep_deleted: false,
        message_days: None,
    }
}

/// A key of the account 1, which has these permissions and may use all its sessions.
pub(crate) fn caller(permissions: &[Permission]) -> Caller {
    Caller {
        account: account(1),
        plan: plan(),
        by: By::Key(KeyId::from_bare("abcdefgh").unwrap()),
        permissions: permissions.to_vec(),
        sessions: None,
        operator: false,
        expires_at: None,
        sends_until: None,
        answer_by: None,
    }
}

/// A key as it is found, which does not end.
pub(crate) fn key() -> KeyWithAccount {
    let key = KeyRow {
        id: KeyId::from_bare("abcdefgh").unwrap(),
        account: account(1),
        name: "test".into(),
        secret_hash: vec![7; 32],
        permissions: vec![Permission::MessagesSend],
        sessions: None,
        operator: false,
        created_at: at(0),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    let account =
        AccountRow { id: account(1), name: "test".into(), plan: plan(), created_at: at(0), suspended_at: None, deleting_at: None };
    KeyWithAccount { key, account }
}

/// A session that is not linked, in this state.
pub(crate) fn session_row(status: SessionStatus) -> SessionRow {
    SessionRow {
        id: session(1),
        account: account(1),
        name: "test".into(),
        status,
        reason: None,
        refusal: None,
        jid: None,
        lid: None,
        push_name: None,
        proxy: None,
        created_at: at(0),
        status_at: at(0),
        number_since: None,
    }
}

/// What Ada says, in the chat of two.
pub(crate) fn incoming(content: Content) -> MessageRow {
    MessageRow {
        id: message(1),
        account: account(1),
        session: session(1),
        wa_id: "3EB01".into(),
        direction: Direction::Incoming,
        status: MessageStatus::Received,
        chat: ADA.into(),
        chat_phone: None,
        chat_lid: None,
        sender: Some(ADA.into()),
        sender_phone: None,
        sender_lid: None,
        sender_name: None,
        content,
        marks: Marks::default(),
        error: None,
        error_reason: None,
        created_at: at(0),
    }
}

/// What the session says to Ada, as WhatsApp has it.
pub(crate) fn outgoing(content: Content) -> MessageRow {
    MessageRow { direction: Direction::Outgoing, status: MessageStatus::Sent, sender: None, ..incoming(content) }
}
