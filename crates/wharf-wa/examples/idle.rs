//! What many idle sessions cost: memory and the time to connect them all. Against a running `wharf-sim`.
//!
//! `idle URL CONTROL DATABASE pair N` pairs N sessions and ends; `idle URL CONTROL DATABASE run` starts them all anew and
//! tells; `idle URL CONTROL DATABASE send N` sends N texts through the first session.

#![expect(clippy::unwrap_used, reason = "a measurement ends where it cannot go on")]

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::time::Instant;
use wharf_api::Permission;
use wharf_api::types::message::SendText;
use wharf_api::types::session::SessionStatus;
use wharf_core::chance::SystemChance;
use wharf_core::clock::SystemClock;
use wharf_core::egress::NoEgress;
use wharf_core::engine::Engine as _;
use wharf_core::media::NoFiles;
use wharf_core::message::outcomes::Outcomes;
use wharf_core::message::send_text;
use wharf_core::seal::Seal;
use wharf_core::services::{Ports, Services};
use wharf_core::store::{AccountStore as _, SessionStore as _};
use wharf_core::{Caller, session};
use wharf_wa::{Config, WaEngine};

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn cpu_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let base = resident_kib();
    let _ = whatsapp_rust::transport::default_tls_connector();
    let store = wharf_store::open(wharf_store::Config::new(format!("sqlite:{}", args[2]), Arc::new(SystemChance))).await.unwrap();
    let seal = Seal::new(&[9; 32], Arc::new(SystemChance));
    let mut config = Config::new("node", seal.clone());
    config.server_url = Some(args[0].parse().unwrap());
    let outcomes = Arc::new(Outcomes::default());
    let engine = WaEngine::new(config, store.clone(), Arc::new(SystemClock), Arc::new(SystemChance), Arc::clone(&outcomes)).unwrap();
    let services = Services::new(Ports {
        store: store.clone(),
        engine: engine.clone(),
        egress: Arc::new(NoEgress),
        files: Arc::new(NoFiles),
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        outcomes,
        seal,
        world: "sandbox",
    });
    let account = wharf_core::account::find_or_create(&services, "idle", "enterprise").await.unwrap();
    let plan = store.find_account(&account).await.unwrap().unwrap().plan;
    let key = services.chance.key_id();
    let caller = Caller {
        account,
        plan,
        by: wharf_core::caller::By::Key(key),
        permissions: Permission::ALL.to_vec(),
        sessions: None,
        operator: false,
        expires_at: None,
        sends_until: None,
        answer_by: None,
    };
    let began = Instant::now();
    match args[3].as_str() {
        "pair" => {
            let http = http();
            let many: u64 = args[4].parse().unwrap();
            futures::stream::iter(0..many)
                .for_each_concurrent(8, async |n| {
                    let fresh = session::create(&services, &caller, "idle", None).await.unwrap();
                    let url = format!("{}/control/scan?phone={}", args[1], 15_560_000_000 + n);
                    http.post(url).body(fresh.qr.unwrap().text).send().await.unwrap().error_for_status().unwrap();
                    let mut link = engine.link(&fresh.row.id).unwrap();
                    link.wait_for(|link| link.status == SessionStatus::Connected).await.unwrap();
                })
                .await;
            println!("paired {many} in {:?}, {} KiB", began.elapsed(), resident_kib());
        }
        "run" => {
            let started = engine.start_linked().await.unwrap() as u64;
            println!("{started} connected in {:?}", began.elapsed());
            for _ in 0..3 {
                let ticks = cpu_ticks();
                tokio::time::sleep(Duration::from_secs(10)).await;
                let rss = resident_kib();
                println!(
                    "{rss} KiB, {} KiB per session over the start's {base}, {} ticks of CPU in 10 s",
                    (rss - base) / started.max(1),
                    cpu_ticks() - ticks
                );
            }
        }
        "send" => {
            engine.start_linked().await.unwrap();
            let row = store.list_linked_sessions().await.unwrap().remove(0);
            let many: u32 = args[4].parse().unwrap();
            let new = |n: u32| send_text::parse(&SendText::plain(row.id.to_string(), "15550001002", format!("text {n}"))).unwrap();
            send_text::send_text(&services, &caller, new(0), None).await.unwrap();
            let (began, ticks) = (Instant::now(), cpu_ticks());
            futures::stream::iter(0..many)
                .for_each_concurrent(64, async |n| drop(send_text::send_text(&services, &caller, new(n), None).await.unwrap()))
                .await;
            let took = began.elapsed();
            println!("{many} texts in {took:?}: {:.0}/s, {} ticks of CPU", f64::from(many) / took.as_secs_f64(), cpu_ticks() - ticks);
        }
        other => panic!("no such command: {other}"),
    }
    let began = Instant::now();
    engine.shutdown().await;
    println!("shut down in {:?}", began.elapsed());
}

#[expect(clippy::disallowed_methods, reason = "the control API is on loopback and belongs to the measurement")]
fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}
