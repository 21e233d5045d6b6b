//! `wharf-sandbox accept`: the fifteen steps of `wharf accept` on the pretend network, whose phones play both people. The gateway is a
//! process of its own, so that it can be killed.

mod gateway;
mod pretend;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use wharf::cli::accept::{Gateway, Options, Verdict, run};
use wharf::config::Config;
use wharf::world::World;
use wharf_sim::Network;

use crate::loopback;
use gateway::Child;
use pretend::Pretend;

/// The person whose account is linked, whom it writes with, and who has no WhatsApp.
const A: &str = "15550000001";
const B: &str = "15550001002";
const NOBODY: &str = "15550009999";
/// Pretend people do at once what they are asked to.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Args)]
pub struct Accept {
    /// Where the report is written: accept.json and accept.md
    #[arg(long, value_name = "FOLDER", default_value = "wharf-accept")]
    report: PathBuf,
    /// Where the gateway and the network are kept
    #[arg(long, value_name = "FOLDER", default_value = ".wharf/accept")]
    data_dir: PathBuf,
    /// Begins with this step, and keeps what the report in the folder says of those before it
    #[arg(long, value_name = "STEP", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=15))]
    from: u8,
    /// Goes on after a step that failed
    #[arg(long)]
    keep_going: bool,
    /// Use the pretend network of a running `wharf-sim` (its `url`) instead of one of its own
    #[arg(long, value_name = "URL", requires = "control")]
    network: Option<String>,
    /// The same program's `controlUrl`
    #[arg(long, value_name = "URL", requires = "network")]
    control: Option<String>,
    /// A database instead of the SQLite file in the data folder
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

impl Accept {
    pub async fn run(self) -> Result<()> {
        let own = if self.network.is_none() {
            let bind = loopback(0);
            let sim = wharf_sim::Config {
                bind,
                control_bind: bind,
                data_dir: Some(self.data_dir.join("network")),
                wishes: wharf_sim::Wishes::default(),
            };
            Some(Network::start(sim).await.context("the pretend network")?)
        } else {
            None
        };
        let (network_url, control) = match (&own, self.network, self.control) {
            (Some(own), ..) => (own.url(), own.control_url()),
            (None, Some(network), Some(control)) => (network, control),
            (None, ..) => bail!("--network and --control go together"),
        };
        let world = World::Sandbox { network_url: network_url.clone() };
        // Asked before anybody dials there.
        world.network()?;
        let child = Child::start(self.data_dir.join("gateway"), network_url, self.database_url).await?;
        let gateway = Gateway::new(child.url(), child.key())?;
        let people = Pretend::new(control, child)?;
        let options = Options {
            to: B.to_owned(),
            nobody: Some(NOBODY.to_owned()),
            folder: self.report,
            from: self.from,
            keep_going: self.keep_going,
            patience: PATIENCE,
            config: Config::from_env(|name| std::env::var(name).ok())?,
            world,
        };
        let report = run(gateway, &people, options).await;
        people.end().await;
        if let Some(network) = own {
            network.shutdown().await;
        }
        match report?.verdict {
            Verdict::Passed => Ok(()),
            other => bail!("not every step passed: {}", other.as_str()),
        }
    }
}
