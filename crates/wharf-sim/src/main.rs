//! The pretend network as a program of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use wharf_sim::{Config, Network, Wishes};

/// A pretend WhatsApp network on loopback.
#[derive(Parser)]
#[command(name = "wharf-sim", version)]
struct SimArgs {
    /// Port of the protocol server; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Port of the control API; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    control_port: u16,
    /// Folder for accounts, keys and ledgers; without it they end with the program.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// File with the private key that signs the certificates, 64 hexadecimal digits; written if missing.
    #[arg(long)]
    root_key: Option<PathBuf>,
    /// Phones send no delivery receipts by themselves.
    #[arg(long)]
    silent_phones: bool,
    /// How long typing waits for a device that is away, in seconds; 0 tells it to nobody later.
    #[arg(long, env = "CHATSTATE_TTL_SECS", default_value_t = 0)]
    chatstate_ttl_secs: u64,
    /// Print the addresses as one line of JSON.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = SimArgs::parse();
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).with_writer(std::io::stderr).init();
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let wishes = Wishes { silent_phones: args.silent_phones, chatstate_ttl_secs: args.chatstate_ttl_secs, root_key: args.root_key };
    let config = Config { bind: local(args.port), control_bind: local(args.control_port), data_dir: args.data_dir, wishes };
    let network = Network::start(config).await?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    if args.json {
        let root = network.root_key().map(|byte| format!("{byte:02x}")).concat();
        let line = serde_json::json!({"url": network.url(), "controlUrl": network.control_url(), "rootKey": root});
        println!("{line}");
    } else {
        println!("network  {}", network.url());
        println!("control  {}", network.control_url());
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    network.shutdown().await;
    Ok(())
}
