//! The table of rows: medians of the rounds, and of each round's ratios to the bare axum.

use super::caller::AnswerTally;
use super::rows::EdgeRow;
use super::stage::EdgeTurn;
use crate::sends::median;

/// A row in one round.
#[derive(Clone, Debug)]
pub struct EdgeRound {
    /// Its place among the rows.
    pub row: usize,
    pub wharf: EdgeTurn,
    pub bare: EdgeTurn,
}

const HEAD: [&str; 2] = [
    "| asked | answered | Wharf, calls/s | bare axum, calls/s | Wharf ÷ bare | to be shown | \
     CPU, µs a call, Wharf | bare axum | core busy, Wharf | bare axum | lines of log per 1,000 |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
];

pub fn lines(rows: &[EdgeRow], seen: &[EdgeRound]) -> Vec<String> {
    let mut lines = Vec::from(HEAD.map(str::to_owned));
    for (place, row) in rows.iter().enumerate() {
        let rounds: Vec<&EdgeRound> = seen.iter().filter(|round| round.row == place).collect();
        let of = |what: fn(&EdgeRound) -> f64| median(&rounds, |round| what(round));
        let mut answers = AnswerTally::default();
        for round in &rounds {
            answers.follow(&round.wharf.answers);
        }
        let written: usize = rounds.iter().map(|round| round.wharf.lines).sum();
        let ratio = of(|round| round.wharf.answers.rate() / round.bare.answers.rate());
        lines.push(format!(
            "| {} | {} | {:.0} | {:.0} | {ratio:.2} × | {} | {:.1} | {:.1} | {:.0} % | {:.0} % | {:.2} |",
            row.name,
            answers.words(),
            of(|round| round.wharf.answers.rate()),
            of(|round| round.bare.answers.rate()),
            verdict(row.goal, ratio),
            of(|round| cpu_us(&round.wharf)),
            of(|round| cpu_us(&round.bare)),
            of(|round| round.wharf.busy) * 100.0,
            of(|round| round.bare.busy) * 100.0,
            written as f64 * 1_000.0 / answers.calls(),
        ));
    }
    lines
}

/// What one answer of a row costs the gateway.
pub fn wharf_us(seen: &[EdgeRound], row: usize) -> f64 {
    let rounds: Vec<&EdgeRound> = seen.iter().filter(|round| round.row == row).collect();
    median(&rounds, |round| cpu_us(&round.wharf))
}

fn cpu_us(turn: &EdgeTurn) -> f64 {
    turn.cpu_ms * 1_000.0 / turn.answers.calls()
}

fn verdict(goal: Option<f64>, ratio: f64) -> String {
    match goal {
        None => "–".to_owned(),
        Some(goal) if ratio >= goal => format!("{goal:.2} ×: shown"),
        Some(goal) => format!("{goal:.2} ×: **not shown**"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::wire::EdgeRequest;

    fn turn(calls: usize, cpu_ms: f64, lines: usize) -> EdgeTurn {
        let mut answers = AnswerTally { seconds: 1.0, ..AnswerTally::default() };
        for _ in 0..calls {
            answers.count(401);
        }
        EdgeTurn { answers, cpu_ms, busy: 0.5, lines }
    }

    #[test]
    fn a_ratio_is_the_median_of_the_rounds_and_lines_are_counted_by_the_thousand() {
        let request = EdgeRequest { method: "GET", path: "/v1/account", head: String::new(), body: String::new() };
        let rows = [EdgeRow { name: "no key", request, status: 401, goal: Some(0.9), strict: false }];
        // The machine was half as fast in the second round, for both.
        let rounds = [(100, 100), (45, 50), (80, 100)];
        let seen = rounds.map(|(wharf, bare)| EdgeRound { row: 0, wharf: turn(wharf, 1.0, 3), bare: turn(bare, 1.0, 0) });
        let lines = lines(&rows, &seen);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[2], "| no key | 401 | 80 | 100 | 0.90 × | 0.90 ×: shown | 12.5 | 10.0 | 50 % | 50 % | 40.00 |");
        assert!((wharf_us(&seen, 0) - 12.5).abs() < 1e-9);
    }

    #[test]
    fn what_is_not_to_be_shown_is_not_judged() {
        assert_eq!(verdict(None, 0.1), "–");
        assert!(verdict(Some(0.6), 0.59).contains("not shown"));
    }
}
