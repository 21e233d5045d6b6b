//! How far a command is that lasts: a bar or a turning line on a terminal, a line now and then elsewhere. All of it on the standard error.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line turns of which nobody knows how far it is.
const TURN: Duration = Duration::from_millis(100);

/// Bytes that have gone, of how many, and how fast. It is drawn where the standard error is a terminal, and goes when it is dropped.
pub(super) fn bar(size: Option<u64>, what: &'static str) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}")?;
    let bar = size.map_or_else(ProgressBar::no_length, ProgressBar::new);
    Ok(bar.with_style(style).with_message(what))
}

/// Steps of which nobody knows how many there are.
pub(super) struct Steps(ProgressBar);

impl Steps {
    pub(super) fn begin(what: &'static str) -> anyhow::Result<Self> {
        let line = ProgressBar::no_length().with_style(ProgressStyle::with_template("{spinner} {msg}")?).with_message(what);
        if !line.is_hidden() {
            line.enable_steady_tick(TURN);
        }
        Ok(Self(line))
    }

    /// Whether a terminal shows each step in the place of the one before; elsewhere each is a line.
    pub(super) fn replaces(&self) -> bool {
        !self.0.is_hidden()
    }

    pub(super) fn say(&self, step: String) {
        if self.replaces() {
            self.0.set_message(step);
        } else {
            eprintln!("{step}");
        }
    }
}
