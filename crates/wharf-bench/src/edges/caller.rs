//! Who asks: over many connections as fast as the answers come, or at a pace, each from threads that do nothing else.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::wire::KeptConnection;

/// How often each status was answered, and in what time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerTally {
    pub seconds: f64,
    pub by_status: BTreeMap<u16, u64>,
}

impl AnswerTally {
    pub fn count(&mut self, status: u16) {
        *self.by_status.entry(status).or_default() += 1;
    }

    pub fn calls(&self) -> f64 {
        self.by_status.values().sum::<u64>() as f64
    }

    pub fn rate(&self) -> f64 {
        self.calls() / self.seconds
    }

    /// Adds what was answered to others in the same time.
    pub fn join(&mut self, other: &Self) {
        self.add(other);
        self.seconds = self.seconds.max(other.seconds);
    }

    /// Adds what was answered at another time.
    pub fn follow(&mut self, other: &Self) {
        self.add(other);
        self.seconds += other.seconds;
    }

    fn add(&mut self, other: &Self) {
        for (status, times) in &other.by_status {
            *self.by_status.entry(*status).or_default() += times;
        }
    }

    /// The statuses, the most frequent one first, and how often each was there where there are several.
    pub fn words(&self) -> String {
        let mut all: Vec<_> = self.by_status.iter().collect();
        all.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
        match all.as_slice() {
            [(status, _)] => format!("{status}"),
            all => all.iter().map(|(status, times)| format!("{status} × {times}")).collect::<Vec<_>>().join(", "),
        }
    }
}

/// Asks over so many connections at once until the time is over, from a thread for each core that this program may use.
pub async fn flat_out(address: SocketAddr, request: &Arc<[u8]>, connections: usize, lasts: Duration) -> Result<AnswerTally> {
    let threads = std::thread::available_parallelism()?.get().min(connections);
    let shares: Vec<_> = (0..threads)
        .map(|thread| {
            let (request, share) = (Arc::clone(request), connections / threads + usize::from(thread < connections % threads));
            on_own_thread(move || together(address, request, share, lasts))
        })
        .collect();
    let mut all = AnswerTally::default();
    for share in shares {
        all.join(&share.await.context("a thread of callers is gone")??);
    }
    Ok(all)
}

async fn together(address: SocketAddr, request: Arc<[u8]>, connections: usize, lasts: Duration) -> Result<AnswerTally> {
    let opened = try_join_all((0..connections).map(|_| KeptConnection::open(address))).await?;
    let (began, mut callers, mut all) = (Instant::now(), JoinSet::new(), AnswerTally::default());
    for mut connection in opened {
        let request = Arc::clone(&request);
        callers.spawn(async move {
            let mut tally = AnswerTally::default();
            while began.elapsed() < lasts {
                tally.count(connection.ask(&request).await?.status);
            }
            anyhow::Ok(tally)
        });
    }
    while let Some(done) = callers.join_next().await {
        all.join(&done??);
    }
    all.seconds = began.elapsed().as_secs_f64();
    Ok(all)
}

/// Asks at a pace, from a thread of its own, until it is ended.
pub struct PacedFlood {
    ended: Arc<AtomicBool>,
    told: oneshot::Receiver<Result<AnswerTally>>,
}

impl PacedFlood {
    /// Begins to ask so often a second over so many connections; slower where the answers are.
    pub fn begin(address: SocketAddr, request: &Arc<[u8]>, connections: usize, rate: f64) -> Self {
        let ended = Arc::<AtomicBool>::default();
        let (request, own) = (Arc::clone(request), Arc::clone(&ended));
        let told = on_own_thread(move || paced(address, request, connections, rate, own));
        Self { ended, told }
    }

    pub async fn end(self) -> Result<AnswerTally> {
        self.ended.store(true, Ordering::Relaxed);
        self.told.await.context("the thread of the flood is gone")?
    }
}

async fn paced(address: SocketAddr, request: Arc<[u8]>, connections: usize, rate: f64, ended: Arc<AtomicBool>) -> Result<AnswerTally> {
    let opened = try_join_all((0..connections).map(|_| KeptConnection::open(address))).await?;
    let (began, apart) = (Instant::now(), Duration::from_secs_f64(1.0 / rate));
    let (request, ended) = (&request, &ended);
    let caller = |(mut connection, first): (KeptConnection, Instant)| async move {
        let mut ticks = interval_at(first, apart.mul_f64(connections as f64));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tally = AnswerTally::default();
        while !ended.load(Ordering::Relaxed) {
            ticks.tick().await;
            tally.count(connection.ask(request).await?.status);
        }
        anyhow::Ok(tally)
    };
    let firsts = (0_u32..).map(|place| began + apart * place);
    let mut all = AnswerTally::default();
    for tally in try_join_all(opened.into_iter().zip(firsts).map(caller)).await? {
        all.join(&tally);
    }
    all.seconds = began.elapsed().as_secs_f64();
    Ok(all)
}

/// Has work done by a thread that does nothing else: a runtime of several would have its threads wake each other for each answer.
fn on_own_thread<F>(work: impl FnOnce() -> F + Send + 'static) -> oneshot::Receiver<Result<AnswerTally>>
where
    F: Future<Output = Result<AnswerTally>> + 'static,
{
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build();
        let done = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(work()));
        // Nobody may wait for it any more.
        let _ = tell.send(done);
    });
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_told_the_most_frequent_one_first() {
        let mut tally = AnswerTally { seconds: 2.0, ..AnswerTally::default() };
        for _ in 0..3 {
            tally.count(429);
        }
        assert_eq!(tally.words(), "429");
        let mut other = AnswerTally { seconds: 1.0, ..AnswerTally::default() };
        other.count(200);
        let mut beside = tally.clone();
        beside.join(&other);
        assert_eq!((beside.words().as_str(), beside.rate()), ("429 × 3, 200 × 1", 2.0));
        tally.follow(&other);
        assert_eq!((tally.calls(), tally.seconds), (4.0, 3.0));
    }
}
