//! Phone numbers as people write them. Digits count where they stand between the separators that people put there; whatever else is
//! seen is told, for a number that is read wrongly is somebody else's number.

use crate::limits;

/// What a text is instead of a phone number in international format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misread {
    Empty,
    Link,
    Scheme,
    Formula,
    Apostrophe,
    Quotes,
    Placeholder,
    Nothing,
    Encoded,
    ServiceCode,
    OtherDigits,
    Scientific,
    Extension,
    Letters,
    Comma,
    Slash,
    Several,
    Plus,
    Device,
    Invisible,
    OtherSign,
    Leading,
    Trailing,
    Separators,
    Brackets,
    BracketsFirst,
    BracketsLast,
    ZeroInBrackets,
    Spreadsheet,
    Decimal,
    DoubleZero,
    Zero,
    TrunkZero,
    NoAreaCode,
    Short,
    Long,
}

impl Misread {
    /// What the caller is told; nothing of the number is repeated.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Empty => "it is empty",
            Self::Link => "it is a link: write the number that stands in it",
            Self::Scheme => "write the number alone, without the word and the colon before it",
            Self::Formula => "it begins with =: is this a formula out of a spreadsheet?",
            Self::Apostrophe => "it begins with an apostrophe: is this a text cell out of a spreadsheet? Leave the apostrophe out",
            Self::Quotes => "it holds quotation marks: write the number without them",
            Self::Placeholder => "it holds one of { } < > [ ] $: was a placeholder left unfilled, or is this a list?",
            Self::Nothing => "it is a program's word for nothing: the number was not filled in",
            Self::Encoded => "it is percent-encoded: decode it before it is sent",
            Self::ServiceCode => "* and # stand in service codes, not in phone numbers",
            Self::OtherDigits => "it holds digits of another script: write 0 to 9",
            Self::Scientific => "it is in scientific notation: a spreadsheet rounded it, and digits are lost",
            Self::Extension => "it ends in an extension: WhatsApp knows only the number before it",
            Self::Letters => "it holds letters: write every digit",
            Self::Comma => "it holds a comma: is it a decimal comma, or are these two numbers? One number goes into one field",
            Self::Slash => "it holds a slash: are these two numbers? One number goes into one field, without a slash",
            Self::Several => "it holds a tab, a line break or one of ; | & \\: are these several numbers? One number goes into one field",
            Self::Plus => "a + stands only once, before everything else: are these two numbers?",
            Self::Device => "a colon and what follows name one device: leave them out",
            Self::Invisible => "it holds an invisible character, as copied text does: type the number",
            Self::OtherSign => "only digits, one leading + and the separators space - . ( ) may stand in a phone number",
            Self::Leading => "it begins with a separator: is this a negative number?",
            Self::Trailing => "it ends in a separator: was something cut off?",
            Self::Separators => "its separators do not stand as in a phone number: one space, - or . between two groups of digits",
            Self::Brackets => "brackets stand once, around 1 to 5 digits",
            Self::BracketsFirst => "it begins with an area code in brackets: the country code is missing",
            Self::BracketsLast => "it ends in brackets: is this a second number or an extension?",
            Self::ZeroInBrackets => {
                "a 0 in brackets is dialled only inside the country: leave it out (or the brackets, where the 0 is part of the number)"
            }
            Self::Spreadsheet => "it ends in .0: is this a number out of a spreadsheet?",
            Self::Decimal => "it is a decimal number: is this a number out of a spreadsheet?",
            Self::DoubleZero => "it begins with 00: write + in its place",
            Self::Zero => "international format begins with a country code, never with 0",
            Self::TrunkZero => "the 0 after this country code is dialled only inside the country: leave it out",
            Self::NoAreaCode => "after the country code 1 comes an area code, which begins with 2 to 9",
            Self::Short => "fewer than 7 digits",
            Self::Long => "more than 15 digits",
        }
    }

    /// Whether it may be a number all the same, that people dial and WhatsApp does not know: a card may hold it.
    const fn can_be_dialled(self) -> bool {
        matches!(
            self,
            Self::ServiceCode
                | Self::Extension
                | Self::Letters
                | Self::Slash
                | Self::Brackets
                | Self::BracketsFirst
                | Self::BracketsLast
                | Self::ZeroInBrackets
                | Self::DoubleZero
                | Self::Zero
                | Self::TrunkZero
                | Self::NoAreaCode
                | Self::Short
        )
    }
}

/// Country codes after which no number begins with 0, so that a 0 there is the one that is dialled inside the country. Not those where
/// it belongs to the number: Italy, Ivory Coast, Gabon, Benin, Burkina Faso, the Congo and others that are not listed.
const NO_ZERO: &[&str] = &[
    "20", "27", "31", "32", "33", "40", "41", "43", "44", "46", "49", "60", "61", "62", "63", "64", "66", "81", "82", "84", "86", "90",
    "91", "92", "94", "98", "212", "213", "233", "234", "254", "255", "256", "353", "358", "359", "380", "880", "962", "966", "971", "972",
];

/// Direction marks and the like, which come with a number that is copied from a screen.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A separator of typesetting as the one that a keyboard has.
const fn plain(c: char) -> char {
    match c {
        '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' => ' ',
        '\u{2010}'..='\u{2013}' => '-',
        other => other,
    }
}

/// The digits of a phone number in international format.
pub fn phone(text: &str) -> Result<String, &'static str> {
    read(text).map_err(Misread::reason)
}

/// A number on a card: one that WhatsApp may know as `+` and its digits, another that people dial as it is written.
pub fn on_card(text: &str) -> Result<String, &'static str> {
    match read(text) {
        Ok(digits) => Ok(format!("+{digits}")),
        Err(misread) => {
            let text = text.trim();
            let fits = text.chars().count() <= limits::CARD_NUMBER_CHARS && text.bytes().any(|b| b.is_ascii_digit());
            if misread.can_be_dialled() && fits { Ok(text.to_owned()) } else { Err(misread.reason()) }
        }
    }
}

/// The digits of a phone number in international format, or what the text is instead.
pub fn read(text: &str) -> Result<String, Misread> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Misread::Empty);
    }
    if let Some(misread) = foreign(text) {
        return Err(misread);
    }
    let text: String = text.chars().map(plain).collect();
    let (has_plus, body) = text.strip_prefix('+').map_or((false, text.as_str()), |body| (true, body.trim_start_matches(' ')));
    let digits = arranged(has_plus, body)?;
    if digits.starts_with("00") {
        return Err(Misread::DoubleZero);
    }
    if digits.starts_with('0') {
        return Err(Misread::Zero);
    }
    if digits.len() < *limits::PHONE_DIGITS.start() {
        return Err(Misread::Short);
    }
    if digits.len() > *limits::PHONE_DIGITS.end() {
        return Err(Misread::Long);
    }
    if digits.starts_with("10") || digits.starts_with("11") {
        return Err(Misread::NoAreaCode);
    }
    if NO_ZERO.iter().any(|code| digits.strip_prefix(code).is_some_and(|rest| rest.starts_with('0'))) {
        return Err(Misread::TrunkZero);
    }
    Ok(digits)
}

/// What tells by a single sign or word that this is something else.
fn foreign(text: &str) -> Option<Misread> {
    let lower = text.to_ascii_lowercase();
    let holds = |signs: &[char]| text.contains(signs);
    if ["null", "undefined", "none", "nan", "nil", "true", "false", "n/a", "#n/a"].contains(&lower.as_str()) {
        return Some(Misread::Nothing);
    }
    if lower.contains("://") || ["wa.me", "whatsapp.com"].iter().any(|host| lower.contains(host)) {
        return Some(Misread::Link);
    }
    if holds(&['{', '}', '<', '>', '[', ']', '$']) {
        return Some(Misread::Placeholder);
    }
    if let Some((before, _)) = text.split_once(':') {
        let is_word = before.chars().any(char::is_alphabetic);
        return Some(if is_word { Misread::Scheme } else { Misread::Device });
    }
    match text.chars().next() {
        Some('=') => return Some(Misread::Formula),
        Some('\'' | '’' | '‘' | '`' | '´') => return Some(Misread::Apostrophe),
        _ => {}
    }
    if holds(&['"', '\'', '“', '”', '„', '«', '»', '’', '‘', '`', '´']) {
        return Some(Misread::Quotes);
    }
    if text.chars().any(|c| c.is_numeric() && !c.is_ascii()) {
        return Some(Misread::OtherDigits);
    }
    if holds(&['%']) {
        return Some(Misread::Encoded);
    }
    if text.chars().any(char::is_alphabetic) {
        return Some(lettered(&lower));
    }
    if holds(&['*', '#']) {
        return Some(Misread::ServiceCode);
    }
    if holds(&['\t', '\n', '\r', ';', '|', '&', '\\']) {
        return Some(Misread::Several);
    }
    if holds(&[',']) {
        return Some(Misread::Comma);
    }
    if holds(&['/']) {
        return Some(Misread::Slash);
    }
    if text.chars().any(|c| is_invisible(c) || c.is_control()) {
        return Some(Misread::Invisible);
    }
    if text.rfind('+').is_some_and(|at| at > 0) {
        return Some(Misread::Plus);
    }
    let known = |c: char| c.is_ascii_digit() || matches!(plain(c), '+' | ' ' | '-' | '.' | '(' | ')');
    (!text.chars().all(known)).then_some(Misread::OtherSign)
}

/// What a number with letters is; `text` is in lower case.
fn lettered(text: &str) -> Misread {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b',' | b'+' | b'-'));
    if text.split_once('e').is_some_and(|(number, power)| is_number(number) && is_number(power)) {
        return Misread::Scientific;
    }
    let mut letters = text.chars().filter(|c| c.is_alphabetic());
    let only_x =
        text.starts_with(|c: char| c == '+' || c == '(' || c.is_ascii_digit()) && letters.all(|c| c == 'x') && !text.ends_with('x');
    if text.contains("ext") || only_x { Misread::Extension } else { Misread::Letters }
}

/// The digits, where each separator stands as people put it. `body` holds digits and the separators space - . ( ) only, and a + nowhere.
fn arranged(has_plus: bool, body: &str) -> Result<String, Misread> {
    let digits: String = body.chars().filter(char::is_ascii_digit).collect();
    let Some(first) = body.find(|c: char| c.is_ascii_digit()) else { return Err(Misread::Short) };
    let last = body.rfind(|c: char| c.is_ascii_digit()).unwrap_or(first);
    let mut is_open = match &body[..first] {
        "" => false,
        "(" if has_plus => true,
        "(" => return Err(Misread::BracketsFirst),
        other if other.contains(['(', ')']) => return Err(Misread::Brackets),
        _ => return Err(Misread::Leading),
    };
    let mut pairs = usize::from(is_open);
    let mut group = String::new();
    let (mut dots, mut others, mut after_dot) = (0, pairs, false);
    let mut first_group = 0;
    let mut rest = &body[first..=last];
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].clone_into(&mut group);
        first_group = if first_group == 0 { end } else { first_group };
        rest = &rest[end..];
        let next = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (run, after) = rest.split_at(next);
        rest = after;
        if run.is_empty() {
            break;
        }
        let gap = Gap::read(run)?;
        if gap.closes != is_open || (gap.opens && pairs == 1) {
            return Err(Misread::Brackets);
        }
        if gap.closes {
            in_brackets(&group)?;
            is_open = false;
        }
        if gap.opens {
            is_open = true;
            pairs += 1;
        }
        after_dot = gap.is_dot && !gap.opens;
        dots += usize::from(gap.is_dot);
        others += usize::from(!gap.is_dot);
    }
    match &body[last + 1..] {
        "" if !is_open => {}
        ")" if is_open => return in_brackets(&group).and(Err(Misread::BracketsLast)),
        tail if is_open || tail.contains(['(', ')']) => return Err(Misread::Brackets),
        _ => return Err(Misread::Trailing),
    }
    let zeros = group.bytes().all(|b| b == b'0');
    if after_dot && zeros && (group.len() == 1 || (dots == 1 && group.len() <= 3)) {
        return Err(Misread::Spreadsheet);
    }
    // `+49.1511234567` is how registries write a number; nobody puts a single dot elsewhere.
    let is_decimal = dots == 1 && others == 0 && !(has_plus && first_group <= 3);
    if after_dot && (group.len() == 1 || is_decimal) {
        return Err(Misread::Decimal);
    }
    Ok(digits)
}

/// What stands in brackets inside a number.
fn in_brackets(group: &str) -> Result<(), Misread> {
    if group.starts_with('0') {
        return Err(Misread::ZeroInBrackets);
    }
    if group.len() > 5 { Err(Misread::Brackets) } else { Ok(()) }
}

/// What stands between two groups of digits.
struct Gap {
    closes: bool,
    opens: bool,
    is_dot: bool,
}

impl Gap {
    fn read(run: &str) -> Result<Self, Misread> {
        let (closes, run) = run.strip_prefix(')').map_or((false, run), |run| (true, run));
        let (opens, run) = run.strip_suffix('(').map_or((false, run), |run| (true, run));
        let sign = run.strip_prefix(' ').unwrap_or(run);
        let sign = sign.strip_suffix(' ').unwrap_or(sign);
        match sign {
            "" | "-" | "." if !(closes && opens) => Ok(Self { closes, opens, is_dot: sign == "." }),
            _ if run.contains(['(', ')']) || (closes && opens) => Err(Misread::Brackets),
            _ => Err(Misread::Separators),
        }
    }
}

#[cfg(test)]
mod tests;
