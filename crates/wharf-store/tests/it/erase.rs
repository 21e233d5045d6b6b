//! Accounts that are deleted: what they had is gone from every table that the database knows, and everything else is as it was.

use std::collections::{BTreeMap, BTreeSet};

use wharf_core::store::{AccountStore, EraseStore, MediaStore, Remains, SessionStore};

use crate::harness::{Db, both_backends};
use crate::tenant::{NOW, Tenant, chance};

both_backends!(
    a_deleted_account_leaves_nothing_in_any_table_and_nothing_else_is_touched,
    what_an_account_has_goes_a_few_rows_at_a_time,
    nobody_acts_in_an_account_from_the_moment_that_its_deletion_begins,
);

/// What belongs to the installation.
const NOBODYS: &[&str] = &["meta", "plans", "node_lease", "whatsapp_version", "whatsapp_switches", "update_notice"];

/// Every row of every table, as the catalogue lists them.
async fn everything(db: &Db) -> BTreeMap<String, Vec<String>> {
    let tables = if db.is_sqlite() {
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    } else {
        "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public'"
    };
    let mut all = BTreeMap::new();
    for table in db.texts(tables).await.into_iter().filter(|table| !table.starts_with("_sqlx")) {
        let row = if db.is_sqlite() {
            let columns = db.texts(&format!("SELECT name FROM pragma_table_info('{table}')")).await;
            columns.iter().map(|column| format!("quote(\"{column}\")")).collect::<Vec<_>>().join(" || ' ' || ")
        } else {
            "CAST(r AS TEXT)".to_owned()
        };
        all.insert(table.clone(), db.texts(&format!("SELECT {row} FROM {table} r ORDER BY 1")).await);
    }
    all
}

/// A row of the tenant's in every table that holds something of an account; a message, its payload, events and usage come with the first.
async fn fill(db: &Db, tenant: &Tenant) {
    let (account, session) = (&tenant.account, &tenant.session);
    let message = tenant.send(db, "hello").await.id;
    let (_, digits) = session.as_str().split_once('_').unwrap();
    let bytes = if db.is_sqlite() { format!("X'{digits}'") } else { format!("decode('{digits}', 'hex')") };
    let number = format!("(SELECT number FROM messages WHERE id = '{message}')");
    let (media, key, user, webhook) = (chance().media_id(), chance().key_id(), chance().user_id(), chance().webhook_id());
    let rows = [
        format!(
            "api_keys (id, account_id, name, secret_hash, permissions, operator, created_at) VALUES ('{key}', '{account}', 'k', {bytes}, '[]', 0, 0)"
        ),
        format!(
            "vault (session_id, space, key, value) VALUES ('{session}', 'device', 'k', {bytes}), ('{session}', 'session', 'k', {bytes})"
        ),
        format!("message_steps (message, status, at) VALUES ({number}, 'sent', 0)"),
        format!("message_receipts (message, person) VALUES ({number}, 'one'), ({number}, 'two')"),
        format!("originals (message, account_id, event, content) VALUES ({number}, '{account}', 1, '{{}}')"),
        format!(
            "idempotency (account_id, operation, key, request_hash, resource_id, created_at, expires_at) VALUES ('{account}', 'o', 'k', {bytes}, '', 0, 0)"
        ),
        format!("usage_answers (account_id, utc_day, code, answers) VALUES ('{account}', 1, '', 1)"),
        format!(
            "webhooks (id, account_id, url, events, timeout_ms, header_names, secret, enabled, created_at, updated_at) \
             VALUES ('{webhook}', '{account}', 'u', '[\"*\"]', 1, '[]', {bytes}, 1, 0, 0)"
        ),
        format!(
            "deliveries (webhook, event, state, next_at, tries, log) SELECT w.number, e.number, 'pending', 0, 0, '' \
             FROM webhooks w JOIN events e ON e.{} WHERE w.account_id = '{account}'",
            db.of_account(account)
        ),
        format!(
            "media (id, account_id, session_id, kind, mime_type, size, state, created_at, expires_at) \
             VALUES ('{media}', '{account}', '{session}', 'image', 'm', 1, 'pending', 0, 9)"
        ),
        format!(
            "media_fetches (media_id, session_id, message_id, source, attempts, due_at) VALUES ('{media}', '{session}', '{message}', {bytes}, 0, 0)"
        ),
        format!(
            "audit (at, account_id, actor, key_id, address, action, target, code, times) \
             VALUES (0, '{account}', 'key', '{key}', '203.0.113.7', 'delete_session', '{session}', '', 1)"
        ),
        format!("holds (session_id, chat, held_until, reason, times) VALUES ('{session}', 'c', 1, 'r', 1)"),
        format!("chat_reads (session_id, chat_key, until) VALUES ('{session}', 'c', 1)"),
        format!("notices (session_id, name, at) VALUES ('{session}', 'n', 1)"),
        format!("first_contacts (session_id, chat, begun_at) VALUES ('{session}', 'c', 1)"),
        format!("chat_names (session_id, chat, name) VALUES ('{session}', 'c', 'n')"),
        format!("canary_steps (step, session_id, at) VALUES ('text', '{session}', 1)"),
        format!("users (id, account_id, name, role, password, created_at) VALUES ('{user}', '{account}', '{user}', 'owner', 'p', 0)"),
        format!(
            "logins (id, user_id, secret_hash, created_at, last_seen_at, expires_at, address, user_agent) \
             VALUES ('lgn_{digits}', '{user}', {bytes}, 0, 0, 9, '::1', 'b')"
        ),
        format!("login_tokens (secret_hash, user_id, expires_at) VALUES ({bytes}, '{user}', 9)"),
    ];
    for row in rows {
        db.execute(&format!("INSERT INTO {row}")).await;
    }
}

async fn a_deleted_account_leaves_nothing_in_any_table_and_nothing_else_is_touched(db: &Db) {
    let other = Tenant::new(db).await;
    fill(db, &other).await;
    let before = everything(db).await;
    let tenant = Tenant::new(db).await;
    fill(db, &tenant).await;
    for (table, rows) in everything(db).await.iter().filter(|(table, _)| !NOBODYS.contains(&table.as_str())) {
        assert!(rows.len() > before[table].len(), "{table} is new: put a row of the tenant's into it, above");
    }
    // What is kept is that an operator has deleted it, and not who tried to.
    for actor in ["operator", "key"] {
        let row = format!("(0, '{}', '{actor}', '203.0.113.7', 'admin_delete_account', '', 1)", tenant.account);
        db.execute(&format!("INSERT INTO audit (at, account_id, actor, address, action, code, times) VALUES {row}")).await;
    }

    assert!(db.store.begin_erasure(&tenant.account, NOW).await.unwrap().is_some());
    let left = db.store.remains(&tenant.account).await.unwrap();
    assert_eq!(left, Remains { sessions: 1, messages: 1, events: left.events, media: 1 });
    assert!(left.events > 0);
    assert!(!db.store.erase_account(&tenant.account).await.unwrap(), "nothing goes before what hangs on it");
    assert!(db.store.delete_session(&tenant.account, &tenant.session).await.unwrap());
    let files = db.store.media_of_account(&tenant.account, 10).await.unwrap();
    db.store.delete_media(&files).await.unwrap();
    while db.store.erase_some(&tenant.account).await.unwrap() > 0 {}
    assert_eq!(db.store.remains(&tenant.account).await.unwrap(), Remains::default());
    assert!(db.store.find_account(&tenant.account).await.unwrap().is_some(), "its own row goes last");
    assert!(db.store.erase_account(&tenant.account).await.unwrap());

    let mut after = everything(db).await;
    let kept = after.get_mut("audit").unwrap();
    let fact = kept.iter().position(|row| row.contains("operator")).expect("the fact stays in the log");
    kept.remove(fact);
    for (table, rows) in &after {
        assert_eq!(rows, &before[table], "{table}");
    }
}

async fn what_an_account_has_goes_a_few_rows_at_a_time(db: &Db) {
    let tenant = Tenant::new(db).await;
    let (account, session) = (&tenant.account, &tenant.session);
    let many = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450) \
         INSERT INTO messages (id, account_id, session_id, wa_id, direction, status, chat, chat_key, content, created_at) \
         SELECT 'msg_' || i, '{account}', '{session}', 'w' || i, 'outgoing', 'sent', 'c', 'c', '{{}}', 0 FROM n"
    );
    db.execute(&many).await;
    db.store.begin_erasure(account, NOW).await.unwrap();
    let mut seen = BTreeSet::new();
    loop {
        let before = db.store.remains(account).await.unwrap().messages;
        let dropped = db.store.erase_some(account).await.unwrap();
        let after = db.store.remains(account).await.unwrap().messages;
        assert!(before - after <= 200 && dropped <= 1_000, "{before} {after} {dropped}");
        seen.insert(after);
        if dropped == 0 {
            break;
        }
    }
    assert!(seen.len() >= 3 && seen.first() == Some(&0), "{seen:?}");
}

async fn nobody_acts_in_an_account_from_the_moment_that_its_deletion_begins(db: &Db) {
    let tenant = Tenant::new(db).await;
    fill(db, &tenant).await;
    let account = &tenant.account;
    assert!(db.store.begin_erasure(&chance().account_id(), NOW).await.unwrap().is_none());
    assert!(db.store.list_erasures(10).await.unwrap().is_empty());
    assert_eq!(db.store.begin_erasure(account, NOW).await.unwrap().unwrap().deleting_at, Some(NOW));
    let again = db.store.begin_erasure(account, NOW.plus_millis(7)).await.unwrap().unwrap();
    assert_eq!(again.deleting_at, Some(NOW), "it keeps its time");
    assert_eq!(db.store.list_erasures(10).await.unwrap(), [again]);
    let counts = async |sql: &str| db.ints(&format!("SELECT COUNT(*) FROM {sql}")).await[0];
    assert_eq!(counts(&format!("api_keys WHERE account_id = '{account}' AND revoked_at IS NULL")).await, 0);
    assert_eq!(counts(&format!("webhooks WHERE account_id = '{account}' AND enabled = 1")).await, 0);
    assert_eq!((counts("users").await, counts("logins").await, counts("login_tokens").await), (0, 0, 0));
    assert!(db.store.update_account(account, Some("another"), None).await.unwrap().is_none());
    assert!(db.store.find_account_named(account.as_str()).await.unwrap().is_none());
}
