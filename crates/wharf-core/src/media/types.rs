//! The type that a file is shown with: what its bytes allow, and among that what its sender, its name or its server says.
//!
//! Bytes alone know a container and not what is in it: a document of Word is a ZIP, a calendar is a text. What a browser would run,
//! and what must fit a kind, the bytes decide alone.

use super::kind::{BYTES, OPUS};

/// What is said about a file besides its bytes.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// The type that its sender gives it.
    pub word: Option<String>,
    pub file_name: Option<String>,
    /// The type that the server gives it which it is fetched from.
    pub header: Option<String>,
    /// The name in the address that it is fetched from.
    pub address: Option<String>,
    /// It is the body of a request, which may be wrapped in something.
    pub is_body: bool,
    /// It was received: WhatsApp took it, and it is not made vaguer than it came.
    pub is_received: bool,
}

/// Extensions and their types. The first extension of a type is the one that a file without any gets.
const EXTENSIONS: &[(&str, &str)] = &[
    ("pdf", "application/pdf"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("dotx", "application/vnd.openxmlformats-officedocument.wordprocessingml.template"),
    ("xltx", "application/vnd.openxmlformats-officedocument.spreadsheetml.template"),
    ("ppsx", "application/vnd.openxmlformats-officedocument.presentationml.slideshow"),
    ("docm", "application/vnd.ms-word.document.macroenabled.12"),
    ("xlsm", "application/vnd.ms-excel.sheet.macroenabled.12"),
    ("pptm", "application/vnd.ms-powerpoint.presentation.macroenabled.12"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    ("odg", "application/vnd.oasis.opendocument.graphics"),
    ("apk", "application/vnd.android.package-archive"),
    ("jar", "application/java-archive"),
    ("epub", "application/epub+zip"),
    ("kmz", "application/vnd.google-earth.kmz"),
    ("zip", "application/zip"),
    ("doc", "application/msword"),
    ("xls", "application/vnd.ms-excel"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("msg", "application/vnd.ms-outlook"),
    ("vsd", "application/vnd.visio"),
    ("msi", "application/x-msi"),
    ("txt", "text/plain"),
    ("csv", "text/csv"),
    ("tsv", "text/tab-separated-values"),
    ("ics", "text/calendar"),
    ("vcf", "text/vcard"),
    ("md", "text/markdown"),
    ("css", "text/css"),
    ("html", "text/html"),
    ("htm", "text/html"),
    ("json", "application/json"),
    ("geojson", "application/geo+json"),
    ("xml", "application/xml"),
    ("kml", "application/vnd.google-earth.kml+xml"),
    ("gpx", "application/gpx+xml"),
    ("svg", "image/svg+xml"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("sql", "application/sql"),
    ("rtf", "application/rtf"),
    ("rtf", "text/rtf"),
    ("eml", "message/rfc822"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("bmp", "image/bmp"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("heic", "image/heic"),
    ("avif", "image/avif"),
    ("psd", "image/vnd.adobe.photoshop"),
    ("dwg", "image/vnd.dwg"),
    ("mp4", "video/mp4"),
    ("3gp", "video/3gpp"),
    ("mov", "video/quicktime"),
    ("avi", "video/x-msvideo"),
    ("mkv", "video/x-matroska"),
    ("webm", "video/webm"),
    ("m4a", "audio/mp4"),
    ("mp3", "audio/mpeg"),
    ("aac", "audio/aac"),
    ("amr", "audio/amr"),
    ("ogg", OPUS),
    ("ogg", "audio/ogg"),
    ("opus", OPUS),
    ("wav", "audio/x-wav"),
    ("wav", "audio/wav"),
    ("flac", "audio/flac"),
    ("gz", "application/gzip"),
    ("tgz", "application/gzip"),
    ("tar", "application/x-tar"),
    ("rar", "application/vnd.rar"),
    ("7z", "application/x-7z-compressed"),
    ("p7m", "application/pkcs7-mime"),
    ("p12", "application/x-pkcs12"),
    ("dxf", "image/vnd.dxf"),
    ("ttf", "font/ttf"),
];

/// Types that say nothing more than a look at the bytes does.
const VAGUE: &[&str] = &[
    BYTES,
    "binary/octet-stream",
    "application/x-www-form-urlencoded",
    "application/unknown",
    "application/download",
    "application/x-download",
    "application/force-download",
    "application/zip",
    "application/x-zip-compressed",
    "application/x-ole-storage",
    "multipart/form-data",
    "text/plain",
    "",
];

/// Texts that are not called so.
const TEXTS: &[&str] = &[
    "application/json",
    "application/xml",
    "application/yaml",
    "application/x-yaml",
    "application/toml",
    "application/sql",
    "application/x-sql",
    "application/rtf",
    "application/javascript",
    "application/x-ndjson",
    "application/x-sh",
    "application/x-subrip",
    "application/pgp-signature",
    "application/x-pem-file",
    "application/edi-x12",
    "application/edifact",
    "message/rfc822",
    "image/vnd.dxf",
    "image/svg+xml",
];

/// The type that the file is shown with. `found` is what its bytes show.
pub fn settle(found: &str, head: &[u8], said: &Said) -> String {
    let word = said.word.as_deref().and_then(well_formed);
    let header = said.header.as_deref().and_then(well_formed);
    let named = said.file_name.as_deref().or(said.address.as_deref()).and_then(of_name);
    let words = || [word, named, header].into_iter().flatten();
    let speaks = |word: &&str| !VAGUE.contains(&essence(word).as_str()) && allows(found, &essence(word), said.is_received);
    if let Some(word) = words().find(speaks) {
        return word.to_owned();
    }
    match found {
        // Of what nobody recognises even «a text» says something: letters of older alphabets do not show in bytes.
        BYTES if words().any(|word| essence(word) == "text/plain") => "text/plain".to_owned(),
        "application/zip" => in_zip(head).unwrap_or(found).to_owned(),
        _ => found.to_owned(),
    }
}

/// Whether bytes in which `found` was seen can be what `word` says.
fn allows(found: &str, word: &str, is_received: bool) -> bool {
    if word == found {
        return true;
    }
    // What a browser would run is called so only by its bytes.
    if matches!(word, "text/html" | "application/xhtml+xml") {
        return false;
    }
    match found {
        BYTES => is_received || !shows_in_bytes(word),
        "text/plain" => is_received || is_text(word),
        "text/xml" | "text/rtf" => is_text(word),
        "application/ogg" => matches!(word, "audio/ogg" | "video/ogg" | "audio/vorbis"),
        "application/gzip" => ["gzip", "tar", "compressed"].iter().any(|part| word.contains(part)),
        "video/mp4" | "audio/mp4" | "video/3gpp" | "video/quicktime" => is_received && is_film_or_sound(word),
        _ if is_zip(found) => is_received && found == "application/zip" || is_zip(word),
        _ if is_ole(found) => is_received && found == "application/x-ole-storage" || is_ole(word),
        _ => false,
    }
}

fn is_text(word: &str) -> bool {
    word.starts_with("text/") || word.ends_with("+json") || word.ends_with("+xml") || TEXTS.contains(&word)
}

fn is_zip(word: &str) -> bool {
    ["application/vnd.openxmlformats", "application/vnd.oasis.", "application/vnd.sun.xml", "application/vnd.android."]
        .iter()
        .any(|beginning| word.starts_with(beginning))
        || word.ends_with("+zip")
        || word.ends_with(".macroenabled.12")
        || matches!(
            word,
            "application/zip" | "application/java-archive" | "application/x-java-archive" | "application/vnd.google-earth.kmz"
        )
}

fn is_ole(word: &str) -> bool {
    matches!(
        word,
        "application/x-ole-storage"
            | "application/msword"
            | "application/vnd.ms-excel"
            | "application/vnd.ms-powerpoint"
            | "application/vnd.ms-outlook"
            | "application/vnd.visio"
            | "application/x-msi"
            | "application/vnd.ms-office"
    )
}

fn is_film_or_sound(word: &str) -> bool {
    word.starts_with("video/") || word.starts_with("audio/")
}

/// Types that the bytes would have shown.
fn shows_in_bytes(word: &str) -> bool {
    let shown = [
        "image/jpeg",
        "image/png",
        "image/webp",
        "image/gif",
        "application/pdf",
        "application/gzip",
        "application/vnd.rar",
        "application/x-7z-compressed",
        "video/mp4",
        "video/3gpp",
        "video/quicktime",
        "audio/mp4",
        "audio/mpeg",
        "audio/aac",
        "audio/amr",
        "audio/ogg",
        "video/webm",
        "video/x-matroska",
    ];
    shown.contains(&word) || is_zip(word) || is_ole(word)
}

/// What lies in a ZIP, as its first entries tell.
fn in_zip(head: &[u8]) -> Option<&'static str> {
    let holds = |part: &[u8]| head.windows(part.len()).any(|window| window == part);
    if holds(b"[Content_Types].xml") || holds(b"_rels/.rels") {
        let inside = [(b"word/".as_slice(), "docx"), (b"xl/", "xlsx"), (b"ppt/", "pptx")];
        return inside.iter().find(|(folder, _)| holds(folder)).and_then(|(_, extension)| of_extension(extension));
    }
    holds(b"AndroidManifest.xml").then(|| of_extension("apk")).flatten()
}

/// The type without its parameters, in lower case.
pub fn essence(word: &str) -> String {
    word.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A type that can stand in a header and in a message.
fn well_formed(word: &str) -> Option<&str> {
    let word = word.trim();
    let token = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b));
    let (kind, rest) = essence_of(word).split_once('/')?;
    let good = word.len() <= 150 && word.bytes().all(|b| (0x20..0x7f).contains(&b)) && token(kind) && token(rest);
    good.then_some(word)
}

fn essence_of(word: &str) -> &str {
    word.split(';').next().unwrap_or_default().trim()
}

fn extension(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next()?;
    let (stem, extension) = last.rsplit_once('.')?;
    let good = !stem.is_empty() && (1..=8).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    good.then(|| extension.to_ascii_lowercase())
}

fn of_extension(extension: &str) -> Option<&'static str> {
    EXTENSIONS.iter().find(|(known, _)| *known == extension).map(|(_, mime_type)| *mime_type)
}

fn of_name(name: &str) -> Option<&'static str> {
    of_extension(&extension(name)?)
}

/// The name with an extension, from the type where it has none.
pub fn with_extension(name: &str, mime_type: &str) -> String {
    let essence = essence(mime_type);
    let known = EXTENSIONS.iter().find(|(_, known)| *known == mime_type || *known == essence);
    match known {
        Some((extension, _)) if self::extension(name).is_none() => format!("{name}.{extension}"),
        _ => name.to_owned(),
    }
}

/// What a web page stands in the place of, if something else was promised: by a name, an address, or a type.
pub fn promised(said: &Said) -> Option<String> {
    let is_other = |mime_type: &str| {
        let essence = essence(mime_type);
        !VAGUE.contains(&essence.as_str())
            && !essence.starts_with("text/html")
            && !matches!(
                essence.as_str(),
                "text/markdown"
                    | "text/css"
                    | "application/xml"
                    | "text/xml"
                    | "application/xhtml+xml"
                    | "message/rfc822"
                    | "multipart/related"
            )
    };
    let names = [&said.file_name, &said.address];
    let by_name = names.into_iter().flatten().find_map(|name| of_name(name).filter(|kind| is_other(kind)).and_then(|_| extension(name)));
    let by_type = || [&said.word, &said.header].into_iter().flatten().find(|word| is_other(word)).map(|word| essence(word));
    by_name.map(|extension| if extension == "pdf" { "a PDF".to_owned() } else { format!("a .{extension} file") }).or_else(by_type)
}

/// Whether a browser would show this as a page.
pub fn is_page(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&head[..head.len().min(4096)]);
    let mut rest = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    while let Some(after) = rest.strip_prefix("<!--").and_then(|comment| comment.split_once("-->")) {
        rest = after.1.trim_start();
    }
    if let Some(after) = rest.strip_prefix("<?xml").and_then(|head| head.split_once("?>")) {
        rest = after.1.trim_start();
    }
    let begins = |tag: &str| rest.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    ["<!doctype html", "<html", "<head>", "<body", "<script"].iter().any(|tag| begins(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Said {
        Said { file_name: Some(name.to_owned()), ..Said::default() }
    }

    fn called(word: &str) -> Said {
        Said { word: Some(word.to_owned()), ..Said::default() }
    }

    #[test]
    fn a_name_decides_among_what_the_bytes_allow() {
        for (found, name, mime_type) in [
            ("application/zip", "a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ("application/zip", "A.PPTX", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
            ("application/zip", "a.apk", "application/vnd.android.package-archive"),
            ("application/zip", "a.pdf", "application/zip"),
            ("application/x-ole-storage", "a.doc", "application/msword"),
            ("text/plain", "a.csv", "text/csv"),
            ("text/plain", "a.json", "application/json"),
            ("text/plain", "a.ics", "text/calendar"),
            ("text/plain", "a.vcf", "text/vcard"),
            ("text/plain", "a.pdf", "text/plain"),
            ("text/plain", "a.html", "text/plain"),
            (BYTES, "latin1.csv", "text/csv"),
            (BYTES, "a.dwg", "image/vnd.dwg"),
            (BYTES, "latin1.txt", "text/plain"),
            (BYTES, "a.jpg", BYTES),
            (BYTES, "a.docx", BYTES),
            ("image/png", "a.jpg", "image/png"),
            ("application/pdf", "a.docx", "application/pdf"),
            ("text/html", "a.csv", "text/html"),
            ("application/vnd.microsoft.portable-executable", "a.pdf", "application/vnd.microsoft.portable-executable"),
        ] {
            assert_eq!(settle(found, b"", &named(name)), mime_type, "{found} {name}");
        }
    }

    #[test]
    fn a_senders_word_comes_before_the_name_and_the_name_before_the_header() {
        let mut said = Said { header: Some("text/tab-separated-values".into()), ..named("a.csv") };
        assert_eq!(settle("text/plain", b"", &said), "text/csv");
        said.word = Some("text/vcard; charset=utf-8".into());
        assert_eq!(settle("text/plain", b"", &said), "text/vcard; charset=utf-8");
        // A word that says nothing does not speak, nor one that breaks a header.
        for word in ["application/octet-stream", "text/plain", "", "text/vcard\r\nX: y", "nonsense"] {
            said.word = Some(word.into());
            assert_eq!(settle("text/plain", b"", &said), "text/csv", "{word:?}");
        }
        said.file_name = Some("download".into());
        assert_eq!(settle("text/plain", b"", &said), "text/tab-separated-values");
    }

    #[test]
    fn what_is_received_is_not_made_vaguer() {
        for (found, word) in [
            ("application/zip", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ("application/x-ole-storage", "application/msword"),
            ("text/plain", "application/json"),
            ("text/plain", "text/csv"),
            ("video/mp4", "audio/mp4"),
            (BYTES, "application/x-something"),
            (BYTES, "video/mp4"),
        ] {
            assert_eq!(settle(found, b"", &Said { is_received: true, ..called(word) }), word, "{found}");
        }
        assert_eq!(settle(BYTES, b"", &Said { is_received: true, ..called("text/html") }), BYTES);
        assert_eq!(settle("image/png", b"", &Said { is_received: true, ..called("image/jpeg") }), "image/png");
        assert_eq!(settle("text/html", b"", &Said { is_received: true, ..called("application/pdf") }), "text/html");
    }

    #[test]
    fn a_name_without_an_extension_gets_that_of_its_type() {
        for (name, mime_type, shown) in [
            ("download", "application/pdf", "download.pdf"),
            ("file", "text/csv; charset=latin1", "file.csv"),
            ("report v1.2 final", "application/zip", "report v1.2 final.zip"),
            ("a.bin", "application/pdf", "a.bin"),
            ("file", BYTES, "file"),
            ("voice", OPUS, "voice.ogg"),
        ] {
            assert_eq!(with_extension(name, mime_type), shown);
        }
    }

    #[test]
    fn a_page_is_one_where_something_else_was_promised() {
        for page in ["<!DOCTYPE html>", "\n <html lang=en>", "\u{feff}<!-- x --> <HTML>", "<?xml version='1.0'?>\n<!doctype HTML>"] {
            assert!(is_page(page.as_bytes()), "{page}");
        }
        assert!(!is_page(b"%PDF-1.7 <html>") && !is_page(b"<svg/>") && !is_page(b"a <html>"));
        assert_eq!(promised(&named("invoice.pdf")).as_deref(), Some("a PDF"));
        assert_eq!(promised(&named("contract.docx")).as_deref(), Some("a .docx file"));
        assert_eq!(promised(&called("application/pdf")).as_deref(), Some("application/pdf"));
        for said in [named("page.html"), named("page.php"), named("download"), called("text/html; charset=utf-8"), called("text/plain")] {
            assert_eq!(promised(&said), None, "{said:?}");
        }
        assert!(promised(&Said { address: Some("invoice.pdf".into()), ..called("text/html") }).is_some());
        assert!(promised(&Said { address: Some("page.html".into()), header: Some("text/html".into()), ..Said::default() }).is_none());
    }
}
