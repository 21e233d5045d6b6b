use wharf_core::store::{AccountStore, MessageStore};
use wharf_store::{Durability, OpenError, open};

use crate::harness::{Db, both_backends, config, fresh_name};
use crate::tenant::{NOW, Tenant, chance};

both_backends!(
    a_commit_survives_a_power_cut_by_the_databases_own_word,
    every_statement_is_understood,
    what_was_committed_is_there_after_a_new_start,
);

async fn a_commit_survives_a_power_cut_by_the_databases_own_word(db: &Db) {
    let durability = db.store.durability().await.unwrap();
    let wanted = if db.is_sqlite() { ("wal", "2") } else { ("on", "on") };
    assert_eq!(durability, Durability { journal: wanted.0.to_owned(), synchronous: wanted.1.to_owned() });
}

async fn every_statement_is_understood(db: &Db) {
    assert!(db.store.check_statements().await.unwrap() > 40);
}

async fn what_was_committed_is_there_after_a_new_start(db: &Db) {
    let tenant = Tenant::new(db).await;
    let row = tenant.send(db, "kept").await;
    db.store.close().await;
    let store = open(config(&db.url)).await.unwrap();
    assert_eq!(store.find_message(&tenant.account, &row.id).await.unwrap(), Some(row));
    let id = chance().account_id();
    assert!(store.insert_account(&id, "new", "free", NOW).await.unwrap());
    store.close().await;
}

#[tokio::test]
async fn a_second_process_on_the_same_file_is_refused() {
    let db = Db::sqlite().await;
    let refused = open(config(&db.url)).await;
    assert!(matches!(refused, Err(OpenError::InUse(_))));
    db.store.close().await;
    open(config(&db.url)).await.unwrap().close().await;
}

#[tokio::test]
async fn a_store_that_is_dropped_frees_its_file_by_itself() {
    let db = Db::sqlite().await;
    let tenant = Tenant::new(&db).await;
    let row = tenant.send(&db, "x").await;
    let (url, folder) = db.drop_store();
    let opened = async {
        loop {
            match open(config(&url)).await {
                Err(OpenError::InUse(_)) => tokio::task::yield_now().await,
                opened => return opened,
            }
        }
    };
    let store = tokio::time::timeout(std::time::Duration::from_secs(10), opened).await.unwrap().unwrap();
    assert_eq!(store.find_message(&tenant.account, &row.id).await.unwrap(), Some(row));
    store.close().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_url_of_an_unknown_kind_is_refused() {
    assert!(matches!(open(config("mysql://localhost/x")).await, Err(OpenError::Url)));
    let nowhere = format!("sqlite:{}", std::env::temp_dir().join(fresh_name()).join("no/folder.sqlite").display());
    assert!(matches!(open(config(&nowhere)).await, Err(OpenError::File { .. })));
}
