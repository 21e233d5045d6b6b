//! What a file is, by its bytes. What a name or a header may add to that is decided in [`super::types`].

use wharf_api::types::media::MediaKind;

use super::files::Tracks;

/// How many bytes are looked at.
pub const HEAD_BYTES: usize = 8 * 1024;

/// What the first bytes of a file show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub mime_type: &'static str,
    /// What the file is if nobody says what it is for.
    pub kind: MediaKind,
}

/// The types that each kind takes; a document may be anything.
const TAKEN: &[(MediaKind, &[&str])] = &[
    (MediaKind::Image, &["image/jpeg", "image/png", "image/webp"]),
    (MediaKind::Video, &["video/mp4", "video/3gpp"]),
    (MediaKind::Audio, &["audio/aac", "audio/mp4", "audio/amr", "audio/mpeg", OPUS]),
    (MediaKind::Sticker, &["image/webp"]),
];

/// The only type of a voice note.
pub const OPUS: &str = "audio/ogg; codecs=opus";
/// What nobody recognises.
pub const BYTES: &str = "application/octet-stream";

/// How many compatible brands are looked at.
const BRANDS: usize = 64;

/// Looks at the first bytes of a file.
pub fn look(head: &[u8]) -> Found {
    let found = |mime_type, kind| Found { mime_type, kind };
    match head {
        [0xff, 0xd8, 0xff, ..] => found("image/jpeg", MediaKind::Image),
        _ if head.starts_with(b"\x89PNG\r\n\x1a\n") => found("image/png", MediaKind::Image),
        _ if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") => found("image/webp", MediaKind::Image),
        _ if head.starts_with(b"OggS") => ogg(head),
        _ if head.get(4..8) == Some(b"ftyp") => boxes(head),
        _ if head.starts_with(b"#!AMR\n") || head.starts_with(b"#!AMR-WB\n") => found("audio/amr", MediaKind::Audio),
        _ if head.starts_with(b"ID3") => found("audio/mpeg", MediaKind::Audio),
        // A mark of UTF-16 looks like the beginning of MPEG audio.
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] if is_utf16(head) => found("text/plain", MediaKind::Document),
        // Eleven bits of synchronisation. Layer 0 is AAC's, which also has no error in these bits.
        [0xff, second, ..] if second & 0xf6 == 0xf0 => found("audio/aac", MediaKind::Audio),
        [0xff, second, third, ..] if second & 0xe0 == 0xe0 && is_mpeg_audio(*second, *third) => found("audio/mpeg", MediaKind::Audio),
        _ => other(head),
    }
}

/// Whether only the tracks tell sound from film.
pub fn is_container(mime_type: &str) -> bool {
    matches!(mime_type, "video/mp4" | "audio/mp4" | "video/3gpp")
}

/// What was found, once the tracks of the file are seen.
pub fn with_tracks(found: Found, tracks: Option<Tracks>) -> Found {
    let Some(tracks) = tracks.filter(|_| is_container(found.mime_type)) else { return found };
    match (tracks.film, tracks.sound, found.mime_type) {
        (true, _, "audio/mp4") => Found { mime_type: "video/mp4", kind: MediaKind::Video },
        (false, true, "video/3gpp") => Found { mime_type: "audio/3gpp", kind: MediaKind::Document },
        (false, true, _) => Found { mime_type: "audio/mp4", kind: MediaKind::Audio },
        _ => found,
    }
}

/// Refuses a file that its kind does not take; says what it is instead.
pub fn judge(kind: MediaKind, voice: bool, mime_type: &str) -> Result<(), String> {
    if voice && mime_type != OPUS {
        return Err(format!("a voice note must be Ogg with Opus, and this is {mime_type}"));
    }
    let taken = TAKEN.iter().find(|(known, _)| *known == kind).map(|(_, types)| *types);
    match taken {
        Some(types) if !types.contains(&mime_type) => {
            Err(format!("{} is {} here, and this is {mime_type}", kind.as_str(), types.join(", ")))
        }
        _ => Ok(()),
    }
}

fn ogg(head: &[u8]) -> Found {
    // The first packet follows the table of segments.
    let packet = head.get(26).and_then(|segments| head.get(27 + usize::from(*segments)..)).unwrap_or_default();
    if packet.starts_with(b"OpusHead") {
        return Found { mime_type: OPUS, kind: MediaKind::Audio };
    }
    Found { mime_type: "application/ogg", kind: MediaKind::Document }
}

/// The brands of MPEG-4's container.
fn boxes(head: &[u8]) -> Found {
    // The first brand, or else the first of the compatible ones that is known: many makers put their own name first.
    let length = head.first_chunk().map_or(0, |length| u32::from_be_bytes(*length) as usize).clamp(16, 16 + 4 * BRANDS);
    let compatible = head.get(16..length.min(head.len())).unwrap_or_default().chunks_exact(4);
    let brands = head.get(8..12).into_iter().chain(compatible);
    let (mime_type, kind) = brands.map(brand).find(|(mime_type, _)| *mime_type != BYTES).unwrap_or((BYTES, MediaKind::Document));
    Found { mime_type, kind }
}

fn brand(brand: &[u8]) -> (&'static str, MediaKind) {
    match brand {
        b"M4A " | b"M4B " | b"M4P " => ("audio/mp4", MediaKind::Audio),
        b"qt  " => ("video/quicktime", MediaKind::Document),
        b"heic" | b"heix" | b"mif1" | b"msf1" | b"heim" | b"heis" => ("image/heic", MediaKind::Document),
        b"avif" | b"avis" => ("image/avif", MediaKind::Document),
        brand if brand.starts_with(b"3g") => ("video/3gpp", MediaKind::Video),
        b"isom" | b"iso2" | b"iso3" | b"iso4" | b"iso5" | b"iso6" | b"mp41" | b"mp42" | b"avc1" | b"dash" | b"M4V " | b"M4VH" | b"M4VP"
        | b"iso7" | b"iso8" | b"iso9" | b"MSNV" | b"f4v " | b"mmp4" | b"avc3" | b"hvc1" | b"mp71" => ("video/mp4", MediaKind::Video),
        _ => (BYTES, MediaKind::Document),
    }
}

fn is_mpeg_audio(second: u8, third: u8) -> bool {
    let (version, layer, rate) = ((second >> 3) & 3, (second >> 1) & 3, third >> 4);
    version != 1 && layer != 0 && rate != 15 && rate != 0 && (third >> 2) & 3 != 3
}

/// Everything else can be a document only, whatever it is.
fn other(head: &[u8]) -> Found {
    let mime_type = match infer::get(head) {
        Some(kind) => kind.mime_type(),
        None if !head.is_empty() && is_text(head) => "text/plain",
        None => BYTES,
    };
    Found { mime_type, kind: MediaKind::Document }
}

/// Whether the bytes behind the mark are text: pairs that belong together, and no control characters.
fn is_utf16(head: &[u8]) -> bool {
    let little = head.first() == Some(&0xff);
    let unit = |pair: &[u8]| if little { u16::from_le_bytes([pair[0], pair[1]]) } else { u16::from_be_bytes([pair[0], pair[1]]) };
    let units: Vec<u16> = head[2..].chunks_exact(2).map(unit).collect();
    // The look may end between two halves.
    let whole = match units.last() {
        Some(0xd800..=0xdbff) => &units[..units.len() - 1],
        _ => &units[..],
    };
    let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}');
    !whole.is_empty() && char::decode_utf16(whole.iter().copied()).all(|c| c.is_ok_and(|c| !control(c) && c != '\u{ffff}'))
}

fn is_text(head: &[u8]) -> bool {
    let whole = match std::str::from_utf8(head) {
        Ok(_) => true,
        // The look may end in the middle of a character.
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    };
    whole && !head.iter().any(|byte| byte.is_ascii_control() && !matches!(byte, b'\n' | b'\r' | b'\t' | 0x0c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opus() -> Vec<u8> {
        [b"OggS\0\x02".as_slice(), &[0; 20], &[1, 19], b"OpusHead\x01\x01"].concat()
    }

    #[test]
    fn a_file_is_what_its_bytes_say() {
        let opus = opus();
        let vorbis = [b"OggS\0\x02".as_slice(), &[0; 20], &[1, 30], b"\x01vorbis"].concat();
        for (head, mime_type) in [
            (b"\xff\xd8\xff\xe0\x00\x10JFIF".as_slice(), "image/jpeg"),
            (b"\x89PNG\r\n\x1a\n", "image/png"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
            (b"RIFF\x10\0\0\0WAVEfmt ", "audio/x-wav"),
            (b"GIF89a", "image/gif"),
            (&opus, OPUS),
            (&vorbis, "application/ogg"),
            (b"\0\0\0\x18ftypmp42", "video/mp4"),
            (b"\0\0\0\x18ftypisom", "video/mp4"),
            (b"\0\0\0\x18ftyp3gp4", "video/3gpp"),
            (b"\0\0\0\x18ftypM4A ", "audio/mp4"),
            (b"\0\0\0\x18ftypqt  ", "video/quicktime"),
            (b"\0\0\0\x18ftypXAVC\0\0\0\0XAVCmp42", "video/mp4"),
            (b"\0\0\0\x18ftypwhat\0\0\0\0everisom", "video/mp4"),
            (b"\0\0\0\x14ftypwhat\0\0\0\0everisom", BYTES),
            (b"\xff\xfeH\0i\0\n\0", "text/plain"),
            (b"\xfe\xff\0H\0i", "text/plain"),
            (b"\xff\xfe\x44\xc4", "text/plain"),
            (b"\xff\xfe\x44\xc4\0\0\0\0", "audio/mpeg"),
            (b"\0\0\0\x18ftypheic", "image/heic"),
            (b"#!AMR\n", "audio/amr"),
            (b"ID3\x03", "audio/mpeg"),
            (b"\xff\xfb\x90\x44", "audio/mpeg"),
            (b"\xff\xf1\x50\x80", "audio/aac"),
            (b"%PDF-1.7", "application/pdf"),
            (b"PK\x03\x04", "application/zip"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "text/plain"),
            ("grüße".as_bytes(), "text/plain"),
            (b"\x00\x01\x02", BYTES),
            (b"", BYTES),
        ] {
            assert_eq!(look(head).mime_type, mime_type, "{head:?}");
        }
    }

    #[test]
    fn a_kind_takes_its_types_and_a_document_takes_all() {
        let jpeg = look(b"\xff\xd8\xff\xe0").mime_type;
        let webp = look(b"RIFF\x10\0\0\0WEBPVP8 ").mime_type;
        let html = look(b"<html>").mime_type;
        let voice = look(&opus()).mime_type;
        assert!(judge(MediaKind::Image, false, jpeg).is_ok() && judge(MediaKind::Sticker, false, webp).is_ok());
        assert!(judge(MediaKind::Audio, true, voice).is_ok() && judge(MediaKind::Audio, false, voice).is_ok());
        for found in [jpeg, webp, html, voice] {
            assert!(judge(MediaKind::Document, false, found).is_ok());
            assert!(judge(MediaKind::Video, false, found).is_err());
        }
        assert!(judge(MediaKind::Sticker, false, jpeg).is_err());
        assert!(judge(MediaKind::Image, false, html).is_err());
        let mp3 = look(b"ID3\x03").mime_type;
        assert!(judge(MediaKind::Audio, false, mp3).is_ok());
        assert!(judge(MediaKind::Audio, true, mp3).unwrap_err().contains("Ogg with Opus"));
    }

    #[test]
    fn a_markup_that_a_browser_would_run_is_never_an_image() {
        for head in ["<svg onload=alert(1)>", "<!doctype html><script>", "<?xml version='1.0'?><svg/>"] {
            assert_eq!(look(head.as_bytes()).kind, MediaKind::Document, "{head}");
        }
    }
}
