//! Receipts of what the session sent: a few commits for many, and never more than one at a time.

mod kept;

use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use wacore::types::events::Receipt as Seen;
use wacore::types::presence::ReceiptType;
use wacore_binary::JidExt as _;
use wharf_api::types::message::Direction;
use wharf_core::store::{self, Member, MemberReceipt, MessageRow, Outcome, Receipt, ReceiptKind};

use super::Own;
use super::convert::Person;
use super::flight::Answer;
use crate::task;
pub(super) use kept::Kept;

/// In a storm that nobody could store receipts may be lost, and in one of more than [`BEFORE`] also by a crash. The end of a client loses none.
const WAITING: usize = 10_000;
/// Behind how many others the acknowledgement of a receipt is still held back.
const BEFORE: usize = 32;
const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);
/// How often a receipt is offered for a message that is not there.
const OFFERS: u8 = 5;
/// How many receipts one commit takes. Each may cost fifteen statements, and a slow database five milliseconds for each: a longer list would
/// never fit into a commit's time.
const AT_ONCE: usize = 16;

/// A receipt for one message; in a group, and of a status, with the person who gave it.
#[derive(Clone)]
struct ToldReceipt {
    kind: ReceiptKind,
    wa_id: String,
    member: Option<Member>,
    /// Another device of the account has read what came in.
    elsewhere: bool,
    /// How often it was offered before, for a message that was not there.
    offers: u8,
    /// Its acknowledgements, which wait for its row.
    kept: Vec<Arc<Kept>>,
}

impl ToldReceipt {
    /// What it says.
    fn key(&self) -> (ReceiptKind, &str, Option<&Member>, bool, u8) {
        (self.kind, &self.wa_id, self.member.as_ref(), self.elsewhere, self.offers)
    }

    /// This receipt with its acknowledgement let go.
    fn let_go(&self) -> Self {
        Self { kept: Vec::new(), member: self.member.clone(), wa_id: self.wa_id.clone(), ..*self }
    }

    /// To be stored later. A database that refuses may do so for days: the client goes on meanwhile.
    fn left_by(&self, error: &store::Error) -> Self {
        if matches!(error, store::Error::Refused(_)) { self.let_go() } else { self.clone() }
    }

    /// To be offered once more.
    fn early(&self) -> Self {
        Self { offers: self.offers + 1, ..self.let_go() }
    }
}

type Batch = Vec<ToldReceipt>;

/// What a batch left behind.
#[derive(Default)]
struct Leftover {
    /// The database did not take it.
    unstored: Batch,
    /// There is no message for it, yet.
    early: Batch,
}

#[derive(Default)]
pub(super) struct Receipts {
    waiting: Batch,
    /// What is being stored, and a copy of it: a client may end meanwhile, and what was told to it is told to the next.
    running: Option<(Batch, JoinHandle<Leftover>)>,
    /// What found no message, to be offered again at that time. Most never finds one, and none of it holds up the others.
    early: Batch,
    again_at: Option<Instant>,
}

impl Receipts {
    /// Takes a receipt in, if it tells of another person's device, or that another device of the account has read.
    pub(super) fn add(&mut self, own: &Arc<Own>, receipt: &Seen, own_users: &[String], kept: Option<Kept>) {
        let source = &receipt.source;
        let elsewhere = source.is_from_me || own_users.iter().any(|user| *user == source.sender.user_base());
        let kind = if elsewhere { kind_elsewhere(&receipt.r#type) } else { kind(&receipt.r#type) };
        let Some(kind) = kind else { return };
        if self.waiting.len() + self.early.len() >= WAITING {
            return;
        }
        let many = source.chat.is_group() || source.chat.is_status_broadcast();
        let member = (many && !elsewhere).then(|| {
            let person = Person::of(&source.sender, source.sender_alt.as_ref());
            Member { id: person.id, phone: person.phone, lid: person.lid }
        });
        let before = self.waiting.len() + self.running.as_ref().map_or(0, |(batch, _)| batch.len());
        let kept: Vec<_> = kept.filter(|_| before + receipt.message_ids.len() <= BEFORE).map(Arc::new).into_iter().collect();
        let told = |id: &String| ToldReceipt { kind, wa_id: id.clone(), member: member.clone(), elsewhere, offers: 0, kept: kept.clone() };
        self.waiting.extend(receipt.message_ids.iter().map(told));
        self.start(own);
    }

    pub(super) fn is_busy(&self) -> bool {
        self.running.is_some() || self.again_at.is_some()
    }

    /// Ends when a batch is stored, or when it is time to offer again what found no message; then begins the next. May be dropped at any time.
    pub(super) async fn progress(&mut self, own: &Arc<Own>) {
        if let Some((_, running)) = &mut self.running {
            let left = running.await.unwrap_or_default();
            self.running = None;
            if left.unstored.iter().flat_map(|told| &told.kept).any(|kept| kept.is_over(own)) {
                // The network says them again on the next connection.
                for kept in left.unstored.iter().flat_map(|told| &told.kept) {
                    kept.lose();
                }
                own.unstored.notify_one();
            }
            self.waiting.splice(0..0, left.unstored);
            if !left.early.is_empty() {
                self.early.extend(left.early);
                self.again_at.get_or_insert_with(|| Instant::now() + PAUSE);
            }
        } else if let Some(again_at) = self.again_at {
            tokio::time::sleep_until(again_at).await;
        }
        self.start(own);
    }

    /// Stores what there is before its client is gone, if that takes no longer than `limit`. What is left waits for the next client.
    pub(super) async fn drain(&mut self, own: &Arc<Own>, limit: std::time::Duration) {
        self.start(own);
        let stored = async {
            while self.running.is_some() {
                self.progress(own).await;
            }
        };
        if tokio::time::timeout(limit, stored).await.is_err() {
            // What it has stored already changes nothing when it is offered again.
            if let Some((batch, running)) = self.running.take() {
                running.abort();
                self.waiting.splice(0..0, batch);
            }
        }
        // Nothing is acknowledged on this client's connection any more.
        for told in &mut self.waiting {
            *told = told.let_go();
        }
    }

    /// Begins to store what waits, also what an earlier client was told.
    pub(super) fn start(&mut self, own: &Arc<Own>) {
        if self.running.is_some() {
            return;
        }
        if self.again_at.is_some_and(|again_at| again_at <= Instant::now()) {
            self.again_at = None;
            self.waiting.append(&mut self.early);
        }
        if !self.waiting.is_empty() {
            let batch = std::mem::take(&mut self.waiting);
            let copy = batch.iter().map(ToldReceipt::let_go).collect();
            self.running = Some((copy, task::spawn(store(Arc::clone(own), batch))));
        }
    }
}

/// Which receipts tell something about a message. `Inactive` does not: no tick shows on it.
fn kind(seen: &ReceiptType) -> Option<ReceiptKind> {
    match seen {
        ReceiptType::Delivered => Some(ReceiptKind::Delivered),
        ReceiptType::Read => Some(ReceiptKind::Read),
        ReceiptType::Played => Some(ReceiptKind::Played),
        _ => None,
    }
}

/// Which receipts of the account's other devices tell something: that they have a message too does not, that somebody read it does.
fn kind_elsewhere(seen: &ReceiptType) -> Option<ReceiptKind> {
    match seen {
        ReceiptType::Read | ReceiptType::ReadSelf | ReceiptType::Played | ReceiptType::PlayedSelf => Some(ReceiptKind::Read),
        _ => None,
    }
}

/// Stores what other devices of the account have read.
async fn read_elsewhere(own: &Own, told: Batch) -> Leftover {
    if told.is_empty() {
        return Leftover::default();
    }
    let wa_ids: Vec<String> = told.iter().map(|told| told.wa_id.clone()).collect();
    match own.vault.notice(own.ctx.store.record_read_elsewhere(own.fence(), &wa_ids, own.ctx.clock.now()).await) {
        // The message may still be on its way; or it is older than this log.
        Ok(unknown) => {
            let early = told.into_iter().filter(|told| told.offers < OFFERS && unknown.contains(&told.wa_id));
            Leftover { early: early.map(|told| told.early()).collect(), ..Leftover::default() }
        }
        Err(error) if error.is_for_later() => {
            Leftover { unstored: told.iter().map(|told| told.left_by(&error)).collect(), ..Leftover::default() }
        }
        Err(error) => {
            tracing::warn!(%error, "what another device has read was not recorded");
            Leftover::default()
        }
    }
}

/// Stores a batch: first what is held back, so that it is not held back for the sake of the rest.
async fn store(own: Arc<Own>, batch: Batch) -> Leftover {
    let mut left = Leftover::default();
    let (held, rest): (Batch, Batch) = batch.into_iter().partition(|told| !told.kept.is_empty());
    for batch in [held, rest] {
        store_batch(&own, batch, &mut left).await;
    }
    if !left.unstored.is_empty() {
        // The database is away: nothing else could be stored either.
        tokio::time::sleep(PAUSE).await;
    }
    left
}

/// Stores part by part. What is stored is let go at the end.
async fn store_batch(own: &Own, mut batch: Batch, left: &mut Leftover) {
    // Every device of the recipient sends its own.
    batch.sort_unstable_by(|one, other| one.key().cmp(&other.key()));
    batch.dedup_by(|next, told| {
        let same = next.key() == told.key();
        if same {
            told.kept.append(&mut next.kept);
        }
        same
    });
    let (elsewhere, batch): (Batch, Batch) = batch.into_iter().partition(|told| told.elsewhere);
    let read = if left.unstored.is_empty() {
        read_elsewhere(own, elsewhere).await
    } else {
        Leftover { unstored: elsewhere, ..Leftover::default() }
    };
    left.unstored.extend(read.unstored);
    left.early.extend(read.early);
    for kind in [ReceiptKind::Delivered, ReceiptKind::Read, ReceiptKind::Played] {
        let of_kind: Vec<&ToldReceipt> = batch.iter().filter(|told| told.kind == kind).collect();
        for part in of_kind.chunks(AT_ONCE) {
            if left.unstored.is_empty() {
                store_part(own, kind, part, left).await;
            } else {
                left.unstored.extend(part.iter().copied().cloned());
            }
        }
    }
}

/// Stores receipts of one kind in one commit, and what their members did in another.
async fn store_part(own: &Own, kind: ReceiptKind, part: &[&ToldReceipt], left: &mut Leftover) {
    let mut wa_ids: Vec<String> = part.iter().map(|told| told.wa_id.clone()).collect();
    wa_ids.dedup();
    // Who it was is there before the message says that somebody did.
    let unknown = match record_members(own, part).await {
        Ok(unknown) => unknown,
        Err(error) => {
            left.unstored.extend(part.iter().map(|told| told.left_by(&error)));
            return;
        }
    };
    let receipt = Receipt { kind, wa_ids, at: own.ctx.clock.now() };
    fail::fail_point!("receipt-before-commit");
    match own.vault.notice(own.ctx.store.record_receipt(own.fence(), &receipt).await) {
        Ok(moved) => {
            for row in &moved {
                proven(own, row);
            }
            left.early.extend(early(own, part, &moved, &unknown).await);
        }
        Err(error) if error.is_for_later() => left.unstored.extend(part.iter().map(|told| told.left_by(&error))),
        Err(error) => tracing::warn!(%error, "receipts were not recorded"),
    }
}

/// The receipts that overtook their message, to be offered again: what another device of the account sends comes as a copy, on another way.
/// The message may also have come since the receipt looked for it; then it is behind what the receipt says, or says that somebody told and not
/// who (`unknown`).
async fn early(own: &Own, told: &[&ToldReceipt], moved: &[MessageRow], unknown: &[String]) -> Batch {
    let mut early = Vec::new();
    for told in told.iter().filter(|told| told.offers < OFFERS) {
        if told.member.is_some() && unknown.contains(&told.wa_id) {
            early.push(told.early());
            continue;
        }
        if moved.iter().any(|row| row.wa_id == told.wa_id) {
            continue;
        }
        let Ok(rows) = own.ctx.store.messages_on_wire(own.session(), &told.wa_id).await else { continue };
        if rows.iter().filter(|row| row.direction == Direction::Outgoing).all(|row| row.status < told.kind.status()) {
            early.push(told.early());
        }
    }
    early
}

/// Stores who of a group, or of those whom a status is for, has told; gives the ids of messages that are not there. `Err` where that is
/// to be tried again.
async fn record_members(own: &Own, told: &[&ToldReceipt]) -> Result<Vec<String>, store::Error> {
    let at = own.ctx.clock.now();
    let receipt =
        |told: &&ToldReceipt| Some(MemberReceipt { wa_id: told.wa_id.clone(), member: told.member.clone()?, kind: told.kind, at });
    let receipts: Vec<MemberReceipt> = told.iter().filter_map(receipt).collect();
    if receipts.is_empty() {
        return Ok(Vec::new());
    }
    match own.vault.notice(own.ctx.store.record_member_receipts(own.fence(), &receipts).await) {
        Err(error) if !error.is_for_later() => {
            tracing::warn!(%error, "receipts of members were not recorded");
            Ok(Vec::new())
        }
        recorded => recorded,
    }
}

/// A receipt proves that the server has the message, even where its acknowledgement was lost.
fn proven(own: &Own, row: &MessageRow) {
    own.flight.answer(&row.wa_id, Answer::Acknowledged);
    own.ctx.outcomes.report(&row.id, Outcome::Sent);
}

#[cfg(test)]
mod tests;
