//! Rows that somebody else has locked: a person's open transaction, a backup that stands still. Only the writes that need them wait.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::join_all;
use sqlx::{Connection, PgConnection};
use tokio::sync::Notify;
use wharf_core::Meter;
use wharf_core::store::{Accepted, Error, MessageStore, NewMessage, OwnerStore, VaultOp, VaultStore};
use wharf_store::{Config, SqlStore, open};

use crate::harness::{Db, config};
use crate::tenant::{NOW, Tenant, claim, sent};

/// A stranger's transaction on a database whose store has one lane.
struct Locked {
    db: Db,
    store: Arc<SqlStore>,
    stranger: PgConnection,
}

impl Locked {
    async fn new() -> Self {
        let db = Db::postgres().await;
        let store = open(Config { lanes: Some(1), ..config(&db.url) }).await.unwrap();
        let stranger = PgConnection::connect(&db.url).await.unwrap();
        Self { db, store, stranger }
    }

    async fn run(&mut self, sql: String) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut self.stranger).await.unwrap();
    }

    async fn lock_session(&mut self, tenant: &Tenant) {
        self.run(format!("BEGIN; SELECT 1 FROM sessions WHERE id = '{}' FOR UPDATE", tenant.session.as_str())).await;
    }

    /// Takes the lock that the session's writes take first: its number is the beginning of the hash of its id.
    async fn lock_place(&mut self, tenant: &Tenant) {
        let place = format!("('x' || left(encode(sha256('{}'), 'hex'), 16))::bit(64)::bigint", tenant.session);
        self.run(format!("BEGIN; SELECT pg_advisory_xact_lock({place})")).await;
    }

    async fn finish(self) {
        self.store.close().await;
        self.stranger.close().await.unwrap();
        self.db.finish().await;
    }
}

/// A text that is one message, however often it is offered.
fn keyed(tenant: &Tenant, key: &str) -> NewMessage {
    NewMessage { claim: Some(claim(key)), ..tenant.outgoing("x") }
}

/// Offers the text until it is stored: on a machine that stands still for seconds its own time, or that of a commit that it shares, may be
/// over before, once or twice.
async fn offer(store: &SqlStore, text: &NewMessage) -> Result<Accepted, Error> {
    let mut answer = store.accept_message(text).await;
    for _ in 0..8 {
        if !matches!(&answer, Err(Error::Unavailable(_))) {
            break;
        }
        answer = store.accept_message(text).await;
    }
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_somebody_has_locked_waits_alone_and_goes_on_by_itself() {
    let mut locked = Locked::new().await;
    let tenant = Tenant::new(&locked.db).await;
    let (beside, other) = (tenant.beside(&locked.db).await, Tenant::new(&locked.db).await);
    locked.lock_session(&tenant).await;
    let mut waits = Vec::new();
    for round in 0..10 {
        // What comes in is offered until it is stored, as the engine does.
        let (store, fence, row) = (Arc::clone(&locked.store), tenant.fence.clone(), tenant.incoming("1@lid", &round.to_string()));
        waits.push(tokio::spawn(async move { while store.record_inbound(&fence, std::slice::from_ref(&row)).await.is_err() {} }));
        // The same lane carries these meanwhile.
        for free in [&beside, &other] {
            offer(&locked.store, &keyed(free, &round.to_string())).await.unwrap();
        }
        while locked.store.renew_lease("node", NOW, 1_000).await.is_err() {}
    }
    assert!(waits.iter().all(|waits| !waits.is_finished()), "they still wait");
    locked.run("COMMIT".to_owned()).await;
    for waits in waits {
        waits.await.unwrap();
    }
    assert_eq!(locked.db.ints("SELECT COUNT(*) FROM messages WHERE direction = 'incoming'").await, [10]);
    assert_eq!(locked.store.accept_message(&tenant.outgoing("as before")).await.unwrap(), Accepted::Now);
    locked.finish().await;
}

#[tokio::test]
async fn what_is_refused_of_one_that_goes_alone_for_the_lock_of_another_is_told_to_its_caller() {
    let mut locked = Locked::new().await;
    let (tenant, other) = (Tenant::new(&locked.db).await, Tenant::new(&locked.db).await);
    let refuse = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         RAISE EXCEPTION 'a check of the operator' USING ERRCODE = '23514'; END $$; \
         CREATE TRIGGER refuse BEFORE UPDATE ON sessions FOR EACH ROW WHEN (OLD.id = '{}') EXECUTE FUNCTION refuse()",
        tenant.session.as_str()
    );
    locked.db.execute(&refuse).await;
    locked.lock_place(&other).await;
    let store = Arc::clone(&locked.store);
    let (mine, theirs) = (tenant.outgoing("x"), keyed(&other, "theirs"));
    let alone = async {
        let refused = store.accept_message(&mine).await;
        locked.run("COMMIT".to_owned()).await;
        refused
    };
    // One thread: both are in line before the lane takes the first.
    let (refused, accepted) = tokio::join!(alone, offer(&store, &theirs));
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    // Offered again it may have been stored before.
    accepted.unwrap();
    locked.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_is_not_let_go_is_unavailable_to_its_own_writes_alone() {
    let mut locked = Locked::new().await;
    let (tenant, other) = (Tenant::new(&locked.db).await, Tenant::new(&locked.db).await);
    locked.lock_session(&tenant).await;
    let store = &locked.store;
    let waits = async { store.accept_message(&tenant.outgoing("waits")).await };
    let others = async {
        for n in 0..100 {
            offer(store, &keyed(&other, &n.to_string())).await.unwrap();
        }
    };
    let (held, ()) = tokio::join!(waits, others);
    assert!(matches!(held, Err(Error::Unavailable(_))), "{held:?}");
    assert_eq!(locked.db.ints("SELECT COUNT(*) FROM messages").await, [100]);
    locked.run("COMMIT".to_owned()).await;
    assert_eq!(locked.store.accept_message(&tenant.outgoing("again")).await.unwrap(), Accepted::Now);
    locked.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_another_process_has_locked_holds_up_no_other_account() {
    let mut locked = Locked::new().await;
    let (tenant, free) = (Tenant::new(&locked.db).await, Tenant::new(&locked.db).await);
    let put = || vec![VaultOp::Put { space: "s", key: "k".to_owned(), value: vec![1] }];
    locked.lock_place(&tenant).await;
    let (store, fence) = (Arc::clone(&locked.store), tenant.fence.clone());
    let waits = tokio::spawn(async move { while store.vault_apply(&fence, put()).await.is_err() {} });
    for _ in 0..10 {
        // What shares a group with a write of the other.
        assert!(locked.store.vault_apply(&tenant.fence, put()).now_or_never().is_none());
        while locked.store.vault_apply(&free.fence, put()).await.is_err() {}
    }
    assert!(!waits.is_finished(), "it still waits");
    locked.run("COMMIT".to_owned()).await;
    waits.await.unwrap();
    locked.finish().await;
}

#[tokio::test]
async fn a_days_count_that_somebody_has_locked_holds_up_no_other_account() {
    let mut locked = Locked::new().await;
    let (tenant, free) = (Tenant::new(&locked.db).await, Tenant::new(&locked.db).await);
    let store = Arc::clone(&locked.store);
    // It makes the row.
    assert_eq!(store.accept_message(&tenant.outgoing("counted")).await.unwrap(), Accepted::Now);
    locked.run(format!("BEGIN; SELECT 1 FROM usage WHERE account_id = '{}' FOR UPDATE", tenant.account.as_str())).await;
    let counts = keyed(&tenant, "waits");
    let texts: Vec<_> = (0..5).map(|n| keyed(&free, &n.to_string())).collect();
    // One thread: all are in line before the lane takes the first.
    let mut waits = Box::pin(offer(&store, &counts));
    assert!(waits.as_mut().now_or_never().is_none());
    let stored = join_all(texts.iter().map(|text| offer(&store, text))).await;
    assert!(stored.iter().all(Result::is_ok), "{stored:?}");
    assert!(waits.as_mut().now_or_never().is_none(), "it still waits");
    locked.run("COMMIT".to_owned()).await;
    waits.await.unwrap();
    assert_eq!(locked.db.ints("SELECT messages FROM usage ORDER BY messages").await, [2, 5]);
    drop(store);
    locked.finish().await;
}

#[tokio::test]
async fn a_claim_that_somebody_has_locked_holds_up_its_own_key_and_no_other() {
    let mut locked = Locked::new().await;
    let (tenant, free) = (Tenant::new(&locked.db).await, Tenant::new(&locked.db).await);
    let store = Arc::clone(&locked.store);
    assert_eq!(store.accept_message(&keyed(&tenant, "once")).await.unwrap(), Accepted::Now);
    locked.run("BEGIN; SELECT 1 FROM idempotency FOR UPDATE".to_owned()).await;
    let again = keyed(&tenant, "once");
    let texts: Vec<_> = (0..5).map(|n| keyed(&free, &n.to_string())).collect();
    // One thread: all are in line before the lane takes the first.
    let mut waits = Box::pin(offer(&store, &again));
    assert!(waits.as_mut().now_or_never().is_none());
    let stored = join_all(texts.iter().map(|text| offer(&store, text))).await;
    assert!(stored.iter().all(Result::is_ok), "{stored:?}");
    assert!(waits.as_mut().now_or_never().is_none(), "it still waits");
    locked.run("COMMIT".to_owned()).await;
    assert_eq!(waits.await.unwrap(), Accepted::ClaimedBefore);
    assert_eq!(locked.db.ints("SELECT COUNT(*) FROM idempotency JOIN messages ON resource_id = id").await, [6]);
    drop(store);
    locked.finish().await;
}

#[tokio::test]
async fn a_message_that_somebody_has_locked_holds_up_no_outcome_of_another_session() {
    let mut locked = Locked::new().await;
    let tenant = Tenant::new(&locked.db).await;
    let beside = tenant.beside(&locked.db).await;
    let (held, free) = (tenant.send(&locked.db, "held").await, beside.send(&locked.db, "free").await);
    let store = Arc::clone(&locked.store);
    locked.run(format!("BEGIN; SELECT 1 FROM messages WHERE id = '{}' FOR UPDATE", held.id)).await;
    let (of_held, of_free) = ([sent(&held.id)], [sent(&free.id)]);
    // One thread: both are in line before the lane takes the first.
    let mut waits = Box::pin(async {
        loop {
            // Offered until it is stored, as the engine does.
            if let Ok(ended) = store.record_outcomes(&tenant.fence, &of_held).await {
                break ended;
            }
        }
    });
    assert!(waits.as_mut().now_or_never().is_none());
    let ended = loop {
        if let Ok(ended) = store.record_outcomes(&beside.fence, &of_free).await {
            break ended;
        }
    };
    assert_eq!(ended, [free.id]);
    assert!(waits.as_mut().now_or_never().is_none(), "it still waits");
    locked.run("COMMIT".to_owned()).await;
    assert_eq!(waits.await, [held.id]);
    drop(store);
    locked.finish().await;
}

/// Has each row of a session take until it is let go: longer than a group waits for one of its writes.
async fn dawdle(db: &Db, table: &str, slow: &Tenant) {
    db.execute(&format!(
        "CREATE TABLE let_go (at INT); \
         CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         WHILE NOT EXISTS (SELECT 1 FROM let_go) LOOP PERFORM pg_sleep(0.01); END LOOP; RETURN NEW; END $$; \
         CREATE TRIGGER dawdle BEFORE INSERT ON {table} FOR EACH ROW WHEN (NEW.session_id = '{}') EXECUTE FUNCTION dawdle()",
        slow.session.as_str()
    ))
    .await;
}

/// Offers what dawdles until it is stored, as the engine does with what comes in, and texts beside it. It is let go when each of these has
/// its answer and it was offered again. Gives the answers, and how many writes had left their lane by then.
async fn beside_what_dawdles(
    db: &Db,
    store: &SqlStore,
    meter: &Meter,
    slow: &Tenant,
    texts: &[NewMessage],
) -> (Vec<Result<Accepted, Error>>, u64) {
    let (row, again) = (slow.incoming("1@lid", "slow"), Notify::new());
    let offered = async {
        while store.record_inbound(&slow.fence, std::slice::from_ref(&row)).await.is_err() {
            again.notify_one();
        }
    };
    let company = async {
        let answers = join_all(texts.iter().map(|text| offer(store, text))).await;
        again.notified().await;
        let held = meter.writes.held.read();
        db.execute("INSERT INTO let_go VALUES (1)").await;
        (answers, held)
    };
    // One thread: all are in line before the lane takes the first.
    tokio::join!(offered, company).1
}

#[tokio::test]
async fn a_write_that_takes_long_goes_on_aside_and_its_company_is_stored_without_it() {
    let db = Db::postgres().await;
    let config = Config { lanes: Some(1), ..config(&db.url) };
    let meter = Arc::clone(&config.meter);
    let store = open(config).await.unwrap();
    let (slow, free) = (Tenant::new(&db).await, Tenant::new(&db).await);
    dawdle(&db, "messages", &slow).await;
    let texts: Vec<_> = (0..5).map(|n| keyed(&free, &n.to_string())).collect();
    let (stored, held) = beside_what_dawdles(&db, &store, &meter, &slow, &texts).await;
    assert!(stored.iter().all(Result::is_ok), "{stored:?}");
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages GROUP BY direction ORDER BY direction").await, [1, 5], "in and out");
    assert!(held > 0, "it left its lane");
    assert_eq!(meter.writes.held.read(), held, "and came first to where it waits from then on");
    store.close().await;
    db.finish().await;
}

#[tokio::test]
async fn a_write_that_makes_the_end_of_its_group_slow_goes_on_aside_and_its_company_is_stored_without_it() {
    let db = Db::postgres().await;
    let config = Config { lanes: Some(1), ..config(&db.url) };
    let meter = Arc::clone(&config.meter);
    let store = open(config).await.unwrap();
    let slow = Tenant::new(&db).await;
    // Events are written at the group's end, where nothing tells whose it is that takes so long.
    dawdle(&db, "events", &slow).await;
    let mut texts = Vec::new();
    for _ in 0..4 {
        texts.push(keyed(&Tenant::new(&db).await, "once"));
    }
    let (stored, _) = beside_what_dawdles(&db, &store, &meter, &slow, &texts).await;
    assert!(stored.iter().all(Result::is_ok), "{stored:?}");
    let sql = format!("SELECT COUNT(*) FROM events WHERE {}", db.of_session(&slow.session));
    assert_eq!(db.ints(&sql).await, [1]);
    store.close().await;
    db.finish().await;
}
