//! Canary sessions: two numbers of the operator that write to each other the way customers do, so that what WhatsApp broke is seen
//! before customers tell.
//!
//! Their messages are messages like any other: they count, they are stored, and webhooks of their account hear of them. Another way
//! would measure another way. The node that runs the sender runs its steps; what arrived is read from the store, wherever it came in.

pub(crate) mod counted;
mod steps;

use std::time::Duration;

use wharf_api::Timestamp;
use wharf_api::ids::SessionId;
use wharf_api::types::canary::{Canary as Shown, CanaryStep, Step};

use crate::services::Services;
use crate::store::{self, CanaryRow, SessionRow};

pub use counted::{Canary, Counted};

/// How long a step may take, from its beginning until the other session has it.
const PATIENCE: Duration = Duration::from_mins(1);
/// How far apart two runs of a step lie.
const TEXT_EVERY: Duration = Duration::from_mins(5);
const OTHERS_EVERY: Duration = Duration::from_hours(1);

/// Every step's last run, whichever node made it.
pub async fn show(services: &Services) -> Result<Shown, store::Error> {
    let Some(sessions) = &services.canary.sessions else { return Ok(Shown { session_ids: Vec::new(), steps: Vec::new() }) };
    let mut rows = services.store.list_canary().await?;
    rows.retain(|row| sessions.contains(&row.session));
    let shown = |row: CanaryRow| {
        Some(CanaryStep {
            step: Step::parse(&row.step)?,
            session_id: row.session,
            at: row.at,
            duration_ms: row.took_ms.and_then(|took| u64::try_from(took).ok()),
            reason: row.failure,
        })
    };
    Ok(Shown { session_ids: sessions.to_vec(), steps: rows.into_iter().filter_map(shown).collect() })
}

/// Runs the steps that are due and whose sender this node runs. A pause is nobody's failure: nothing runs then.
pub async fn run(services: &Services) -> Result<(), store::Error> {
    let Some([first, second]) = &services.canary.sessions else { return Ok(()) };
    if services.switches.connecting_paused().or(services.switches.sending_paused()).is_some() {
        return Ok(());
    }
    for (from, to, steps) in [(first, second, Step::ALL), (second, first, &[Step::Text][..])] {
        let rows = services.store.list_canary().await?;
        let now = services.clock.now();
        let due: Vec<Step> = steps.iter().copied().filter(|step| is_due(*step, from, &rows, now)).collect();
        if !due.is_empty() {
            Box::pin(pass(services, from, to, &due)).await?;
        }
    }
    Ok(())
}

fn is_due(step: Step, from: &SessionId, rows: &[CanaryRow], now: Timestamp) -> bool {
    let every = if step == Step::Text { TEXT_EVERY } else { OTHERS_EVERY };
    let last = rows.iter().find(|row| row.step == step.as_str() && row.session == *from);
    last.is_none_or(|row| now >= row.at + every)
}

/// The due steps of one direction.
async fn pass(services: &Services, from: &SessionId, to: &SessionId, due: &[Step]) -> Result<(), store::Error> {
    let linked = services.store.list_linked_sessions().await?;
    let find = |id: &SessionId| linked.iter().find(|row| row.id == *id);
    let runs_here = services.engine.runs(from);
    let pair = match (find(from), find(to)) {
        // Somebody else's to run, where somebody runs it.
        (Some(_), _) if !runs_here => return Ok(()),
        (Some(from), Some(to)) => Ok((from, to)),
        (None, _) => Err("the session that sends is not linked"),
        (_, None) => Err("the session that receives is not linked"),
    };
    let mut walk = match pair {
        Ok((from, to)) => steps::Walk::begin(services, from, to).await?,
        Err(_) if rests(services, [from, to]).await? => return Ok(()),
        Err(reason) => {
            for step in due {
                note(services, *step, from, services.clock.now(), Err(reason.to_owned())).await?;
            }
            return Ok(());
        }
    };
    for step in due {
        let at = services.clock.now();
        // Written first, so that a death is one run and no more.
        services
            .store
            .put_canary(&CanaryRow { step: step.as_str().to_owned(), session: from.clone(), at, took_ms: None, failure: None })
            .await?;
        let ended = tokio::time::timeout(PATIENCE, walk.step(*step)).await.unwrap_or_else(|_| Err("it did not arrive in time".to_owned()));
        match ended {
            Ok(steps::Took::Nothing) => {}
            Ok(steps::Took::Time(took)) => note(services, *step, from, at, Ok(took)).await?,
            Err(_) if rests(services, [from, to]).await? => return Ok(()),
            Err(reason) => note(services, *step, from, at, Err(reason)).await?,
        }
    }
    Ok(())
}

/// Whether one of the two rests with its account, which is suspended: that is nobody's failure.
async fn rests(services: &Services, pair: [&SessionId; 2]) -> Result<bool, store::Error> {
    let resting = services.store.list_suspended_sessions().await?;
    Ok(pair.into_iter().any(|session| resting.contains(session)))
}

/// Counts a run and writes it down.
async fn note(
    services: &Services,
    step: Step,
    from: &SessionId,
    at: Timestamp,
    ended: Result<Duration, String>,
) -> Result<(), store::Error> {
    services.canary.note(step, ended.as_ref().ok().copied());
    if let Err(reason) = &ended {
        tracing::warn!(step = step.as_str(), session = %from, reason, "a step of the canary sessions failed");
    }
    let took_ms = ended.as_ref().ok().map(|took| i64::try_from(took.as_millis()).unwrap_or(i64::MAX));
    let row = CanaryRow { step: step.as_str().to_owned(), session: from.clone(), at, took_ms, failure: ended.err() };
    services.store.put_canary(&row).await
}

/// The number of a linked session.
fn number(row: &SessionRow) -> Option<&str> {
    row.jid.as_deref().map(crate::session::user_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_due_once_its_time_has_passed_and_where_it_never_ran() {
        let session = |digit: &str| SessionId::parse(&format!("ses_{}", digit.repeat(32))).unwrap();
        let row = |step: Step, at| CanaryRow { step: step.as_str().to_owned(), session: session("a"), at, took_ms: None, failure: None };
        let first = Timestamp::from_millis(0);
        let due = |step, digit: &str, rows: &[CanaryRow], after: Duration| is_due(step, &session(digit), rows, first + after);
        let just_before = TEXT_EVERY.saturating_sub(Duration::from_millis(1));
        let rows = [row(Step::Text, first), row(Step::File, first)];
        assert!(due(Step::Text, "a", &[], Duration::ZERO));
        assert!(!due(Step::Text, "a", &rows, just_before) && due(Step::Text, "a", &rows, TEXT_EVERY));
        assert!(!due(Step::File, "a", &rows, TEXT_EVERY) && due(Step::File, "a", &rows, OTHERS_EVERY));
        assert!(due(Step::Text, "b", &rows, Duration::ZERO), "each direction by itself");
    }
}
