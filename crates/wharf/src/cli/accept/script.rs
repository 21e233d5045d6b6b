//! The run: one step after the other, and the report after each, so that nothing is lost when somebody breaks off.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;
use wharf_core::Clock as _;
use wharf_core::clock::SystemClock;

use super::super::gateway::Gateway;
use super::api::Api;
use super::ear::Ear;
use super::people::{Act, Done, People, Seen, Sight};
use super::report::{Entry, Measure, Report, Verdict, Versions, redacted};
use super::steps::{self, STEPS};
use crate::config::Config;
use crate::world::World;

/// How long two people may take for what they were asked to do.
pub(super) const PEOPLE_PATIENCE: Duration = Duration::from_mins(3);

/// How long the session of an earlier run may take until it is there again.
const RESUMED_LIMIT: Duration = Duration::from_secs(30);

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
    entry: Entry,
}

/// Runs the steps; `Err` where there can be no report.
pub async fn run(gateway: Gateway, people: &dyn People, options: Options) -> anyhow::Result<Report> {
    let now = || SystemClock.now();
    let mut report = Report {
        verdict: Verdict::Skipped,
        world: options.world.name().to_owned(),
        versions: Versions::default(),
        started_at: now(),
        finished_at: now(),
        session_id: None,
        steps: Vec::new(),
    };
    if options.from > 1 {
        let earlier = Report::read(&options.folder)?;
        anyhow::ensure!(earlier.session_id.is_some(), "the earlier run linked no phone: begin with step 1");
        report.steps = earlier.steps.into_iter().filter(|entry| entry.number < options.from).collect();
        report.started_at = earlier.started_at;
        report.versions = earlier.versions;
        report.session_id = earlier.session_id;
    }
    let first = options.from;
    let mut run = Run {
        ear: Ear::open(gateway.clone()).await?,
        api: Api { gateway },
        people,
        versions: report.versions.clone(),
        session: report.session_id.clone(),
        answered: None,
        entry: Entry::new(first),
        options,
    };
    if let Some(id) = run.session.as_deref() {
        // The gateway may have been started a moment ago.
        let is = |session: &serde_json::Value| session["status"] == "connected";
        run.api.session(id, RESUMED_LIMIT, "connected", is).await?;
    }
    let mut stopped: Option<u8> = None;
    for number in first..=15 {
        let begun = Instant::now();
        let step = &STEPS[usize::from(number) - 1];
        run.entry = Entry { at: Some(now()), ..Entry::new(number) };
        let mut broken = None;
        let done = if let Some(failed) = stopped {
            Err(Trouble::Skipped(format!("the run stopped at step {failed}")))
        } else {
            people.tell(&format!("\n{number} of 15, {}: {}", step.name, step.title));
            steps::step(&mut run, number).await
        };
        (run.entry.verdict, run.entry.reason) = match done {
            Ok(()) => (Verdict::Passed, None),
            Err(Trouble::Skipped(reason)) => (Verdict::Skipped, Some(redacted(&reason))),
            Err(Trouble::Failed(reason)) => (Verdict::Failed, Some(redacted(&reason))),
            Err(Trouble::Broken(error)) => {
                let reason = redacted(&format!("{error:#}"));
                broken = Some(error);
                (Verdict::Failed, Some(reason))
            }
        };
        run.entry.milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        if stopped.is_none() {
            let reason = run.entry.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            people.tell(&format!("  = {}{reason}", run.entry.verdict.as_str()));
        }
        // Without a link nothing after it can be tried.
        let needed = step.is_needed || run.session.is_none() && number >= 3;
        if run.entry.verdict == Verdict::Failed && (needed || !run.options.keep_going) {
            stopped = stopped.or(Some(number));
        }
        report.steps.push(run.entry.clone());
        report.versions = run.versions.clone();
        report.session_id.clone_from(&run.session);
        report.finished_at = now();
        report.write(&run.options.folder)?;
        if let Some(error) = broken {
            return Err(error);
        }
    }
    people.tell(&format!("\n{}; the report is in {}", report.verdict.as_str(), run.options.folder.display()));
    Ok(report)
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
