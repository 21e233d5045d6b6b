//! Chats and people, as the message log tells of them.

use wharf_api::ids::{AccountId, SessionId};
use wharf_core::store::{ChatRow, ContactRow, Error, Page, PageRequest, Unread};

use super::row::{chat_key, message, message_columns};
use crate::open::SqlStore;
use crate::sql::{Row, args, page, statements};

/// Changes of other messages (a reaction, a vote, an edit, a deletion) are no messages to be read. What a row says is JSON that begins with
/// its type.
macro_rules! is_read_for_itself {
    ($content:literal) => {
        concat!(
            "NOT (",
            $content,
            " LIKE '{\"type\":\"reaction\"%' OR ",
            $content,
            " LIKE '{\"type\":\"poll_vote\"%' OR ",
            $content,
            " LIKE '{\"type\":\"edit\"%' OR ",
            $content,
            " LIKE '{\"type\":\"deletion\"%')"
        )
    };
}

statements! {
    CHATS = concat!(
        "SELECT ", message_columns!(), ", (SELECT COUNT(*) FROM messages u WHERE u.account_id = messages.account_id \
         AND u.chat_key = messages.chat_key AND u.session_id = $2 AND u.direction = 'incoming' AND ", is_read_for_itself!("u.content"), " AND u.number > COALESCE((SELECT r.until \
         FROM chat_reads r WHERE r.session_id = $2 AND r.chat_key = messages.chat_key), 0)) AS unread \
         FROM messages WHERE number IN (SELECT MAX(l.number) FROM messages l WHERE l.session_id = $2 AND l.chat <> 'status@broadcast' GROUP BY l.chat_key) \
         AND account_id = $1 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    UNREAD = concat!(
        "SELECT ", message_columns!(), " FROM messages WHERE account_id = $1 AND session_id = $2 AND chat_key = $3 \
         AND direction = 'incoming' AND ", is_read_for_itself!("content"), " AND number > COALESCE((SELECT until FROM chat_reads WHERE session_id = $2 AND chat_key = $3), 0) \
         ORDER BY number DESC LIMIT $4"
    );
    MARK = "INSERT INTO chat_reads (session_id, chat_key, until) \
        SELECT id, CAST($3 AS TEXT), CAST($4 AS BIGINT) FROM sessions WHERE id = $2 AND account_id = $1 \
        ON CONFLICT (session_id, chat_key) DO UPDATE SET until = CASE WHEN excluded.until > chat_reads.until THEN excluded.until \
        ELSE chat_reads.until END";
    /// `heard` is the newest message that came in from the person: it bears the names.
    CONTACTS = "SELECT p.last, p.person, l.created_at, h.sender, h.sender_phone, h.sender_lid, h.sender_name FROM (\
        SELECT person, MAX(number) AS last, MAX(heard) AS heard FROM (\
        SELECT COALESCE(sender_phone, sender) AS person, number, number AS heard FROM messages \
        WHERE account_id || '' = $1 AND session_id = $2 AND direction = 'incoming' AND sender IS NOT NULL \
        UNION ALL SELECT chat_key AS person, number, CAST(NULL AS BIGINT) AS heard FROM messages \
        WHERE account_id || '' = $1 AND session_id = $2 AND direction = 'outgoing' AND chat NOT LIKE '%@g.us' AND chat NOT LIKE '%@broadcast'\
        ) seen GROUP BY person) p JOIN messages l ON l.number = p.last LEFT JOIN messages h ON h.number = p.heard \
        WHERE p.last < $3 AND (CAST($4 AS TEXT) IS NULL OR p.person = $4 OR h.sender_lid = $4 OR h.sender = $4) \
        ORDER BY p.last DESC LIMIT $5";
}

fn chat(row: &mut Row) -> Result<(i64, ChatRow), Error> {
    let (number, last) = message(row)?;
    Ok((number, ChatRow { last, unread: row.count()? }))
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
    pub(super) async fn chats(&self, account: &AccountId, session: &SessionId, request: PageRequest) -> Result<Page<ChatRow>, Error> {
        let args = args![account, session, request.after.unwrap_or(i64::MAX), page::fetch(request)];
        page::cut(self.readers.fetch(&CHATS, args).await?, request, chat)
    }

    pub(super) async fn not_read(&self, account: &AccountId, session: &SessionId, chat: &str, limit: u32) -> Result<Unread, Error> {
        let rows = self.readers.fetch(&UNREAD, args![account, session, chat_key(chat, None), i64::from(limit)]).await?;
        let mut unread = Unread::default();
        for mut row in rows.into_iter().rev() {
            let (number, message) = message(&mut row)?;
            unread.until = number;
            unread.rows.push(message);
        }
        Ok(unread)
    }

    pub(super) async fn note_read(&self, account: &AccountId, session: &SessionId, chat: &str, until: i64) -> Result<(), Error> {
        let (tenant, read, chat) = (account.clone(), session.clone(), chat_key(chat, None).to_owned());
        self.write(account.as_str(), session.as_str(), move |tx| {
            Box::pin(async move { tx.execute(&MARK, args![&tenant, &read, &chat, until]).await.map(drop) })
        })
        .await
    }

    pub(super) async fn contacts(&self, account: &AccountId, session: &SessionId, request: PageRequest) -> Result<Page<ContactRow>, Error> {
        let args = args![account, session, request.after.unwrap_or(i64::MAX), None::<&str>, page::fetch(request)];
        page::cut(self.readers.fetch(&CONTACTS, args).await?, request, contact)
    }

    pub(super) async fn contact(&self, account: &AccountId, session: &SessionId, person: &str) -> Result<Option<ContactRow>, Error> {
        let args = args![account, session, i64::MAX, Some(person), 1_i64];
        // The index ends at the session: this reads all of its messages.
        let row = self.readers.fetch(&CONTACTS, args).await?.into_iter().next();
        row.map(|mut row| contact(&mut row).map(|(_, contact)| contact)).transpose()
    }
}
