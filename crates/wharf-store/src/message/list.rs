//! Looking messages up.

use wharf_api::ids::{AccountId, MessageId, SessionId};
use wharf_api::types::message::{Direction, MessageStatus};
use wharf_core::store::{Error, MessageFilter, MessageRow, Page, PageRequest};

use super::row::{chat_key, message_columns, shown};
use crate::open::SqlStore;
use crate::sql::{Sql, args, page, statements};

/// What every list has. The sessions that a key is bound to come as one text: `session_id` is in it or not.
macro_rules! list {
    ($first:literal) => {
        concat!(
            "SELECT ",
            message_columns!(),
            " FROM messages WHERE ",
            $first,
            " AND number < $2 AND (CAST($3 AS TEXT) IS NULL OR direction = $3) AND (CAST($4 AS TEXT) IS NULL OR status = $4) \
             AND (CAST($5 AS TEXT) IS NULL OR $5 LIKE '%' || session_id || '%') \
             AND (CAST($6 AS TEXT) IS NULL OR session_id = $6) \
             AND (CAST($7 AS TEXT) IS NULL OR chat_key = $7 OR chat = $7 OR chat_lid = $7) ORDER BY number DESC LIMIT $8"
        )
    };
}

statements! {
    OF_ANOTHER_NUMBER = "SELECT 1 FROM messages m JOIN sessions s ON s.id = m.session_id WHERE m.account_id = $1 AND m.id = $2 \
        AND m.number <= s.others_until";
    FIND = concat!("SELECT ", message_columns!(), " FROM messages WHERE account_id = $1 AND id = $2");
    BY_ACCOUNT = list!("account_id = $1");
    // The empty text keeps the planner from the account's index where a narrower one serves.
    BY_SESSION = list!("account_id || '' = $1 AND session_id = $6");
    BY_CHAT = list!("account_id = $1 AND chat_key = $7");
}

impl SqlStore {
    pub(super) async fn find_one(&self, account: &AccountId, id: &MessageId) -> Result<Option<MessageRow>, Error> {
        let row = self.readers.first(&FIND, args![account, id]).await?;
        let found = row.map(|mut row| shown(&mut row, &self.meter)).transpose()?;
        Ok(found.map(|(_, message)| message))
    }

    pub(super) async fn of_another_number(&self, account: &AccountId, id: &MessageId) -> Result<bool, Error> {
        Ok(self.readers.first(&OF_ANOTHER_NUMBER, args![account, id]).await?.is_some())
    }

    pub(super) async fn list(&self, account: &AccountId, filter: &MessageFilter, request: PageRequest) -> Result<Page<MessageRow>, Error> {
        let forbidden = |session: &SessionId| filter.sessions.as_ref().is_some_and(|bound| !bound.contains(session));
        if filter.session.as_ref().is_some_and(forbidden) {
            return Ok(Page { rows: Vec::new(), next: None });
        }
        let bound = filter.sessions.as_ref().map(|ids| ids.iter().map(SessionId::as_str).collect::<Vec<_>>().join(","));
        let chat = filter.chat.as_deref().map(|chat| chat_key(chat, None));
        let args = args![
            account,
            request.after.unwrap_or(i64::MAX),
            filter.direction.map(Direction::as_str),
            filter.status.map(MessageStatus::as_str),
            &bound,
            filter.session.as_ref().map(SessionId::as_str),
            chat,
            page::fetch(request),
        ];
        let rows = self.readers.walk(account, statement(filter), args).await?;
        page::cut(rows, request, |row| shown(row, &self.meter))
    }
}

fn statement(filter: &MessageFilter) -> &'static Sql {
    match (&filter.chat, &filter.session) {
        // A chat whose phone number is known is filed under that, so its LID is found by looking through the list.
        (Some(chat), _) if !chat.ends_with("@lid") => &BY_CHAT,
        (_, Some(_)) => &BY_SESSION,
        (_, None) => &BY_ACCOUNT,
    }
}
