//! Notes what the clock shows, so that the next process sees a leap.

use std::time::Duration;

use wharf_core::{Services, steady, store};

pub(super) const PERIOD: Duration = Duration::from_mins(1);

pub(super) async fn run(services: &Services) -> Result<(), store::Error> {
    steady::note(services).await
}
