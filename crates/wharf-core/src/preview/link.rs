//! Where a link stands in a text.

use wharf_api::limits;

/// What ends a sentence or a mark of emphasis rather than an address.
const TRAILING: &[char] = &['.', ',', ';', ':', '!', '?', '\'', '…', '”', '’', '»', '*', '_', '~'];
/// What no address holds unwritten.
const OUTSIDE: &[char] = &['<', '>', '"', '`', '{', '}', '|', '\\', '^', '“', '«'];

/// The first address of the web, as it stands in the text.
pub(super) fn first(text: &str) -> Option<&str> {
    text.match_indices("://").find_map(|(at, slashes)| {
        let start = text[..at].rfind(|c: char| !c.is_ascii_alphabetic()).map_or(0, |before| before + width(text, before));
        let web = ["http", "https"].iter().any(|scheme| text[start..at].eq_ignore_ascii_case(scheme));
        let host = at + slashes.len();
        let length = text[host..].find(|c: char| c.is_whitespace() || c.is_control() || OUTSIDE.contains(&c));
        let address = trimmed(&text[start..length.map_or(text.len(), |length| host + length)]);
        let good = web && address.len() > host - start && address.chars().count() <= limits::LINK_CHARS;
        good.then_some(address)
    })
}

fn width(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(0, char::len_utf8)
}

/// Without what belongs to the sentence around it. A bracket belongs to the address where it was opened there.
fn trimmed(mut address: &str) -> &str {
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
}
