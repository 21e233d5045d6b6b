//! What goes out: the steps S1 to S5 of a send, for several messages at once, one of a chat.
//!
//! A message is claimed before it is handed to the library, and counted at every try; it is `sent` only when the server
//! has acknowledged it; until then it is tried again under the same id, encrypted anew, which the recipient shows once.
//! Outcomes are written while the next message is on its way, so that many share one commit.

mod flights;
mod given_up;
mod manners;
mod queue;
mod recorder;
mod verdict;
mod window;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::Instant;
use tracing::Span;
use wharf_api::ids::SessionId;
use wharf_api::{ErrorCode, limits};
use wharf_core::message::handover::{HandedOver, HandoverTaker};
use wharf_core::store::{self, Outcome, StatusChange};
use wharf_core::traces;
use whatsapp_rust::client::Client;

use super::Own;
use super::client::Tokens;
use flights::Flights;
pub(super) use given_up::give_up_queue;
pub(super) use queue::Queue;
use queue::{Change, Fetched, Item, Moment};
use recorder::Recorder;
use verdict::Verdict;

/// How long the pump waits at its end for the last outcomes to be stored.
const RECORD_LIMIT: Duration = Duration::from_secs(8);

/// Rests that end while something is under way are looked at no more often than that.
const RESTED: Duration = Duration::from_millis(50);

/// Why a message ends that nobody could be given.
const UNKEYED: &str = "WhatsApp has no keys of the recipient's devices: nobody could have read the message";

/// Sends what is queued, then ends. The session starts it when there may be something to send.
pub(super) struct Pump {
    own: Arc<Own>,
    client: Arc<Client>,
    queue: Queue,
    recorder: Recorder,
    flights: Flights,
    /// What this process accepts from now on comes here.
    taker: Arc<HandoverTaker>,
    /// The queue may have more than was read.
    look: bool,
    /// And something in it was handed over, so that nobody wakes the session for it.
    owes: bool,
    tokens: Tokens,
}

impl Pump {
    pub(super) fn new(own: Arc<Own>, client: Arc<Client>, mut queue: Queue, tokens: Tokens) -> Self {
        let (recorder, flights) = (Recorder::new(Arc::clone(&own)), Flights::default());
        let taker = Arc::clone(queue.taker.get_or_insert_with(|| Arc::new(own.ctx.store.bell().handover().line(own.session()))));
        Self { own, client, queue, recorder, flights, taker, look: true, owes: false, tokens }
    }

    pub(super) async fn run(mut self) -> Queue {
        self.queue.rewind();
        self.taker.open();
        // Boxed: a pump is idle most of the time, and its inner states are large.
        if let Err(error) = Box::pin(self.drain()).await {
            tracing::warn!(%error, "the queue rests: the store did not answer");
        }
        self.queue.left = self.taker.close() || self.owes;
        // What is on the wire gets its chance.
        while !self.flights.is_empty() {
            self.take_landed().await;
            if self.flights.is_flying() {
                self.news().await;
            }
        }
        self.note_holds().await;
        self.let_go();
        self.flow();
        let settled = tokio::time::timeout(RECORD_LIMIT, self.settle_all()).await;
        if settled.is_err() {
            tracing::warn!("outcomes could not be stored in time; their messages are sent again");
        }
        self.queue
    }

    async fn drain(&mut self) -> Result<(), store::Error> {
        self.recall().await?;
        loop {
            self.keep_pace().await?;
            self.take_landed().await;
            self.heed_the_lock();
            self.queue.release(self.now());
            self.note_holds().await;
            if !self.may_begin() {
                return Ok(());
            }
            self.flow();
            self.take_handed();
            let busy = self.recorder.is_busy() || !self.flights.is_empty();
            if !self.queue.has_next() {
                // What this process accepts is handed over, and whoever else has more says so.
                let look = self.queue.has_room() && (self.look || self.queue.is_behind());
                if !look || self.fetch().await? == Fetched::Nothing {
                    if !busy && self.taker.close_if_empty() {
                        return Ok(());
                    }
                    // Whoever waits for these outcomes may send the next message.
                    self.news().await;
                    continue;
                }
            }
            // Also what comes back from a rest has not been looked at.
            self.sort_out().await?;
            self.queue.pace(self.now());
            // Whoever is let go looks at what holds the message.
            self.note_holds().await;
            self.let_go();
            self.claim().await?;
            fail::fail_point!("S1-claimed");
            while self.has_room()
                && let Some(item) = self.queue.next_claimed()
            {
                if !self.may_begin() {
                    self.queue.put_back(item);
                    return Ok(());
                }
                self.before(&item).await;
                self.begin(item);
            }
            if self.flights.is_flying() {
                self.news().await;
            }
        }
    }

    fn now(&self) -> Moment {
        Moment { clock: self.own.ctx.clock.now(), steady: Instant::now() }
    }

    fn may_begin(&self) -> bool {
        !self.tokens.gone.is_cancelled()
            && !self.tokens.drain.is_cancelled()
            && !self.queue.is_paused()
            && self.own.ctx.config.switches.sending_paused().is_none()
            && !self.queue.is_paced()
            && !self.own.vault.is_shut()
            && self.client.is_connected()
            && self.client.is_logged_in()
    }

    /// Tells those who accept messages whether these go at once.
    fn flow(&self) {
        if self.may_begin() && self.queue.flows() {
            self.own.flow.opens(&self.tokens);
        } else {
            self.own.flow.closes();
        }
    }

    /// Whether another message may go on the wire beside those that are there. A person types one after the other.
    fn has_room(&self) -> bool {
        let types = self.queue.pacer.as_ref().is_some_and(|pacer| pacer.plan.typing_seconds.is_some());
        if types { self.flights.is_empty() } else { self.queue.window.has_room(self.flights.len()) }
    }

    /// Looks for messages that may be sent now.
    async fn fetch(&mut self) -> Result<Fetched, store::Error> {
        let own = Arc::clone(&self.own);
        let after = self.queue.cursor();
        let page = queue::PAGE;
        // Those whose messages shared a commit are about to say so one after the other: one look is for all of them.
        self.alongside(tokio::task::yield_now()).await;
        let _ = self.own.more.notified().now_or_never();
        // What was handed over until now is among what is read.
        self.owes |= self.taker.take() != HandedOver::default();
        self.look = false;
        self.queue.begins_look();
        let rows = self.alongside(async move { own.ctx.store.queued_messages(own.session(), after, page).await }).await;
        let (now, own) = (self.now(), Arc::clone(&self.own));
        let fetched = rows.map(|rows| {
            // A page that is not full is the last one.
            self.look |= rows.len() == page as usize;
            self.owes = false;
            self.queue.add(rows, |id| own.ctx.outcomes.take_claim(id), now)
        });
        self.queue.ends_look();
        fetched
    }

    /// Takes what this process has accepted since. Where the database may have more, or what came before may be read only now, all of it is
    /// read with that, in its order.
    fn take_handed(&mut self) {
        let HandedOver { messages, look } = self.taker.take();
        let unsure = self.look || self.queue.is_behind() || !self.queue.has_room();
        if look || (unsure && !messages.is_empty()) {
            (self.look, self.owes) = (true, true);
            return;
        }
        let now = self.now();
        for message in messages {
            if self.queue.knows(&message.id) {
                continue;
            }
            if !self.own.ctx.outcomes.take_claim(&message.id) {
                // A look has found it before, or too many were claimed.
                (self.look, self.owes) = (true, true);
                return;
            }
            self.queue.take_in(message, now);
        }
    }

    /// What an earlier process held back, once.
    async fn recall(&mut self) -> Result<(), store::Error> {
        if !self.queue.recalled {
            let store = &self.own.ctx.store;
            let holds = store.list_holds(self.own.session()).await?;
            let chats: Vec<String> = holds.iter().filter_map(|hold| hold.what.chat().map(str::to_owned)).collect();
            let known = store.known_chats(&self.own.fence().account, self.own.session(), &chats).await?;
            self.queue.recall(holds, &known, self.now());
        }
        Ok(())
    }

    /// Where it matters: finds out which of the ready messages are first contacts, and while these have to wait lets them.
    async fn sort_out(&mut self) -> Result<(), store::Error> {
        let asked = self.queue.to_be_asked(self.now(), self.asks_of_all());
        let known = if asked.is_empty() {
            Vec::new()
        } else {
            let (own, chats) = (Arc::clone(&self.own), asked.clone());
            self.alongside(async move { own.ctx.store.known_chats(&own.fence().account, own.session(), &chats).await }).await?
        };
        self.queue.sort_out(asked, known, self.now());
        Ok(())
    }

    /// Whoever waits for a message that will not go soon need not.
    fn let_go(&mut self) {
        for id in self.queue.take_waiting() {
            self.own.ctx.outcomes.let_go(&id);
        }
    }

    /// Writes down what is held back and what is not any more. Where that fails only a restart forgets it.
    async fn note_holds(&mut self) {
        for change in self.queue.take_changes() {
            let own = Arc::clone(&self.own);
            let noted = self.alongside(async move {
                let (store, fence) = (&own.ctx.store, own.fence());
                match change {
                    Change::Hold(hold) => store.put_hold(fence, &hold).await,
                    Change::Lift(what) => store.lift_hold(fence, &what).await,
                }
            });
            let noted = noted.await;
            if let Err(error) = self.own.vault.notice(noted) {
                tracing::warn!(%error, "what is held back was not written down");
            }
        }
    }

    /// S1: counts a try of everything that is ready, in one commit.
    async fn claim(&mut self) -> Result<(), store::Error> {
        let ids = self.queue.unclaimed();
        if !ids.is_empty() {
            let own = Arc::clone(&self.own);
            let claimed = self.alongside(async move { own.ctx.store.claim_messages(own.fence(), &ids, own.ctx.clock.now()).await }).await;
            self.own.vault.notice(claimed)?;
            self.queue.mark_claimed();
        }
        Ok(())
    }

    /// S2 to S4, beside what is on the wire already.
    fn begin(&mut self, item: Item) {
        let (own, client, gone) = (Arc::clone(&self.own), Arc::clone(&self.client), self.tokens.gone.clone());
        let typing = self.typing_time();
        self.queue.took_off(&item);
        let span = span(own.session(), &item);
        let flight = async move {
            if item.message.expires_at <= own.ctx.clock.now() {
                return (item, Verdict::Overdue);
            }
            let verdict = wire::send(&own, &client, &item.message, item.tries > 0, typing, &gone).await;
            // It was never entered: what the client begins meanwhile may last as long as the client.
            drop(span);
            (item, verdict)
        };
        self.flights.begin(flight.boxed());
    }

    /// Takes in how the flights ended that have.
    async fn take_landed(&mut self) {
        while let Some((item, verdict)) = self.flights.take_landed() {
            self.queue.landed(&item);
            self.take(item, verdict).await;
        }
    }

    /// S5, and what else follows from a verdict.
    async fn take(&mut self, mut item: Item, verdict: Verdict) {
        self.count(&item, &verdict);
        self.queue.window.heed(&verdict);
        let now = self.now();
        match verdict {
            Verdict::Sent => {
                self.queue.got_through(&item.message.chat);
                self.settle(item, Outcome::Sent);
            }
            Verdict::Failed(reason) => {
                let outcome = failed(&item, &reason);
                self.settle(item, outcome);
            }
            // The worker that ends overdue messages ends this one too.
            Verdict::Overdue => self.queue.lift(&item.message.chat),
            Verdict::HoldNew(reason) => self.hold_new(item, reason).await,
            Verdict::HoldAll => self.queue.hold_all(item, now),
            Verdict::Stale(reason) => {
                item.tries += 1;
                if item.tries >= limits::SEND_ATTEMPTS {
                    let outcome = failed(&item, &reason);
                    self.settle(item, outcome);
                } else {
                    self.queue.again(item);
                }
            }
            // The claim goes on to count for the next try. With the connection gone nothing can be begun; where the library alone
            // takes it for lost, the chat rests.
            Verdict::Unwritten if self.tokens.gone.is_cancelled() => self.queue.put_back(item),
            Verdict::Unwritten => self.queue.rest_unwritten(item, now),
            Verdict::Unkeyed => {
                item.tries += 1;
                if item.tries >= limits::SEND_ATTEMPTS {
                    let outcome = failed(&item, UNKEYED);
                    self.settle(item, outcome);
                } else {
                    self.queue.rest_unkeyed(item, self.own.ctx.config.unkeyed_rest, now);
                }
            }
            Verdict::Again { chat_rests } => {
                item.tries += 1;
                item.doubtful = true;
                if item.tries >= limits::SEND_ATTEMPTS {
                    let outcome = failed(&item, "WhatsApp did not acknowledge the message");
                    self.settle(item, outcome);
                } else if chat_rests {
                    self.queue.rest_chat(item, now);
                } else {
                    self.queue.again(item);
                }
            }
        }
    }

    fn count(&self, item: &Item, verdict: &Verdict) {
        let sends = &self.own.ctx.meter().sends;
        match verdict {
            Verdict::Sent => {
                let waited_ms = self.own.ctx.clock.now().as_millis() - item.message.accepted_at.as_millis();
                sends.sent.one();
                sends.ack_seconds.observe_time(Duration::from_millis(u64::try_from(waited_ms).unwrap_or(0)));
            }
            Verdict::Failed(_) => sends.failed.one(),
            // The worker that ends it counts it.
            Verdict::Overdue => {}
            Verdict::HoldNew(_) | Verdict::HoldAll => sends.held.one(),
            Verdict::Again { .. } | Verdict::Stale(_) | Verdict::Unkeyed if item.tries + 1 >= limits::SEND_ATTEMPTS => sends.failed.one(),
            Verdict::Again { .. } | Verdict::Stale(_) | Verdict::Unkeyed | Verdict::Unwritten => sends.retried.one(),
        }
    }

    fn settle(&mut self, item: Item, outcome: Outcome) {
        self.queue.settling(&item);
        self.recorder.add(StatusChange { id: item.message.id, outcome, at: self.own.ctx.clock.now() });
    }

    /// Runs `work` while outcomes are being written and messages are on the wire.
    async fn alongside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                settled = self.recorder.progress(), if self.recorder.is_busy() => self.queue.settled(&settled),
                () = self.flights.progress(), if self.flights.is_flying() => {}
            }
        }
    }

    /// Waits until an outcome is written, a flight has landed, a rest is over or somebody has more to send; not where nothing is under way
    /// any more.
    async fn news(&mut self) {
        if self.flights.have_landed() || !(self.recorder.is_busy() || self.flights.is_flying()) {
            return;
        }
        let due = self.queue.due(self.own.ctx.clock.now()).map(|due| due.max(RESTED));
        tokio::select! {
            biased;
            settled = self.recorder.progress(), if self.recorder.is_busy() => self.queue.settled(&settled),
            () = self.flights.progress(), if self.flights.is_flying() => {}
            () = self.own.more.notified() => self.look = true,
            () = self.taker.rung() => {}
            () = tokio::time::sleep(due.unwrap_or_default()), if due.is_some() => {}
        }
    }

    async fn settle_one(&mut self) {
        let settled = self.recorder.progress().await;
        self.queue.settled(&settled);
    }

    async fn settle_all(&mut self) {
        while self.recorder.is_busy() {
            self.settle_one().await;
        }
    }
}

/// One try on the wire, in the trace of the request that sent the message.
fn span(session: &SessionId, item: &Item) -> Span {
    let (session, message) = (session.as_str(), &item.message.id);
    let span = tracing::trace_span!(
        target: traces::TARGET,
        "wire",
        otel.kind = "client",
        wharf.session_id = session,
        wharf.message_id = message.as_str(),
        wharf.attempt = item.tries + 1,
    );
    traces::join(&span, message);
    span
}

/// A message whose earlier try had no answer may have arrived, whatever is said to a later one.
fn failed(item: &Item, reason: &str) -> Outcome {
    Outcome::failure(ErrorCode::MessageSendingFailed, reason, item.doubtful)
}
