//! Chats and people, as the message log tells of them.

use wharf_api::ids::{AccountId, SessionId};
use wharf_core::meter::Meter;
use wharf_core::store::{ChatRow, ContactRow, Error, Page, PageRequest, Unread};

use super::row::{chat_key, message_columns, of_kind, readable, shown};
use crate::lane::Place;
use crate::sql::{Row, args, page, statements};
use crate::store::SqlStore;

/// A reaction, a vote, an edit or a deletion, as the index `messages_changes` has them: each has the message that it changes.
macro_rules! changes_another {
    ($content:literal) => {
        concat!(
            "(",
            of_kind!($content, "'reaction'"),
            " OR ",
            of_kind!($content, "'poll_vote'"),
            " OR ",
            of_kind!($content, "'edit'"),
            " OR ",
            of_kind!($content, "'deletion'"),
            ")"
        )
    };
}

/// Changes of other messages are no messages to be read.
macro_rules! is_read_for_itself {
    ($content:literal) => {
        concat!("NOT ", changes_another!($content))
    };
}

/// How many messages came in in a chat since it was read, by an index that has nothing else of them. `$what` says which.
macro_rules! count_since_read {
    ($what:expr) => {
        concat!(
            "(SELECT COUNT(*) FROM messages u WHERE u.session_id = $2 AND u.chat_key = page.chat_key \
             AND u.direction = (SELECT MIN(way) FROM ways) AND u.number > COALESCE((SELECT r.until FROM chat_reads r \
             WHERE r.session_id = $2 AND r.chat_key = page.chat_key), 0)",
            $what,
            ")"
        )
    };
}

/// The chats of a session, one after the other by the index `messages_by_chat_and_way`.
macro_rules! first_chat {
    () => {
        "SELECT (SELECT m.chat_key FROM messages m WHERE m.session_id = $2 ORDER BY m.chat_key LIMIT 1)"
    };
}
macro_rules! next_chat {
    () => {
        "(SELECT m.chat_key FROM messages m WHERE m.session_id = $2 AND m.chat_key > chats.chat ORDER BY m.chat_key LIMIT 1)"
    };
}

/// The two ways of a message, `MIN` the incoming one. Written as a value PostgreSQL would take it for the condition of the partial
/// indexes, which lead through the whole session, and prefer these while it has no statistics.
macro_rules! ways {
    () => {
        "ways (way) AS (VALUES ('incoming'), ('outgoing'))"
    };
}

/// The newest message of one way in a chat, by the same index. A change of an older one is none.
macro_rules! newest {
    ($way:literal) => {
        concat!(
            "(SELECT m.number FROM messages m WHERE m.session_id = $2 AND m.chat_key = chats.chat AND m.direction = (SELECT ",
            $way,
            "(way) FROM ways) AND ",
            is_read_for_itself!("m.content"),
            " ORDER BY m.number DESC LIMIT 1)"
        )
    };
}

/// Who sent a message, and which messages tell it: as the index `messages_by_person` has them.
macro_rules! person {
    () => {
        "COALESCE(m.sender_phone, m.sender)"
    };
}
macro_rules! by_person {
    () => {
        "m.direction = 'incoming' AND m.sender IS NOT NULL"
    };
}

statements! {
    /// The newest message of each chat, from one chat to the next by an index: a log of any length has only so many chats.
    /// What is unread is counted for the page alone: all that came in, less what changes another message.
    CHATS = concat!(
        "WITH RECURSIVE ", ways!(), ", chats (chat) AS (", first_chat!(), " UNION ALL SELECT ", next_chat!(), " FROM chats WHERE chat IS NOT NULL) \
         SELECT ", message_columns!(), ", ", count_since_read!(""), " - ",
        count_since_read!(concat!(" AND u.target_wa_id IS NOT NULL AND ", changes_another!("u.content"))), " AS unread, \
         CASE WHEN page.chat LIKE '%@g.us' THEN (SELECT n.name FROM chat_names n WHERE n.session_id = $2 AND n.chat = page.chat) \
         ELSE (SELECT h.sender_name FROM messages h WHERE h.session_id = $2 AND h.chat_key = page.chat_key \
         AND h.direction = (SELECT MIN(way) FROM ways) AND h.sender_name IS NOT NULL ORDER BY h.number DESC LIMIT 1) END AS called, \
         (SELECT n.left_at FROM chat_names n WHERE n.session_id = $2 AND n.chat = page.chat) AS left_at \
         FROM (SELECT chat_key, ", message_columns!(), " FROM messages WHERE number IN (\
         SELECT (SELECT MAX(last) FROM (SELECT ", newest!("MIN"), " AS last UNION ALL SELECT ", newest!("MAX"), ") ends) FROM chats \
         WHERE chat IS NOT NULL AND chat <> 'status@broadcast') \
         AND account_id || '' = $1 AND number < $3 ORDER BY number DESC LIMIT $4) page ORDER BY number DESC"
    );
    UNREAD = concat!(
        "SELECT ", message_columns!(), ", CAST(CASE WHEN number <= (SELECT others_until FROM sessions WHERE id = $2) THEN 1 ELSE 0 END AS BIGINT) FROM messages WHERE account_id = $1 AND session_id = $2 AND chat_key = $3 \
         AND direction = 'incoming' AND ", is_read_for_itself!("content"), " AND number > COALESCE((SELECT until FROM chat_reads WHERE session_id = $2 AND chat_key = $3), 0) \
         ORDER BY number DESC LIMIT $4"
    );
    MARK = "INSERT INTO chat_reads (session_id, chat_key, until) \
        SELECT id, CAST($3 AS TEXT), CAST($4 AS BIGINT) FROM sessions WHERE id = $2 AND account_id = $1 \
        ON CONFLICT (session_id, chat_key) DO UPDATE SET until = CASE WHEN excluded.until > chat_reads.until THEN excluded.until \
        ELSE chat_reads.until END";
    /// `heard` is the newest message that came in from the person: it bears the names.
    CONTACTS = concat!(
        "WITH RECURSIVE ", ways!(), ", chats (chat) AS (", first_chat!(), " UNION ALL SELECT ", next_chat!(), " FROM chats WHERE chat IS NOT NULL), \
         people (person) AS (SELECT (SELECT ", person!(), " FROM messages m WHERE m.session_id = $2 AND ", by_person!(), " ORDER BY 1 LIMIT 1) \
         UNION ALL SELECT (SELECT ", person!(), " FROM messages m WHERE m.session_id = $2 AND ", by_person!(), " AND ", person!(), " > people.person \
         ORDER BY 1 LIMIT 1) FROM people WHERE person IS NOT NULL), \
         seen (person, last, heard) AS (SELECT person, heard, heard FROM (SELECT person, (SELECT MAX(m.number) FROM messages m \
         WHERE m.session_id = $2 AND ", by_person!(), " AND ", person!(), " = people.person) AS heard FROM people WHERE person IS NOT NULL) h \
         UNION ALL SELECT chat, ", newest!("MAX"), ", CAST(NULL AS BIGINT) FROM chats \
         WHERE chat IS NOT NULL AND chat NOT LIKE '%@g.us' AND chat NOT LIKE '%@broadcast') \
         SELECT p.last, p.person, l.created_at, h.sender, h.sender_phone, h.sender_lid, h.sender_name \
         FROM (SELECT person, MAX(last) AS last, MAX(heard) AS heard FROM seen GROUP BY person) p \
         JOIN messages l ON l.number = p.last AND l.account_id = $1 LEFT JOIN messages h ON h.number = p.heard \
         WHERE p.last < $3 AND (CAST($4 AS TEXT) IS NULL OR p.person = $4 OR h.sender_lid = $4 OR h.sender = $4) \
         ORDER BY p.last DESC LIMIT $5"
    );
}

fn chat(row: &mut Row, meter: &Meter) -> Result<(i64, ChatRow), Error> {
    let (number, last) = shown(row, meter)?;
    Ok((number, ChatRow { last, unread: row.count()?, called: row.opt_text()?, left_at: row.opt_time()? }))
}

fn contact(row: &mut Row) -> Result<(i64, ContactRow), Error> {
    let (number, person, last_message_at) = (row.int()?, row.text()?, row.time()?);
    let (sender, phone, lid, name) = (row.opt_text()?, row.opt_text()?, row.opt_text()?, row.opt_text()?);
    let digits = person.bytes().all(|b| b.is_ascii_digit());
    let phone = phone.or_else(|| digits.then(|| person.clone()));
    let id = sender.unwrap_or_else(|| if digits { format!("{person}@s.whatsapp.net") } else { person.clone() });
    let lid = lid.or_else(|| id.ends_with("@lid").then(|| id.clone()));
    Ok((number, ContactRow { id, phone, lid, name, last_message_at }))
}

impl SqlStore {
    pub(super) async fn list_chats(&self, account: &AccountId, session: &SessionId, request: PageRequest) -> Result<Page<ChatRow>, Error> {
        let args = args![account, session, request.after.unwrap_or(i64::MAX), page::fetch(request)];
        page::cut(self.readers.walk(account, &CHATS, args).await?, request, |row| chat(row, &self.meter))
    }

    pub(super) async fn unread(&self, account: &AccountId, session: &SessionId, chat: &str, limit: u32) -> Result<Unread, Error> {
        let rows = self.readers.fetch(&UNREAD, args![account, session, chat_key(chat, None), i64::from(limit)]).await?;
        let mut unread = Unread::default();
        for mut row in rows.into_iter().rev() {
            let Some((number, message)) = readable(&mut row)? else { continue };
            unread.until = number;
            // Who wrote to another number is told nothing by this one.
            if !row.flag()? {
                unread.rows.push(message);
            }
        }
        Ok(unread)
    }

    pub(super) async fn mark_read(&self, account: &AccountId, session: &SessionId, chat: &str, until: i64) -> Result<(), Error> {
        let (tenant, read, chat) = (account.clone(), session.clone(), chat_key(chat, None).to_owned());
        self.write(Place::session(account, session), move |tx| {
            Box::pin(async move { tx.execute(&MARK, args![&tenant, &read, &chat, until]).await.map(drop) })
        })
        .await
    }

    pub(super) async fn list_contacts(
        &self,
        account: &AccountId,
        session: &SessionId,
        request: PageRequest,
    ) -> Result<Page<ContactRow>, Error> {
        let args = args![account, session, request.after.unwrap_or(i64::MAX), None::<&str>, page::fetch(request)];
        page::cut(self.readers.walk(account, &CONTACTS, args).await?, request, contact)
    }

    pub(super) async fn find_contact(&self, account: &AccountId, session: &SessionId, person: &str) -> Result<Option<ContactRow>, Error> {
        let args = args![account, session, i64::MAX, Some(person), 1_i64];
        // It goes through all people of the session.
        let row = self.readers.walk(account, &CONTACTS, args).await?.into_iter().next();
        row.map(|mut row| contact(&mut row).map(|(_, contact)| contact)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::row::of_every_kind;
    use crate::migrations::{sqlite_plan_on, sqlite_schema};

    #[test]
    fn every_message_is_read_for_itself_but_for_those_that_change_another() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        for content in of_every_kind() {
            let said = serde_json::to_string(&content).unwrap();
            let for_itself: bool = conn.query_row(concat!("SELECT ", is_read_for_itself!("?1")), [&said], |row| row.get(0)).unwrap();
            assert_eq!(for_itself, content.target().is_none(), "{said}");
        }
    }

    #[test]
    fn the_lists_go_by_indexes_however_long_the_log_is() {
        let conn = sqlite_schema();
        for (sql, indexes) in
            [(CHATS, &["messages_by_chat_and_way", "messages_changes"]), (CONTACTS, &["messages_by_chat_and_way", "messages_by_person"])]
        {
            let steps = sqlite_plan_on(&conn, &sql);
            let on_log: Vec<_> = steps
                .iter()
                .filter(|step| step.split(' ').nth(1).is_some_and(|table| ["messages", "m", "u", "l", "h"].contains(&table)))
                .collect();
            assert!(on_log.len() >= 5, "{steps:?}");
            let allowed = |step: &str| step.contains("INTEGER PRIMARY KEY") || indexes.iter().any(|index| step.contains(index));
            assert!(on_log.iter().all(|step| step.starts_with("SEARCH") && allowed(step)), "{}: {on_log:#?}", sql.name);
        }
    }

    #[test]
    fn what_is_unread_is_counted_in_indexes() {
        let plan = sqlite_plan_on(&sqlite_schema(), &CHATS);
        let counted: Vec<_> = plan.iter().filter(|step| step.starts_with("SEARCH u ")).collect();
        let by = |index: &str| format!("{index} (session_id=? AND chat_key=? AND direction=? AND number>?)");
        assert_eq!(counted.len(), 2, "{plan:#?}");
        assert!(counted[0].contains(&format!("COVERING INDEX {}", by("messages_by_chat_and_way"))), "{counted:#?}");
        assert!(counted[1].contains(&by("messages_changes")), "{counted:#?}");
    }
}
