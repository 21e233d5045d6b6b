//! Looking messages up.

use wharf_api::ids::{AccountId, MessageId, SessionId};
use wharf_api::types::message::{Direction, MessageStatus};
use wharf_core::store::{Error, MessageFilter, MessageRow, Page, PageRequest};

use super::row::{chat_key, message_columns, of_kind, shown};
use super::when::NumberSpan;
use crate::sql::{Row, Sql, among, args, listed, page, spelled, statements};
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

/// Names the index to SQLite, which would take one of all messages. PostgreSQL finds it by the statement's condition.
macro_rules! by {
    (sqlite, $index:literal) => {
        concat!(" INDEXED BY ", $index)
    };
    (postgres, $index:literal) => {
        ""
    };
}

/// A list of what is rare, by an index that has nothing else.
macro_rules! rare {
    ($database:ident, $index:literal, $first:expr) => {
        concat!(
            "SELECT ",
            message_columns!(),
            " FROM messages",
            by!($database, $index),
            " WHERE ",
            $first,
            " AND ",
            wanted!($database),
            " ORDER BY number DESC LIMIT $8"
        )
    };
}

/// What failed.
macro_rules! failed {
    ($database:ident) => {
        rare!($database, "messages_failed", "account_id = $1 AND status = 'failed'")
    };
}

/// The kind of what is no text, as its index has it.
macro_rules! kind {
    (sqlite) => {
        "SUBSTR(content, 10, INSTR(SUBSTR(content, 10, 31), '\"') - 1)"
    };
    (postgres) => {
        "SPLIT_PART(SUBSTR(content, 1, 40), '\"', 4)"
    };
}

/// What is of a kind that is not text.
macro_rules! of_type {
    ($database:ident) => {
        rare!(
            $database,
            "messages_by_type",
            concat!("account_id = $1 AND ", kind!($database), " = $11 AND number > $15 AND SUBSTR(content, 1, 14) <> '{\"type\":\"text\"'")
        )
    };
}

/// Made more than five minutes before its id.
macro_rules! is_behind {
    (sqlite) => {
        "id >= 'msg_' || PRINTF('%012x', MIN(created_at, 281474976000000) + 300000)"
    };
    (postgres) => {
        "id >= 'msg_' || LPAD(TO_HEX(LEAST(created_at, 281474976000000) + 300000), 12, '0')"
    };
}

/// Made more than five minutes after its id.
macro_rules! is_ahead {
    (sqlite) => {
        "id < 'msg_' || PRINTF('%012x', MAX(created_at, 300000) - 300000)"
    };
    (postgres) => {
        "id < 'msg_' || LPAD(TO_HEX(GREATEST(created_at, 300000) - 300000), 12, '0')"
    };
}

/// What is older than its id tells.
macro_rules! behind {
    ($database:ident) => {
        rare!($database, "messages_behind", concat!("account_id || '' = $1 AND number > $15 AND ", is_behind!($database)))
    };
}

/// What is younger than its id tells.
macro_rules! ahead {
    ($database:ident) => {
        rare!($database, "messages_ahead", concat!("account_id || '' = $1 AND number > $15 AND ", is_ahead!($database)))
    };
}

/// The newest of a session's queue that the list shows.
macro_rules! newest_waiting {
    ($session:literal, $below:literal) => {
        concat!(
            "(SELECT number FROM messages INDEXED BY messages_queued WHERE session_id = ",
            $session,
            " AND status = 'queued'",
            $below,
            " AND ",
            wanted!(sqlite),
            " ORDER BY number DESC LIMIT 1)"
        )
    };
}

/// What is queued, out of the queues of the sessions.
macro_rules! waiting {
    // It takes the newest of all and puts the one behind it in its place, until the page is full. `NULL` comes last.
    (sqlite, $of:literal) => {
        concat!(
            "WITH RECURSIVE found (last, session) AS (SELECT ",
            newest_waiting!("s.id", ""),
            ", s.id FROM sessions s WHERE ",
            $of,
            " UNION ALL SELECT ",
            newest_waiting!("found.session", " AND number < found.last"),
            ", session FROM found WHERE last IS NOT NULL ORDER BY 1 DESC LIMIT $8) SELECT ",
            message_columns!(),
            " FROM messages WHERE number IN (SELECT last FROM found) ORDER BY number DESC"
        )
    };
    (postgres, $of:literal) => {
        concat!(
            "SELECT m.* FROM sessions s CROSS JOIN LATERAL (SELECT ",
            message_columns!(),
            " FROM messages WHERE session_id = s.id AND status = 'queued' AND ",
            wanted!(postgres),
            " ORDER BY number DESC LIMIT $8) m WHERE ",
            $of,
            " ORDER BY m.number DESC LIMIT $8"
        )
    };
}

/// The newest message of a chat that the list shows, of one session and one way: the index `messages_by_chat_and_way` has those of each in
/// their order.
macro_rules! newest_in_chat {
    ($database:ident, $session:literal, $way:literal, $between:expr) => {
        concat!(
            "(SELECT number FROM messages",
            by!($database, "messages_by_chat_and_way"),
            " WHERE session_id = ",
            $session,
            " AND chat_key = $7 AND direction = ",
            $way,
            $between,
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
    ($database:ident, $of:literal) => {
        in_chat!($database, $of, "")
    };
    // It takes the newest of all and puts the one behind it in its place, until the page is full. `NULL` comes last.
    (sqlite, $of:literal, $above:literal) => {
        concat!(
            "WITH RECURSIVE ways (way) AS (VALUES ('incoming'), ('outgoing')), found (last, session, way) AS (SELECT ",
            newest_in_chat!(sqlite, "s.id", "w.way", $above),
            ", s.id, w.way",
            sessions_and_ways!(sqlite, $of),
            " UNION ALL SELECT ",
            newest_in_chat!(sqlite, "found.session", "found.way", concat!(" AND number < found.last", $above)),
            ", session, way FROM found WHERE last IS NOT NULL ORDER BY 1 DESC LIMIT $8) SELECT ",
            message_columns!(),
            " FROM messages WHERE number IN (SELECT last FROM found) ORDER BY number DESC"
        )
    };
    // No more lists than the page has rows can have a part in it: those whose newest are the newest.
    (postgres, $of:literal, $above:literal) => {
        concat!(
            "WITH ways (way) AS (VALUES ('incoming'), ('outgoing')), found AS (SELECT s.id AS session, w.way, ",
            newest_in_chat!(postgres, "s.id", "w.way", $above),
            " AS last",
            sessions_and_ways!(postgres, $of),
            " ORDER BY last DESC NULLS LAST LIMIT $8) SELECT m.* FROM found CROSS JOIN LATERAL (SELECT ",
            message_columns!(),
            " FROM messages WHERE session_id = found.session AND chat_key = $7 AND direction = found.way AND number <= found.last",
            $above,
            " AND ",
            wanted!(postgres),
            " ORDER BY number DESC LIMIT $8) m ORDER BY m.number DESC LIMIT $8"
        )
    };
}

/// A list of a chat between two numbers.
macro_rules! within_chat {
    ($database:ident, $of:literal) => {
        in_chat!($database, $of, " AND number > $15")
    };
}

statements! {
    OF_ANOTHER_NUMBER = "SELECT 1 FROM messages m JOIN sessions s ON s.id = m.session_id WHERE m.account_id = $1 AND m.id = $2 \
        AND m.number <= s.others_until";
    FIND = concat!("SELECT ", message_columns!(), " FROM messages WHERE account_id = $1 AND id = $2");
    /// The message behind so many others.
    BACK_IN_ACCOUNT = "SELECT number FROM messages WHERE account_id = $1 AND number < $2 ORDER BY number DESC LIMIT 1 OFFSET $3";
    /// Of a session of the account: how much others have is nobody's business.
    BACK_IN_SESSION = "SELECT number FROM messages WHERE session_id = (SELECT id FROM sessions WHERE account_id = $1 AND id = $4) \
        AND number < $2 ORDER BY number DESC LIMIT 1 OFFSET $3";
    /// The newest message of a chat that has so many behind it of its own session and way; none where no way has as many.
    BACK_IN_CHAT = "WITH ways (way) AS (VALUES ('incoming'), ('outgoing')) SELECT MAX(last) FROM (SELECT (SELECT number FROM messages \
        WHERE session_id = s.id AND chat_key = $5 AND direction = w.way AND number < $2 ORDER BY number DESC LIMIT 1 OFFSET $3) AS last \
        FROM sessions s CROSS JOIN ways w WHERE s.account_id = $1 AND (CAST($4 AS TEXT) IS NULL OR s.id = $4)) looks";
}

const BY_ACCOUNT: Sql = spelled!("BY_ACCOUNT", list, "account_id = $1");
// The empty text keeps the planner from the account's index where a narrower one serves.
const BY_SESSION: Sql = spelled!("BY_SESSION", list, "account_id || '' = $1 AND session_id = $6");
/// Between two numbers.
const WITHIN_ACCOUNT: Sql = spelled!("WITHIN_ACCOUNT", list, "account_id = $1 AND number > $15");
const WITHIN_SESSION: Sql = spelled!("WITHIN_SESSION", list, "account_id || '' = $1 AND session_id = $6 AND number > $15");
const BEHIND: Sql = spelled!("BEHIND", behind);
const AHEAD: Sql = spelled!("AHEAD", ahead);
const FAILED: Sql = spelled!("FAILED", failed);
const OF_TYPE: Sql = spelled!("OF_TYPE", of_type);
const WAITING: Sql = spelled!("WAITING", waiting, "s.account_id = $1");
const WAITING_IN_SESSION: Sql = spelled!("WAITING_IN_SESSION", waiting, "s.account_id = $1 AND s.id = $6");
const BY_CHAT: Sql = spelled!("BY_CHAT", in_chat, "s.account_id = $1");
const BY_CHAT_OF_SESSION: Sql = spelled!("BY_CHAT_OF_SESSION", in_chat, "s.account_id = $1 AND s.id = $6");
const WITHIN_CHAT: Sql = spelled!("WITHIN_CHAT", within_chat, "s.account_id = $1");
const WITHIN_CHAT_OF_SESSION: Sql = spelled!("WITHIN_CHAT_OF_SESSION", within_chat, "s.account_id = $1 AND s.id = $6");
const BY_REFERENCE: Sql = spelled!("BY_REFERENCE", list, "account_id = $1 AND reference = $13");
/// Each direction has an index of its own.
const BY_WIRE: Sql = spelled!(
    "BY_WIRE",
    list,
    "account_id = $1 AND number IN \
     (SELECT o.number FROM messages o WHERE o.session_id = $6 AND o.wa_id = $14 AND o.direction = 'outgoing' UNION ALL \
     SELECT i.number FROM messages i WHERE i.session_id = $6 AND i.wa_id = $14 AND i.direction = 'incoming')"
);
pub(super) const BY_HAND: &[Sql] = &[
    BY_ACCOUNT,
    BY_SESSION,
    WITHIN_ACCOUNT,
    WITHIN_SESSION,
    BEHIND,
    AHEAD,
    FAILED,
    OF_TYPE,
    WAITING,
    WAITING_IN_SESSION,
    BY_CHAT,
    BY_CHAT_OF_SESSION,
    WITHIN_CHAT,
    WITHIN_CHAT_OF_SESSION,
    BY_REFERENCE,
    BY_WIRE,
];

/// How many arguments each list takes.
const ARGS: usize = 14;

/// A way to look through a list for words: what tells how far so many messages lead, how many arguments that takes, and the list so far.
type LookedThrough = (&'static Sql, usize, &'static Sql);

/// How many messages are looked through for words at once, and how many more where these do not fill the page; in a chat so many of each
/// session and way. Then the page ends: after some milliseconds, and a client that goes on to the end of a million asks two hundred times.
const LOOKS: [u32; 2] = [1_000, 4_000];

/// A stretch of a list, below a number.
#[derive(Clone, Copy)]
struct Stretch {
    sql: &'static Sql,
    below: i64,
    /// Of a statement between two numbers: the other one.
    above: Option<i64>,
}

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
        // A time that ends before it begins has no numbers either: it would be looked for in the whole log.
        let is_no_time = filter.since.zip(filter.until).is_some_and(|(since, until)| since >= until);
        if is_no_time || filter.session.as_ref().is_some_and(forbidden) {
            return Ok(Page { rows: Vec::new(), next: None });
        }
        let below = request.after.unwrap_or(i64::MAX);
        let (rows, rest) = match looked_through(filter) {
            Some(way) => self.look_through(account, filter, request, way).await?,
            None => (self.read_stretches(account, filter, request, self.stretches(filter, below).await?).await?, None),
        };
        let mut page = page::cut(rows, request, |row| shown(row, &self.meter))?;
        page.next = page.next.or(rest);
        if let Some(words) = &filter.text {
            // The pattern finds what is written anywhere in the row's JSON, the names of members among it.
            page.rows.retain(|row| row.content.says(words));
        }
        Ok(page)
    }

    /// The newest that have the words, as far as a page looks, and below which number it goes on.
    async fn look_through(
        &self,
        account: &AccountId,
        filter: &MessageFilter,
        request: PageRequest,
        (back, taken, within): LookedThrough,
    ) -> Result<(Vec<Row>, Option<i64>), Error> {
        let session = filter.session.as_ref().map(SessionId::as_str);
        let chat = filter.chat.as_deref().map(|chat| chat_key(chat, None));
        let (mut rows, mut below) = (Vec::new(), request.after.unwrap_or(i64::MAX));
        for passed in LOOKS {
            let args = args![account, below, passed, session, chat];
            let last = self.readers.walk(account, back, &args[..taken]).await?.into_iter().next();
            let last = last.map_or(Ok(None), |mut row| row.opt_int())?;
            let stretch = Stretch { sql: within, below, above: Some(last.unwrap_or_default()) };
            rows.extend(self.read_stretches(account, filter, request, vec![stretch]).await?);
            let Some(last) = last.filter(|_| rows.len() <= request.limit as usize) else { return Ok((rows, None)) };
            below = last + 1;
        }
        Ok((rows, Some(below)))
    }

    /// The rows of stretches until they fill the page.
    async fn read_stretches(
        &self,
        account: &AccountId,
        filter: &MessageFilter,
        request: PageRequest,
        stretches: Vec<Stretch>,
    ) -> Result<Vec<Row>, Error> {
        let bound = filter.sessions.as_ref().map(|ids| listed(ids.iter().map(SessionId::as_str)));
        let chat = filter.chat.as_deref().map(|chat| chat_key(chat, None));
        let words = filter.text.as_deref().map(pattern);
        let mut rows = Vec::new();
        for stretch in stretches {
            let args = args![
                account,
                stretch.below,
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
                stretch.above,
            ];
            let taken = ARGS + usize::from(stretch.above.is_some());
            rows.extend(self.readers.walk(account, stretch.sql, &args[..taken]).await?);
            if rows.len() > request.limit as usize {
                break;
            }
        }
        Ok(rows)
    }

    /// The stretches of the list, one below the other. A list of a time has three: what is above it and older than its id tells, what
    /// stands where that time does, and what is below and younger.
    async fn stretches(&self, filter: &MessageFilter, below: i64) -> Result<Vec<Stretch>, Error> {
        let sql = statement(filter);
        let between = [(BY_ACCOUNT, &WITHIN_ACCOUNT), (BY_SESSION, &WITHIN_SESSION), (OF_TYPE, &OF_TYPE)];
        let Some((_, within)) = between.into_iter().find(|(whole, _)| whole.name == sql.name) else {
            return Ok(vec![Stretch { sql, below, above: None }]);
        };
        if filter.since.is_none() && filter.until.is_none() {
            return Ok(vec![Stretch { sql, below, above: (sql.name == within.name).then_some(0) }]);
        }
        let NumberSpan { above, through } = self.numbers_of(filter.since, filter.until).await?;
        let mut stretches = Vec::new();
        if through < below {
            stretches.push(Stretch { sql: &BEHIND, below, above: Some(through) });
        }
        stretches.push(Stretch { sql: within, below: below.min(through.saturating_add(1)), above: Some(above) });
        if above > 0 {
            stretches.push(Stretch { sql: &AHEAD, below: below.min(above + 1), above: Some(0) });
        }
        Ok(stretches)
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
    if is_filed {
        return if filter.session.is_some() { &BY_CHAT_OF_SESSION } else { &BY_CHAT };
    }
    match (filter.status, &filter.session) {
        (Some(MessageStatus::Failed), _) => &FAILED,
        (Some(MessageStatus::Queued), Some(_)) => &WAITING_IN_SESSION,
        (Some(MessageStatus::Queued), None) => &WAITING,
        (_, Some(_)) => &BY_SESSION,
        (_, None) if filter.kind.as_ref().is_some_and(|kind| kind != "text") => &OF_TYPE,
        (_, None) => &BY_ACCOUNT,
    }
}

/// For words that are looked for in all that an account, a session or a chat has: what tells how far, and the list so far.
fn looked_through(filter: &MessageFilter) -> Option<LookedThrough> {
    if filter.text.is_none() || filter.since.is_some() || filter.until.is_some() {
        return None;
    }
    match statement(filter).name {
        name if name == BY_ACCOUNT.name => Some((&BACK_IN_ACCOUNT, 3, &WITHIN_ACCOUNT)),
        name if name == BY_SESSION.name => Some((&BACK_IN_SESSION, 4, &WITHIN_SESSION)),
        name if name == BY_CHAT.name => Some((&BACK_IN_CHAT, 5, &WITHIN_CHAT)),
        name if name == BY_CHAT_OF_SESSION.name => Some((&BACK_IN_CHAT, 5, &WITHIN_CHAT_OF_SESSION)),
        _ => None,
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
        let part_of_chat = "messages_by_chat_and_way (session_id=? AND chat_key=? AND direction=? AND number>? AND number<?)";
        for (sql, index) in [
            (&BY_ACCOUNT, "messages_by_account (account_id=? AND number<?)"),
            (&BY_SESSION, "messages_by_session (session_id=? AND number<?)"),
            (&BY_CHAT, chat),
            (&BY_CHAT_OF_SESSION, chat),
            (&BACK_IN_CHAT, chat),
            (&WITHIN_CHAT, part_of_chat),
            (&WITHIN_CHAT_OF_SESSION, part_of_chat),
            (&BY_REFERENCE, "messages_by_reference (account_id=? AND reference=? AND rowid<?)"),
            (&WITHIN_ACCOUNT, "messages_by_account (account_id=? AND number>? AND number<?)"),
            (&WITHIN_SESSION, "messages_by_session (session_id=? AND number>? AND number<?)"),
            (&BEHIND, "messages_behind (<expr>=? AND number>? AND number<?)"),
            (&AHEAD, "messages_ahead (<expr>=? AND number>? AND number<?)"),
            (&FAILED, "messages_failed (account_id=? AND number<?)"),
            (&OF_TYPE, "messages_by_type (account_id=? AND <expr>=? AND number>? AND number<?)"),
        ] {
            let plan = sqlite_plan_on(&conn, sql);
            let on_log: Vec<_> = plan.iter().filter(|step| step.split(' ').nth(1) == Some("messages")).collect();
            assert!(on_log.iter().any(|step| step.contains(index)), "{}: {plan:#?}", sql.name);
            let allowed = |step: &str| step.contains("INTEGER PRIMARY KEY") || step.contains(index);
            assert!(on_log.iter().all(|step| step.starts_with("SEARCH") && allowed(step)), "{}: {plan:#?}", sql.name);
            assert!(plan.iter().all(|step| !step.contains("TEMP B-TREE")), "{} is sorted: {plan:#?}", sql.name);
        }
    }

    #[test]
    fn what_is_queued_is_found_in_the_queues_alone() {
        let conn = sqlite_schema();
        for sql in [&WAITING, &WAITING_IN_SESSION] {
            let plan = sqlite_plan_on(&conn, sql);
            let queue = "messages_queued (session_id=? AND number<?)";
            let on_log: Vec<_> = plan.iter().filter(|step| step.split(' ').nth(1) == Some("messages")).collect();
            // The newest of each queue, the next one of that queue, and the rows: a page reads no more of a queue than it shows.
            let of_queues = on_log.iter().filter(|step| step.starts_with("SEARCH") && step.contains(queue)).count();
            let of_rows = on_log.iter().filter(|step| step.contains("INTEGER PRIMARY KEY (rowid=?)")).count();
            assert_eq!((of_queues, of_rows, on_log.len()), (2, 1, 3), "{}: {plan:#?}", sql.name);
            assert!(plan.iter().all(|step| !step.contains("TEMP B-TREE")), "{} is sorted: {plan:#?}", sql.name);
        }
    }

    #[test]
    fn the_conditions_of_the_lists_are_those_of_their_indexes() {
        let (sqlite, postgres) =
            (include_str!("../../migrations/sqlite/0053_rare.sql"), include_str!("../../migrations/postgres/0053_rare.sql"));
        for condition in [kind!(sqlite), is_behind!(sqlite), is_ahead!(sqlite)] {
            assert!(sqlite.contains(condition), "{condition}");
        }
        for condition in [kind!(postgres), is_behind!(postgres), is_ahead!(postgres)] {
            assert!(postgres.contains(condition), "{condition}");
        }
    }
}
