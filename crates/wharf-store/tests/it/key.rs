use wharf_api::Permission;
use wharf_api::ids::AccountId;
use wharf_core::store::{AccountStore, KeyRow, KeyStore, PageRequest};

use crate::harness::{Db, both_backends};
use crate::tenant::{ALL, NOW, Tenant, chance};

both_backends!(
    a_key_is_read_back_as_it_was_written,
    a_key_is_revoked_once_and_for_all,
    another_account_sees_nothing_of_a_key,
    pages_show_every_key_once_and_in_order,
    a_limit_counts_the_keys_that_are_good,
    keys_that_ended_long_ago_are_dropped_and_no_other,
    a_key_of_before_the_new_permissions_keeps_what_it_could,
);

fn key(account: &AccountId, name: &str) -> KeyRow {
    KeyRow {
        id: chance().key_id(),
        account: account.clone(),
        name: name.to_owned(),
        secret_hash: vec![1, 2, 3],
        permissions: vec![Permission::MessagesSend, Permission::SessionsRead],
        sessions: None,
        operator: false,
        created_at: NOW,
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    }
}

async fn a_key_is_read_back_as_it_was_written(db: &Db) {
    let tenant = Tenant::new(db).await;
    let plain = key(&tenant.account, "plain");
    let bound = KeyRow {
        sessions: Some(vec![tenant.session.clone()]),
        operator: true,
        expires_at: Some(NOW.plus_millis(9)),
        permissions: Vec::new(),
        ..key(&tenant.account, "bound")
    };
    for key in [plain, bound] {
        db.store.insert_key(&key).await.unwrap();
        assert_eq!(db.store.find_key(&tenant.account, &key.id).await.unwrap(), Some(key.clone()));
        let found = db.store.find_key_any_account(&key.id).await.unwrap().unwrap();
        assert_eq!(found.key, key);
        assert_eq!(Some(found.account), db.store.find_account(&tenant.account).await.unwrap());
    }
    assert!(db.store.find_key_any_account(&chance().key_id()).await.unwrap().is_none());
}

async fn a_key_is_revoked_once_and_for_all(db: &Db) {
    let tenant = Tenant::new(db).await;
    let key = key(&tenant.account, "k");
    db.store.insert_key(&key).await.unwrap();
    let revoked = db.store.revoke_key(&tenant.account, &key.id, NOW).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(NOW));
    let again = db.store.revoke_key(&tenant.account, &key.id, NOW.plus_millis(9)).await.unwrap().unwrap();
    assert_eq!(again.revoked_at, Some(NOW));
    assert_eq!(db.store.find_key(&tenant.account, &key.id).await.unwrap(), Some(revoked));
}

async fn another_account_sees_nothing_of_a_key(db: &Db) {
    let (tenant, stranger) = (Tenant::new(db).await, Tenant::new(db).await);
    let key = key(&tenant.account, "k");
    db.store.insert_key(&key).await.unwrap();
    assert!(db.store.find_key(&stranger.account, &key.id).await.unwrap().is_none());
    assert!(db.store.list_keys(&stranger.account, ALL).await.unwrap().rows.is_empty());
    assert!(db.store.revoke_key(&stranger.account, &key.id, NOW).await.unwrap().is_none());
    assert_eq!(db.store.find_key(&tenant.account, &key.id).await.unwrap(), Some(key));
}

async fn pages_show_every_key_once_and_in_order(db: &Db) {
    let tenant = Tenant::new(db).await;
    for name in ["a", "b", "c", "d", "e"] {
        db.store.insert_key(&key(&tenant.account, name)).await.unwrap();
    }
    let (mut names, mut after) = (String::new(), None);
    loop {
        let page = db.store.list_keys(&tenant.account, PageRequest { after, limit: 2 }).await.unwrap();
        names.extend(page.rows.iter().map(|key| key.name.as_str()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(names, "abcde");
}

async fn a_limit_counts_the_keys_that_are_good(db: &Db) {
    let (tenant, stranger) = (Tenant::new(db).await, Tenant::new(db).await);
    let count = async || db.store.count_good_keys(&tenant.account, NOW).await.unwrap();
    let had = count().await;
    let good = key(&tenant.account, "good");
    let ended = KeyRow { expires_at: Some(NOW), ..key(&tenant.account, "ended") };
    let revoked = KeyRow { revoked_at: Some(NOW), ..key(&tenant.account, "revoked") };
    for key in [&good, &ended, &revoked, &key(&stranger.account, "another's")] {
        assert!(db.store.insert_key_within(key, Some(had + 1)).await.unwrap(), "{}", key.name);
        if key.name == "good" {
            // Those that are not good are in nobody's way, and are counted by nobody.
            assert!(!db.store.insert_key_within(&ended, Some(had + 1)).await.unwrap());
            assert!(db.store.find_key(&tenant.account, &ended.id).await.unwrap().is_none());
            db.store.revoke_key(&tenant.account, &good.id, NOW).await.unwrap();
        }
    }
    assert_eq!(count().await, had);
}

async fn keys_that_ended_long_ago_are_dropped_and_no_other(db: &Db) {
    let tenant = Tenant::new(db).await;
    let (long_ago, since) = (NOW.plus_millis(-1), NOW);
    let expired = KeyRow { expires_at: Some(long_ago), ..key(&tenant.account, "expired") };
    let revoked = KeyRow { revoked_at: Some(long_ago), ..key(&tenant.account, "revoked") };
    let kept = [
        key(&tenant.account, "good"),
        KeyRow { expires_at: Some(since), ..key(&tenant.account, "just expired") },
        KeyRow { revoked_at: Some(since), ..key(&tenant.account, "just revoked") },
    ];
    for key in [&expired, &revoked].into_iter().chain(&kept) {
        db.store.insert_key(key).await.unwrap();
    }
    assert_eq!(db.store.drop_ended_keys(since).await.unwrap(), 2);
    for key in &kept {
        assert!(db.store.find_key(&tenant.account, &key.id).await.unwrap().is_some(), "{}", key.name);
    }
    assert!(db.store.find_key(&tenant.account, &expired.id).await.unwrap().is_none());
}

/// What the migration does to the rows of keys, which is the same on both databases.
const NEW_PERMISSIONS: [&str; 2] =
    [include_str!("../../migrations/sqlite/0026_permissions.sql"), include_str!("../../migrations/postgres/0026_permissions.sql")];

async fn a_key_of_before_the_new_permissions_keeps_what_it_could(db: &Db) {
    let tenant = Tenant::new(db).await;
    let migration = NEW_PERMISSIONS[usize::from(!db.is_sqlite())];
    let mut made = Vec::new();
    for (before, after) in [
        // Contacts showed groups too, and who could send could block.
        (vec![Permission::ContactsRead], vec![Permission::ContactsRead, Permission::GroupsRead]),
        (vec![Permission::GroupsWrite], vec![Permission::GroupsRead, Permission::GroupsWrite]),
        (vec![Permission::MessagesSend], vec![Permission::MessagesSend, Permission::ContactsWrite]),
        (
            vec![Permission::ContactsRead, Permission::GroupsWrite, Permission::MessagesSend],
            vec![
                Permission::ContactsRead,
                Permission::GroupsRead,
                Permission::GroupsWrite,
                Permission::MessagesSend,
                Permission::ContactsWrite,
            ],
        ),
        (vec![Permission::MessagesRead, Permission::WebhooksManage], vec![Permission::MessagesRead, Permission::WebhooksManage]),
        (Vec::new(), Vec::new()),
    ] {
        let key = KeyRow { permissions: before, ..key(&tenant.account, "old") };
        db.store.insert_key(&key).await.unwrap();
        made.push((key.id, after));
    }
    db.execute(migration).await;
    for (id, after) in made {
        assert_eq!(db.store.find_key(&tenant.account, &id).await.unwrap().unwrap().permissions, after);
    }
}
