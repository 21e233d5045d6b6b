//! What a page says of itself in its head.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};
use wharf_api::limits;

/// Words for people, tidied and cut to what a preview may have. The image is a place, absolute or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) image: Option<String>,
}

/// Reads a page or its beginning. Only UTF-8 is understood: a page in another encoding says what of it is ASCII.
pub(super) fn read(html: &[u8]) -> Said {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let (mut said, mut plain, mut heading) = (Said::default(), Said::default(), Title::None);
    for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
        match token {
            Token::StartTag(tag) if tag.name == b"meta" => meta(&tag, &mut said, &mut plain),
            Token::StartTag(tag) if tag.name == b"title" && matches!(heading, Title::None) => heading = Title::Open(Vec::new()),
            Token::String(words) => heading.add(&words),
            Token::EndTag(tag) if tag.name == b"title" => heading = heading.closed(),
            _ => {}
        }
    }
    plain.title = heading.words().and_then(|words| tidy(words, limits::LINK_TITLE_CHARS));
    Said { title: said.title.or(plain.title), description: said.description.or(plain.description), image: said.image }
}

/// The page's title: only the first counts, drawings in the page have titles too.
enum Title {
    None,
    Open(Vec<u8>),
    Closed(Vec<u8>),
}

impl Title {
    fn add(&mut self, words: &[u8]) {
        if let Self::Open(title) = self {
            title.extend_from_slice(words);
        }
    }

    fn closed(self) -> Self {
        if let Self::Open(words) = self { Self::Closed(words) } else { self }
    }

    fn words(&self) -> Option<&[u8]> {
        match self {
            Self::None => None,
            Self::Open(words) | Self::Closed(words) => Some(words),
        }
    }
}

/// Notes what a `meta` says, the first of each name.
fn meta(tag: &StartTag<()>, said: &mut Said, plain: &mut Said) {
    let attribute = |name: &[u8]| tag.attributes.get(name).map(|value| value.as_slice());
    let Some(name) = attribute(b"property").or_else(|| attribute(b"name")) else { return };
    let content = attribute(b"content").unwrap_or_default();
    let (place, most) = match name.to_ascii_lowercase().as_slice() {
        b"og:title" => (&mut said.title, limits::LINK_TITLE_CHARS),
        b"og:description" => (&mut said.description, limits::LINK_DESCRIPTION_CHARS),
        b"og:image" | b"og:image:url" | b"og:image:secure_url" => (&mut said.image, limits::LINK_CHARS),
        b"description" => (&mut plain.description, limits::LINK_DESCRIPTION_CHARS),
        _ => return,
    };
    if place.is_none() {
        *place = tidy(content, most);
    }
}

/// One line without control characters; nothing where nothing is left or where it is no UTF-8.
fn tidy(words: &[u8], most: usize) -> Option<String> {
    let words = std::str::from_utf8(words).ok()?;
    let visible: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line: String = visible.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(most).collect();
    Some(line).filter(|line| !line.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(title: &str, description: &str, image: &str) -> Said {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Said { title: some(title), description: some(description), image: some(image) }
    }

    #[test]
    fn a_page_is_shown_as_it_says() {
        for (html, expected) in [
            ("<meta property='og:title' content='A &amp; B'><meta property=og:image content=/a.png>", said("A & B", "", "/a.png")),
            ("<title>\n  Hello\tworld </title><meta name=description content=words>", said("Hello world", "words", "")),
            ("<title>t</title><meta content='og' property='OG:Title'><META NAME='Description' CONTENT='d'>", said("og", "d", "")),
            ("<meta property=og:title content=first><meta property=og:title content=second>", said("first", "", "")),
            ("<meta property=og:title content='  '><title>t</title>", said("t", "", "")),
            ("<title>t</title><body><svg><title>drawing</title></svg>", said("t", "", "")),
            ("<script>'<title>s</title><meta property=og:title content=s>'</script><title>t</title>", said("t", "", "")),
            ("<!-- <title>c</title> --><title>t</title>", said("t", "", "")),
            ("<title>cut off in the mid", said("cut off in the mid", "", "")),
            ("<title>a</b>&#x1F44B;&nbsp;c</title>", said("a</b>👋 c", "", "")),
            ("<meta property=og:title>", said("", "", "")),
            ("%PDF-1.7 <<", said("", "", "")),
            ("", said("", "", "")),
        ] {
            assert_eq!(read(html.as_bytes()), expected, "{html}");
        }
        assert_eq!(read(b"<meta property=og:title content='caf\xe9'><title>t</title>"), said("t", "", ""));
        assert_eq!(read(b"<title>\x00\x1b[31m</title>").title.as_deref(), Some("\u{fffd} [31m"));
    }

    #[test]
    fn long_words_are_cut() {
        let html = format!("<title>{}</title><meta name=description content='{}'>", "ü".repeat(9999), "ü".repeat(9999));
        let said = read(html.as_bytes());
        assert_eq!(said.title.map(|title| title.chars().count()), Some(limits::LINK_TITLE_CHARS));
        assert_eq!(said.description.map(|words| words.chars().count()), Some(limits::LINK_DESCRIPTION_CHARS));
    }

    #[test]
    fn what_is_no_html_is_read_to_its_end_all_the_same() {
        let mut noise: Vec<u8> = (0..=255).cycle().take(limits::PREVIEW_PAGE_BYTES).collect();
        read(&noise);
        noise.fill(b'<');
        read(&noise);
        read("<a b".repeat(limits::PREVIEW_PAGE_BYTES / 4).as_bytes());
        read("<meta ".repeat(limits::PREVIEW_PAGE_BYTES / 6).as_bytes());
    }
}
