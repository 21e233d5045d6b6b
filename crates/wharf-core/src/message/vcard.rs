//! Contact cards as WhatsApp carries them: vCard 3.0.

use std::fmt::Write as _;

use wharf_api::recipient;
use wharf_api::types::message::ContactCard;

/// The card of one person. A number of `+` and digits names the person on WhatsApp; another is only dialled.
pub fn write(card: &ContactCard) -> String {
    let mut text = String::from("BEGIN:VCARD\r\nVERSION:3.0\r\n");
    let name = escape(&card.name);
    // Writing to a string cannot fail.
    let _ = write!(text, "N:{name};;;;\r\nFN:{name}\r\n");
    if let Some(organization) = &card.organization {
        let _ = write!(text, "ORG:{};\r\n", escape(organization));
    }
    for phone in &card.phone_numbers {
        let digits = phone.strip_prefix('+').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        let _ = match digits {
            Some(digits) => write!(text, "TEL;type=CELL;type=VOICE;waid={digits}:+{digits}\r\n"),
            None => write!(text, "TEL;type=VOICE:{}\r\n", escape(phone)),
        };
    }
    text.push_str("END:VCARD");
    text
}

/// What a card says; whatever else it holds is left out. `name` is what the message itself calls the person.
pub fn read(text: &str, name: Option<&str>) -> ContactCard {
    let mut card = ContactCard { name: name.unwrap_or_default().to_owned(), ..ContactCard::default() };
    // A line that begins with a space goes on with the line before.
    let unfolded = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    for line in unfolded.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let property = key.split(';').next().unwrap_or(key);
        let property = property.rsplit('.').next().unwrap_or(property).to_ascii_uppercase();
        match property.as_str() {
            "FN" if card.name.is_empty() => card.name = unescape(value),
            "ORG" => {
                let organization = unescape(value.trim_end_matches(';'));
                card.organization = Some(organization).filter(|organization| !organization.is_empty());
            }
            "TEL" => card.phone_numbers.push(number(key, unescape(value).trim())),
            _ => {}
        }
    }
    card
}

/// The number as it is written, unless WhatsApp's own spelling beside it is another: that one can be written to.
fn number(key: &str, written: &str) -> String {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let parameters = key.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let waid =
        parameters.filter(|(name, _)| name.eq_ignore_ascii_case("waid")).map(|(_, id)| digits(id)).find(|id| recipient::phone(id).is_ok());
    match waid {
        Some(waid) if digits(written) != waid => format!("+{waid}"),
        _ => written.to_owned(),
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ',' | ';' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => {}
            },
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_whatever_stands_in_it() {
        let card = ContactCard {
            name: "Ada; Lovelace, \\ Countess\nEND:VCARD".to_owned(),
            phone_numbers: vec!["+15550001001".to_owned(), "190".to_owned(), "0800 1234;ext=5".to_owned()],
            organization: Some("Engines; & Sons".to_owned()),
        };
        let text = write(&card);
        assert_eq!(text.lines().filter(|line| *line == "END:VCARD").count(), 1, "{text}");
        assert_eq!(text.matches("waid=").count(), 1, "who dials a service is nobody on WhatsApp: {text}");
        assert_eq!(read(&text, None), card);
    }

    #[test]
    fn foreign_cards_are_read_with_groups_folds_and_parameters() {
        let text = "BEGIN:VCARD\nVERSION:3.0\nFN:Grace\n  Hopper\nitem1.TEL;waid=15550001003;type=CELL:+1 555 000-1003\nitem1.X-ABLabel:x\nEND:VCARD";
        let card = read(text, None);
        assert_eq!((card.name.as_str(), card.phone_numbers[0].as_str()), ("Grace Hopper", "+1 555 000-1003"));
        assert_eq!(read(text, Some("Amazing Grace")).name, "Amazing Grace");
    }

    #[test]
    fn the_number_that_whatsapp_knows_stands_where_a_card_has_a_local_one() {
        let phones = |line: &str| read(&format!("BEGIN:VCARD\nFN:A\n{line}\nEND:VCARD"), None).phone_numbers;
        assert_eq!(phones("TEL;type=CELL;waid=491701234567:0170 1234567"), ["+491701234567"]);
        assert_eq!(phones("item1.TEL;WAID=\"491701234567\":0170 1234567"), ["+491701234567"]);
        assert_eq!(phones("TEL;waid=491701234567:+49 (170) 1234567"), ["+49 (170) 1234567"]);
        for nothing in ["TEL;waid=:110", "TEL;waid=0:110", "TEL;type=CELL:110", "TEL;type=waid:110"] {
            assert_eq!(phones(nothing), ["110"], "{nothing}");
        }
    }
}
