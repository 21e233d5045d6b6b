//! What is sealed with the master key, while that is being changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wharf_core::chance::SystemChance;
use wharf_core::seal::anew::Anew;
use wharf_core::seal::{Seal, id, payload, place};
use wharf_core::store::{
    Accepted, Answer, Created, DatabaseStore, Error, Fence, IdempotencyStore, Inserted, KeyMarks, MessageStore, NodeStore, OwnerStore,
    SessionStore, VaultOp, VaultStore, WebhookRow, WebhookStore,
};
use wharf_store::{NodeKeys, Report, Resealed, SealedBy, is_in_use, open_beside};

use crate::harness::{Db, both_backends, config};
use crate::tenant::{NOW, Tenant, chance, claim, new_session};

both_backends!(
    everything_that_is_sealed_is_sealed_anew_once,
    what_is_written_meanwhile_is_never_overwritten_by_what_was_there_before,
    a_value_that_no_key_opens_is_left_and_named,
    a_change_of_the_key_begins_once_and_ends_once,
    what_a_node_without_a_lease_still_writes_is_refused_and_others_go_on,
    nodes_tell_which_keys_they_know_beside_their_lease,
);

const HOUR_MS: i64 = 3_600_000;
const OLD: [u8; 32] = [1; 32];
const NEW: [u8; 32] = [2; 32];

fn seal(keys: &[[u8; 32]]) -> Seal {
    Seal::of(keys, Arc::new(SystemChance))
}

/// One look at everything.
async fn resealed(db: &Db) -> Resealed {
    db.store.reseal(&Anew::new(seal(&[NEW, OLD])), &|_, _| {}).await.unwrap()
}

async fn sealed_by(db: &Db, keys: &[[u8; 32]]) -> SealedBy {
    let inspection = wharf_store::inspect(&db.url).await.unwrap();
    let by = inspection.sealed_by(&seal(keys), &mut Report::default()).await.unwrap();
    inspection.close().await;
    by
}

fn put(tenant: &Tenant, by: &Seal, key: &str, plain: &[u8]) -> VaultOp {
    let value = by.close(&place::vault(tenant.session.as_str(), "space", key), plain);
    VaultOp::Put { space: "space", key: key.to_owned(), value }
}

async fn webhook(db: &Db, tenant: &Tenant, by: &Seal) -> WebhookRow {
    let id = chance().webhook_id();
    let (secret, headers) = (place::webhook_secret(id.as_str()), place::webhook_headers(id.as_str()));
    let row = WebhookRow {
        number: 0,
        account: tenant.account.clone(),
        session: None,
        url: "https://example.com/".to_owned(),
        kinds: Vec::new(),
        description: None,
        timeout_ms: 5_000,
        max_bytes: None,
        header_names: vec!["x-own".to_owned()],
        headers: Some(by.close(&headers, b"headers")),
        secret: by.close(&secret, b"secret"),
        old_secret: None,
        enabled: true,
        disabled_reason: None,
        disabled_at: None,
        failing_since: None,
        created_at: NOW,
        updated_at: NOW,
        id,
    };
    assert_eq!(db.store.insert_webhook(&row, 1).await.unwrap(), Inserted::Now);
    // A new webhook has none.
    let before = bytes(db, &by.close(&place::webhook_secret(row.id.as_str()), b"secret before"));
    db.execute(&format!("UPDATE webhooks SET old_secret = {before}, old_secret_until = {} WHERE id = '{}'", NOW.as_millis(), row.id)).await;
    row
}

/// Bytes as a statement spells them.
fn bytes(db: &Db, value: &[u8]) -> String {
    let hex = wharf_core::media::intake::hex(value);
    if db.is_sqlite() { format!("x'{hex}'") } else { format!(r"'\x{hex}'::bytea") }
}

async fn everything_that_is_sealed_is_sealed_anew_once(db: &Db) {
    let (tenant, old, new) = (Tenant::new(db).await, seal(&[OLD]), seal(&[NEW]));
    db.store.vault_apply(&tenant.fence, vec![put(&tenant, &old, "a", b"ratchet")]).await.unwrap();
    let made = webhook(db, &tenant, &old).await;
    let mut session = new_session(&tenant.account, None);
    session.proxy = Some(old.close(&place::proxy(session.id.as_str()), b"socks5://me:secret@host"));
    assert_eq!(db.store.insert_session(&session).await.unwrap(), Created::Now);
    assert!(db.store.claim_idempotency(&tenant.account, &claim("k"), "taker", NOW).await.unwrap());
    let body = old.close(&place::answer(tenant.account.as_str(), "send_text", "k"), b"answer");
    db.store.answer_idempotency(&tenant.account, "send_text", "k", &Answer { status: 201, body }).await.unwrap();
    // One of this release, and one of a release that did not seal them.
    let mut message = tenant.outgoing("sealed");
    message.payload = payload::close(&old, tenant.session.as_str(), &message.row.wa_id, b"payload");
    assert_eq!(db.store.accept_message(&message).await.unwrap(), Accepted::Now);
    tenant.send(db, "plain").await;
    let media = chance().media_id();
    let source = old.close(&place::source(tenant.session.as_str(), media.as_str()), b"source");
    let bytes = bytes(db, &source);
    db.execute(&format!(
        "INSERT INTO media_fetches (media_id, session_id, message_id, source, attempts, due_at) \
         VALUES ('{media}', '{}', 'msg', {bytes}, 0, 0)",
        tenant.session
    ))
    .await;

    let before = sealed_by(db, &[OLD]).await;
    let sealed = SealedBy { keys: BTreeMap::from([(id(&OLD), 8)]), plain: 1, ..SealedBy::default() };
    assert_eq!(before, sealed);
    let first = resealed(db).await;
    assert_eq!((first.done, first.already, first.overtaken, first.unreadable_count), (9, 0, 0, 0));
    assert!(!first.is_clean());
    let second = resealed(db).await;
    assert_eq!((second.done, second.already), (0, 9));
    assert!(second.is_clean());
    let after = sealed_by(db, &[NEW]).await;
    assert_eq!(after, SealedBy { keys: BTreeMap::from([(id(&NEW), 9)]), ..SealedBy::default() });

    let vault = db.store.vault_get(&tenant.session, "space", "a").await.unwrap().unwrap();
    assert_eq!(new.open(&place::vault(tenant.session.as_str(), "space", "a"), &vault).unwrap(), b"ratchet");
    let row = db.store.find_webhook(&tenant.account, &made.id).await.unwrap().unwrap();
    let (secret, headers) = (place::webhook_secret(row.id.as_str()), place::webhook_headers(row.id.as_str()));
    assert_eq!(new.open(&secret, &row.secret).unwrap(), b"secret");
    assert_eq!(new.open(&secret, &row.old_secret.unwrap().0).unwrap(), b"secret before");
    assert_eq!(new.open(&headers, &row.headers.unwrap()).unwrap(), b"headers");
    let proxy = db.store.session_proxy(&session.id).await.unwrap().unwrap();
    assert_eq!(new.open(&place::proxy(session.id.as_str()), &proxy).unwrap(), b"socks5://me:secret@host");
}

/// A node that has not heard of the change yet goes on sealing with the old key. Whatever it wrote last is what is read in the end.
async fn what_is_written_meanwhile_is_never_overwritten_by_what_was_there_before(db: &Db) {
    const ROUNDS: u32 = 60;
    let (tenant, old, new) = (Tenant::new(db).await, seal(&[OLD]), seal(&[NEW]));
    let key = |number: u32| format!("{number:03}");
    let write = async |round: u32| {
        let ops = (0..120).map(|number| put(&tenant, &old, &key(number), &round.to_be_bytes())).collect();
        db.store.vault_apply(&tenant.fence, ops).await.unwrap();
    };
    write(0).await;
    let is_over = AtomicBool::new(false);
    let writer = async {
        for round in 1..=ROUNDS {
            write(round).await;
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let walker = async {
        while !is_over.load(Ordering::Relaxed) {
            resealed(db).await;
        }
    };
    tokio::join!(writer, walker);
    while !resealed(db).await.is_clean() {}
    for number in 0..120 {
        let value = db.store.vault_get(&tenant.session, "space", &key(number)).await.unwrap().unwrap();
        let plain = new.open(&place::vault(tenant.session.as_str(), "space", &key(number)), &value).unwrap();
        assert_eq!(plain, ROUNDS.to_be_bytes(), "{number}");
    }
}

async fn a_value_that_no_key_opens_is_left_and_named(db: &Db) {
    let tenant = Tenant::new(db).await;
    let op = put(&tenant, &seal(&[[3; 32]]), "a", b"of nobody");
    let VaultOp::Put { value, .. } = &op else { panic!("a value is put") };
    let kept = value.clone();
    db.store.vault_apply(&tenant.fence, vec![op]).await.unwrap();
    let found = resealed(db).await;
    assert_eq!((found.done, found.unreadable_count), (0, 1));
    assert_eq!(found.unreadable, [format!("{} space a", tenant.session)]);
    assert_eq!(db.store.vault_get(&tenant.session, "space", "a").await.unwrap(), Some(kept));
    let by = sealed_by(db, &[NEW, OLD]).await;
    assert_eq!((by.keys.len(), by.unreadable.values().sum::<u64>()), (0, 1));
}

async fn a_change_of_the_key_begins_once_and_ends_once(db: &Db) {
    let check = |key: u8| seal(&[[key; 32]]).check_value("installation");
    let (first, next, other) = (check(1), check(2), check(3));
    let ids = async || wharf_store::glance(&db.url).await.unwrap().key_ids;
    assert_eq!(db.store.claim_key_check(&first).await.unwrap(), first);
    for id in ["earlier", "old", "old"] {
        db.store.name_key(&first, id).await.unwrap();
        assert_eq!(ids().await, [id]);
    }
    assert!(!db.store.end_change_of_key(&next, "new").await.unwrap(), "nobody began it");
    assert_eq!(db.store.begin_change_of_key(&next, "new").await.unwrap(), next);
    assert_eq!(db.store.begin_change_of_key(&other, "other").await.unwrap(), next, "one change at a time");
    let marks = KeyMarks { in_force: Some(first.clone()), to_be: Some(next.clone()) };
    assert_eq!(db.store.key_marks().await.unwrap(), marks);
    assert_eq!(ids().await, ["old", "new"]);
    assert!(!db.store.end_change_of_key(&other, "other").await.unwrap());
    assert!(db.store.end_change_of_key(&next, "new").await.unwrap());
    assert!(!db.store.end_change_of_key(&next, "new").await.unwrap(), "it has ended");
    assert_eq!(db.store.key_marks().await.unwrap(), KeyMarks { in_force: Some(next), to_be: None });
    // A node that was slow to start names the key that it found.
    db.store.name_key(&first, "old").await.unwrap();
    assert_eq!(ids().await, ["new"]);
}

async fn what_a_node_without_a_lease_still_writes_is_refused_and_others_go_on(db: &Db) {
    let (frozen, living) = (Tenant::new(db).await, Tenant::new(db).await);
    db.store.renew_lease("living", NOW, HOUR_MS).await.unwrap();
    let fence = db.store.take_session(&living.session, "living", NOW).await.unwrap().unwrap();
    assert_eq!(db.store.fence_off_nodes(NOW).await.unwrap(), 1);
    let write = async |tenant: &Tenant, fence: &Fence| {
        let op = put(tenant, &seal(&[OLD]), "a", b"late");
        db.store.vault_apply(fence, vec![op]).await
    };
    let refused = write(&frozen, &frozen.fence).await;
    assert!(matches!(refused, Err(Error::Fenced)), "{refused:?}");
    write(&living, &fence).await.unwrap();
}

async fn nodes_tell_which_keys_they_know_beside_their_lease(db: &Db) {
    let nodes = async || db.store.keys_of_nodes(NOW).await.unwrap();
    let tell = async |node: &str| db.store.tell_keys(node, &["one".to_owned(), "two".to_owned()], "one").await.unwrap();
    tell("node").await;
    assert_eq!(nodes().await, [], "it has no lease");
    db.store.renew_lease("node", NOW, HOUR_MS).await.unwrap();
    let silent = NodeKeys { node: "node".to_owned(), version: None, knows: None, seals_with: None };
    assert_eq!(nodes().await, std::slice::from_ref(&silent));
    tell("node").await;
    db.store.renew_lease("node", NOW, HOUR_MS).await.unwrap();
    let knows = Some(vec!["one".to_owned(), "two".to_owned()]);
    for seals_with in ["one", "two", "two"] {
        db.store.tell_keys("node", &["one".to_owned(), "two".to_owned()], seals_with).await.unwrap();
        assert_eq!(nodes().await, [NodeKeys { knows: knows.clone(), seals_with: Some(seals_with.to_owned()), ..silent.clone() }]);
    }
    db.store.tell_keys("node", &["two".to_owned()], "two").await.unwrap();
    assert_eq!(nodes().await[0].knows, Some(vec!["two".to_owned()]));
    db.store.renew_lease("node", NOW, 0).await.unwrap();
    assert_eq!(nodes().await, []);
}

#[tokio::test]
async fn a_file_that_a_process_has_is_written_beside_it_and_told_as_in_use() {
    let db = Db::sqlite().await;
    let tenant = Tenant::new(&db).await;
    db.store.vault_apply(&tenant.fence, vec![put(&tenant, &seal(&[OLD]), "a", b"x")]).await.unwrap();
    assert!(is_in_use(&db.url).unwrap());
    let beside = open_beside(config(&db.url)).await.unwrap();
    let done = beside.reseal(&Anew::new(seal(&[NEW, OLD])), &|_, _| {}).await.unwrap();
    assert_eq!(done.done, 1);
    beside.close().await;
    db.store.vault_apply(&tenant.fence, vec![put(&tenant, &seal(&[NEW]), "b", b"y")]).await.unwrap();
    assert_eq!(sealed_by(&db, &[NEW]).await.keys, BTreeMap::from([(id(&NEW), 2)]));
    assert!(is_in_use(&db.url).unwrap());
    db.store.close().await;
    assert!(!is_in_use(&db.url).unwrap());
}
