//! The pretend network as a program of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use wharf_sim::{Config, Network};

/// A pretend WhatsApp network on loopback.
#[derive(Parser)]
#[command(name = "wharf-sim", version)]
struct Args {
    /// Port of the protocol server; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Port of the control API; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    control_port: u16,
    /// Folder for accounts, keys and ledgers; without it they end with the program.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Print the addresses as one line of JSON.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).with_writer(std::io::stderr).init();
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let network =
        Network::start(Config { bind: local(args.port), control_bind: local(args.control_port), data_dir: args.data_dir }).await?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    if args.json {
        let line = serde_json::json!({"url": network.url(), "controlUrl": network.control_url()});
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
