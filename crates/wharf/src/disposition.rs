//! The name in a `Content-Disposition`, in the ways that clients and servers write it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What the header says of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disposition {
    /// The name of a form's field.
    pub name: Option<String>,
    /// The file's name; empty where it stands there and is empty.
    pub file_name: Option<String>,
}

/// Reads the header. `filename*` comes before `filename`, names of parameters are taken in any case.
pub fn read(value: &[u8]) -> Disposition {
    let text = text(value);
    let mut found = Disposition::default();
    let mut extended = None;
    for (name, value) in parameters(&text) {
        match name.as_str() {
            "name" => found.name = found.name.or(Some(value)),
            "filename" => found.file_name = found.file_name.or_else(|| Some(plain(&value))),
            "filename*" => extended = extended.or_else(|| coded(&value)),
            _ => {}
        }
    }
    found.file_name = extended.or(found.file_name);
    found
}

/// UTF-8 where it is, Latin-1 otherwise.
fn text(value: &[u8]) -> String {
    String::from_utf8(value.to_vec()).unwrap_or_else(|_| value.iter().copied().map(char::from).collect())
}

/// Names in lower case and values, unquoted.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut chars = text.chars().peekable();
    // The first word is the disposition itself.
    while chars.next_if(|c| *c != ';').is_some() {}
    while chars.next().is_some() {
        let mut name = String::new();
        while let Some(c) = chars.next_if(|c| !matches!(c, '=' | ';')) {
            name.push(c);
        }
        let mut value = String::new();
        if chars.next_if_eq(&'=').is_some() {
            while chars.next_if(char::is_ascii_whitespace).is_some() {}
            if chars.next_if_eq(&'"').is_some() {
                while let Some(c) = chars.next() {
                    match c {
                        '"' => break,
                        // Only these two are escaped: a path of Windows is written with single backslashes.
                        '\\' if matches!(chars.peek(), Some('"' | '\\')) => value.extend(chars.next()),
                        c => value.push(c),
                    }
                }
                while chars.next_if(|c| *c != ';').is_some() {}
            } else {
                let mut bare = String::new();
                while let Some(c) = chars.next_if(|c| *c != ';') {
                    bare.push(c);
                }
                value.push_str(bare.trim());
            }
        }
        found.push((name.trim().to_ascii_lowercase(), value));
    }
    found
}

/// A name as RFC 8187 writes it: `UTF-8''%C3%A9.pdf`.
fn coded(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_, name) = rest.split_once('\'')?;
    let bytes = unpercent(name)?;
    decoded(charset, bytes)
}

fn decoded(charset: &str, bytes: Vec<u8>) -> Option<String> {
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" | "us-ascii" | "" => String::from_utf8(bytes).ok(),
        "iso-8859-1" | "latin1" | "windows-1252" => Some(bytes.into_iter().map(char::from).collect()),
        _ => None,
    }
}

/// A plain `filename`, which clients fill with what its grammar has no place for.
fn plain(value: &str) -> String {
    if value.contains("=?") {
        return words(value).unwrap_or_else(|| value.to_owned());
    }
    let is_coded = value.contains('%') && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"%-._~!'()*&+,@$".contains(&b));
    if is_coded && let Some(name) = unpercent(value).and_then(|bytes| String::from_utf8(bytes).ok()) {
        return name;
    }
    // What browsers write for the three signs that would end the header.
    let name = value.replace("%22", "\"").replace("%0D", "\r").replace("%0d", "\r");
    name.replace("%0A", "\n").replace("%0a", "\n")
}

/// The bytes behind a percent-encoding; `None` where a `%` is none.
fn unpercent(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, after @ ..] = tail else { return None };
        let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        bytes.push(digit(*high)? << 4 | digit(*low)?);
        rest = after;
    }
    Some(bytes)
}

/// A text with words as RFC 2047 codes them: `=?utf-8?B?…?=`. Blanks between two such words are no part of the text.
fn words(text: &str) -> Option<String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("=?") {
        let before = &rest[..start];
        if plain.is_empty() || !before.trim().is_empty() {
            plain.push_str(before);
        }
        let mut parts = rest[start + 2..].splitn(3, '?');
        let (charset, coding, body) = (parts.next()?, parts.next()?, parts.next()?);
        let (body, after) = body.split_once("?=")?;
        let bytes = match coding {
            "B" | "b" => STANDARD.decode(body).ok()?,
            "Q" | "q" => unpercent(&body.replace('_', " ").replace('%', "%25").replace('=', "%"))?,
            _ => return None,
        };
        let charset = charset.split('*').next().unwrap_or(charset);
        plain.push_str(&decoded(charset, bytes)?);
        rest = after;
    }
    plain.push_str(rest);
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_in_every_spelling_is_one_name() {
        for header in [
            "form-data; name=\"file\"; filename=\"Résumé 1.pdf\"",
            "attachment; filename=\"x.pdf\"; filename*=UTF-8''R%C3%A9sum%C3%A9%201.pdf",
            "attachment; filename*=utf-8'en'R%C3%A9sum%C3%A9%201.pdf; filename=x.pdf",
            "attachment; filename*=iso-8859-1''R%E9sum%E9%201.pdf",
            "form-data; name=file; filename=\"=?utf-8?B?UsOpc3Vtw6kgMS5wZGY=?=\"",
            "form-data; name=file; filename=\"=?UTF-8?Q?R=C3=A9sum=C3=A9_1.pdf?=\"",
            "form-data; name=file; filename=\"=?utf-8?B?UsOpc3Vt?= =?utf-8?B?w6kgMS5wZGY=?=\"",
            "form-data; name=\"file\"; filename=\"R%C3%A9sum%C3%A9%201.pdf\"",
            "ATTACHMENT; FileName=\"Résumé 1.pdf\"",
            "attachment ;filename = Résumé 1.pdf",
        ] {
            assert_eq!(read(header.as_bytes()).file_name.as_deref(), Some("Résumé 1.pdf"), "{header}");
        }
        assert_eq!(read(b"form-data; filename=\"R\xe9sum\xe9 1.pdf\"").file_name.as_deref(), Some("Résumé 1.pdf"));
    }

    #[test]
    fn signs_stay_what_they_are() {
        for (header, name) in [
            (r#"form-data; name="f"; filename="a;b.pdf""#, "a;b.pdf"),
            (r#"form-data; name="f"; filename="a\"b.pdf""#, "a\"b.pdf"),
            (r#"form-data; name="f"; filename="C:\dir\a.pdf""#, r"C:\dir\a.pdf"),
            ("form-data; filename=\"a%22b 1.pdf\"", "a\"b 1.pdf"),
            ("form-data; filename=\"100% sure.pdf\"", "100% sure.pdf"),
            ("form-data; filename=\"100%.pdf\"", "100%.pdf"),
            ("form-data; filename=\"=?x?B?!?=.pdf\"", "=?x?B?!?=.pdf"),
            ("attachment; filename*=UTF-8''%ff; filename=\"a.pdf\"", "a.pdf"),
            ("attachment; filename*=nonsense; filename=\"a.pdf\"", "a.pdf"),
            ("form-data; filename=\"\"", ""),
        ] {
            assert_eq!(read(header.as_bytes()).file_name.as_deref(), Some(name), "{header}");
        }
        assert_eq!(read(b"form-data; name=\"mediaType\""), Disposition { name: Some("mediaType".into()), file_name: None });
        for header in ["", ";", "attachment", "attachment; filename", "attachment; =\"x\"", "\"", "attachment; filename=\"open"] {
            read(header.as_bytes());
        }
    }
}
