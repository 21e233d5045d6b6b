//! Texts of a good sender alone, beside a flood of bad keys that a bare axum on the same core refuses, and beside one at the gateway.
//!
//! The callers of flood and texts share the cores that the gateway does not have; the flood at the bare axum shows what that alone costs.

use anyhow::{Result, ensure};
use serde_json::json;

use super::EdgesOptions;
use super::caller::{AnswerTally, PacedFlood};
use super::stage::EdgeStage;
use crate::load::{CONTACTS, Load, Took, drive};
use crate::sends::{contact, median};

/// Where the flood goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FloodAt {
    Nobody,
    Bare,
    Wharf,
}

/// The texts of one turn.
#[derive(Clone, Debug)]
pub struct SenderTurn {
    round: usize,
    concurrency: usize,
    flood: FloodAt,
    took: Took,
    /// Of the gateway, until it came to rest.
    cpu_ms: f64,
    /// What the flood was answered.
    refusals: AnswerTally,
}

/// The row of the table that the flood is made of: a key that is none.
pub const FLOOD_ROW: usize = 0;

const HEAD: [&str; 2] = [
    "| texts in flight | flood | answered, a second | p50, ms | p99, ms | texts/s | p50 ÷ alone | \
     CPU of Wharf, ms a text | CPU ÷ alone | less the refusals' own |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
];

impl FloodAt {
    const ALL: [Self; 3] = [Self::Nobody, Self::Bare, Self::Wharf];

    const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "none",
            Self::Bare => "at a bare axum on the same core",
            Self::Wharf => "at Wharf",
        }
    }
}

impl SenderTurn {
    /// Of a text, without what so many refusals at this price took.
    fn cpu_without(&self, refusal_us: f64) -> f64 {
        let refusals = if self.flood == FloodAt::Wharf { self.refusals.calls() } else { 0.0 };
        (self.cpu_ms - refusals * refusal_us / 1_000.0) / self.took.calls as f64
    }
}

/// Each in turn at each number of texts in flight; which begins changes with the round.
pub async fn measure(stage: &EdgeStage, options: &EdgesOptions) -> Result<Vec<SenderTurn>> {
    ensure!(
        options.flood_rate > 0.0 && options.flood_connections > 0,
        "a flood asks: --flood-rate and --flood-connections must be above 0"
    );
    let mut seen = Vec::new();
    for round in 0..options.rounds {
        for &concurrency in &options.concurrency {
            for place in 0..FloodAt::ALL.len() {
                let flood = FloodAt::ALL[(round + place) % FloodAt::ALL.len()];
                let turn = turn(stage, options, (round, concurrency, flood)).await?;
                println!(
                    "round {round}, {concurrency} in flight, flood {}: p50 {:.2} ms, {:.0} texts/s",
                    flood.name(),
                    turn.took.p50_ms,
                    turn.took.calls as f64 / turn.took.seconds
                );
                if round > 0 {
                    seen.push(turn);
                }
            }
        }
    }
    Ok(seen)
}

async fn turn(stage: &EdgeStage, options: &EdgesOptions, (round, concurrency, flood): (usize, usize, FloodAt)) -> Result<SenderTurn> {
    let load = Load { concurrency, seconds: options.seconds, calls: options.texts };
    let before = stage.rested_ms().await?;
    let request = &stage.rows[FLOOD_ROW].request;
    let target = match flood {
        FloodAt::Nobody => None,
        FloodAt::Bare => Some((stage.bare_address()?, request.bytes(&format!("/{FLOOD_ROW}")))),
        FloodAt::Wharf => Some((stage.gateway_address()?, request.bytes(request.path))),
    };
    let flooding = target.map(|(address, bytes)| PacedFlood::begin(address, &bytes, options.flood_connections, options.flood_rate));
    let took = drive(&load, |number| send(stage, number)).await?;
    let refusals = match flooding {
        Some(flooding) => flooding.end().await?,
        None => AnswerTally::default(),
    };
    Ok(SenderTurn { round, concurrency, flood, took, cpu_ms: stage.rested_ms().await? - before, refusals })
}

/// One text, answered when it is acknowledged.
async fn send(stage: &EdgeStage, number: usize) -> Result<()> {
    let body = json!({"sessionId": stage.tenant.session, "to": contact(number % CONTACTS), "text": format!("text {number}")});
    stage.tenant.api.post("/v1/messages/text", &body).await.map(|_| ())
}

/// The table; `refusal_us` is what a refusal costs by itself, where that is known.
pub fn lines(seen: &[SenderTurn], concurrency: &[usize], refusal_us: Option<f64>) -> Vec<String> {
    let mut lines = Vec::from(HEAD.map(str::to_owned));
    for &concurrency in concurrency {
        for flood in FloodAt::ALL {
            let turns: Vec<&SenderTurn> = seen.iter().filter(|turn| turn.concurrency == concurrency && turn.flood == flood).collect();
            let mut refusals = AnswerTally::default();
            for turn in &turns {
                refusals.follow(&turn.refusals);
            }
            let answered =
                if flood == FloodAt::Nobody { "–".to_owned() } else { format!("{:.0}, {}", refusals.rate(), refusals.words()) };
            let of = |what: fn(&SenderTurn) -> f64| median(&turns, |turn| what(turn));
            let less = refusal_us
                .map_or_else(|| "not known".to_owned(), |price| format!("{:.2} ×", ratio(&turns, seen, |turn| turn.cpu_without(price))));
            lines.push(format!(
                "| {concurrency} | {} | {answered} | {:.2} | {:.2} | {:.0} | {:.2} × | {:.3} | {:.2} × | {less} |",
                flood.name(),
                of(|turn| turn.took.p50_ms),
                of(|turn| turn.took.p99_ms),
                of(|turn| turn.took.calls as f64 / turn.took.seconds),
                ratio(&turns, seen, |turn| turn.took.p50_ms),
                of(|turn| turn.cpu_without(0.0)),
                ratio(&turns, seen, |turn| turn.cpu_without(0.0)),
            ));
        }
    }
    lines
}

/// The median of the turns' figures by that of the turn alone in the same round.
fn ratio(turns: &[&SenderTurn], seen: &[SenderTurn], of: impl Fn(&SenderTurn) -> f64) -> f64 {
    let is_alone = |turn: &SenderTurn, other: &SenderTurn| {
        other.flood == FloodAt::Nobody && other.round == turn.round && other.concurrency == turn.concurrency
    };
    let ratios: Vec<f64> = turns.iter().filter_map(|turn| Some(of(turn) / of(seen.iter().find(|other| is_alone(turn, other))?))).collect();
    median(&ratios, |ratio| *ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(round: usize, flood: FloodAt, p50_ms: f64, cpu_ms: f64) -> SenderTurn {
        let took = Took { calls: 10, seconds: 1.0, p50_ms, p99_ms: 9.0 };
        let mut refusals = AnswerTally { seconds: 1.0, ..AnswerTally::default() };
        if flood != FloodAt::Nobody {
            for _ in 0..100 {
                refusals.count(401);
            }
        }
        SenderTurn { round, concurrency: 8, flood, took, cpu_ms, refusals }
    }

    #[test]
    fn a_turn_is_compared_with_the_one_alone_in_its_round_and_refusals_are_taken_off() {
        let seen = [
            seen(1, FloodAt::Nobody, 1.0, 10.0),
            seen(1, FloodAt::Wharf, 1.1, 12.0),
            seen(2, FloodAt::Nobody, 2.0, 20.0),
            seen(2, FloodAt::Wharf, 2.2, 22.0),
            seen(3, FloodAt::Nobody, 1.0, 10.0),
            seen(3, FloodAt::Wharf, 1.1, 12.0),
        ];
        let lines = lines(&seen, &[8], Some(20.0));
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[2], "| 8 | none | – | 1.00 | 9.00 | 10 | 1.00 × | 1.000 | 1.00 × | 1.00 × |");
        assert_eq!(lines[4], "| 8 | at Wharf | 100, 401 | 1.10 | 9.00 | 10 | 1.10 × | 1.200 | 1.20 × | 1.00 × |");
    }
}
