//! Calls from several callers at once, each making its next one as soon as the last is answered, and how long they took.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

/// How many contacts texts go to in turn.
pub const CONTACTS: usize = 100;

/// How much is called.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    pub concurrency: usize,
    /// When the last call begins at the latest.
    pub seconds: f64,
    /// The most calls.
    pub calls: usize,
}

/// What a load took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Took {
    pub calls: usize,
    pub seconds: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

impl Load {
    /// As one program writes it to another.
    pub fn line(&self) -> String {
        format!("{} {} {}", self.concurrency, self.seconds, self.calls)
    }

    pub fn read(line: &str) -> Result<Self> {
        let mut words = line.split_whitespace();
        let mut next = || words.next().context("three numbers");
        Ok(Self { concurrency: next()?.parse()?, seconds: next()?.parse()?, calls: next()?.parse()? })
    }
}

impl Took {
    pub fn line(&self) -> String {
        json!({"calls": self.calls, "seconds": self.seconds, "p50Ms": self.p50_ms, "p99Ms": self.p99_ms}).to_string()
    }

    pub fn read(line: &Value) -> Result<Self> {
        let number = |name: &str| line[name].as_f64().with_context(|| format!("{name} in {line}"));
        let calls = usize::try_from(line["calls"].as_u64().context("calls")?)?;
        Ok(Self { calls, seconds: number("seconds")?, p50_ms: number("p50Ms")?, p99_ms: number("p99Ms")? })
    }
}

/// Makes the calls; `call` is given the number of each.
pub async fn drive<T>(load: &Load, call: impl Fn(usize) -> T) -> Result<Took>
where
    T: Future<Output = Result<()>>,
{
    let (began, next) = (Instant::now(), AtomicUsize::new(0));
    let (ends, most) = (Duration::from_secs_f64(load.seconds), load.calls);
    let caller = |_| {
        let (next, call) = (&next, &call);
        async move {
            let mut times = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= most || began.elapsed() >= ends {
                    return anyhow::Ok(times);
                }
                let asked = Instant::now();
                call(number).await?;
                times.push(asked.elapsed().as_secs_f64() * 1_000.0);
            }
        }
    };
    let mut times = try_join_all((0..load.concurrency).map(caller)).await?.concat();
    let seconds = began.elapsed().as_secs_f64();
    ensure!(!times.is_empty(), "nothing was called");
    times.sort_by(f64::total_cmp);
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or(f64::NAN);
    Ok(Took { calls: times.len(), seconds, p50_ms: at(50), p99_ms: at(99) })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[tokio::test]
    async fn every_number_is_called_once_and_no_more_at_a_time_than_there_are_callers() {
        let (open, called) = (RefCell::new((0_usize, 0_usize)), RefCell::new(Vec::new()));
        let load = Load { concurrency: 4, seconds: 60.0, calls: 50 };
        let took = drive(&load, |number| {
            let (open, called) = (&open, &called);
            async move {
                let now = open.borrow().0 + 1;
                let most = open.borrow().1.max(now);
                *open.borrow_mut() = (now, most);
                tokio::task::yield_now().await;
                called.borrow_mut().push(number);
                open.borrow_mut().0 -= 1;
                Ok(())
            }
        })
        .await
        .unwrap();
        called.borrow_mut().sort_unstable();
        assert_eq!(*called.borrow(), (0..50).collect::<Vec<_>>());
        assert_eq!((took.calls, open.borrow().1), (50, 4));
    }

    #[test]
    fn what_one_program_writes_the_other_reads() {
        let load = Load { concurrency: 8, seconds: 2.5, calls: 4_000 };
        assert_eq!(Load::read(&load.line()).unwrap(), load);
        let took = Took { calls: 7, seconds: 0.5, p50_ms: 1.25, p99_ms: 8.0 };
        assert_eq!(Took::read(&serde_json::from_str(&took.line()).unwrap()).unwrap(), took);
    }
}
