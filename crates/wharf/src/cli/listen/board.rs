//! What stands on the screen: one line for each message, whose ticks grow. From events to lines, without a terminal.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;
use wharf_api::ids::MessageId;

use super::words::{Said, said};
use crate::cli::operations::shortened;
use crate::cli::plain::plain;

/// How many messages and sessions are remembered. One that was forgotten has a line of its own again.
const REMEMBERED: usize = 1_000;
const GAP: &str = "  ";

/// How much room a terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub rows: usize,
    pub columns: usize,
}

/// What is to be written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// A line below all others.
    Below(String),
    /// The line that stands so many above the end now says this; 1 is the last one.
    Above { up: usize, line: String },
}

#[derive(Default)]
pub(super) struct Board {
    /// `None` where nobody looks: each change is a line then.
    room: Option<Room>,
    /// What each line on the screen is about, the lowest last; `None` is one that stays as it is.
    lines: VecDeque<Option<String>>,
    told: HashMap<String, ToldLine>,
    /// What is told, in the order of its coming.
    order: VecDeque<String>,
}

/// What was said last of a message or a session.
struct ToldLine {
    /// When it was first heard of.
    at: String,
    words: String,
    mark: String,
}

impl Board {
    /// Lines that were drawn in another room are where nobody knows.
    pub(super) fn fit(&mut self, room: Option<Room>) {
        if self.room != room {
            self.room = room;
            self.lines.clear();
        }
    }

    /// Where the event says something new, what is to be written. `name` is what people call its session.
    pub(super) fn tell(&mut self, event: &Value, name: &str) -> Option<Change> {
        let said = said(event);
        let now = plain(event["createdAt"].as_str().unwrap_or_default());
        let Some(about) = said.about.clone() else {
            self.moved(1);
            return Some(Change::Below(self.line(&now, name, &said)));
        };
        let first = match self.told.get_mut(&about) {
            // The same step is told by two kinds of events.
            Some(told) if told.words == said.words && told.mark == said.mark => return None,
            Some(told) => {
                told.words.clone_from(&said.words);
                told.mark.clone_from(&said.mark);
                told.at.clone()
            }
            None => {
                self.remember(about.clone(), ToldLine { at: now.clone(), words: said.words.clone(), mark: said.mark.clone() });
                now.clone()
            }
        };
        // A session's lines are its story; a message has one line.
        let is_message = about.starts_with(MessageId::PREFIX);
        let place = self.lines.iter().rev().position(|line| line.as_ref() == Some(&about));
        match place {
            Some(place) if is_message => Some(Change::Above { up: place + 1, line: self.line(&first, name, &said) }),
            _ => {
                let line = self.line(&now, name, &said);
                self.push(is_message.then_some(about));
                Some(Change::Below(line))
            }
        }
    }

    /// Other lines have come below.
    pub(super) fn moved(&mut self, lines: usize) {
        for _ in 0..lines {
            self.push(None);
        }
    }

    fn push(&mut self, about: Option<String>) {
        // The cursor has a row of its own, below all lines.
        let Some(most) = self.room.map(|room| room.rows.saturating_sub(1)) else { return };
        self.lines.push_back(about);
        while self.lines.len() > most {
            self.lines.pop_front();
        }
    }

    fn remember(&mut self, about: String, told: ToldLine) {
        if self.order.len() >= REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.told.remove(&oldest);
        }
        self.order.push_back(about.clone());
        self.told.insert(about, told);
    }

    /// One row of the terminal, never two; the ticks are always seen.
    fn line(&self, at: &str, name: &str, said: &Said) -> String {
        // The time of day stands in the middle of the full form.
        let head = [at.get(11..19).unwrap_or(at), name, &said.words].join(GAP);
        let mark = if said.mark.is_empty() { String::new() } else { format!("{GAP}{}", said.mark) };
        // The last column stays free: terminals differ in the width of what is no letter.
        let left = self.room.map(|room| room.columns.saturating_sub(1 + mark.width()));
        let head = match left {
            Some(left) if head.width() > left => shortened(&head, left),
            _ => head,
        };
        let style = said.style;
        if mark.is_empty() { head } else { format!("{head}{style}{mark}{style:#}") }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ROOM: Room = Room { rows: 4, columns: 60 };

    fn board(room: Option<Room>) -> Board {
        let mut board = Board::default();
        board.fit(room);
        board
    }

    fn message(id: &str, kind: &str, status: &str) -> Value {
        let second = match status {
            "queued" => 1,
            "sent" => 2,
            "delivered" => 3,
            _ => 4,
        };
        let chat = json!({"chatId": "1@s", "phoneNumber": "1"});
        let data = json!({"messageId": id, "direction": "outgoing", "status": status, "type": "text", "text": "Hello", "chat": chat});
        json!({"event": kind, "createdAt": format!("2026-01-15T09:00:0{second}.000Z"), "sessionId": "ses_1", "data": data})
    }

    fn bare(change: Option<Change>) -> Option<(usize, String)> {
        let strip = |line: String| anstream::adapter::strip_str(&line).to_string();
        change.map(|change| match change {
            Change::Below(line) => (0, strip(line)),
            Change::Above { up, line } => (up, strip(line)),
        })
    }

    fn line(up: usize, time: u8, mark: &str) -> (usize, String) {
        (up, format!("09:00:0{time}  Shop  → +1  «Hello»  {mark}"))
    }

    #[test]
    fn on_a_terminal_a_message_has_one_line_whose_ticks_grow() {
        let mut board = board(Some(ROOM));
        let mut tell = |id: &str, kind: &str, status: &str| bare(board.tell(&message(id, kind, status), "Shop"));
        assert_eq!(tell("msg_1", "message.status", "queued"), Some(line(0, 1, "· queued")));
        assert_eq!(tell("msg_2", "message.status", "queued"), Some(line(0, 1, "· queued")));
        assert_eq!(tell("msg_1", "message.status", "sent"), Some(line(2, 1, "✓ sent")));
        assert_eq!(tell("msg_2", "message.status", "sent"), Some(line(1, 1, "✓ sent")));
        assert_eq!(tell("msg_1", "message.read", "read"), Some(line(2, 1, "✓✓ read")));
    }

    #[test]
    fn elsewhere_each_change_is_a_line_with_its_own_time() {
        let mut board = board(None);
        let mut tell = |kind: &str, status: &str| bare(board.tell(&message("msg_1", kind, status), "Shop"));
        assert_eq!(tell("message.status", "queued"), Some(line(0, 1, "· queued")));
        assert_eq!(tell("message.status", "sent"), Some(line(0, 2, "✓ sent")));
        assert_eq!(tell("message.sent", "sent"), None, "two events tell the same step");
        assert_eq!(tell("message.status", "delivered"), Some(line(0, 3, "✓✓ delivered")));
    }

    #[test]
    fn a_line_that_has_left_the_screen_comes_again_below() {
        let mut board = board(Some(ROOM));
        board.tell(&message("msg_1", "message.status", "queued"), "Shop");
        board.moved(2);
        assert_eq!(bare(board.tell(&message("msg_1", "message.status", "sent"), "Shop")), Some(line(3, 1, "✓ sent")));
        board.moved(1);
        assert_eq!(bare(board.tell(&message("msg_1", "message.status", "delivered"), "Shop")), Some(line(0, 3, "✓✓ delivered")));
        // In a room of another size nobody knows where the lines are.
        board.fit(Some(Room { columns: 50, ..ROOM }));
        assert_eq!(bare(board.tell(&message("msg_1", "message.read", "read"), "Shop")), Some(line(0, 4, "✓✓ read")));
    }

    #[test]
    fn a_line_takes_one_row_and_shows_its_ticks_however_long_the_text() {
        let mut board = board(Some(ROOM));
        let mut long = message("msg_1", "message.sent", "sent");
        long["data"]["text"] = json!("é".repeat(200));
        let (_, line) = bare(board.tell(&long, "Shop")).unwrap();
        assert!(line.width() == ROOM.columns - 1 && line.ends_with("…  ✓ sent"), "{line}");
    }

    #[test]
    fn a_sessions_steps_are_lines_of_their_own_and_each_is_told_once() {
        let mut board = board(Some(ROOM));
        let step = |kind: &str, status: &str| {
            let data = json!({"sessionId": "ses_1", "status": status});
            json!({"event": kind, "createdAt": "2026-01-15T09:00:01.000Z", "data": data})
        };
        let mut tell = |kind: &str, status: &str| bare(board.tell(&step(kind, status), "Shop"));
        let said = |words: &str| Some((0, format!("09:00:01  Shop  {words}")));
        assert_eq!(tell("session.status", "qr"), said("waits for its scan"));
        assert_eq!(tell("session.qr", "qr"), None);
        assert_eq!(tell("session.status", "connected"), said("is connected"));
        assert_eq!(tell("session.connected", "connected"), None);
        assert_eq!(tell("session.status", "qr"), said("waits for its scan"));
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let mut board = board(None);
        for number in 0..=REMEMBERED {
            board.tell(&message(&format!("msg_{number}"), "message.sent", "sent"), "Shop");
        }
        assert_eq!((board.told.len(), board.order.len()), (REMEMBERED, REMEMBERED));
        assert!(board.tell(&message("msg_0", "message.sent", "sent"), "Shop").is_some(), "the oldest is forgotten");
    }
}
