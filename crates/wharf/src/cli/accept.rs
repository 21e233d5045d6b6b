//! `wharf accept`: proves a gateway on a real WhatsApp with two phones, in fifteen steps. It says what to do, watches, measures, and writes
//! a report without numbers and contents. Its key needs all permissions of sessions, messages, events, contacts and groups.
//!
//! The two people and the operator are a port: at a terminal they are asked, and in the sandbox the pretend phones play them.

mod api;
mod course;
mod ear;
mod names;
mod people;
mod report;
mod samples;
mod script;
mod steps;
mod terminal;

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::target::Target;
use crate::config::Config;
use crate::world::World;

pub use super::gateway::Gateway;
pub use course::Options;
pub use names::STEPS;
pub use people::{Act, Done, People, Seen, Sight};
pub use report::{Report, Verdict};
pub use script::run;

#[derive(Args)]
pub(super) struct Accept {
    /// The number of phone B, which never wrote with phone A.
    #[arg(long, value_name = "NUMBER", value_parser = digits)]
    to: String,
    /// A number that has no WhatsApp; without it that step is left out.
    #[arg(long, value_name = "NUMBER", value_parser = digits)]
    nobody: Option<String>,
    /// Where the report is written: accept.json and accept.md.
    #[arg(long, value_name = "FOLDER", default_value = "wharf-accept")]
    report: PathBuf,
    /// Begins with this step, and keeps what the report in the folder says of those before it.
    #[arg(long, value_name = "STEP", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=15))]
    from: u8,
    /// Goes on after a step that failed.
    #[arg(long)]
    keep_going: bool,
    #[command(flatten)]
    target: Target,
}

impl Accept {
    pub(super) async fn run(self, config: Config) -> anyhow::Result<()> {
        World::Production.check_build()?;
        let (url, key) = self.target.with_key()?;
        let gateway = Gateway::new(&url, &key)?;
        let options = Options {
            to: self.to,
            nobody: self.nobody,
            folder: self.report,
            from: self.from,
            keep_going: self.keep_going,
            patience: script::PEOPLE_PATIENCE,
            config,
            world: World::Production,
        };
        let people = terminal::Terminal::new();
        let report = run(gateway, &people, options).await?;
        if report.verdict != Verdict::Passed {
            bail!("not every step passed: {}", report.verdict.as_str());
        }
        Ok(())
    }
}

/// A number as the API shows it.
fn digits(text: &str) -> Result<String, String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let fits = (7..=15).contains(&digits.len());
    if fits { Ok(digits) } else { Err("a phone number in international format is expected".to_owned()) }
}
