//! Looking messages up.

use wharf_api::ids::{AccountId, MessageId, SessionId};
use wharf_api::types::message::{Direction, MessageStatus};
use wharf_core::store::{Error, MessageFilter, MessageRow, Page, PageRequest};

use super::row::{chat_key, message_columns, of_kind, shown};
use crate::sql::{Sql, among, args, listed, page, spelled, statements};
use crate::store::SqlStore;

/// What every list has.
macro_rules! list {
    ($database:ident, $first:literal) => {
        concat!(
            "SELECT ",
            message_columns!(),
            " FROM messages WHERE ",
            $first,
            " AND number < $2 AND (CAST($3 AS TEXT) IS NULL OR direction = $3) AND (CAST($4 AS TEXT) IS NULL OR status = $4) \
             AND (CAST($5 AS TEXT) IS NULL OR session_id IN ",
            among!($database, "$5"),
            ") AND (CAST($6 AS TEXT) IS NULL OR session_id = $6) \
             AND (CAST($7 AS TEXT) IS NULL OR chat_key = $7 OR chat = $7 OR chat_lid = $7) \
             AND (CAST($9 AS BIGINT) IS NULL OR created_at >= $9) AND (CAST($10 AS BIGINT) IS NULL OR created_at < $10) \
             AND (CAST($11 AS TEXT) IS NULL OR ",
            of_kind!("content", "CAST($11 AS TEXT)"),
            ") AND (CAST($12 AS TEXT) IS NULL OR content LIKE $12 ESCAPE '!') \
             AND (CAST($13 AS TEXT) IS NULL OR reference = $13) AND (CAST($14 AS TEXT) IS NULL OR wa_id = $14) ORDER BY number DESC LIMIT $8"
        )
    };
}

statements! {
    OF_ANOTHER_NUMBER = "SELECT 1 FROM messages m JOIN sessions s ON s.id = m.session_id WHERE m.account_id = $1 AND m.id = $2 \
        AND m.number <= s.others_until";
    FIND = concat!("SELECT ", message_columns!(), " FROM messages WHERE account_id = $1 AND id = $2");
}

const BY_ACCOUNT: Sql = spelled!("BY_ACCOUNT", list, "account_id = $1");
// The empty text keeps the planner from the account's index where a narrower one serves.
const BY_SESSION: Sql = spelled!("BY_SESSION", list, "account_id || '' = $1 AND session_id = $6");
const BY_CHAT: Sql = spelled!("BY_CHAT", list, "account_id = $1 AND chat_key = $7");
const BY_REFERENCE: Sql = spelled!("BY_REFERENCE", list, "account_id = $1 AND reference = $13");
/// Each direction has an index of its own.
const BY_WIRE: Sql = spelled!(
    "BY_WIRE",
    list,
    "account_id = $1 AND number IN \
     (SELECT o.number FROM messages o WHERE o.session_id = $6 AND o.wa_id = $14 AND o.direction = 'outgoing' UNION ALL \
     SELECT i.number FROM messages i WHERE i.session_id = $6 AND i.wa_id = $14 AND i.direction = 'incoming')"
);
pub(super) const BY_HAND: &[Sql] = &[BY_ACCOUNT, BY_SESSION, BY_CHAT, BY_REFERENCE, BY_WIRE];

impl SqlStore {
    pub(super) async fn find_message(&self, account: &AccountId, id: &MessageId) -> Result<Option<MessageRow>, Error> {
        let row = self.readers.first(&FIND, args![account, id]).await?;
        let found = row.map(|mut row| shown(&mut row, &self.meter)).transpose()?;
        Ok(found.map(|(_, message)| message))
    }

    pub(super) async fn is_of_another_number(&self, account: &AccountId, id: &MessageId) -> Result<bool, Error> {
        Ok(self.readers.first(&OF_ANOTHER_NUMBER, args![account, id]).await?.is_some())
    }

    pub(super) async fn list_messages(
        &self,
        account: &AccountId,
        filter: &MessageFilter,
        request: PageRequest,
    ) -> Result<Page<MessageRow>, Error> {
        let forbidden = |session: &SessionId| filter.sessions.as_ref().is_some_and(|bound| !bound.contains(session));
        if filter.session.as_ref().is_some_and(forbidden) {
            return Ok(Page { rows: Vec::new(), next: None });
        }
        let bound = filter.sessions.as_ref().map(|ids| listed(ids.iter().map(SessionId::as_str)));
        let chat = filter.chat.as_deref().map(|chat| chat_key(chat, None));
        let words = filter.text.as_deref().map(pattern);
        let args = args![
            account,
            request.after.unwrap_or(i64::MAX),
            filter.direction.map(Direction::as_str),
            filter.status.map(MessageStatus::as_str),
            &bound,
            filter.session.as_ref().map(SessionId::as_str),
            chat,
            page::fetch(request),
            filter.since,
            filter.until,
            &filter.kind,
            &words,
            &filter.reference,
            &filter.wa_id,
        ];
        let rows = self.readers.walk(account, statement(filter), args).await?;
        let mut page = page::cut(rows, request, |row| shown(row, &self.meter))?;
        if let Some(words) = &filter.text {
            // The pattern finds what is written anywhere in the row's JSON, the names of members among it.
            page.rows.retain(|row| row.content.says(words));
        }
        Ok(page)
    }
}

/// Finds the words as JSON writes them.
fn pattern(words: &str) -> String {
    let written = serde_json::Value::from(words).to_string();
    let inner = &written[1..written.len() - 1];
    let mut pattern = String::from("%");
    for letter in inner.chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

fn statement(filter: &MessageFilter) -> &'static Sql {
    if filter.reference.is_some() {
        return &BY_REFERENCE;
    }
    if filter.wa_id.is_some() && filter.session.is_some() {
        return &BY_WIRE;
    }
    match (&filter.chat, &filter.session) {
        // A chat whose phone number is known is filed under that, so its LID is found by looking through the list.
        (Some(chat), _) if !chat.ends_with("@lid") => &BY_CHAT,
        (_, Some(_)) => &BY_SESSION,
        (_, None) => &BY_ACCOUNT,
    }
}
