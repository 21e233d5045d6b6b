//! Every statement of the crate, for the check that both databases understand them.

use crate::sql::Sql;
use crate::{
    account, audit, canary, census, database, erase, event, fitness, hold, horizon, idempotency, inspect, key, media, message, migrations,
    node, owner, plan, sealed, session, switch, update, usage, user, vault, version, webhook,
};

pub(crate) fn all() -> impl Iterator<Item = &'static Sql> {
    [
        audit::ALL,
        canary::ALL,
        fitness::ALL,
        census::ALL,
        database::ALL,
        erase::ALL,
        hold::ALL,
        horizon::ALL,
        idempotency::ALL,
        key::ALL,
        node::ALL,
        plan::ALL,
        session::ALL,
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
