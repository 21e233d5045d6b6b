//! What an event of a text tells, as the message's own row tells it: SQLite's row of the event has the message's number, with the status of
//! then, and whoever reads the event reads the message.
//!
//! A text that is edited or deleted says something else from then on, and its events do not: what it said first stays beside it, in
//! `originals`, for as long as the log has events from before. A trigger keeps it, whichever statement changes the text.

use serde::Deserialize;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, MessageId, SessionId};
use wharf_api::types::message::{Content, Direction, Marks, MessageStatus};
use wharf_core::message::view;
use wharf_core::store::MessageRow;

/// How much of the number is the status.
const BITS: u32 = 3;

/// A status by the place that rows have it by: they never change, and others come behind them.
const fn place(status: MessageStatus) -> i64 {
    match status {
        MessageStatus::Queued => 0,
        MessageStatus::Sent => 1,
        MessageStatus::Delivered => 2,
        MessageStatus::Read => 3,
        MessageStatus::Played => 4,
        MessageStatus::Failed => 5,
        MessageStatus::Received => 6,
    }
}

/// How late an event may be written that leaves what it tells to its message. Messages go by when something happened to them, and events by
/// when they were written: those of a message that goes must be gone.
pub(crate) const LATEST_MS: i64 = 300_000;

/// The first byte of what `told!` has of a message: a list. No way of packing begins so.
pub(super) const WAY: u8 = b'[';

/// What a row has for the event of a message with this number in that status.
pub(super) const fn refer(number: i64, status: MessageStatus) -> i64 {
    number << BITS | place(status)
}

/// Whether an event tells nothing of this message but what its row tells for good: a text to which nothing has happened but its way.
pub(super) fn may_refer(row: &MessageRow) -> bool {
    let Marks {
        reference: _,
        reply_to,
        mentions: _,
        forwarded: _,
        view_once: _,
        from_other_device: _,
        reactions,
        edited_at,
        deleted_at,
        read_at,
    } = &row.marks;
    let has_changed = !reactions.is_empty() || edited_at.is_some() || deleted_at.is_some() || read_at.is_some();
    matches!(row.content, Content::Text { .. }) && row.error.is_none() && reply_to.is_none() && !has_changed
}

/// The message that what an event tells is of, where its row refers to one.
pub const fn message_of(data: i64) -> i64 {
    data >> BITS
}

/// The cells of the message, as a list of JSON. `$data` is the number that the event's row has.
macro_rules! of_message {
    ($data:literal) => {
        concat!(
            "COALESCE((SELECT CAST(json_array(",
            $data,
            " & 7, m.id, m.account_id, m.wa_id, m.direction, m.chat, m.chat_phone, m.chat_lid, m.sender, m.sender_phone, m.sender_lid, m.sender_name, \
             COALESCE(o.content, m.content), m.marks, m.created_at) AS BLOB) \
             FROM messages m LEFT JOIN originals o ON o.message = m.number WHERE m.number = ",
            $data,
            " >> 3), x'5b')"
        )
    };
}
pub(crate) use of_message;

/// These cells.
#[derive(Deserialize)]
struct OfMessage(
    i64,
    String,
    String,
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    String,
    String,
    i64,
);

/// What an event of this session tells by these cells; `None` where that is no message.
pub(super) fn read(session: &str, cells: &[u8]) -> Option<String> {
    let OfMessage(
        status,
        id,
        account,
        wa_id,
        direction,
        chat,
        chat_phone,
        chat_lid,
        sender,
        sender_phone,
        sender_lid,
        sender_name,
        content,
        marks,
        created_at,
    ) = serde_json::from_slice(cells).ok()?;
    let marks = Marks { reactions: Vec::new(), edited_at: None, deleted_at: None, read_at: None, ..serde_json::from_str(&marks).ok()? };
    let row = MessageRow {
        id: MessageId::parse(&id)?,
        account: AccountId::parse(&account)?,
        session: SessionId::parse(session)?,
        wa_id,
        direction: Direction::parse(&direction)?,
        status: *MessageStatus::ALL.iter().find(|known| place(**known) == status)?,
        chat,
        chat_phone,
        chat_lid,
        sender,
        sender_phone,
        sender_lid,
        sender_name,
        content: serde_json::from_str(&content).ok()?,
        marks,
        error: None,
        error_reason: None,
        created_at: Timestamp::from_millis(created_at),
    };
    serde_json::to_string(&view(&row)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_fits_in_its_bits_and_has_a_place_of_its_own() {
        let places: std::collections::BTreeSet<i64> = MessageStatus::ALL.iter().map(|status| place(*status)).collect();
        assert_eq!(places, (0..7).collect());
        for status in MessageStatus::ALL {
            let data = refer(1 << 40, *status);
            assert_eq!((message_of(data), data & 7), (1 << 40, place(*status)));
        }
    }

    #[test]
    fn what_is_no_message_is_told_as_nothing() {
        for cells in ["[", "[]", "[1]", "{}", r#"[7,"msg_1","acc_1","w","outgoing","c",null,null,null,null,null,null,"{}","{}",1]"#] {
            assert_eq!(read("ses_01a22fb240a975d898bdf3c6d5a1cff0", cells.as_bytes()), None, "{cells}");
        }
    }
}
