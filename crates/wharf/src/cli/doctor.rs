//! `wharf doctor`: a line a check, and a failure where the gateway could not work.

mod checks;

use std::fmt;

use anyhow::bail;

use crate::config::{Config, Error};

/// How one check ended, with what there is to say.
enum Finding {
    Ok(String),
    Warn(String),
    Fail(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok(text) => write!(f, "ok    {text}"),
            Self::Warn(text) => write!(f, "warn  {text}"),
            Self::Fail(text) => write!(f, "fail  {text}"),
        }
    }
}

pub(super) async fn run(config: Result<Config, Error>) -> anyhow::Result<()> {
    let mut findings = vec![("build", checks::build())];
    match config {
        Err(error) => findings.push(("configuration", Finding::Fail(error.to_string()))),
        Ok(config) => {
            findings.push(("configuration", checks::configuration(&config)));
            findings.push(("data folder", checks::data_dir(&config)));
            findings.push(("master key", checks::master_key(&config)));
            findings.push(("database", checks::database(&config).await));
            findings.push(("address", checks::address(&config).await));
        }
    }
    findings.push(("clock", checks::clock()));
    findings.push(("open files", checks::open_files()));
    for (name, finding) in &findings {
        println!("{name:14} {finding}");
    }
    let failed = findings.iter().filter(|(_, finding)| matches!(finding, Finding::Fail(_))).count();
    if failed > 0 {
        bail!("{failed} of {} checks failed", findings.len());
    }
    Ok(())
}
