//! The report: what was found, without numbers and contents, so that it can be handed on.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use wharf_api::Timestamp;

use super::names::STEPS;

/// Runs of digits from this length on may be somebody's number.
const NUMBER_DIGITS: usize = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Passed,
    Failed,
    Skipped,
}

impl Verdict {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `passed` where every step did; `failed` where one did, and else `skipped`.
    pub verdict: Verdict,
    /// `production` or `sandbox`.
    pub world: String,
    pub versions: Versions,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
    /// The session that a later run goes on with.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub session_id: Option<String>,
    pub steps: Vec<Entry>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Versions {
    pub wharf: String,
    pub library: String,
    /// The version of WhatsApp Web that the probe claimed.
    pub claimed: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    pub number: u8,
    pub name: String,
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at: Option<Timestamp>,
    pub milliseconds: u64,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub measured: Vec<Measure>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Measure {
    pub what: String,
    pub milliseconds: u64,
}

impl Entry {
    pub(super) fn new(number: u8) -> Self {
        Self {
            number,
            name: STEPS[usize::from(number) - 1].name.to_owned(),
            verdict: Verdict::Skipped,
            reason: None,
            at: None,
            milliseconds: 0,
            measured: Vec::new(),
            notes: Vec::new(),
        }
    }
}

impl Measure {
    pub(super) fn new(what: &str, took: Duration) -> Self {
        Self { what: what.to_owned(), milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX) }
    }
}

impl Report {
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("accept.json");
        let text = std::fs::read(&path).with_context(|| format!("{} of an earlier run is not there", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is no report", path.display()))
    }

    pub(super) fn write(&mut self, folder: &Path) -> anyhow::Result<()> {
        let has = |verdict| self.steps.iter().any(|entry| entry.verdict == verdict);
        self.verdict = if has(Verdict::Failed) {
            Verdict::Failed
        } else if has(Verdict::Skipped) || self.steps.len() < STEPS.len() {
            Verdict::Skipped
        } else {
            Verdict::Passed
        };
        let cannot = || format!("{} cannot be written", folder.display());
        std::fs::create_dir_all(folder).with_context(cannot)?;
        std::fs::write(folder.join("accept.json"), serde_json::to_vec_pretty(self)?).with_context(cannot)?;
        std::fs::write(folder.join("accept.md"), self.markdown()).with_context(cannot)
    }

    fn markdown(&self) -> String {
        let Versions { wharf, library, claimed } = &self.versions;
        let mut text = format!(
            "# wharf accept: {}\n\nWorld: {}. Wharf {wharf}, whatsapp-rust {library}, WhatsApp Web {claimed}. From {} to {}.\n\n\
             | # | step | verdict | measured | remarks |\n|---|---|---|---|---|\n",
            self.verdict.as_str(),
            self.world,
            self.started_at,
            self.finished_at
        );
        for entry in &self.steps {
            let title = STEPS[usize::from(entry.number).clamp(1, STEPS.len()) - 1].title;
            let measured: Vec<_> =
                entry.measured.iter().map(|Measure { what, milliseconds }| format!("{what} {milliseconds} ms")).collect();
            let remarks: Vec<_> = entry.reason.iter().chain(&entry.notes).map(|text| text.replace('|', "\\|")).collect();
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| {} | `{}`: {title} | {} | {} | {} |",
                entry.number,
                entry.name,
                entry.verdict.as_str(),
                measured.join(", "),
                remarks.join("; ")
            );
        }
        text
    }
}

/// The text without anything that could be a number, or a name that holds one.
pub(super) fn redacted(text: &str) -> String {
    let (mut clean, mut run) = (String::new(), String::new());
    for character in text.chars().chain(std::iter::once('\0')) {
        if character.is_ascii_digit() {
            run.push(character);
            continue;
        }
        clean.push_str(if run.len() >= NUMBER_DIGITS { "…" } else { &run });
        run.clear();
        if character != '\0' {
            clean.push(character);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_number_does_not_reach_the_report_and_codes_do() {
        assert_eq!(redacted("+15550001001 refused with 463"), "+… refused with 463");
        assert_eq!(redacted("7715550001001@lid, 10000 ms"), "…@lid, 10000 ms");
        assert_eq!(redacted(""), "");
    }

    #[test]
    fn a_report_has_passed_only_where_every_step_has() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::from_millis(0);
        let entry = |number, verdict| Entry { verdict, ..Entry::new(number) };
        let mut report = Report {
            verdict: Verdict::Failed,
            world: "sandbox".to_owned(),
            versions: Versions::default(),
            started_at: now,
            finished_at: now,
            session_id: None,
            steps: (1..=15).map(|number| entry(number, Verdict::Passed)).collect(),
        };
        report.write(folder.path()).unwrap();
        assert_eq!(Report::read(folder.path()).unwrap().verdict, Verdict::Passed);
        report.steps[6] = entry(7, Verdict::Skipped);
        report.write(folder.path()).unwrap();
        assert_eq!(Report::read(folder.path()).unwrap().verdict, Verdict::Skipped);
        report.steps[8] = entry(9, Verdict::Failed);
        report.write(folder.path()).unwrap();
        assert_eq!(Report::read(folder.path()).unwrap().verdict, Verdict::Failed);
        let text = std::fs::read_to_string(folder.path().join("accept.md")).unwrap();
        assert!(text.contains("| 9 | `group`") && text.contains("failed"), "{text}");
        report.steps.truncate(3);
        report.write(folder.path()).unwrap();
        assert_eq!(report.verdict, Verdict::Skipped, "steps that were not reached");
    }
}
