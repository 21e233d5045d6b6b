//! What a file shows besides its type. Everything here reads strangers' bytes: bounded, off the runtime, and a decoder
//! that panics costs the thumbnail.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use tokio::sync::Semaphore;
use wharf_api::limits;
use wharf_core::media::files::Facts;

/// The longer side of a thumbnail, in pixels, and how well it is kept.
const THUMBNAIL_PIXELS: u32 = 96;
const THUMBNAIL_QUALITY: u8 = 60;
/// The memory that a decoder may take.
const DECODER_BYTES: u64 = 256 * 1024 * 1024;
/// A small file can become a large picture: only so many are looked at in the whole process at the same time.
static DECODERS: Semaphore = Semaphore::const_new(2);
/// How much of an Ogg file's end is searched for its last page, which has 65,307 bytes at the most.
const TAIL_BYTES: u64 = 128 * 1024;
const OPUS_RATE: u64 = 48_000;
/// How many boxes of a film are looked at.
const BOXES: usize = 512;

/// Reads what the type lets us read. A file that is not what it seems shows nothing.
pub(super) async fn facts(path: PathBuf, mime_type: &str) -> io::Result<Facts> {
    let mime_type = mime_type.to_owned();
    let turn = if mime_type.starts_with("image/") { DECODERS.acquire().await.ok() } else { None };
    let work = tokio::task::spawn_blocking(move || {
        // Held by the work itself: whoever asked may have gone.
        let _turn = turn;
        match mime_type.as_str() {
            "image/jpeg" | "image/png" | "image/webp" => of_image(&path),
            "audio/ogg; codecs=opus" => Facts { seconds: opus_seconds(&path).ok().flatten(), ..Facts::default() },
            "video/mp4" | "video/3gpp" | "audio/mp4" => of_film(&path).unwrap_or_default(),
            _ => Facts::default(),
        }
    });
    Ok(work.await.unwrap_or_default())
}

fn of_image(path: &Path) -> Facts {
    let Ok(size) = imagesize::size(path) else { return Facts::default() };
    let (mut width, mut height) = (size.width as u64, size.height as u64);
    // A decoder that panics over a damaged image takes what it would have told with it, and nothing else.
    let turned = std::panic::catch_unwind(|| decoder(path)?.orientation());
    if turned.is_ok_and(|turned| turned.is_ok_and(lies_on_its_side)) {
        (width, height) = (height, width);
    }
    let measure = |side: u64| u32::try_from(side).ok();
    let mut facts = Facts { width: measure(width), height: measure(height), ..Facts::default() };
    let too_large = width > limits::IMAGE_SIDE_PIXELS || height > limits::IMAGE_SIDE_PIXELS || width * height > limits::IMAGE_PIXELS;
    if !too_large {
        let thumbnail = std::panic::catch_unwind(|| thumbnail(path));
        facts.thumbnail = thumbnail.ok().and_then(Result::ok);
    }
    facts
}

/// Cameras note how they were held instead of turning what they saw.
const fn lies_on_its_side(orientation: Orientation) -> bool {
    matches!(orientation, Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH)
}

fn bounds() -> Limits {
    let mut bounds = Limits::default();
    bounds.max_alloc = Some(DECODER_BYTES);
    bounds.max_image_width = u32::try_from(limits::IMAGE_SIDE_PIXELS).ok();
    bounds.max_image_height = bounds.max_image_width;
    bounds
}

fn decoder(path: &Path) -> image::ImageResult<impl ImageDecoder> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    reader.limits(bounds());
    reader.into_decoder()
}

fn thumbnail(path: &Path) -> image::ImageResult<Vec<u8>> {
    let mut decoder = decoder(path)?;
    // What it becomes counts too, not only what it takes on its way.
    bounds().reserve(decoder.total_bytes())?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut small = DynamicImage::from_decoder(decoder)?.thumbnail(THUMBNAIL_PIXELS, THUMBNAIL_PIXELS);
    small.apply_orientation(orientation);
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, THUMBNAIL_QUALITY).encode_image(&small.to_rgb8())?;
    Ok(jpeg)
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

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let image = image::RgbImage::from_pixel(width, height, image::Rgb([200, 30, 90]));
        image.write_to(&mut io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
        bytes
    }

    #[tokio::test]
    async fn an_image_shows_its_size_and_a_small_jpeg_of_itself() {
        let facts = facts_of(&png(320, 160), "image/png").await;
        assert_eq!((facts.width, facts.height), (Some(320), Some(160)));
        let small = image::load_from_memory(&facts.thumbnail.unwrap()).unwrap();
        assert_eq!((small.width(), small.height()), (96, 48));
    }

    /// A JPEG of that size, red on its left half, with the note of how the camera was held.
    fn photo(width: u32, height: u32, orientation: u8) -> Vec<u8> {
        let image = image::RgbImage::from_fn(width, height, |x, _| image::Rgb(if x < width / 2 { [250, 0, 0] } else { [0, 0, 250] }));
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, 90).encode_image(&image).unwrap();
        let entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0];
        let exif = [b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01".as_slice(), &entry, &[0; 4]].concat();
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
    }

    #[tokio::test]
    async fn a_photo_that_lies_on_its_side_is_turned() {
        for (orientation, sides, red) in
            [(1, (320, 160), (0, 0)), (3, (320, 160), (95, 0)), (6, (160, 320), (0, 0)), (8, (160, 320), (0, 95)), (9, (320, 160), (0, 0))]
        {
            let facts = facts_of(&photo(320, 160, orientation), "image/jpeg").await;
            assert_eq!((facts.width, facts.height), (Some(sides.0), Some(sides.1)), "{orientation}");
            let small = image::load_from_memory(&facts.thumbnail.unwrap()).unwrap().to_rgb8();
            assert_eq!(small.width() > small.height(), sides.0 > sides.1, "{orientation}");
            let image::Rgb([r, _, b]) = *small.get_pixel(red.0, red.1);
            assert!(r > 150 && b < 100, "{orientation}: {r} {b}");
        }
    }

    #[tokio::test]
    async fn an_image_that_claims_to_be_huge_is_not_decoded() {
        let mut bytes = png(4, 4);
        bytes[16..20].copy_from_slice(&50_000_u32.to_be_bytes());
        let facts = facts_of(&bytes, "image/png").await;
        assert_eq!((facts.width, facts.thumbnail), (Some(50_000), None));
    }

    #[tokio::test]
    async fn a_damaged_image_shows_no_thumbnail() {
        let mut bytes = png(64, 64);
        bytes.truncate(60);
        let facts = facts_of(&bytes, "image/png").await;
        assert_eq!((facts.width, facts.thumbnail), (Some(64), None));
        assert_eq!(facts_of(b"\xff\xd8\xff", "image/jpeg").await, Facts::default());
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
