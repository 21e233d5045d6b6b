//! Notices that the database is an older self: a backup that was put back, a snapshot, a replica that was behind.
//!
//! Beside the database, in the node's data folder, stands how far its numbers had come. A database behind that has lost what came
//! after, and with it which message keys were used. A copy of the whole folder tells nothing: then the operator has to say it, by
//! `wharf restored`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wharf_core::Services;
use wharf_core::store::{self, DatabaseStore, OwnerStore};

use super::Workers;

const PERIOD: Duration = Duration::from_secs(1);
const FILE: &str = "high-water";

/// The mark of one node.
pub struct HighWater {
    path: PathBuf,
    seen: Mutex<i64>,
}

impl HighWater {
    /// Reads the mark that an earlier process left. One that cannot be read is one that is not there.
    pub fn of(data_dir: &Path) -> Self {
        let path = data_dir.join(FILE);
        let seen = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        Self { path, seen: Mutex::new(seen) }
    }

    /// Looks at the database, and has all sessions begin their keys anew where it is behind the mark.
    pub async fn look(&self, store: &(impl DatabaseStore + OwnerStore + ?Sized), installation: &str) -> Result<(), store::Error> {
        let now = store.high_water().await?;
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now == seen {
            return Ok(());
        }
        if now < seen {
            // Another installation's is no older self of ours, and its sessions are none of ours.
            if !store.is_still(installation).await? {
                return Ok(());
            }
            let sessions = store.mark_stale().await?;
            tracing::error!(
                seen,
                now,
                sessions,
                "the database is older than what this node has seen of it: what came after is lost, and all sessions begin their keys anew"
            );
        }
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = now;
        if let Err(error) = self.keep(now) {
            tracing::warn!(path = %self.path.display(), %error, "how far the database has come could not be noted beside it");
        }
        Ok(())
    }

    /// The old mark or the new one, never half of one.
    fn keep(&self, now: i64) -> io::Result<()> {
        let fresh = self.path.with_extension("new");
        fs::write(&fresh, now.to_string())?;
        fs::rename(fresh, &self.path)
    }
}

pub fn start(services: &Arc<Services>, mark: HighWater) -> Workers {
    let workers = Workers::default();
    let mark = Arc::new(mark);
    workers.tend("how far the database has come", PERIOD, services, move |services| {
        let mark = Arc::clone(&mark);
        async move { mark.look(&*services.store, &services.installation).await }
    });
    workers
}
