//! Instructions of the gateway for one operation of each kind, counted by valgrind's callgrind and held against a budget that is committed.
//!
//! A count is the difference of two windows, one with twice the operations of the other: what the machine's pace, timers and the counting itself
//! add to every window falls out. Of several windows of a length the least counts, for chance only adds.

mod budget;
mod grind;
mod stage;

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::process::sibling;
use budget::{Budget, Verdict, grouped, judge};
use stage::{Row, Stage};

#[derive(Args)]
pub struct InstructionsOptions {
    /// What is counted: everything unless said.
    #[arg(value_enum)]
    rows: Vec<Row>,
    /// The gateway, with its symbols; without it the one beside this program.
    #[arg(long, value_name = "FILE")]
    gateway: Option<PathBuf>,
    /// With what the gateway was built: profile and compiler.
    #[arg(long, value_name = "WORDS", default_value = "unknown")]
    built_with: String,
    /// The operations of a short window; a long one has twice as many.
    #[arg(long, default_value_t = 100)]
    operations: usize,
    /// How many windows of each length.
    #[arg(long, default_value_t = 3)]
    windows: usize,
    /// How many percent above its budget an operation may be.
    #[arg(long, default_value_t = 3.0)]
    bound: f64,
    /// That bound where the budget was counted with another compiler, processor or valgrind.
    #[arg(long, default_value_t = 15.0)]
    foreign_bound: f64,
    /// The file of the budget.
    #[arg(long, value_name = "FILE", default_value = "crates/wharf-bench/instructions.toml")]
    budget: PathBuf,
    /// Make what is counted the budget.
    #[arg(long)]
    write: bool,
    /// A folder for what callgrind says of the windows, to be read with `callgrind_annotate`.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
}

/// What was counted of a row.
struct Counted {
    row: Row,
    each: u64,
    /// How much the most of the long windows is above the least, in percent.
    spread: f64,
}

pub async fn run(options: &InstructionsOptions) -> Result<()> {
    ensure!(options.operations > 0 && options.windows > 0, "--operations and --windows must be 1 or more");
    let known = Budget::read(&options.budget)?;
    if known.is_none() && !options.write {
        bail!("there is no budget in {}: --write makes one of what is counted", options.budget.display());
    }
    if let Some(folder) = &options.keep {
        std::fs::create_dir_all(folder)?;
    }
    let gateway = options.gateway.clone().map_or_else(|| sibling("wharf-sandbox"), Ok)?;
    let valgrind = grind::version().await?;
    let counted_with = format!("{}, {}, {valgrind}", options.built_with, std::env::consts::ARCH);

    let stage = Stage::set(&gateway).await?;
    let rows = if options.rows.is_empty() { Row::ALL.to_vec() } else { options.rows.clone() };
    let mut counted = Vec::new();
    for row in rows {
        counted.push(count(&stage, row, options).await?);
    }
    stage.clear().await?;

    if options.write {
        let mut budget = known.unwrap_or_default();
        // What was counted otherwise does not stand beside it.
        if budget.counted_with != counted_with {
            budget = Budget { counted_with, ..Budget::default() };
        }
        budget.operations.extend(counted.iter().map(|of| (of.row.name().to_owned(), of.each)));
        print_counts(&counted);
        return budget.write(&options.budget);
    }
    compare(&counted, &known.context("a budget")?, &counted_with, options)
}

async fn count(stage: &Stage, row: Row, options: &InstructionsOptions) -> Result<Counted> {
    let (mut short, mut long, keep) = (Vec::new(), Vec::new(), options.keep.as_deref());
    for _ in 0..options.windows {
        short.push(stage.window(row, options.operations, keep).await?);
        long.push(stage.window(row, options.operations * 2, keep).await?);
    }
    let least = |of: &[u64]| of.iter().copied().min().unwrap_or_default();
    let (few, many, most) = (least(&short), least(&long), long.iter().copied().max().unwrap_or_default());
    ensure!(many > few, "{}: {many} instructions of twice the operations that took {few}", row.name());
    let each = (many - few) / options.operations as u64;
    Ok(Counted { row, each, spread: (most - many) as f64 / many as f64 * 100.0 })
}

fn print_counts(counted: &[Counted]) {
    println!("| operation | instructions | spread |\n| --- | --- | --- |");
    for Counted { row, each, spread } in counted {
        println!("| {} | {} | {spread:.1} % |", row.name(), grouped(*each, ','));
    }
}

/// Prints each row beside its budget, and fails where one is above it.
fn compare(counted: &[Counted], budget: &Budget, counted_with: &str, options: &InstructionsOptions) -> Result<()> {
    let is_foreign = budget.counted_with != counted_with;
    let bound = if is_foreign { options.foreign_bound } else { options.bound };
    println!("| operation | instructions | spread | budget | difference | |\n| --- | --- | --- | --- | --- | --- |");
    let (mut above, mut below) = (Vec::new(), Vec::new());
    for Counted { row, each, spread } in counted {
        let name = row.name();
        let known = budget.operations.get(name).copied();
        let (percent, verdict) = judge(*each, known, bound);
        let words = match verdict {
            Verdict::Within => "within",
            Verdict::Above => "ABOVE",
            Verdict::Below => "below: the budget can be lowered",
            Verdict::Missing => "NO BUDGET",
        };
        let known = known.map_or_else(String::new, |known| grouped(known, ','));
        println!("| {name} | {} | {spread:.1} % | {known} | {percent:+.1} % | {words} |", grouped(*each, ','));
        match verdict {
            Verdict::Above => above.push(format!("{name} {percent:+.1} %")),
            Verdict::Missing => above.push(format!("{name} has no budget")),
            Verdict::Below => below.push(name),
            Verdict::Within => {}
        }
    }
    if is_foreign {
        println!(
            "\nThe budget was counted with {}, this with {counted_with}: the bound is {bound} % until it is counted anew.",
            budget.counted_with
        );
    }
    if !below.is_empty() {
        println!("\nLower the budget of {} in the commit that earned it: cargo xtask instructions --write", below.join(", "));
    }
    ensure!(
        above.is_empty(),
        "more than {bound} % above the budget: {}. What costs more on purpose raises the budget in its own commit, and says why: cargo xtask instructions --write",
        above.join(", ")
    );
    Ok(())
}
