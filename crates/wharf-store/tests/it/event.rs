use futures::future::join_all;
use serde_json::json;
use wharf_api::types::event::EventKind;
use wharf_api::types::session::SessionStatus;
use wharf_core::store::{LinkChange, MessageStore, NewEvent, Receipt, ReceiptKind, SessionStore};

use crate::harness::{Db, both_backends};
use crate::tenant::{NOW, Tenant, failed, sent};

both_backends!(the_events_of_a_session_are_numbered_without_a_gap, numbers_of_one_account_grow_with_its_commits);

/// Everything that writes events, at once and with refusals between, on two sessions.
async fn the_events_of_a_session_are_numbered_without_a_gap(db: &Db) {
    let tenants = [Tenant::new(db).await, Tenant::new(db).await];
    let work = tenants.iter().flat_map(|tenant| (0..15).map(move |round| (tenant, round)));
    join_all(work.map(|(tenant, round)| async move {
        let row = tenant.send(db, "x").await;
        let mut refused = tenant.outgoing("refused");
        refused.daily_limit = Some(0);
        db.store.accept_message(&refused).await.unwrap();
        let change = if round % 3 == 0 { failed(&row.id) } else { sent(&row.id) };
        db.store.record_outcomes(&tenant.fence, &[change]).await.unwrap();
        let receipt = Receipt { kind: ReceiptKind::Read, wa_ids: vec![row.wa_id], at: NOW };
        db.store.record_receipt(&tenant.fence, &receipt).await.unwrap();
        let incoming = [tenant.incoming("1@lid", &round.to_string()), tenant.incoming("2@lid", "same")];
        db.store.record_inbound(&tenant.fence, &incoming).await.unwrap();
        let change = LinkChange {
            status: SessionStatus::Connected,
            reason: None,
            refusal: None,
            jid: None,
            lid: None,
            push_name: None,
            unlink: false,
            at: NOW,
            events: vec![NewEvent::new(EventKind::SessionStatus, &json!({})); 3],
        };
        db.store.record_link(&tenant.fence, &change).await.unwrap();
    }))
    .await;
    for tenant in &tenants {
        let sequence = format!("SELECT sequence FROM events WHERE {} ORDER BY number", db.of_session(&tenant.session));
        let seen = db.ints(&sequence).await;
        // 15 accepted, 10 sent and read (2 + 4), 5 failed (2), 16 received, 45 of the link.
        assert_eq!(seen.len(), 15 + 60 + 10 + 16 + 45);
        let wanted: Vec<i64> = (1..).take(seen.len()).collect();
        assert_eq!(seen, wanted, "the global order is the session's order too");
    }
}

/// Who reads messages in the order of their numbers and goes on after the last one misses none.
async fn numbers_of_one_account_grow_with_its_commits(db: &Db) {
    let tenant = Tenant::new(db).await;
    let second = db.second().await;
    let stores: Vec<_> = [Some(std::sync::Arc::clone(&db.store)), second].into_iter().flatten().collect();
    let messages: Vec<_> = (0..60).map(|_| tenant.outgoing("x")).collect();
    let sending = join_all(messages.iter().enumerate().map(|(place, message)| stores[place % stores.len()].accept_message(message)));
    let reading = async {
        let (mut after, mut seen) = (0, Vec::new());
        while seen.len() < messages.len() {
            for (number, outgoing) in db.store.queued_messages(&tenant.session, after, 7).await.unwrap() {
                after = number;
                seen.push(outgoing.id);
            }
        }
        seen
    };
    let (accepted, mut seen) = tokio::join!(sending, tokio::time::timeout(std::time::Duration::from_mins(1), reading));
    assert!(accepted.iter().all(Result::is_ok));
    let seen = seen.as_mut().expect("a message was passed over");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), messages.len());
    for store in &stores[1..] {
        store.close().await;
    }
}
