//! What strangers wrote, made fit for a terminal.

/// Text of strangers, fit for a terminal: nothing in it moves the cursor, or turns what stands beside it around.
pub(super) fn plain(text: &str) -> String {
    let turns = |letter: char| matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|letter| if letter.is_control() || turns(letter) { ' ' } else { letter }).collect()
}
