//! What the writes of a group leave for its end on PostgreSQL, in one statement: one way to the server instead of one for each table.
//!
//! Its parts change different rows, but for what an inserted row brings along: none of them has to see what another one does.

use crate::sql::{Joint, Sql};

/// What becomes of keys of vaults, each once: its value, or nothing.
pub(crate) const KEYS: usize = 0;
/// Events in the order in which they were drawn, each with whether webhooks are asked who wants it.
pub(crate) const EVENTS: usize = 1;
/// The number that a session's last event has.
pub(crate) const SEQUENCES: usize = 2;
/// Messages that move, each once: its number, its status, and when it was sent, delivered, read and played.
pub(crate) const MOVES: usize = 3;
/// Messages that are accepted, with their payloads: the columns of `messages` as the single statement has them, then those of `outgoing`.
pub(crate) const MESSAGES: usize = 4;
/// What an account has sent on a day, and the last warning of it.
pub(crate) const DAYS: usize = 5;
/// Claims of keys that are free, or whose time is over.
pub(crate) const CLAIMS: usize = 6;

/// Which webhooks (`w`) want an event (`e`). One without a session wants those of all sessions and of the account. The star is for each
/// step once.
macro_rules! wants {
    ($database:ident) => {
        concat!(
            "w.enabled = 1 AND (w.session_id IS NULL OR w.session_id = e.session_id) AND ((e.repeated = 0 AND ",
            $crate::sql::names!($database, "w.events", "'*'"),
            ") OR ",
            $crate::sql::names!($database, "w.events", "e.kind"),
            ")"
        )
    };
}
pub(crate) use wants;

/// What becomes of a key that was claimed before: it changes nothing, unless its time is over.
macro_rules! reclaims {
    () => {
        "ON CONFLICT (account_id, operation, key) DO UPDATE SET request_hash = excluded.request_hash, \
        resource_id = excluded.resource_id, created_at = excluded.created_at, expires_at = excluded.expires_at, \
        answer_status = NULL, answer_body = NULL \
        WHERE idempotency.expires_at <= excluded.created_at"
    };
}
pub(crate) use reclaims;

/// What is put into vaults.
macro_rules! put {
    () => {
        "v AS (SELECT * FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::TEXT[]) AS v(session_id, space, key, value)), \
        put AS (INSERT INTO vault (session_id, space, key, value) SELECT v.session_id, v.space, v.key, decode(v.value, 'hex') \
        FROM v WHERE v.value IS NOT NULL ON CONFLICT (session_id, space, key) DO UPDATE SET value = excluded.value)"
    };
}

/// And what is taken out of them.
macro_rules! take {
    () => {
        "DELETE FROM vault USING v WHERE v.value IS NULL \
        AND vault.session_id = v.session_id AND vault.space = v.space AND vault.key = v.key"
    };
}

/// What every step leaves: its events and the last number of its session.
///
/// A session is found by its id. Where PostgreSQL plans once for all lists it takes each for one of ten, and reads all sessions for as many;
/// what is always true (`s.id || '' = s.id`) it takes for true of few. The account stands in words that no index knows.
macro_rules! steps {
    () => {
        "l AS (SELECT * FROM unnest( \
        $5::TEXT[], $6::TEXT[], $7::TEXT[], $8::TEXT[], $9::TEXT[], $10::TEXT[], $11::TEXT[], $12::TEXT[], $13::TEXT[]) \
        WITH ORDINALITY AS l(id, account_id, session_id, sequence, kind, at, data, repeated, hooked, place)), \
        e AS (INSERT INTO events (id, account_id, session_id, sequence, kind, at, data, repeated) SELECT \
        l.id, l.account_id, l.session_id, CAST(l.sequence AS BIGINT), l.kind, CAST(l.at AS BIGINT), l.data, \
        CAST(l.repeated AS BIGINT) FROM l ORDER BY l.place RETURNING number, id, account_id, session_id, kind, repeated), \
        numbered AS (UPDATE sessions SET event_sequence = CAST(s.sequence AS BIGINT) \
        FROM unnest($14::TEXT[], $15::TEXT[], $16::TEXT[]) AS s(id, account_id, sequence) \
        WHERE sessions.id = s.id AND s.id || '' = s.id AND sessions.account_id || '' = s.account_id)"
    };
}

/// What becomes of messages that move: they have not failed, and keep the times that they have. They are found by their numbers, as a
/// session is by its id.
macro_rules! moves {
    ($lists:literal) => {
        concat!(
            "UPDATE messages SET status = g.status, error_code = NULL, error_reason = NULL, doubtful = 0, failed_at = NULL, \
            sent_at = COALESCE(messages.sent_at, CAST(g.sent_at AS BIGINT)), \
            delivered_at = COALESCE(messages.delivered_at, CAST(g.delivered_at AS BIGINT)), \
            read_at = COALESCE(messages.read_at, CAST(g.read_at AS BIGINT)), \
            played_at = COALESCE(messages.played_at, CAST(g.played_at AS BIGINT)) FROM unnest(",
            $lists,
            ") AS g(number, status, sent_at, delivered_at, read_at, played_at) \
            WHERE messages.number = CAST(g.number AS BIGINT) AND g.number || '' = g.number"
        )
    };
}

/// Those of every step, as a part of its statement.
macro_rules! moved {
    () => {
        concat!("moved AS (", moves!("$17::TEXT[], $18::TEXT[], $19::TEXT[], $20::TEXT[], $21::TEXT[], $22::TEXT[]"), ")")
    };
}

/// Returns the webhooks that have something to deliver of the events.
macro_rules! deliveries {
    () => {
        concat!(
            " INSERT INTO deliveries (webhook, event, state, next_at, tries, log) SELECT w.number, e.number, 'pending', 0, 0, '' \
            FROM e JOIN l ON l.id = e.id JOIN webhooks w ON w.account_id = e.account_id WHERE l.hooked = '1' AND ",
            wants!(postgres),
            " RETURNING webhook"
        )
    };
}

/// SQLite has no lists, and needs none: its statements go nowhere.
const NOWHERE: &str = "SELECT webhook FROM deliveries WHERE 0";

/// For a group that only writes keys: each part costs the server something, whether there is anything of it or not.
const KEYS_END: Sql = Sql { name: "KEYS_END", sqlite: NOWHERE, postgres: concat!("WITH ", put!(), " ", take!()) };

/// For a group that accepts nothing.
const STEPS_END: Sql = Sql {
    name: "STEPS_END",
    sqlite: NOWHERE,
    postgres: concat!("WITH ", put!(), ", taken AS (", take!(), "), ", steps!(), ", ", moved!(), deliveries!()),
};

/// Messages that move, before the end of their group: a statement of it is to find them moved.
pub(crate) const MOVES_FIRST: Joint = Joint {
    parts: &[6],
    short: &[],
    sql: Sql {
        name: "MOVES_FIRST",
        sqlite: NOWHERE,
        postgres: moves!("$1::TEXT[], $2::TEXT[], $3::TEXT[], $4::TEXT[], $5::TEXT[], $6::TEXT[]"),
    },
};

/// The whole, for a group that accepts messages.
pub(crate) const GROUP_END: Joint = Joint {
    parts: &[4, 9, 3, 6, 24, 4, 7],
    short: &[(KEYS_END, 1), (STEPS_END, 4)],
    sql: Sql {
        name: "GROUP_END",
        sqlite: NOWHERE,
        postgres: concat!(
            "WITH ",
            put!(),
            ", taken AS (",
            take!(),
            "), ",
            steps!(),
            ", ",
            moved!(),
            ", m AS (SELECT * FROM unnest( \
            $23::TEXT[], $24::TEXT[], $25::TEXT[], $26::TEXT[], $27::TEXT[], $28::TEXT[], $29::TEXT[], $30::TEXT[], $31::TEXT[], \
            $32::TEXT[], $33::TEXT[], $34::TEXT[], $35::TEXT[], $36::TEXT[], $37::TEXT[], $38::TEXT[], $39::TEXT[], $40::TEXT[], \
            $41::TEXT[], $42::TEXT[], $43::TEXT[], $44::TEXT[], $45::TEXT[], $46::TEXT[]) WITH ORDINALITY AS m( \
            id, account_id, session_id, wa_id, direction, status, chat, chat_key, chat_phone, chat_lid, sender, sender_phone, sender_lid, \
            sender_name, content, marks, created_at, expires_at, target_wa_id, reference, payload, audience, attempts, claimed_at, place)), \
            message AS (INSERT INTO messages ( \
            id, account_id, session_id, wa_id, direction, status, chat, chat_key, chat_phone, chat_lid, sender, sender_phone, sender_lid, \
            sender_name, content, marks, created_at, expires_at, target_wa_id, reference) SELECT \
            m.id, m.account_id, m.session_id, m.wa_id, m.direction, m.status, m.chat, m.chat_key, m.chat_phone, m.chat_lid, m.sender, \
            m.sender_phone, m.sender_lid, m.sender_name, m.content, m.marks, CAST(m.created_at AS BIGINT), CAST(m.expires_at AS BIGINT), \
            m.target_wa_id, m.reference FROM m ORDER BY m.place RETURNING number, id), \
            payload AS (INSERT INTO outgoing (message, payload, audience, attempts, claimed_at) \
            SELECT message.number, decode(m.payload, 'hex'), m.audience, CAST(m.attempts AS BIGINT), CAST(m.claimed_at AS BIGINT) \
            FROM message JOIN m ON m.id = message.id ORDER BY m.place), \
            counted AS (INSERT INTO usage (account_id, utc_day, messages, warned) \
            SELECT d.account_id, CAST(d.utc_day AS BIGINT), CAST(d.messages AS BIGINT), CAST(d.warned AS BIGINT) \
            FROM unnest($47::TEXT[], $48::TEXT[], $49::TEXT[], $50::TEXT[]) AS d(account_id, utc_day, messages, warned) \
            ON CONFLICT (account_id, utc_day) DO UPDATE SET messages = excluded.messages, warned = excluded.warned), \
            claimed AS (INSERT INTO idempotency (account_id, operation, key, request_hash, resource_id, created_at, expires_at) SELECT \
            c.account_id, c.operation, c.key, decode(c.request_hash, 'hex'), c.resource_id, CAST(c.created_at AS BIGINT), \
            CAST(c.expires_at AS BIGINT) FROM unnest( \
            $51::TEXT[], $52::TEXT[], $53::TEXT[], $54::TEXT[], $55::TEXT[], $56::TEXT[], $57::TEXT[]) \
            AS c(account_id, operation, key, request_hash, resource_id, created_at, expires_at) ",
            reclaims!(),
            ")",
            deliveries!()
        ),
    },
};
pub(crate) const ALL: &[Sql] = &[GROUP_END.sql, KEYS_END, STEPS_END, MOVES_FIRST.sql];
