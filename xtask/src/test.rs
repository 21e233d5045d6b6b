//! The one test command: everything that a change must pass, in the order that fails soonest.
//!
//! A failed step does not hide the ones after it, unless they stand on it.

use std::{
    collections::BTreeSet,
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    cargo::{cargo, metadata, output, program, root, run as run_command, which},
    circles, dashboard, generate, instructions, ledger, nats, node,
    postgres::{Cluster, URL_VARIABLE},
    python, rooms,
    settle::settle,
};

const PROGRAMS: [&str; 3] = ["build", "--workspace", "--all-targets"];
/// The file that newcomers change first.
const TOUCHED: &str = "crates/wharf-sandbox/src/main.rs";

/// Runs all steps, prints the table, and fails if a step did.
pub fn run(quick: bool, cargo_test: &[String]) -> Result<()> {
    let target = metadata()?.target_directory;
    let mut steps = Steps::default();

    steps.take("fmt", || run_command(cargo().args(["fmt", "--all", "--check"])));
    steps.take("rooms", rooms::run);
    steps.take("circles", circles::run);
    steps.take("generated pages", || generate::run(true));
    steps.take("node", node::ensure);
    steps.take("nats", nats::ensure);
    steps.take("installers", python::ensure);
    steps.take("dashboard", dashboard::check);

    let mut cluster = None;
    let url = match env::var(URL_VARIABLE) {
        Ok(url) => {
            steps.leave_out("postgres", &format!("{URL_VARIABLE} is set"));
            Some(url)
        }
        Err(_) => steps.take("postgres", || Ok(cluster.insert(Cluster::start()?).url())),
    };
    // Before anything builds the workspace: there cargo joins the sandbox's features into every program.
    let release = steps.take("release program", || release_world(&target));
    // With the tests: what they ask of shared crates would else compile the WhatsApp library once more.
    let programs = steps.take("programs", || run_command(cargo().args(PROGRAMS)).and_then(|()| settle()).map(drop));
    if programs.is_some() {
        steps.take("second build", second_build);
    }

    if let (Some(url), Some(release), Some(())) = (url, release, programs) {
        let emptied = ledger::empty(&target);
        steps.take("tests", || emptied.and_then(|()| run_command(&mut tests(cargo_test, &url, &release, &target))));
        if cargo_test.is_empty() {
            steps.take("ledger", || ledger::run(&target));
        } else {
            steps.leave_out("ledger", "only a part of the tests ran");
        }
    } else {
        steps.leave_out("tests", "a step that they stand on failed");
    }
    drop(cluster);

    if quick {
        steps.leave_out("clippy", "--quick");
        steps.leave_out("comments", "--quick");
    } else {
        let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        steps.take("clippy", || run_command(cargo().args(clippy)));
        // After clippy, which has read the dependencies already: only our own crates are left to be read.
        let doc = ["doc", "--workspace", "--no-deps"];
        steps.take("comments", || run_command(cargo().args(doc).env("RUSTDOCFLAGS", "-D warnings")));
    }
    if which("cargo-deny").is_some() {
        // Without the advisories: they change by the day, and a change must not fail for another's news.
        let deny = ["deny", "check", "bans", "licenses", "sources"];
        steps.take("deny", || run_command(cargo().args(deny)));
    } else {
        steps.leave_out("deny", "cargo-deny is not installed");
    }
    count(&mut steps, quick || !cargo_test.is_empty(), programs.is_some());
    steps.close()
}

/// The gate of instructions, last: it takes long and finds the least.
fn count(steps: &mut Steps, only_a_part: bool, has_programs: bool) {
    let reason = if only_a_part {
        "only a part is tested"
    } else if !has_programs {
        "a step that it stands on failed"
    } else if !cfg!(target_os = "linux") {
        "valgrind counts programs of Linux"
    } else if !instructions::budget().exists() {
        "no budget is committed: cargo xtask instructions --write"
    } else {
        steps.take("instructions", || instructions::run(false, &[]));
        return;
    };
    steps.leave_out("instructions", reason);
}

/// Builds the program as a release does, alone, and keeps a copy that the next build does not touch.
fn release_world(target: &Path) -> Result<PathBuf> {
    run_command(cargo().args(["build", "--package", "wharf"]))?;
    settle()?;
    let folder = target.join("release-world");
    let copy = program(&folder, "wharf");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    // Copied beside and renamed: a test that still runs the old one keeps its file.
    let fresh = folder.join("wharf.new");
    fs::copy(program(&target.join("debug"), "wharf"), &fresh)
        .and_then(|_| fs::rename(&fresh, &copy))
        .with_context(|| format!("cannot write {}", copy.display()))?;
    Ok(copy)
}

/// A build right after a build compiles nothing, and one after a change to a file of ours compiles nothing of others: whoever changes a
/// line waits for no foreign crate.
fn second_build() -> Result<()> {
    let again = names(&compiled()?);
    ensure!(again.is_empty(), "compiled once more although nothing changed: {again}");
    touch(&root().join(TOUCHED))?;
    let own = compiled()?;
    println!("after a change to {TOUCHED} cargo compiled: {}", names(&own));
    ensure!(!own.is_empty(), "{TOUCHED} is newer than what was built, and nothing was compiled");
    let foreign: Vec<_> = own.into_iter().filter(|unit| !unit.manifest.starts_with(root())).collect();
    ensure!(foreign.is_empty(), "compiled once more for a change to {TOUCHED}: {}", names(&foreign));
    Ok(())
}

/// A part of a package that cargo compiled rather than found.
struct Unit {
    name: String,
    manifest: PathBuf,
}

/// Builds the programs, and tells what had to be compiled for it.
fn compiled() -> Result<Vec<Unit>> {
    let told = output(cargo().args(PROGRAMS).arg("--message-format=json"))?;
    Ok(told.lines().filter_map(compiled_anew).collect())
}

fn compiled_anew(line: &str) -> Option<Unit> {
    let told: serde_json::Value = serde_json::from_str(line).ok()?;
    if told["fresh"] != false {
        return None;
    }
    Some(Unit { name: told["target"]["name"].as_str()?.to_owned(), manifest: told["manifest_path"].as_str()?.into() })
}

/// Each name once: a program is compiled as one, and once more with its tests.
fn names(units: &[Unit]) -> String {
    let names: BTreeSet<&str> = units.iter().map(|unit| unit.name.as_str()).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// As if somebody had saved the file without changing it.
#[expect(clippy::disallowed_methods, reason = "cargo compares with the clock of the machine")]
fn touch(path: &Path) -> Result<()> {
    let file = File::options().write(true).open(path).with_context(|| format!("cannot open {}", path.display()))?;
    file.set_modified(SystemTime::now()).with_context(|| format!("cannot set the time of {}", path.display()))
}

fn tests(cargo_test: &[String], url: &str, release: &Path, target: &Path) -> Command {
    let debug = target.join("debug");
    let mut command = cargo();
    command.args(["test", "--no-fail-fast"]);
    // `--workspace` would win over a `-p` without a word.
    let own = cargo_test.iter().take_while(|word| *word != "--");
    if !own.into_iter().any(|word| word.starts_with("-p") || word.starts_with("--package")) {
        command.arg("--workspace");
    }
    command
        .args(cargo_test)
        .env(URL_VARIABLE, url)
        .env("WHARF_RELEASE_BIN", release)
        .env("WHARF_SANDBOX_BIN", program(&debug, "wharf-sandbox"))
        .env("WHARF_SIM_BIN", program(&debug, "wharf-sim"));
    command
}

/// The steps so far, for the table at the end.
#[derive(Default)]
struct Steps {
    rows: Vec<(&'static str, Outcome)>,
}

enum Outcome {
    Passed(Duration),
    Failed(Duration, String),
    LeftOut(String),
}

impl Steps {
    #[expect(clippy::disallowed_methods, reason = "how long a person waited is no rule of the gateway")]
    fn take<T>(&mut self, name: &'static str, step: impl FnOnce() -> Result<T>) -> Option<T> {
        println!("\n==> {name}");
        let start = Instant::now();
        let done = step();
        let took = start.elapsed();
        match done {
            Ok(value) => {
                println!("<== {name}: passed in {:.1} s", took.as_secs_f64());
                self.rows.push((name, Outcome::Passed(took)));
                Some(value)
            }
            Err(error) => {
                println!("<== {name}: FAILED in {:.1} s: {error:#}", took.as_secs_f64());
                self.rows.push((name, Outcome::Failed(took, format!("{error:#}"))));
                None
            }
        }
    }

    fn leave_out(&mut self, name: &'static str, why: &str) {
        println!("\n==> {name}: left out: {why}");
        self.rows.push((name, Outcome::LeftOut(why.to_owned())));
    }

    fn close(self) -> Result<()> {
        println!();
        let mut failed = Vec::new();
        for (name, outcome) in &self.rows {
            match outcome {
                Outcome::Passed(took) => println!("{name:16} passed   {:7.1} s", took.as_secs_f64()),
                Outcome::Failed(took, why) => {
                    failed.push(*name);
                    println!("{name:16} FAILED   {:7.1} s  {why}", took.as_secs_f64());
                }
                Outcome::LeftOut(why) => println!("{name:16} left out            {why}"),
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        bail!("failed: {}", failed.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_compiled_is_told_from_what_it_found_and_from_what_it_ran() {
        let line = |fresh: bool| {
            format!(r#"{{"reason":"compiler-artifact","manifest_path":"/x/Cargo.toml","target":{{"name":"it"}},"fresh":{fresh}}}"#)
        };
        let unit = compiled_anew(&line(false)).unwrap();
        assert_eq!((unit.name.as_str(), unit.manifest.as_path()), ("it", Path::new("/x/Cargo.toml")));
        assert_eq!(names(&[unit, compiled_anew(&line(false)).unwrap()]), "it");
        for other in [line(true).as_str(), r#"{"reason":"build-script-executed"}"#, "   Compiling wharf"] {
            assert!(compiled_anew(other).is_none(), "{other}");
        }
    }
}
