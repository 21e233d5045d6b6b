//! A row that cannot be read holds none of the others up: it is passed over by whoever works with many, with a line in the log.

use wharf_api::types::session::{DisconnectReason, Refusal, SessionStatus};
use wharf_core::store::{LinkChange, MessageStore, OwnerStore, SessionStore};

use crate::harness::{Db, both_backends};
use crate::tenant::{NOW, Tenant};

both_backends!(a_session_that_cannot_be_read_keeps_no_other_from_being_started, a_queued_message_that_cannot_be_read_keeps_none_behind_it,);

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
    let queued = db.store.queued_messages(&tenant.session, 0, 10).await.unwrap();
    assert_eq!(queued.into_iter().map(|(_, message)| message.id).collect::<Vec<_>>(), [first.id, last.id]);
}
