use std::sync::Arc;

use futures::future::join_all;
use wharf_api::types::session::{DisconnectReason, Refusal, SessionStatus};
use wharf_core::store::{Error, Fence, LinkChange, NodeStore, OwnerStore, SessionStore, Told, VaultOp, VaultStore};
use wharf_store::SqlStore;

use crate::harness::{Db, both_backends};
use crate::tenant::{NOW, Tenant, chance, session};

both_backends!(
    of_many_takers_at_once_exactly_one_wins,
    a_session_whose_owner_lives_is_not_taken_and_one_whose_lease_lapsed_is,
    a_node_takes_its_own_session_again_under_a_higher_epoch,
    a_released_session_is_free_at_once_and_its_epoch_goes_on,
    a_stale_release_frees_nothing,
    a_session_that_does_not_exist_is_not_taken,
    no_write_lands_after_a_take_over,
    a_linked_session_is_nobodys_while_no_node_with_a_lease_has_it,
    a_banned_session_is_listed_with_its_refusal_while_nobody_runs_it,
    a_node_is_drained_until_it_may_have_sessions_again_or_begins_anew,
    a_renewal_tells_whether_another_node_has_a_lease_or_had_one_lately,
    an_older_self_voids_every_fence_and_each_session_begins_its_keys_anew_once,
);

const HOUR_MS: i64 = 3_600_000;

async fn stores(db: &Db) -> Vec<Arc<SqlStore>> {
    let mut stores = vec![Arc::clone(&db.store)];
    stores.extend(db.second().await);
    stores
}

async fn of_many_takers_at_once_exactly_one_wins(db: &Db) {
    let tenant = Tenant::new(db).await;
    let stores = stores(db).await;
    for node in 0..6 {
        db.store.renew_lease(&format!("node {node}"), NOW, HOUR_MS).await.unwrap();
    }
    for _ in 0..20 {
        let contested = session(db, &tenant.account).await;
        let takers = (0..6).map(|taker: usize| {
            let (store, contested) = (Arc::clone(&stores[taker % stores.len()]), contested.clone());
            tokio::spawn(async move { store.take_session(&contested, &format!("node {taker}"), NOW).await })
        });
        let fences: Vec<Fence> = join_all(takers).await.into_iter().filter_map(|taken| taken.unwrap().unwrap()).collect();
        assert_eq!(fences.len(), 1, "{fences:?}");
        assert_eq!((fences[0].epoch, &fences[0].account), (1, &tenant.account));
    }
    for store in &stores[1..] {
        store.close().await;
    }
}

async fn a_session_whose_owner_lives_is_not_taken_and_one_whose_lease_lapsed_is(db: &Db) {
    let tenant = Tenant::new(db).await;
    for _ in 0..2 {
        db.store.renew_lease("node", NOW, HOUR_MS).await.unwrap();
        assert!(db.store.take_session(&tenant.session, "other", NOW).await.unwrap().is_none());
    }
    db.store.renew_lease("node", NOW, 0).await.unwrap();
    let taken = db.store.take_session(&tenant.session, "other", NOW).await.unwrap().unwrap();
    assert_eq!(taken.epoch, tenant.fence.epoch + 1);
}

/// A file has one process: its clock is the one that counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_file_a_lease_ends_by_the_clock_of_its_process() {
    let db = Db::sqlite().await;
    let tenant = Tenant::new(&db).await;
    db.store.renew_lease("node", NOW, 100).await.unwrap();
    assert!(db.store.take_session(&tenant.session, "other", NOW.plus_millis(99)).await.unwrap().is_none());
    assert!(db.store.take_session(&tenant.session, "other", NOW.plus_millis(100)).await.unwrap().is_some());
    db.finish().await;
}

async fn a_node_takes_its_own_session_again_under_a_higher_epoch(db: &Db) {
    let tenant = Tenant::new(db).await;
    db.store.renew_lease("node", NOW, HOUR_MS).await.unwrap();
    let again = db.store.take_session(&tenant.session, "node", NOW).await.unwrap().unwrap();
    assert_eq!(again.epoch, tenant.fence.epoch + 1);
    let refused = db.store.vault_wipe(&tenant.fence).await;
    assert!(matches!(refused, Err(Error::Fenced)), "{refused:?}");
}

async fn a_released_session_is_free_at_once_and_its_epoch_goes_on(db: &Db) {
    let tenant = Tenant::new(db).await;
    db.store.renew_lease("node", NOW, HOUR_MS).await.unwrap();
    db.store.release_session(&tenant.fence).await.unwrap();
    let taken = db.store.take_session(&tenant.session, "other", NOW).await.unwrap().unwrap();
    assert_eq!(taken.epoch, tenant.fence.epoch + 1);
}

async fn a_stale_release_frees_nothing(db: &Db) {
    let tenant = Tenant::new(db).await;
    db.store.renew_lease("node", NOW, HOUR_MS).await.unwrap();
    let current = db.store.take_session(&tenant.session, "node", NOW).await.unwrap().unwrap();
    db.store.release_session(&tenant.fence).await.unwrap();
    assert!(db.store.take_session(&tenant.session, "other", NOW).await.unwrap().is_none());
    db.store.vault_wipe(&current).await.unwrap();
}

async fn a_session_that_does_not_exist_is_not_taken(db: &Db) {
    assert!(db.store.take_session(&chance().session_id(), "node", NOW).await.unwrap().is_none());
}

/// Every owner writes its epoch into the vault as fast as it can and goes on when it was overtaken. Once the newest
/// owner has written its own, nothing else may be read until the next take-over.
async fn no_write_lands_after_a_take_over(db: &Db) {
    let tenant = Tenant::new(db).await;
    let stores = stores(db).await;
    let put = |fence: &Fence| VaultOp::Put { space: "device", key: "epoch".to_owned(), value: fence.epoch.to_be_bytes().to_vec() };
    let owner = |store: Arc<SqlStore>, fence: Fence| async move {
        let mut landed = 0;
        loop {
            match store.vault_apply(&fence, vec![put(&fence)]).await {
                Ok(()) => landed += 1,
                Err(Error::Fenced) => return landed,
                Err(error) => panic!("{error}"),
            }
        }
    };
    let mut owners = vec![tokio::spawn(owner(Arc::clone(&db.store), tenant.fence.clone()))];
    let mut epoch = tenant.fence.epoch;
    for round in 0..60 {
        let store = &stores[round % stores.len()];
        let taken = store.take_session(&tenant.session, &format!("node {round}"), NOW).await.unwrap().unwrap();
        assert!(taken.epoch > epoch);
        epoch = taken.epoch;
        store.vault_apply(&taken, vec![put(&taken)]).await.unwrap();
        owners.push(tokio::spawn(owner(Arc::clone(store), taken.clone())));
        for _ in 0..5 {
            let value = store.vault_get(&tenant.session, "device", "epoch").await.unwrap().unwrap();
            assert_eq!(i64::from_be_bytes(value.try_into().unwrap()), epoch, "a stale owner's write landed");
        }
    }
    db.store.delete_session(&tenant.account, &tenant.session).await.unwrap();
    let landed: u64 = join_all(owners).await.into_iter().map(Result::unwrap).sum();
    assert!(landed > 0);
    assert!(db.store.vault_get(&tenant.session, "device", "epoch").await.unwrap().is_none(), "written after the deletion");
    for store in &stores[1..] {
        store.close().await;
    }
}

async fn a_linked_session_is_nobodys_while_no_node_with_a_lease_has_it(db: &Db) {
    let tenant = Tenant::new(db).await;
    let lease = async |node: &str, ttl_ms: i64| db.store.renew_lease(node, NOW, ttl_ms).await.unwrap();
    let nobodys = async || db.store.list_unattended_sessions("other", NOW).await.unwrap();
    let show = async |fence: &Fence, status: SessionStatus| {
        let jid = Some("15550000001@s.whatsapp.net".to_owned());
        let change =
            LinkChange { status, reason: None, refusal: None, jid, lid: None, push_name: None, unlink: false, at: NOW, events: vec![] };
        db.store.record_link(fence, &change).await.unwrap();
    };
    lease("node", 0).await;
    assert_eq!(nobodys().await, [], "it has no link");
    show(&tenant.fence, SessionStatus::Connected).await;
    lease("node", HOUR_MS).await;
    assert_eq!(nobodys().await, [], "its owner lives");
    let own = db.store.list_unattended_sessions("node", NOW).await.unwrap();
    assert_eq!(own, std::slice::from_ref(&tenant.session), "its owner knows whether it runs");
    lease("node", 0).await;
    assert_eq!(nobodys().await, std::slice::from_ref(&tenant.session), "its owner's lease has lapsed");
    lease("other", HOUR_MS).await;
    let taken = db.store.take_session(&tenant.session, "other", NOW).await.unwrap().unwrap();
    assert!(taken.taken_over && !tenant.fence.taken_over, "only the second take was one from another node");
    let nobodys = async || db.store.list_unattended_sessions("third", NOW).await.unwrap();
    assert_eq!(nobodys().await, [], "it has a new owner");
    show(&taken, SessionStatus::Disconnected).await;
    db.store.release_session(&taken).await.unwrap();
    assert_eq!(nobodys().await, [], "it was cut off");
    show(&db.store.take_session(&tenant.session, "other", NOW).await.unwrap().unwrap(), SessionStatus::Reconnecting).await;
    assert_eq!(nobodys().await, []);
    lease("other", 0).await;
    assert_eq!(nobodys().await, std::slice::from_ref(&tenant.session));
    db.store.delete_session(&tenant.account, &tenant.session).await.unwrap();
    assert_eq!(nobodys().await, [], "it was deleted");
}

async fn a_banned_session_is_listed_with_its_refusal_while_nobody_runs_it(db: &Db) {
    let tenant = Tenant::new(db).await;
    let refusal = Refusal { code: 402, text: Some("for a while".to_owned()), at: NOW, until: Some(NOW.plus_millis(HOUR_MS)) };
    let record = async |status: SessionStatus, reason: Option<DisconnectReason>, refusal: Option<&Refusal>| {
        let jid = Some("15550000001@s.whatsapp.net".to_owned());
        let refusal = refusal.cloned();
        let change = LinkChange { status, reason, refusal, jid, lid: None, push_name: None, unlink: false, at: NOW, events: vec![] };
        db.store.record_link(&tenant.fence, &change).await.unwrap();
    };
    let banned = async || -> Vec<Option<Refusal>> {
        let rows = db.store.list_banned_sessions(NOW).await.unwrap();
        rows.into_iter().filter(|row| row.id == tenant.session).map(|row| row.refusal).collect()
    };
    db.store.renew_lease("node", NOW, 0).await.unwrap();
    record(SessionStatus::Reconnecting, None, Some(&refusal)).await;
    assert_eq!(banned().await, [], "it was refused and not banned");
    record(SessionStatus::Disconnected, Some(DisconnectReason::Banned), Some(&refusal)).await;
    assert_eq!(banned().await, [Some(refusal.clone())]);
    db.store.renew_lease("node", NOW, HOUR_MS).await.unwrap();
    assert_eq!(banned().await, [], "somebody runs it");
    db.store.renew_lease("node", NOW, 0).await.unwrap();
    assert_eq!(banned().await.len(), 1);
    record(SessionStatus::Qr, None, None).await;
    let row = db.store.find_session(&tenant.account, &tenant.session).await.unwrap().unwrap();
    assert_eq!((row.refusal, banned().await.len()), (None, 0), "a code that can be scanned is no refusal");
}

/// Nodes share the server's clock: one whose own is wrong neither takes a session from a node that lives nor keeps one for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_server_the_clocks_of_the_nodes_decide_nothing() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let jid = Some("15550000001@s.whatsapp.net".to_owned());
    let status = SessionStatus::Connected;
    let change =
        LinkChange { status, reason: None, refusal: None, jid, lid: None, push_name: None, unlink: false, at: NOW, events: vec![] };
    db.store.record_link(&tenant.fence, &change).await.unwrap();
    let day = 24 * HOUR_MS;

    db.store.renew_lease("node", NOW.plus_millis(-10 * day), HOUR_MS).await.unwrap();
    for wrong in [-day, 0, 10 * day] {
        assert!(db.store.take_session(&tenant.session, "other", NOW.plus_millis(wrong)).await.unwrap().is_none(), "{wrong}");
        assert_eq!(db.store.list_unattended_sessions("other", NOW.plus_millis(wrong)).await.unwrap(), [], "{wrong}");
    }
    db.store.renew_lease("node", NOW.plus_millis(10 * day), 0).await.unwrap();
    assert_eq!(db.store.list_unattended_sessions("other", NOW).await.unwrap(), std::slice::from_ref(&tenant.session));
    let taken = db.store.take_session(&tenant.session, "other", NOW).await.unwrap();
    assert_eq!(taken.map(|fence| fence.epoch), Some(tenant.fence.epoch + 1));
    db.finish().await;
}

async fn a_renewal_tells_whether_another_node_has_a_lease_or_had_one_lately(db: &Db) {
    let alone = async |node: &str, ttl_ms: i64| db.store.renew_lease(node, NOW, ttl_ms).await.unwrap().alone;
    assert!(alone("node", HOUR_MS).await && alone("node", HOUR_MS).await, "it is no other to itself");
    assert!(!alone("other", HOUR_MS).await && !alone("node", HOUR_MS).await);
    alone("other", 0).await;
    assert!(!alone("node", HOUR_MS).await, "that one may be back in a moment");
    alone("other", -23 * HOUR_MS).await;
    assert!(!alone("node", HOUR_MS).await, "or in an hour");
    alone("other", -25 * HOUR_MS).await;
    assert!(alone("node", HOUR_MS).await, "that one is gone");
}

async fn a_node_is_drained_until_it_may_have_sessions_again_or_begins_anew(db: &Db) {
    let tenant = Tenant::new(db).await;
    db.store.renew_lease("node", NOW, HOUR_MS).await.unwrap();
    let begins = async || {
        let told = Told { version: "1".to_owned(), since: NOW, draining: false };
        db.store.tell_node("node", &told).await.unwrap();
    };
    let drained = async || {
        let nodes = db.store.list_nodes(NOW, 0, 10).await.unwrap();
        nodes.iter().find(|node| node.id == "node").and_then(|node| node.told.as_ref()).map(|told| told.draining)
    };
    begins().await;
    assert_eq!(drained().await, Some(false));
    db.store.drain_node("node", true).await.unwrap();
    db.store.renew_lease("node", NOW, HOUR_MS).await.unwrap();
    assert_eq!(drained().await, Some(true));
    db.store.drain_node("node", false).await.unwrap();
    assert_eq!(drained().await, Some(false));
    db.store.drain_node("node", true).await.unwrap();
    begins().await;
    assert_eq!(drained().await, Some(false));
    db.store.drain_node("nobody", true).await.unwrap();
    assert_eq!(db.store.account_of(&tenant.session).await.unwrap().as_ref(), Some(&tenant.account));
    db.store.delete_session(&tenant.account, &tenant.session).await.unwrap();
    assert_eq!(db.store.account_of(&tenant.session).await.unwrap(), None);
}

async fn an_older_self_voids_every_fence_and_each_session_begins_its_keys_anew_once(db: &Db) {
    let tenant = Tenant::new(db).await;
    let before = db.store.high_water().await.unwrap();
    let sent = tenant.send(db, "counted").await;
    assert_eq!(db.store.high_water().await.unwrap(), before + 1, "{sent:?}");
    assert!(!db.store.is_stale(&tenant.session).await.unwrap());

    assert_eq!(db.store.mark_stale().await.unwrap(), 1);
    let refused = db.store.vault_wipe(&tenant.fence).await;
    assert!(matches!(refused, Err(Error::Fenced)), "{refused:?}");
    db.store.renew_lease("node", NOW, HOUR_MS).await.unwrap();
    let fence = db.store.take_session(&tenant.session, "node", NOW).await.unwrap().unwrap();
    assert!(db.store.is_stale(&tenant.session).await.unwrap(), "a take alone begins nothing");
    db.store.clear_stale(&tenant.fence).await.unwrap();
    assert!(db.store.is_stale(&tenant.session).await.unwrap(), "an old owner clears nothing");
    db.store.clear_stale(&fence).await.unwrap();
    assert!(!db.store.is_stale(&tenant.session).await.unwrap());
}
