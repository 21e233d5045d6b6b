//! What waits, over all tenants, and why: for the operator.

use wharf_api::Timestamp;
use wharf_api::ids::AccountId;
use wharf_api::types::hold::HoldReason;
use wharf_api::types::queue::{HeldType, Queue, QueueDeliveryStatus, QueueHeld, QueueType};

use crate::services::Services;
use crate::session;
use crate::store::{self, Backlog, DeliveryQueue, MessageQueue, Page, PageRequest};

/// The list goes on with webhooks where the sessions end: their places begin behind every number of a session.
const WEBHOOKS: i64 = 1 << 62;

/// Queues in which something waits, or that are held back: those of sessions first, then those of webhooks.
pub async fn list(services: &Services, page: PageRequest) -> Result<Page<Queue>, store::Error> {
    let now = services.clock.now();
    let mut rows = Vec::new();
    let after = page.after.unwrap_or(0);
    if after < WEBHOOKS {
        let found = services.store.message_queues(now, page).await?;
        for row in found.rows {
            rows.push(of_messages(services, row, now).await?);
        }
        if found.next.is_some() {
            return Ok(Page { rows, next: found.next });
        }
    }
    let room = page.limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(page.limit));
    // Without room for one it is still asked whether there is one.
    let wanted = PageRequest { after: Some((after - WEBHOOKS).max(0)), limit: room.max(1) };
    let found = services.store.delivery_queues(now, wanted).await?;
    if room == 0 {
        return Ok(Page { rows, next: found.rows.first().map(|_| WEBHOOKS) });
    }
    rows.extend(found.rows.into_iter().map(|row| of_deliveries(row, now)));
    Ok(Page { rows, next: found.next.map(|number| WEBHOOKS.saturating_add(number)) })
}

async fn of_messages(services: &Services, row: MessageQueue, now: Timestamp) -> Result<Queue, store::Error> {
    let shown = session::view(services, &row.session);
    let mut held = services.store.held_of(&row.session.id, now).await?;
    let mut all = |reason, until| held.push(QueueHeld { held: HeldType::Session, reason, until, chats: None });
    if services.switches.sending_paused().or(services.switches.connecting_paused()).is_some() {
        all(HoldReason::Pause, None);
    }
    if let Some(hold) = session::hold(services, &row.session.id, now) {
        all(hold.reason, hold.until);
    }
    let queue = empty(QueueType::Messages, &row.backlog, row.session.account, now);
    Ok(Queue { session_id: Some(row.session.id), held, session_status: Some(shown.status), waiting_for: shown.waiting_for, ..queue })
}

fn of_deliveries(row: DeliveryQueue, now: Timestamp) -> Queue {
    let status = match (row.enabled, row.due) {
        (false, _) => QueueDeliveryStatus::Paused,
        (true, 0) => QueueDeliveryStatus::Resting,
        (true, _) => QueueDeliveryStatus::Due,
    };
    let queue = empty(QueueType::Deliveries, &row.backlog, row.account, now);
    Queue {
        session_id: row.session,
        webhook_id: Some(row.webhook),
        delivery_status: Some(status),
        due: Some(row.due),
        next_at: row.next_at.filter(|_| status == QueueDeliveryStatus::Resting),
        disabled_reason: row.disabled_reason.filter(|_| status == QueueDeliveryStatus::Paused),
        failing_since: row.failing_since,
        ..queue
    }
}

/// What both sorts have.
fn empty(queue: QueueType, backlog: &Backlog, account_id: AccountId, now: Timestamp) -> Queue {
    let age_ms = backlog.oldest_at.map(|at| now.as_millis() - at.as_millis());
    Queue {
        queue,
        account_id,
        session_id: None,
        webhook_id: None,
        waiting: backlog.waiting,
        oldest_at: backlog.oldest_at,
        oldest_seconds: age_ms.map(|ms| u64::try_from(ms / 1000).unwrap_or(0)),
        held: Vec::new(),
        session_status: None,
        waiting_for: None,
        delivery_status: None,
        due: None,
        next_at: None,
        disabled_reason: None,
        failing_since: None,
    }
}
