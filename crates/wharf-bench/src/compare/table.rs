//! The table of a comparison: medians of the rounds, and of each round's ratios to Wharf.

use super::side::Caption;
use crate::sends::median;

/// What one side did in one round.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub round: usize,
    /// Its place among the labels; the first one is Wharf.
    pub side: usize,
    pub concurrency: usize,
    /// Of a call, of the measured process.
    pub cpu_ms: f64,
    /// Of a call, of the pretend network.
    pub network_ms: f64,
    pub rate: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

const HEAD: [&str; 2] = [
    "| side | version | on the disk when a call is answered | calls in flight | CPU, ms a call | calls/s | p50, ms | p99, ms | CPU ÷ Wharf | calls/s ÷ Wharf | the network's CPU, ms a call |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
];

pub fn lines(labels: &[Caption], seen: &[Measured], concurrency: &[usize]) -> Vec<String> {
    let mut lines = Vec::from(HEAD.map(str::to_owned));
    for &concurrency in concurrency {
        for (side, label) in labels.iter().enumerate() {
            let rows: Vec<&Measured> = seen.iter().filter(|row| row.side == side && row.concurrency == concurrency).collect();
            let of = |what: fn(&Measured) -> f64| median(&rows, |row| what(row));
            let (cpu, rate) = (ratio(&rows, seen, |row| row.cpu_ms), ratio(&rows, seen, |row| row.rate));
            lines.push(format!(
                "| {} | {} | {} | {concurrency} | {:.3} | {:.0} | {:.2} | {:.2} | {cpu:.2} × | {rate:.2} × | {:.3} |",
                label.name,
                label.version,
                label.disk,
                of(|row| row.cpu_ms),
                of(|row| row.rate),
                of(|row| row.p50_ms),
                of(|row| row.p99_ms),
                of(|row| row.network_ms)
            ));
        }
    }
    lines
}

/// The median of a side's figure by Wharf's of the same round: the machine's pace changes from round to round.
fn ratio(rows: &[&Measured], seen: &[Measured], of: fn(&Measured) -> f64) -> f64 {
    let ratios: Vec<f64> = rows
        .iter()
        .filter_map(|row| {
            let wharf = seen.iter().find(|other| other.side == 0 && other.round == row.round && other.concurrency == row.concurrency)?;
            Some(of(row) / of(wharf))
        })
        .collect();
    median(&ratios, |ratio| *ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(round: usize, side: usize, cpu_ms: f64, rate: f64) -> Measured {
        Measured { round, side, concurrency: 8, cpu_ms, network_ms: 0.1, rate, p50_ms: 1.0, p99_ms: 2.0 }
    }

    #[test]
    fn a_ratio_is_the_median_of_the_rounds_ratios_and_not_the_ratio_of_the_medians() {
        let labels = ["Wharf", "peer"].map(|name| Caption { name, version: "1".to_owned(), disk: "nothing" });
        // The machine was half as fast in the second round, for both.
        let seen = [
            row(1, 0, 1.0, 100.0),
            row(1, 1, 3.0, 50.0),
            row(2, 0, 2.0, 50.0),
            row(2, 1, 6.0, 25.0),
            row(3, 0, 1.0, 100.0),
            row(3, 1, 4.0, 50.0),
        ];
        let lines = lines(&labels, &seen, &[8]);
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[2], "| Wharf | 1 | nothing | 8 | 1.000 | 100 | 1.00 | 2.00 | 1.00 × | 1.00 × | 0.100 |");
        assert_eq!(lines[3], "| peer | 1 | nothing | 8 | 4.000 | 50 | 1.00 | 2.00 | 3.00 × | 0.50 × | 0.100 |");
    }
}
