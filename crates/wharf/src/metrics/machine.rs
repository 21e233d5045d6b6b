//! What the operating system knows of this process, by the names that every exporter has for it: no prefix of ours.

use std::fs;
use std::time::Duration;

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::sys::time::TimeVal;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Registry;

use super::{gauge, number};

/// Linux tells programs times in hundredths of a second, whatever the machine's own clock does.
const TICKS_PER_SECOND: f64 = 100.0;

/// What the system does not tell is left out.
pub(super) fn register(registry: &mut Registry, resident: Option<u64>) {
    if let Some(seconds) = cpu_seconds() {
        let counter = ConstCounter::new(seconds);
        registry.register("process_cpu_seconds", "Processor time of the process, and of the system for it", counter);
    }
    for (name, help, value) in [
        ("process_open_fds", "Files and sockets that are open", open_files().map(number)),
        ("process_max_fds", "Files and sockets that may be open", most_files().map(number)),
        ("process_resident_memory_bytes", "Memory of the process that is really there", resident.map(number)),
        ("process_virtual_memory_bytes", "Addresses of the process", virtual_bytes().map(number)),
        ("process_start_time_seconds", "When the process began, in seconds since 1970", start_time()),
    ] {
        if let Some(value) = value {
            gauge(registry, name, help, value);
        }
    }
}

/// The memory that is really there. `None` where the system does not tell.
pub(super) fn resident_bytes() -> Option<u64> {
    status("VmRSS:")
}

fn virtual_bytes() -> Option<u64> {
    status("VmSize:")
}

/// A line of the process's status that is told in kilobytes.
fn status(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

fn cpu_seconds() -> Option<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    Some((span(usage.user_time())? + span(usage.system_time())?).as_secs_f64())
}

fn span(time: TimeVal) -> Option<Duration> {
    let (seconds, micros) = (u64::try_from(time.tv_sec()).ok()?, u64::try_from(time.tv_usec()).ok()?);
    Some(Duration::from_secs(seconds) + Duration::from_micros(micros))
}

fn open_files() -> Option<u64> {
    const FOLDER: &str = "/proc/self/fd";
    // Newer kernels say it as the folder's size; with ten thousand sockets a list of them is a load.
    match fs::metadata(FOLDER).ok()?.len() {
        0 => {
            let listed = fs::read_dir(FOLDER).ok()?.count() as u64;
            // The folder itself is open meanwhile.
            Some(listed.saturating_sub(1))
        }
        count => Some(count),
    }
}

fn most_files() -> Option<u64> {
    getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft)
}

fn start_time() -> Option<f64> {
    let (own, system) = (fs::read_to_string("/proc/self/stat").ok()?, fs::read_to_string("/proc/stat").ok()?);
    // The second field is the program's name in parentheses, which may hold blanks; the twenty-second is what is looked for.
    let (_, fields) = own.rsplit_once(')')?;
    let ticks: u64 = fields.split_whitespace().nth(19)?.parse().ok()?;
    let booted: u64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(number(booted) + number(ticks) / TICKS_PER_SECOND)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_process_takes_at_least_a_megabyte() {
        assert!(resident_bytes().unwrap() > 1024 * 1024);
        assert!(virtual_bytes().unwrap() >= resident_bytes().unwrap());
    }

    #[test]
    fn a_process_has_worked_has_files_open_and_began_after_its_machine() {
        assert!(cpu_seconds().unwrap() > 0.0);
        let (open, most) = (open_files().unwrap(), most_files().unwrap());
        assert!(0 < open && open <= most, "{open} of {most}");
        // The machine was there in 2020, and the process is younger than a century.
        let began = start_time().unwrap();
        assert!((1_577_836_800.0..4_733_510_400.0).contains(&began), "{began}");
    }
}
