//! Every verb that takes a fence, under fences that do not hold.

use serde_json::json;
use wharf_api::types::event::EventKind;
use wharf_api::types::session::SessionStatus;
use wharf_core::store::{
    Error, Fence, LinkChange, MessageStore, NewEvent, OwnerStore, Receipt, ReceiptKind, SessionStore, VaultOp, VaultStore,
};

use crate::harness::{Db, both_backends};
use crate::tenant::{NOW, Tenant, chance, sent};

both_backends!(
    a_stale_epoch_is_refused_by_every_verb_and_writes_nothing,
    an_epoch_from_the_future_is_refused,
    after_its_release_an_owner_is_refused,
    after_the_deletion_of_its_session_an_owner_is_refused,
    a_fence_of_another_session_is_refused,
);

async fn assert_refused(db: &Db, tenant: &Tenant, fence: &Fence) {
    let queued = db.texts("SELECT id FROM messages ORDER BY number LIMIT 1").await;
    let id = wharf_api::ids::MessageId::parse(&queued[0]).unwrap();
    let wa_ids = db.texts("SELECT wa_id FROM messages").await;
    let state = "SELECT status FROM messages UNION ALL SELECT status FROM sessions";
    let before = (db.sizes().await, db.texts(state).await, db.ints("SELECT attempts FROM outgoing").await);

    let change = LinkChange {
        status: SessionStatus::Connected,
        reason: None,
        refusal: None,
        jid: Some("1@s.whatsapp.net".to_owned()),
        lid: None,
        push_name: None,
        unlink: false,
        at: NOW,
        events: vec![NewEvent::new(EventKind::SessionStatus, &json!({}))],
    };
    let put = VaultOp::Put { space: "session", key: "new".to_owned(), value: vec![1] };
    let receipt = Receipt { kind: ReceiptKind::Read, wa_ids, at: NOW };
    let incoming = tenant.incoming("1@lid", "A1");
    let results = [
        ("record_link", db.store.record_link(fence, &change).await),
        ("claim_messages", db.store.claim_messages(fence, std::slice::from_ref(&id), NOW).await),
        ("record_outcomes", db.store.record_outcomes(fence, &[sent(&id)]).await.map(drop)),
        ("record_receipt", db.store.record_receipt(fence, &receipt).await.map(drop)),
        ("record_inbound", db.store.record_inbound(fence, &[incoming]).await.map(drop)),
        ("vault_apply", db.store.vault_apply(fence, vec![put]).await),
        ("vault_wipe", db.store.vault_wipe(fence).await),
    ];
    for (verb, result) in results {
        assert!(matches!(result, Err(Error::Fenced)), "{verb}: {result:?}");
    }
    db.store.release_session(fence).await.unwrap();
    let after = (db.sizes().await, db.texts(state).await, db.ints("SELECT attempts FROM outgoing").await);
    assert_eq!(before, after);
}

async fn busy_tenant(db: &Db) -> Tenant {
    let tenant = Tenant::new(db).await;
    tenant.send(db, "waiting").await;
    let put = VaultOp::Put { space: "session", key: "old".to_owned(), value: vec![1] };
    db.store.vault_apply(&tenant.fence, vec![put]).await.unwrap();
    tenant
}

async fn a_stale_epoch_is_refused_by_every_verb_and_writes_nothing(db: &Db) {
    let tenant = busy_tenant(db).await;
    let current = db.store.take_session(&tenant.session, "node", NOW).await.unwrap().unwrap();
    assert_refused(db, &tenant, &tenant.fence).await;
    db.store.vault_wipe(&current).await.unwrap();
}

async fn an_epoch_from_the_future_is_refused(db: &Db) {
    let tenant = busy_tenant(db).await;
    let future = Fence { epoch: tenant.fence.epoch + 1, ..tenant.fence.clone() };
    assert_refused(db, &tenant, &future).await;
}

async fn after_its_release_an_owner_is_refused(db: &Db) {
    let tenant = busy_tenant(db).await;
    db.store.release_session(&tenant.fence).await.unwrap();
    assert_refused(db, &tenant, &tenant.fence).await;
}

async fn after_the_deletion_of_its_session_an_owner_is_refused(db: &Db) {
    let tenant = busy_tenant(db).await;
    assert!(db.store.delete_session(&tenant.account, &tenant.session).await.unwrap());
    assert_refused(db, &tenant, &tenant.fence).await;
}

async fn a_fence_of_another_session_is_refused(db: &Db) {
    let tenant = busy_tenant(db).await;
    let other = Fence { session: chance().session_id(), ..tenant.fence.clone() };
    assert_refused(db, &tenant, &other).await;
}
