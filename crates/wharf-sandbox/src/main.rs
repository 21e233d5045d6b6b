//! The gateway on the pretend network: one command, nothing but loopback, a demo key printed. What newcomers and CI run.

mod accept;
mod banner;
mod clock;
mod demo;
mod doctor;
mod gaps;
mod panel;
mod story;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use serde_json::json;
use wharf::app::{self, App, STOP};
use wharf::cli::doctor::Unwell;
use wharf::config::Config;
use wharf::traces::Traces;
use wharf::world::World;
use wharf::{log, machine};
use wharf_sim::Network;

/// Wharf on a pretend WhatsApp: the real gateway, the real client library, phones with people, all on loopback.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// The API's port; 0 takes any free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The port of the pretend phones; without it the one after the API's, and the clock's is the next
    #[arg(long)]
    control_port: Option<u16>,
    /// Where accounts, keys, messages and the pretend phones are kept
    #[arg(long, default_value = ".wharf/sandbox")]
    data_dir: PathBuf,
    /// Print lines of JSON: one once all is ready (url, apiKey, operatorKey, dashboard, password, networkUrl, controlUrl, clockUrl), then each event of the demo account
    #[arg(long)]
    json: bool,
    /// Say nothing of what happens once all is ready
    #[arg(long)]
    quiet: bool,
    /// Use the pretend network of a running `wharf-sim` (its `url`) instead of one of its own
    #[arg(long, value_name = "URL")]
    network: Option<String>,
    /// A database instead of the SQLite file in the data folder
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// The NATS server over which the sandboxes on one database talk to each other
    #[arg(long, value_name = "URL")]
    nats_url: Option<String>,
    /// How many requests without a good key one address may send in a minute; a test that tries bad keys needs many
    #[arg(long, value_name = "N", default_value_t = wharf::http::Limits::default().failed_keys_per_minute)]
    failed_keys_per_minute: u64,
    /// Keep the pace of the plans, as a release does; without it everything goes as fast as it can
    #[arg(long, env = "WHARF_SANDBOX_PACE", action = clap::ArgAction::SetTrue)]
    pace: bool,
}

#[derive(Subcommand)]
enum Command {
    /// The fifteen steps of `wharf accept`, with pretend phones as the people
    Accept(accept::Accept),
    /// Looks at a pretend network as `wharf doctor` looks at WhatsApp
    Doctor(doctor::Doctor),
}

#[tokio::main]
async fn main() -> ExitCode {
    // All that a gateway starts with is large.
    match Box::pin(run(Args::parse())).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wharf-sandbox: {error:#}");
            error.downcast_ref::<Unwell>().map_or(ExitCode::FAILURE, |unwell| ExitCode::from(unwell.exit_code()))
        }
    }
}

async fn run(args: Args) -> Result<()> {
    match args.command {
        Some(Command::Accept(accept)) => return accept.run().await,
        Some(Command::Doctor(doctor)) => return doctor.run().await,
        None => {}
    }
    let env = |name: &str| std::env::var(name).ok();
    let wanted = Config::from_env(env)?;
    let database_url = args.database_url.or(wanted.database_url);
    let mut config = Config { listen: loopback(args.port), database_url, master_key: wanted.master_key, ..Config::default() };
    (config.next_master_key, config.next_master_key_file) = (wanted.next_master_key, wanted.next_master_key_file);
    config.limits.failed_keys_per_minute = args.failed_keys_per_minute;
    config.limits.allowed_origins = wanted.limits.allowed_origins;
    config.schedule = wanted.schedule;
    config.nats_url = args.nats_url.or(wanted.nats_url);
    config.nats_access = wanted.nats_access;
    config.moves_per_minute = wanted.moves_per_minute;
    config.bucket = wanted.bucket;
    config.media_floor_bytes = wanted.media_floor_bytes;
    config.whatsapp_version = wanted.whatsapp_version;
    config.whatsapp_version_url = wanted.whatsapp_version_url;
    // Refused by its name at the start.
    config.proxy = wanted.proxy;
    config.extra_root = wanted.extra_root;
    config.log.library = wanted.log.library;
    config.log.format = wanted.log.format;
    config.canary = wanted.canary;
    // The guard keeps the question on loopback.
    config.updates = wanted.updates;
    config.otlp = wanted.otlp;
    // A newcomer is to see everything.
    config.pace = args.pace;
    config.announce_online = wanted.announce_online;
    // Its clock is there to be put forward.
    config.clock_doubt = if env("WHARF_CLOCK_DOUBT_SECS").is_some() { wanted.clock_doubt } else { std::time::Duration::ZERO };
    config.receive_statuses = wanted.receive_statuses || env("WHARF_RECEIVE_STATUSES").is_none();
    if let Some(filter) = env("WHARF_LOG") {
        config.log.filter = filter;
    } else if !args.json {
        // A person reads the banner; the log speaks up when something is wrong.
        "warn".clone_into(&mut config.log.filter);
    }
    let traces = Traces::of(&config)?;
    let _log = log::init(&config.log, traces.as_ref()).context("WHARF_LOG cannot be read")?;
    machine::raise_open_files().context("the limit of open files")?;
    gaps::arm()?;

    let (network, network_url, control_url) = if let Some(url) = args.network {
        config.data_dir.clone_from(&args.data_dir);
        (None, url, None)
    } else {
        config.data_dir = args.data_dir.join("gateway");
        let network = start_network(args.port, args.control_port, &args.data_dir).await?;
        let (url, control_url) = (network.url(), network.control_url());
        (Some(network), url, Some(control_url))
    };
    let data_dir = config.data_dir.clone();
    let clock = Arc::new(clock::Ahead::of(&data_dir)?);
    let clock_url = clock::serve(Arc::clone(&clock), after(args.control_port.unwrap_or(args.port), 2)).await?;
    let beside = panel::routes(control_url.as_deref(), &clock_url);
    let app =
        App::start_beside(config, World::Sandbox { network_url: network_url.clone() }, clock, beside).await.map_err(with_a_way_out)?;
    let (account, keys) = demo::keys(app.services(), &data_dir).await?;
    let dashboard = demo::link(app.services(), &app.url()).await?;
    let mut signals = machine::Signals::listen()?;
    if args.json {
        let ready = json!({"url": app.url(), "apiKey": keys.api_key, "operatorKey": keys.operator_key, "dashboard": dashboard, "password": keys.password, "networkUrl": network_url, "controlUrl": control_url, "clockUrl": clock_url});
        log::print(ready.to_string());
    } else {
        let place = banner::Place { url: &app.url(), control_url: control_url.as_deref(), clock_url: &clock_url, dashboard: &dashboard };
        banner::print(&place, &keys, args.pace);
    }
    if !args.quiet {
        let form = if args.json { story::Form::Json } else { story::Form::Words };
        story::tell(Arc::clone(app.services()), account, control_url, form);
    }

    machine::tell_ready();
    signals.asked_to_end().await;
    machine::tell_stopping();
    let stop = async {
        let asked = tokio::time::Instant::now();
        app.shutdown().await;
        if let Some(traces) = traces {
            traces.end(STOP.saturating_sub(asked.elapsed())).await;
        }
        // The network ends last: the gateway says goodbye to it.
        if let Some(network) = network {
            network.shutdown().await;
        }
    };
    tokio::select! {
        () = stop => {}
        // Whoever asks twice is in a hurry, and being killed is survived.
        () = signals.asked_to_end() => {}
    }
    Ok(())
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// The pretend network, with the phones' port as asked for. The usual one is nobody's wish: where it is taken, any other is as good.
async fn start_network(port: u16, control_port: Option<u16>, data_dir: &Path) -> Result<Network> {
    let on = |port| wharf_sim::Config {
        bind: loopback(0),
        control_bind: loopback(port),
        data_dir: Some(data_dir.join("network")),
        wishes: wharf_sim::Wishes::default(),
    };
    let usual = after(port, 1);
    let started = match Network::start(on(control_port.unwrap_or(usual))).await {
        Err(wharf_sim::Error::Listen { .. }) if control_port.is_none() => Network::start(on(0)).await,
        other => other,
    };
    started.context("the pretend network does not start (--control-port takes another port, --data-dir another folder)")
}

/// So many ports further; any free one where the first was to be any.
fn after(port: u16, further: u16) -> u16 {
    if port == 0 { 0 } else { port.checked_add(further).unwrap_or(0) }
}

/// Names the option that helps.
fn with_a_way_out(error: app::Error) -> anyhow::Error {
    let way_out = match &error {
        app::Error::Listen { .. } => {
            "another program listens there, perhaps another sandbox: --port takes another port, --port 0 any free one"
        }
        error if error.is_folder_in_use() => "another sandbox runs on this folder: --data-dir takes another folder",
        _ => return error.into(),
    };
    anyhow::Error::new(error).context(way_out)
}
