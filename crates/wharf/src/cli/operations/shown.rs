//! Answers for people: a list as a table, one thing as a line for each of its members. What strangers wrote cannot steer the terminal.

use std::fmt::Write as _;

use anstyle::Style as Ansi;
use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr as _;
use wharf_api::openapi;
use wharf_api::ops::{Answer, Operation};

use crate::cli::plain::plain;

/// A cell of a table is not wider than this on a terminal.
const CELL: usize = 40;
/// A word that is longer is no word for people, such as a picture in Base64.
const WORD: usize = 200;
const GAP: &str = "  ";

/// How much room there is.
pub(super) struct Style {
    /// In columns; `None` where nobody looks.
    pub width: Option<usize>,
}

impl Style {
    pub(super) fn of_terminal() -> Self {
        Self { width: console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns)) }
    }
}

/// What is shown of an answer in the envelope.
pub(super) fn answer(op: &Operation, body: &Value, style: &Style) -> String {
    match body["data"].as_array() {
        Some(rows) if rows.is_empty() => nothing(),
        Some(rows) => {
            let table = Table::of(op, rows, style);
            table.head() + &table.rows(rows)
        }
        None => {
            let mut out = String::new();
            one(&schema_of(op), &body["data"], 0, &mut out);
            out
        }
    }
}

pub(super) fn nothing() -> String {
    "Nothing.\n".to_owned()
}

fn schema_of(op: &Operation) -> Value {
    match op.answer {
        Answer::One(name) | Answer::Whole(name) | Answer::List(name) => openapi::schema(name).unwrap_or_default(),
        Answer::Raw(_) | Answer::File => Value::Null,
    }
}

/// Columns that are the same for all pages of a list.
pub(super) struct Table {
    columns: Vec<Column>,
    cut: bool,
}

struct Column {
    name: String,
    width: usize,
}

impl Table {
    /// The members that say something in these rows, as many as there is room for.
    pub(super) fn of(op: &Operation, rows: &[Value], style: &Style) -> Self {
        let cut = style.width.is_some();
        let mut left = style.width.unwrap_or(usize::MAX);
        let mut columns = Vec::new();
        for name in columns_of(&schema_of(op)) {
            let widest = rows.iter().map(|row| cell(&row[&name], cut).width()).max().unwrap_or_default();
            let width = widest.max(name.width());
            let needed = width + if columns.is_empty() { 0 } else { GAP.len() };
            if widest > 0 && (columns.is_empty() || needed <= left) {
                left = left.saturating_sub(needed);
                columns.push(Column { name, width });
            }
        }
        Self { columns, cut }
    }

    pub(super) fn head(&self) -> String {
        let bold = Ansi::new().bold();
        let names = self.line(|column| column.name.clone());
        format!("{bold}{}{bold:#}\n", names.trim_end())
    }

    pub(super) fn rows(&self, rows: &[Value]) -> String {
        rows.iter().map(|row| self.line(|column| cell(&row[&column.name], self.cut)).trim_end().to_owned() + "\n").collect()
    }

    fn line(&self, cell: impl Fn(&Column) -> String) -> String {
        let cells = self.columns.iter().map(|column| {
            let text = cell(column);
            let room = " ".repeat(column.width.saturating_sub(text.width()));
            text + &room
        });
        cells.collect::<Vec<_>>().join(GAP)
    }
}

/// The members of a row: its own id, what is always there, what may be there, times, ids of other things.
fn columns_of(schema: &Value) -> Vec<String> {
    let names = members(schema);
    let required = schema["required"].as_array().map_or(0, Vec::len);
    let rank = |place: usize, name: &str| match &schema["properties"][name] {
        _ if place == 0 => 0,
        member if member["format"] == "date-time" => 3,
        _ if name.ends_with("Id") => 4,
        _ if place < required => 1,
        _ => 2,
    };
    let mut ranked: Vec<_> = names.into_iter().enumerate().map(|(place, name)| (rank(place, &name), place, name)).collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(.., name)| name).collect()
}

/// Those that are always there first, as the schema names them.
fn members(schema: &Value) -> Vec<String> {
    let mut names: Vec<_> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let others = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
    let others: Vec<_> = others.filter(|name| !names.contains(name)).collect();
    names.extend(others);
    names
}

fn cell(value: &Value, cut: bool) -> String {
    let text = match value {
        Value::Object(members) => named(members).map(|value| cell(value, false)).unwrap_or_default(),
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => String::new(),
        Value::Array(items) => items.iter().map(|item| cell(item, false)).collect::<Vec<_>>().join(", "),
        Value::String(text) => plain(text),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    if cut && text.width() > CELL { shortened(&text, CELL) } else { text }
}

/// What a person calls a thing that stands in a cell.
fn named(members: &Map<String, Value>) -> Option<&Value> {
    ["name", "subject", "phoneNumber", "contactId", "chatId", "code"]
        .iter()
        .find_map(|name| members.get(*name))
        .filter(|value| !value.is_object())
}

/// The beginning of the text, in so many columns with its dots.
pub(in crate::cli) fn shortened(text: &str, width: usize) -> String {
    let mut short = String::new();
    for letter in text.chars() {
        short.push(letter);
        if short.width() >= width {
            short.pop();
            break;
        }
    }
    short + "…"
}

/// The members of one thing, a line each; what stands in it is further in.
fn one(schema: &Value, value: &Value, depth: usize, out: &mut String) {
    let Some(thing) = value.as_object() else {
        let _ = writeln!(out, "{}{}", "  ".repeat(depth), scalar(value, 2 * depth));
        return;
    };
    let mut names: Vec<_> = members(schema).into_iter().filter(|name| thing.contains_key(name)).collect();
    let unknown: Vec<_> = thing.keys().filter(|name| !names.contains(name)).cloned().collect();
    names.extend(unknown);
    names.retain(|name| says_something(&thing[name]));
    let widest = names.iter().map(|name| name.width()).max().unwrap_or_default();
    let (bold, indent) = (Ansi::new().bold(), "  ".repeat(depth));
    for name in &names {
        let inner = resolved(&schema["properties"][name]);
        let shown = plain(name);
        match &thing[name] {
            value @ Value::Object(_) => {
                let _ = writeln!(out, "{indent}{bold}{shown}{bold:#}:");
                one(&inner, value, depth + 1, out);
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                let _ = writeln!(out, "{indent}{bold}{shown}{bold:#}:");
                for item in items {
                    let mut lines = String::new();
                    one(&resolved(&inner["items"]), item, depth + 2, &mut lines);
                    // A dash where the item begins.
                    let dash = 2 * depth + 2;
                    if lines.len() > dash {
                        lines.replace_range(dash..=dash, "-");
                    }
                    out.push_str(&lines);
                }
            }
            value => {
                let room = " ".repeat(widest - name.width());
                let _ = writeln!(out, "{indent}{bold}{shown}{bold:#}:{room} {}", scalar(value, 2 * depth + widest + 2));
            }
        }
    }
}

fn says_something(value: &Value) -> bool {
    !(value.is_null() || value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty))
}

/// The schema that a member refers to, if it does.
fn resolved(schema: &Value) -> Value {
    let schema = schema["anyOf"].as_array().and_then(|parts| parts.first()).unwrap_or(schema);
    let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    name.and_then(openapi::schema).unwrap_or_else(|| schema.clone())
}

/// A text keeps its lines, each below the first.
fn scalar(value: &Value, indent: usize) -> String {
    match value {
        Value::String(text) if text.chars().count() > WORD && !text.contains(char::is_whitespace) => {
            format!("{} ({} characters; --json shows all)", shortened(&plain(text), CELL), text.chars().count())
        }
        Value::String(text) => text.lines().map(plain).collect::<Vec<_>>().join(&format!("\n{}", " ".repeat(indent))),
        Value::Array(items) => items.iter().map(|item| scalar(item, indent)).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wharf_api::ops;

    use super::*;

    fn bare(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    fn shown(op: &Operation, data: &Value, width: Option<usize>) -> String {
        bare(&answer(op, &json!({"success": true, "data": data}), &Style { width }))
    }

    #[test]
    fn a_list_is_a_table_whose_columns_say_something_and_have_room() {
        let rows = json!([
            {"sessionId": "ses_1", "name": "Café", "status": "connected", "createdAt": "2026-01-01T00:00:00Z", "statusAt": "2026-01-01T00:00:00Z"},
            {"sessionId": "ses_2", "name": "店", "status": "qr", "phoneNumber": "1555", "createdAt": "2026-01-02T00:00:00Z", "statusAt": "2026-01-01T00:00:00Z"},
        ]);
        let all = shown(&ops::list_sessions, &rows, None);
        let lines: Vec<_> = all.lines().collect();
        assert_eq!(lines[0], "sessionId  name  status     phoneNumber  createdAt             statusAt");
        assert_eq!(lines[1], "ses_1      Café  connected               2026-01-01T00:00:00Z  2026-01-01T00:00:00Z");
        assert_eq!(lines[2], "ses_2      店    qr         1555         2026-01-02T00:00:00Z  2026-01-01T00:00:00Z");
        let narrow = shown(&ops::list_sessions, &rows, Some(30));
        assert_eq!(narrow.lines().next(), Some("sessionId  name  status"));
        assert_eq!(shown(&ops::list_sessions, &json!([]), None), "Nothing.\n");
    }

    #[test]
    fn one_thing_is_a_line_for_each_member_and_what_stands_in_it_is_further_in() {
        let message = json!({
            "messageId": "msg_1", "status": "sent", "chat": {"chatId": "1@s", "name": "Ann\u{202e}"}, "text": "a\nb\u{1b}[2J", "readAt": null,
            "timeline": [{"status": "queued", "at": "t1"}, {"status": "sent", "at": "t2"}],
        });
        let wanted = "messageId: msg_1\nstatus:    sent\nchat:\n  chatId: 1@s\n  name:   Ann \ntext:      a\n           b [2J\n\
                      timeline:\n  - status: queued\n    at:     t1\n  - status: sent\n    at:     t2\n";
        assert_eq!(shown(&ops::get_message, &message, None), wanted);
    }

    #[test]
    fn a_cell_is_cut_on_a_terminal_only_and_a_picture_in_letters_always() {
        assert_eq!(cell(&json!("é".repeat(41)), true), "é".repeat(39) + "…");
        assert_eq!(cell(&json!("é".repeat(41)), false), "é".repeat(41));
        assert_eq!(cell(&json!({"name": "x", "chatId": "y"}), true), "x");
        assert!(scalar(&json!("A".repeat(201)), 0).contains("201 characters"));
        assert!(!scalar(&json!("A ".repeat(201)), 0).contains("characters"));
    }
}
