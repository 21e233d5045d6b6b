//! `wharf config show`: what is in force, and from where.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::out::print;
use crate::config::{Config, Origin, Shown};

#[derive(Subcommand)]
pub(super) enum Settings {
    /// Shows each setting in force, and whether it is the default, of the file or of the environment. Secrets are shown as ***
    Show(Show),
}

#[derive(Args)]
pub(super) struct Show {
    /// Prints a list of objects: key, value, origin, variable.
    #[arg(long)]
    json: bool,
}

impl Settings {
    pub(super) fn run(self, file: Option<&Path>) -> anyhow::Result<()> {
        let Self::Show(show) = self;
        let env = |name: &str| std::env::var(name).ok();
        // What the gateway would refuse has no settings in force.
        Config::load(file, env)?;
        let shown = Config::shown(file, env)?;
        let mut words = String::new();
        if show.json {
            let list: Vec<_> = shown.iter().map(object).collect();
            words = serde_json::to_string_pretty(&list).context("settings are texts")? + "\n";
        } else {
            let width = |of: fn(&Shown) -> usize| shown.iter().map(of).max().unwrap_or_default();
            let (keys, values) = (width(|one| one.key.len()), width(|one| one.value.chars().count().min(60)));
            for one in &shown {
                let _ = writeln!(words, "{:<keys$}  {:<values$}  {}", one.key, one.value, from(one));
            }
        }
        for strange in Config::strange_variables() {
            eprintln!("wharf: {strange} `wharf serve` refuses it.");
        }
        print(&mut std::io::stdout(), words.as_bytes())
    }
}

fn object(one: &Shown) -> Value {
    json!({ "key": one.key, "value": one.value, "origin": word(one), "variable": one.variable })
}

const fn word(one: &Shown) -> &'static str {
    match one.origin {
        Origin::Default => "default",
        Origin::File(_) => "file",
        Origin::Environment => "environment",
    }
}

fn from(one: &Shown) -> String {
    match &one.origin {
        Origin::Default => "default".to_owned(),
        Origin::File(path) => path.display().to_string(),
        Origin::Environment => one.variable.to_owned(),
    }
}
