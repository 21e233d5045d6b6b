//! `wharf doctor`: a line a check, and a failure where the gateway could not work.

mod checks;
mod deep;
mod notice;
pub(in crate::cli) mod outside;

use std::fmt;

use clap::Args;

use crate::config::{Config, Error};
use crate::world::World;

#[derive(Args)]
pub(super) struct Doctor {
    /// Asks WhatsApp, without an account, for a QR code: whether the version is taken.
    #[arg(long)]
    connect: bool,
    /// Asks nobody outside of this machine.
    #[arg(long, conflicts_with = "connect")]
    offline: bool,
    /// Looks at nothing but the stored rows and files, all of them: what is lost, doubled, wrong or stale. Reads only; a gateway may run.
    #[arg(long, conflicts_with_all = ["connect", "offline"])]
    deep: bool,
}

/// How one check ended, with what there is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Finding {
    Ok(String),
    Warn(String),
    Fail(String),
}

impl Finding {
    pub(in crate::cli) const fn is_failure(&self) -> bool {
        matches!(self, Self::Fail(_))
    }

    pub(in crate::cli) fn text(&self) -> &str {
        match self {
            Self::Ok(text) | Self::Warn(text) | Self::Fail(text) => text,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok(text) => write!(f, "ok    {text}"),
            Self::Warn(text) => write!(f, "warn  {text}"),
            Self::Fail(text) => write!(f, "fail  {text}"),
        }
    }
}

/// Something keeps the gateway from working. The exit code tells what kind of thing.
#[derive(Debug, thiserror::Error)]
pub enum Unwell {
    #[error("{failed} of {all} checks failed")]
    Checks { failed: usize, all: usize },
    /// WhatsApp turns this client away.
    #[error("WhatsApp does not let this client in")]
    Refused,
    /// WhatsApp cannot be reached, or somebody else answers.
    #[error("WhatsApp cannot be reached from here")]
    Unreached,
}

impl Unwell {
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Checks { .. } => 1,
            Self::Refused => 3,
            Self::Unreached => 4,
        }
    }
}

impl Doctor {
    pub(super) async fn run(self, config: Result<Config, Error>) -> anyhow::Result<()> {
        if self.deep {
            return deep(&config?, &World::Production).await;
        }
        let mut findings = vec![("build", checks::build())];
        let mut ends = None;
        let mut outside_failed = 0;
        let strange = Config::strange_variables();
        if !strange.is_empty() {
            findings.push(("environment", Finding::Fail(strange.join(" "))));
        }
        match config {
            Err(error) => findings.push(("configuration", Finding::Fail(error.to_string()))),
            Ok(config) => {
                findings.push(("configuration", checks::configuration(&config)));
                findings.push(("data folder", checks::data_dir(&config)));
                findings.push(("master key", checks::master_key(&config).await));
                findings.push(("database", checks::database(&config).await));
                findings.extend(checks::nats(&config).await.map(|found| ("NATS", found)));
                findings.push(("update notice", notice::update_notice(&config).await));
                findings.push(("address", checks::address(&config).await));
                if !self.offline {
                    let outside = outside::look(&config, &World::Production, self.connect).await;
                    outside_failed = failed(&outside.findings);
                    findings.extend(outside.findings);
                    ends = outside.unwell;
                }
            }
        }
        findings.push(("library", checks::library()));
        findings.push(("clock", checks::clock()));
        findings.push(("open files", checks::open_files()));
        // What only the network can mend has a code of its own; what is wrong here comes first.
        tell(&findings, ends.filter(|_| failed(&findings) == outside_failed))
    }
}

/// What can be said of the way to a network, and nothing of the machine: for the sandbox, whose gateway has no doctor of its own.
pub async fn outside(config: &Config, world: &World, connect: bool) -> anyhow::Result<()> {
    let outside = outside::look(config, world, connect).await;
    tell(&outside.findings, outside.unwell)
}

/// What is stored, all of it. The sandbox's databases are of another world.
pub async fn deep(config: &Config, world: &World) -> anyhow::Result<()> {
    tell(&deep::look(config, world).await, None)
}

fn tell(findings: &[(&'static str, Finding)], ends: Option<Unwell>) -> anyhow::Result<()> {
    for (name, finding) in findings {
        println!("{name:14} {finding}");
    }
    match (failed(findings), ends) {
        (0, _) => Ok(()),
        (_, Some(unwell)) => Err(unwell.into()),
        (failed, None) => Err(Unwell::Checks { failed, all: findings.len() }.into()),
    }
}

fn failed(findings: &[(&'static str, Finding)]) -> usize {
    findings.iter().filter(|(_, finding)| finding.is_failure()).count()
}
