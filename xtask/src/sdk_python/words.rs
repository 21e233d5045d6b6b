//! Words as Python writes them: names in snake case, docstrings in lines.

use std::fmt::Write as _;

/// Names of ours that Python keeps for itself.
const KEPT: &[&str] =
    &["and", "as", "async", "await", "class", "def", "del", "for", "from", "global", "if", "import", "in", "is", "not", "or", "with"];
const WIDTH: usize = 118;

/// `sessionId` as `session_id`, `clientDataJSON` as `client_data_json`, `from` as `from_`.
pub fn snake(name: &str) -> String {
    let mut snake = String::new();
    let mut before = '_';
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            snake.push('_');
        }
        snake.push(if letter == '-' { '_' } else { letter.to_ascii_lowercase() });
        before = letter;
    }
    if KEPT.contains(&snake.as_str()) {
        snake.push('_');
    }
    snake
}

/// What the SDK takes a name of Python's to be on the wire unless the field says otherwise: `session_id` is `sessionId`.
pub fn camel(name: &str) -> String {
    let mut parts = name.trim_end_matches('_').split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |camel, part| camel + &capital(part))
}

/// `call.received` and `quoted` as `CallReceived` and `Quoted`.
pub fn pascal(name: &str) -> String {
    name.split(['.', '_']).map(capital).collect()
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// A docstring of these paragraphs, each line this far from the edge. A paragraph's own lines begin as they are written.
pub fn docstring(indent: usize, paragraphs: &[String]) -> String {
    let edge = " ".repeat(indent);
    let text = paragraphs.iter().map(|one| one.lines().map(|line| wrapped(line, WIDTH - indent)).collect::<Vec<_>>().join("\n"));
    let text = text.collect::<Vec<_>>().join("\n\n").replace('\\', "\\\\");
    let mut written = format!("{edge}\"\"\"");
    for (number, line) in text.lines().enumerate() {
        match (number, line.is_empty()) {
            (0, _) => written.push_str(line),
            (_, true) => written.push('\n'),
            (_, false) => written.extend(["\n", &edge, line]),
        }
    }
    // A quote at the end would run into those that close the text.
    let close = if text.contains('\n') {
        format!("\n{edge}")
    } else if text.ends_with('"') {
        " ".to_owned()
    } else {
        String::new()
    };
    written + &close + "\"\"\"\n"
}

/// The line in several, the later ones four further in.
fn wrapped(line: &str, width: usize) -> String {
    let lead = line.len() - line.trim_start().len();
    let next = if lead == 0 { String::new() } else { " ".repeat(lead + 4) };
    let mut lines = vec![" ".repeat(lead)];
    for word in line.split_whitespace() {
        let last = lines.last_mut().expect("there is one at first");
        if last.trim().is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= width {
            let _ = write!(last, " {word}");
        } else {
            lines.push(format!("{next}{word}"));
        }
    }
    lines.join("\n")
}

/// A call or a signature: on one line where it fits, else an argument a line.
pub fn listed(indent: usize, before: &str, arguments: &[String], after: &str) -> String {
    let edge = " ".repeat(indent);
    let flat = format!("{edge}{before}{}{after}\n", arguments.join(", "));
    if flat.chars().count() <= WIDTH {
        return flat;
    }
    let lines: String = arguments.iter().fold(String::new(), |lines, argument| lines + &edge + "    " + argument + ",\n");
    format!("{edge}{before}\n{lines}{edge}{after}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_python() {
        let names = ["sessionId", "clientDataJSON", "from", "last30Days", "Idempotency-Key", "group_writes"].map(snake);
        assert_eq!(names, ["session_id", "client_data_json", "from_", "last30_days", "idempotency_key", "group_writes"]);
        assert_eq!(["session_id", "from_", "last30_days"].map(camel), ["sessionId", "from", "last30Days"]);
        assert_eq!(pascal("call.received"), "CallReceived");
    }

    #[test]
    fn a_long_line_of_a_docstring_goes_on_further_in() {
        let text = docstring(4, &["Sends.".to_owned(), format!("Args:\n    to: {}", "word ".repeat(40))]);
        assert!(text.starts_with("    \"\"\"Sends.\n\n    Args:\n        to: word") && text.ends_with("\n    \"\"\"\n"), "{text}");
        assert!(text.lines().all(|line| line.len() <= WIDTH) && text.contains("\n            word"), "{text}");
    }
}
