use wharf_api::types::account::Pace;
use wharf_core::store::{AccountStore, EraseStore, PageRequest, Plan, SuspendStore};

use crate::harness::{Db, both_backends};
use crate::tenant::{NOW, Tenant, chance};

both_backends!(
    the_four_plans_are_there_with_their_limits,
    an_account_is_found_by_its_id_and_by_its_name,
    an_account_on_an_unknown_plan_is_not_made,
    an_account_that_was_read_is_read_as_it_is_after_each_change,
    an_account_is_kept_where_nobody_else_writes_until_something_of_an_account_is_written,
    a_text_with_nul_is_storable,
    a_list_of_accounts_goes_on_where_it_was_though_one_before_is_gone,
);

async fn the_four_plans_are_there_with_their_limits(db: &Db) {
    let wanted = [
        ("free", Some(100), 100, Some(1), 10, 7, Some(1_000_000_000)),
        ("basic", Some(10_000), 1_000, Some(5), 50, 14, Some(10_000_000_000)),
        ("pro", Some(100_000), 10_000, Some(25), 200, 30, Some(100_000_000_000)),
        ("enterprise", None, 20_000, None, 500, 90, None),
    ];
    for (name, messages_per_day, calls_per_minute, sessions, concurrent_requests, event_days, media_bytes) in wanted {
        let id = chance().account_id();
        assert!(db.store.insert_account(&id, "a", name, NOW).await.unwrap());
        let plan = db.store.find_account(&id).await.unwrap().unwrap().plan;
        let name = name.to_owned();
        let (media_days, pace, keep_deleted) = (30, Pace::default(), false);
        let wanted = Plan {
            name,
            messages_per_day,
            calls_per_minute,
            sessions,
            concurrent_requests,
            event_days,
            media_days,
            media_bytes,
            pace,
            keep_deleted,
            message_days: None,
        };
        assert_eq!(plan, wanted);
    }
}

async fn an_account_is_found_by_its_id_and_by_its_name(db: &Db) {
    let id = chance().account_id();
    assert!(db.store.insert_account(&id, "Ada's shop", "free", NOW).await.unwrap());
    let row = db.store.find_account(&id).await.unwrap().unwrap();
    assert_eq!((&row.id, row.name.as_str(), row.created_at), (&id, "Ada's shop", NOW));
    assert_eq!(db.store.find_account_named("Ada's shop").await.unwrap().unwrap(), row);
    assert!(db.store.find_account_named("ada's shop").await.unwrap().is_none());
    assert!(db.store.find_account(&chance().account_id()).await.unwrap().is_none());
}

async fn an_account_on_an_unknown_plan_is_not_made(db: &Db) {
    let id = chance().account_id();
    assert!(!db.store.insert_account(&id, "a", "gold", NOW).await.unwrap());
    assert!(db.store.find_account(&id).await.unwrap().is_none());
}

async fn an_account_that_was_read_is_read_as_it_is_after_each_change(db: &Db) {
    let id = chance().account_id();
    let read = async || db.store.find_account(&id).await.unwrap();
    assert!(read().await.is_none());
    assert!(db.store.insert_account(&id, "before", "free", NOW).await.unwrap());
    let made = read().await.unwrap();
    assert_eq!(read().await.as_ref(), Some(&made));

    let plan = Plan { calls_per_minute: made.plan.calls_per_minute + 1, ..made.plan };
    db.store.put_plan(&plan).await.unwrap();
    assert_eq!(read().await.unwrap().plan, plan);
    db.store.update_account(&id, Some("after"), Some("basic")).await.unwrap();
    let row = read().await.unwrap();
    assert_eq!((row.name.as_str(), row.plan.name.as_str()), ("after", "basic"));
    db.store.suspend_account(&id, NOW).await.unwrap();
    assert_eq!(read().await.unwrap().suspended_at, Some(NOW));
    db.store.resume_account(&id).await.unwrap();
    assert_eq!(read().await.unwrap().suspended_at, None);
    db.store.begin_erasure(&id, NOW).await.unwrap();
    assert_eq!(read().await.unwrap().deleting_at, Some(NOW));
    assert!(db.store.erase_account(&id).await.unwrap());
    assert!(read().await.is_none());
}

async fn an_account_is_kept_where_nobody_else_writes_until_something_of_an_account_is_written(db: &Db) {
    let tenant = Tenant::new(db).await;
    let name = async || db.store.find_account(&tenant.account).await.unwrap().unwrap().name;
    let before = name().await;
    db.execute("UPDATE accounts SET name = 'behind'").await;
    let kept = if db.is_sqlite() { before.as_str() } else { "behind" };
    assert_eq!(name().await, kept);
    tenant.send(db, "a write of a session").await;
    assert_eq!(name().await, kept);
    db.store.update_account(&tenant.account, None, None).await.unwrap();
    assert_eq!(name().await, "behind");
}

async fn a_text_with_nul_is_storable(db: &Db) {
    let tenant = Tenant::new(db).await;
    let id = chance().account_id();
    assert!(db.store.insert_account(&id, "a\0b", "free", NOW).await.unwrap());
    assert_eq!(db.store.find_account(&id).await.unwrap().unwrap().name, "a\u{FFFD}b");
    let row = tenant.send(db, "nul \0 in a text").await;
    assert_eq!(
        wharf_core::store::MessageStore::find_message(&*db.store, &tenant.account, &row.id).await.unwrap().unwrap().content,
        row.content
    );
}

async fn a_list_of_accounts_goes_on_where_it_was_though_one_before_is_gone(db: &Db) {
    let mut all = Vec::new();
    for later in [0, 0, 0, 7, 7] {
        let id = chance().account_id();
        assert!(db.store.insert_account(&id, "a", "free", NOW.plus_millis(later)).await.unwrap());
        all.push(id);
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = db.store.list_accounts(PageRequest { after, limit: 2 }).await.unwrap();
        seen.extend(page.rows.into_iter().map(|row| row.id));
        after = page.next;
        if after.is_none() {
            break;
        }
        if seen.len() == 4 {
            // Of an earlier moment than the one that the list has come to.
            db.store.begin_erasure(&seen[0], NOW).await.unwrap();
            assert!(db.store.erase_account(&seen[0]).await.unwrap());
        }
    }
    let mut sorted = seen.clone();
    sorted.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    all.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    assert_eq!(sorted, all);
}
