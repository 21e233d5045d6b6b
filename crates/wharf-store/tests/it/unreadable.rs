//! A row that cannot be read holds none of the others up: it is passed over by whoever works with many, with a line in the log.

use wharf_api::types::session::{DisconnectReason, Refusal, SessionStatus};
use wharf_core::store::{AccountStore, LinkChange, MessageStore, OwnerStore, PageRequest, SessionStore};

use crate::harness::{Db, both_backends};
use crate::tenant::{NOW, Tenant, chance};

both_backends!(
    a_session_that_cannot_be_read_keeps_no_other_from_being_started,
    a_queued_message_that_cannot_be_read_keeps_none_behind_it,
    an_account_that_cannot_be_read_is_left_out_of_the_list_wherever_a_page_ends,
);

async fn a_session_that_cannot_be_read_keeps_no_other_from_being_started(db: &Db) {
    let (odd, well) = (Tenant::new(db).await, Tenant::new(db).await);
    for (tenant, number) in [(&odd, "15550000001"), (&well, "15550000002")] {
        let refusal = Refusal { code: 402, text: None, at: NOW, until: Some(NOW.plus_millis(1_000)) };
        let change = LinkChange {
            status: SessionStatus::Disconnected,
            reason: Some(DisconnectReason::Banned),
            refusal: Some(refusal),
            jid: Some(format!("{number}@s.whatsapp.net")),
            lid: None,
            push_name: None,
            unlink: false,
            at: NOW,
            events: Vec::new(),
        };
        db.store.record_link(&tenant.fence, &change).await.unwrap();
    }
    db.store.renew_lease("node", NOW, 0).await.unwrap();
    // As a newer release, or a damaged page, would leave it.
    for damage in ["refusal = '{'", "refusal = NULL, reason = 'of_another_time'", "reason = NULL, status = 'of_another_time'"] {
        db.execute(&format!("UPDATE sessions SET {damage} WHERE id = '{}'", odd.session)).await;
        let linked: Vec<_> = db.store.list_linked_sessions().await.unwrap().into_iter().map(|row| row.id).collect();
        assert_eq!(linked, std::slice::from_ref(&well.session), "{damage}");
        let banned: Vec<_> = db.store.list_banned_sessions(NOW).await.unwrap().into_iter().map(|row| row.id).collect();
        assert_eq!(banned, std::slice::from_ref(&well.session), "{damage}");
    }
}

async fn a_queued_message_that_cannot_be_read_keeps_none_behind_it(db: &Db) {
    let tenant = Tenant::new(db).await;
    let (first, odd, last) = (tenant.send(db, "first").await, tenant.send(db, "odd").await, tenant.send(db, "last").await);
    db.execute(&format!("UPDATE outgoing SET audience = '[' WHERE message = (SELECT number FROM messages WHERE id = '{}')", odd.id)).await;
    for limit in [1, 2, 10] {
        let (mut seen, mut after) = (Vec::new(), 0);
        loop {
            let page = db.store.queued_messages(&tenant.session, after, limit).await.unwrap();
            let Some((number, _)) = page.last() else { break };
            after = *number;
            seen.extend(page.into_iter().map(|(_, message)| message.id));
        }
        assert_eq!(seen, [first.id.clone(), last.id.clone()], "{limit}");
    }
    let page = db.store.queued_messages(&tenant.session, 0, 2).await.unwrap();
    assert_eq!(page.len(), 2, "a page that is not full is the last one");
}

async fn an_account_that_cannot_be_read_is_left_out_of_the_list_wherever_a_page_ends(db: &Db) {
    db.execute("UPDATE plans SET pace = '{' WHERE name = 'basic'").await;
    let mut wanted = Vec::new();
    // Two of each moment, and of the second one both on the plan that is damaged.
    for (plan, moment) in [("free", 1), ("basic", 1), ("basic", 2), ("basic", 2), ("free", 3), ("basic", 3)] {
        let id = chance().account_id();
        assert!(db.store.insert_account(&id, "a", plan, NOW.plus_millis(moment)).await.unwrap());
        wanted.extend((plan == "free").then_some(id));
    }
    for limit in [1, 2, 3, 10] {
        let (mut seen, mut after) = (Vec::new(), None);
        for _ in 0..10 {
            let page = db.store.list_accounts(PageRequest { after, limit }).await.unwrap();
            seen.extend(page.rows.into_iter().map(|row| row.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((seen, after), (wanted.clone(), None), "{limit}");
    }
    let plans: Vec<_> = db.store.list_plans().await.unwrap().into_iter().map(|plan| plan.name).collect();
    assert!(plans.len() == 3 && plans.iter().all(|name| name != "basic"), "{plans:?}");
}
