//! Whether a text is one emoji, as a person would count.

use wharf_api::limits;

const JOINER: char = '\u{200D}';
const AS_PICTURE: char = '\u{FE0F}';
const KEYCAP: char = '\u{20E3}';

/// Knows the forms of emoji, not every picture that exists: new ones appear each year.
pub fn is_one(text: &str) -> bool {
    if text.is_empty() || text.len() > limits::EMOJI_BYTES {
        return false;
    }
    let chars: Vec<char> = text.chars().collect();
    match chars[..] {
        [a, b] if is_flag_letter(a) && is_flag_letter(b) => true,
        ['0'..='9' | '#' | '*', KEYCAP] | ['0'..='9' | '#' | '*', AS_PICTURE, KEYCAP] => true,
        _ => chars.split(|c| *c == JOINER).all(is_picture),
    }
}

/// One picture with what changes its looks: a skin tone, or the letters of a region's flag.
fn is_picture(chars: &[char]) -> bool {
    let Some((first, rest)) = chars.split_first() else { return false };
    let rest = match rest {
        [AS_PICTURE, rest @ ..] => rest,
        [tone, AS_PICTURE, rest @ ..] if is_tone(*tone) => rest,
        [tone, rest @ ..] if is_tone(*tone) => rest,
        rest => rest,
    };
    is_base(*first) && !is_tone(*first) && rest.iter().all(|c| ('\u{E0020}'..='\u{E007F}').contains(c))
}

fn is_flag_letter(c: char) -> bool {
    ('\u{1F1E6}'..='\u{1F1FF}').contains(&c)
}

fn is_tone(c: char) -> bool {
    ('\u{1F3FB}'..='\u{1F3FF}').contains(&c)
}

fn is_base(c: char) -> bool {
    matches!(c,
        '\u{1F000}'..='\u{1F1E5}' | '\u{1F200}'..='\u{1FAFF}'
        | '\u{2190}'..='\u{21FF}' | '\u{2300}'..='\u{23FF}' | '\u{24C2}' | '\u{25A0}'..='\u{27BF}'
        | '\u{2900}'..='\u{297F}' | '\u{2B00}'..='\u{2BFF}'
        | '\u{A9}' | '\u{AE}' | '\u{203C}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{3030}' | '\u{303D}' | '\u{3297}' | '\u{3299}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_emoji_is_one_however_many_characters_it_takes() {
        for one in ["👍", "👍🏽", "❤️", "❤", "🇩🇪", "👨‍👩‍👧‍👦", "🏳️‍🌈", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "☺️", "©️", "🫶🏿", "👩🏽‍💻", "❤️‍🔥"]
        {
            assert!(is_one(one), "{one}");
        }
    }

    #[test]
    fn words_and_several_emoji_are_not_one() {
        for other in
            ["", "a", "ok", "👍👍", "👍 ", " 👍", "🇩🇪🇫🇷", "1", "👍a", "\u{200D}", "👍\u{200D}", "🏽", "❤️❤️", &"👍🏽\u{200D}".repeat(20)]
        {
            assert!(!is_one(other), "{other}");
        }
    }
}
