//! The board on the terminal, and beside it what is no event.

use std::io::{self, IsTerminal as _};

use anstream::{AutoStream, ColorChoice};
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use super::board::{Board, Change, Room};
use crate::cli::out::print;

pub(super) struct Screen {
    board: Board,
    colours: bool,
    /// Whether the cursor can be moved.
    moves: bool,
}

impl Screen {
    pub(super) fn new() -> Self {
        let colours = !matches!(AutoStream::choice(&io::stdout()), ColorChoice::Never);
        let moves = io::stdout().is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb");
        Self { board: Board::default(), colours, moves }
    }

    /// Shows the event, where it says something new.
    pub(super) fn tell(&mut self, event: &Value, name: &str) -> anyhow::Result<()> {
        self.board.fit(self.room());
        match self.board.tell(event, name) {
            None => Ok(()),
            Some(Change::Below(line)) => write(&format!("{}\n", self.coloured(line))),
            Some(Change::Above { up, line }) => write(&format!("\r\x1b[{up}A\x1b[2K{}\r\x1b[{up}B", self.coloured(line))),
        }
    }

    /// A line that is no event.
    pub(super) fn add(&mut self, line: &str) -> anyhow::Result<()> {
        self.count(line);
        write(&format!("{line}\n"))
    }

    /// A note for whoever watches, on the standard error.
    pub(super) fn note(&mut self, line: &str) {
        if io::stderr().is_terminal() {
            self.count(line);
        }
        eprintln!("{line}");
    }

    /// The rows that a line takes that is not made for the room.
    fn count(&mut self, line: &str) {
        let room = self.room();
        self.board.fit(room);
        if let Some(Room { columns, .. }) = room {
            self.board.moved(line.width().div_ceil(columns).max(1));
        }
    }

    fn room(&self) -> Option<Room> {
        let (rows, columns) = console::Term::stdout().size_checked().filter(|_| self.moves)?;
        Some(Room { rows: usize::from(rows), columns: usize::from(columns) })
    }

    fn coloured(&self, line: String) -> String {
        if self.colours { line } else { anstream::adapter::strip_str(&line).to_string() }
    }
}

fn write(text: &str) -> anyhow::Result<()> {
    print(&mut io::stdout().lock(), text.as_bytes())
}
