//! Every statement of the crate, for the check that both databases understand them.

use crate::sql::Sql;
use crate::{account, audit, census, event, hold, horizon, idempotency, key, media, message, owner, plan, session, usage, vault, webhook};

pub(crate) fn all() -> impl Iterator<Item = &'static Sql> {
    [
        account::ALL,
        audit::ALL,
        census::ALL,
        hold::ALL,
        horizon::ALL,
        idempotency::ALL,
        key::ALL,
        media::ALL,
        plan::ALL,
        session::ALL,
        usage::ALL,
        vault::ALL,
    ]
    .into_iter()
    .chain(owner::all())
    .chain(event::all())
    .chain(webhook::all())
    .chain(message::all())
    .flatten()
}
