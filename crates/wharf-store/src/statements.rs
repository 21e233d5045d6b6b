//! Every statement of the crate, for the check that both databases understand them.

use crate::sql::Sql;
use crate::{
    account, audit, canary, census, database, erase, event, fitness, group_end, hold, horizon, idempotency, inspect, key, media, message,
    migrations, node, owner, plan, sealed, session, suspend, switch, update, usage, user, vault, version, webhook,
};

pub(crate) fn all() -> impl Iterator<Item = &'static Sql> {
    [
        audit::ALL,
        canary::ALL,
        fitness::ALL,
        census::ALL,
        database::ALL,
        erase::ALL,
        erase::BY_HAND,
        group_end::ALL,
        hold::ALL,
        horizon::ALL,
        idempotency::ALL,
        key::ALL,
        node::ALL,
        plan::ALL,
        session::ALL,
        suspend::ALL,
        switch::ALL,
        update::ALL,
        usage::ALL,
        user::ALL,
        user::login::ALL,
        version::ALL,
        migrations::ALL,
    ]
    .into_iter()
    .chain(account::all())
    .chain(inspect::all())
    .chain(owner::all())
    .chain(sealed::all())
    .chain(vault::all())
    .chain(event::all())
    .chain(webhook::all())
    .chain(media::all())
    .chain(message::all())
    .flatten()
}

/// Those by which lanes ask for the rows that a group keeps, with the types of their arguments.
pub(crate) fn kept() -> [(&'static Sql, &'static [&'static str]); 4] {
    [
        (&event::KEPT, &["TEXT", "TEXT"]),
        (&idempotency::CLAIMED_UNTIL, &["TEXT", "TEXT", "TEXT"]),
        (&message::OF_DAY, &["TEXT", "BIGINT"]),
        (&owner::HELD, &["TEXT", "BIGINT"]),
    ]
}

/// Those by which lanes ask for the messages that a group moves.
pub(crate) fn found() -> [&'static Sql; 2] {
    [&message::ENDING, &message::ADVANCING]
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::migrations::{sqlite_plan_on, sqlite_schema};

    /// The indexes that have the whole log of an account or a session in its order, and what goes by them: a page of it, or all of it.
    const OF_LOGS: &[(&str, &[&str])] = &[
        (
            "messages_by_account",
            &[
                "BACK_IN_ACCOUNT",
                "BY_ACCOUNT",
                "BY_WIRE",
                "LOOK",
                "MESSAGES",
                "ORIGINALS",
                "PAYLOADS",
                "RECEIPTS",
                "REMAINS",
                "REMOVE",
                "STEPS",
                "WITHIN_ACCOUNT",
            ],
        ),
        ("messages_by_session", &["BACK_IN_SESSION", "BY_SESSION", "DROP_PAYLOADS", "WITHIN_SESSION", "WITH_PAYLOAD"]),
    ];

    #[test]
    fn every_index_of_messages_serves_a_statement_and_those_of_whole_logs_serve_what_means_the_log() {
        let conn = sqlite_schema();
        let mut served: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for sql in all().filter(|sql| !sql.sqlite.contains("_sqlx_migrations")) {
            for step in sqlite_plan_on(&conn, sql) {
                assert!(step != "SCAN messages" && step != "SCAN m", "{} goes through all messages", sql.name);
                let index = step.split_once(" INDEX ").and_then(|(_, rest)| rest.split(' ').next());
                if let Some(index) = index.filter(|index| index.starts_with("messages_")) {
                    served.entry(index.to_owned()).or_default().insert(sql.name);
                }
            }
        }
        let mut made = conn
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'messages' AND sql IS NOT NULL ORDER BY name")
            .unwrap();
        let made: Vec<String> = made.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(served.keys().collect::<Vec<_>>(), made.iter().collect::<Vec<_>>(), "an index costs each message that it has");
        for (index, statements) in OF_LOGS {
            let found: Vec<_> = served[*index].iter().copied().collect();
            assert_eq!(found, *statements, "what else is found by {index} is looked for in all that there ever was");
        }
    }

    #[test]
    fn patterns_are_for_how_ids_of_chats_end_and_for_words_that_somebody_looks_for() {
        for sql in all() {
            for pattern in [sql.sqlite, sql.postgres].into_iter().flat_map(|text| text.split(" LIKE ").skip(1)) {
                let of_chats = ["'%@g.us'", "'%@broadcast'"].iter().any(|end| pattern.starts_with(end));
                let of_words = pattern.trim_start_matches(['?', '$']).starts_with("12 ESCAPE '!'");
                assert!(of_chats || of_words, "{}: a kind or a state is a value, and no pattern: {pattern}", sql.name);
            }
        }
    }
}
