//! `wharf-sandbox doctor`: the network's half of `wharf doctor`, against a pretend network; and its deep look, at what a sandbox stored.

use anyhow::Result;
use clap::Args;
use wharf::cli::doctor;
use wharf::config::Config;
use wharf::world::World;

#[derive(Args)]
pub struct Doctor {
    /// The pretend network to look at: the `url` of a `wharf-sim`
    #[arg(long, value_name = "URL", required_unless_present = "deep")]
    network: Option<String>,
    /// Asks the network, without an account, for a QR code: whether the version is taken
    #[arg(long)]
    connect: bool,
    /// Looks at nothing but the stored rows and files of `WHARF_DATA_DIR` and `WHARF_DATABASE_URL`, all of them; a gateway may run
    #[arg(long, conflicts_with_all = ["connect", "network"])]
    deep: bool,
}

impl Doctor {
    pub async fn run(self) -> Result<()> {
        let config = Config::from_env(|name| std::env::var(name).ok())?;
        let world = World::Sandbox { network_url: self.network.unwrap_or_default() };
        if self.deep {
            return doctor::deep(&config, &world).await;
        }
        doctor::outside(&config, &world, self.connect).await
    }
}
