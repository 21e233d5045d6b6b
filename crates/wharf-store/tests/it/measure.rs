//! How fast durable writes are: `cargo test --release -p wharf-store measure -- --ignored --nocapture`.

use std::sync::Arc;

use tokio::time::Instant;
use wharf_core::store::{Accepted, MessageStore, VaultOp, VaultStore};

use crate::harness::Db;
use crate::tenant::{Tenant, sent};

const EACH: usize = 100;

/// One text from acceptance to acknowledgement as an engine would store it: accepted, claimed, ratchet saved, ended.
async fn text(db: &Db, tenant: &Tenant) {
    let message = tenant.outgoing("a text of a usual length, as people write them");
    assert_eq!(db.store.accept_message(&message).await.unwrap(), Accepted::Now);
    db.store.claim_messages(&tenant.fence, std::slice::from_ref(&message.row.id)).await.unwrap();
    let put = |key: &str| VaultOp::Put { space: "session", key: key.to_owned(), value: vec![7; 900] };
    db.store.vault_apply(&tenant.fence, vec![put("491701234567:0"), put("491701234567:1")]).await.unwrap();
    assert_eq!(db.store.record_outcomes(&tenant.fence, &[sent(&message.row.id)]).await.unwrap().len(), 1);
}

/// The processor time that this process used so far, in milliseconds.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // The kernel counts in hundredths of a second.
    10 * (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap())
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
async fn measure(name: &str, db: Db) {
    let db = Arc::new(db);
    for callers in [1, 8, 64, 256] {
        let mut tenants = Vec::new();
        for _ in 0..callers {
            tenants.push(Tenant::new(&db).await);
        }
        let (begin, cpu) = (Instant::now(), cpu_ms());
        let each = if callers == 1 { EACH * 5 } else { EACH };
        let work = tenants.into_iter().map(|tenant| {
            let db = Arc::clone(&db);
            tokio::spawn(async move {
                for _ in 0..each {
                    text(&db, &tenant).await;
                }
            })
        });
        for done in futures::future::join_all(work).await {
            done.unwrap();
        }
        let texts = callers * each;
        let (seconds, cpu) = (begin.elapsed().as_secs_f64(), cpu_ms() - cpu);
        println!(
            "{name}: {callers} callers, {texts} texts in {seconds:.2} s: {:.0} texts/s, {:.3} ms of CPU per text (4 durable writes each)",
            texts as f64 / seconds,
            cpu as f64 / texts as f64
        );
    }
    Arc::into_inner(db).unwrap().finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn measure_sqlite() {
    measure("sqlite", Db::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn measure_postgres() {
    measure("postgres", Db::postgres().await).await;
}
