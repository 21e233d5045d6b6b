//! The way to WhatsApp, seen from this machine: names, certificates, and with a knock whether the claimed version is taken.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use wharf_api::types::whatsapp::VersionSource;
use wharf_core::Clock as _;
use wharf_core::chance::SystemChance;
use wharf_core::clock::SystemClock;
use wharf_core::seal::Seal;
use wharf_wa::{PROBE_PATIENCE, Probe, ProbeStep, ProbeVerdict};

use super::Finding::{self, Fail, Ok as Good, Warn};
use super::Unwell;
use crate::config::Config;
use crate::world::World;

/// A built-in number that was current longer ago may be refused.
const MOST_DAYS: i64 = 90;

/// What was found on the way.
pub(in crate::cli) struct Outside {
    pub(in crate::cli) findings: Vec<(&'static str, Finding)>,
    pub(in crate::cli) unwell: Option<Unwell>,
    /// The version that was claimed, as people write it.
    pub(in crate::cli) claimed: String,
    pub(in crate::cli) steps: Vec<(&'static str, Duration)>,
}

pub(in crate::cli) async fn look(config: &Config, world: &World, connect: bool) -> Outside {
    let engine = match engine(config, world) {
        Ok(engine) => engine,
        Err(error) => {
            let findings = vec![("whatsapp", Fail(format!("{error:#}")))];
            return Outside { findings, unwell: None, claimed: String::new(), steps: Vec::new() };
        }
    };
    let claim = wharf_wa::claim(&engine, SystemClock.now()).await;
    let version = claim.version();
    let claimed = format!("{}.{}.{}", version.0, version.1, version.2);
    // Side by side: a machine without a network waits once.
    let (probe, media) = tokio::join!(
        async {
            if connect { wharf_wa::probe(&engine, version, PROBE_PATIENCE).await } else { wharf_wa::reach(&engine, PROBE_PATIENCE).await }
        },
        wharf_wa::media(&engine, PROBE_PATIENCE),
    );
    let whatsapp = in_words(&probe, &claimed, connect);
    let media = match media {
        Ok(took) => Good(format!("the media servers answer, by a certificate that is trusted, in {} ms", took.as_millis())),
        Err(verdict) => Fail(trouble(&verdict, "the media servers (mmg.whatsapp.net)", &claimed)),
    };
    let unwell = match (&probe.verdict, media.is_failure()) {
        (ProbeVerdict::Refused { .. }, _) => Some(Unwell::Refused),
        (ProbeVerdict::Reached, false) => None,
        _ => Some(Unwell::Unreached),
    };
    let steps = probe.steps.iter().map(|(step, took)| (step.label(), *took)).collect();
    let findings = vec![("version", version_in_words(&claim, &claimed)), ("whatsapp", whatsapp), ("media", media)];
    Outside { findings, unwell, claimed, steps }
}

/// A claimed number is taken for some 120 days.
fn version_in_words(claim: &wharf_wa::Claim, claimed: &str) -> Finding {
    let days = (SystemClock.now().as_secs() - claim.current_at.as_secs()).max(0) / (24 * 60 * 60);
    match claim.source {
        VersionSource::Setting => Warn(format!("{claimed}, set by whatsapp.version: nothing keeps it current, do not leave it set")),
        VersionSource::BuiltIn if days > MOST_DAYS => {
            Warn(format!("{claimed}, built in, current {days} days ago; WhatsApp's page could not be read: it may be refused soon"))
        }
        VersionSource::BuiltIn => Good(format!("{claimed}, built in, current {days} days ago; WhatsApp's page told no newer one")),
        VersionSource::SwJs | VersionSource::FrontPage | VersionSource::VersionUrl => {
            Good(format!("{claimed}, as WhatsApp's page tells now ({})", claim.source.as_str()))
        }
    }
}

/// What the gateway of this configuration would go out with.
fn engine(config: &Config, world: &World) -> anyhow::Result<wharf_wa::Config> {
    // Nothing is opened or sealed here.
    let mut engine = wharf_wa::Config::new("doctor", Seal::none(Arc::new(SystemChance)));
    engine.server_url = world.network()?;
    world.check_proxy(config.proxy.as_ref())?;
    engine.trust = config.trust().context("whatsapp.extra_root")?;
    engine.proxy.clone_from(&config.proxy);
    engine.device_name.clone_from(&config.device_name);
    engine.version = config.whatsapp_version;
    engine.version_url.clone_from(&config.whatsapp_version_url);
    Ok(engine)
}

fn in_words(probe: &Probe, claimed: &str, connect: bool) -> Finding {
    let took: Vec<_> = probe.steps.iter().map(|(step, took)| format!("{} {} ms", step.label(), took.as_millis())).collect();
    let took = took.join(", ");
    match &probe.verdict {
        ProbeVerdict::Reached if connect => Good(format!("version {claimed} gets a QR code ({took})")),
        ProbeVerdict::Reached => Good(format!("answers, by a certificate that is trusted ({took}); doctor --connect asks for a QR code")),
        verdict => Fail(trouble(verdict, "WhatsApp (web.whatsapp.com)", claimed)),
    }
}

/// What is wrong and what to do about it.
fn trouble(verdict: &ProbeVerdict, who: &str, claimed: &str) -> String {
    match verdict {
        ProbeVerdict::Reached => String::new(),
        ProbeVerdict::Refused { code: 405, .. } => {
            format!("{who} does not take version {claimed} any more (405): update Wharf; links and messages are kept meanwhile")
        }
        ProbeVerdict::Refused { code, text } => {
            let text = text.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
            format!("{who} turns this client away ({code}){text}")
        }
        ProbeVerdict::Silent(ProbeStep::Dns) => format!("no resolver answers for {who}: this machine has no network, or no DNS"),
        ProbeVerdict::Silent(step) => {
            format!("{who} is silent: nothing within {} s in the step {}; a firewall, perhaps", PROBE_PATIENCE.as_secs(), step.label())
        }
        ProbeVerdict::Foreign(ProbeStep::Handshake) => {
            format!("what answers for {who} is not WhatsApp: its handshake is not signed by WhatsApp")
        }
        ProbeVerdict::Foreign(_) => {
            format!(
                "the certificate that answers for {who} is not trusted: a proxy that opens TLS (put its root into whatsapp.extra_root), or somebody else"
            )
        }
        ProbeVerdict::Closed(step) => format!("{who} ended the connection without a word in the step {}", step.label()),
        ProbeVerdict::Unreachable { step: ProbeStep::Dns, why } => {
            format!("the name of {who} has no address: this machine has no network, or no DNS ({why})")
        }
        ProbeVerdict::Unreachable { step, why } => format!("{who} cannot be reached ({}): {why}", step.label()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_has_words_of_its_own_and_an_old_version_says_what_to_do() {
        let verdicts = [
            ProbeVerdict::Refused { code: 405, text: None },
            ProbeVerdict::Refused { code: 403, text: Some("no".to_owned()) },
            ProbeVerdict::Silent(ProbeStep::Dns),
            ProbeVerdict::Silent(ProbeStep::Reference),
            ProbeVerdict::Foreign(ProbeStep::Tls),
            ProbeVerdict::Foreign(ProbeStep::Handshake),
            ProbeVerdict::Closed(ProbeStep::Reference),
            ProbeVerdict::Unreachable { step: ProbeStep::Dns, why: "failed".to_owned() },
            ProbeVerdict::Unreachable { step: ProbeStep::Connect, why: "refused".to_owned() },
        ];
        let words: std::collections::BTreeSet<_> = verdicts.iter().map(|verdict| trouble(verdict, "WhatsApp", "2.3000.1")).collect();
        assert_eq!(words.len(), verdicts.len());
        assert!(trouble(&verdicts[0], "WhatsApp", "2.3000.1").contains("update Wharf"));
    }
}
