//! The columns of a message.

use wharf_api::ErrorCode;
use wharf_api::ids::{AccountId, MessageId, SessionId};
use wharf_api::types::message::{Content, Direction, Marks, MessageStatus};
use wharf_core::meter::Meter;
use wharf_core::store::{Error, MessageRow};

use crate::sql::{Row, corrupt};

/// The cells that [`message`] reads.
macro_rules! message_columns {
    () => {
        "number, id, account_id, session_id, wa_id, direction, status, chat, chat_phone, chat_lid, sender, sender_phone, sender_lid, \
         sender_name, content, marks, error_code, error_reason, created_at"
    };
}
pub(crate) use message_columns;

/// Finds messages for a group that begins, by lists of sessions, of ids and of the places that the answers begin with; the words say which
/// message is one's. It is looked for in a part of its own: joined, a table that was never counted is gone through for the list as a whole.
/// What is always true of the ids has PostgreSQL take the list for a short one, and one plan for good.
macro_rules! found_by {
    ($is:literal) => {
        concat!(
            "SELECT l.place, m.* FROM unnest($1::TEXT[], $2::TEXT[], $3::BIGINT[]) AS l(whose, wanted, place), LATERAL (SELECT doubtful, ",
            $crate::message::row::message_columns!(),
            " FROM messages WHERE ",
            $is,
            " FOR UPDATE) AS m WHERE l.wanted || '' = l.wanted"
        )
    };
}
pub(super) use found_by;

/// Inserts one message; the arguments are those of [`insert_args`].
macro_rules! message_insert {
    () => {
        "INSERT INTO messages (id, account_id, session_id, wa_id, direction, status, chat, chat_key, chat_phone, chat_lid, sender, \
         sender_phone, sender_lid, sender_name, content, marks, created_at, expires_at, target_wa_id, reference) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)"
    };
}
pub(super) use message_insert;

/// The arguments of [`message_insert`]: the row, what it says as JSON, when it expires.
macro_rules! insert_args {
    ($row:expr, $said:expr, $expires_at:expr) => {
        $crate::sql::args![
            &$row.id,
            &$row.account,
            &$row.session,
            &$row.wa_id,
            $row.direction.as_str(),
            $row.status.as_str(),
            &$row.chat,
            $crate::message::row::chat_key(&$row.chat, $row.chat_phone.as_deref()),
            &$row.chat_phone,
            &$row.chat_lid,
            &$row.sender,
            &$row.sender_phone,
            &$row.sender_lid,
            &$row.sender_name,
            &$said.content,
            &$said.marks,
            $row.created_at,
            $expires_at,
            $row.content.target().map(|target| target.whatsapp_id.as_str()),
            $row.marks.reference.as_deref(),
        ]
    };
}
pub(super) use insert_args;

/// Whether what a row says is of a kind, which comes as SQL: it is JSON that begins with its type. It is compared and not matched by a
/// pattern, to which `_` is any letter, and to SQLite's `A` an `a`. PostgreSQL unpacks only the beginning of a long text for it.
macro_rules! of_kind {
    ($content:literal, $kind:literal) => {
        concat!("SUBSTR(", $content, ", 1, LENGTH(", $kind, ") + 10) = '{\"type\":\"' || ", $kind, " || '\"'")
    };
}
pub(super) use of_kind;

/// What must be true of a message that is found by its id, for its try to count or to end: it is queued still, and of the session or the
/// account of that column. In words that no index knows: where PostgreSQL's statistics are older than the queue, or than the session, it
/// takes an index of theirs for shorter than that of the ids, and walks through the whole queue or the session's log for each message.
macro_rules! still_queued {
    ($column:literal, $whose:literal) => {
        concat!("status || '' = 'queued' AND ", $column, " || '' = ", $whose)
    };
}
pub(super) use still_queued;

/// The kind that a message is shown by whose row cannot be read.
const UNREADABLE: &str = "unreadable";

/// The number of a message and the message. What it says may be unreadable: then it says nothing, and why comes beside.
fn parts(row: &mut Row) -> Result<(i64, MessageRow, Option<String>), Error> {
    let number = row.int()?;
    let mut unreadable = None;
    let mut message = MessageRow {
        id: row.parsed("a message's id", MessageId::parse)?,
        account: row.parsed("an account's id", AccountId::parse)?,
        session: row.parsed("a session's id", SessionId::parse)?,
        wa_id: row.text()?,
        direction: row.parsed("a direction", Direction::parse)?,
        status: row.parsed("a message's status", MessageStatus::parse)?,
        chat: row.text()?,
        chat_phone: row.opt_text()?,
        chat_lid: row.opt_text()?,
        sender: row.opt_text()?,
        sender_phone: row.opt_text()?,
        sender_lid: row.opt_text()?,
        sender_name: row.opt_text()?,
        content: serde_json::from_str(&row.text()?).unwrap_or_else(|error| {
            unreadable = Some(format!("a message's content: {error}"));
            Content::unsupported(UNREADABLE)
        }),
        marks: serde_json::from_str(&row.text()?).unwrap_or_else(|error| {
            unreadable = Some(format!("a message's marks: {error}"));
            Marks::default()
        }),
        error: row.opt_parsed("an error code", ErrorCode::parse)?,
        error_reason: row.opt_text()?,
        created_at: row.time()?,
    };
    if let Some(why) = &mut unreadable {
        why.insert_str(0, &format!("{}: ", message.id));
        message.content = Content::unsupported(UNREADABLE);
    }
    Ok((number, message, unreadable))
}

/// The number of a message and the message.
pub(crate) fn message(row: &mut Row) -> Result<(i64, MessageRow), Error> {
    match parts(row)? {
        (number, message, None) => Ok((number, message)),
        (_, _, Some(why)) => Err(corrupt(why)),
    }
}

/// The same for whoever only looks: a message that says what cannot be read stands there without it, and takes none of its neighbours along.
pub(super) fn shown(row: &mut Row, meter: &Meter) -> Result<(i64, MessageRow), Error> {
    let parts = parts(row).inspect_err(|error| {
        if matches!(error, Error::Corrupt(_)) {
            meter.unreadable_rows.one();
        }
    });
    let (number, message, unreadable) = parts?;
    if let Some(why) = unreadable {
        meter.unreadable_rows.one();
        tracing::error!(message = %message.id, why, "what a message says cannot be read");
    }
    Ok((number, message))
}

/// The same for whoever works with it: a row that cannot be read is one that is not there, and holds nothing up.
pub(super) fn readable(row: &mut Row) -> Result<Option<(i64, MessageRow)>, Error> {
    match message(row) {
        Ok(found) => Ok(Some(found)),
        Err(Error::Corrupt(why)) => {
            tracing::error!(why, "a message's row cannot be read");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What a message says, as it is stored.
#[derive(Clone)]
pub(super) struct Said {
    pub content: String,
    pub marks: String,
}

pub(super) fn said(row: &MessageRow) -> Result<Said, Error> {
    let json = |written: Result<String, serde_json::Error>| written.map_err(|error| corrupt(format!("what a message says: {error}")));
    let said = Said { content: json(serde_json::to_string(&row.content))?, marks: json(serde_json::to_string(&row.marks))? };
    // What cannot be read again must not be written: a number that is none is written as nothing.
    let content = serde_json::from_str::<Content>(&said.content).map(drop);
    let marks = serde_json::from_str::<Marks>(&said.marks).map(drop);
    content.and(marks).map_err(|error| corrupt(format!("what a message says does not read back: {error}")))?;
    Ok(said)
}

/// One spelling for one chat: its phone number where it is known, otherwise its id.
pub(crate) fn chat_key<'a>(chat: &'a str, phone: Option<&'a str>) -> &'a str {
    phone.or_else(|| chat.strip_suffix("@s.whatsapp.net")).unwrap_or(chat)
}

/// What a message of each kind says.
#[cfg(test)]
pub(super) fn of_every_kind() -> Vec<Content> {
    let of_kind = |kind: &&str| {
        // The members of all kinds: each takes its own.
        let content: Content = serde_json::from_value(serde_json::json!({
            "type": kind,
            "text": "Hello",
            "latitude": 52.5,
            "longitude": 13.4,
            "contacts": [],
            "question": "When?",
            "options": ["Now"],
            "selectableCount": 1,
            "mediaId": "med_00000000000000000000000000000000",
            "mediaStatus": "stored",
            "mimeType": "image/png",
            "sizeBytes": 1,
            "originalType": "poll_vote",
            "emoji": "x",
            "target": { "whatsappId": "3EB0" }
        }))
        .unwrap();
        assert_eq!(content.kind(), *kind);
        content
    };
    Content::TYPES.iter().map(of_kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_says_is_of_its_own_kind_alone() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        let is = |content: &Content, kind: &str| -> bool {
            let said = serde_json::to_string(content).unwrap();
            conn.query_row(concat!("SELECT ", of_kind!("?1", "?2")), [said.as_str(), kind], |row| row.get(0)).unwrap()
        };
        for content in of_every_kind() {
            let kinds: Vec<_> = Content::TYPES.iter().filter(|kind| is(&content, kind)).collect();
            assert_eq!(kinds, [&content.kind()]);
            let shorter = &content.kind()[1..];
            for other in ["", "%", "_", &content.kind().to_uppercase(), &content.kind().replace('o', "_"), shorter] {
                assert!(other == content.kind() || !is(&content, other), "{other:?} is no {}", content.kind());
            }
        }
    }
}
