//! Fetches received files, each in a task of its own, so that a slow one delays neither the others nor a stop.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use wharf_api::ids::{AccountId, MediaId};
use wharf_core::media::fetch;
use wharf_core::{Services, door, store};

use super::GRACE;

/// How often we look for what has come due.
const LOOK: Duration = Duration::from_secs(1);

/// The fetches of this process.
pub struct Fetches {
    stopping: CancellationToken,
    running: JoinHandle<()>,
}

pub fn start(services: &Arc<Services>, node: String) -> Fetches {
    let stopping = CancellationToken::new();
    let dispatcher = FetchDispatcher {
        services: Arc::clone(services),
        node,
        stopping: stopping.clone(),
        under_way: HashMap::new(),
        tasks: JoinSet::new(),
    };
    Fetches { stopping, running: tokio::spawn(dispatcher.run()) }
}

impl Fetches {
    /// Begins nothing new, lets what is nearly there end, and drops the rest: those files are fetched after the next start.
    pub async fn stop(self) {
        self.stopping.cancel();
        if let Err(error) = self.running.await {
            tracing::error!(%error, "the fetches of received files ended in disorder");
        }
    }
}

struct FetchDispatcher {
    services: Arc<Services>,
    node: String,
    stopping: CancellationToken,
    under_way: HashMap<Id, (AccountId, MediaId)>,
    tasks: JoinSet<Result<(), store::Error>>,
}

impl FetchDispatcher {
    async fn run(mut self) {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stopping.cancelled() => break,
                _ = looks.tick() => self.look().await,
                Some(ended) = self.tasks.join_next_with_id() => {
                    self.ended(ended);
                    while let Some(ended) = self.tasks.try_join_next_with_id() {
                        self.ended(ended);
                    }
                    self.look().await;
                }
            }
        }
        let rest = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, rest).await.is_err() {
            tracing::info!("received files that are being fetched are left to the next start");
        }
    }

    async fn look(&mut self) {
        if door::known(&self.services).is_err() {
            return;
        }
        let next = match fetch::next(&self.services, &self.node, self.under_way.values()).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(%error, "received files cannot be looked up; the next look comes soon");
                return;
            }
        };
        for due in next {
            let services = Arc::clone(&self.services);
            let whose = (due.account.clone(), due.media.clone());
            let span = tracing::error_span!("file", session = %due.session, media = %due.media);
            let task = self.tasks.spawn(async move { fetch::one(&services, &due).await }.instrument(span));
            self.under_way.insert(task.id(), whose);
        }
    }

    fn ended(&mut self, ended: Result<(Id, Result<(), store::Error>), JoinError>) {
        let id = match ended {
            Ok((id, Ok(()))) => id,
            Ok((id, Err(error))) => {
                tracing::warn!(%error, "how a received file is doing could not be written; it is fetched again later");
                id
            }
            Err(error) => {
                tracing::error!(%error, "the fetch of a received file panicked; it is fetched again later");
                error.id()
            }
        };
        self.under_way.remove(&id);
    }
}
