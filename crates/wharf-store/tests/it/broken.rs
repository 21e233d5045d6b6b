//! Connections to PostgreSQL whose prepared statements somebody else broke: a column of another type, a pool that discards what it did not
//! make. Writes and reads go on over fresh ones, and no caller hears of it.

use std::sync::Arc;

use futures::future::join_all;
use wharf_core::store::{Accepted, Error, MessageStore};
use wharf_store::{Config, SqlStore, open};

use crate::harness::{Db, config};
use crate::tenant::Tenant;

/// A trigger that does something to the connection that stores a message which says «break».
fn breaks(action: &str) -> String {
    format!(
        "CREATE SEQUENCE broken; CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF NEW.content LIKE '%break%' AND nextval('broken') = 1 THEN {action}; END IF; RETURN NULL; END $$; \
         CREATE TRIGGER breaks AFTER INSERT ON messages FOR EACH ROW EXECUTE FUNCTION breaks()"
    )
}

/// One lane and one reader, each of which has prepared what the test says.
async fn warm(db: &Db, tenant: &Tenant) -> Arc<SqlStore> {
    let store = open(Config { lanes: Some(1), readers: Some(1), ..config(&db.url) }).await.unwrap();
    let text = tenant.outgoing("first");
    assert_eq!(store.accept_message(&text).await.unwrap(), Accepted::Now);
    assert!(store.find_message(&tenant.account, &text.row.id).await.unwrap().is_some());
    store
}

async fn goes_on(store: &SqlStore, tenant: &Tenant) {
    let texts: Vec<_> = (0..10).map(|_| tenant.outgoing("goes on")).collect();
    for accepted in join_all(texts.iter().map(|text| store.accept_message(text))).await {
        assert_eq!(accepted.unwrap(), Accepted::Now);
    }
    for text in &texts {
        assert!(store.find_message(&tenant.account, &text.row.id).await.unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_that_changes_its_type_under_an_open_store_is_no_callers_concern() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let store = warm(&db, &tenant).await;
    for kind in ["varchar(100000)", "text"] {
        db.execute(&format!("ALTER TABLE messages ALTER COLUMN content TYPE {kind}")).await;
        goes_on(&store, &tenant).await;
        let incoming = tenant.incoming("1@lid", kind);
        store.record_inbound(&tenant.fence, std::slice::from_ref(&incoming)).await.unwrap();
    }
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [23], "each once");
    store.close().await;
    db.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_that_somebody_dropped_are_prepared_anew() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let store = warm(&db, &tenant).await;
    db.execute(&breaks("EXECUTE 'DEALLOCATE ALL'")).await;
    assert_eq!(store.accept_message(&tenant.outgoing("break")).await.unwrap(), Accepted::Now);
    goes_on(&store, &tenant).await;
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [12], "each once");
    store.close().await;
    db.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_that_somebody_dropped_before_the_end_of_a_write_are_no_callers_concern() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let store = warm(&db, &tenant).await;
    // The event of what came in, and what its session counts, is written after its message.
    db.execute(
        "CREATE SEQUENCE broken; CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF nextval('broken') = 1 THEN EXECUTE 'DEALLOCATE ALL'; END IF; RETURN NULL; END $$; \
         CREATE TRIGGER breaks AFTER INSERT ON messages FOR EACH ROW WHEN (NEW.direction = 'incoming') EXECUTE FUNCTION breaks()",
    )
    .await;
    let incoming = tenant.incoming("1@lid", "alone");
    store.record_inbound(&tenant.fence, std::slice::from_ref(&incoming)).await.unwrap();
    goes_on(&store, &tenant).await;
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [12], "each once");
    store.close().await;
    db.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_statements_that_somebody_took_are_left_to_him() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let store = warm(&db, &tenant).await;
    let take = "FOR n IN 1..400 LOOP BEGIN EXECUTE format('PREPARE sqlx_s_%s AS SELECT 1', n); \
        EXCEPTION WHEN duplicate_prepared_statement THEN NULL; END; END LOOP";
    db.execute(&breaks(take)).await;
    assert_eq!(store.accept_message(&tenant.outgoing("break")).await.unwrap(), Accepted::Now);
    // A statement that this lane has not prepared yet.
    let incoming = tenant.incoming("1@lid", "new");
    store.record_inbound(&tenant.fence, std::slice::from_ref(&incoming)).await.unwrap();
    goes_on(&store, &tenant).await;
    store.close().await;
    db.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_breaks_each_connection_is_told_and_not_tried_for_ever() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let store = warm(&db, &tenant).await;
    let raise = "PERFORM setval('broken', 1, false); RAISE EXCEPTION 'prepared statement \"x\" does not exist' USING ERRCODE = '26000'";
    db.execute(&breaks(raise)).await;
    let beside = tenant.outgoing("good");
    let text = tenant.outgoing("break");
    let (refused, accepted) = tokio::join!(store.accept_message(&text), store.accept_message(&beside));
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    assert_eq!(accepted.unwrap(), Accepted::Now);
    goes_on(&store, &tenant).await;
    store.close().await;
    db.finish().await;
}
