//! Where writes wait whose locks somebody else holds: a person's open transaction, a backup that stands still.
//!
//! A lane has one connection, and a write that waits in it holds up all others. So it is undone, and tried again by itself over a
//! connection of its own, briefly and with pauses, until it goes through or its caller leaves: while it waits it holds locks of its
//! account, which the account's other sessions need. What else comes of its place meanwhile waits behind it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::batch::{Worker, Write};
use super::{Place, Wait};

/// Another process that writes for the same place is done soon; it is waited for in line. A row that a stranger holds is not.
const WAIT: Wait = Wait { places: Duration::from_millis(250), rows: Duration::from_millis(50), alone: None };
const PAUSE: Duration = Duration::from_millis(100);
/// How long after the last vain try a place's writes come here first.
const REMEMBERED: Duration = Duration::from_secs(5);

struct Held {
    writes: usize,
    until: Instant,
}

type Places = Arc<Mutex<HashMap<u64, Held>>>;

pub(super) struct Aside {
    sender: mpsc::UnboundedSender<Write>,
    places: Places,
    task: JoinHandle<()>,
}

impl Aside {
    pub fn start(worker: Worker) -> Self {
        let (sender, writes) = mpsc::unbounded_channel();
        let places = Places::default();
        let task = tokio::spawn(run(worker, writes, Arc::clone(&places)));
        Self { sender, places, task }
    }

    pub fn push(&self, write: Write) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let held = places.entry(write.0.key()).or_insert_with(|| {
            tracing::warn!("a lock is held in the database; the writes that need it wait aside, all others go on");
            Held { writes: 0, until: now }
        });
        held.writes += 1;
        drop(places);
        // The task ends after its lane.
        let _ = self.sender.send(write);
    }

    /// Whether writes of this place wait here, or did so in vain a moment ago.
    pub fn has(&self, place: Place) -> bool {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.get(&place.key()).is_some_and(|held| held.writes > 0 || held.until > Instant::now())
    }

    pub fn is_idle(&self) -> bool {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Waits until the last write here is done or given up.
    pub async fn close(self) {
        drop(self.sender);
        if self.task.await.is_err() {
            tracing::error!("the writes that waited for a lock were left");
        }
    }
}

/// Notes that a write is gone, with what it waited for or without. Its place's next one goes through the lane again, or comes here first.
fn gone(places: &Places, place: Place, done: bool) {
    let mut places = places.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(held) = places.get_mut(&place.key()) else { return };
    held.writes = held.writes.saturating_sub(1);
    held.until = Instant::now() + if done { Duration::ZERO } else { REMEMBERED };
}

/// Forgets places that are free for all that is known. Tells whether none is left.
fn forget(places: &Places) -> bool {
    let mut places = places.lock().unwrap_or_else(PoisonError::into_inner);
    places.retain(|_, held| held.writes > 0 || held.until > Instant::now());
    places.is_empty()
}

async fn run(mut worker: Worker, mut writes: mpsc::UnboundedReceiver<Write>, places: Places) {
    let mut waiting: Vec<Write> = Vec::new();
    loop {
        if waiting.is_empty() {
            let next = if forget(&places) {
                // Nobody may need the connection for days.
                worker.close().await;
                writes.recv().await
            } else {
                match tokio::time::timeout(PAUSE, writes.recv()).await {
                    Ok(next) => next,
                    Err(_) => continue,
                }
            };
            let Some(write) = next else { break };
            waiting.push(write);
        }
        while let Ok(write) = writes.try_recv() {
            waiting.push(write);
        }
        let mut left: Vec<Write> = Vec::new();
        for write in waiting {
            let place = write.0;
            if write.1.abandoned() {
                gone(&places, place, false);
            } else if left.iter().any(|(before, _)| before.key() == place.key()) {
                // What waits for a place keeps its order.
                left.push(write);
            } else {
                let undone = worker.commit(vec![write], WAIT).await;
                if undone.is_empty() {
                    gone(&places, place, true);
                }
                left.extend(undone);
            }
        }
        waiting = left;
        if !waiting.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    worker.close().await;
}
