//! The people where they are people: they read what to do, and answer with a key.

use std::io::{self, Write as _};

use async_trait::async_trait;

use super::super::pair::screen::PairScreen;
use super::people::{Act, Done, People, Seen, Sight};

pub(super) struct Terminal {
    screen: std::sync::Mutex<PairScreen>,
}

impl Terminal {
    pub(super) fn new() -> Self {
        Self { screen: std::sync::Mutex::new(PairScreen::new()) }
    }
}

#[async_trait]
impl People for Terminal {
    fn tell(&self, line: &str) {
        println!("{line}");
    }

    async fn act(&self, act: &Act) -> anyhow::Result<Done> {
        if let Act::Scan { qr } = act {
            self.screen.lock().unwrap_or_else(std::sync::PoisonError::into_inner).show(qr, None)?;
            return Ok(Done::Done);
        }
        println!("  → {}", act.words());
        if act.is_seen() {
            return Ok(Done::Done);
        }
        let answer = ask("    Enter when it is done, or s and a reason to leave the step out: ").await?;
        Ok(match answer.trim().strip_prefix('s') {
            Some(reason) => Done::Left(said(reason, "left out by the person at the terminal")),
            None => Done::Done,
        })
    }

    async fn see(&self, sight: &Sight) -> anyhow::Result<Seen> {
        let Some(question) = sight.words() else { return Ok(Seen::Unasked) };
        loop {
            let answer = ask(&format!("  ? {question} [y/n/s and a remark] ")).await?;
            let answer = answer.trim();
            match answer.chars().next() {
                Some('y') => return Ok(Seen::Yes),
                Some('n') => return Ok(Seen::No(said(&answer[1..], question))),
                Some('s') => return Ok(Seen::Unasked),
                _ => {}
            }
        }
    }
}

fn said(remark: &str, otherwise: &str) -> String {
    let remark = remark.trim();
    if remark.is_empty() { otherwise.to_owned() } else { remark.to_owned() }
}

/// Reads a line on a thread that may wait.
async fn ask(question: &str) -> anyhow::Result<String> {
    print!("{question}");
    io::stdout().flush()?;
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|read| (read, line))
    });
    let (read, line) = line.await??;
    anyhow::ensure!(read > 0, "nobody is at the terminal");
    Ok(line)
}
