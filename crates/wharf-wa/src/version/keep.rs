//! Keeping the number current: the store's row, the pages, and who of several nodes asks them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;
use wharf_api::Timestamp;
use wharf_api::types::whatsapp::VersionSource;
use wharf_core::store::{FetchedVersion, VersionRow};

use super::judge::judge;
use crate::probe::{self, Verdict};
use crate::session::Context;

/// How often it is looked whether something is due. What is due is told by the clock.
const TICK: Duration = Duration::from_secs(1);
/// How often the pages are asked while all is well, and how much later by chance.
const PERIOD: Duration = Duration::from_hours(6);
const SPREAD: Duration = Duration::from_mins(30);
/// When they are asked again that told nothing.
const AGAIN: Duration = Duration::from_mins(15);
/// While the claimed number is refused nobody asks more often, and a node whose pages told nothing lets others go first.
const URGENT: Duration = Duration::from_secs(50);
const FAILED_URGENT: Duration = Duration::from_secs(55);
const FIRST: Duration = Duration::from_secs(5);
/// How often the row is read that another node may have written, and how often while the claimed number is refused.
const READ: Duration = Duration::from_mins(1);
const URGENT_READ: Duration = Duration::from_secs(5);
/// How often, and how long, it is looked whether the node that fetches now has found something.
const WATCH: Duration = Duration::from_millis(500);
const WATCHES: usize = 10;

/// When a number is tried again with which a knock came to no end.
const KNOCK_AGAIN: Duration = Duration::from_hours(1);
/// What WhatsApp says to a version that it does not take.
const OUTDATED: u16 = 405;

/// Keeps the version and the standing of the process. Never ends.
pub(crate) async fn keep(ctx: Arc<Context>) {
    let mut keeper = Keeper {
        ctx,
        read_at: None,
        urgent: None,
        next_at: None,
        failed: false,
        saved: VersionRow::default(),
        tried: None,
        knocking: JoinSet::new(),
    };
    loop {
        keeper.look().await;
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = keeper.ctx.version.wanted.notified() => {}
        }
    }
}

struct Keeper {
    ctx: Arc<Context>,
    /// When the row was last read.
    read_at: Option<Timestamp>,
    /// The refused number for which this node last wanted another at once, and when.
    urgent: Option<(u32, Timestamp)>,
    next_at: Option<Timestamp>,
    /// The last time the pages told nothing.
    failed: bool,
    /// What the row is known to say.
    saved: VersionRow,
    /// The number that was knocked with last, and when.
    tried: Option<(u32, Timestamp)>,
    knocking: JoinSet<()>,
}

impl Keeper {
    async fn look(&mut self) {
        let ctx = Arc::clone(&self.ctx);
        let now = ctx.clock.now();
        ctx.version.ripen(now);
        ctx.standing.tick(now);
        let forced = ctx.version.forced.load(Ordering::SeqCst);
        let (busy, urgent) = (ctx.version.known().busy, ctx.version.known().is_refused());
        let read_for = if urgent { URGENT_READ } else { READ };
        if self.read_at.is_none_or(|at| now >= at + read_for) {
            self.read(now).await;
        }
        let known = ctx.version.known();
        if known.busy && !known.is_doubtful(now) {
            ctx.version.idle();
        }
        let gap = if self.failed { FAILED_URGENT } else { URGENT };
        let again = self.urgent.is_none_or(|(revision, at)| revision != known.revision || now >= at + gap);
        if (known.busy || known.is_refused() || forced) && again {
            // The first refusal of a number is news to all nodes: who asked before it knew nothing of it, this process at its start
            // least of all.
            let first =
                !known.is_refused() || self.urgent.replace((known.revision, now)).is_none_or(|(revision, _)| revision != known.revision);
            if !self.fetch(now, if first { FIRST } else { URGENT }).await {
                // The other node may have asked before the refusal, or a page that we would not ask.
                self.urgent = None;
            }
        } else if self.next_at.is_none_or(|next| next <= now) {
            let gap = match self.next_at {
                None => URGENT,
                Some(_) if self.failed => AGAIN,
                Some(_) => PERIOD.saturating_sub(AGAIN),
            };
            self.fetch(now, gap).await;
        }
        self.knock(now);
        self.save().await;
        if busy {
            ctx.version.idle();
        }
        if forced {
            ctx.version.forced.store(false, Ordering::SeqCst);
        }
        ctx.version.looked.notify_waiters();
    }

    /// Takes in what other nodes found, or at first what earlier processes did.
    async fn read(&mut self, now: Timestamp) {
        let version = &self.ctx.version;
        let row = match self.ctx.store.find_version().await {
            Ok(row) => row,
            Err(error) => return tracing::warn!(%error, "the version of WhatsApp Web could not be read"),
        };
        if let Some(fetched) = row.fetched {
            // The row may come from a newer program, or be written by hand: it is believed as a page is.
            match judge(fetched.revision, 0, now) {
                Ok(_) if self.read_at.is_none() => version.begin_with(fetched),
                Ok(_) => version.hear(fetched, now),
                Err(doubt) => tracing::debug!(doubt = doubt.as_str(), "the stored version of WhatsApp Web is not used"),
            }
        }
        if let Some(refused) = row.refused {
            version.hear_refusal(refused, now);
        }
        if let Some(end) = row.expires_at.filter(|_| self.saved.expires_at != row.expires_at) {
            version.ends(end);
        }
        self.saved = row;
        self.read_at = Some(now);
    }

    /// Asks the pages, unless another node began to less than `gap` ago. `false` where that one has found nothing yet.
    async fn fetch(&mut self, now: Timestamp, gap: Duration) -> bool {
        let ctx = Arc::clone(&self.ctx);
        match ctx.store.claim_version_fetch(&ctx.config.node, now - gap, now).await {
            Ok(true) => {}
            Ok(false) => {
                self.await_another(now).await;
                return !self.ctx.version.known().is_refused();
            }
            Err(error) => tracing::warn!(%error, "the version of WhatsApp Web is fetched without asking the other nodes"),
        }
        let claimed = ctx.version.known();
        let claimed = if claimed.source == VersionSource::Setting { 0 } else { claimed.revision };
        let meter = ctx.meter();
        let believe = |told| judge(told, claimed, now);
        let count = |source: VersionSource, outcome| meter.version_fetches.one((source.as_str(), outcome));
        let told = ctx.sources.ask(&believe, &count).await;
        self.failed = told.is_none();
        self.next_at = Some(self.later(now, if self.failed { AGAIN } else { PERIOD }));
        let Some((revision, source)) = told else {
            // The pages of another node may be in better health.
            if let Err(error) = ctx.store.yield_version_fetch(&ctx.config.node).await {
                tracing::debug!(%error, "other nodes wait a little until they fetch");
            }
            return true;
        };
        let fetched = FetchedVersion { revision, source, at: ctx.clock.now() };
        fail::fail_point!("version-fetched");
        if let Err(error) = ctx.store.put_version(&ctx.config.node, fetched).await {
            tracing::warn!(%error, "a fetched version of WhatsApp Web could not be kept");
        }
        ctx.version.hear(fetched, ctx.clock.now());
        true
    }

    /// Tries a higher number that is not claimed yet, as a device that nobody links: what WhatsApp takes need not be looked at for a day.
    fn knock(&mut self, now: Timestamp) {
        while self.knocking.try_join_next().is_some() {}
        let ctx = Arc::clone(&self.ctx);
        let Some(revision) = ctx.version.candidate() else { return };
        let lately = self.tried.is_some_and(|(tried, at)| tried == revision && now < at + KNOCK_AGAIN);
        if lately || !self.knocking.is_empty() || ctx.config.switches.connecting_paused().is_some() {
            return;
        }
        self.tried = Some((revision, now));
        self.knocking.spawn(async move {
            let knocked = probe::through(&ctx.dialer, &ctx.config.device_name, (2, 3000, revision), probe::PATIENCE).await;
            match knocked.verdict {
                Verdict::Reached => ctx.version.prove(revision, ctx.clock.now()),
                Verdict::Refused { code: OUTDATED, .. } => ctx.version.turn_away(revision),
                verdict => tracing::debug!(version = revision, verdict = verdict.label(), "a knock with a newer version told nothing"),
            }
        });
    }

    /// What the other node finds is ours too.
    async fn await_another(&mut self, now: Timestamp) {
        self.next_at = Some(self.later(now, PERIOD));
        for _ in 0..WATCHES {
            self.read(self.ctx.clock.now()).await;
            if !self.ctx.version.known().is_doubtful(now) {
                return;
            }
            tokio::time::sleep(WATCH).await;
        }
    }

    fn later(&self, now: Timestamp, pause: Duration) -> Timestamp {
        now + if pause == PERIOD { pause + self.ctx.jitter(SPREAD) } else { pause }
    }

    /// Keeps for all nodes what WhatsApp said to the sessions of this one.
    async fn save(&mut self) {
        let known = self.ctx.version.known();
        if let Some((revision, at)) = known.refused.filter(|(revision, _)| self.saved.refused.is_none_or(|(saved, _)| saved < *revision))
            && self.ctx.store.put_version_refusal(revision, at).await.is_ok()
        {
            self.saved.refused = known.refused;
        }
        if let Some(end) = known.expires_at.filter(|end| self.saved.expires_at != Some(*end))
            && self.ctx.store.put_version_end(end).await.is_ok()
        {
            self.saved.expires_at = Some(end);
        }
    }
}
