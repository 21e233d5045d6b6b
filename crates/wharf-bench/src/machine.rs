//! The machine as its kernel tells of it: who worked how much, and whether others do.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::Instant;

/// The kernel counts in hundredths of a second on every Linux that Rust runs on.
const TICK_MS: f64 = 10.0;
/// How long others are watched before anything is measured.
const LOOK: Duration = Duration::from_secs(2);

/// What a process has worked so far.
pub struct ProcessTime {
    pub parent: u32,
    pub own_ms: f64,
    /// Of its children that have ended.
    pub ended_ms: f64,
}

pub fn work_of(process: u32) -> Result<ProcessTime> {
    read_work(&std::fs::read_to_string(format!("/proc/{process}/stat"))?)
}

fn read_work(stat: &str) -> Result<ProcessTime> {
    // The name in brackets may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')').context("a stat line")?.1.split_whitespace().collect();
    let ms = |place: usize| -> Result<f64> { Ok(fields.get(place).context("a field of stat")?.parse::<f64>()? * TICK_MS) };
    let parent = fields.get(1).context("a parent")?.parse()?;
    Ok(ProcessTime { parent, own_ms: ms(11)? + ms(12)?, ended_ms: ms(13)? + ms(14)? })
}

/// What this program has worked so far.
pub fn own_ms() -> Result<f64> {
    Ok(work_of(std::process::id())?.own_ms)
}

/// What all cores together have worked since the machine's start; what its host took from it counts as work of others.
fn worked_ms(stat: &str) -> Result<f64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu ")).context("a line of all cores in /proc/stat")?;
    let ticks: Vec<f64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    // user, nice, system, idle, iowait, irq, softirq, steal; what follows is counted in user already.
    let working = ticks.iter().enumerate().filter(|(place, _)| matches!(*place, 0..=2 | 5..=7));
    Ok(working.map(|(_, ticks)| ticks).sum::<f64>() * TICK_MS)
}

/// A watch on whoever is not us.
pub struct OtherWork {
    since: Instant,
    worked_ms: f64,
    ours_ms: f64,
}

impl OtherWork {
    /// Begins to watch; `ours_ms` is what all of ours have worked until now.
    pub fn watch(ours_ms: f64) -> Result<Self> {
        Ok(Self { since: Instant::now(), worked_ms: worked_ms(&std::fs::read_to_string("/proc/stat")?)?, ours_ms })
    }

    /// How many cores others kept busy since, on average.
    pub fn cores(&self, ours_ms: f64) -> Result<f64> {
        let all = worked_ms(&std::fs::read_to_string("/proc/stat")?)? - self.worked_ms;
        let others = all - (ours_ms - self.ours_ms);
        Ok((others / (self.since.elapsed().as_secs_f64() * 1_000.0)).max(0.0))
    }
}

/// How many cores others keep busy at this moment.
pub async fn busy_cores() -> Result<f64> {
    let watch = OtherWork::watch(own_ms()?)?;
    tokio::time::sleep(LOOK).await;
    watch.cores(own_ms()?)
}

/// Leaves the first core to what is measured.
pub fn leave_the_first_core() -> Result<()> {
    let cores = std::thread::available_parallelism()?.get();
    ensure!(cores > 1, "this needs two cores: one for what is measured, and one for who calls it");
    let rest = format!("1-{}", cores - 1);
    let done = Command::new("taskset").args(["-a", "-c", "-p", &rest, &std::process::id().to_string()]).output().context("taskset")?;
    ensure!(done.status.success(), "taskset: {}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_of_a_process_is_read_behind_a_name_of_brackets_and_spaces() {
        let stat = "7 (a (b) c) S 3 7 7 0 -1 4194304 100 200 0 0 12 30 4 5 20 0 1 0 99 0 0";
        let work = read_work(stat).unwrap();
        assert_eq!((work.parent, work.own_ms, work.ended_ms), (3, 420.0, 90.0));
    }

    #[test]
    fn idle_and_waiting_cores_do_not_work_and_stolen_ones_do() {
        let stat = "cpu  1 2 3 1000 1000 4 5 6 700 800\ncpu0 1 2 3 1000 1000 4 5 6 700 800\n";
        assert!((worked_ms(stat).unwrap() - 210.0).abs() < 1e-9);
    }
}
