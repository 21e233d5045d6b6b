//! `wharf whatsapp`: the switches for the day on which WhatsApp changes something.
//!
//! They lie in the database, and a gateway on PostgreSQL sees within seconds what is set here. An SQLite file is the running
//! gateway's alone: with `--url` and an operator's key the command asks that gateway instead.

use std::collections::BTreeMap;

use anyhow::Context;
use clap::{Args, Subcommand};
use wharf_api::ops;
use wharf_api::types::switches::{Feature, Position, PutSwitches, Switches};
use wharf_core::{audit, switches};

use super::gateway::Gateway;
use super::offline;
use crate::config::{Config, Error};

#[derive(Subcommand)]
pub(super) enum WhatsApp {
    /// Shows what is paused, which features are off, and which WhatsApp refuses.
    Show(Through),
    /// Pauses all connections, or sending only, or switches features off. Links, keys and queues stay.
    Pause(Change),
    /// Ends the pause, or gives features back.
    Resume(Change),
}

/// Which gateway is asked; none is the database of the configuration.
#[derive(Args)]
pub(super) struct Through {
    /// The address of a gateway that runs, such as `http://127.0.0.1:8080`.
    #[arg(long, env = "WHARF_URL", requires = "key")]
    url: Option<String>,
    /// An operator's key for it.
    #[arg(long, env = "WHARF_OPERATOR_KEY", hide_env_values = true)]
    key: Option<String>,
}

#[derive(Args)]
pub(super) struct Change {
    /// Sending only; connections stay.
    #[arg(long)]
    sending: bool,
    /// A feature, such as `edits`; may be given several times. Connections and sending stay as they are.
    #[arg(long, value_parser = feature, value_name = "FEATURE", conflicts_with = "sending")]
    feature: Vec<Feature>,
    #[command(flatten)]
    through: Through,
}

impl WhatsApp {
    pub(super) async fn run(self, config: impl FnOnce() -> Result<Config, Error>) -> anyhow::Result<()> {
        let (through, change) = match self {
            Self::Show(through) => (through, None),
            Self::Pause(change) => split(change, true),
            Self::Resume(change) => split(change, false),
        };
        let state = match (&through.url, &through.key) {
            (Some(url), Some(key)) => Gateway::new(url, key)?.switches(change.as_ref()).await?,
            _ => in_the_database(&config()?, change.as_ref()).await?,
        };
        print!("{}", shown(&state));
        Ok(())
    }
}

fn split(Change { sending, feature, through }: Change, pause: bool) -> (Through, Option<PutSwitches>) {
    let position = if pause { Position::Off } else { Position::Auto };
    let features: BTreeMap<_, _> = feature.into_iter().map(|feature| (feature, position)).collect();
    let all = features.is_empty() && !sending;
    (through, Some(PutSwitches { connecting_paused: all.then_some(pause), sending_paused: sending.then_some(pause), features }))
}

async fn in_the_database(config: &Config, change: Option<&PutSwitches>) -> anyhow::Result<Switches> {
    let (services, store) = offline::open(config).await.context("to ask the gateway that runs, give --url and an operator's --key")?;
    let done = async {
        let Some(change) = change else {
            switches::refresh(&*services.store, &services.switches).await?;
            return anyhow::Ok(services.switches.state());
        };
        let state = switches::set(&*services.store, &*services.clock, &services.switches, change).await?;
        audit::record(&services, audit::by_cli(&services, None, ops::admin_set_switches.id)).await;
        Ok(state)
    }
    .await;
    store.close().await;
    done
}

fn feature(text: &str) -> Result<Feature, String> {
    let all: Vec<_> = Feature::ALL.iter().map(|feature| feature.as_str()).collect();
    Feature::parse(text).ok_or_else(|| format!("one of these is expected: {}", all.join(", ")))
}

/// The switches, a line each.
fn shown(state: &Switches) -> String {
    let mut lines = Vec::new();
    for (name, pause) in [("connecting", state.connecting), ("sending", state.sending)] {
        let word = if pause.paused { "paused" } else { "running" };
        let since = pause.since.map(|at| format!("  since {at}")).unwrap_or_default();
        lines.push(format!("{name:<16}{word}{since}\n"));
    }
    for (feature, switch) in &state.features {
        let since = switch.since.map(|at| format!("  since {at}")).unwrap_or_default();
        let degraded = switch.degraded_since.map(|at| format!("  refused by WhatsApp in several sessions since {at}")).unwrap_or_default();
        lines.push(format!("{:<16}{}{since}{degraded}\n", feature.as_str(), switch.position.as_str()));
    }
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(sending: bool, feature: Vec<Feature>, pause: bool) -> PutSwitches {
        split(Change { sending, feature, through: Through { url: None, key: None } }, pause).1.unwrap()
    }

    #[test]
    fn a_pause_without_words_is_of_all_connections_and_with_words_only_of_what_they_name() {
        let none = PutSwitches::default();
        assert_eq!(changes(false, vec![], true), PutSwitches { connecting_paused: Some(true), ..none.clone() });
        assert_eq!(changes(true, vec![], false), PutSwitches { sending_paused: Some(false), ..none.clone() });
        let features = BTreeMap::from([(Feature::Edits, Position::Off)]);
        assert_eq!(changes(false, vec![Feature::Edits], true), PutSwitches { features, ..none.clone() });
        let features = BTreeMap::from([(Feature::Edits, Position::Auto)]);
        assert_eq!(changes(false, vec![Feature::Edits], false), PutSwitches { features, ..none });
    }

    #[test]
    fn an_unknown_feature_is_told_the_known_ones() {
        assert_eq!(feature("edits"), Ok(Feature::Edits));
        assert!(feature("holograms").unwrap_err().contains("group_writes"));
    }
}
