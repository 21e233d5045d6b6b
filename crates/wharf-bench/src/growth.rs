//! What messages in the database cost on `SQLite`: bytes on disk, and texts and lists beside a gateway that has next to none, in turns.

mod copies;
mod file;
mod lists;
mod side;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, ensure};
use clap::Args;

use self::file::FileUse;
use self::side::{GrowthSide, TextTurn};
use crate::load::CONTACTS;
use crate::sends::median;

#[derive(Args)]
pub struct GrowthOptions {
    /// Messages of the full database, at the least.
    #[arg(long, default_value_t = 1_000_000)]
    messages: i64,
    /// Texts that are really sent into both databases, to a hundred contacts; the messages of the full one are copies of them.
    #[arg(long, default_value_t = 2_000)]
    sample: usize,
    /// After how many texts a contact answers one; 0 is never.
    #[arg(long, default_value_t = 10)]
    answers: usize,
    /// Over how many days the copies are spread. What is older than 30 would be swept.
    #[arg(long, default_value_t = 28, value_parser = clap::value_parser!(i64).range(1..=29))]
    days: i64,
    /// Texts per round and side.
    #[arg(long, default_value_t = 2_000)]
    texts: usize,
    /// Requests in flight.
    #[arg(long, default_value_t = 8)]
    concurrency: usize,
    /// Rounds of texts per side; the first one warms up and is not counted.
    #[arg(long, default_value_t = 4)]
    rounds: usize,
    /// Calls of each list per side, one after the other; fewer of those that take long.
    #[arg(long, default_value_t = 200)]
    calls: usize,
}

/// What a message may take on disk.
const BYTES: f64 = 1_200.0;
/// How much more a text may cost with the full database.
const TEXT: f64 = 1.1;
/// How much longer a list may take with it.
const LIST: f64 = 1.5;

pub async fn run(options: &GrowthOptions) -> Result<()> {
    ensure!(options.rounds > 1, "the first round warms up: --rounds must be 2 or more");
    ensure!(options.sample > 0 && options.texts > 0 && options.calls > 0, "a sample, texts and calls are needed");
    println!("{} texts, and their answers, into each of two databases", options.sample);
    let (empty, [.., few]) = sampled("growth-empty", options, FileUse::read).await?;
    let (messages, days) = (options.messages, options.days);
    let grow = move |file: &Path| {
        copies::multiply(file, messages, days)?;
        FileUse::read(file)
    };
    let (full, [before, sample, many]) = sampled("growth-full", options, grow).await?;
    println!("\n{} messages in the empty database, {} in the full one\n", few.messages, many.messages);
    let (lines, bytes) = file::lines(&sample.a_message_since(&before), &many.a_message_since(&sample));
    println!("{}\n", lines.join("\n"));

    let sides = [empty, full];
    let text = texts(&sides, options).await?;
    let slow = lists(&sides, [&few, &many], options).await?;
    println!("\nbytes a message {bytes:.0} (bound {BYTES:.0}); CPU a text, full ÷ empty {text:.2} × (bound {TEXT:.2} ×)");
    let said = if slow.is_empty() { "none".to_owned() } else { slow.join(", ") };
    println!("lists above {LIST:.2} ×: {said}");
    let [empty, full] = sides;
    empty.end().await?;
    full.end().await
}

/// A gateway with the sample in its database, and what its file took before the sample, with it, and after `work`, which has the file while
/// the gateway does not run.
async fn sampled<F>(name: &str, options: &GrowthOptions, work: F) -> Result<(GrowthSide, [FileUse; 3])>
where
    F: FnOnce(&Path) -> Result<FileUse> + Send + 'static,
{
    let side = GrowthSide::start(name).await?;
    // What each contact costs once is there before: keys, names, first pages.
    side.speak(CONTACTS, 1, options.concurrency).await?;
    let (side, before) = side.between(FileUse::read).await?;
    side.speak(options.sample, options.answers, options.concurrency).await?;
    let both = move |file: &Path| anyhow::Ok((FileUse::read(file)?, work(file)?));
    let (side, (sample, after)) = side.between(both).await?;
    Ok((side, [before, sample, after]))
}

/// Texts of both sides in turns; gives how much more CPU a text takes with the full database.
async fn texts(sides: &[GrowthSide; 2], options: &GrowthOptions) -> Result<f64> {
    let mut counted: [Vec<TextTurn>; 2] = [Vec::new(), Vec::new()];
    for round in 0..options.rounds {
        // In turns also within the round: what warms up or tires in it hits both sides.
        for which in [round % 2, 1 - round % 2] {
            let turn = sides[which].texts(options.texts, options.concurrency, round).await?;
            println!("round {round}, {}: {:.3} ms CPU a text, {:.0}/s, median {:.2} ms", NAMES[which], turn.cpu_ms, turn.rate, turn.p50_ms);
            if round > 0 {
                counted[which].push(turn);
            }
        }
    }
    let [empty, full] = &counted;
    let ratio = |of: fn(&TextTurn) -> f64| {
        let ratios: Vec<f64> = full.iter().zip(empty).map(|(full, empty)| of(full) / of(empty)).collect();
        median(&ratios, |ratio| *ratio)
    };
    println!("\n| a text, {} requests in flight | empty | full | full ÷ empty |\n| --- | --- | --- | --- |", options.concurrency);
    let row = |name: &str, of: fn(&TextTurn) -> f64| {
        println!("| {name} | {:.3} | {:.3} | {:.2} × |", median(empty, of), median(full, of), ratio(of));
    };
    row("CPU, ms", |turn| turn.cpu_ms);
    row("texts a second", |turn| turn.rate);
    row("median, ms", |turn| turn.p50_ms);
    println!("| RSS, MiB | {:.0} | {:.0} | – |\n", sides[0].rss_mib()?, sides[1].rss_mib()?);
    Ok(ratio(|turn| turn.cpu_ms))
}

const NAMES: [&str; 2] = ["empty", "full"];

/// Each list of both sides, one after the other; gives the names of those that are above the bound.
async fn lists(sides: &[GrowthSide; 2], now: [&FileUse; 2], options: &GrowthOptions) -> Result<Vec<&'static str>> {
    let few = lists::all(&sides[0].places(now[0]).await?);
    let many = lists::all(&sides[1].places(now[1]).await?);
    let (mut slow, mut measured) = (Vec::new(), BTreeSet::new());
    println!("| list | empty, ms | full, ms | full ÷ empty |\n| --- | --- | --- | --- |");
    for (few, many) in few.iter().zip(&many) {
        let (empty, full) = (sides[0].time(few, options.calls).await?, sides[1].time(many, options.calls).await?);
        println!("{}", lists::line(many.name, empty, full));
        if lists::is_above(empty, full, LIST) {
            slow.push(many.name);
        }
        measured.insert(many.operation);
    }
    let documented = sides[1].documented_lists().await?;
    let left: Vec<&str> = documented.iter().map(String::as_str).filter(|name| !measured.contains(*name)).collect();
    println!("\nlists that are not measured: {}", left.join(", "));
    Ok(slow)
}
