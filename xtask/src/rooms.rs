//! The rooms: which crate may import which, and which crate owns which technology.
//!
//! `docs/architecture.md` draws the arrows; the tables here are what holds them.
//!
//! Dev-dependencies are looser, because a test may look at its room from outside: they may name any
//! technology. Between rooms they follow the same arrows plus [`TEST_ARROWS`].

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::cargo::{self, Dependency, Kind, Package};

/// Every room, and the rooms that it may import.
const ARROWS: &[(&str, &[&str])] = &[
    ("wharf-api", &[]),
    ("wharf-core", &["wharf-api"]),
    ("wharf-store", &["wharf-core", "wharf-api"]),
    ("wharf-wa", &["wharf-core", "wharf-api"]),
    ("wharf-fleet", &["wharf-core", "wharf-api"]),
    ("wharf-sim", &[]),
    ("wharf-dashboard", &[]),
    ("wharf-testing", &["wharf-api"]),
    ("wharf", &["wharf-core", "wharf-store", "wharf-wa", "wharf-fleet", "wharf-api", "wharf-dashboard"]),
    ("wharf-sandbox", &["wharf", "wharf-sim", "wharf-api", "wharf-core"]),
    ("wharf-bench", &["wharf-store"]),
    ("xtask", &["wharf-api"]),
];

/// What tests may import besides: the engine needs somebody to talk to and somewhere to keep its keys. The program does not: its
/// tests on the pretend network live in wharf-sandbox, where the check of the certificate chain is off.
const TEST_ARROWS: &[(&str, &[&str])] =
    &[("wharf-wa", &["wharf-sim", "wharf-store"]), ("wharf", &["wharf-testing"]), ("wharf-sandbox", &["wharf-testing"])];

/// A technology: the crates that it is made of (`*` ends a prefix), and the rooms that may name them.
const TECHNOLOGIES: &[(&str, &[&str], &[&str])] = &[
    ("SQL", &["sqlx", "sqlx-*", "rusqlite", "libsqlite3-sys", "postgres", "tokio-postgres"], &["wharf-store", "wharf-bench"]),
    ("HTTP serving", &["axum", "axum-*", "tower", "tower-*", "hyper", "hyper-*"], &["wharf", "wharf-sim", "wharf-sandbox", "wharf-bench"]),
    ("the WhatsApp client", &["whatsapp-rust", "whatsapp-rust-*"], &["wharf-wa", "wharf-bench"]),
    ("the WhatsApp protocol", &["wacore", "wacore-*", "waproto"], &["wharf-wa", "wharf-sim", "wharf-bench"]),
    ("NATS", &["async-nats"], &["wharf-fleet"]),
    ("OpenTelemetry", &["opentelemetry*", "tracing-opentelemetry"], &["wharf"]),
    (
        "the async runtime",
        &["tokio", "tokio-*"],
        &["wharf-core", "wharf-store", "wharf-wa", "wharf-fleet", "wharf-sim", "wharf", "wharf-sandbox", "wharf-bench"],
    ),
];

const SANDBOX: &str = "wharf-sandbox";
/// The programs that meet the pretend network and are never released.
const SANDBOXED: &[&str] = &[SANDBOX, "wharf-bench"];
const RELEASE: &str = "wharf";
const SKIP_CHAIN: &str = "danger-skip-cert-chain-verify";

/// Reads the manifests and the release program's features, prints every broken rule, and fails if there is one.
pub fn run() -> Result<()> {
    let packages = cargo::metadata()?.packages;
    let tree = cargo::output(cargo::cargo().args(["tree", "--package", RELEASE]).args([
        "--edges=normal,build",
        "--prefix=none",
        "--format={p} [{f}]",
    ]))?;
    let mut broken = broken_edges(&packages);
    broken.extend(broken_release(&tree));
    for line in &broken {
        eprintln!("{line}");
    }
    if broken.is_empty() {
        println!("rooms: {} crates follow the arrows", packages.len());
        return Ok(());
    }
    bail!("{} broken rules between the rooms; CONTRIBUTING.md says which line belongs where", broken.len())
}

/// Checks what the manifests ask for. One line per broken rule: the edge, then the rule.
fn broken_edges(packages: &[Package]) -> Vec<String> {
    let rooms: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut broken = Vec::new();
    for package in packages {
        let from = package.name.as_str();
        let Some(may_import) = row(ARROWS, from) else {
            broken.push(format!("{from}: no such room; add its arrows to xtask/src/rooms.rs"));
            continue;
        };
        for dependency in &package.dependencies {
            let to = dependency.name.as_str();
            let is_dev = dependency.kind == Some(Kind::Dev);
            let edge = format!("{from} -> {to}{}", if is_dev { " (dev)" } else { "" });
            let is_test_arrow = is_dev && row(TEST_ARROWS, from).is_some_and(|test| test.contains(&to));
            if rooms.contains(to) || dependency.path.is_some() {
                if !may_import.contains(&to) && !is_test_arrow {
                    broken.push(format!("{edge}: {from} may import {}", list(may_import)));
                }
            } else if !is_dev && !is_the_sandbox_feature(from, dependency) {
                broken.extend(foreign_technology(from, to).map(|rule| format!("{edge}: {rule}")));
            }
            for feature in dependency.features.iter().filter(|name| is_sandbox_only(name)) {
                if from == RELEASE || (!SANDBOXED.contains(&from) && !is_dev) {
                    broken.push(format!("{edge} with `{feature}`: only {SANDBOX} may ask for it"));
                }
            }
        }
        for (name, enables) in &package.features {
            for other in enables.iter().filter(|other| !SANDBOXED.contains(&from) && is_sandbox_only(other)) {
                broken.push(format!("{from}, feature {name} = `{other}`: only {SANDBOX} may ask for it"));
            }
        }
    }
    broken
}

/// Checks the features that cargo turns on when it builds the release program alone.
fn broken_release(tree: &str) -> Vec<String> {
    // A probe that reads nothing would pass for ever.
    if !tree.lines().any(|line| line.starts_with("wacore-noise ")) {
        return vec![format!("cargo tree -p {RELEASE}: wacore-noise is not in it, so nothing was checked")];
    }
    let asked = tree.lines().filter_map(|line| {
        let (package, rest) = line.split_once(" v")?;
        let (_, features) = rest.rsplit_once('[')?;
        let features = features.split_once(']')?.0;
        Some(features.split(',').filter(|name| is_sandbox_only(name)).map(move |name| (package, name)))
    });
    let asked: BTreeSet<_> = asked.flatten().collect();
    let line = |(package, feature)| {
        format!(
            "{RELEASE} ..> {package} with `{feature}`: the release program never has it; \
             `cargo tree -p {RELEASE} -e features,normal,build -i {package}` shows who asks"
        )
    };
    asked.into_iter().map(line).collect()
}

/// A feature that makes the program trust or break what a release must not.
fn is_sandbox_only(feature: &str) -> bool {
    let name = feature.rsplit('/').next().unwrap_or(feature);
    name.starts_with("danger-") || name == "failpoints"
}

/// The sandbox names one crate of the protocol, for one feature: that is its reason to be.
fn is_the_sandbox_feature(from: &str, dependency: &Dependency) -> bool {
    from == SANDBOX && dependency.name == "wacore-noise" && dependency.features == [SKIP_CHAIN]
}

fn foreign_technology(from: &str, to: &str) -> Option<String> {
    let is_part = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(prefix) => to.starts_with(prefix),
        None => to == *pattern,
    };
    let (name, _, owners) = TECHNOLOGIES.iter().find(|(_, crates, _)| crates.iter().any(is_part))?;
    (!owners.contains(&from)).then(|| format!("only {} may name {name}", list(owners)))
}

fn row<'a>(table: &[(&str, &'a [&'a str])], room: &str) -> Option<&'a [&'a str]> {
    table.iter().find(|(name, _)| *name == room).map(|(_, others)| *others)
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "no other room".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests;
