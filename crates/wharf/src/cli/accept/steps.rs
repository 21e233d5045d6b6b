//! The fifteen steps: who takes care of which.

mod link;
mod talk;
mod trouble;

use super::course::{Run, Step};

pub(super) async fn step(run: &mut Run<'_>, number: u8) -> Step {
    match number {
        1 => link::network(run).await,
        2 => link::gateway(run).await,
        3 => link::qr(run).await,
        4 => link::scan(run).await,
        5 => link::connected(run).await,
        6 => talk::first_text(run).await,
        7 => talk::answer(run).await,
        8 => talk::kinds(run).await,
        9 => talk::group(run).await,
        10 => trouble::killed(run).await,
        11 => trouble::network_lost(run).await,
        12 => trouble::phone_away(run).await,
        13 => link::pairing_code(run).await,
        14 => talk::nobody(run).await,
        _ => link::relink(run).await,
    }
}

/// Whether the event is of this kind, and a session's.
fn is(event: &serde_json::Value, session: &str, kind: &str) -> bool {
    event["event"] == kind && event["sessionId"] == session
}
