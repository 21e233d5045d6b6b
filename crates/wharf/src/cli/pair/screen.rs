//! The QR code on a terminal: the next one takes the place of the one before.

use std::io::{self, IsTerminal, Write};

use crate::http::picture;

const HINT: &str = "On the phone: WhatsApp, Settings, Linked devices, Link a device. Then scan this code:";

pub(in crate::cli) struct PairScreen {
    terminal: bool,
    /// How many lines the last picture took.
    lines: usize,
}

impl PairScreen {
    pub(in crate::cli) fn new() -> Self {
        Self { terminal: io::stdout().is_terminal(), lines: 0 }
    }

    /// `failed` says why the last try to pair failed.
    pub(in crate::cli) fn show(&mut self, text: &str, failed: Option<&str>) -> anyhow::Result<()> {
        let picture = picture::terminal(text)?;
        let mut out = io::stdout().lock();
        if self.terminal && self.lines > 0 {
            write!(out, "\x1b[{}A\x1b[J", self.lines)?;
        }
        if let Some(failed) = failed {
            writeln!(out, "The last try failed: {failed}.")?;
        }
        writeln!(out, "{HINT}\n")?;
        for line in picture.lines() {
            // White on black whatever the terminal's own colours are: cameras want the contrast.
            if self.terminal { writeln!(out, "\x1b[97;40m{line}\x1b[0m")? } else { writeln!(out, "{line}")? }
        }
        writeln!(out)?;
        out.flush()?;
        self.lines = picture.lines().count() + 3 + usize::from(failed.is_some());
        Ok(())
    }
}
