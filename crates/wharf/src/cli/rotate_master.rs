//! `wharf keys rotate-master`: changes the master key while gateways run. Every node knows both keys before; the database says from when on
//! they seal with the next one; then everything that the old one sealed is sealed anew, and the next one is the one in force. A run that is
//! cut off at any point leaves rows that whoever knows both keys opens. It is begun again with the same keys, and goes on.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::time::Instant;
use wharf_core::chance::SystemChance;
use wharf_core::clock::SystemClock;
use wharf_core::seal::anew::Anew;
use wharf_core::seal::{Seal, Unfit};
use wharf_core::store::DatabaseStore as _;
use wharf_core::{Chance, Clock as _};
use wharf_store::{NodeKeys, Resealed, SealedKind, SqlStore};

use super::progress::Steps;
use crate::config::Config;
use crate::{identity, partners};

/// How often the nodes are looked at, and how long they are waited for. A node follows within three seconds, and one that died counts for
/// fifteen.
const LOOK: Duration = Duration::from_millis(250);
const PATIENCE: Duration = Duration::from_secs(45);
/// What a node sealed with the old key just before it followed is written by then, or never: no writer waits longer.
const SETTLED: Duration = Duration::from_secs(12);
/// After how many values of a kind it is said how far the run is.
const TOLD_EACH: u64 = 10_000;

pub(super) async fn run(config: &Config) -> anyhow::Result<()> {
    let chance: Arc<dyn Chance> = Arc::new(SystemChance);
    let path = config.master_key_path();
    if config.master_key.is_none() && !path.exists() {
        return Err(partners::Error::KeyIsGone(path).into());
    }
    let Some(next) = identity::next_master_key(config)? else {
        bail!(
            "no next key is named. Make one (umask 077; openssl rand -base64 32 > master.key.next), name it on every node \
             (next_master_key_file, WHARF_NEXT_MASTER_KEY_FILE), start the nodes anew one after the other, and run this again"
        );
    };
    let first = identity::master_key(config, &*chance)?;
    if first == next {
        bail!("next_master_key is the master key itself: it is in its place already, or the wrong file is named");
    }
    let mut settings = wharf_store::Config::new(config.database_url(), Arc::clone(&chance));
    // One page after the other.
    (settings.readers, settings.lanes) = (Some(1), Some(1));
    let store = wharf_store::open_beside(settings).await.context("the database cannot be opened")?;
    let done = change(config, &store, [first, next], &chance).await;
    store.close().await;
    done
}

async fn change(config: &Config, store: &SqlStore, [first, next]: [[u8; 32]; 2], chance: &Arc<dyn Chance>) -> anyhow::Result<()> {
    let both = Seal::of(&[first, next], Arc::clone(chance));
    let (marks, next_id) = (store.key_marks().await?, wharf_core::seal::id(&next));
    let Some(in_force) = &marks.in_force else { bail!("nothing is sealed in the database: start the gateway with the new key alone") };
    let old = both.maker(in_force).ok_or(Unfit::Another)?;
    let target = match &marks.to_be {
        None => next_id.as_str(),
        Some(check) => both.maker(check).context("an earlier run began with another next key: name that one until it has ended")?,
    };
    let keys = if target == next_id { [next, first] } else { [first, next] };
    let seal = Seal::of(&keys, Arc::clone(chance));
    let run = Rotation { config, store, target, old };
    // A run that has nothing to change looks all the same, and seals what it finds.
    let is_over = old == target;
    let begun = if is_over {
        println!("The key of next_master_key, {target}, is in force already. If the other one is meant, name that as the next.");
        None
    } else {
        run.all_know_both(marks.to_be.is_some()).await?;
        let installation = store.installation().await?.context("the database has no id")?;
        let begun = store.begin_change_of_key(&seal.check_value(&installation), target).await?;
        if seal.maker(&begun) != Some(target) {
            bail!("another run has begun at the same time, with another next key: name that one until it has ended");
        }
        eprintln!("The key {old} is being replaced by the key {target}; what is sealed from now on is sealed with that one.");
        // Who started between the first look and the mark may have heard of no change.
        run.all_know_both(true).await?;
        Some(begun)
    };
    let (done, last) = run.seal_all(&Anew::new(seal)).await?;
    if let Some(begun) = begun {
        // Who came meanwhile has heard of the change at its start.
        run.all_seal_with_target().await?;
        if !store.end_change_of_key(&begun, target).await? {
            let now = store.key_marks().await?;
            if now.in_force.as_deref().and_then(|check| both.maker(check)) != Some(target) {
                bail!("somebody has changed the marks of the master key meanwhile: run this again");
            }
        }
    }
    println!("{} values are sealed with the key {target}, {done} of them since this run began.", last.already);
    if last.unreadable_count > 0 {
        println!("{} open with neither key and were left as they are: {}", last.unreadable_count, last.unreadable.join(", "));
    }
    if !is_over {
        println!("Nothing is sealed with the key {old} any more.");
    }
    println!(
        "On every node put the key {target} in the place of the other (master_key, master_key_file), take next_master_key away, and start the \
         nodes anew, one after the other."
    );
    println!("Keep the old key with the backups from before: no other one opens them.");
    Ok(())
}

/// One run, from the key `old` to the key `target`, by their ids.
struct Rotation<'a> {
    config: &'a Config,
    store: &'a SqlStore,
    target: &'a str,
    old: &'a str,
}

impl Rotation<'_> {
    /// The nodes that run. A file has one process, and tells by its lock whether there is one.
    async fn nodes(&self) -> anyhow::Result<Vec<NodeKeys>> {
        let url = self.config.database_url();
        let is_file = url.starts_with("sqlite:");
        if is_file && !wharf_store::is_in_use(&url)? {
            return Ok(Vec::new());
        }
        let nodes = self.store.keys_of_nodes(SystemClock.now()).await?;
        if is_file && nodes.is_empty() {
            bail!("a process has the database open and its lease is over: it starts, or it hangs. Run this again once it answers");
        }
        Ok(nodes)
    }

    /// Refuses where a node could not open what the others seal with the next key; `begun` says whether they may do so already.
    async fn all_know_both(&self, begun: bool) -> anyhow::Result<()> {
        let mut lacking = Vec::new();
        for node in self.nodes().await? {
            let version = node.version.as_deref().unwrap_or("an earlier release");
            match &node.knows {
                None => lacking.push(format!("{} ({version}) tells of no keys", node.node)),
                Some(knows) if [self.old, self.target].iter().all(|id| knows.iter().any(|known| known == id)) => {}
                Some(knows) => lacking.push(format!("{} ({version}) knows only {}", node.node, knows.join(", "))),
            }
        }
        if lacking.is_empty() {
            return Ok(());
        }
        let so_far = if begun {
            "The change has begun, and goes on then: they run no session meanwhile, and what the others seal opens with the two keys, so \
             nothing is lost"
        } else {
            "Nothing was changed"
        };
        bail!(
            "nodes run that do not know both keys, {} and {}: {}. Start them anew with next_master_key_file, and run this again. {so_far}",
            self.old,
            self.target,
            lacking.join("; ")
        )
    }

    /// Waits until every node seals with the key; tells whether there is one.
    async fn all_seal_with_target(&self) -> anyhow::Result<bool> {
        let until = Instant::now() + PATIENCE;
        loop {
            let nodes = self.nodes().await?;
            let others: Vec<_> = nodes.iter().filter(|node| node.seals_with.as_deref() != Some(self.target)).collect();
            if others.is_empty() {
                return Ok(!nodes.is_empty());
            }
            if Instant::now() > until {
                let others: Vec<_> = others.iter().map(|node| node.node.as_str()).collect();
                bail!(
                    "these nodes do not seal with the key {}: {}. End them, or start them anew with both keys, and run this again: it goes on",
                    self.target,
                    others.join(", ")
                );
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Seals all anew until a look at everything finds nothing to do, and nothing can be on its way any more. Tells how many values were
    /// sealed anew, and what the last look found.
    async fn seal_all(&self, anew: &Anew) -> anyhow::Result<(u64, Resealed)> {
        let has_nodes = self.all_seal_with_target().await?;
        // Whoever was frozen and wakes up late still seals with the old key.
        self.store.fence_off_nodes(SystemClock.now()).await?;
        let settled = Instant::now() + if has_nodes && self.old != self.target { SETTLED } else { Duration::ZERO };
        let mut done = 0;
        loop {
            let began = Instant::now();
            let (place, steps) = (Cell::new((None, 0)), Steps::begin("Sealing anew")?);
            let told = |kind: SealedKind, sum: &Resealed| {
                let (before, at) = place.get();
                let seen = sum.done + sum.already;
                if steps.replaces() || before != Some(kind) || seen >= at + TOLD_EACH {
                    steps.say(format!("{}: {} sealed anew, {} were so already", kind.as_str(), sum.done, sum.already));
                    place.set((Some(kind), seen));
                }
            };
            let found = self.store.reseal(anew, &told).await?;
            done += found.done;
            if found.is_clean() && began >= settled {
                return Ok((done, found));
            }
            tokio::time::sleep_until(settled).await;
        }
    }
}
