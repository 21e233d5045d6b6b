//! `wharf-sandbox doctor`: the network's half of `wharf doctor`, against a pretend network.

use anyhow::Result;
use clap::Args;
use wharf::cli::doctor;
use wharf::config::Config;
use wharf::world::World;

#[derive(Args)]
pub struct Doctor {
    /// The pretend network to look at: the `url` of a `wharf-sim`
    #[arg(long, value_name = "URL")]
    network: String,
    /// Asks the network, without an account, for a QR code: whether the version is taken
    #[arg(long)]
    connect: bool,
}

impl Doctor {
    pub async fn run(self) -> Result<()> {
        let config = Config::from_env(|name| std::env::var(name).ok())?;
        doctor::outside(&config, &World::Sandbox { network_url: self.network }, self.connect).await
    }
}
