use futures::future::join_all;
use wharf_core::store::{Error, VaultOp, VaultStore};

use crate::harness::{Db, both_backends};
use crate::tenant::{NOW, Tenant};

both_backends!(
    a_value_is_read_back_replaced_and_deleted,
    many_keys_are_read_at_once_and_missing_ones_are_left_out,
    a_list_by_prefix_is_complete_and_in_the_order_of_bytes,
    a_space_is_read_in_pages_each_value_once,
    lists_and_pages_of_any_length_are_complete,
    clearing_a_space_leaves_the_others,
    sessions_do_not_see_each_other,
    changes_are_applied_in_their_order,
    keys_that_many_writes_of_a_group_change_are_as_the_last_one_left_them,
);

fn put(space: &'static str, key: &str, value: &[u8]) -> VaultOp {
    VaultOp::Put { space, key: key.to_owned(), value: value.to_vec() }
}

async fn a_value_is_read_back_replaced_and_deleted(db: &Db) {
    let tenant = Tenant::new(db).await;
    let get = || db.store.vault_get(&tenant.session, "session", "a");
    assert_eq!(get().await.unwrap(), None);
    db.store.vault_apply(&tenant.fence, vec![put("session", "a", &[0, 1, 255])]).await.unwrap();
    assert_eq!(get().await.unwrap(), Some(vec![0, 1, 255]));
    db.store.vault_apply(&tenant.fence, vec![put("session", "a", b"")]).await.unwrap();
    assert_eq!(get().await.unwrap(), Some(Vec::new()));
    db.store.vault_apply(&tenant.fence, vec![VaultOp::Delete { space: "session", key: "a".to_owned() }]).await.unwrap();
    assert_eq!(get().await.unwrap(), None);
}

async fn many_keys_are_read_at_once_and_missing_ones_are_left_out(db: &Db) {
    let tenant = Tenant::new(db).await;
    let ops = (0..50).map(|n: u8| put("pre_key", &n.to_string(), &[n])).collect();
    db.store.vault_apply(&tenant.fence, ops).await.unwrap();
    for count in [0, 1, 15, 16, 17, 33, 50, 60] {
        let keys: Vec<String> = (0..count).map(|n: u8| n.to_string()).collect();
        let mut found = db.store.vault_get_many(&tenant.session, "pre_key", &keys).await.unwrap();
        found.sort_by_key(|(_, value)| value.clone());
        let wanted: Vec<_> = (0..count.min(50)).map(|n: u8| (n.to_string(), vec![n])).collect();
        assert_eq!(found, wanted);
    }
}

async fn a_list_by_prefix_is_complete_and_in_the_order_of_bytes(db: &Db) {
    let tenant = Tenant::new(db).await;
    let keys = ["a", "B", "a:1", "a:2", "a:10", "a:é", "a_x", "b", "a%", "a:"];
    db.store.vault_apply(&tenant.fence, keys.iter().map(|key| put("s", key, b"v")).collect()).await.unwrap();
    let list = async |prefix: &str| -> Vec<String> {
        let rows = db.store.vault_list(&tenant.session, "s", prefix).await.unwrap();
        rows.into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(list("a:").await, ["a:", "a:1", "a:10", "a:2", "a:é"]);
    assert_eq!(list("a_").await, ["a_x"]);
    assert_eq!(list("c").await, Vec::<String>::new());
    assert_eq!(list("").await, ["B", "a", "a%", "a:", "a:1", "a:10", "a:2", "a:é", "a_x", "b"]);
}

async fn a_space_is_read_in_pages_each_value_once(db: &Db) {
    let (tenant, other) = (Tenant::new(db).await, Tenant::new(db).await);
    let keys = ["B", "a", "a%", "a:", "b", "é"];
    db.store.vault_apply(&tenant.fence, keys.iter().map(|key| put("s", key, b"v")).chain([put("t", "c", b"v")]).collect()).await.unwrap();
    db.store.vault_apply(&other.fence, vec![put("s", "c", b"v")]).await.unwrap();
    let page = async |after: &str| -> Vec<String> {
        let rows = db.store.vault_page(&tenant.session, "s", after, 4).await.unwrap();
        rows.into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(page("").await, ["B", "a", "a%", "a:"]);
    assert_eq!(page("a:").await, ["b", "é"]);
    assert_eq!(page("é").await, Vec::<String>::new());
}

async fn lists_and_pages_of_any_length_are_complete(db: &Db) {
    let tenant = Tenant::new(db).await;
    let mut keys: Vec<String> = Vec::new();
    for count in [31, 32, 33, 70] {
        let more: Vec<String> = (keys.len()..count).map(|n| format!("{n:03}")).collect();
        db.store.vault_apply(&tenant.fence, more.iter().map(|key| put("s", key, b"v")).collect()).await.unwrap();
        keys.extend(more);
        for prefix in ["", "0"] {
            let found = db.store.vault_list(&tenant.session, "s", prefix).await.unwrap();
            assert!(found.iter().map(|(key, _)| key).eq(&keys), "{count}: {found:?}");
        }
        for limit in [31, 32, 33, 100] {
            let found = db.store.vault_page(&tenant.session, "s", "", limit).await.unwrap();
            assert!(found.iter().map(|(key, _)| key).eq(keys.iter().take(limit as usize)), "{count} by {limit}: {found:?}");
        }
    }
}

async fn clearing_a_space_leaves_the_others(db: &Db) {
    let tenant = Tenant::new(db).await;
    db.store.vault_apply(&tenant.fence, vec![put("x", "1", b"1"), put("y", "1", b"1")]).await.unwrap();
    db.store.vault_apply(&tenant.fence, vec![VaultOp::Clear { space: "x" }]).await.unwrap();
    assert_eq!(db.store.vault_get(&tenant.session, "x", "1").await.unwrap(), None);
    assert_eq!(db.store.vault_get(&tenant.session, "y", "1").await.unwrap(), Some(b"1".to_vec()));
    db.store.vault_wipe(&tenant.fence).await.unwrap();
    assert_eq!(db.store.vault_get(&tenant.session, "y", "1").await.unwrap(), None);
}

async fn sessions_do_not_see_each_other(db: &Db) {
    let (one, other) = (Tenant::new(db).await, Tenant::new(db).await);
    db.store.vault_apply(&one.fence, vec![put("x", "1", b"1")]).await.unwrap();
    assert_eq!(db.store.vault_get(&other.session, "x", "1").await.unwrap(), None);
    assert!(db.store.vault_list(&other.session, "x", "").await.unwrap().is_empty());
    assert!(db.store.vault_get_many(&other.session, "x", &["1".to_owned()]).await.unwrap().is_empty());
    db.store.vault_wipe(&other.fence).await.unwrap();
    assert_eq!(db.store.vault_get(&one.session, "x", "1").await.unwrap(), Some(b"1".to_vec()));
}

async fn changes_are_applied_in_their_order(db: &Db) {
    let tenant = Tenant::new(db).await;
    let ops = vec![put("x", "1", b"first"), VaultOp::Clear { space: "x" }, put("x", "1", b"last"), put("x", "2", b"2")];
    db.store.vault_apply(&tenant.fence, ops).await.unwrap();
    assert_eq!(db.store.vault_get(&tenant.session, "x", "1").await.unwrap(), Some(b"last".to_vec()));
    // All or none: under a fence that does not hold not even the first change is made.
    let stale = tenant.fence.clone();
    let _current = wharf_core::store::OwnerStore::take_session(&*db.store, &tenant.session, "node", NOW).await.unwrap();
    let refused = db.store.vault_apply(&stale, vec![put("x", "1", b"stale")]).await;
    assert!(matches!(refused, Err(Error::Fenced)), "{refused:?}");
    assert_eq!(db.store.vault_get(&tenant.session, "x", "1").await.unwrap(), Some(b"last".to_vec()));
}

async fn keys_that_many_writes_of_a_group_change_are_as_the_last_one_left_them(db: &Db) {
    let (tenant, other) = (Tenant::new(db).await, Tenant::new(db).await);
    let delete = |key: &str| VaultOp::Delete { space: "s", key: key.to_owned() };
    let apply = async |writes: Vec<Vec<VaultOp>>| {
        let applied = join_all(writes.into_iter().map(|ops| db.store.vault_apply(&tenant.fence, ops))).await;
        assert!(applied.iter().all(Result::is_ok), "{applied:?}");
        db.store.vault_list(&tenant.session, "s", "").await.unwrap()
    };
    let pair = |key: &str, value: &[u8]| (key.to_owned(), value.to_vec());
    db.store.vault_apply(&other.fence, vec![put("s", "a", b"theirs")]).await.unwrap();
    let found = apply(vec![
        vec![put("s", "a", b"1"), put("s", "b", b"1"), put("s", "c", b"1"), put("t", "a", b"elsewhere")],
        vec![put("s", "a", b"2"), delete("b"), delete("nobody's")],
        vec![delete("c"), put("s", "d", b"3")],
        vec![put("s", "c", b"4"), put("s", "e", b"")],
        vec![delete("d"), put("s", "d", b"5")],
    ])
    .await;
    assert_eq!(found, [pair("a", b"2"), pair("c", b"4"), pair("d", b"5"), pair("e", b"")]);
    // What goes by itself, for it is much or a whole space, comes after what was left before it.
    let many: Vec<_> = (10..60).map(|n| put("s", &n.to_string(), b"many")).collect();
    let clear = VaultOp::Clear { space: "s" };
    let found =
        apply(vec![vec![put("s", "a", b"6")], many, vec![delete("10")], vec![clear, put("s", "f", b"7")], vec![put("s", "g", b"8")]]).await;
    assert_eq!(found, [pair("f", b"7"), pair("g", b"8")]);
    assert_eq!(db.store.vault_list(&other.session, "s", "").await.unwrap(), [pair("a", b"theirs")]);
    assert_eq!(db.store.vault_list(&tenant.session, "t", "").await.unwrap(), [pair("a", b"elsewhere")]);
}
