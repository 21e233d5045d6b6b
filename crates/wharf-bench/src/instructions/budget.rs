//! The budget: how many instructions each operation may take, and with what that was counted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};

const HEAD: &str = "\
# Instructions of the gateway for one operation, as valgrind's callgrind counts them; the gate of the test command.
# Written by `cargo xtask instructions --write`, and compared by `cargo xtask instructions`: docs/performance.md says how.
";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Profile, compiler, processor and valgrind.
    pub counted_with: String,
    pub operations: BTreeMap<String, u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Within,
    Above,
    Below,
    Missing,
}

impl Budget {
    /// `None` where there is no file.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).with_context(|| path.display().to_string()).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        std::fs::write(path, self.text()).with_context(|| path.display().to_string())
    }

    fn parse(text: &str) -> Result<Self> {
        let table: toml::Table = text.parse()?;
        let counted_with = table.get("counted_with").and_then(toml::Value::as_str).context("counted_with")?.to_owned();
        let mut operations = BTreeMap::new();
        for (name, value) in table.get("operations").and_then(toml::Value::as_table).context("operations")? {
            let count = value.as_integer().and_then(|count| u64::try_from(count).ok()).with_context(|| format!("a number of {name}"))?;
            operations.insert(name.clone(), count);
        }
        Ok(Self { counted_with, operations })
    }

    fn text(&self) -> String {
        let mut text = format!("{HEAD}counted_with = {}\n\n[operations]\n", toml::Value::from(self.counted_with.as_str()));
        for (name, count) in &self.operations {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name} = {}", grouped(*count, '_'));
        }
        text
    }
}

/// By how many percent a count differs from its budget, and what follows of it.
pub fn judge(counted: u64, budget: Option<u64>, bound: f64) -> (f64, Verdict) {
    let Some(budget) = budget.filter(|budget| *budget > 0) else { return (0.0, Verdict::Missing) };
    let percent = (counted as f64 / budget as f64 - 1.0) * 100.0;
    let verdict = if percent > bound {
        Verdict::Above
    } else if percent < -bound {
        Verdict::Below
    } else {
        Verdict::Within
    };
    (percent, verdict)
}

/// A number in groups of three digits.
pub fn grouped(number: u64, by: char) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(by);
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let operations = [("text", 1_234_567), ("list", 89)].map(|(name, count)| (name.to_owned(), count));
        let budget = Budget { counted_with: "gate, a \"compiler\"".to_owned(), operations: operations.into() };
        assert!(budget.text().contains("text = 1_234_567\n"), "{}", budget.text());
        assert_eq!(Budget::parse(&budget.text()).unwrap(), budget);
    }

    #[test]
    fn a_count_is_judged_by_its_difference_from_the_budget_and_without_one_it_is_missing() {
        assert_eq!(judge(1_031, Some(1_000), 3.0).1, Verdict::Above);
        assert_eq!(judge(1_029, Some(1_000), 3.0).1, Verdict::Within);
        assert_eq!(judge(971, Some(1_000), 3.0).1, Verdict::Within);
        assert_eq!(judge(969, Some(1_000), 3.0).1, Verdict::Below);
        assert_eq!(judge(969, None, 3.0).1, Verdict::Missing);
        assert_eq!(judge(969, Some(0), 3.0).1, Verdict::Missing);
    }

    #[test]
    fn digits_stand_in_groups_of_three() {
        let shown = [0, 999, 1_000, 12_345_678].map(|number| grouped(number, ','));
        assert_eq!(shown, ["0", "999", "1,000", "12,345,678"]);
    }
}
