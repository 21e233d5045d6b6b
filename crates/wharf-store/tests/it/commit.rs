//! What a COMMIT that fails means: to the write at fault, to those that shared it, and to what was read in it.

use std::sync::Arc;

use futures::future::join_all;
use wharf_core::store::{Accepted, Error, MessageStore, NewMessage};
use wharf_store::{Config, SqlStore, open};

use crate::harness::{Db, both_backends, config};
use crate::tenant::{Tenant, claim};

both_backends!(
    a_commit_that_one_write_makes_fail_is_made_again_without_it,
    what_a_commit_refuses_is_never_the_fault_of_a_messages_bytes,
    a_commit_of_which_nobody_knows_answers_no_write_with_success_and_the_lane_goes_on,
    what_was_read_in_a_commit_that_is_lost_is_no_answer,
);

/// One lane, so that writes which come at once share commits.
async fn one_lane(db: &Db) -> Arc<SqlStore> {
    db.store.close().await;
    open(Config { lanes: Some(1), ..config(&db.url) }).await.unwrap()
}

/// Has each commit fail that brings a message which says «poison».
async fn poison(db: &Db, state: &str) {
    let trap = if db.is_sqlite() {
        "CREATE TABLE never_there (id INTEGER PRIMARY KEY); \
         CREATE TABLE trap (id INTEGER REFERENCES never_there (id) DEFERRABLE INITIALLY DEFERRED); \
         CREATE TRIGGER trap AFTER INSERT ON messages WHEN NEW.content LIKE '%poison%' BEGIN INSERT INTO trap VALUES (1); END;"
            .to_owned()
    } else {
        trap(&format!("RAISE EXCEPTION 'a check of the operator' USING ERRCODE = '{state}'"))
    };
    db.execute(&trap).await;
}

/// A trigger of PostgreSQL that does something at the commit of a message which says «poison».
fn trap(action: &str) -> String {
    format!(
        "CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF NEW.content LIKE '%poison%' THEN {action}; END IF; RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER trap AFTER INSERT ON messages DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trap()"
    )
}

async fn a_commit_that_one_write_makes_fail_is_made_again_without_it(db: &Db) {
    let tenant = Tenant::new(db).await;
    poison(db, "23514").await;
    let store = one_lane(db).await;
    let texts: Vec<_> = (0..30).map(|n| tenant.outgoing(if n == 17 { "poison" } else { "x" })).collect();
    let results = join_all(texts.iter().map(|text| store.accept_message(text))).await;
    for (n, result) in results.iter().enumerate() {
        match result {
            Ok(accepted) => assert!(n != 17 && *accepted == Accepted::Now, "{n}: {accepted:?}"),
            Err(error) => assert!(n == 17 && matches!(error, Error::Refused(_)), "{n}: {error:?}"),
        }
    }
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [29]);
    assert_eq!(db.ints("SELECT messages FROM usage").await, [29]);
    store.close().await;
}

async fn what_a_commit_refuses_is_never_the_fault_of_a_messages_bytes(db: &Db) {
    let tenant = Tenant::new(db).await;
    // From a statement this class would say that the database does not take the row's bytes.
    poison(db, "22023").await;
    let mut poisoned = tenant.incoming("1@lid", "poisoned");
    poisoned.content = wharf_api::types::message::Content::text("poison");
    let refused = db.store.record_inbound(&tenant.fence, &[poisoned]).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    db.store.record_inbound(&tenant.fence, &[tenant.incoming("1@lid", "whole")]).await.unwrap();
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [1]);
}

/// Texts of which the one that is poisoned ends the connection in the middle of its commit.
async fn cut_at_commit(db: &Db) {
    db.execute(&trap("PERFORM pg_terminate_backend(pg_backend_pid())")).await;
}

async fn a_commit_of_which_nobody_knows_answers_no_write_with_success_and_the_lane_goes_on(db: &Db) {
    if db.is_sqlite() {
        // Nothing stands between the store and its file.
        return;
    }
    let tenant = Tenant::new(db).await;
    cut_at_commit(db).await;
    let store = one_lane(db).await;
    let texts: Vec<_> = (0..10).map(|n| tenant.outgoing(if n == 5 { "poison" } else { "x" })).collect();
    let results = join_all(texts.iter().map(|text| store.accept_message(text))).await;
    let mut accepted = 0;
    for result in &results {
        match result {
            Ok(_) => accepted += 1,
            Err(error) => assert!(matches!(error, Error::Unavailable(_)), "{error:?}"),
        }
    }
    assert!(accepted < 10);
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [accepted], "what was answered is there, and nothing else");
    assert_eq!(store.accept_message(&tenant.outgoing("after")).await.unwrap(), Accepted::Now);
    store.close().await;
}

async fn what_was_read_in_a_commit_that_is_lost_is_no_answer(db: &Db) {
    if db.is_sqlite() {
        return;
    }
    let tenant = Tenant::new(db).await;
    cut_at_commit(db).await;
    let store = one_lane(db).await;
    let claimed = |text: &str| NewMessage { claim: Some(claim("once")), ..tenant.outgoing(text) };
    // The first goes alone; the others share the commit that is cut off.
    let texts = [tenant.outgoing("x"), claimed("poison"), claimed("poison"), claimed("poison")];
    let results = join_all(texts.iter().map(|text| store.accept_message(text))).await;
    for result in &results[1..] {
        assert!(matches!(result, Err(Error::Unavailable(_))), "there is no such message: {result:?}");
    }
    assert_eq!(db.ints("SELECT COUNT(*) FROM idempotency").await, [0]);
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [i64::from(results[0].is_ok())]);
    store.close().await;
}

#[tokio::test]
async fn a_statement_that_an_operator_cancels_at_the_end_of_a_group_costs_its_own_write_and_no_other() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let cancelled = trap("RAISE EXCEPTION 'canceling statement due to user request' USING ERRCODE = '57014'");
    // With the rows of the whole group, before its commit.
    db.execute(&cancelled.replace("DEFERRABLE INITIALLY DEFERRED", "NOT DEFERRABLE")).await;
    let store = one_lane(&db).await;
    let texts: Vec<_> = (0..10).map(|n| tenant.outgoing(if n == 5 { "poison" } else { "x" })).collect();
    // One thread: all are in line before the lane takes the first.
    let results = join_all(texts.iter().map(|text| store.accept_message(text))).await;
    for (n, result) in results.iter().enumerate() {
        match result {
            Ok(accepted) => assert!(n != 5 && *accepted == Accepted::Now, "{n}: {accepted:?}"),
            Err(error) => assert!(n == 5 && matches!(error, Error::Unavailable(_)), "{n}: {error:?}"),
        }
    }
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [9]);
    assert_eq!(db.ints("SELECT messages FROM usage").await, [9]);
    store.close().await;
    db.finish().await;
}

#[tokio::test]
async fn a_statement_that_an_operator_cancels_at_the_end_of_a_write_alone_is_not_run_again() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    // A number that is drawn stays drawn, whatever is undone.
    db.execute("CREATE SEQUENCE runs").await;
    let cancelled = trap("PERFORM nextval('runs'); RAISE EXCEPTION 'canceling statement due to user request' USING ERRCODE = '57014'");
    db.execute(&cancelled.replace("DEFERRABLE INITIALLY DEFERRED", "NOT DEFERRABLE")).await;
    let refused = db.store.accept_message(&tenant.outgoing("poison")).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    assert_eq!(db.ints("SELECT last_value FROM runs WHERE is_called").await, [1]);
    db.finish().await;
}

#[tokio::test]
async fn a_message_that_cannot_be_stored_costs_its_company_another_run_and_no_commits_of_their_own() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let config = Config { lanes: Some(1), ..config(&db.url) };
    let meter = Arc::clone(&config.meter);
    let store = open(config).await.unwrap();
    let mut rounds = 0;
    loop {
        rounds += 1;
        let mut texts: Vec<_> = (0..8).map(|_| tenant.outgoing("x")).collect();
        let taken = texts[2].row.wa_id.clone();
        texts[5].row.wa_id = taken;
        let before = meter.writes.commit_writes.read().count;
        // One thread: all are in line before the lane takes the first.
        let results = join_all(texts.iter().map(|text| store.accept_message(text))).await;
        for (n, result) in results.iter().enumerate() {
            match result {
                Ok(accepted) => assert!(n != 5 && *accepted == Accepted::Now, "{n}: {accepted:?}"),
                Err(error) => assert!(n == 5 && matches!(error, Error::Refused(_)), "{n}: {error:?}"),
            }
        }
        // A group that stands still for most of a second, as it may on a busy machine, is cut up whatever is in it.
        if meter.writes.commit_writes.read().count - before == 1 {
            break;
        }
        assert!(rounds < 5, "one commit has them all");
    }
    assert_eq!(db.ints("SELECT sequence FROM events ORDER BY number").await, (1..=7 * rounds).collect::<Vec<_>>());
    assert_eq!(db.ints("SELECT messages FROM usage").await, [7 * rounds]);
    store.close().await;
    db.finish().await;
}
