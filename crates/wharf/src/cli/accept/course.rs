//! A run under way: what it was told, what its steps share, and how one ends that did not pass.

use std::path::PathBuf;
use std::time::Duration;

use super::api::Api;
use super::ear::Ear;
use super::people::{Act, Done, People, Seen, Sight};
use super::report::{Entry, Measure, Versions, redacted};
use crate::config::Config;
use crate::world::World;

/// What a run needs to know.
pub struct Options {
    /// The number of phone B.
    pub to: String,
    /// A number without WhatsApp.
    pub nobody: Option<String>,
    /// Where the report goes.
    pub folder: PathBuf,
    /// The first step, from 1 on.
    pub from: u8,
    pub keep_going: bool,
    /// How long somebody may take for what they were asked to do.
    pub patience: Duration,
    /// How this machine reaches WhatsApp.
    pub config: Config,
    pub world: World,
}

/// Why a step did not pass.
pub(super) enum Trouble {
    Failed(String),
    Skipped(String),
    /// The run cannot go on, whatever the options say.
    Broken(anyhow::Error),
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(format!("{error:#}"))
    }
}

pub(super) type Step = Result<(), Trouble>;

/// What the steps share.
pub(super) struct Run<'a> {
    pub(super) api: Api,
    pub(super) ear: Ear,
    pub(super) people: &'a dyn People,
    pub(super) options: Options,
    pub(super) versions: Versions,
    /// The session of phone A.
    pub(super) session: Option<String>,
    /// A message of B that can be answered and reacted to.
    pub(super) answered: Option<String>,
    pub(super) entry: Entry,
}

impl Run<'_> {
    pub(super) fn session(&self) -> anyhow::Result<&str> {
        self.session.as_deref().ok_or_else(|| anyhow::anyhow!("no phone is linked"))
    }

    pub(super) fn measure(&mut self, what: &str, took: Duration) {
        self.entry.measured.push(Measure::new(what, took));
    }

    pub(super) fn note(&mut self, text: &str) {
        self.entry.notes.push(redacted(text));
    }

    /// Has something done; a step that nobody does is left out.
    pub(super) async fn act(&mut self, act: Act) -> Step {
        match self.people.act(&act).await {
            Ok(Done::Done) => Ok(()),
            Ok(Done::Left(why)) => Err(Trouble::Skipped(why)),
            Err(error) => Err(Trouble::Broken(error)),
        }
    }

    /// Has somebody look. What nobody looked at is a remark, and what is not as it must be a failure.
    pub(super) async fn see(&mut self, sight: Sight, claim: &str) -> Step {
        match self.people.see(&sight).await {
            Ok(Seen::Yes) => Ok(()),
            Ok(Seen::No(what)) => Err(Trouble::Failed(format!("it is not seen that {claim}: {what}"))),
            Ok(Seen::Unasked) => {
                self.note(&format!("nobody looked whether {claim}"));
                Ok(())
            }
            Err(error) => Err(Trouble::Broken(error)),
        }
    }
}
