//! What a file shows besides its type. Everything here reads strangers' bytes: bounded, off the runtime, and a decoder
//! that panics costs the thumbnail.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use wharf_core::media::files::Facts;

use super::picture;

/// How much of an Ogg file's end is searched for its last page, which has 65,307 bytes at the most.
const TAIL_BYTES: u64 = 128 * 1024;
const OPUS_RATE: u64 = 48_000;
/// How many boxes of a film are looked at.
const BOXES: usize = 512;

/// Reads what the type lets us read. A file that is not what it seems shows nothing.
pub(super) async fn facts(path: PathBuf, mime_type: &str) -> io::Result<Facts> {
    if matches!(mime_type, "image/jpeg" | "image/png" | "image/webp") {
        return Ok(picture::facts(path).await);
    }
    let mime_type = mime_type.to_owned();
    let work = tokio::task::spawn_blocking(move || match mime_type.as_str() {
        "audio/ogg; codecs=opus" => Facts { seconds: opus_seconds(&path).ok().flatten(), ..Facts::default() },
        "video/mp4" | "video/3gpp" | "audio/mp4" => of_film(&path).unwrap_or_default(),
        _ => Facts::default(),
    });
    Ok(work.await.unwrap_or_default())
}

/// The time of the last page, less what a decoder drops at the start, rounded up.
fn opus_seconds(path: &Path) -> io::Result<Option<u32>> {
    let mut file = File::open(path)?;
    let mut head = [0; 512];
    let read = file.read(&mut head)?;
    let Some(at) = head[..read].windows(8).position(|part| part == b"OpusHead") else { return Ok(None) };
    let skip = head.get(at + 10..at + 12).map_or(0, |two| u64::from(u16::from_le_bytes([two[0], two[1]])));
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut tail)?;
    let Some(page) = tail.windows(4).rposition(|part| part == b"OggS") else { return Ok(None) };
    let position = tail.get(page + 6..page + 14).and_then(|eight| eight.try_into().ok()).map(u64::from_le_bytes);
    // All ones is a page on which no packet ends.
    let samples = position.filter(|position| *position != u64::MAX).map(|position| position.saturating_sub(skip));
    Ok(samples.and_then(|samples| u32::try_from(samples.div_ceil(OPUS_RATE)).ok()))
}

/// Length and size of a film, out of the boxes `mvhd` and `tkhd`, and what plays in it, out of `hdlr`.
fn of_film(path: &Path) -> io::Result<Facts> {
    let mut file = BufReader::new(File::open(path)?);
    let end = file.get_ref().metadata()?.len();
    let mut facts = Facts::default();
    let mut ends = vec![end];
    let mut at = 0;
    for _ in 0..BOXES {
        while ends.last().is_some_and(|end| at >= *end) {
            ends.pop();
        }
        let Some(&limit) = ends.last() else { break };
        file.seek(SeekFrom::Start(at))?;
        let Some((kind, head, length)) = next_box(&mut file, limit - at)? else { break };
        match &kind {
            b"moov" | b"trak" | b"mdia" => {
                ends.push(at + length);
                at += head;
                continue;
            }
            b"mvhd" => facts.seconds = film_seconds(&body(&mut file, length - head)?),
            b"tkhd" => {
                let (width, height) = film_size(&body(&mut file, length - head)?);
                facts.width = facts.width.or(width);
                facts.height = facts.height.or(height);
            }
            b"hdlr" => {
                let tracks = facts.tracks.get_or_insert_default();
                match body(&mut file, length - head)?.get(8..12) {
                    Some(b"vide") => tracks.film = true,
                    Some(b"soun") => tracks.sound = true,
                    _ => {}
                }
            }
            _ => {}
        }
        at += length;
    }
    Ok(facts)
}

/// Kind, length of the head and whole length of the next box; `None` where there is none that fits into `room`.
fn next_box(file: &mut impl Read, room: u64) -> io::Result<Option<([u8; 4], u64, u64)>> {
    let mut head = [0; 8];
    if room < 8 || file.read_exact(&mut head).is_err() {
        return Ok(None);
    }
    let [a, b, c, d, kind @ ..] = head;
    let (head, length) = match u32::from_be_bytes([a, b, c, d]) {
        0 => (8, room),
        1 => {
            let mut long = [0; 8];
            file.read_exact(&mut long)?;
            (16, u64::from_be_bytes(long))
        }
        length => (8, u64::from(length)),
    };
    Ok((length >= head && length <= room).then_some((kind, head, length)))
}

fn body(file: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    file.take(length.min(256)).read_to_end(&mut body)?;
    Ok(body)
}

fn film_seconds(body: &[u8]) -> Option<u32> {
    let four = |at: usize| Some(u32::from_be_bytes(body.get(at..at + 4)?.try_into().ok()?));
    let (scale, length) = match body.first()? {
        0 => (four(12)?, u64::from(four(16)?)),
        _ => (four(20)?, u64::from(four(24)?) << 32 | u64::from(four(28)?)),
    };
    (scale > 0).then(|| length.div_ceil(u64::from(scale))).and_then(|seconds| u32::try_from(seconds).ok())
}

/// The last eight bytes, in 1/65536 pixels; sound has no size.
fn film_size(body: &[u8]) -> (Option<u32>, Option<u32>) {
    let length = match body.first() {
        Some(0) => 84,
        Some(_) => 96,
        None => return (None, None),
    };
    let side = |at: usize| Some(u32::from_be_bytes(body.get(at..at + 4)?.try_into().ok()?) >> 16).filter(|side| *side > 0);
    (side(length - 8), side(length - 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn facts_of(bytes: &[u8], mime_type: &str) -> Facts {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        facts(file.path().to_path_buf(), mime_type).await.unwrap()
    }

    #[tokio::test]
    async fn a_voice_note_shows_its_length() {
        let page = |samples: u64, packet: &[u8]| {
            let lengths = [u8::try_from(packet.len()).unwrap()];
            [b"OggS\0\0".as_slice(), &samples.to_le_bytes(), &[0; 12], &[1], &lengths, packet].concat()
        };
        let head = [b"OpusHead\x01\x01".as_slice(), &312_u16.to_le_bytes(), &[0; 7]].concat();
        let bytes = [page(0, &head), page(48_000, b"a"), page(48_000 * 3 + 312, b"b")].concat();
        assert_eq!(facts_of(&bytes, "audio/ogg; codecs=opus").await.seconds, Some(3));
        assert_eq!(facts_of(&page(0, b"x"), "audio/ogg; codecs=opus").await.seconds, None);
    }

    #[tokio::test]
    async fn a_film_shows_its_length_and_size() {
        let boxed = |kind: &[u8], body: &[u8]| [&u32::try_from(body.len() + 8).unwrap().to_be_bytes(), kind, body].concat();
        let mut header = vec![0; 100];
        header[12..16].copy_from_slice(&1000_u32.to_be_bytes());
        header[16..20].copy_from_slice(&12_345_u32.to_be_bytes());
        let mut track = vec![0; 84];
        track[76..80].copy_from_slice(&(640_u32 << 16).to_be_bytes());
        track[80..84].copy_from_slice(&(360_u32 << 16).to_be_bytes());
        let movie = boxed(b"moov", &[boxed(b"mvhd", &header), boxed(b"trak", &boxed(b"tkhd", &track))].concat());
        let film = [boxed(b"ftyp", b"isom"), boxed(b"mdat", &[0; 1000]), movie].concat();
        let facts = facts_of(&film, "video/mp4").await;
        assert_eq!(facts.tracks, None, "nothing says what the track is");
        assert_eq!((facts.width, facts.height, facts.seconds), (Some(640), Some(360), Some(13)));
        for cut in [4, 20, film.len() - 90] {
            facts_of(&film[..cut], "video/mp4").await;
        }
    }
}
