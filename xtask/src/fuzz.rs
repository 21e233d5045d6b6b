//! Odd messages for as long as is wished, seed after seed on both databases. The case is a test of the suite, run by name: what it finds is
//! found again by its seed.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    cargo::{cargo, output, program, root},
    postgres::{Cluster, URL_VARIABLE},
    settle::settle,
};

const CASE: &str = "odd::whatever_a_stranger_sends_everything_stays_readable::";
/// Each case runs once a database.
const DATABASES: usize = 2;
/// How many messages a seed rolls on each database: some half a minute's work.
const MESSAGES: usize = 250;
/// What the case prints in front of how many of them were messages at all.
const TAKEN: &str = "odd:taken\t";
/// How much of a failed seed's words is shown.
const LAST_LINES: usize = 40;

/// Rolls messages for `minutes` from `first` on, at least one seed. `tests` is a test program that is built already, with the gateway's
/// and the network's in the folder above it; without it all is built. Fails where a seed did, after the time is over.
#[expect(clippy::disallowed_methods, reason = "how long a person wants to wait is no rule of the gateway")]
pub fn run(minutes: u64, first: u64, tests: Option<PathBuf>) -> Result<()> {
    let tests = tests.map_or_else(build, Ok)?;
    let mut cluster = None;
    let url = match env::var(URL_VARIABLE) {
        Ok(url) => url,
        Err(_) => cluster.insert(Cluster::start()?).url(),
    };
    let (begun, wished) = (Instant::now(), Duration::from_secs(minutes * 60));
    let (mut seed, mut taken, mut failed) = (first, 0, Vec::new());
    while seed == first || begun.elapsed() < wished {
        let since = Instant::now();
        let told = one(&tests, &url, seed)?;
        let secs = since.elapsed().as_secs_f64();
        taken += told.taken;
        if told.failure.is_empty() {
            println!("seed {seed}: ok, {} of {} were messages, {secs:.1} s", told.taken, MESSAGES * DATABASES);
        } else {
            println!("seed {seed}: FAILED in {secs:.1} s\n{}", told.failure);
            failed.push(seed.to_string());
        }
        seed += 1;
    }
    drop(cluster);
    let seeds = usize::try_from(seed - first)?;
    let rolled = seeds * MESSAGES * DATABASES;
    println!("seeds {first} to {}: {seeds}, rolled {rolled}, messages {taken}, failed seeds {}", seed - 1, failed.len());
    ensure!(failed.is_empty(), "seed {} failed; WHARF_ODD_SEED and WHARF_ODD_MESSAGES={MESSAGES} repeat it", failed.join(", "));
    Ok(())
}

/// Builds as the test command does, or cargo chooses other features and compiles the WhatsApp library anew.
fn build() -> Result<PathBuf> {
    let told = output(cargo().args(["build", "--workspace", "--all-targets", "--message-format=json-render-diagnostics"]))?;
    settle()?;
    told.lines().find_map(test_program).context("cargo built no tests of the sandbox")
}

/// The program of the sandbox's tests, where a line of cargo's tells of it.
fn test_program(line: &str) -> Option<PathBuf> {
    let told: Value = serde_json::from_str(line).ok()?;
    let is_ours = told["package_id"].as_str()?.contains("wharf-sandbox") && told["target"]["kind"][0] == "test";
    is_ours.then(|| told["executable"].as_str().map(PathBuf::from)).flatten()
}

#[derive(Debug, PartialEq)]
struct Told {
    taken: usize,
    /// Empty where all went well.
    failure: String,
}

fn one(tests: &Path, url: &str, seed: u64) -> Result<Told> {
    let programs = tests.parent().and_then(Path::parent).context("the test program lies in no folder of a build")?;
    let done = Command::new(tests)
        .args(["--test-threads=2", "--nocapture", CASE])
        .current_dir(root().join("crates/wharf-sandbox"))
        .env(URL_VARIABLE, url)
        .env("WHARF_TEST_PROGRAMS", programs)
        .env("WHARF_SANDBOX_BIN", program(programs, "wharf-sandbox"))
        .env("WHARF_SIM_BIN", program(programs, "wharf-sim"))
        .env("WHARF_ODD_SEED", seed.to_string())
        .env("WHARF_ODD_MESSAGES", MESSAGES.to_string())
        .output()
        .with_context(|| format!("cannot start {}", tests.display()))?;
    let said = [done.stdout, done.stderr].concat();
    Ok(read(done.status.success(), &String::from_utf8_lossy(&said)))
}

/// A program without the case ends well too, so that what it took must have been told once a database.
fn read(is_success: bool, said: &str) -> Told {
    let taken: Vec<usize> = said.lines().filter_map(|line| line.split_once(TAKEN)?.1.parse().ok()).collect();
    let failure = if is_success && taken.len() == DATABASES {
        String::new()
    } else {
        let lines: Vec<_> = said.lines().collect();
        format!("{}\n", lines[lines.len().saturating_sub(LAST_LINES)..].join("\n"))
    };
    Told { taken: taken.iter().sum(), failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_good_when_each_database_told_what_it_took() {
        let both = "test a ... odd:taken\t240\nok\nodd:taken\t238\n";
        assert_eq!(read(true, both), Told { taken: 478, failure: String::new() });
        assert!(read(false, both).failure.contains("odd:taken"));
        assert!(!read(true, "odd:taken\t240\n").failure.is_empty(), "one database ran");
        assert!(!read(true, "").failure.is_empty(), "nothing ran");
    }

    #[test]
    fn the_sandboxs_tests_are_found_among_what_cargo_built() {
        let line = |package: &str, kind: &str| {
            format!(r#"{{"package_id":"path+file:///a/{package}#0.1.0","target":{{"kind":["{kind}"]}},"executable":"/t/it-1"}}"#)
        };
        assert_eq!(test_program(&line("wharf-sandbox", "test")), Some(PathBuf::from("/t/it-1")));
        assert_eq!(test_program(&line("wharf-sandbox", "bin")), None);
        assert_eq!(test_program(&line("wharf-sim", "test")), None);
        assert_eq!(test_program("no JSON"), None);
    }
}
