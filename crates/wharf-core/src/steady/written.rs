//! What is written of the clock, and what follows where it was set back.

use wharf_api::Timestamp;

use crate::services::Services;
use crate::{media, store};

/// Writes down what the clock shows, for the next process; not while it is doubted.
pub async fn note(services: &Services) -> Result<(), store::Error> {
    let now = services.clock.now();
    if !services.steady.believes(now) {
        return Ok(());
    }
    services.store.see_clock(now).await?;
    if services.steady.take_ahead()
        && let Err(error) = hasten(services, now).await
    {
        services.steady.put_ahead();
        return Err(error);
    }
    Ok(())
}

/// What a clock that was ahead told to wait for a day too long waits no more.
async fn hasten(services: &Services, now: Timestamp) -> Result<(), store::Error> {
    let deliveries: Vec<_> = services.schedule.longest().map(|(tries, wait)| (tries, now + wait)).collect();
    let hastened = services.store.hasten(now, &deliveries, now + media::fetch::LONGEST).await?;
    if hastened > 0 {
        tracing::info!(hastened, "the clock was set back: what was to wait until a time of the other one is tried now");
    }
    Ok(())
}
