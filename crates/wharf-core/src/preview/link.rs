//! Where a link stands in a text.

use wharf_api::limits;

/// What ends a sentence or a mark of emphasis rather than an address.
const TRAILING: &[char] = &['.', ',', ';', ':', '!', '?', '\'', '…', '”', '’', '»', '*', '_', '~'];
/// What no address holds unwritten.
const OUTSIDE: &[char] = &['<', '>', '"', '`', '{', '}', '|', '\\', '^', '“', '«'];

/// How many beginnings of an address are looked at: a text that is full of bad ones has no link.
const BEGINNINGS: usize = 12;

/// The first address of the web, as it stands in the text.
pub(super) fn first(text: &str) -> Option<&str> {
    let beginnings = text.match_indices("://").filter_map(|(at, slashes)| {
        let start = text[..at].rfind(|c: char| !c.is_ascii_alphabetic()).map_or(0, |before| before + width(text, before));
        let web = ["http", "https"].iter().any(|scheme| text[start..at].eq_ignore_ascii_case(scheme));
        web.then_some((start, at + slashes.len()))
    });
    beginnings.take(BEGINNINGS).find_map(|(start, host)| {
        let length = text[host..].find(|c: char| c.is_whitespace() || c.is_control() || OUTSIDE.contains(&c));
        let address = trimmed(&text[start..length.map_or(text.len(), |length| host + length)]);
        let good = address.len() > host - start && address.chars().count() <= limits::LINK_CHARS;
        good.then_some(address)
    })
}

fn width(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(0, char::len_utf8)
}

/// Without what belongs to the sentence around it. A bracket belongs to the address where it was opened there.
fn trimmed(mut address: &str) -> &str {
    // Counted once: what is taken off besides closing brackets are no brackets.
    let surplus = |opens: char, closes: char| address.matches(closes).count().saturating_sub(address.matches(opens).count());
    let mut round = surplus('(', ')');
    let mut square = surplus('[', ']');
    loop {
        address = address.trim_end_matches(TRAILING);
        let unopened = match address.as_bytes().last() {
            Some(b')') => &mut round,
            Some(b']') => &mut square,
            _ => return address,
        };
        if *unopened == 0 {
            return address;
        }
        *unopened -= 1;
        address = &address[..address.len() - 1];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_address_is_found_as_it_stands_there() {
        for (text, address) in [
            ("https://a.org", Some("https://a.org")),
            ("look: HTTP://A.org/x?y=1#z, and https://b.org", Some("HTTP://A.org/x?y=1#z")),
            ("grüße→https://a.org/ü…", Some("https://a.org/ü")),
            ("(see https://a.org/b_(c))", Some("https://a.org/b_(c)")),
            ("*https://a.org/*", Some("https://a.org/")),
            ("<https://a.org/>", Some("https://a.org/")),
            ("[https://a.org].", Some("https://a.org")),
            ("ftp://a.org then http://b.org", Some("http://b.org")),
            ("xhttps://a.org", None),
            ("https://", None),
            ("https://...", None),
            ("a.org and www.b.org", None),
            ("", None),
        ] {
            assert_eq!(first(text), address, "{text}");
        }
        let long = format!("https://a.org/{}", "x".repeat(limits::LINK_CHARS));
        assert_eq!(first(&format!("{long} http://b.org")), Some("http://b.org"));
    }

    /// The search as it was before it was made linear.
    fn plainly(text: &str) -> Option<&str> {
        text.match_indices("://").find_map(|(at, slashes)| {
            let start = text[..at].rfind(|c: char| !c.is_ascii_alphabetic()).map_or(0, |before| before + width(text, before));
            let web = ["http", "https"].iter().any(|scheme| text[start..at].eq_ignore_ascii_case(scheme));
            let host = at + slashes.len();
            let length = text[host..].find(|c: char| c.is_whitespace() || c.is_control() || OUTSIDE.contains(&c));
            let address = trimmed_plainly(&text[start..length.map_or(text.len(), |length| host + length)]);
            let good = web && address.len() > host - start && address.chars().count() <= limits::LINK_CHARS;
            good.then_some(address)
        })
    }

    fn trimmed_plainly(mut address: &str) -> &str {
        loop {
            let shorter = address.trim_end_matches(TRAILING);
            let unopened = [('(', ')'), ('[', ']')]
                .iter()
                .any(|(opens, closes)| shorter.ends_with(*closes) && shorter.matches(*opens).count() < shorter.matches(*closes).count());
            if !unopened {
                return shorter;
            }
            address = &shorter[..shorter.len() - 1];
        }
    }

    #[test]
    fn every_short_text_has_the_link_that_the_plain_search_finds() {
        const PIECES: &[&str] = &["http://", "https://", "x://", "a.org", "(", ")", "[", "]", ".", " ", "ü", "…", "<"];
        let mut found = 0;
        for mut number in 0..PIECES.len().pow(5) {
            let mut text = String::new();
            for _ in 0..5 {
                text.push_str(PIECES[number % PIECES.len()]);
                number /= PIECES.len();
            }
            let link = first(&text);
            assert_eq!(link, plainly(&text), "{text}");
            found += usize::from(link.is_some());
        }
        assert!(found > 0);
        // Many brackets, opened and not.
        for (open, close) in [(0, 9), (3, 9), (9, 3)] {
            let text = format!("http://a{}{}.]", "(".repeat(open), ").".repeat(close));
            assert_eq!(first(&text), plainly(&text), "{text}");
        }
    }

    #[test]
    fn a_text_full_of_bad_beginnings_is_given_up() {
        assert_eq!(first(&format!("{}{}", "x://".repeat(512), ")".repeat(2048))), None);
        assert_eq!(first(&format!("{}https://a.org", "http://. ".repeat(BEGINNINGS - 1))), Some("https://a.org"));
        assert_eq!(first(&format!("{}https://a.org", "http://. ".repeat(BEGINNINGS))), None);
    }
}
