//! Looking messages up.

use wharf_api::ids::{AccountId, MessageId, SessionId};
use wharf_api::types::message::{Direction, MessageStatus};
use wharf_core::store::{Error, MessageFilter, MessageRow, Page, PageRequest};

use super::row::{chat_key, message_columns, of_kind, shown};
use crate::sql::{Sql, among, args, listed, page, spelled, statements};
use crate::store::SqlStore;

/// What a message must be for a list to show it.
macro_rules! wanted {
    ($database:ident) => {
        concat!(
            "number < $2 AND (CAST($3 AS TEXT) IS NULL OR direction = $3) AND (CAST($4 AS TEXT) IS NULL OR status = $4) \
             AND (CAST($5 AS TEXT) IS NULL OR session_id IN ",
            among!($database, "$5"),
            ") AND (CAST($6 AS TEXT) IS NULL OR session_id = $6) \
             AND (CAST($7 AS TEXT) IS NULL OR chat_key = $7 OR chat = $7 OR chat_lid = $7) \
             AND (CAST($9 AS BIGINT) IS NULL OR created_at >= $9) AND (CAST($10 AS BIGINT) IS NULL OR created_at < $10) \
             AND (CAST($11 AS TEXT) IS NULL OR ",
            of_kind!("content", "CAST($11 AS TEXT)"),
            ") AND (CAST($12 AS TEXT) IS NULL OR content LIKE $12 ESCAPE '!') \
             AND (CAST($13 AS TEXT) IS NULL OR reference = $13) AND (CAST($14 AS TEXT) IS NULL OR wa_id = $14)"
        )
    };
}

/// A list that one index has in its order.
macro_rules! list {
    ($database:ident, $first:literal) => {
        concat!(
            "SELECT ",
            message_columns!(),
            " FROM messages WHERE ",
            $first,
            " AND ",
            wanted!($database),
            " ORDER BY number DESC LIMIT $8"
        )
    };
}

/// The newest message of a chat that the list shows, of one session and one way: the index `messages_by_chat_and_way` has those of each in
/// their order.
macro_rules! newest_in_chat {
    ($database:ident, $session:literal, $way:literal, $below:literal) => {
        concat!(
            "(SELECT number FROM messages WHERE session_id = ",
            $session,
            " AND chat_key = $7 AND direction = ",
            $way,
            $below,
            " AND ",
            wanted!($database),
            " ORDER BY number DESC LIMIT 1)"
        )
    };
}

/// The sessions (`s`) and ways (`w`) that the list may show. Only what came in is `received`.
macro_rules! sessions_and_ways {
    ($database:ident, $of:literal) => {
        concat!(
            " FROM sessions s CROSS JOIN ways w WHERE ",
            $of,
            " AND (CAST($5 AS TEXT) IS NULL OR s.id IN ",
            among!($database, "$5"),
            ") AND (CAST($3 AS TEXT) IS NULL OR w.way = $3) AND (CAST($4 AS TEXT) IS NULL \
             OR w.way = CASE WHEN $4 = 'received' THEN 'incoming' ELSE 'outgoing' END)"
        )
    };
}

/// The list of a chat, out of as many lists as there are sessions and ways. No index has them in one: it would cost each text a page more,
/// where a look here costs a look-up for each of the account's sessions.
macro_rules! in_chat {
    // It takes the newest of all and puts the one behind it in its place, until the page is full. `NULL` comes last.
    (sqlite, $of:literal) => {
        concat!(
            "WITH RECURSIVE ways (way) AS (VALUES ('incoming'), ('outgoing')), found (last, session, way) AS (SELECT ",
            newest_in_chat!(sqlite, "s.id", "w.way", ""),
            ", s.id, w.way",
            sessions_and_ways!(sqlite, $of),
            " UNION ALL SELECT ",
            newest_in_chat!(sqlite, "found.session", "found.way", " AND number < found.last"),
            ", session, way FROM found WHERE last IS NOT NULL ORDER BY 1 DESC LIMIT $8) SELECT ",
            message_columns!(),
            " FROM messages WHERE number IN (SELECT last FROM found) ORDER BY number DESC"
        )
    };
    // No more lists than the page has rows can have a part in it: those whose newest are the newest.
    (postgres, $of:literal) => {
        concat!(
            "WITH ways (way) AS (VALUES ('incoming'), ('outgoing')), found AS (SELECT s.id AS session, w.way, ",
            newest_in_chat!(postgres, "s.id", "w.way", ""),
            " AS last",
            sessions_and_ways!(postgres, $of),
            " ORDER BY last DESC NULLS LAST LIMIT $8) SELECT m.* FROM found CROSS JOIN LATERAL (SELECT ",
            message_columns!(),
            " FROM messages WHERE session_id = found.session AND chat_key = $7 AND direction = found.way AND number <= found.last AND ",
            wanted!(postgres),
            " ORDER BY number DESC LIMIT $8) m ORDER BY m.number DESC LIMIT $8"
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
const BY_CHAT: Sql = spelled!("BY_CHAT", in_chat, "s.account_id = $1");
const BY_CHAT_OF_SESSION: Sql = spelled!("BY_CHAT_OF_SESSION", in_chat, "s.account_id = $1 AND s.id = $6");
const BY_REFERENCE: Sql = spelled!("BY_REFERENCE", list, "account_id = $1 AND reference = $13");
/// Each direction has an index of its own.
const BY_WIRE: Sql = spelled!(
    "BY_WIRE",
    list,
    "account_id = $1 AND number IN \
     (SELECT o.number FROM messages o WHERE o.session_id = $6 AND o.wa_id = $14 AND o.direction = 'outgoing' UNION ALL \
     SELECT i.number FROM messages i WHERE i.session_id = $6 AND i.wa_id = $14 AND i.direction = 'incoming')"
);
pub(super) const BY_HAND: &[Sql] = &[BY_ACCOUNT, BY_SESSION, BY_CHAT, BY_CHAT_OF_SESSION, BY_REFERENCE, BY_WIRE];

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
    // A chat whose phone number is known is filed under that, so its LID is found by looking through the list.
    let is_filed = filter.chat.as_ref().is_some_and(|chat| !chat.ends_with("@lid"));
    match (is_filed, &filter.session) {
        (true, Some(_)) => &BY_CHAT_OF_SESSION,
        (true, None) => &BY_CHAT,
        (false, Some(_)) => &BY_SESSION,
        (false, None) => &BY_ACCOUNT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::{sqlite_plan_on, sqlite_schema};

    #[test]
    fn every_list_goes_by_an_index_that_has_it_in_its_order() {
        let conn = sqlite_schema();
        let chat = "messages_by_chat_and_way (session_id=? AND chat_key=? AND direction=? AND number<?)";
        for (sql, index) in [
            (&BY_ACCOUNT, "messages_by_account (account_id=? AND number<?)"),
            (&BY_SESSION, "messages_by_session (session_id=? AND number<?)"),
            (&BY_CHAT, chat),
            (&BY_CHAT_OF_SESSION, chat),
            (&BY_REFERENCE, "messages_by_reference (account_id=? AND reference=? AND rowid<?)"),
        ] {
            let plan = sqlite_plan_on(&conn, sql);
            let on_log: Vec<_> = plan.iter().filter(|step| step.split(' ').nth(1) == Some("messages")).collect();
            assert!(on_log.iter().any(|step| step.contains(index)), "{}: {plan:#?}", sql.name);
            let allowed = |step: &str| step.contains("INTEGER PRIMARY KEY") || step.contains(index);
            assert!(on_log.iter().all(|step| step.starts_with("SEARCH") && allowed(step)), "{}: {plan:#?}", sql.name);
            assert!(plan.iter().all(|step| !step.contains("TEMP B-TREE")), "{} is sorted: {plan:#?}", sql.name);
        }
    }
}
