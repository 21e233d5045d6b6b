//! The run: one step after the other, and the report after each, so that nothing is lost when somebody breaks off.

use std::time::Duration;

use tokio::time::Instant;
use wharf_core::Clock as _;
use wharf_core::clock::SystemClock;

use super::super::gateway::Gateway;
use super::api::Api;
use super::course::{Options, Run, Trouble};
use super::ear::Ear;
use super::names::STEPS;
use super::people::People;
use super::report::{Entry, Report, Verdict, Versions, redacted};
use super::steps;

/// How long two people may take for what they were asked to do.
pub(super) const PEOPLE_PATIENCE: Duration = Duration::from_mins(3);

/// How long the session of an earlier run may take until it is there again.
const RESUMED_LIMIT: Duration = Duration::from_secs(30);

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
