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

#[cfg(test)]
mod tests {
    use super::*;

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
