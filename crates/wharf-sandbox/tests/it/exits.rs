//! Every command that is written by hand ends with the codes of the one table in docs/cli.md; those of the operations share one way out.

use std::collections::BTreeSet;
use std::process::Stdio;

use clap::CommandFactory as _;
use futures::stream::{self, StreamExt as _};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use wharf_api::ErrorCode;

use crate::harness::process::fresh_dir;
use crate::harness::{Backend, Hook, Mode, PATIENCE, World, eventually};
use crate::programs::release_program;

const DONE: i32 = 0;
const FAILED: i32 = 1;
const USAGE: i32 = 2;
const LATER: i32 = 3;

/// What a command needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// A gateway, named by `--url` and `--api-key`.
    Gateway,
    /// The same with `--url` and `--key`.
    GatewayByKey,
    /// A gateway that it goes on asking while nobody answers.
    GatewayForEver,
    /// The database or this machine alone: on an empty folder it ends with this code.
    Nobody(i32),
}

const SESSION: &str = "ses_00000000000000000000000000000000";
const ACCOUNT: &str = "acc_00000000000000000000000000000000";
const TO: &str = "15550001003";

/// Each command with what else its line says.
const COMMANDS: &[(&str, &[&str], Needs)] = &[
    ("sessions pair", &[], Needs::Gateway),
    ("messages send", &["--session", SESSION, "--to", TO, "--text", "hello"], Needs::Gateway),
    ("messages wait", &["msg_1"], Needs::Gateway),
    ("send", &["--session", SESSION, "--to", TO, "--text", "hello"], Needs::Gateway),
    ("accept", &["--to", TO], Needs::Gateway),
    ("mcp", &[], Needs::Gateway),
    ("listen", &[], Needs::GatewayForEver),
    ("login", &[], Needs::GatewayByKey),
    ("whatsapp show", &[], Needs::GatewayByKey),
    ("whatsapp pause", &[], Needs::GatewayByKey),
    ("whatsapp resume", &[], Needs::GatewayByKey),
    // A slip in the name of a variable stands in the environment of all.
    ("serve", &[], Needs::Nobody(FAILED)),
    ("doctor", &["--offline"], Needs::Nobody(FAILED)),
    ("accounts create", &["--name", "x", "--plan", "platinum"], Needs::Nobody(FAILED)),
    ("accounts list", &[], Needs::Nobody(DONE)),
    ("accounts set-plan", &["--account", ACCOUNT, "--plan", "pro"], Needs::Nobody(FAILED)),
    ("plans list", &[], Needs::Nobody(DONE)),
    ("plans set", &["--name", "p", "--calls-per-minute", "60", "--concurrent-requests", "9"], Needs::Nobody(DONE)),
    ("keys create", &["--account", "x", "--plan", "platinum"], Needs::Nobody(FAILED)),
    ("keys list", &["--account", "nobody"], Needs::Nobody(FAILED)),
    ("keys revoke", &["key_00000000"], Needs::Nobody(FAILED)),
    ("users create", &["ann", "--account", "x", "--plan", "platinum"], Needs::Nobody(FAILED)),
    ("users list", &[], Needs::Nobody(DONE)),
    ("users password", &["nobody"], Needs::Nobody(FAILED)),
    ("users delete", &["nobody"], Needs::Nobody(FAILED)),
    ("backup", &["."], Needs::Nobody(FAILED)),
    ("restore", &["nowhere"], Needs::Nobody(FAILED)),
    ("restored", &[], Needs::Nobody(DONE)),
    ("keys rotate-master", &[], Needs::Nobody(FAILED)),
    ("migrate", &[], Needs::Nobody(DONE)),
    // There is no database in an empty folder.
    ("migrate", &["--check"], Needs::Nobody(FAILED)),
    ("logout", &[], Needs::Nobody(FAILED)),
    ("config show", &[], Needs::Nobody(DONE)),
    ("completions", &["bash"], Needs::Nobody(DONE)),
    ("man", &[], Needs::Nobody(DONE)),
];

/// The commands that do something, by their words.
fn leaves(command: &clap::Command, before: &str) -> BTreeSet<String> {
    let inner: Vec<_> = command.get_subcommands().filter(|one| one.get_name() != "help").collect();
    if inner.is_empty() {
        return BTreeSet::from([before.trim_start().to_owned()]);
    }
    inner.into_iter().flat_map(|one| leaves(one, &format!("{before} {}", one.get_name()))).collect()
}

/// So many lines run at the same time. Each is waited for by itself, and all of them at once would wait for one another.
const AT_ONCE: usize = 8;

/// Runs all lines, each in a folder of its own, and tells those that end otherwise than is wanted.
async fn otherwise(lines: Vec<(Vec<String>, i32)>) -> Vec<String> {
    let ends = stream::iter(lines).map(|(line, wanted)| async move {
        let dir = fresh_dir();
        let mut command = Command::new(release_program());
        for name in ["WHARF_PROFILE", "WHARF_URL", "WHARF_API_KEY", "WHARF_OPERATOR_KEY"] {
            command.env_remove(name);
        }
        command.env("XDG_CONFIG_HOME", &dir).env("WHARF_DATA_DIR", dir.join("data")).env("WHARF_LISTENN", "a slip");
        let ended = command.args(&line).current_dir(&dir).stdin(Stdio::null()).kill_on_drop(true).output();
        let Ok(output) = tokio::time::timeout(PATIENCE, ended).await else { return Some(format!("{line:?}: it does not end")) };
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code() != Some(wanted)).then(|| format!("{line:?}: {:?} and not {wanted}: {said}", output.status.code()))
    });
    ends.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await.into_iter().flatten().collect()
}

/// The line of a command that asks this address with this key.
fn asking(words: &str, more: &[&str], needs: Needs, url: &str, key: &str) -> Vec<String> {
    let flag = if needs == Needs::GatewayByKey { "--key" } else { "--api-key" };
    let target = ["--url", url, flag, key];
    words.split(' ').chain(more.iter().copied()).chain(target).map(str::to_owned).collect()
}

#[test]
fn every_command_that_is_written_by_hand_stands_in_the_table_of_this_test() {
    let there = leaves(&wharf::cli::Cli::command(), "");
    let known: BTreeSet<String> = COMMANDS.iter().map(|(words, ..)| (*words).to_owned()).collect();
    assert_eq!(there, known);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_asks_a_gateway_tells_later_from_never_and_from_what_cannot_be_meant() {
    let world = World::start(Backend::Sqlite).await;
    let (gateway, busy) = (world.api().base, Hook::start().await);
    busy.judge(|_| Mode::Answer(503));
    let mut lines = Vec::new();
    for (words, more, needs) in COMMANDS.iter().filter(|(_, _, needs)| !matches!(needs, Needs::Nobody(_))) {
        let asking = |url: &str, key: &str| asking(words, more, *needs, url, key);
        lines.push((asking(&gateway, "wharf_live_no"), FAILED));
        lines.push((asking("here", "wharf_live_no"), USAGE));
        for key in ["wharf_live_\nno", "wharf live", "wharf_live_ü"] {
            lines.push((asking(&gateway, key), USAGE));
        }
        if *needs != Needs::GatewayForEver {
            lines.push((asking("http://127.0.0.1:1", "wharf_live_no"), LATER));
            lines.push((asking(&busy.url(""), "wharf_live_no"), LATER));
        }
        let without_key = words.split(' ').chain(more.iter().copied()).chain(["--url", &gateway]);
        lines.push((without_key.map(str::to_owned).collect(), USAGE));
    }
    let twice = ["messages", "send-text", "--session-id", SESSION, "--to", TO, "--text", "x", "--idempotency-key", "order\n1"];
    let all = twice.into_iter().chain(["--url", &gateway, "--api-key", "wharf_live_no"]);
    lines.push((all.map(str::to_owned).collect(), USAGE));
    assert_eq!(otherwise(lines).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_works_here_ends_with_a_failure_where_something_is_not_there() {
    let here = COMMANDS.iter().filter_map(|(words, more, needs)| match needs {
        Needs::Nobody(code) => Some((words.split(' ').chain(more.iter().copied()).map(str::to_owned).collect::<Vec<_>>(), *code)),
        _ => None,
    });
    let slips = COMMANDS.iter().map(|(words, ..)| (words.split(' ').chain(["--nonsense"]).map(str::to_owned).collect::<Vec<_>>(), USAGE));
    assert_eq!(otherwise(here.chain(slips).collect()).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_end_of_its_own_ends_well_when_it_is_asked_to() {
    let world = World::start(Backend::Sqlite).await;
    let api = world.api();
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut command = Command::new(release_program());
        command.args(["listen", "--url", &api.base, "--api-key", &api.key]).stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, told.next_line()).await.expect("it says that it listens").unwrap();
        assert!(line.as_ref().is_some_and(|line| line.starts_with("Listening")), "{line:?}");
        kill(Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()), signal).unwrap();
        let ended = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends in time").unwrap();
        assert_eq!(ended.code(), Some(DONE), "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_goes_only_where_somebody_says_that_it_is_meant() {
    let world = World::start(Backend::Sqlite).await;
    let (_, account) = world.tenant("leaver", &json!({"callsPerMinute": 600, "concurrentRequests": 10})).await;
    let operator = world.operator();
    let line = |more: &[&str]| -> Vec<String> {
        let all = [&["admin", "delete-account", &account, "--url", &operator.base, "--api-key", &operator.key][..], more].concat();
        all.into_iter().map(str::to_owned).collect()
    };
    assert_eq!(otherwise(vec![(line(&[]), USAGE)]).await, Vec::<String>::new());
    let shown = operator.get(&format!("/v1/admin/accounts/{account}")).await;
    assert_eq!(shown.ok(200)["deletion"], serde_json::Value::Null);
    assert_eq!(otherwise(vec![(line(&["--yes"]), DONE)]).await, Vec::<String>::new());
    eventually("it goes", async || {
        let shown = operator.get(&format!("/v1/admin/accounts/{account}")).await;
        let gone = shown.status == 404 && shown.code() == ErrorCode::ResourceNotFound.name();
        (gone || shown.data()["deletion"].is_object()).then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
}
