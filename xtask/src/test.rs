//! The one test command: everything that a change must pass, in the order that fails soonest.
//!
//! A failed step does not hide the ones after it, unless they stand on it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    cargo::{cargo, metadata, output, program, run as run_command, which},
    circles, dashboard, generate, instructions, ledger, nats, node,
    postgres::{Cluster, URL_VARIABLE},
    python, rooms,
    settle::settle,
};

const PROGRAMS: [&str; 3] = ["build", "--workspace", "--all-targets"];

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

/// A build right after a build compiles nothing: whoever changes one file of ours waits for no crate of others.
fn second_build() -> Result<()> {
    let told = output(cargo().args(PROGRAMS).arg("--message-format=json"))?;
    let again: Vec<String> = told.lines().filter_map(compiled_anew).collect();
    ensure!(again.is_empty(), "compiled once more although nothing changed: {}", again.join(", "));
    Ok(())
}

/// The package that a line of cargo's tells to have been compiled rather than found.
fn compiled_anew(line: &str) -> Option<String> {
    let told: serde_json::Value = serde_json::from_str(line).ok()?;
    (told["fresh"] == false).then(|| told["package_id"].to_string())
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
