//! Accounts that are suspended: a mark that keeps its time until it is lifted, and sessions that nobody is to run meanwhile.

use std::collections::HashSet;

use wharf_api::ids::SessionId;
use wharf_api::types::session::{DisconnectReason, Refusal, SessionStatus};
use wharf_core::store::{
    AccountRow, AccountStore, CensusStore, EraseStore, Fence, LinkChange, OwnerStore, SessionStore, SuspendStore, VaultOp, VaultStore,
};

use crate::harness::{Db, both_backends};
use crate::tenant::{NOW, Tenant, chance, session};

both_backends!(
    a_suspension_keeps_its_time_until_it_is_lifted_and_ends_with_a_deletion,
    sessions_of_a_suspended_account_are_in_no_list_of_those_that_are_to_run,
    nobody_takes_a_session_of_a_suspended_account_until_that_is_lifted_or_the_account_is_deleted,
    what_waits_in_a_suspended_account_is_not_counted,
);

async fn a_suspension_keeps_its_time_until_it_is_lifted_and_ends_with_a_deletion(db: &Db) {
    let tenant = Tenant::new(db).await;
    let id = &tenant.account;
    let active = db.store.find_account(id).await.unwrap().unwrap();
    assert_eq!(active.suspended_at, None);
    let later = NOW.plus_millis(9);
    for at in [NOW, later] {
        let row = db.store.suspend_account(id, at).await.unwrap();
        assert_eq!(row, Some(AccountRow { suspended_at: Some(NOW), ..active.clone() }));
        assert_eq!(db.store.find_account(id).await.unwrap(), row);
    }
    for _ in 0..2 {
        assert_eq!(db.store.resume_account(id).await.unwrap().as_ref(), Some(&active));
    }
    db.store.suspend_account(id, later).await.unwrap();
    let changed = db.store.update_account(id, Some("renamed"), Some("free")).await.unwrap().unwrap();
    assert_eq!((changed.suspended_at, changed.name.as_str(), changed.plan.name.as_str()), (Some(later), "renamed", "free"));

    let going = db.store.begin_erasure(id, NOW).await.unwrap().unwrap();
    assert_eq!((going.deleting_at, going.suspended_at), (Some(NOW), None));
    for id in [id, &chance().account_id()] {
        assert_eq!(db.store.suspend_account(id, NOW).await.unwrap(), None);
        assert_eq!(db.store.resume_account(id).await.unwrap(), None);
    }
}

async fn record(db: &Db, fence: &Fence, status: SessionStatus, reason: Option<DisconnectReason>, refusal: Option<Refusal>) {
    let jid = Some("15550000001@s.whatsapp.net".to_owned());
    let change = LinkChange { status, reason, refusal, jid, lid: None, push_name: None, unlink: false, at: NOW, events: vec![] };
    db.store.record_link(fence, &change).await.unwrap();
}

async fn sessions_of_a_suspended_account_are_in_no_list_of_those_that_are_to_run(db: &Db) {
    let (tenant, other) = (Tenant::new(db).await, Tenant::new(db).await);
    let id = &tenant.account;
    for fence in [&tenant.fence, &other.fence] {
        record(db, fence, SessionStatus::Connected, None, None).await;
    }
    let banned = session(db, id).await;
    let fence = db.store.take_session(&banned, "node", NOW).await.unwrap().unwrap();
    let refusal = Refusal { code: 402, text: None, at: NOW, until: Some(NOW) };
    record(db, &fence, SessionStatus::Disconnected, Some(DisconnectReason::Banned), Some(refusal)).await;
    let pairing = session(db, id).await;
    let fence = db.store.take_session(&pairing, "node", NOW).await.unwrap().unwrap();
    let device = VaultOp::Put { space: "device", key: "k".to_owned(), value: vec![1] };
    db.store.vault_apply(&fence, vec![device]).await.unwrap();

    let own = [tenant.session.clone(), banned, pairing.clone()];
    // How many of the account's are linked, run by nobody, banned and in pairing; and whether the other account's is linked all along.
    let lists = async || {
        let linked: Vec<SessionId> = db.store.list_linked_sessions().await.unwrap().into_iter().map(|row| row.id).collect();
        assert!(linked.contains(&other.session), "{linked:?}");
        let banned = db.store.list_banned_sessions(NOW).await.unwrap().into_iter().map(|row| row.id).collect();
        let nobodys = db.store.list_unattended_sessions("other", NOW).await.unwrap();
        assert!(nobodys.contains(&other.session), "{nobodys:?}");
        let in_pairing = db.store.list_sessions_in_pairing().await.unwrap();
        [linked, nobodys, banned, in_pairing].map(|list| list.iter().filter(|one| own.contains(one)).count())
    };
    let suspended = async || db.store.list_suspended_sessions().await.unwrap();
    assert_eq!((lists().await, suspended().await), ([2, 1, 1, 1], vec![]));
    db.store.suspend_account(id, NOW).await.unwrap();
    assert_eq!(lists().await, [0; 4]);
    assert_eq!(suspended().await.into_iter().collect::<HashSet<_>>(), own.iter().cloned().collect());
    assert!(db.store.delete_session(id, &pairing).await.unwrap());
    assert_eq!(suspended().await, &own[..2]);
    db.store.resume_account(id).await.unwrap();
    assert_eq!((lists().await, suspended().await), ([2, 1, 1, 0], vec![]));
}

async fn nobody_takes_a_session_of_a_suspended_account_until_that_is_lifted_or_the_account_is_deleted(db: &Db) {
    let (tenant, other) = (Tenant::new(db).await, Tenant::new(db).await);
    let taken = async |session: &SessionId| db.store.take_session(session, "node", NOW).await.unwrap().map(|fence| fence.epoch);
    let never_taken = session(db, &tenant.account).await;
    db.store.suspend_account(&tenant.account, NOW).await.unwrap();
    assert_eq!(taken(&tenant.session).await, None, "not by the node that has it either");
    assert_eq!(taken(&never_taken).await, None);
    assert_eq!(taken(&other.session).await, Some(other.fence.epoch + 1));
    db.store.resume_account(&tenant.account).await.unwrap();
    assert_eq!(taken(&tenant.session).await, Some(tenant.fence.epoch + 1));
    assert!(taken(&never_taken).await.is_some());
    db.store.suspend_account(&tenant.account, NOW).await.unwrap();
    assert_eq!(taken(&tenant.session).await, None);
    db.store.begin_erasure(&tenant.account, NOW).await.unwrap();
    assert_eq!(taken(&tenant.session).await, Some(tenant.fence.epoch + 2), "its phone is told");
}

async fn what_waits_in_a_suspended_account_is_not_counted(db: &Db) {
    let (tenant, other) = (Tenant::new(db).await, Tenant::new(db).await);
    for tenant in [&tenant, &other] {
        tenant.send(db, "hello").await;
    }
    let waiting = async || db.store.queued_backlog().await.unwrap().waiting;
    assert_eq!(waiting().await, 2);
    db.store.suspend_account(&tenant.account, NOW).await.unwrap();
    assert_eq!(waiting().await, 1);
    db.store.resume_account(&tenant.account).await.unwrap();
    assert_eq!(waiting().await, 2);
}
