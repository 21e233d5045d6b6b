//! Base64 as tools write it: in lines, without its padding, in the letters of URLs, behind a `data:` prefix.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// Takes what it is given with padding and without, and bits behind the end that mean nothing.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// Where the prefix of a `data:` URI must be over.
const PREFIX_BYTES: usize = 256;

/// What is no Base64, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// The Base64 behind a `data:` prefix, and the type that the prefix names.
pub fn unwrap(text: &[u8]) -> Result<(Option<String>, &[u8]), Malformed> {
    let text = text.trim_ascii_start();
    if !text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"data:")) {
        return Ok((None, text));
    }
    let comma = text.iter().take(PREFIX_BYTES).position(|byte| *byte == b',').ok_or(Malformed("the data: URI has no comma"))?;
    let prefix = String::from_utf8_lossy(&text[5..comma]);
    let (mime_type, coding) = prefix.rsplit_once(';').ok_or(Malformed("the data: URI is not Base64"))?;
    if !coding.trim().eq_ignore_ascii_case("base64") {
        return Err(Malformed("the data: URI is not Base64"));
    }
    let mime_type = Some(mime_type.trim().to_owned()).filter(|mime_type| !mime_type.is_empty());
    Ok((mime_type, &text[comma + 1..]))
}

/// Decodes piece by piece.
#[derive(Default)]
pub struct Decoder {
    /// Letters that are no whole group yet.
    rest: Vec<u8>,
    is_over: bool,
}

impl Decoder {
    /// The bytes of this piece and of what was left of the one before.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<u8>, Malformed> {
        let mut letters = std::mem::take(&mut self.rest);
        letters.reserve(piece.len());
        for byte in piece.iter().copied().filter(|byte| !byte.is_ascii_whitespace()) {
            match byte {
                b'=' => self.is_over = true,
                _ if self.is_over => return Err(Malformed("something stands behind the = that ends Base64")),
                b'-' => letters.push(b'+'),
                b'_' => letters.push(b'/'),
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => letters.push(byte),
                b'%' => return Err(Malformed("the file is percent-encoded: Base64 has no %")),
                _ => return Err(Malformed("the file is not Base64")),
            }
        }
        self.rest = letters.split_off(letters.len() / 4 * 4);
        ENGINE.decode(letters).map_err(|_| Malformed("the file is not Base64"))
    }

    /// What is left at the end.
    pub fn finish(self) -> Result<Vec<u8>, Malformed> {
        if self.rest.len() == 1 {
            return Err(Malformed("the Base64 is cut off"));
        }
        ENGINE.decode(self.rest).map_err(|_| Malformed("the file is not Base64"))
    }
}

/// The bytes of a short text.
pub fn decode(text: &str) -> Result<Vec<u8>, Malformed> {
    let (_, text) = unwrap(text.as_bytes())?;
    let mut decoder = Decoder::default();
    let mut bytes = decoder.push(text)?;
    bytes.extend(decoder.finish()?);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_in_every_spelling_is_one_file() {
        let file = [0xfb, 0xff, 0xfe, b'a', b'b'];
        for text in
            ["+//+YWI=", "+//+YWI", "-__-YWI", "-__-YWI=", " +//+\r\nYWI=\n", "data:image/png;base64,+//+YWI=", "DATA:;base64,-__-YWI"]
        {
            assert_eq!(decode(text).as_deref(), Ok(file.as_slice()), "{text}");
        }
    }

    #[test]
    fn pieces_are_cut_anywhere() {
        let text = b"SGVsbG8sIHdvcmxkIQ==";
        for cut in 0..=text.len() {
            let mut decoder = Decoder::default();
            let mut bytes = decoder.push(&text[..cut]).unwrap();
            bytes.extend(decoder.push(&text[cut..]).unwrap());
            bytes.extend(decoder.finish().unwrap());
            assert_eq!(bytes, b"Hello, world!", "{cut}");
        }
    }

    #[test]
    fn what_is_none_is_told_what_is_wrong_with_it() {
        for (text, words) in [
            ("SGVs*G8=", "not Base64"),
            ("SGVsb", "cut off"),
            ("SGVs=SGVs", "behind the ="),
            ("SGVsbG8%3D", "percent-encoded"),
            ("data:text/plain,hello", "not Base64"),
            ("data:text/plain;base64", "no comma"),
        ] {
            let Malformed(reason) = decode(text).unwrap_err();
            assert!(reason.contains(words), "{text}: {reason}");
        }
    }

    #[test]
    fn a_prefix_says_what_the_file_is() {
        assert_eq!(unwrap(b"data:application/pdf;name=a.pdf;base64,AAAA").unwrap().0.as_deref(), Some("application/pdf;name=a.pdf"));
        assert_eq!(unwrap(b"AAAA").unwrap(), (None, b"AAAA".as_slice()));
    }
}
