//! What a picture shows: its sides and a small JPEG of it. Everything here reads strangers' bytes: bounded, off the runtime, and a decoder
//! that panics costs the thumbnail.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use tokio::sync::Semaphore;
use wharf_api::limits;
use wharf_core::media::files::Facts;

/// The longer side of a thumbnail, in pixels, and how well it is kept.
const THUMBNAIL_PIXELS: u32 = 96;
const THUMBNAIL_QUALITY: u8 = 60;
/// The memory that all decoders of the process take together, and one of them at the most.
const DECODER_BYTES: u64 = 256 * 1024 * 1024;
/// A small file can become a large picture: two small ones are decoded at the same time, or one that is more than half of the memory.
static TURNS: Semaphore = Semaphore::const_new(2);

/// What decoding a picture will take.
struct Plan {
    bytes: u64,
    sides: (Option<u32>, Option<u32>),
}

/// Reads sides, and makes the thumbnail where there is memory for it.
pub(super) async fn facts(path: PathBuf) -> Facts {
    let place = path.clone();
    let Ok(plan) = tokio::task::spawn_blocking(move || plan(&place)).await else { return Facts::default() };
    let mut facts = Facts { width: plan.sides.0, height: plan.sides.1, ..Facts::default() };
    if plan.bytes > DECODER_BYTES {
        return facts;
    }
    let turns = if plan.bytes > DECODER_BYTES / 2 { 2 } else { 1 };
    let Ok(turn) = TURNS.acquire_many(turns).await else { return facts };
    let work = tokio::task::spawn_blocking(move || {
        // Held by the work itself: whoever asked may have gone.
        let _turn = turn;
        std::panic::catch_unwind(|| thumbnail(&path)).ok()?.ok()
    });
    facts.thumbnail = work.await.unwrap_or_default();
    facts
}

fn plan(path: &Path) -> Plan {
    let Ok(size) = imagesize::size(path) else { return Plan { bytes: u64::MAX, sides: (None, None) } };
    let (mut width, mut height) = (size.width as u64, size.height as u64);
    let is_large = width > limits::IMAGE_SIDE_PIXELS || height > limits::IMAGE_SIDE_PIXELS || width * height > limits::IMAGE_PIXELS;
    // A decoder that panics over a damaged image takes what it would have told with it, and nothing else.
    let turned = std::panic::catch_unwind(|| decoder(path)?.0.orientation());
    if turned.is_ok_and(|turned| turned.is_ok_and(lies_on_its_side)) {
        (width, height) = (height, width);
    }
    let measure = |side: u64| u32::try_from(side).ok();
    let needed = if is_large { None } else { std::panic::catch_unwind(|| needed(path, width * height)).ok().and_then(Result::ok) };
    Plan { bytes: needed.unwrap_or(u64::MAX), sides: (measure(width), measure(height)) }
}

/// The bytes of the picture, and those that its decoder keeps beside it until the end: of a JPEG in several scans two for each of the three
/// values of a pixel, of a WebP about as much as the picture again.
fn needed(path: &Path, pixels: u64) -> image::ImageResult<u64> {
    let (decoder, format) = decoder(path)?;
    let beside = match format {
        Some(ImageFormat::Jpeg) if has_scans(path)? => 6 * pixels,
        Some(ImageFormat::WebP) => decoder.total_bytes(),
        _ => 0,
    };
    Ok(decoder.total_bytes() + beside)
}

/// Whether a JPEG has more than one scan, so that nothing of it can be shown before all of it is read.
fn has_scans(path: &Path) -> io::Result<bool> {
    let mut file = BufReader::new(File::open(path)?);
    file.seek_relative(2)?;
    let mut components = 0;
    loop {
        let mut head = [0; 4];
        file.read_exact(&mut head)?;
        let [0xff, marker, high, low] = head else { return Ok(true) };
        let length = i64::from(u16::from_be_bytes([high, low])) - 2;
        match marker {
            // Of frames, only the first two are of one pass.
            0xc0 | 0xc1 => {
                let mut frame = [0; 6];
                file.read_exact(&mut frame)?;
                components = frame[5];
                file.seek_relative(length - 6)?;
            }
            0xc2 | 0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => return Ok(true),
            0xda => {
                let mut of_scan = [0];
                file.read_exact(&mut of_scan)?;
                return Ok(of_scan[0] != components);
            }
            _ => file.seek_relative(length)?,
        }
    }
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

fn decoder(path: &Path) -> image::ImageResult<(impl ImageDecoder, Option<ImageFormat>)> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    reader.limits(bounds());
    let format = reader.format();
    Ok((reader.into_decoder()?, format))
}

fn thumbnail(path: &Path) -> image::ImageResult<Vec<u8>> {
    let (mut decoder, _) = decoder(path)?;
    // What it becomes counts too, not only what it takes on its way.
    bounds().reserve(decoder.total_bytes())?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut small = DynamicImage::from_decoder(decoder)?.thumbnail(THUMBNAIL_PIXELS, THUMBNAIL_PIXELS);
    small.apply_orientation(orientation);
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, THUMBNAIL_QUALITY).encode_image(&small.to_rgb8())?;
    Ok(jpeg)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn facts_of(bytes: &[u8]) -> Facts {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        facts(file.path().to_path_buf()).await
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let image = image::RgbImage::from_pixel(width, height, image::Rgb([200, 30, 90]));
        image.write_to(&mut io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
        bytes
    }

    #[tokio::test]
    async fn an_image_shows_its_size_and_a_small_jpeg_of_itself() {
        let facts = facts_of(&png(320, 160)).await;
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
            let facts = facts_of(&photo(320, 160, orientation)).await;
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
        let facts = facts_of(&bytes).await;
        assert_eq!((facts.width, facts.thumbnail), (Some(50_000), None));
    }

    #[tokio::test]
    async fn a_damaged_image_shows_no_thumbnail() {
        let mut bytes = png(64, 64);
        bytes.truncate(60);
        let facts = facts_of(&bytes).await;
        assert_eq!((facts.width, facts.thumbnail), (Some(64), None));
        assert_eq!(facts_of(b"\xff\xd8\xff").await, Facts::default());
    }

    /// A grey JPEG of one value everywhere: a bit for each block of 64 pixels, in the kind of frame and with so many components in the scan.
    fn grey(side: u16, frame: u8, in_scan: u8) -> Vec<u8> {
        let part = |marker: u8, body: &[u8]| {
            let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
            [&[0xff, marker], length.as_slice(), body].concat()
        };
        let sides = side.to_be_bytes();
        let components: Vec<u8> = (1..=3).flat_map(|id| [id, 0x11, 0]).collect();
        let shown: Vec<u8> = (1..=in_scan).flat_map(|id| [id, 0]).collect();
        let blocks = usize::from(side.div_ceil(8)).pow(2) * usize::from(in_scan);
        [
            vec![0xff, 0xd8],
            part(0xdb, &[[0].as_slice(), &[1; 64]].concat()),
            part(frame, &[&[8], sides.as_slice(), &sides, &[3], &components].concat()),
            part(0xc4, &[[0, 1].as_slice(), &[0; 15], &[0]].concat()),
            part(0xda, &[&[in_scan], shown.as_slice(), &[0, 0, 0]].concat()),
            vec![0; blocks.div_ceil(8)],
            vec![0xff, 0xd9],
        ]
        .concat()
    }

    #[tokio::test]
    async fn a_picture_whose_decoder_would_take_more_memory_than_all_have_together_shows_its_sides_alone() {
        const PROGRESSIVE: u8 = 0xc2;
        // 9 bytes a pixel.
        let fits = facts_of(&grey(5_400, PROGRESSIVE, 3)).await;
        assert_eq!((fits.width, fits.thumbnail.is_some()), (Some(5_400), true));
        let too_large = facts_of(&grey(5_500, PROGRESSIVE, 3)).await;
        assert_eq!((too_large.width, too_large.height, too_large.thumbnail), (Some(5_500), Some(5_500), None));
    }

    #[test]
    fn scans_are_counted_before_anything_is_decoded() {
        let look = |bytes: &[u8]| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), bytes).unwrap();
            has_scans(file.path())
        };
        assert!(!look(&photo(64, 64, 1)).unwrap());
        assert!(!look(&grey(64, 0xc0, 3)).unwrap());
        assert!(look(&grey(64, 0xc0, 1)).unwrap(), "a scan for each component");
        assert!(look(&grey(64, 0xc2, 3)).unwrap(), "progressive");
        assert!(look(b"\xff\xd8\xff\xda").is_err());
        assert!(look(b"\xff\xd8junk").unwrap());
    }
}
