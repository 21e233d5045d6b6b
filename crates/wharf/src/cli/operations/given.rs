//! An answer on its way to whoever asked: shown for people, as it came for programs, or into a file.

use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::ArgMatches;
use futures::StreamExt as _;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use wharf_api::ops::{Answer, Operation};

use super::shown::{self, Style, Table};
use crate::cli::out::print;
use crate::cli::progress;
use crate::cli::unmet::Usage;

/// How the answer is wanted.
pub(super) struct Form {
    pub json: bool,
    pub all: bool,
    out: Option<PathBuf>,
}

impl Form {
    pub(super) fn of(matches: &ArgMatches) -> Self {
        // What a command does not take is asked for as well.
        let flag = |name: &str| matches.try_get_one::<bool>(name).ok().flatten().copied().unwrap_or_default();
        let out = matches.try_get_one::<String>("out").ok().flatten().map(PathBuf::from);
        Self { json: flag("json"), all: flag("all"), out }
    }
}

/// Shows one answer.
pub(super) async fn show(answer: Response, op: &Operation, form: &Form) -> anyhow::Result<()> {
    if !is_shown(&answer, op) || form.out.is_some() {
        return as_it_came(answer, form).await;
    }
    let bytes = answer.bytes().await.context("the gateway broke off its answer")?;
    if form.json {
        return print(&mut io::stdout().lock(), &line(&bytes));
    }
    let body: Value = serde_json::from_slice(&bytes).context("this is not a Wharf gateway")?;
    let words = shown::answer(op, &body, &Style::of_terminal());
    print(&mut anstream::stdout().lock(), words.as_bytes())?;
    if body["page"]["next"].is_string() && !body["data"].as_array().is_some_and(Vec::is_empty) {
        eprintln!("There may be more: --all shows every page.");
    }
    Ok(())
}

/// An answer as it came, on a line of its own: a gateway may end it or not.
fn line(answer: &[u8]) -> Vec<u8> {
    [answer.trim_ascii_end(), b"\n"].concat()
}

/// Whether it is in the envelope.
fn is_shown(answer: &Response, op: &Operation) -> bool {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("application/json") && matches!(op.answer, Answer::One(_) | Answer::Whole(_) | Answer::List(_))
}

/// A list whose pages are shown one after the other.
#[derive(Default)]
pub(super) struct List {
    table: Option<Table>,
}

impl List {
    /// Shows a page; gives the cursor of the next one. A log that is read to its end has another page, which is empty.
    pub(super) async fn show(&mut self, page: Response, op: &Operation, form: &Form) -> anyhow::Result<Option<String>> {
        let bytes = page.bytes().await.context("the gateway broke off its answer")?;
        let body: Value = serde_json::from_slice(&bytes).context("this is not a Wharf gateway")?;
        let rows = body["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        if form.json {
            print(&mut io::stdout().lock(), &line(&bytes))?;
        } else {
            let style = Style::of_terminal();
            let words = match &self.table {
                None => {
                    let table = Table::of(op, rows, &style);
                    let words = if rows.is_empty() { shown::nothing() } else { table.head() + &table.rows(rows) };
                    self.table = Some(table);
                    words
                }
                Some(table) => table.rows(rows),
            };
            print(&mut anstream::stdout().lock(), words.as_bytes())?;
        }
        Ok(body["page"]["next"].as_str().filter(|_| !rows.is_empty()).map(str::to_owned))
    }
}

/// Bytes as they come, into the file or on the standard output.
async fn as_it_came(answer: Response, form: &Form) -> anyhow::Result<()> {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let words = kind.starts_with("text/") || kind.starts_with("application/json");
    let mut out: Box<dyn Write + Send> = match &form.out {
        Some(path) => Box::new(std::fs::File::create(path).with_context(|| format!("{} cannot be written", path.display()))?),
        None if !words && io::stdout().is_terminal() => {
            return Err(Usage("these are bytes and no text: --out PATH writes them into a file".to_owned()).into());
        }
        None => Box::new(io::stdout()),
    };
    let bar = form.out.is_some().then(|| progress::bar(answer.content_length(), "Downloading")).transpose()?;
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.context("the gateway broke off its answer")?;
        print(&mut out, &chunk)?;
        if let Some(bar) = &bar {
            bar.inc(chunk.len() as u64);
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(())
}
