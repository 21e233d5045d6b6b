//! Hears the gateway's events while the steps run, also over its death.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::super::gateway::Gateway;
use super::super::listen::frames::{Frame, Frames};

const PAUSE: Duration = Duration::from_millis(300);
/// The stream says every fifteen seconds that it lives.
const SILENCE: Duration = Duration::from_secs(45);

pub(super) struct Ear {
    heard: Arc<Mutex<Vec<Value>>>,
    count: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Ear {
    /// Listens from now on.
    pub(super) async fn open(gateway: Gateway) -> anyhow::Result<Self> {
        let first = gateway.events(None).await?;
        let heard = Arc::<Mutex<Vec<Value>>>::default();
        let (sender, count) = watch::channel(0);
        let kept = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            let (mut stream, mut last) = (Some(first), None::<String>);
            loop {
                let response = match stream.take() {
                    Some(response) => Some(response),
                    None => gateway.events(last.as_deref()).await.ok(),
                };
                if let Some(response) = response {
                    let (mut chunks, mut frames) = (response.bytes_stream(), Frames::default());
                    while let Ok(Some(Ok(chunk))) = tokio::time::timeout(SILENCE, chunks.next()).await {
                        frames.push(&chunk);
                        while let Some(Frame { id, data }) = frames.next() {
                            if let Some(event) = data.and_then(|data| serde_json::from_str(&data).ok()) {
                                let mut heard = kept.lock().unwrap_or_else(PoisonError::into_inner);
                                heard.push(event);
                                sender.send_replace(heard.len());
                            }
                            last = id.or(last);
                        }
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
        Ok(Self { heard, count, task })
    }

    /// How many events were heard: what comes later is behind this mark.
    pub(super) fn mark(&self) -> usize {
        *self.count.borrow()
    }

    /// Waits until `wanted` events behind the mark are as asked for, and gives them.
    pub(super) async fn hear(
        &self,
        mark: usize,
        wanted: usize,
        within: Duration,
        what: &str,
        is: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Vec<Value>> {
        let mut count = self.count.clone();
        let found = || -> Vec<Value> {
            let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.iter().skip(mark).filter(|event| is(event)).cloned().collect()
        };
        let all = async {
            loop {
                let events = found();
                if events.len() >= wanted || count.changed().await.is_err() {
                    return events;
                }
            }
        };
        match tokio::time::timeout(within, all).await {
            Ok(events) => Ok(events),
            Err(_) => anyhow::bail!("{what}: {} of {wanted} within {} s", found().len(), within.as_secs()),
        }
    }
}
