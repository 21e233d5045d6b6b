//! Figures, not verdicts: run with `--ignored --nocapture`, best in release mode.

use futures::StreamExt as _;
use tokio::time::Instant;

use crate::harness::{Device, SILENT, Sim, until};

const TEXTS: u32 = 5000;

async fn cpu(sim: &Sim) -> f64 {
    sim.get("/control/stats").await["cpuSeconds"].as_f64().unwrap()
}

fn resident_kb(process: u32) -> u64 {
    let path = format!("/proc/{process}/status");
    let status = std::fs::read_to_string(path).unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")).and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[tokio::test]
#[ignore = "a measurement"]
async fn texts_per_second_and_their_cost() {
    let sim = Sim::program(0, None);
    let device = Device::linked(&sim, crate::harness::OWNER).await;
    let first = device.send(SILENT, "opens the sessions").await;
    device.receipt(&first, "Delivered").await;
    let (before, started) = (cpu(&sim).await, Instant::now());
    for n in 0..TEXTS {
        device.send(SILENT, &format!("text {n}")).await;
    }
    until("all were shown", async || {
        let phone = sim.get(&format!("/control/phones/{SILENT}")).await;
        (phone["messages"].as_u64()? > u64::from(TEXTS)).then_some(())
    })
    .await;
    let (took, used) = (started.elapsed(), cpu(&sim).await - before);
    println!(
        "{TEXTS} texts in {took:?}: {:.0}/s, simulator {:.3} ms CPU per text",
        f64::from(TEXTS) / took.as_secs_f64(),
        used * 1000.0 / f64::from(TEXTS)
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn memory_and_cost_of_many_devices() {
    let sim = Sim::program(0, None);
    let count: u32 = std::env::var("DEVICES").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let process = sim.process_id();
    let (base, before, started) = (resident_kb(process), cpu(&sim).await, Instant::now());
    let devices: Vec<Device> = futures::stream::iter(0..count)
        .map(|n| {
            let sim = &sim;
            async move { Device::linked(sim, &format!("1555300{n:04}")).await }
        })
        .buffer_unordered(4)
        .collect()
        .await;
    let used = cpu(&sim).await - before;
    println!(
        "{count} devices linked in {:?}: {} KiB each, {:.1} ms CPU each in the simulator",
        started.elapsed(),
        (resident_kb(process) - base) / u64::from(count),
        used * 1000.0 / f64::from(count)
    );
    drop(devices);
}
