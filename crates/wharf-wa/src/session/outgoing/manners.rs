//! The manners of what goes out: it keeps the plan's pace, and does not knock where WhatsApp has asked for rest.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use wharf_api::types::account::Pace;
use wharf_api::types::hold::HoldReason;
use wharf_api::types::switches::Feature;
use wharf_core::store;

use super::Pump;
use super::queue::pacer::{DAY, Pacer};
use super::queue::{Item, Refusal};
use crate::session::timelock::{self, Word};

/// How long a plan is believed.
const PLAN_FOR: Duration = Duration::from_secs(5);
/// How long the first message to somebody new waits for the server's properties, and after a new link for what the phone tells of the time
/// before: tokens go with it only where both came.
const READY_LIMIT: Duration = Duration::from_secs(8);

impl Pump {
    /// Reads the plan's pace, if that was a while ago.
    pub(super) async fn keep_pace(&mut self) -> Result<(), store::Error> {
        let config = &self.own.ctx.config;
        if !config.pace || self.queue.paced_at.is_some_and(|at| at.elapsed() < PLAN_FOR) {
            return Ok(());
        }
        let own = Arc::clone(&self.own);
        let account = self.alongside(async move { own.ctx.store.find_account(&own.fence().account).await }).await?;
        let plan = account.map_or_else(Pace::default, |account| account.plan.pace);
        self.queue.paced_at = Some(Instant::now());
        match &mut self.queue.pacer {
            Some(pacer) if pacer.plan == plan => {}
            // What went out under the old plan counts under the new one too.
            Some(pacer) => {
                let pacer = pacer.on(plan);
                self.queue.set_pacer(Some(pacer));
            }
            None => {
                let (own, now) = (Arc::clone(&self.own), self.own.ctx.clock.now());
                let begun = async move { own.ctx.store.contacts_begun(own.session(), now - DAY).await };
                let begun = self.alongside(begun).await?;
                self.queue.first_pacer(Pacer::new(plan, begun), now);
            }
        }
        Ok(())
    }

    /// Whether every chat has to be asked for: until the first new contact has waited for the server's properties.
    pub(super) fn asks_of_all(&self) -> bool {
        !self.own.has_properties.load(Ordering::Relaxed)
    }

    /// What a notice of WhatsApp's said meanwhile.
    pub(super) fn heed_the_lock(&mut self) {
        if let Some(word) = self.own.timelock.take() {
            self.heed(word);
        }
    }

    fn heed(&mut self, word: Word) {
        let now = self.now();
        self.queue.lock_asked = Some((now.clock, word));
        self.queue.hear(word, self.own.ctx.config.probe_gap, now);
    }

    /// What a message needs before it goes on the wire.
    pub(super) async fn before(&mut self, item: &Item) {
        let chat = &item.message.chat;
        if self.asks_of_all() && self.queue.is_stranger(chat) {
            let (client, own) = (Arc::clone(&self.client), Arc::clone(&self.own));
            let ready = async move {
                let history = own.awaits_history.until(|awaits| (!awaits).then_some(()));
                // Where they do not come the message goes all the same; a refusal is heard.
                let _ = tokio::join!(history, client.fetch_props());
            };
            let _ = self.alongside(tokio::time::timeout(READY_LIMIT, ready)).await;
            self.own.has_properties.store(true, Ordering::Relaxed);
        }
        let now = self.now();
        let Some(pacer) = &mut self.queue.pacer else { return };
        pacer.sends(pacer.cost(item.message.audience.len()), now.clock);
        let begun = pacer.has_begun(chat);
        let jitter = pacer.plan.stranger_jitter_seconds;
        if begun || !self.queue.is_new(chat) {
            return;
        }
        let pause = self.between(jitter);
        self.queue.begins(chat, now, pause);
        let (own, chat) = (Arc::clone(&self.own), chat.clone());
        let noted = self.alongside(async move { own.ctx.store.begin_contact(own.fence(), &chat, now.clock, now.clock - DAY).await });
        let noted = noted.await;
        if let Err(error) = self.own.vault.notice(noted) {
            tracing::warn!(%error, "a first contact was not noted");
        }
    }

    fn between(&self, seconds: Option<[u64; 2]>) -> Duration {
        let Some([from, to]) = seconds.map(|seconds| seconds.map(Duration::from_secs)) else { return Duration::ZERO };
        from + self.own.ctx.jitter(to.saturating_sub(from))
    }

    /// How long typing is shown before a text.
    pub(super) fn typing_time(&self) -> Option<Duration> {
        let seconds = self.queue.pacer.as_ref()?.plan.typing_seconds?;
        if self.own.ctx.config.switches.is_off(Feature::Typing) {
            return None;
        }
        Some(self.between(Some(seconds)))
    }

    /// A refusal of a first contact: asks WhatsApp once what is behind it. With a date everybody new waits for that; without one the
    /// chat rests for hours, and one other may be tried after a while.
    pub(super) async fn hold_new(&mut self, item: Item, reason: HoldReason) {
        let (own, chats) = (Arc::clone(&self.own), vec![item.message.chat.clone()]);
        let known = self.alongside(async move { own.ctx.store.known_chats(&own.fence().account, own.session(), &chats).await }).await;
        let cold = known.is_ok_and(|known| known.is_empty());
        let ends = if reason == HoldReason::ReachoutTimelock { self.lock_ends().await } else { None };
        let now = self.now();
        let (holds, gap) = (self.own.ctx.config.chat_hold, self.own.ctx.config.probe_gap);
        self.queue.hold_new(item, Refusal { reason, cold, ends }, holds, gap, now);
    }

    async fn lock_ends(&mut self) -> Option<wharf_api::Timestamp> {
        let now = self.own.ctx.clock.now();
        let gap = self.own.ctx.config.probe_gap;
        let word = match self.queue.lock_asked {
            Some((at, word)) if at + gap > now => word,
            _ => {
                let client = Arc::clone(&self.client);
                let word = self.alongside(async move { timelock::ask(&client).await }).await?;
                self.queue.lock_asked = Some((now, word));
                word
            }
        };
        match word {
            Word::On(ends) => ends.filter(|ends| *ends > now),
            Word::Off => None,
        }
    }
}
