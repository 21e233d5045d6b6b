//! How fast durable writes are: `cargo test --release -p wharf-store measure -- --ignored --nocapture`.

use std::sync::Arc;

use tokio::time::Instant;
use wharf_core::store::{Accepted, ChatStore, MessageRow, MessageStore, PageRequest, VaultOp, VaultStore};

use crate::harness::Db;
use crate::tenant::{NOW, Tenant, sent};

const EACH: usize = 100;

/// One text from acceptance to acknowledgement as an engine would store it: accepted, claimed, ratchet saved, ended.
async fn text(db: &Db, tenant: &Tenant) {
    let message = tenant.outgoing("a text of a usual length, as people write them");
    assert_eq!(db.store.accept_message(&message).await.unwrap(), Accepted::Now);
    db.store.claim_messages(&tenant.fence, std::slice::from_ref(&message.row.id), NOW).await.unwrap();
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

/// Messages of 500 people, each in a chat of its own and every tenth of them in a group of its own too.
async fn fill(db: &Db, tenant: &Tenant, from: usize, to: usize) {
    let rows: Vec<_> = (from..to)
        .map(|number| {
            let person = format!("49170{:06}", number % 500);
            let id = format!("{person}@s.whatsapp.net");
            let group = (number % 10 == 0).then(|| format!("1203{person}@g.us"));
            let phone = group.is_none().then(|| person.clone());
            let chat = group.unwrap_or_else(|| id.clone());
            let row = tenant.incoming(&id, &number.to_string());
            MessageRow { chat, chat_phone: phone, chat_lid: None, sender_phone: Some(person), ..row }
        })
        .collect();
    futures::future::join_all(rows.chunks(500).map(|rows| db.store.record_inbound(&tenant.fence, rows)))
        .await
        .into_iter()
        .for_each(|stored| drop(stored.unwrap()));
}

/// How the lists of chats and people grow with the log, while chats and people stay as many.
async fn measure_lists(name: &str, db: Db) {
    let tenant = Tenant::new(&db).await;
    let (mut first, mut stored) = (None, 0);
    for size in [2_000, 20_000, 200_000] {
        while stored < size {
            fill(&db, &tenant, stored, stored + 2_000).await;
            stored += 2_000;
        }
        let page = PageRequest { after: None, limit: 50 };
        for person in (0..500).map(|number| format!("49170{number:06}")) {
            // Most chats are read.
            db.store.mark_read(&tenant.account, &tenant.session, &person, i64::try_from(size).unwrap()).await.unwrap();
        }
        let mut took = [f64::MAX; 3];
        for _ in 0..5 {
            let begin = Instant::now();
            drop(db.store.list_chats(&tenant.account, &tenant.session, page).await.unwrap());
            took[0] = took[0].min(begin.elapsed().as_secs_f64());
            let begin = Instant::now();
            drop(db.store.list_contacts(&tenant.account, &tenant.session, page).await.unwrap());
            took[1] = took[1].min(begin.elapsed().as_secs_f64());
            let begin = Instant::now();
            drop(db.store.find_contact(&tenant.account, &tenant.session, "49170000007").await.unwrap());
            took[2] = took[2].min(begin.elapsed().as_secs_f64());
        }
        let first = *first.get_or_insert(took);
        let ratio = |place: usize| took[place] / first[place];
        println!(
            "{name}: {size} messages: chats {:.1} ms (x{:.1}), people {:.1} ms (x{:.1}), one person {:.1} ms (x{:.1})",
            took[0] * 1e3,
            ratio(0),
            took[1] * 1e3,
            ratio(1),
            took[2] * 1e3,
            ratio(2)
        );
    }
    db.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn measure_lists_sqlite() {
    measure_lists("sqlite", Db::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn measure_lists_postgres() {
    measure_lists("postgres", Db::postgres().await).await;
}
