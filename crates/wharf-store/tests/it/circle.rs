//! Two nodes on one database: their commits do not wait for each other in a circle.

use std::sync::Arc;

use futures::future::join_all;
use sqlx::{Connection, PgConnection};
use wharf_core::store::{Accepted, MessageStore, OwnerStore};
use wharf_store::SqlStore;

use crate::harness::{Db, both_backends};
use crate::tenant::{NOW, Tenant, session};

both_backends!(
    accepts_and_engine_writes_of_two_nodes_all_come_through,
    a_write_that_the_database_ended_to_break_a_circle_is_done_once_more,
);

/// One node's writes at one moment: what came in for its session, and what is accepted for that of the other node.
async fn work(store: &SqlStore, owned: &Tenant, other: &Tenant, round: usize) {
    let received: Vec<_> = (0..24).map(|number| owned.incoming("1@lid", &format!("{round} {number}"))).collect();
    let mut texts: Vec<_> = (0..24).map(|_| other.outgoing("x")).collect();
    for text in &mut texts {
        text.daily_limit = Some(1_000_000);
    }
    let inbound = join_all(received.iter().map(|row| store.record_inbound(&owned.fence, std::slice::from_ref(row))));
    let accepts = join_all(texts.iter().map(|text| store.accept_message(text)));
    let (inbound, accepts) = tokio::join!(inbound, accepts);
    for stored in inbound {
        assert_eq!(stored.unwrap().inserted.len(), 1);
    }
    for accepted in accepts {
        assert_eq!(accepted.unwrap(), Accepted::Now);
    }
}

async fn accepts_and_engine_writes_of_two_nodes_all_come_through(db: &Db) {
    let here = Tenant::new(db).await;
    let there = session(db, &here.account).await;
    let fence = db.store.take_session(&there, "another node", NOW).await.unwrap().unwrap();
    let there = Tenant { account: here.account.clone(), session: there, fence };
    let second = db.second().await;
    // SQLite has one process: both sessions are its own.
    let other = second.as_ref().unwrap_or(&db.store);
    for round in 0..20 {
        tokio::join!(work(&db.store, &here, &there, round), work(other, &there, &here, round));
    }
    assert_eq!(db.ints("SELECT messages FROM usage").await, [960]);
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [1_920]);
    if let Some(second) = second {
        second.close().await;
        db.store.close().await;
        // A connection that closes hands in what it counted. None of the writes had to be done twice.
        assert_eq!(db.ints("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").await, [0]);
    }
}

async fn a_write_that_the_database_ended_to_break_a_circle_is_done_once_more(db: &Db) {
    if db.is_sqlite() {
        // It has one writer.
        return;
    }
    let tenant = Tenant::new(db).await;
    tenant.send(db, "the row that counts the day is there").await;
    let run = async |conn: &mut PgConnection, sql: &str| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(conn).await.unwrap();
    };
    let mut stranger = PgConnection::connect(&db.url).await.unwrap();
    // The stranger is patient, so it is the store whose wait is ended.
    run(&mut stranger, "SET deadlock_timeout = '30s'; BEGIN; UPDATE sessions SET name = name").await;
    let store = Arc::clone(&db.store);
    let message = tenant.outgoing("comes through");
    let accepted = tokio::spawn(async move { store.accept_message(&message).await });
    // The server tells of the locks of all its databases.
    let waits = "SELECT COUNT(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()";
    while db.ints(waits).await == [0] {
        tokio::task::yield_now().await;
    }
    run(&mut stranger, "UPDATE usage SET messages = messages; COMMIT").await;
    assert_eq!(accepted.await.unwrap().unwrap(), Accepted::Now);
    assert_eq!(db.ints("SELECT messages FROM usage").await, [2]);
    assert_eq!(db.ints("SELECT COUNT(*) FROM outgoing").await, [2]);
}
